//! Inbound webhooks as events, and the port that makes them durable.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
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

/// Whether an event was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acceptance {
    /// The event is new and is durable now.
    New,
    /// The event was durable already.
    Duplicate,
}

/// Makes events durable before the receiver acknowledges them to the vendor.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Makes the event durable, and returns whether it was new.
    ///
    /// # Errors
    /// If the event is not durable. The receiver then responds so that the vendor delivers it again.
    async fn accept(&self, event: Event) -> Result<Acceptance, Error>;
}

/// An inbox in memory, for tests and for services that make events durable elsewhere. It is lost with the process.
#[derive(Debug, Default)]
pub struct MemoryInbox {
    inner: Mutex<MemoryInner>,
}

#[derive(Debug, Default)]
struct MemoryInner {
    keys: HashSet<(String, String)>,
    events: Vec<Event>,
}

impl MemoryInbox {
    /// Creates an empty inbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// The events in order of arrival, without duplicates.
    pub fn events(&self) -> Vec<Event> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).events.clone()
    }
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn accept(&self, event: Event) -> Result<Acceptance, Error> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.keys.insert((event.provider.clone(), event.key.expose().to_owned())) {
            inner.events.push(event);
            Ok(Acceptance::New)
        } else {
            Ok(Acceptance::Duplicate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_inbox_detects_duplicates() {
        let inbox = MemoryInbox::new();
        let event = Event::new("identity-tm", "OnFinal", "99921269855041/OnFinal");
        assert_eq!(inbox.accept(event.clone()).await.unwrap(), Acceptance::New);
        assert_eq!(inbox.accept(event.clone()).await.unwrap(), Acceptance::Duplicate);
        let elsewhere = Event { provider: "identify24".into(), ..event };
        assert_eq!(inbox.accept(elsewhere).await.unwrap(), Acceptance::New);
        assert_eq!(inbox.events().len(), 2);
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
