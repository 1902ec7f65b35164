//! A fault: one failure of a call.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize};

use crate::readers::value;

/// A failure of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "fault", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// An error status replaces the response.
    Status {
        /// Status, from 400 to 599.
        #[serde(deserialize_with = "error_status")]
        #[schemars(range(min = 400, max = 599))]
        status: u16,
        /// `Retry-After` in seconds.
        #[serde(deserialize_with = "whole_seconds")]
        retry_after: Option<u64>,
        /// Whether the call is processed nevertheless, as behind a gateway that lost the response.
        #[serde(deserialize_with = "flag")]
        committed: bool,
    },
    /// The response is delayed.
    Latency {
        /// Delay in seconds.
        #[serde(rename = "seconds", with = "seconds")]
        #[schemars(with = "f64", range(min = 0.0, max = LONGEST))]
        by: Duration,
    },
    /// The response body is sent at a limited rate.
    Bandwidth {
        /// Rate in bytes a second, at least 1.
        #[serde(deserialize_with = "positive")]
        #[schemars(range(min = 1))]
        bytes_per_second: u64,
    },
    /// The connection is reset and the call is not processed.
    ResetBeforeCommit,
    /// The connection is reset in the middle of the request or the response.
    ResetInCommit {
        /// Where it is reset.
        #[serde(deserialize_with = "middle")]
        at: Middle,
    },
    /// The call is processed and the connection is reset before the first byte of the response.
    ResetAfterCommit,
    /// The connection is closed in the middle of the response body.
    TruncatedBody,
    /// The response has no `Content-Length` and ends when the connection is closed.
    MissingLength,
    /// The response has a wrong `Content-Length`.
    WrongLength {
        /// Difference to the actual length in bytes; not 0.
        #[serde(deserialize_with = "not_zero")]
        #[schemars(extend("not" = { "const": 0 }))]
        by: i64,
    },
    /// The response has another `Content-Type`.
    WrongContentType {
        /// Value of `Content-Type`.
        #[serde(deserialize_with = "header_text")]
        #[schemars(regex(pattern = HEADER_TEXT))]
        content_type: String,
    },
    /// The response body is not valid JSON.
    InvalidJson,
    /// Status 200 with `result: false` replaces the response, for vendors that reject in this way.
    ResultFalse,
    /// The response has another shape, which the vendor's document leaves open.
    ShapeVariant {
        /// Name of the shape. If not set, a random matching one.
        #[serde(deserialize_with = "text")]
        variant: Option<String>,
    },
    /// The first member of the response's object is duplicated; the first copy is `null`.
    DuplicateKeys,
    /// A redirect replaces the response.
    Redirect {
        /// Status, from 300 to 399.
        #[serde(deserialize_with = "redirect_status")]
        #[schemars(range(min = 300, max = 399))]
        status: u16,
        /// Value of `Location`.
        #[serde(deserialize_with = "header_text")]
        #[schemars(regex(pattern = HEADER_TEXT))]
        location: String,
    },
    /// The response, including its head, is sent in small pieces with pauses.
    SlowDrip {
        /// Size of a piece in bytes, at least 1.
        #[serde(deserialize_with = "positive")]
        #[schemars(range(min = 1))]
        bytes: u64,
        /// Pause after each piece, in seconds.
        #[serde(rename = "seconds", with = "seconds")]
        #[schemars(with = "f64", range(min = 0.0, max = LONGEST))]
        pause: Duration,
    },
    /// Interim responses (`103`) precede the response.
    InformationalFlood {
        /// Number of interim responses.
        #[serde(deserialize_with = "flood")]
        #[schemars(range(min = 1, max = 100_000))]
        count: u32,
    },
    /// Status 429 replaces the response.
    RateLimit {
        /// `Retry-After` in seconds.
        #[serde(deserialize_with = "whole_seconds")]
        retry_after: Option<u64>,
    },
}

