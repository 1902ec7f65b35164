//! Which calls are meant.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use http::Method;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Call;
use super::redact::{self, REDACTED, Secrets, header, secret_name};
use crate::readers::parsed;

pub(crate) fn is_of(named: &str, operation: &str) -> bool {
    operation.strip_prefix(named).is_some_and(|variant| variant.is_empty() || variant.starts_with('/'))
}

/// What a header or an element of a body must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// This JSON value; numbers count by what they are worth.
    Equal(Value),
    /// A text like this, or a number, `true`, `false` or `null` that is written so.
    Written(String),
}

impl Wanted {
    fn is(&self, given: &Value) -> bool {
        match (self, given) {
            (Self::Equal(Value::Number(one)), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
            (Self::Equal(wanted), given) => wanted == given,
            (Self::Written(wanted), Value::String(given)) => wanted == given,
            (Self::Written(_), Value::Array(_) | Value::Object(_)) => false,
            (Self::Written(wanted), given) => {
                serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *given)
            }
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Equal(value) => value.clone(),
            Self::Written(text) => text.clone().into(),
        }
    }
}

impl From<Value> for Wanted {
    fn from(value: Value) -> Self {
        Self::Equal(value)
    }
}

/// Which calls are meant: those that fit all that is said; all of them when nothing is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Filter {
    /// Calls after the entry of this number.
    #[serde(deserialize_with = "since")]
    #[schemars(with = "Option<u64>")]
    pub since: u64,
    /// Calls of this vendor.
    pub vendor: Option<String>,
    /// Calls of this operation, as the clients name it; `getStatus` means `getStatus/ExtendedList` too.
    #[schemars(example = &"putOrder")]
    pub operation: Option<String>,
    /// Calls about this order or ident.
    #[serde(deserialize_with = "parsed")]
    #[schemars(example = &"99921269855041")]
    pub order: Option<String>,
    /// Calls with this method, in any case.
    #[serde(deserialize_with = "method")]
    #[schemars(with = "Option<String>", example = &"PUT")]
    pub method: Option<Method>,
    /// Calls with this path, and with this query if there is one.
    #[serde(deserialize_with = "parsed")]
    pub path: Option<String>,
    /// Calls that were answered with this HTTP status.
    #[serde(deserialize_with = "parsed")]
    #[schemars(example = 400, range(min = 0, max = 65535))]
    pub status: Option<u16>,
    /// Calls that were refused by this rule.
    #[schemars(example = &"T-006")]
    pub rule: Option<String>,
    /// Calls that this fault was injected in.
    pub fault: Option<String>,
    /// Calls with these headers, by their names in any case.
    #[serde(deserialize_with = "headers")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub headers: Vec<(String, String)>,
    /// Calls with these elements of the JSON body, by their pointers (RFC 6901).
    #[serde(deserialize_with = "body")]
    #[schemars(with = "Option<BTreeMap<String, Value>>", extend("patternProperties" = { "^(/.*)?$": true }, "additionalProperties" = false))]
    pub body: Vec<(String, Wanted)>,
}

fn since<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    parsed(from).map(Option::unwrap_or_default)
}

fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Method>, D::Error> {
    let wrong = |_| D::Error::invalid_value(Unexpected::Other("a text"), &"GET, PUT or another method");
    let method = |name: String| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).map_err(wrong);
    parsed(from)?.map(method).transpose()
}

/// Elements by their names: those of a query in its order.
#[derive(Deserialize)]
#[serde(untagged)]
enum Elements<V> {
    Listed(Vec<(String, V)>),
    Named(BTreeMap<String, V>),
}

fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    Ok(match Option::deserialize(from)? {
        None => Vec::new(),
        Some(Elements::Listed(headers)) => headers,
        Some(Elements::Named(headers)) => headers.into_iter().collect(),
    })
}

fn body<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, Wanted)>, D::Error> {
    let text = |value: Value| match value {
        Value::String(text) => Wanted::Written(text),
        value => Wanted::Equal(value),
    };
    let body: Vec<_> = match Option::deserialize(from)? {
        None => Vec::new(),
        // An element of a query is a text; what it stands for is seen at the call.
        Some(Elements::Listed(body)) => body.into_iter().map(|(pointer, value)| (pointer, text(value))).collect(),
        Some(Elements::Named(body)) => body.into_iter().map(|(pointer, value)| (pointer, value.into())).collect(),
    };
    match body.iter().all(|(pointer, _)| pointer.is_empty() || pointer.starts_with('/')) {
        true => Ok(body),
        false => Err(D::Error::invalid_value(Unexpected::Map, &r#"pointers, e.g. {"/Address/City":"Köln"}"#)),
    }
}

/// In what a call differs from what is meant.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// What is looked at: `operation`, `header content-type`, `body /Product`.
    pub what: String,
    /// What it should be.
    pub wanted: Value,
    /// What it is, if it is there. A secret is masked.
    pub got: Option<Value>,
    /// How far apart that is; the sum over a call's differences says how near it comes.
    #[serde(skip)]
    pub weight: u32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: wanted {}, ", self.what, short(&self.wanted))?;
        match &self.got {
            Some(got) => write!(f, "got {}", short(got)),
            None => f.write_str("not there"),
        }
    }
}

