//! Journal entries in the admin API and in the canonical form.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::redact::{Secrets, names_a_secret, shape, unnamed};
use super::{Call, Entry, EntryKind, Form, StoredBody};
use crate::Login;
use crate::readers::value;
use crate::webhooks::{Cause, outcome};

/// A timestamp of the world, RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("format" = "date-time"))]
pub(crate) struct Time(
    #[serde(deserialize_with = "time")]
    #[schemars(with = "String")]
    pub(crate) Timestamp,
);

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    value(from, "a time in RFC 3339 up to 9999-12-30, e.g. 2020-09-17T12:00:00Z", |_| true)
}

/// A journal entry.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Entry", transform = merge_into_alternatives)]
pub(crate) struct EntryView {
    /// Number in the world, from 1 without gaps.
    #[schemars(range(min = 1))]
    sequence: u64,
    /// Time in the world.
    at: Time,
    #[serde(flatten)]
    kind: KindView,
}

/// Moves the members that all kinds share into the schema of each kind, so that each schema is complete.
fn merge_into_alternatives(schema: &mut schemars::Schema) {
    let shared = ["properties", "required"].map(|keyword| (keyword, schema.remove(keyword)));
    schema.remove("type");
    let kinds = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten() {
        for (keyword, members) in &shared {
            match (kind.get_mut(*keyword), members) {
                (Some(Value::Object(into)), Some(Value::Object(members))) => into.extend(members.clone()),
                (Some(Value::Array(into)), Some(Value::Array(members))) => into.extend(members.clone()),
                _ => {}
            }
        }
    }
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum KindView {
    /// A call of a vendor, with its response.
    Call(Box<CallView>),
    /// A timer was due.
    Timer {
        /// The vendor whose timer it was, or `sandbox`.
        vendor: &'static str,
        /// Kind of timer.
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
        /// Id of the order or ident.
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
        /// Cause of the attempt.
        by: Cause,
        /// Why no status arrived.
        error: Option<String>,
        /// The receiver's answer; absent if none arrived.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "MessageView")]
        answer: Option<MessageView>,
        /// What is probably a mistake in your receiver; absent if there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        finding: Option<String>,
    },
    /// A story was played, or a status was set.
    Moved {
        /// Id of the order or ident.
        order: String,
        /// Name of the story, or the status as JSON.
        by: String,
    },
    /// A change of the world.
    Changed {
        /// What was changed.
        #[schemars(example = &"clock")]
        what: &'static str,
        /// Short description of the change.
        how: String,
    },
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
struct CallView {
    vendor: Option<&'static str>,
    /// The operation by the clients' name; null if no operation has this path.
    #[schemars(example = &"putOrder")]
    operation: Option<&'static str>,
    /// Id of the order or ident, if the request or the response contains it.
    order: Option<String>,
    /// Method of the request.
    method: String,
    /// Path and query; secrets are masked.
    path: String,
    headers: Headers,
    body: Body,
    /// Status of the response; null if none was sent.
    #[schemars(range(min = 100, max = 999))]
    status: Option<u16>,
    answer_headers: Headers,
    answer: Body,
    /// The injected fault that affected the call.
    fault: Option<&'static str>,
    /// The rules that rejected the call, in the order of the response.
    rules: Vec<&'static str>,
    /// What is probably a mistake in the request, although the call was not rejected for it; absent if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// A probable mistake in a request.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Warning {
    /// Id of the rule that reports it.
    #[schemars(example = &"M-08")]
    rule: &'static str,
    /// Field of the request.
    field: String,
    /// What is probably meant.
    message: String,
}

/// Headers and body of a request or response.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Message")]
pub(crate) struct MessageView {
    headers: Headers,
    body: Body,
}

impl MessageView {
    pub(crate) fn new(message: &super::Headers, body: &StoredBody, secrets: Secrets) -> Self {
        Self { headers: headers(message, secrets), body: Body(body.to_json(secrets)) }
    }
}

/// Headers by name in lower case. Values of the same name are joined with a comma. Credentials are masked.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Headers(BTreeMap<String, String>);

/// A JSON value if the body is JSON, a string if it is other text, null if there is none; otherwise the number of
/// bytes: `{"bytes":N}`. In JSON longer than 64 KiB, long strings are shortened. Secrets are masked.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Body(Value);

impl Entry {
    /// Returns the entry as JSON: `sequence`, `at`, `kind` (`call`, `timer`, `attempt`, `moved` or `changed`) and the
    /// members of the kind.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        serde_json::to_value(self.view(secrets)).unwrap_or_default()
    }

    pub(crate) fn view(&self, secrets: Secrets) -> EntryView {
        let text = |text: &str| secrets.text(text).into_owned();
        let kind = match &self.kind {
            EntryKind::Call(call) => KindView::Call(Box::new(call.view(secrets))),
            EntryKind::Fired { vendor, what, subject } => KindView::Timer { vendor, what, subject: subject.clone() },
            EntryKind::Attempt(attempt) => KindView::Attempt {
                delivery: attempt.delivery,
                vendor: attempt.vendor,
                order: attempt.case.clone(),
                event: attempt.event.clone(),
                number: attempt.number,
                status: attempt.status,
                outcome: outcome(attempt.delivered, attempt.next.is_some()),
                next: attempt.next.map(Time),
                by: attempt.by,
                error: attempt.error.as_deref().map(text),
                answer: attempt.answer.as_ref().map(|answer| MessageView::new(&answer.headers, &answer.body, secrets)),
                finding: attempt.finding.clone(),
            },
            EntryKind::Moved { case, by } => KindView::Moved { order: case.clone(), by: text(by) },
            EntryKind::Changed { what, how } => KindView::Changed { what, how: text(how) },
        };
        EntryView { sequence: self.sequence, at: Time(self.at), kind }
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
            warnings: self
                .warnings
                .iter()
                .map(|warning| Warning {
                    rule: warning.rule,
                    field: warning.field.to_string(),
                    message: warning.message.to_string(),
                })
                .collect(),
        }
    }

    /// The vendor's login, if the call has its path, ignoring case.
    fn login(&self) -> Option<Login> {
        self.facts?.login.filter(|login| login.matches(self.uri.path()))
    }

    pub(super) fn json_body(&self, secrets: Secrets) -> Option<Value> {
        let mut body = secrets.value(self.body.json()?);
        if secrets == Secrets::Masked {
            // Of a body that should be an object, e.g. a bare TAN.
            unnamed(&mut body);
            if let Some(login) = self.login() {
                shape(&mut body, login.request);
            }
        }
        Some(body)
    }

    fn body_view(&self, secrets: Secrets) -> Value {
        match self.json_body(secrets) {
            Some(body) if self.body.len > 0 => body,
            // Text without names can be a secret, too.
            None if secrets == Secrets::Masked
                && self.body.len > 0
                && (self.login().is_some() || !self.body.bytes.iter().any(|byte| matches!(byte, b'=' | b':'))) =>
            {
                json!({ "bytes": self.body.len })
            }
            _ => self.body.to_json(secrets),
        }
    }

    fn answer_view(&self, secrets: Secrets) -> Value {
        let mut answer = self.answer.to_json(secrets);
        if secrets == Secrets::Masked
            && self.refused.is_empty()
            && let Some(login) = self.login()
        {
            shape(&mut answer, login.response);
            return answer;
        }
        // The sandbox's own text of a rejection contains no value of the request.
        if secrets == Secrets::Masked && !self.refused.is_empty() {
            self.restore_texts(&mut answer);
        }
        answer
    }

    /// Restores the sandbox's own text where it was masked, because it looked like a secret, e.g. the name of a header.
    fn restore_texts(&self, masked: &mut Value) {
        let own = self.refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if let Some(given) = self.answer.json() {
            restore(masked, &given, &own);
        }
    }
}

