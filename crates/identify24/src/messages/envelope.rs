//! The envelope of responses, and whether it reports a success (AI-02, AI-03, AI-30).

use http::StatusCode;
use identkit_core::{Delivery, Error, Kind, Pii};
use identkit_wire::{Loose, Meta, OneOrMany, Tolerant, message, refusal};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Ident, Project};

/// `messages` as texts. The vendor sends nothing, a text, or a list of texts or objects (AI-03). They may contain
/// personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Messages(Vec<Pii<String>>);

impl Messages {
    /// Creates an empty list.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &Pii<String>> {
        self.0.iter()
    }

    /// Whether the list is empty.
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
        // An object is one message: the text under a usual key, or else the whole object.
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
    /// A response with its payload in `data`.
    pub struct Envelope<T> {
        /// Whether the call succeeded.
        "result" => result: bool,
        /// Messages of the vendor.
        "messages" => messages: Messages,
        /// Payload: an object or a list of objects.
        "data" => data: OneOrMany<T>,
        /// Status code, repeated in the body; absent in responses about idents (AI-02).
        "response_status" => response_status: u16,
    }
}

impl<T> Envelope<T> {
    fn successful(data: OneOrMany<T>, response_status: Option<u16>) -> Self {
        Self {
            result: Some(true),
            messages: Some(Messages::none()),
            data: Some(data),
            response_status,
            ..Self::default()
        }
    }

    /// Returns an error if the envelope reports a failure.
    pub(crate) fn judge(&self, meta: &'static Meta) -> Result<(), Error> {
        judge(meta, self.result, self.response_status, self.messages.as_ref())
    }

    /// Returns the payload with the requested id. A single payload may lack its id. A payload with another id is never
    /// returned.
    pub(crate) fn into_one(self, wanted: &str, id: impl Fn(&T) -> Option<&str>) -> Result<T, Error>
    where
        T: Default + PartialEq,
    {
        let mut many = self.into_many().unwrap_or_default();
        let place = match &many[..] {
            [] => return Err(no_data()),
            [one] if id(one).is_none_or(str::is_empty) => Some(0),
            many => place_of(many, wanted, &id)?,
        };
        let another = "the response contains another object than the requested one";
        place.map(|place| many.swap_remove(place)).ok_or_else(|| Error::new(Kind::Protocol, another))
    }

    /// Returns all payloads. An empty object is none, and is not an empty list either (AI-33, AT-93).
    pub(crate) fn into_many(self) -> Result<Vec<T>, Error>
    where
        T: Default + PartialEq,
    {
        let data = self.data.ok_or_else(no_data)?;
        let empty = T::default();
        if data.as_slice().contains(&empty) {
            return Err(no_data());
        }
        Ok(match data {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }
}

/// Returns the index of the element with exactly this id: an id in another case of letters, or with blanks around it, is
/// another id (AT-24).
///
/// # Errors
/// [`Kind::Protocol`] if several different elements have the id: nothing shows which is right (AT-95).
pub(crate) fn place_of<T: PartialEq>(
    many: &[T],
    wanted: &str,
    id: impl Fn(&T) -> Option<&str>,
) -> Result<Option<usize>, Error> {
    let mut same = many.iter().enumerate().filter(|(_, one)| id(one) == Some(wanted));
    let first = same.next();
    match first.is_some_and(|(_, first)| same.any(|(_, other)| other != first)) {
        true => Err(Error::new(Kind::Protocol, "the response contains the requested object more than once")),
        false => Ok(first.map(|(place, _)| place)),
    }
}

fn no_data() -> Error {
    Error::new(Kind::Protocol, "the response has no member data")
}

impl Envelope<Ident> {
    /// Creates a successful response of `ident/get`.
    pub fn ident(ident: Ident) -> Self {
        Self::successful(OneOrMany::One(ident), None)
    }
}

impl Envelope<Project> {
    /// Creates a successful response of `project/get`.
    pub fn project(project: Project) -> Self {
        Self::successful(OneOrMany::One(project), Some(200))
    }

    /// Creates a successful response of `project/getAll`.
    pub fn projects(projects: Vec<Project>) -> Self {
        Self::successful(OneOrMany::Many(projects), Some(200))
    }
}

/// Returns an error if a response with HTTP status 2xx reports a failure in its body. A `response_status` outside 2xx
/// counts like that HTTP status. Otherwise `result: false` is a rejection. A `response_status` that is not an HTTP
/// status is [`Kind::Protocol`].
pub(super) fn judge(
    meta: &'static Meta,
    result: Option<bool>,
    response_status: Option<u16>,
    messages: Option<&Messages>,
) -> Result<(), Error> {
    let failure = response_status.filter(|code| !(200..300).contains(code));
    let failed = |kind, detail| Error::new(kind, detail).with_operation(meta.name).with_delivery(Delivery::Answered);
    let error = match (failure.map(StatusCode::from_u16), result) {
        (Some(Ok(status)), _) => refusal(meta, status, &[]),
        (_, Some(false)) => failed(Kind::Rejected, "the vendor rejected the request (result: false) with a 2xx status"),
        (Some(Err(_)), _) => failed(Kind::Protocol, "the response_status in the response is not an HTTP status"),
        (None, _) => return Ok(()),
    };
    Err(match messages.and_then(Messages::joined) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    })
}
