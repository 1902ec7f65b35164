//! Inbound webhooks as events, and the ports of a receiver: `Inbox` and `Tokens`.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Pii, Secret};

/// A webhook of any provider. It is only a hint, because no vendor signs its webhooks: read the status before you act.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Name of the provider, e.g. `identity-tm`.
    pub provider: String,
    /// The vendor's name of the event, e.g. `OnFinal`.
    pub name: String,
    /// The vendor's id of the case, if the webhook contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<Secret>,
    /// Your own reference, if the webhook contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Pii<String>>,
    /// The body, if the vendor sends one. It can contain data that no call returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Pii<String>>,
    /// Key of the event: two deliveries of the same event have the same key.
    pub key: Secret,
}

impl Event {
    /// Creates an event. All deliveries of one event must have the same `key`.
    pub fn new(provider: impl Into<String>, name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self {
            provider: provider.into(),
            name: name.into(),
            case_id: None,
            reference: None,
            payload: None,
            key: key.into(),
        }
    }
}

/// A webhook as it was received. A repeated delivery and a second event can be equal: no vendor sends an id.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The webhook, parsed.
    pub event: Event,
    /// Time at which the receiver got it.
    pub received: Timestamp,
    /// The request as received, without the token of its URL.
    pub request: Pii<Vec<u8>>,
}

impl WebhookDelivery {
    /// Creates a delivery with an empty request.
    pub fn new(event: Event, received: Timestamp) -> Self {
        Self { event, received, request: Pii::default() }
    }

    /// Sets the request as received.
    #[must_use]
    pub fn with_request(mut self, request: impl Into<Pii<Vec<u8>>>) -> Self {
        self.request = request.into();
        self
    }
}

/// Makes deliveries durable before the receiver acknowledges them to the vendor.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Makes the delivery durable. A repeated delivery is stored again.
    ///
    /// # Errors
    /// If the delivery is not durable. The receiver then responds so that the vendor delivers it again.
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error>;
}

/// Knows the tokens of webhook URLs, which authenticate the vendor.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Whether a token is valid for the webhooks of this provider's event at this time.
    ///
    /// # Errors
    /// If the tokens cannot be read. The receiver then responds so that the vendor delivers the webhook again.
    async fn is_valid(&self, provider: &str, event: &str, token: &Secret, now: Timestamp) -> Result<bool, Error>;

    /// Whether a valid token of this provider's event can announce something of the case with this vendor's id. `false` if the
    /// token is that of another case. By default, every token is for all cases.
    ///
    /// # Errors
    /// Like [`is_valid`](Self::is_valid).
    #[allow(unused_variables, reason = "the default uses none")]
    async fn is_for_case(&self, provider: &str, event: &str, token: &Secret, case: &Secret) -> Result<bool, Error> {
        Ok(true)
    }
}

/// An inbox in memory, for tests and for services that make events durable elsewhere. It is lost with the process.
#[derive(Debug, Default)]
pub struct MemoryInbox {
    deliveries: Mutex<Vec<WebhookDelivery>>,
}

impl MemoryInbox {
    /// Creates an empty inbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// The deliveries in order of arrival.
    pub fn deliveries(&self) -> Vec<WebhookDelivery> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events in order of arrival, one for each delivery.
    pub fn events(&self) -> Vec<Event> {
        self.deliveries().into_iter().map(|delivery| delivery.event).collect()
    }
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_inbox_has_every_delivery() {
        let inbox = MemoryInbox::new();
        let event = Event::new("identity-tm", "OnFinal", "99921269855041/OnFinal");
        let delivery = WebhookDelivery::new(event.clone(), Timestamp::UNIX_EPOCH).with_request(b"GET".to_vec());
        inbox.accept(delivery.clone()).await.unwrap();
        inbox.accept(delivery.clone()).await.unwrap();
        assert_eq!(inbox.deliveries(), [delivery.clone(), delivery]);
        assert_eq!(inbox.events(), [event.clone(), event]);
    }

    #[test]
    fn an_event_survives_serialization_and_redacts_debug() {
        let mut event = Event::new("identify24", "status", "k");
        event.reference = Some("Sign-me".into());
        event.payload = Some("{\"agent_name\":\"x\"}".into());
        let stored = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
        assert!(!format!("{event:?}").contains("Sign-me"));
    }
}