fn restore(masked: &mut Value, given: &Value, text: &str) {
    match (masked, given) {
        (Value::Object(masked), Value::Object(given)) => {
            masked.iter_mut().filter_map(|(key, masked)| Some((masked, given.get(key)?))).for_each(
                |(masked, given)| {
                    restore(masked, given, text);
                },
            );
        }
        (Value::Array(masked), Value::Array(given)) => {
            masked.iter_mut().zip(given).for_each(|(masked, given)| restore(masked, given, text));
        }
        (masked, Value::String(given)) if given == text => *masked = text.into(),
        _ => {}
    }
}

fn headers(headers: &super::Headers, secrets: Secrets) -> Headers {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter() {
        let value = secrets.header(name, &String::from_utf8_lossy(value));
        all.entry(name.to_owned()).and_modify(|before| *before = format!("{before}, {value}")).or_insert(value.clone());
    }
    Headers(all)
}

impl StoredBody {
    /// Returns the body as JSON: the value if it is JSON, a string if it is text, `Null` if it is empty, otherwise its
    /// size.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        if self.len == 0 {
            return Value::Null;
        }
        if let Some(value) = self.json() {
            return secrets.value(value);
        }
        // Other text is hidden if it could contain a secret.
        let text = std::str::from_utf8(&self.bytes).ok();
        match text.filter(|text| secrets == Secrets::Revealed || !names_a_secret(text)) {
            Some(text) if self.form == Form::Whole => secrets.text(text).into(),
            _ => json!({ "bytes": self.len }),
        }
    }
}

