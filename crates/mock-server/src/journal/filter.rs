//! Filters for calls.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use http::Method;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Call;
use super::redact::{self, REDACTED, Secrets, header, secret_name};
use crate::readers::{text, whole};

/// Whether `operation` is the named operation or a variant of it.
pub(crate) fn is_of(named: &str, operation: &str) -> bool {
    operation.strip_prefix(named).is_some_and(|variant| variant.is_empty() || variant.starts_with('/'))
}

/// The expected value of an element of a body.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum ValueMatch {
    /// This JSON value. Numbers are compared by value: `1` equals `1.0`.
    Equal(Value),
    /// A string with this text, or a number, boolean or `null` whose JSON is this text.
    Text(String),
}

impl ValueMatch {
    fn is(&self, given: &Value) -> bool {
        match (self, given) {
            (Self::Equal(Value::Number(one)), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
            (Self::Equal(wanted), given) => wanted == given,
            (Self::Text(wanted), Value::String(given)) => wanted == given,
            (Self::Text(_), Value::Array(_) | Value::Object(_)) => false,
            (Self::Text(wanted), given) => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *given),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Equal(value) => value.clone(),
            Self::Text(text) => text.clone().into(),
        }
    }
}

impl From<Value> for ValueMatch {
    fn from(value: Value) -> Self {
        Self::Equal(value)
    }
}

/// A filter for calls. A call matches if it matches every field that is set; an empty filter matches every call.
///
/// ```
/// use identkit_mock_server::journal::Filter;
///
/// let rejected = Filter::call("putOrder").status(400).body("/Product", 12);
/// assert_eq!(rejected.to_string(), "putOrder with status 400, body /Product 12");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(default)]
#[non_exhaustive]
#[must_use]
pub struct Filter {
    /// Calls after the entry of this number.
    #[serde(deserialize_with = "since")]
    #[schemars(with = "Option<u64>")]
    pub since: u64,
    /// Calls of this vendor.
    pub vendor: Option<String>,
    /// Calls of this operation, by the clients' name; `getStatus` includes `getStatus/ExtendedList`.
    #[schemars(example = &"putOrder")]
    pub operation: Option<String>,
    /// Calls about this order or ident.
    #[serde(deserialize_with = "text")]
    #[schemars(example = &"99921269855041")]
    pub order: Option<String>,
    /// Calls with this method, in any case.
    #[serde(deserialize_with = "method")]
    #[schemars(with = "Option<String>", example = &"PUT")]
    pub method: Option<Method>,
    /// Calls with this path. If it contains a query, the query must match too.
    #[serde(deserialize_with = "text")]
    pub path: Option<String>,
    /// Calls whose response had this HTTP status.
    #[serde(deserialize_with = "status")]
    #[schemars(example = 400, range(min = 100, max = 999))]
    pub status: Option<u16>,
    /// Calls that this rule rejected.
    #[schemars(example = &"T-006")]
    pub rule: Option<String>,
    /// Calls that this fault affected.
    pub fault: Option<String>,
    /// Calls with these headers; case does not matter in the names.
    #[serde(deserialize_with = "headers")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub headers: Vec<(String, String)>,
    /// Calls with these elements of the JSON body, by JSON pointer (RFC 6901).
    #[serde(deserialize_with = "body")]
    #[schemars(with = "Option<BTreeMap<String, Value>>", extend("patternProperties" = { "^(/.*)?$": true }, "additionalProperties" = false))]
    pub body: Vec<(String, ValueMatch)>,
}

fn since<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole(from).map(Option::unwrap_or_default)
}

fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Method>, D::Error> {
    const KNOWN: [Method; 9] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    let form = "a method: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE or CONNECT";
    let wrong = || D::Error::invalid_value(Unexpected::Other("a text"), &form);
    let known = |name: String| KNOWN.into_iter().find(|method| name.eq_ignore_ascii_case(method.as_str()));
    text(from)?.map(|name| known(name).ok_or_else(wrong)).transpose()
}

fn status<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let wrong = || D::Error::invalid_value(Unexpected::Other("another value"), &"a status from 100 to 999");
    let status: Option<u16> = whole(from).map_err(|_| wrong())?;
    status.map(|status| Some(status).filter(|status| (100..=999).contains(status)).ok_or_else(wrong)).transpose()
}

/// Elements by name: as a list from a query, as an object from a body.
#[derive(Deserialize)]
#[serde(untagged)]
enum Elements<V> {
    Listed(Vec<(String, V)>),
    Named(BTreeMap<String, V>),
}

fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    let form = r#"strings by name, e.g. {"Content-Type":"application/json"}"#;
    let wrong = |_| D::Error::invalid_value(Unexpected::Other("other values"), &form);
    Ok(match Option::deserialize(from).map_err(wrong)? {
        None => Vec::new(),
        Some(Elements::Listed(headers)) => headers,
        Some(Elements::Named(headers)) => headers.into_iter().collect(),
    })
}

