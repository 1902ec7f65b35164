//! Journal entries as the admin API writes them.

use jiff::Timestamp;
#[cfg(feature = "server")]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::redact::{Secrets, names_one, shape};
use super::{Call, Entry, Form, StoredBody, What};
use crate::facts::Login;
#[cfg(feature = "server")]
use crate::json_time::Time;

/// A journal entry.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema), schemars(rename = "Entry"))]
#[serde(untagged)]
pub(crate) enum EntryView {
    Call(Box<CallEntry>),
    Timer(TimerEntry),
    Attempt(Box<AttemptEntry>),
    Moved(MovedEntry),
    Changed(ChangedEntry),
}

/// A vendor was called, and responded.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
pub(crate) struct CallEntry {
    #[cfg_attr(feature = "server", schemars(extend("const" = "call")))]
    kind: &'static str,
    /// Number in the world, from 1 without a gap.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    sequence: u64,
    #[cfg_attr(feature = "server", schemars(with = "Time"))]
    at: Timestamp,
    vendor: Option<&'static str>,
    /// The operation as the clients name it; null if no operation has this path.
    #[cfg_attr(feature = "server", schemars(example = &"putOrder"))]
    operation: Option<&'static str>,
    /// The order or ident that it is about, if the call names it.
    order: Option<String>,
    /// Method of the request.
    method: String,
    /// Path and query; secrets are masked.
    path: String,
    headers: Headers,
    body: Body,
    /// Status of the response; null without a response.
    #[cfg_attr(feature = "server", schemars(range(min = 100, max = 999)))]
    status: Option<u16>,
    answer_headers: Headers,
    answer: Body,
    /// The injected fault.
    fault: Option<&'static str>,
    /// The rules that refused the call, in the order of the refusal.
    rules: Vec<&'static str>,
}

/// Headers by their names in lower case; several of one name are joined by a comma. Credentials are masked.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
struct Headers(
    #[cfg_attr(feature = "server", schemars(with = "std::collections::BTreeMap<String, String>"))] Map<String, Value>,
);

/// JSON as JSON, other text as text, null without a body; of everything else the number of bytes: `{"bytes":N}`. Of a
/// body longer than 64 KiB the beginning is kept, of JSON all but its long texts. Secrets are masked.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
struct Body(Value);

/// A timer was due.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
pub(crate) struct TimerEntry {
    #[cfg_attr(feature = "server", schemars(extend("const" = "timer")))]
    kind: &'static str,
    /// Number in the world, from 1 without a gap.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    sequence: u64,
    #[cfg_attr(feature = "server", schemars(with = "Time"))]
    at: Timestamp,
    /// The vendor whose timer it was, or `sandbox`.
    vendor: &'static str,
    /// What was due.
    #[cfg_attr(feature = "server", schemars(example = &"retry"))]
    what: &'static str,
    /// Id of the order, ident or delivery.
    subject: String,
}

/// A delivery attempt of a webhook.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
pub(crate) struct AttemptEntry {
    #[cfg_attr(feature = "server", schemars(extend("const" = "attempt")))]
    kind: &'static str,
    /// Number in the world, from 1 without a gap.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    sequence: u64,
    #[cfg_attr(feature = "server", schemars(with = "Time"))]
    at: Timestamp,
    /// Number of the webhook.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    delivery: u64,
    vendor: &'static str,
    /// The order or ident.
    order: String,
    /// Event that the webhook reports.
    event: String,
    /// Number of the attempt, from 1.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    number: usize,
    /// The receiver's status.
    #[cfg_attr(feature = "server", schemars(range(min = 100, max = 999)))]
    status: Option<u16>,
    /// Whether the vendor counts the attempt as delivered, will retry, or gives up.
    #[cfg_attr(feature = "server", schemars(extend("enum" = ["delivered", "retry", "failed"])))]
    outcome: &'static str,
    /// Time of the next attempt.
    #[cfg_attr(feature = "server", schemars(with = "Option<Time>"))]
    next: Option<Timestamp>,
    /// What made the attempt.
    #[cfg_attr(feature = "server", schemars(extend("enum" = ["schedule", "release", "resend", "duplicate"])))]
    by: &'static str,
    /// Why there is no status.
    error: Option<String>,
}