pub(super) fn short(value: &Value) -> String {
    const LINE: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LINE).and_then(|(end, _)| text.get(..end)) {
        Some(beginning) => format!("{beginning}…"),
        None => text,
    }
}

fn told_of(pointer: &str, wanted: &Wanted) -> Value {
    let mut told = wanted.value();
    match pointer.split('/').any(secret_name) {
        true => told = REDACTED.into(),
        false => redact::value(&mut told),
    }
    told
}

impl Filter {
    /// All calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of this operation, by its name.
    pub fn call(operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..Self::default() }
    }

    /// Whether a call fits. [`since`](Self::since) is not asked.
    pub fn fits(&self, call: &Call) -> bool {
        self.compare(call, false, &mut |_| ControlFlow::Break(())).is_continue()
    }

    /// All in which a call differs.
    pub fn differences(&self, call: &Call) -> Vec<Difference> {
        let mut all = Vec::new();
        let _ = self.compare(call, true, &mut |difference| {
            all.push(difference);
            ControlFlow::Continue(())
        });
        all
    }

    /// Finds what differs. What stands there is told only if that is wanted: masking takes time.
    fn compare(
        &self,
        call: &Call,
        tell: bool,
        found: &mut dyn FnMut(Difference) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut differs = |what: &str, weight: u32, wanted: Value, got: Option<Value>| {
            found(Difference { what: what.to_owned(), wanted, got, weight })
        };
        // The cheap ones first: most calls of a long journal differ in these. Another operation is another thing.
        let named = self.operation.as_deref().filter(|named| !call.operation.is_some_and(|name| is_of(named, name)));
        for (what, weight, wanted, got) in [
            ("operation", 8, named, call.operation),
            ("vendor", 4, self.vendor.as_deref(), call.vendor),
            ("order", 2, self.order.as_deref(), call.case.as_deref()),
            ("method", 2, self.method.as_ref().map(Method::as_str), Some(call.method.as_str())),
            ("fault", 1, self.fault.as_deref(), call.fault),
        ] {
            if let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != got) {
                differs(what, weight, wanted.into(), got.map(Into::into))?;
            }
        }
        let whole = self.path.as_ref().is_some_and(|path| path.contains('?'));
        let path = if whole { call.path() } else { call.uri.path() };
        if let Some(wanted) = self.path.as_deref().filter(|wanted| *wanted != path) {
            differs("path", 2, redact::path(wanted).into(), Some(redact::path(path).into()))?;
        }
        if let Some(wanted) = self.status.filter(|status| Some(*status) != call.status) {
            differs("status", 1, wanted.into(), call.status.map(Value::from))?;
        }
        let rules: Vec<&str> = call.refused.iter().map(|fault| fault.rule).collect();
        if let Some(wanted) = self.rule.as_deref().filter(|wanted| !rules.contains(wanted)) {
            differs("rule", 1, wanted.into(), (!rules.is_empty()).then(|| rules.join(", ").into()))?;
        }
        for (name, wanted) in &self.headers {
            let given: Vec<_> = call.headers.get_all(name).collect();
            if !given.contains(&wanted.as_bytes()) {
                let got = given.first().map(|value| header(name, &String::from_utf8_lossy(value)).into());
                let weight = if got.is_some() { 1 } else { 2 };
                differs(&format!("header {}", name.to_ascii_lowercase()), weight, header(name, wanted).into(), got)?;
            }
        }
        let body = if self.body.is_empty() { None } else { call.body.json() };
        let told = if tell && body.is_some() { call.json_body(Secrets::Masked) } else { None };
        for (pointer, wanted) in &self.body {
            let given = body.as_ref().and_then(|body| body.pointer(pointer));
            if !given.is_some_and(|given| wanted.is(given)) {
                // What is not there any more is part of what is masked.
                let told = told.as_ref().and_then(|told| told.pointer(pointer)).cloned();
                let got = given.map(|_| told.unwrap_or_else(|| REDACTED.into()));
                let weight = if given.is_some() { 1 } else { 2 };
                differs(&format!("body {pointer}"), weight, told_of(pointer, wanted), got)?;
            }
        }
        ControlFlow::Continue(())
    }
}

impl fmt::Display for Filter {
    /// In a line, e.g. `putOrder with status 202, body /Product 15`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation.as_deref().unwrap_or("any call"))?;
        let mut all: Vec<String> = Vec::new();
        let mut say = |name: &str, value: Option<String>| all.extend(value.map(|value| format!("{name} {value}")));
        say("vendor", self.vendor.clone());
        say("order", self.order.clone());
        say("method", self.method.as_ref().map(Method::to_string));
        say("path", self.path.as_deref().map(redact::path));
        say("status", self.status.map(|status| status.to_string()));
        say("rule", self.rule.clone());
        say("fault", self.fault.clone());
        for (name, value) in &self.headers {
            say(&format!("header {}", name.to_ascii_lowercase()), Some(header(name, value)));
        }
        for (pointer, wanted) in &self.body {
            say(&format!("body {pointer}"), Some(short(&told_of(pointer, wanted))));
        }
        match all.is_empty() {
            true => Ok(()),
            false => write!(f, " with {}", all.join(", ")),
        }
    }
}