impl Fault {
    /// Returns each fault with its default parameters.
    pub fn all() -> [Self; 18] {
        [
            Self::Status { status: 503, retry_after: None, committed: false },
            Self::Latency { by: Duration::from_secs(1) },
            Self::Bandwidth { bytes_per_second: 16 * 1024 },
            Self::ResetBeforeCommit,
            Self::ResetInCommit { at: Middle::Answer },
            Self::ResetAfterCommit,
            Self::TruncatedBody,
            Self::MissingLength,
            Self::WrongLength { by: 7 },
            Self::WrongContentType { content_type: "text/html".into() },
            Self::InvalidJson,
            Self::ResultFalse,
            Self::ShapeVariant { variant: None },
            Self::DuplicateKeys,
            Self::Redirect { status: 307, location: "https://redirected.invalid/".into() },
            Self::SlowDrip { bytes: 16, pause: Duration::from_millis(20) },
            Self::InformationalFlood { count: 100 },
            Self::RateLimit { retry_after: Some(1) },
        ]
    }

    /// Returns the fault of this name with its default parameters.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|fault| fault.name() == name)
    }

    /// Returns the name that the admin API uses.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Latency { .. } => "latency",
            Self::Bandwidth { .. } => "bandwidth",
            Self::ResetBeforeCommit => "reset-before-commit",
            Self::ResetInCommit { .. } => "reset-in-commit",
            Self::ResetAfterCommit => "reset-after-commit",
            Self::TruncatedBody => "truncated-body",
            Self::MissingLength => "missing-length",
            Self::WrongLength { .. } => "wrong-length",
            Self::WrongContentType { .. } => "wrong-content-type",
            Self::InvalidJson => "invalid-json",
            Self::ResultFalse => "result-false",
            Self::ShapeVariant { .. } => "shape-variant",
            Self::DuplicateKeys => "duplicate-keys",
            Self::Redirect { .. } => "redirect",
            Self::SlowDrip { .. } => "slow-drip",
            Self::InformationalFlood { .. } => "informational-flood",
            Self::RateLimit { .. } => "rate-limit",
        }
    }

    /// Whether the call is processed nevertheless.
    pub fn commits(&self) -> bool {
        match self {
            Self::Status { committed, .. } => *committed,
            Self::ResetInCommit { at } => *at == Middle::Answer,
            Self::ResetBeforeCommit | Self::ResultFalse | Self::Redirect { .. } | Self::RateLimit { .. } => false,
            _ => true,
        }
    }
}

/// Where a connection is reset.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Middle {
    /// After a part of the request was read: the call is not processed.
    Request,
    /// In the head of the response: the call was processed.
    Answer,
}

/// Maximum latency or pause in seconds: one hour.
pub(super) const LONGEST: f64 = 3_600.0;

/// Pattern of valid header values.
pub(super) const HEADER_TEXT: &str = r"^[\t\x20-\x7e\x80-\uffff]*$";

readers! {
    error_status: u16, "a number from 400 to 599", |status| (400..=599).contains(status);
    redirect_status: u16, "a number from 300 to 399", |status| (300..=399).contains(status);
    whole_seconds: Option<u64>, "a whole number of seconds, or null", |_| true;
    flag: bool, "true or false", |_| true;
    positive: u64, "a whole number of at least 1", |number| *number > 0;
    middle: Middle, "request or answer", |_| true;
    not_zero: i64, "a whole number other than 0", |by| *by != 0;
    flood: u32, "a whole number from 1 to 100000", |count| (1..=100_000).contains(count);
    text: Option<String>, "a string", |_| true;
    header_text: String, "a string that is a valid header value", |text: &String| HeaderValue::from_str(text).is_ok();
    times: Option<u64>, "a whole number of at least 1, or null for no limit", |times| *times != Some(0);
}

/// Reads a probability; null is 1.
pub(super) fn probability<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let fits = |probability: &Option<f64>| probability.is_none_or(|given| given > 0.0 && given <= 1.0);
    value(from, "a number greater than 0 and at most 1", fits).map(|probability| probability.unwrap_or(1.0))
}

pub(super) mod seconds {
    use serde::Serializer;

    use super::{Deserializer, Duration, LONGEST, value};

    pub(in crate::faults) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(span.as_secs_f64())
    }

    pub(in crate::faults) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let fits = |seconds: &f64| (0.0..=LONGEST).contains(seconds);
        value(from, "a number of seconds from 0 to 3600", fits).map(Duration::from_secs_f64)
    }
}