fn body<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, ValueMatch)>, D::Error> {
    let text = |value: Value| match value {
        Value::String(text) => ValueMatch::Text(text),
        value => ValueMatch::Equal(value),
    };
    let body: Vec<_> = match Option::deserialize(from)? {
        None => Vec::new(),
        // A query contains only text; its type is that of the element in the call.
        Some(Elements::Listed(body)) => body.into_iter().map(|(pointer, value)| (pointer, text(value))).collect(),
        Some(Elements::Named(body)) => body.into_iter().map(|(pointer, value)| (pointer, value.into())).collect(),
    };
    match body.iter().all(|(pointer, _)| pointer.is_empty() || pointer.starts_with('/')) {
        true => Ok(body),
        false => Err(D::Error::invalid_value(Unexpected::Map, &r#"pointers, e.g. {"/Address/City":"Köln"}"#)),
    }
}

/// A difference between a call and a filter.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// Compared part of the call: `operation`, `header content-type`, `body /Product`.
    pub what: String,
    /// Expected value.
    pub wanted: Value,
    /// Actual value; null if it is missing. Secrets are masked.
    pub got: Option<Value>,
    /// Weight. The sum over the differences of a call is its distance from the filter.
    #[serde(skip)]
    pub weight: u32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: wanted {}, ", self.what, short(&self.wanted))?;
        match &self.got {
            Some(got) => write!(f, "got {}", short(got)),
            None => f.write_str("missing"),
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

fn masked(pointer: &str, wanted: &ValueMatch) -> Value {
    let mut value = wanted.value();
    match pointer.split('/').any(secret_name) {
        true => value = REDACTED.into(),
        false => redact::value(&mut value),
    }
    value
}

impl Filter {
    /// Creates a filter that matches all calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a filter for an operation, by its name.
    pub fn call(operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..Self::default() }
    }

    /// Restricts it to calls after the entry of this number.
    pub fn since(mut self, sequence: u64) -> Self {
        self.since = sequence;
        self
    }

    /// Restricts it to calls of this vendor.
    pub fn vendor(mut self, name: impl Into<String>) -> Self {
        self.vendor = Some(name.into());
        self
    }

    /// Restricts it to calls about this case, by the vendor's id.
    pub fn order(mut self, case: impl Into<String>) -> Self {
        self.order = Some(case.into());
        self
    }

    /// Restricts it to calls with this method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Restricts it to calls with this path. The query is compared only if `path` contains a `?`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Restricts it to calls with this response status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Restricts it to calls that this rule rejected, e.g. `T-056`.
    pub fn refused_by(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Restricts it to calls that this fault affected, by its name.
    pub fn fault(mut self, name: impl Into<String>) -> Self {
        self.fault = Some(name.into());
        self
    }

    /// Restricts it to calls with this header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Restricts it to calls whose JSON body has this value at this pointer (RFC 6901), e.g. `/Address/City`.
    pub fn body(mut self, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.push((pointer.into(), ValueMatch::Equal(value.into())));
        self
    }

    /// Whether a call matches. [`since`](Self::since) is ignored.
    pub fn fits(&self, call: &Call) -> bool {
        self.compare(call, false, &mut |_| ControlFlow::Break(())).is_continue()
    }

    /// Returns all differences of a call.
    pub fn differences(&self, call: &Call) -> Vec<Difference> {
        let mut all = Vec::new();
        let _ = self.compare(call, true, &mut |difference| {
            all.push(difference);
            ControlFlow::Continue(())
        });
        all
    }

    /// Passes each difference to `report`. Masks actual values of the body only if `mask` is set, because it takes
    /// time.
    fn compare(
        &self,
        call: &Call,
        mask: bool,
        report: &mut dyn FnMut(Difference) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut differs = |what: &str, weight: u32, wanted: Value, got: Option<Value>| {
            report(Difference { what: what.to_owned(), wanted, got, weight })
        };
        // Cheap comparisons first: most calls of a long journal differ in these.
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
        let masked_body = if mask && body.is_some() { call.json_body(Secrets::Masked) } else { None };
        for (pointer, wanted) in &self.body {
            let given = body.as_ref().and_then(|body| body.pointer(pointer));
            if !given.is_some_and(|given| wanted.is(given)) {
                // If the masked body lacks the element, it is part of a masked value.
                let value = masked_body.as_ref().and_then(|body| body.pointer(pointer)).cloned();
                let got = given.map(|_| value.unwrap_or_else(|| REDACTED.into()));
                let weight = if given.is_some() { 1 } else { 2 };
                differs(&format!("body {pointer}"), weight, masked(pointer, wanted), got)?;
            }
        }
        ControlFlow::Continue(())
    }
}

impl fmt::Display for Filter {
    /// Writes one line, e.g. `putOrder with status 202, body /Product 15`.
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
            say(&format!("body {pointer}"), Some(short(&masked(pointer, wanted))));
        }
        match all.is_empty() {
            true => Ok(()),
            false => write!(f, " with {}", all.join(", ")),
        }
    }
}
