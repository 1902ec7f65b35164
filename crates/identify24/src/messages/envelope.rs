//! What surrounds every answer, and the judgement on it (AI-02, AI-03, AI-30).

use http::StatusCode;
use identkit_core::{Delivery, Error, Kind, Pii};
use identkit_wire::{Meta, OneOrMany, refusal};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::message::message;
use super::{Ident, Project};

/// `messages`: nothing, a text, texts or objects, kept as texts (AI-03). They may quote the person's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Messages(Vec<Pii<String>>);

impl Messages {
    /// No messages, as most good answers have it.
    pub fn none() -> Self {
        Self::default()
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &Pii<String>> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn joined(&self) -> Option<Pii<String>> {
        let texts: Vec<_> = self.0.iter().map(|text| text.expose().as_str()).collect();
        (!texts.is_empty()).then(|| texts.join("; ").into())
    }
}

impl<T: Into<String>> FromIterator<T> for Messages {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self(texts.into_iter().map(|text| Pii::new(text.into())).collect())
    }
}

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut texts = Vec::new();
        gather(Value::deserialize(deserializer)?, &mut texts);
        Ok(texts.into_iter().collect())
    }
}

fn gather(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::String(text) => texts.push(text),
        Value::Array(many) => many.into_iter().for_each(|one| gather(one, texts)),
        // An object is one message: its own wording where it has the usual key, else all of it.
        Value::Object(mut object) => match ["message", "text"].iter().find_map(|key| object.remove(*key)) {
            Some(message @ Value::String(_)) => gather(message, texts),
            Some(other) => texts.push(other.to_string()),
            None => texts.push(Value::Object(object).to_string()),
        },
        other => texts.push(other.to_string()),
    }
}

message! {
    /// An answer that carries its payload in `data`.
    pub struct Envelope<T> {
        /// Whether it worked.
        "result" => result: bool,
        /// What the vendor has to say.
        "messages" => messages: Messages,
        /// The payload: an object, or a list of them.
        "data" => data: OneOrMany<T>,
        /// The status once more; absent in answers about idents (AI-02).
        "response_status" => response_status: u16,
    }
}

impl<T> Envelope<T> {
    fn good(data: OneOrMany<T>, response_status: Option<u16>) -> Self {
        Self {
            result: Some(true),
            messages: Some(Messages::none()),
            data: Some(data),
            response_status,
            ..Self::default()
        }
    }

    /// What the answer says about itself.
    pub(crate) fn judge(&self, meta: &'static Meta) -> Result<(), Error> {
        judge(meta, self.result, self.response_status, self.messages.as_ref())
    }

    /// The only payload.
    pub(crate) fn into_one(self) -> Result<T, Error> {
        let one = match self.data {
            Some(OneOrMany::One(one)) => Some(one),
            Some(OneOrMany::Many(many)) => many.into_iter().next(),
            None => None,
        };
        one.ok_or_else(no_data)
    }

    /// All payloads.
    pub(crate) fn into_many(self) -> Result<Vec<T>, Error> {
        match self.data {
            Some(OneOrMany::One(one)) => Ok(vec![one]),
            Some(OneOrMany::Many(many)) => Ok(many),
            None => Err(no_data()),
        }
    }
}

fn no_data() -> Error {
    Error::new(Kind::Protocol, "the vendor's answer has no data")
}

impl Envelope<Ident> {
    /// The good answer of `ident/get`.
    pub fn ident(ident: Ident) -> Self {
        Self::good(OneOrMany::One(ident), None)
    }
}

impl Envelope<Project> {
    /// The good answer of `project/get`.
    pub fn project(project: Project) -> Self {
        Self::good(OneOrMany::One(project), Some(200))
    }

    /// The good answer of `project/getAll`.
    pub fn projects(projects: Vec<Project>) -> Self {
        Self::good(OneOrMany::Many(projects), Some(200))
    }
}

/// What an answer with a good HTTP status says about itself. A bad `response_status` counts like that HTTP status;
/// otherwise `result: false` is a refusal.
pub(super) fn judge(
    meta: &'static Meta,
    result: Option<bool>,
    response_status: Option<u16>,
    messages: Option<&Messages>,
) -> Result<(), Error> {
    let error = match (response_status, result) {
        (Some(code), _) if !(200..300).contains(&code) => {
            refusal(meta, StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST), &[])
        }
        (_, Some(false)) => Error::new(Kind::Rejected, "the vendor refused the request in an answer of success")
            .with_operation(meta.name)
            .with_delivery(Delivery::Answered),
        _ => return Ok(()),
    };
    Err(match messages.and_then(Messages::joined) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    })
}
