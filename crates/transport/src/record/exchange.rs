//! One exchange of a recording, as it is written and read.

use ::http::Request;
use identkit_wire::Body;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Redaction;
use super::body::{BodyShape, request_shape};
use crate::AttemptContext;

/// The recorded parts of one request and its result.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Exchange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<BodyShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<RecordedFailure>,
    pub(super) method: String,
    pub(super) operation: Option<String>,
    pub(super) path: String,
    pub(super) request: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordedFailure {
    pub(super) delivery: String,
    pub(super) kind: String,
    #[serde(default, rename = "lasting", skip_serializing_if = "std::ops::Not::not")]
    pub(super) permanent: bool,
}

impl Exchange {
    /// Creates an exchange from a request: operation, path without its parameters, redacted body.
    pub(super) fn new(request: &Request<Body>, context: &AttemptContext, redaction: &Redaction) -> Self {
        let segments = || request.uri().path().split('/').skip(1);
        Self {
            operation: context.operation().map(|meta| meta.name.to_owned()),
            method: request.method().to_string(),
            path: context.operation().map_or_else(
                || segments().map(|segment| if segment.is_empty() { "/" } else { "/*" }).collect(),
                |meta| meta.path.to_owned(),
            ),
            request: request_shape(request.body(), redaction).to_value(),
            ..Self::default()
        }
    }

    /// Operation, method and path, as text.
    pub(super) fn name(&self) -> String {
        let place = format!("{} {}", self.method, self.path);
        self.operation.as_ref().map_or(place.clone(), |operation| format!("{operation} ({place})"))
    }

    /// How a sent request differs from this one. Contains names and never values.
    pub(super) fn difference(&self, sent: &Self) -> Option<String> {
        if (&self.operation, &self.method, &self.path) != (&sent.operation, &sent.method, &sent.path) {
            return Some(format!("the request is {}", sent.name()));
        }
        difference(&self.request, &sent.request, "body").map(|at| format!("the request differs in its {at}"))
    }
}

/// The path of the first difference between two values.
fn difference(recorded: &Value, sent: &Value, at: &str) -> Option<String> {
    match (recorded, sent) {
        (Value::Object(recorded), Value::Object(sent)) => {
            for (name, value) in recorded {
                let Some(other) = sent.get(name) else { return Some(format!("{at}: {name} is missing")) };
                if let Some(difference) = difference(value, other, &format!("{at}.{name}")) {
                    return Some(difference);
                }
            }
            let more = sent.keys().find(|name| !recorded.contains_key(*name));
            more.map(|name| format!("{at}: {name} was not recorded"))
        }
        (Value::Array(recorded), Value::Array(sent)) if recorded.len() == sent.len() => {
            let mut pairs = recorded.iter().zip(sent).enumerate();
            pairs.find_map(|(index, (one, other))| difference(one, other, &format!("{at}[{index}]")))
        }
        (Value::Array(recorded), Value::Array(sent)) => {
            Some(format!("{at}: {} elements instead of {}", sent.len(), recorded.len()))
        }
        _ => (recorded != sent).then(|| at.to_owned()),
    }
}
