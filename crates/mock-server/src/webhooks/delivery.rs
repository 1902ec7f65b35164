//! A delivery of a webhook, with its request and its attempts.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use identkit_core::{Event, Secret};
use identkit_wire::json;
use jiff::Timestamp;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::state::{Cause, HoldReason, Impossible, MAX_ATTEMPTS, State, Verb};
use crate::VendorFacts;
use crate::rules::Rules;
use crate::world::text::{self, AsText, Binary};

/// Error of the attempt that stands for a dropped webhook.
pub(crate) const DROPPED: &str = "dropped: nothing was sent, and the vendor regards it as delivered";

/// One attempt to deliver.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Start of the attempt.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// Status of the receiver's response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the vendor regards the webhook as delivered.
    pub delivered: bool,
    /// Why the attempt was made.
    pub by: Cause,
    /// Why the attempt got no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// Whether the schedule continues after it.
    pub again: bool,
    /// Calls about the case that arrived while the attempt was running, by the operations' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Cow<'static, str>>,
}

impl Attempt {
    /// Returns the result as in the admin API: `delivered`, `retry` (failed, and the schedule continues) or `failed`.
    pub fn outcome(&self) -> &'static str {
        outcome(self.delivered, self.again)
    }
}

pub(crate) fn outcome(delivered: bool, again: bool) -> &'static str {
    match (delivered, again) {
        (true, _) => "delivered",
        (false, true) => "retry",
        (false, false) => "failed",
    }
}

/// A delivery of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Id in the world; set when the delivery is added to it.
    pub id: u64,
    /// Name of the vendor.
    pub vendor: String,
    /// Facts about the vendor; set again after the delivery was read from a saved world.
    #[serde(skip, default = "unknown")]
    pub(crate) facts: &'static VendorFacts,
    /// Id of the case.
    pub case: String,
    /// The event that it reports.
    #[serde(deserialize_with = "whole_event")]
    pub event: Event,
    /// Method of the request.
    #[serde(with = "text")]
    pub method: Method,
    /// The request to send.
    pub request: RequestCopy,
    /// The given URL, if it is not a valid one; `request` has none then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_url: Option<Secret>,
    /// The attempts so far.
    pub attempts: Vec<Attempt>,
    /// Time of the next attempt, if it is known. Before the first attempt, the time until which a mode delays it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::optional")]
    pub next: Option<Timestamp>,
    /// Times of the attempts after `next`, earliest first; filled after the first attempt.
    #[serde(with = "text::list")]
    pub retries: VecDeque<Timestamp>,
    /// Whether the vendor retries.
    pub schedule: Schedule,
    /// Causes of the attempts that are running.
    #[serde(skip)]
    pub under_way: Vec<Cause>,
    /// Why it is held, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HoldReason>,
    /// Number of copies to send with the next attempt.
    pub copies: u32,
    /// Whether calls about the case wait for the first attempt.
    pub blocks: bool,
}

fn unknown() -> &'static VendorFacts {
    static UNKNOWN: VendorFacts = VendorFacts::new("", "", |_| false);
    &UNKNOWN
}

/// The fields of an event. Its own reader ignores unknown ones and so would lose them.
const EVENT: &[&str] = &["provider", "name", "case_id", "reference", "payload", "key"];

/// Reads an event without unknown fields.
fn whole_event<'de, D: Deserializer<'de>>(from: D) -> Result<Event, D::Error> {
    let saved = Map::deserialize(from)?;
    if saved.keys().any(|name| !EVENT.contains(&name.as_str())) {
        return Err(D::Error::unknown_field("", EVENT));
    }
    let wrong = |_| D::Error::invalid_value(Unexpected::Map, &"an event");
    json::from_value(&Value::Object(saved)).map_err(wrong)
}

/// Whether a vendor retries.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Retries by the vendor's policy. The name in saved worlds is historical.
    #[serde(rename = "identity_tm")]
    Retries,
    /// No retries.
    Never,
}

impl Delivery {
    /// Creates a delivery of a request about a case, which is retried by the vendor's policy.
    pub fn new(facts: &'static VendorFacts, case: &str, event: Event, request: Request<Bytes>) -> Self {
        Self {
            id: 0,
            vendor: facts.name.to_owned(),
            facts,
            case: case.to_owned(),
            event,
            method: request.method().clone(),
            request: RequestCopy(request),
            invalid_url: None,
            attempts: Vec::new(),
            next: None,
            retries: VecDeque::new(),
            schedule: Schedule::Retries,
            under_way: Vec::new(),
            held: None,
            copies: 0,
            blocks: true,
        }
    }

    /// Creates a delivery whose URL is not valid, for [`World::cannot_deliver`](crate::World::cannot_deliver).
    pub fn with_invalid_url(
        facts: &'static VendorFacts,
        case: &str,
        event: Event,
        method: &Method,
        url: &Secret,
    ) -> Self {
        let delivery = Self::new(facts, case, event, Request::default()).without_blocking();
        Self { method: method.clone(), invalid_url: Some(url.clone()), ..delivery }
    }

