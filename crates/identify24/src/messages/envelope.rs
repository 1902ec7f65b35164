//! What surrounds every answer, and the judgement on it (AI-02, AI-03, AI-30).

use http::StatusCode;
use identkit_core::{Delivery, Error, Kind, Pii};
use identkit_wire::{Loose, Meta, OneOrMany, Tolerant, message, refusal};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

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

impl Tolerant for Messages {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Option::deserialize(deserializer)
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
    via Loose;
    without setters;
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

    /// The payload whose id is the one that was asked for. One alone may lack its id, as any element may; another id
    /// makes it another one, whose data are never taken for those of the first.
    pub(crate) fn into_one(self, wanted: &str, id: impl Fn(&T) -> Option<&str>) -> Result<T, Error> {
        let mut many = self.into_many().unwrap_or_default();
        if many.is_empty() {
            return Err(no_data());
        }
        let place = match &many[..] {
            [one] if id(one).is_none() => Some(0),
            many => place_of(many, wanted, &id),
        };
        let another = "the vendor's answer is about another one than the one that was asked for";
        place.map(|place| many.swap_remove(place)).ok_or_else(|| Error::new(Kind::Protocol, another))
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

/// Where the one with this id is. Ids are opaque, so that the same text goes first; but a person may have typed it in
/// another case than the vendor's.
pub(crate) fn place_of<T>(many: &[T], wanted: &str, id: impl Fn(&T) -> Option<&str>) -> Option<usize> {
    let place = |same: &dyn Fn(&str) -> bool| many.iter().position(|one| id(one).is_some_and(same));
    place(&|id| id == wanted).or_else(|| place(&|id| id.trim().eq_ignore_ascii_case(wanted.trim())))
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
/// otherwise `result: false` is a refusal. A `response_status` that is no HTTP status tells nothing but that the answer
/// is not what the document describes.
pub(super) fn judge(
    meta: &'static Meta,
    result: Option<bool>,
    response_status: Option<u16>,
    messages: Option<&Messages>,
) -> Result<(), Error> {
    let bad = response_status.filter(|code| !(200..300).contains(code));
    let told = |kind, detail| Error::new(kind, detail).with_operation(meta.name).with_delivery(Delivery::Answered);
    let error = match (bad.map(StatusCode::from_u16), result) {
        (Some(Ok(status)), _) => refusal(meta, status, &[]),
        (_, Some(false)) => told(Kind::Rejected, "the vendor refused the request in an answer of success"),
        (Some(Err(_)), _) => told(Kind::Protocol, "the vendor's answer has a response_status that is no HTTP status"),
        (None, _) => return Ok(()),
    };
    Err(match messages.and_then(Messages::joined) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    })
}