/// Somebody played the person, or set a status.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
pub(crate) struct MovedEntry {
    #[cfg_attr(feature = "server", schemars(extend("const" = "moved")))]
    kind: &'static str,
    /// Number in the world, from 1 without a gap.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    sequence: u64,
    #[cfg_attr(feature = "server", schemars(with = "Time"))]
    at: Timestamp,
    /// The order or ident.
    order: String,
    /// The story, or the status as JSON.
    by: String,
}

/// A change of the world.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "server", derive(JsonSchema))]
pub(crate) struct ChangedEntry {
    #[cfg_attr(feature = "server", schemars(extend("const" = "changed")))]
    kind: &'static str,
    /// Number in the world, from 1 without a gap.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    sequence: u64,
    #[cfg_attr(feature = "server", schemars(with = "Time"))]
    at: Timestamp,
    /// What was changed.
    #[cfg_attr(feature = "server", schemars(example = &"clock"))]
    what: &'static str,
    /// In short, how.
    how: String,
}

impl Entry {
    /// It in JSON: `sequence`, `at`, `kind` (`call`, `timer`, `attempt`, `moved` or `changed`), and what belongs to that.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        serde_json::to_value(self.view(secrets)).unwrap_or_default()
    }

    /// It as the admin API writes it.
    pub(crate) fn view(&self, secrets: Secrets) -> EntryView {
        let (sequence, at) = (self.sequence, self.at);
        match &self.what {
            What::Call(call) => EntryView::Call(Box::new(self.call_view(call, secrets))),
            What::Fired { vendor, what, subject } => {
                EntryView::Timer(TimerEntry { kind: "timer", sequence, at, vendor, what, subject: subject.clone() })
            }
            What::Attempt(tried) => EntryView::Attempt(Box::new(AttemptEntry {
                kind: "attempt",
                sequence,
                at,
                delivery: tried.delivery,
                vendor: tried.vendor,
                order: tried.case.clone(),
                event: tried.event.clone(),
                number: tried.number,
                status: tried.status,
                outcome: if tried.delivered {
                    "delivered"
                } else if tried.next.is_some() {
                    "retry"
                } else {
                    "failed"
                },
                next: tried.next,
                by: tried.by.name(),
                error: tried.error.as_ref().map(|error| secrets.text(error).into_owned()),
            })),
            What::Moved { case, by } => {
                let by = secrets.text(by).into_owned();
                EntryView::Moved(MovedEntry { kind: "moved", sequence, at, order: case.clone(), by })
            }
            What::Changed { what, how } => EntryView::Changed(ChangedEntry {
                kind: "changed",
                sequence,
                at,
                what,
                how: secrets.text(how).into_owned(),
            }),
        }
    }

    /// A call as the admin API writes it.
    pub(crate) fn call_view(&self, call: &Call, secrets: Secrets) -> CallEntry {
        CallEntry {
            kind: "call",
            sequence: self.sequence,
            at: self.at,
            vendor: call.vendor,
            operation: call.operation,
            order: call.case.clone(),
            method: call.method.to_string(),
            path: secrets.path(call.path()),
            headers: Headers(headers(&call.headers, secrets)),
            body: Body(call.body_view(secrets)),
            status: call.status,
            answer_headers: Headers(headers(&call.answer_headers, secrets)),
            answer: Body(call.answer_view(secrets)),
            fault: call.fault,
            rules: call.refused.iter().map(|fault| fault.rule).collect(),
        }
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

    fn body_view(&self, secrets: Secrets) -> Value {
        match self.json_body(secrets) {
            Some(body) if self.body.len > 0 => body,
            _ if secrets == Secrets::Masked && self.login().is_some() && self.body.len > 0 => {
                json!({ "bytes": self.body.len })
            }
            _ => self.body.to_json(secrets),
        }
    }

    fn answer_view(&self, secrets: Secrets) -> Value {
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

fn headers(headers: &super::Headers, secrets: Secrets) -> Map<String, Value> {
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
    told
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