    /// Disables retries.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.schedule = Schedule::Never;
        self
    }

    /// Lets calls about the case continue during the first attempt.
    #[must_use]
    pub fn without_blocking(mut self) -> Self {
        self.blocks = false;
        self
    }

    /// Says that calls about the case arrived during an attempt. A receiver that makes such a call before it answers
    /// waits for itself.
    pub fn finding(&self, attempt: &Attempt) -> Option<String> {
        let calls = Some(attempt.calls.join(", ")).filter(|calls| !calls.is_empty())?;
        let noun = self.facts.cases.strip_suffix('s').unwrap_or(self.facts.cases);
        let waits = if self.blocks { "such a call waits until the attempt is over; " } else { "" };
        Some(format!(
            "your receiver called {calls} for this {noun} while its webhook was unanswered: {waits}answer the webhook \
             first, then make the call"
        ))
    }

    /// Whether an attempt has succeeded.
    pub fn is_delivered(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.delivered)
    }

    /// Whether no attempt of the schedule is over yet.
    pub fn is_new(&self) -> bool {
        self.attempts.iter().all(|attempt| attempt.by.is_extra())
    }

    /// Whether a mode delays the first attempt, until `next`.
    pub fn is_delayed(&self) -> bool {
        self.is_new() && self.next.is_some()
    }

    /// Records an attempt of the schedule, and returns when the next one is due.
    pub fn record_attempt(&mut self, at: Timestamp, status: Option<u16>, rules: &Rules) -> Option<Timestamp> {
        let delivered = self.accepts(status, rules);
        if self.is_new() && self.schedule == Schedule::Retries {
            self.retries = (self.facts.webhooks.retries)(rules, at).into();
        }
        if delivered {
            self.retries.clear();
        }
        // Retries that were due while it was held are skipped.
        self.retries.retain(|retry| *retry > at);
        self.next = self.retries.pop_front();
        let again = self.next.is_some();
        self.attempts.push(Attempt {
            at,
            status,
            delivered,
            by: Cause::Schedule,
            error: None,
            again,
            calls: Vec::new(),
        });
        self.next
    }

    /// Records an attempt outside the schedule, on which it has no effect.
    pub fn record_extra_attempt(&mut self, at: Timestamp, status: Option<u16>, by: Cause, rules: &Rules) {
        let delivered = self.accepts(status, rules);
        self.attempts.push(Attempt { at, status, delivered, by, error: None, again: false, calls: Vec::new() });
    }

    /// Drops the webhook: the vendor regards it as delivered, and makes no more scheduled attempts.
    pub fn mark_dropped(&mut self, at: Timestamp) {
        self.held = None;
        self.copies = 0;
        self.next = None;
        self.retries.clear();
        let (by, error) = (Cause::Schedule, Some(DROPPED.into()));
        self.attempts.push(Attempt { at, status: None, delivered: false, by, error, again: false, calls: Vec::new() });
    }

    fn accepts(&self, status: Option<u16>, rules: &Rules) -> bool {
        status.is_some_and(|status| (self.facts.webhooks.accepts)(rules, status))
    }

    /// Returns the state.
    pub fn state(&self) -> State {
        match () {
            () if self.held.is_some() => State::Held,
            () if !self.under_way.is_empty() || (self.is_new() && self.next.is_none()) => State::Sending,
            () if self.next.is_some() => State::Waiting,
            () if self.is_delivered() => State::Delivered,
            () => State::Failed,
        }
    }

    /// Whether the maximum number of attempts is reached. Each attempt is stored and listed.
    fn is_exhausted(&self) -> bool {
        self.attempts.len() + self.under_way.len() >= MAX_ATTEMPTS
    }

    /// Whether an action is possible now.
    pub fn can(&self, verb: Verb) -> bool {
        let held = self.held.is_some();
        let between = self.next.is_some() && self.under_way.iter().all(|by| by.is_extra());
        match verb {
            Verb::Resend => !held && !self.is_exhausted(),
            Verb::Release => held || self.is_delayed(),
            Verb::Duplicate => !self.is_exhausted(),
            // Holding a held webhook has no effect.
            Verb::Hold | Verb::Drop => held || between,
        }
    }
}

impl Impossible {
    pub(crate) fn new(delivery: &Delivery, verb: Verb) -> Self {
        if delivery.is_exhausted() && matches!(verb, Verb::Resend | Verb::Duplicate) {
            return Self::Enough(delivery.id);
        }
        let possible = Verb::ALL.into_iter().filter(|verb| delivery.can(*verb)).collect();
        Self::Now { id: delivery.id, state: delivery.state(), possible }
    }
}

/// A request that can be sent more than once.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "SavedRequest", into = "SavedRequest")]
pub struct RequestCopy(pub Request<Bytes>);

impl std::fmt::Debug for RequestCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL contains a token, and the body personal data.
        f.write_str("RequestCopy")
    }
}

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

/// A header value: text, or Base64 if it is not visible ASCII.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedValue {
    Text(#[serde(with = "text")] HeaderValue),
    Base64(AsText<Binary>),
}

impl From<RequestCopy> for SavedRequest {
    fn from(request: RequestCopy) -> Self {
        let (head, body) = request.0.into_parts();
        let headers = head.headers.iter().map(|(name, value)| SavedHeader {
            name: name.clone(),
            value: match value.to_str() {
                Ok(_) => SavedValue::Text(value.clone()),
                Err(_) => SavedValue::Base64(AsText(Binary(value.clone()))),
            },
            sensitive: value.is_sensitive(),
        });
        Self { headers: headers.collect(), method: head.method, url: head.uri, version: head.version, body }
    }
}

impl From<SavedRequest> for RequestCopy {
    fn from(saved: SavedRequest) -> Self {
        let mut request = Request::new(saved.body);
        for SavedHeader { name, value, sensitive } in saved.headers {
            let (SavedValue::Text(mut value) | SavedValue::Base64(AsText(Binary(mut value)))) = value;
            value.set_sensitive(sensitive);
            request.headers_mut().append(name, value);
        }
        *request.method_mut() = saved.method;
        *request.uri_mut() = saved.url;
        *request.version_mut() = saved.version;
        Self(request)
    }
}
