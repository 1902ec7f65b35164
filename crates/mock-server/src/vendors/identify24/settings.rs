//! Settings of an account, including the vendor's behavior where the document leaves it open.

use std::collections::BTreeMap;

use identkit_core::Secret;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize};

use crate::readers::value;
use crate::vendors::settings::{LandingPages, is_web_address, refusal, seconds, some, success};

settings! {
/// Settings of an identify24 account. The vendor has a partner portal for some of them.
///
/// In JSON, durations are numbers of seconds.
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
    /// URL of the status webhook. If not set, no webhook is sent (I-080).
    #[serde(deserialize_with = "address")]
    #[schemars(with = "Option<String>", extend("format" = "uri"))]
    pub webhook_url: Option<Secret> = None,
    /// Time after which an unused token expires, by default 30 minutes (I-006).
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub idle: SignedDuration = SignedDuration::from_mins(30),
    /// Time after which an ident is deleted, by default 90 days (I-020).
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub life: SignedDuration = SignedDuration::from_hours(90 * 24),
    /// Results of the stories, by name. A change replaces all of them. The document lists no status except `Unidentified` (AI-12).
    pub stories: BTreeMap<String, Scenario> = stories(),
    /// Host in `conference_url` (M-15).
    pub landing_pages: LandingPages = LandingPages::default(),
    /// How the vendor reports a rejection (AI-02, AI-30).
    pub refusals: Refusals = Refusals::ByStatus,
    /// What a proxy does with the body of a GET (AI-07).
    pub get_bodies: GetBodies = GetBodies::Read,
    /// Maximum rate of requests; more are rejected with 429 (1.9).
    pub rate: Option<Rate> = None,
    /// Whether the key may create idents. If not, `ident/create` is rejected with 403 (1.9).
    pub may_create: bool = true,
    /// Number of idents that can still be created. With 0, valid requests fail with 402 (1.9). If not set, no limit.
    pub creates_left: Option<u32> = None,
    /// Whether a `custom_id` that another ident has is rejected with 409. The document only recommends unique values
    /// (AI-16, AI-24).
    pub unique_custom_ids: bool = false,
    /// Status of all responses while the vendor is out of service, from 500 to 599 (1.9). If not set, it is in service.
    #[serde(deserialize_with = "failure")]
    #[schemars(range(min = 500, max = 599))]
    pub out_of_service: Option<u16> = None,
    /// Status of all successful responses, from 200 to 299, instead of the documented ones, as from a gateway (AT-89, AI-33). With
    /// 204 and 205 the responses have no body. If not set, the documented statuses.
    #[serde(deserialize_with = "success")]
    #[schemars(range(min = 200, max = 299))]
    pub success_status: Option<u16> = None,
}
}

/// Result of a story.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, expecting = "struct Story")]
#[schemars(rename = "StoryOfIdentify24")]
#[must_use]
pub struct Scenario {
    /// Status in the vendor's wording.
    pub status: String,
    /// Id of the status, for the webhook only.
    pub status_id: String,
    /// Why the person was not identified; empty otherwise.
    #[serde(default)]
    pub reject_reason: String,
    /// Notes of the agent; may be empty.
    #[serde(default)]
    pub agent_notes: String,
    /// Time until the appointment that the story makes. If not set, an existing appointment stays unchanged (I-052).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "span")]
    #[schemars(with = "Option<u32>")]
    pub appointment: Option<SignedDuration>,
}

impl Scenario {
    /// Creates a story that ends with this status.
    pub fn new(status: impl Into<String>, status_id: impl Into<String>) -> Self {
        Self {
            status: status.into(),
            status_id: status_id.into(),
            reject_reason: String::new(),
            agent_notes: String::new(),
            appointment: None,
        }
    }

    /// Sets the reason why the person was not identified.
    pub fn reject_reason(mut self, reason: impl Into<String>) -> Self {
        self.reject_reason = reason.into();
        self
    }

    /// Sets the time until the appointment.
    pub fn appointment(mut self, after: SignedDuration) -> Self {
        self.appointment = Some(after);
        self
    }

    /// Sets the notes of the agent.
    pub fn agent_notes(mut self, notes: impl Into<String>) -> Self {
        self.agent_notes = notes.into();
        self
    }
}

/// How the vendor reports a rejection.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Refusals {
    /// By the HTTP status.
    #[default]
    ByStatus,
    /// By `result: false` in a response with status 200, also for a login; an invalid token still gets 401 (AI-02).
    ByResult,
    /// By `response_status` in a response with status 200 (AI-30).
    ByResponseStatus,
}

/// What a proxy does with the body of a GET.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum GetBodies {
    /// The body arrives unchanged.
    #[default]
    Read,
    /// The proxy drops the body.
    Stripped,
    /// The proxy rejects the request with this status: 403, 411 and 413 are known.
    Refused(
        #[serde(deserialize_with = "refusal")]
        #[schemars(range(min = 400, max = 599))]
        u16,
    ),
}

/// Maximum rate of requests.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RateOfIdentify24")]
pub struct Rate {
    /// Number of requests per period, including logins. With 0, all are rejected.
    pub requests: u32,
    /// Length of a period in seconds. A period starts with its first request.
    #[serde(serialize_with = "seconds::serialize", deserialize_with = "some_seconds")]
    #[schemars(with = "u32", range(min = 1))]
    pub period: SignedDuration,
    /// Whether a rejection has `Retry-After`, which is not documented (1.9).
    #[serde(default)]
    pub retry_after: bool,
}

impl Rate {
    /// Creates a rate of `requests` per `period`, without `Retry-After`.
    pub fn new(requests: u32, period: SignedDuration) -> Self {
        Self { requests, period, retry_after: false }
    }

    /// Adds `Retry-After` to rejections.
    #[must_use]
    pub fn with_retry_after(mut self) -> Self {
        self.retry_after = true;
        self
    }
}

readers! {
    failure: Option<u16>, "a status from 500 to 599, or null",
        |status: &Option<u16>| status.is_none_or(|status| (500..=599).contains(&status));
    in_header: String, "a string of printable ASCII that is not empty and has no blank at its ends",
        // The values that a header can transport unchanged (RFC 9110, section 5.5).
        |text: &String| !text.is_empty() && text.trim() == *text && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    address: Option<Secret>, "a URL that begins with https:// or http://, or null",
        |url: &Option<Secret>| url.as_ref().is_none_or(|url| is_web_address(url.expose()));
}

fn some_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
    let seconds = value(from, "a number of whole seconds, 1 or more", |seconds: &u32| *seconds > 0)?;
    Ok(SignedDuration::from_secs(seconds.into()))
}

mod span {
    use jiff::SignedDuration;
    use serde::{Deserializer, Serialize as _, Serializer};

    use crate::readers::value;

    pub(super) fn serialize<S: Serializer>(span: &Option<SignedDuration>, to: S) -> Result<S::Ok, S::Error> {
        span.map(|span| span.as_secs()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SignedDuration>, D::Error> {
        let seconds: Option<u32> = value(from, "a number of whole seconds, or null", |_| true)?;
        Ok(seconds.map(|seconds| SignedDuration::from_secs(seconds.into())))
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
    // The time between ident and appointment in the document's example.
    let appointment = Scenario::new("Unidentified", "1").appointment(SignedDuration::from_hours(3 * 24));
    let stories = [
        ("positive", positive.clone()),
        ("identified", positive),
        ("negative", negative),
        ("appointment", appointment),
    ];
    stories.map(|(name, story)| (name.to_owned(), story)).into()
}
