//! Facts about a vendor that the sandbox needs, as data.

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
    /// Members of the request that are not secret; the values of all others are redacted.
    pub request: &'static [&'static str],
    /// Members of a successful response that are not secret.
    pub response: &'static [&'static str],
}

impl Login {
    /// Creates a login at this path, with the members that are not secret.
    pub const fn new(path: &'static str, request: &'static [&'static str], response: &'static [&'static str]) -> Self {
        Self { path, request, response }
    }

    /// Whether a path is this call's, ignoring letter case and trailing slashes.
    pub(crate) fn matches(&self, path: &str) -> bool {
        path.trim_end_matches('/').eq_ignore_ascii_case(self.path)
    }
}

/// Facts about a vendor that the sandbox needs, as data.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct VendorFacts {
    /// Name of the provider that the vendor serves.
    pub name: &'static str,
    /// The vendor and its paths, for error messages.
    pub paths: &'static str,
    /// The noun of the vendor's cases, in the plural: `orders` or `idents`.
    pub cases: &'static str,
    /// Whether a path belongs to the vendor.
    pub owns: fn(&str) -> bool,
    /// Reads the public half of the credentials from a request.
    pub claims: fn(&Request<Bytes>) -> Option<String>,
    /// The rules that the vendor enforces.
    pub rules: &'static [Rule],
    /// Rule that an unreadable body violates.
    pub body_rule: Option<&'static Rule>,
    /// Rule by which calls about a case wait while a webhook about that case is delivered. If `None`, they always wait.
    pub wait_rule: Option<&'static Rule>,
    /// Names of the vendor's timers ([`Timer::what`](crate::Timer::what)). A world that contains another timer of this
    /// vendor can be neither saved nor loaded.
    pub timers: &'static [&'static str],
    /// Alternative shapes of responses that the vendor's document leaves open.
    pub shapes: &'static [Shape],
    /// Whether the vendor can reject a request with status 200 and `result: false`.
    pub rejects_by_result: bool,
    /// The call that exchanges credentials for a token, if it has one.
    pub login: Option<Login>,
    /// Members of requests that are maps. Their keys may be personal data, so JSON pointers end at the map.
    pub maps: &'static [&'static str],
    /// How the vendor delivers webhooks.
    pub webhooks: WebhookPolicy,
    /// Beginning of the paths of landing pages, e.g. `/status/`; the link of a case follows. `None` if the vendor has
    /// no landing pages.
    pub landing_path: Option<&'static str>,
}

impl VendorFacts {
    /// Creates facts without rules, timers, shapes and login. Its cases are orders. Each webhook is delivered once.
    pub const fn new(name: &'static str, paths: &'static str, owns: fn(&str) -> bool) -> Self {
        Self {
            name,
            paths,
            cases: "orders",
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
            landing_path: None,
        }
    }

    /// Returns the contract id of the rule that an unreadable body violates.
    pub(crate) fn body_rule_id(&self) -> &'static str {
        self.body_rule.map_or("sandbox", Rule::contract_id)
    }
}

/// How a vendor delivers webhooks. Each part depends on the rules that the world enforces.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct WebhookPolicy {
    /// Time limit of an attempt in the world's time; `None` for no limit.
    pub cut_off: fn(&Rules) -> Option<Duration>,
    /// Whether a receiver's status counts as delivered.
    pub accepts: fn(&Rules, u16) -> bool,
    /// Times of the retries after a failed first attempt at this time, earliest first.
    pub retries: fn(&Rules, Timestamp) -> Vec<Timestamp>,
}

impl WebhookPolicy {
    /// One attempt without time limit; any 2xx status counts as delivered.
    pub const ONCE: Self = Self::new(|_| None, |_, status| matches!(status, 200..=299), |_, _| Vec::new());

    /// Creates a policy.
    pub const fn new(
        cut_off: fn(&Rules) -> Option<Duration>,
        accepts: fn(&Rules, u16) -> bool,
        retries: fn(&Rules, Timestamp) -> Vec<Timestamp>,
    ) -> Self {
        Self { cut_off, accepts, retries }
    }
}
