//! A fault: one thing that goes wrong with a call.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize};

use crate::readers::value;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "fault", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// Another status in place of the answer.
    Status {
        /// The status: 400 to 599.
        #[serde(deserialize_with = "error_status")]
        #[schemars(range(min = 400, max = 599))]
        status: u16,
        /// `Retry-After`, in seconds.
        #[serde(deserialize_with = "whole_seconds")]
        retry_after: Option<u64>,
        /// Whether the call was carried out all the same, as behind a gateway that lost the answer.
        #[serde(deserialize_with = "flag")]
        committed: bool,
    },
    /// The answer comes so much later.
    Latency {
        /// How much.
        #[serde(rename = "seconds", with = "seconds")]
        #[schemars(with = "f64", range(min = 0.0, max = LONGEST))]
        by: Duration,
    },
    /// The body of the answer comes at this rate.
    Bandwidth {
        /// Bytes a second: 1 at the least.
        #[serde(deserialize_with = "positive")]
        #[schemars(range(min = 1))]
        bytes_per_second: u64,
    },
    /// The connection is reset, and nothing was carried out.
    ResetBeforeCommit,
    /// The connection is reset in the middle.
    ResetInCommit {
        /// Of what.
        #[serde(deserialize_with = "middle")]
        at: Middle,
    },
    /// The call is carried out, and the connection is reset before a byte of the answer.
    ResetAfterCommit,
    /// The connection ends in the middle of the answer's body.
    TruncatedBody,
    /// The answer tells no length, and ends with the connection.
    MissingLength,
    /// The answer tells a wrong length.
    WrongLength {
        /// By how many bytes too long; too short when negative.
        #[serde(deserialize_with = "not_zero")]
        #[schemars(extend("not" = { "const": 0 }))]
        by: i64,
    },
    /// The answer says that it is of another media type.
    WrongContentType {
        /// Which one.
        #[serde(deserialize_with = "header_text")]
        #[schemars(regex(pattern = HEADER_TEXT))]
        content_type: String,
    },
    /// The body is no JSON.
    InvalidJson,
    /// Status 200, and `result: false` in it: a refusal, at a vendor that has such answers.
    ResultFalse,
    /// Another of the shapes that the documents leave open.
    ShapeVariant {
        /// By its name; any one that fits, unless given.
        #[serde(deserialize_with = "text")]
        variant: Option<String>,
    },
    /// The first element of the answer's object stands in it twice, first as `null`.
    DuplicateKeys,
    /// The answer points elsewhere.
    Redirect {
        /// The status: 300 to 399.
        #[serde(deserialize_with = "redirect_status")]
        #[schemars(range(min = 300, max = 399))]
        status: u16,
        /// Where to.
        #[serde(deserialize_with = "header_text")]
        #[schemars(regex(pattern = HEADER_TEXT))]
        location: String,
    },
    /// The answer, its head included, comes in small pieces with pauses.
    SlowDrip {
        /// The size of a piece: 1 at the least.
        #[serde(deserialize_with = "positive")]
        #[schemars(range(min = 1))]
        bytes: u64,
        /// The pause after each.
        #[serde(rename = "seconds", with = "seconds")]
        #[schemars(with = "f64", range(min = 0.0, max = LONGEST))]
        pause: Duration,
    },
    /// So many interim answers (`103`) come before the answer.
    InformationalFlood {
        /// How many.
        #[serde(deserialize_with = "flood")]
        #[schemars(range(min = 1, max = 100_000))]
        count: u32,
    },
    /// The vendor has had enough: 429.
    RateLimit {
        /// `Retry-After`, in seconds.
        #[serde(deserialize_with = "whole_seconds")]
        retry_after: Option<u64>,
    },
}

impl Fault {
    /// One of each, as its name alone means it.
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

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|fault| fault.name() == name)
    }

    /// Its name, as the admin API writes it.
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

    /// Whether the call is carried out all the same.
    pub fn commits(&self) -> bool {
        match self {
            Self::Status { committed, .. } => *committed,
            Self::ResetInCommit { at } => *at == Middle::Answer,
            Self::ResetBeforeCommit | Self::ResultFalse | Self::Redirect { .. } | Self::RateLimit { .. } => false,
            _ => true,
        }
    }
}

/// Where in a request or an answer a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Middle {
    /// When the request was read in part: nothing is carried out.
    Request,
    /// In the head of the answer: the call was carried out.
    Answer,
}

/// The longest latency or pause, in seconds: an hour.
pub(super) const LONGEST: f64 = 3_600.0;

/// The pattern of a text that a header can hold.
pub(super) const HEADER_TEXT: &str = r"^[\t\x20-\x7e\x80-\uffff]*$";

readers! {
    error_status: u16, "must be 400 to 599", |status| (400..=599).contains(status);
    redirect_status: u16, "must be 300 to 399", |status| (300..=399).contains(status);
    whole_seconds: Option<u64>, "must be a whole number of seconds, or null", |_| true;
    flag: bool, "must be true or false", |_| true;
    positive: u64, "must be a whole number, 1 at the least", |number| *number > 0;
    middle: Middle, "must be request or answer", |_| true;
    not_zero: i64, "must be a whole number, not 0", |by| *by != 0;
    flood: u32, "must be a whole number, 1 to 100000", |count| (1..=100_000).contains(count);
    text: Option<String>, "must be a text", |_| true;
    header_text: String, "must be a text that a header can hold", |text: &String| HeaderValue::from_str(text).is_ok();
    times: Option<u64>, "must be a whole number, 1 at the least, or null for always", |times| *times != Some(0);
}

/// Reads a probability; null is 1.
pub(super) fn probability<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let fits = |probability: &Option<f64>| probability.is_none_or(|given| given > 0.0 && given <= 1.0);
    value(from, "must be above 0, up to 1", fits).map(|probability| probability.unwrap_or(1.0))
}

pub(super) mod seconds {
    use serde::Serializer;

    use super::{Deserializer, Duration, LONGEST, value};

    pub(in crate::faults) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(span.as_secs_f64())
    }

    pub(in crate::faults) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let fits = |seconds: &f64| (0.0..=LONGEST).contains(seconds);
        value(from, "must be a number of seconds, 0 to 3600", fits).map(Duration::from_secs_f64)
    }
}
