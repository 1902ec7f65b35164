//! How an entry is told, in JSON.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Call, Entry, Form, Kept, What};

/// What stands for a secret.
pub(crate) const MASK: &str = "(masked)";

/// Whether secrets are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Credentials, tokens and cookies are replaced.
    #[default]
    Masked,
    /// Everything is told as it was.
    Revealed,
}

/// Whether what has this name is a secret: as a header, an element of a body, or a parameter.
pub(super) fn secret_name(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-token",
        "x-api-key",
        "apikey",
        "api_key",
        "token",
        "customer_code",
    ];
    NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// A header or an element of this name, without what is secret in it; the scheme of credentials may be seen.
pub(super) fn masked(name: &str, value: &str) -> String {
    if !secret_name(name) {
        return value.to_owned();
    }
    match value.split_once(' ') {
        Some((scheme, _)) if name.to_ascii_lowercase().ends_with("authorization") => format!("{scheme} {MASK}"),
        _ => MASK.to_owned(),
    }
}

impl Secrets {
    fn header(self, name: &str, value: &str) -> String {
        match self {
            Self::Masked => masked(name, value),
            Self::Revealed => value.to_owned(),
        }
    }

    /// A path with its query.
    fn path(self, path: &str) -> String {
        let (Self::Masked, Some((path, query))) = (self, path.split_once('?')) else { return path.to_owned() };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if secret_name(name) => Cow::from(format!("{name}={MASK}")),
            _ => Cow::from(pair),
        });
        format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    fn value(self, mut value: Value) -> Value {
        if self == Self::Masked {
            mask(&mut value);
        }
        value
    }

    /// A text that is no JSON, unless it could hold a secret.
    fn text(self, text: &str) -> Option<&str> {
        let lower = text.to_ascii_lowercase();
        let may_hold_one = ["apikey", "api_key", "token", "authorization", "customer_code"];
        let told = self == Self::Revealed || !may_hold_one.iter().any(|name| lower.contains(name));
        told.then_some(text)
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::Null => {}
                    _ if secret_name(name) => *value = MASK.into(),
                    value => mask(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

impl Entry {
    /// It in JSON: `sequence`, `at`, `kind` (`call`, `timer`, `attempt`, `moved` or `changed`), and what belongs to that.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        let mut told = match &self.what {
            What::Call(call) => call.to_json(secrets),
            What::Fired { vendor, what, subject } => {
                json!({ "kind": "timer", "vendor": vendor, "what": what, "subject": subject })
            }
            What::Attempt(tried) => json!({
                "kind": "attempt",
                "delivery": tried.delivery,
                "vendor": tried.vendor,
                "order": tried.case,
                "event": tried.event,
                "number": tried.number,
                "status": tried.status,
                "outcome": if tried.delivered { "delivered" } else if tried.next.is_some() { "retry" } else { "failed" },
                "next": tried.next.map(|at| at.to_string()),
                "by": tried.by.name(),
                "error": tried.error,
            }),
            What::Moved { case, by } => json!({ "kind": "moved", "order": case, "by": by }),
            What::Changed { what, how } => json!({ "kind": "changed", "what": what, "how": how }),
        };
        if let Some(told) = told.as_object_mut() {
            told.insert("sequence".into(), self.sequence.into());
            told.insert("at".into(), self.at.to_string().into());
        }
        told
    }
}

impl Call {
    fn to_json(&self, secrets: Secrets) -> Value {
        let rules: Vec<&str> = self.refused.iter().map(|fault| fault.rule).collect();
        json!({
            "kind": "call",
            "vendor": self.vendor,
            "operation": self.operation,
            "order": self.case,
            "method": self.method.as_str(),
            "path": secrets.path(self.path()),
            "headers": headers(&self.headers, secrets),
            "body": self.body.to_json(secrets),
            "status": self.status,
            "answer_headers": headers(&self.answer_headers, secrets),
            "answer": self.answer.to_json(secrets),
            "fault": self.fault,
            "rules": rules,
        })
    }
}

fn headers(headers: &HeaderMap, secrets: Secrets) -> Value {
    let mut told = Map::new();
    for (name, value) in headers {
        let value = secrets.header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        match told.get_mut(name.as_str()) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => {
                told.insert(name.as_str().to_owned(), value.into());
            }
        }
    }
    Value::Object(told)
}

impl Kept {
    /// JSON as JSON, other text as text, and of everything else how long it is; `Null` when there is none.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        if self.len == 0 {
            return Value::Null;
        }
        if let Some(value) = self.json() {
            return secrets.value(value);
        }
        match std::str::from_utf8(&self.bytes).ok().and_then(|text| secrets.text(text)) {
            Some(text) if self.form == Form::Whole => text.into(),
            _ => json!({ "bytes": self.len }),
        }
    }
}
