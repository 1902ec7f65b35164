//! A fault: one thing that goes wrong with a call.

use std::time::Duration;

/// Where in a request or an answer a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middle {
    /// When the request was read in part: nothing is carried out.
    Request,
    /// In the head of the answer: the call was carried out.
    Answer,
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Another status in place of the answer.
    Status {
        /// The status: 400 to 599.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
        /// Whether the call was carried out all the same, as behind a gateway that lost the answer.
        committed: bool,
    },
    /// The answer comes so much later.
    Latency {
        /// How much.
        by: Duration,
    },
    /// The body of the answer comes at this rate.
    Bandwidth {
        /// Bytes a second: 1 at the least.
        bytes_per_second: u64,
    },
    /// The connection is reset, and nothing was carried out.
    ResetBeforeCommit,
    /// The connection is reset in the middle.
    ResetInCommit {
        /// Of what.
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
        by: i64,
    },
    /// The answer says that it is of another media type.
    WrongContentType {
        /// Which one.
        content_type: String,
    },
    /// The body is no JSON.
    InvalidJson,
    /// Status 200, and `result: false` in it: a refusal, at a vendor that has such answers.
    ResultFalse,
    /// Another of the shapes that the documents leave open.
    ShapeVariant {
        /// By its name; any one that fits, unless given.
        variant: Option<String>,
    },
    /// The first element of the answer's object stands in it twice, first as `null`.
    DuplicateKeys,
    /// The answer points elsewhere.
    Redirect {
        /// The status: 300 to 399.
        status: u16,
        /// Where to.
        location: String,
    },
    /// The answer, its head included, comes in small pieces with pauses.
    SlowDrip {
        /// The size of a piece: 1 at the least.
        bytes: u64,
        /// The pause after each.
        pause: Duration,
    },
    /// So many interim answers (`103`) come before the answer.
    InformationalFlood {
        /// How many.
        count: u32,
    },
    /// The vendor has had enough: 429.
    RateLimit {
        /// `Retry-After`, in seconds.
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
