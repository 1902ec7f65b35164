//! How an entry is told, in JSON.

use serde_json::{Map, Value, json};

use super::redact::{Secrets, names_one, shape};
use crate::facts::Login;

use super::{Call, Entry, Form, Headers, StoredBody, What};

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
                "error": tried.error.as_ref().map(|error| secrets.text(error)),
            }),
            What::Moved { case, by } => json!({ "kind": "moved", "order": case, "by": secrets.text(by) }),
            What::Changed { what, how } => json!({ "kind": "changed", "what": what, "how": secrets.text(how) }),
        };
        if let Some(told) = told.as_object_mut() {
            told.insert("sequence".into(), self.sequence.into());
            told.insert("at".into(), self.at.to_string().into());
        }
        told
    }
}

impl Call {
    /// The call that exchanges credentials for a token, if this is one or would be one by its path.
    fn login(&self) -> Option<Login> {
        self.facts?.login.filter(|login| login.matches(self.uri.path()))
    }

    /// Its body, if that is JSON.
    pub(super) fn json_body(&self, secrets: Secrets) -> Option<Value> {
        let mut body = secrets.value(self.body.json()?);
        if secrets == Secrets::Masked
            && let Some(login) = self.login()
        {
            shape(&mut body, login.request);
        }
        Some(body)
    }

    fn told_body(&self, secrets: Secrets) -> Value {
        match self.json_body(secrets) {
            Some(body) if self.body.len > 0 => body,
            _ if secrets == Secrets::Masked && self.login().is_some() && self.body.len > 0 => {
                json!({ "bytes": self.body.len })
            }
            _ => self.body.to_json(secrets),
        }
    }

    fn told_answer(&self, secrets: Secrets) -> Value {
        let mut told = self.answer.to_json(secrets);
        if secrets == Secrets::Masked
            && self.refused.is_empty()
            && let Some(login) = self.login()
        {
            shape(&mut told, login.response);
            return told;
        }
        // What the sandbox says of a refusal is its own text, which holds no value of the request.
        if secrets == Secrets::Masked && !self.refused.is_empty() {
            self.explained(&mut told);
        }
        told
    }

    /// Puts the sandbox's own text back where it looked like a secret, such as the name of a header.
    fn explained(&self, told: &mut Value) {
        let own = self.refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if let Some(given) = self.answer.json() {
            restore(told, &given, &own);
        }
    }

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
            "body": self.told_body(secrets),
            "status": self.status,
            "answer_headers": headers(&self.answer_headers, secrets),
            "answer": self.told_answer(secrets),
            "fault": self.fault,
            "rules": rules,
        })
    }
}

/// Puts this text back wherever it was given.
fn restore(told: &mut Value, given: &Value, text: &str) {
    match (told, given) {
        (Value::Object(told), Value::Object(given)) => {
            told.iter_mut().filter_map(|(key, told)| Some((told, given.get(key)?))).for_each(|(told, given)| {
                restore(told, given, text);
            });
        }
        (Value::Array(told), Value::Array(given)) => {
            told.iter_mut().zip(given).for_each(|(told, given)| restore(told, given, text));
        }
        (told, Value::String(given)) if given == text => *told = text.into(),
        _ => {}
    }
}

fn headers(headers: &Headers, secrets: Secrets) -> Value {
    let mut told = Map::new();
    for (name, value) in headers.iter() {
        let value = secrets.header(name, &String::from_utf8_lossy(value));
        match told.get_mut(name) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => {
                told.insert(name.to_owned(), value.into());
            }
        }
    }
    Value::Object(told)
}

impl StoredBody {
    /// JSON as JSON, other text as text, and of everything else how long it is; `Null` when there is none.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        if self.len == 0 {
            return Value::Null;
        }
        if let Some(value) = self.json() {
            return secrets.value(value);
        }
        // Of text that is no JSON nothing is told when it could hold a secret.
        let text = std::str::from_utf8(&self.bytes).ok();
        match text.filter(|text| secrets == Secrets::Revealed || !names_one(text)) {
            Some(text) if self.form == Form::Whole => secrets.text(text).into(),
            _ => json!({ "bytes": self.len }),
        }
    }
}
