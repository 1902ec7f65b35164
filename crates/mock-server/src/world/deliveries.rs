//! Webhooks as they are saved.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use identkit_core::Event;
use jiff::Timestamp;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error::SavedError;
use super::text::{self, AsText, Binary};
use crate::facts::VendorFacts;
use crate::webhooks::{Attempt, Delivery, Held, RequestCopy, Schedule};

/// A webhook.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedDelivery {
    pub(super) id: u64,
    pub(super) vendor: String,
    case: String,
    #[serde(deserialize_with = "whole")]
    event: Event,
    #[serde(with = "text")]
    method: Method,
    request: SavedRequest,
    attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<AsText<Timestamp>>,
    retries: VecDeque<AsText<Timestamp>>,
    schedule: Schedule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
    pub(super) copies: u32,
    blocks: bool,
}

/// A request with everything that is sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRequest {
    #[serde(with = "text")]
    method: Method,
    #[serde(with = "text")]
    url: Uri,
    #[serde(with = "text")]
    version: Version,
    headers: Vec<SavedHeader>,
    #[serde(with = "text")]
    body: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedHeader {
    #[serde(with = "text")]
    name: HeaderName,
    value: SavedValue,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
}

/// A header's value: text, unless it holds what no text may.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedValue {
    Text(#[serde(with = "text")] HeaderValue),
    Base64(AsText<Binary>),
}

/// An event that is read back as it was: its own reader lets fields pass that it does not know, and loses them.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Event, D::Error> {
    let told = Value::deserialize(from)?;
    let event = Event::deserialize(&told).ok().filter(|event| serde_json::to_value(event).is_ok_and(|all| all == told));
    event.ok_or_else(|| D::Error::invalid_value(Unexpected::Other("an object"), &"an event, and nothing besides"))
}

impl SavedDelivery {
    /// The form of a webhook.
    pub(super) fn of(delivery: &Delivery) -> Result<Self, SavedError> {
        // Named one by one, so that a new field is not forgotten here.
        let Delivery {
            id,
            vendor,
            case,
            event,
            method,
            request,
            attempts,
            next,
            retries,
            schedule,
            // The vendor's.
            policy: _,
            // It is put into the outbox.
            under_way: _,
            held,
            copies,
            blocks,
        } = delivery;
        Ok(Self {
            id: *id,
            vendor: (*vendor).to_owned(),
            case: case.clone(),
            event: event.clone(),
            method: method.clone(),
            request: SavedRequest::of(&request.0)?,
            attempts: attempts.clone(),
            next: next.map(AsText),
            retries: retries.iter().copied().map(AsText).collect(),
            schedule: *schedule,
            held: *held,
            copies: *copies,
            blocks: *blocks,
        })
    }

    /// The webhook of this vendor.
    pub(super) fn restore(self, facts: &'static VendorFacts) -> Delivery {
        Delivery {
            id: self.id,
            vendor: facts.name,
            policy: &facts.webhooks,
            case: self.case,
            event: self.event,
            method: self.method,
            request: RequestCopy(self.request.restore()),
            attempts: self.attempts,
            next: self.next.map(|at| at.0),
            retries: self.retries.into_iter().map(|at| at.0).collect(),
            schedule: self.schedule,
            under_way: Vec::new(),
            held: self.held,
            copies: self.copies,
            blocks: self.blocks,
        }
    }
}

impl SavedRequest {
    fn of(request: &Request<Bytes>) -> Result<Self, SavedError> {
        if !request.extensions().is_empty() {
            return Err(SavedError::not_saved("the request of a webhook carries extensions, which have no saved form"));
        }
        let headers = request.headers().iter().map(|(name, value)| SavedHeader {
            name: name.clone(),
            value: match value.to_str() {
                Ok(_) => SavedValue::Text(value.clone()),
                Err(_) => SavedValue::Base64(AsText(Binary(value.clone()))),
            },
            sensitive: value.is_sensitive(),
        });
        Ok(Self {
            method: request.method().clone(),
            url: request.uri().clone(),
            version: request.version(),
            headers: headers.collect(),
            body: request.body().clone(),
        })
    }

    fn restore(self) -> Request<Bytes> {
        let mut headers = HeaderMap::new();
        for SavedHeader { name, value, sensitive } in self.headers {
            let (SavedValue::Text(mut value) | SavedValue::Base64(AsText(Binary(mut value)))) = value;
            value.set_sensitive(sensitive);
            headers.append(name, value);
        }
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.url;
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        request
    }
}