/// Headers that depend on the client's machine and not on the script.
const OMITTED: [&str; 5] = ["connection", "content-length", "date", "host", "user-agent"];

const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

impl Entry {
    /// The line of the entry in [`Journal::canonical`](super::Journal::canonical), without the line feed.
    pub fn canonical(&self) -> String {
        let mut entry = self.to_json(Secrets::Masked);
        if let (EntryKind::Call(call), Some(entry)) = (&self.kind, entry.as_object_mut()) {
            for part in ["headers", "answer_headers"] {
                if let Some(Value::Object(headers)) = entry.get_mut(part) {
                    OMITTED.iter().for_each(|name| {
                        headers.remove(*name);
                    });
                }
            }
            for (part, body) in [("body", &call.body), ("answer", &call.answer)] {
                if entry.get(part).is_some_and(is_size_only) {
                    entry.insert(part.to_owned(), summary(body));
                }
            }
        }
        if let (EntryKind::Attempt(_), Some(entry)) = (&self.kind, entry.as_object_mut()) {
            // The error contains texts of the operating system and real durations; the answer is that of another
            // program, and a finding depends on when its calls arrive.
            for member in ["error", "answer", "finding"] {
                entry.remove(member);
            }
        }
        without_ports(&entry.to_string())
    }
}

fn is_size_only(body: &Value) -> bool {
    body.as_object().is_some_and(|body| body.len() == 1 && body.contains_key("bytes"))
}

/// Size of a body, and a checksum (FNV-1a) of the stored bytes.
fn summary(body: &StoredBody) -> Value {
    let sum = body
        .bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    json!({ "bytes": body.len, "checksum": format!("{sum:016x}") })
}

/// Replaces every port of a loopback URL with `*`, also in percent-encoded URLs.
fn without_ports(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
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
        replaced.push_str(rest.get(..end).unwrap_or_default());
        replaced.push('*');
        rest = rest.get(after..).unwrap_or_default();
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ports_of_loopback_urls_are_replaced() {
        for (given, expected) in [
            ("http://127.0.0.1:41234/a", "http://127.0.0.1:*/a"),
            ("http://[::1]:1/ http://localhost:65535", "http://[::1]:*/ http://localhost:*"),
            ("?back=http%3A%2F%2F127.0.0.1%3A8080%2Fa", "?back=http%3A%2F%2F127.0.0.1%3A*%2Fa"),
            (
                "http://192.0.2.1:41234/ 12:00:00 127.0.0.1:x 127.0.0.1",
                "http://192.0.2.1:41234/ 12:00:00 127.0.0.1:x 127.0.0.1",
            ),
        ] {
            assert_eq!(without_ports(given), expected);
        }
    }
}
