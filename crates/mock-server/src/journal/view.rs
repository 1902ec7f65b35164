//! Journal entries as the admin API writes them, and in their canonical form: the same bytes for the same seed and script.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::redact::{Secrets, names_one, shape};
use super::{Call, Entry, Form, StoredBody, What};
use crate::Login;
use crate::webhooks::{Cause, outcome};

/// A time in the world, RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("format" = "date-time"))]
pub(crate) struct Time(#[schemars(with = "String")] pub(crate) Timestamp);

/// A journal entry.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Entry")]
pub(crate) struct EntryView {
    /// Number in the world, from 1 without a gap.
    #[schemars(range(min = 1))]
    sequence: u64,
    at: Time,
    #[serde(flatten)]
    what: WhatView,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum WhatView {
    /// A vendor was called, and responded.
    Call(Box<CallView>),
    /// A timer was due.
    Timer {
        /// The vendor whose timer it was, or `sandbox`.
        vendor: &'static str,
        /// What was due.
        #[schemars(example = &"retry")]
        what: &'static str,
        /// Id of the order, ident or delivery.
        subject: String,
    },
    /// A delivery attempt of a webhook.
    Attempt {
        /// Number of the webhook.
        #[schemars(range(min = 1))]
        delivery: u64,
        vendor: &'static str,
        /// The order or ident.
        order: String,
        /// Event that the webhook reports.
        event: String,
        /// Number of the attempt, from 1.
        #[schemars(range(min = 1))]
        number: usize,
        /// The receiver's status.
        #[schemars(range(min = 100, max = 999))]
        status: Option<u16>,
        /// Whether the vendor counts the attempt as delivered, will retry, or gives up.
        #[schemars(extend("enum" = ["delivered", "retry", "failed"]))]
        outcome: &'static str,
        /// Time of the next attempt.
        next: Option<Time>,
        /// What made the attempt.
        by: Cause,
        /// Why there is no status.
        error: Option<String>,
    },
    /// Somebody played the person, or set a status.
    Moved {
        /// The order or ident.
        order: String,
        /// The story, or the status as JSON.
        by: String,
    },
    /// A change of the world.
    Changed {
        /// What was changed.
        #[schemars(example = &"clock")]
        what: &'static str,
        /// In short, how.
        how: String,
    },
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct CallView {
    vendor: Option<&'static str>,
    /// The operation as the clients name it; null if no operation has this path.
    #[schemars(example = &"putOrder")]
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
    #[schemars(range(min = 100, max = 999))]
    status: Option<u16>,
    answer_headers: Headers,
    answer: Body,
    /// The injected fault.
    fault: Option<&'static str>,
    /// The rules that refused the call, in the order of the refusal.
    rules: Vec<&'static str>,
}

/// Headers by their names in lower case; several of one name are joined by a comma. Credentials are masked.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Headers(BTreeMap<String, String>);

/// JSON as JSON, other text as text, null without a body; of everything else the number of bytes: `{"bytes":N}`. Of a
/// body longer than 64 KiB the beginning is kept, of JSON all but its long texts. Secrets are masked.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Body(Value);

impl Entry {
    /// It in JSON: `sequence`, `at`, `kind` (`call`, `timer`, `attempt`, `moved` or `changed`), and what belongs to that.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        serde_json::to_value(self.view(secrets)).unwrap_or_default()
    }

    pub(crate) fn view(&self, secrets: Secrets) -> EntryView {
        let text = |text: &str| secrets.text(text).into_owned();
        let what = match &self.what {
            What::Call(call) => WhatView::Call(Box::new(call.view(secrets))),
            What::Fired { vendor, what, subject } => WhatView::Timer { vendor, what, subject: subject.clone() },
            What::Attempt(tried) => WhatView::Attempt {
                delivery: tried.delivery,
                vendor: tried.vendor,
                order: tried.case.clone(),
                event: tried.event.clone(),
                number: tried.number,
                status: tried.status,
                outcome: outcome(tried.delivered, tried.next.is_some()),
                next: tried.next.map(Time),
                by: tried.by,
                error: tried.error.as_deref().map(text),
            },
            What::Moved { case, by } => WhatView::Moved { order: case.clone(), by: text(by) },
            What::Changed { what, how } => WhatView::Changed { what, how: text(how) },
        };
        EntryView { sequence: self.sequence, at: Time(self.at), what }
    }
}

impl Call {
    fn view(&self, secrets: Secrets) -> CallView {
        CallView {
            vendor: self.vendor,
            operation: self.operation,
            order: self.case.clone(),
            method: self.method.to_string(),
            path: secrets.path(self.path()),
            headers: headers(&self.headers, secrets),
            body: Body(self.body_view(secrets)),
            status: self.status,
            answer_headers: headers(&self.answer_headers, secrets),
            answer: Body(self.answer_view(secrets)),
            fault: self.fault,
            rules: self.refused.iter().map(|fault| fault.rule).collect(),
        }
    }

    /// The call that exchanges credentials for a token, if this is one or would be one by its path.
    fn login(&self) -> Option<Login> {
        self.facts?.login.filter(|login| login.matches(self.uri.path()))
    }

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

fn headers(headers: &super::Headers, secrets: Secrets) -> Headers {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter() {
        let value = secrets.header(name, &String::from_utf8_lossy(value));
        told.entry(name.to_owned())
            .and_modify(|before| *before = format!("{before}, {value}"))
            .or_insert(value.clone());
    }
    Headers(told)
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

/// Headers that tell of the client's machine and of the wire, not of the script.
const OMITTED: [&str; 5] = ["connection", "content-length", "date", "host", "user-agent"];

const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

impl Entry {
    /// Its line in [`Journal::canonical`], without the end of the line.
    pub fn canonical(&self) -> String {
        let mut told = self.to_json(Secrets::Masked);
        if let (What::Call(call), Some(told)) = (&self.what, told.as_object_mut()) {
            for part in ["headers", "answer_headers"] {
                if let Some(Value::Object(headers)) = told.get_mut(part) {
                    OMITTED.iter().for_each(|name| {
                        headers.remove(*name);
                    });
                }
            }
            for (part, kept) in [("body", &call.body), ("answer", &call.answer)] {
                if told.get(part).is_some_and(is_told_by_its_length) {
                    told.insert(part.to_owned(), summary(kept));
                }
            }
        }
        if let (What::Attempt(_), Some(told)) = (&self.what, told.as_object_mut()) {
            // How a connection failed is told in words of the system, and how long it took is real time.
            told.remove("error");
        }
        without_ports(&told.to_string())
    }
}

fn is_told_by_its_length(body: &Value) -> bool {
    body.as_object().is_some_and(|body| body.len() == 1 && body.contains_key("bytes"))
}

/// A body that cannot be written out: how long it is, and a checksum (FNV-1a) of what is kept of it.
fn summary(kept: &StoredBody) -> Value {
    let sum = kept
        .bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    json!({ "bytes": kept.len, "checksum": format!("{sum:016x}") })
}

/// The text with `*` for every port of this machine, also where a URL stands percent-encoded in another.
fn without_ports(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let places = LOOPBACK.iter().flat_map(|host| [":", "%3A", "%3a"].map(|colon| (host, colon)));
        let next = places
            .filter_map(|(host, colon)| {
                let whole = format!("{host}{colon}");
                rest.match_indices(whole.as_str()).find_map(|(at, _)| {
                    let end = at + whole.len();
                    let digits = rest.get(end..)?.bytes().take_while(u8::is_ascii_digit).count();
                    (digits > 0).then_some((end, end + digits))
                })
            })
            .min();
        let Some((end, after)) = next else { break };
        told.push_str(rest.get(..end).unwrap_or_default());
        told.push('*');
        rest = rest.get(after..).unwrap_or_default();
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_this_machine_are_left_out_and_nothing_else() {
        for (given, told) in [
            ("http://127.0.0.1:41234/a", "http://127.0.0.1:*/a"),
            ("http://[::1]:1/ http://localhost:65535", "http://[::1]:*/ http://localhost:*"),
            ("?back=http%3A%2F%2F127.0.0.1%3A8080%2Fa", "?back=http%3A%2F%2F127.0.0.1%3A*%2Fa"),
            (
                "http://192.0.2.1:41234/ 12:00:00 127.0.0.1:x 127.0.0.1",
                "http://192.0.2.1:41234/ 12:00:00 127.0.0.1:x 127.0.0.1",
            ),
        ] {
            assert_eq!(without_ports(given), told);
        }
    }
}
