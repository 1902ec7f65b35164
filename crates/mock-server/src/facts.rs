//! What the sandbox has to know of a vendor, as data.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;

use crate::faults::Shape;
use crate::rules::{Rule, Rules};

/// The call that exchanges credentials for a token.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Login {
    /// Its path.
    pub path: &'static str,
    /// Members of the request that are no secret; the values of all others are redacted.
    pub request: &'static [&'static str],
    /// Members of a successful response that are no secret.
    pub response: &'static [&'static str],
}

impl Login {
    /// A login at this path, with the members that are no secret.
    pub const fn new(path: &'static str, request: &'static [&'static str], response: &'static [&'static str]) -> Self {
        Self { path, request, response }
    }

    /// Whether a path means this call, also where it is written in other capitals or with a slash at the end.
    pub(crate) fn matches(&self, path: &str) -> bool {
        path.trim_end_matches('/').eq_ignore_ascii_case(self.path)
    }
}

/// What the sandbox has to know of a vendor, as data.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct VendorFacts {
    /// Name of the provider that the vendor serves.
    pub name: &'static str,
    /// Where its calls are, in words.
    pub paths: &'static str,
    /// Whether a path belongs to it.
    pub owns: fn(&str) -> bool,
    /// Public half of the credentials in a request.
    pub claims: fn(&Request<Bytes>) -> Option<String>,
    /// The rules that it enforces.
    pub rules: &'static [Rule],
    /// Rule that a body breaks if it cannot be read.
    pub body_rule: Option<&'static Rule>,
    /// Rule by which calls about a case wait while a webhook about that case is delivered; without one they always do.
    pub wait_rule: Option<&'static Rule>,
    /// Names of its timers ([`Timer::what`](crate::Timer::what)): a world with another timer of this vendor is neither
    /// saved nor read.
    pub timers: &'static [&'static str],
    /// Shapes that its document leaves open for responses.
    pub shapes: &'static [Shape],
    /// Whether it can reject in a response with status 200, by `result: false`.
    pub rejects_by_result: bool,
    /// The call that exchanges credentials for a token, if it has one.
    pub login: Option<Login>,
    /// Members of requests that are maps: their names may be personal data, so that only the map is pointed at.
    pub maps: &'static [&'static str],
    /// How its webhooks are delivered.
    pub webhooks: WebhookPolicy,
}

impl VendorFacts {
    /// A vendor of this name, without rules, timers, shapes and login, that delivers each webhook once.
    pub const fn new(name: &'static str, paths: &'static str, owns: fn(&str) -> bool) -> Self {
        Self {
            name,
            paths,
            owns,
            claims: |_| None,
            rules: &[],
            body_rule: None,
            wait_rule: None,
            timers: &[],
            shapes: &[],
            rejects_by_result: false,
            login: None,
            maps: &[],
            webhooks: WebhookPolicy::ONCE,
        }
    }

    /// Contract id of the rule that a body breaks if it cannot be read.
    pub(crate) fn body_rule_id(&self) -> &'static str {
        self.body_rule.map_or("sandbox", Rule::contract_id)
    }
}

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
