//! How a vendor delivers webhooks.

use std::time::Duration;

use jiff::Timestamp;

use crate::rules::Rules;

/// How a vendor delivers webhooks, as far as these rules are enforced.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct WebhookPolicy {
    /// How long an attempt may take in the world's time; `None` for any time.
    pub cut_off: fn(&Rules) -> Option<Duration>,
    /// Whether a receiver's status counts as delivered.
    pub accepts: fn(&Rules, u16) -> bool,
    /// When to retry after a failed first attempt at this time, earliest first.
    pub retries: fn(&Rules, Timestamp) -> Vec<Timestamp>,
}

impl WebhookPolicy {
    /// One attempt, of any length, that a status of success accepts.
    pub const ONCE: Self = Self::new(|_| None, |_, status| matches!(status, 200..=299), |_, _| Vec::new());

    /// A policy of these parts.
    pub const fn new(
        cut_off: fn(&Rules) -> Option<Duration>,
        accepts: fn(&Rules, u16) -> bool,
        retries: fn(&Rules, Timestamp) -> Vec<Timestamp>,
    ) -> Self {
        Self { cut_off, accepts, retries }
    }
}
