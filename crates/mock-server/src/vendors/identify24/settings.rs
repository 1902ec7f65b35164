//! How an account is set up, and how its vendor behaves where the document leaves it open.

use std::collections::BTreeMap;

use identkit_core::Secret;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize};

use crate::readers::value;
use crate::vendors::settings::{is_web_address, refusal, seconds, some};

settings! {
/// How the account is set up, which at the vendor is done in its partner portal; see [`configure`](super::configure).
///
/// From outside they are set by these names, spans of time in seconds.
#[non_exhaustive]
#[derive(Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Identify24Settings")]
pub struct Settings {
    /// The partner's user name (I-004).
    #[serde(deserialize_with = "in_header")]
    #[schemars(length(min = 1))]
    pub partner: String = "911-internet".into(),
    /// The API key (I-004).
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    pub api_key: String = "sandbox-api-key".into(),
    /// Where status webhooks go; `None` sends none (I-080).
    #[serde(deserialize_with = "address")]
    #[schemars(with = "Option<String>", extend("format" = "uri"))]
    pub webhook_url: Option<Secret> = None,
    /// For how long a token that is not used stays alive: 30 minutes (I-006).
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub idle: SignedDuration = SignedDuration::from_mins(30),
    /// For how long an ident is known: 90 days (I-020).
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub life: SignedDuration = SignedDuration::from_hours(90 * 24),
    /// What the person's stories come to, by name: the document lists no status but `Unidentified` (AI-12).
    pub stories: BTreeMap<String, Scenario> = stories(),
    /// How a refusal is told (AI-02, AI-30).
    pub refusals: Refusals = Refusals::ByStatus,
    /// What becomes of the body of a GET on its way (AI-07).
    pub get_bodies: GetBodies = GetBodies::Read,
    /// How many requests are served; more are refused with 429 (1.9).
    pub rate: Option<Rate> = None,
    /// Whether the key may create idents; else 403 (1.9).
    pub may_create: bool = true,
    /// How many idents can still be created; none left is 402, as the request is valid and still fails (1.9).
    pub creates_left: Option<u32> = None,
    /// Refuses a `custom_id` that an ident has already, with 409; the document only recommends that it is unique
    /// (AI-16, AI-24).
    pub unique_custom_ids: bool = false,
    /// The status, 500 to 599, by which everything is answered while the vendor is out of service (1.9).
    #[serde(deserialize_with = "failure")]
    #[schemars(range(min = 500, max = 599))]
    pub out_of_service: Option<u16> = None,
}
}

/// What a story comes to.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, expecting = "struct Story")]
#[schemars(rename = "StoryOfIdentify24")]
#[must_use]
pub struct Scenario {
    /// The status in the vendor's word.
    pub status: String,
    /// Its id, in the webhook only.
    pub status_id: String,
    /// Why the person was not identified; empty otherwise.
    #[serde(default)]
    pub reject_reason: String,
    /// What the agent noted, free text; empty for nothing.
    #[serde(default)]
    pub agent_notes: String,
    /// In how long the person has an appointment that is made by it; `None` makes none, and leaves one that was made
    /// before (I-052).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "span")]
    #[schemars(with = "Option<u32>")]
    pub appointment: Option<SignedDuration>,
}

impl Scenario {
    /// A story that ends with this status.
    pub fn new(status: impl Into<String>, status_id: impl Into<String>) -> Self {
        Self {
            status: status.into(),
            status_id: status_id.into(),
            reject_reason: String::new(),
            agent_notes: String::new(),
            appointment: None,
        }
    }

    /// Why the person was not identified.
    pub fn reject_reason(mut self, reason: impl Into<String>) -> Self {
        self.reject_reason = reason.into();
        self
    }

    /// Makes an appointment in so long.
    pub fn appointment(mut self, after: SignedDuration) -> Self {
        self.appointment = Some(after);
        self
    }

    /// What the agent noted.
    pub fn agent_notes(mut self, notes: impl Into<String>) -> Self {
        self.agent_notes = notes.into();
        self
    }
}

/// How a refusal is told.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Refusals {
    /// By the HTTP status.
    #[default]
    ByStatus,
    /// By `result: false` alone, in an answer with status 200; what concerns the token keeps its 401 (AI-02).
    ByResult,
    /// By `response_status`, in an answer with status 200 (AI-30).
    ByResponseStatus,
}

/// What becomes of the body of a GET.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum GetBodies {
    /// It arrives.
    #[default]
    Read,
    /// A proxy drops it.
    Stripped,
    /// A proxy refuses the request with this status: 403, 411 and 413 are known.
    Refused(
        #[serde(deserialize_with = "refusal")]
        #[schemars(range(min = 400, max = 599))]
        u16,
    ),
}

/// How many requests are served.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RateOfIdentify24")]
pub struct Rate {
    /// So many, logins among them; with 0 all are refused.
    pub requests: u32,
    /// In so long, from the first of them.
    #[serde(serialize_with = "seconds::serialize", deserialize_with = "some_seconds")]
    #[schemars(with = "u32", range(min = 1))]
    pub period: SignedDuration,
    /// Whether a refusal says when to come again: `Retry-After` is not documented (1.9).
    #[serde(default)]
    pub retry_after: bool,
}

impl Rate {
    /// So many requests in so long; a refusal does not say when to come again.
    pub fn new(requests: u32, period: SignedDuration) -> Self {
        Self { requests, period, retry_after: false }
    }

    /// Says when to come again.
    #[must_use]
    pub fn with_retry_after(mut self) -> Self {
        self.retry_after = true;
        self
    }
}

readers! {
    failure: Option<u16>, "expected a status from 500 to 599, or null",
        |status: &Option<u16>| status.is_none_or(|status| (500..=599).contains(&status));
    in_header: String, "expected a text of printable ASCII that is not empty and has no blank at its ends",
        // What a header can carry to the letter (RFC 9110, section 5.5).
        |text: &String| !text.is_empty() && text.trim() == *text && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    address: Option<Secret>, "expected a URL that begins with https:// or http://, or null",
        |url: &Option<Secret>| url.as_ref().is_none_or(|url| is_web_address(url.expose()));
}

fn some_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
    let told = value(from, "expected a number of whole seconds, 1 or more", |told: &u32| *told > 0)?;
    Ok(SignedDuration::from_secs(told.into()))
}

mod span {
    use jiff::SignedDuration;
    use serde::{Deserializer, Serialize as _, Serializer};

    use crate::readers::value;

    pub(super) fn serialize<S: Serializer>(span: &Option<SignedDuration>, to: S) -> Result<S::Ok, S::Error> {
        span.map(|span| span.as_secs()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SignedDuration>, D::Error> {
        let told: Option<u32> = value(from, "expected a number of whole seconds, or null", |_| true)?;
        Ok(told.map(|told| SignedDuration::from_secs(told.into())))
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("partner", &self.partner).finish_non_exhaustive()
    }
}

fn stories() -> BTreeMap<String, Scenario> {
    let positive = Scenario::new("Identified", "2");
    let negative = Scenario::new("Rejected", "3")
        .reject_reason("the document could not be verified")
        .agent_notes("the hologram could not be seen");
    // As long after the ident as in the document's example.
    let appointment = Scenario::new("Unidentified", "1").appointment(SignedDuration::from_hours(3 * 24));
    let stories = [
        ("positive", positive.clone()),
        ("identified", positive),
        ("negative", negative),
        ("appointment", appointment),
    ];
    stories.map(|(name, story)| (name.to_owned(), story)).into()
}
