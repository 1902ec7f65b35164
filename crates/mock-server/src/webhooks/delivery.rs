//! A webhook on its way, and its request.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use identkit_core::Event;
use jiff::Timestamp;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::state::{Cause, ENOUGH, HoldReason, Impossible, State, Verb};
use crate::VendorFacts;
use crate::rules::Rules;
use crate::world::text::{self, AsText, Binary};

/// One try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// When it began.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// The receiver's answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the vendor counts it as delivered.
    pub delivered: bool,
    /// What made the vendor, or somebody else, send it.
    pub by: Cause,
    /// Why there is no answer, in words of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// Whether the schedule goes on after it.
    pub again: bool,
}

impl Attempt {
    /// What came of it, as the admin API says it: `delivered`, `retry` when it failed and the schedule goes on, `failed`.
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

/// A webhook on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Its id in the world; set when it is put on its way.
    pub id: u64,
    /// Name of the vendor.
    pub vendor: String,
    /// What the sandbox has to know of the vendor; set anew when the delivery is read from a saved world.
    #[serde(skip, default = "unknown")]
    pub(crate) facts: &'static VendorFacts,
    /// The case it is about.
    pub case: String,
    /// What it says.
    #[serde(deserialize_with = "whole")]
    pub event: Event,
    /// The method.
    #[serde(with = "text")]
    pub method: Method,
    /// The request as it is sent.
    pub request: RequestCopy,
    /// The tries so far.
    pub attempts: Vec<Attempt>,
    /// When it will be tried next, once it was tried; `None` when it never will.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::optional")]
    pub next: Option<Timestamp>,
    /// When it may be tried after that, earliest first; filled at the first try.
    #[serde(with = "text::list")]
    pub retries: VecDeque<Timestamp>,
    /// Whether the vendor tries again at all.
    pub schedule: Schedule,
    /// The tries that are under way, by what made them.
    #[serde(skip)]
    pub under_way: Vec<Cause>,
    /// Whether it waits to be released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HoldReason>,
    /// How many copies go with its next try.
    pub copies: u32,
    /// Whether the case waits for the first try, as it does for a webhook, but not for every other request.
    pub blocks: bool,
}

fn unknown() -> &'static VendorFacts {
    static UNKNOWN: VendorFacts = VendorFacts::new("", "", |_| false);
    &UNKNOWN
}

/// An event that is read back as it was: its own reader lets fields pass that it does not know, and loses them.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Event, D::Error> {
    let told = Value::deserialize(from)?;
    let event = Event::deserialize(&told).ok().filter(|event| serde_json::to_value(event).is_ok_and(|all| all == told));
    event.ok_or_else(|| D::Error::invalid_value(Unexpected::Other("an object"), &"an event, and nothing besides"))
}

/// Whether a vendor tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// By the vendor's policy. The name in saved worlds is that of the first vendor that had one.
    #[serde(rename = "identity_tm")]
    Retries,
    /// Never.
    Never,
}

impl Delivery {
    /// A delivery of this request about a case, which is tried again by the vendor's policy.
    pub fn new(facts: &'static VendorFacts, case: &str, event: Event, request: Request<Bytes>) -> Self {
        Self {
            id: 0,
            vendor: facts.name.to_owned(),
            facts,
            case: case.to_owned(),
            event,
            method: request.method().clone(),
            request: RequestCopy(request),
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

    /// The same, but it is never tried again.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.schedule = Schedule::Never;
        self
    }

    /// The same, but the case does not wait for it.
    #[must_use]
    pub fn without_blocking(mut self) -> Self {
        self.blocks = false;
        self
    }

    /// Whether a try has succeeded.
    pub fn is_delivered(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.delivered)
    }

    /// Whether no try of the schedule is over yet.
    pub fn is_new(&self) -> bool {
        self.attempts.iter().all(|attempt| attempt.by.is_extra())
    }

    /// Notes the outcome of a try of the schedule, and returns when the next one is due.
    pub fn tried(&mut self, at: Timestamp, status: Option<u16>, rules: &Rules) -> Option<Timestamp> {
        let delivered = self.accepts(status, rules);
        if self.is_new() && self.schedule == Schedule::Retries {
            self.retries = (self.facts.webhooks.retries)(rules, at).into();
        }
        if delivered {
            self.retries.clear();
        }
        // Those that it was held over are not made up for.
        self.retries.retain(|retry| *retry > at);
        self.next = self.retries.pop_front();
        let again = self.next.is_some();
        self.attempts.push(Attempt { at, status, delivered, by: Cause::Schedule, error: None, again });
        self.next
    }

    /// Notes the outcome of a try beside the schedule, which goes on as if it had not been.
    pub fn tried_besides(&mut self, at: Timestamp, status: Option<u16>, by: Cause, rules: &Rules) {
        let delivered = self.accepts(status, rules);
        self.attempts.push(Attempt { at, status, delivered, by, error: None, again: false });
    }

    /// The vendor takes it for delivered, and nobody gets it: no try of the schedule comes any more.
    pub fn drop_it(&mut self, at: Timestamp) {
        const DROPPED: &str = "dropped: nothing was sent, and the vendor takes it for delivered";
        self.held = None;
        self.copies = 0;
        self.next = None;
        self.retries.clear();
        let (by, error) = (Cause::Schedule, Some(DROPPED.into()));
        self.attempts.push(Attempt { at, status: None, delivered: false, by, error, again: false });
    }

    fn accepts(&self, status: Option<u16>, rules: &Rules) -> bool {
        status.is_some_and(|status| (self.facts.webhooks.accepts)(rules, status))
    }

    /// How far it is.
    pub fn state(&self) -> State {
        match () {
            () if self.held.is_some() => State::Held,
            () if !self.under_way.is_empty() || self.is_new() => State::Sending,
            () if self.next.is_some() => State::Waiting,
            () if self.is_delivered() => State::Delivered,
            () => State::Failed,
        }
    }

    /// Whether it was sent so often that nobody can have it sent by hand any more: each try is kept, and told.
    fn has_enough(&self) -> bool {
        self.attempts.len() + self.under_way.len() >= ENOUGH
    }

    /// Whether this can be done with it now.
    pub fn can(&self, verb: Verb) -> bool {
        let held = self.held.is_some();
        let between = self.next.is_some() && self.under_way.iter().all(|by| by.is_extra());
        match verb {
            Verb::Resend => !held && !self.has_enough(),
            Verb::Release => held,
            Verb::Duplicate => !self.has_enough(),
            // What is held already stays so.
            Verb::Hold | Verb::Drop => held || between,
        }
    }
}

impl Impossible {
    pub(crate) fn of(delivery: &Delivery, verb: Verb) -> Self {
        if delivery.has_enough() && matches!(verb, Verb::Resend | Verb::Duplicate) {
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
        // The URL carries a token, the body a person's data.
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

/// A header's value: text, unless it holds what no text may.
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
