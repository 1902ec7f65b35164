//! Facts about the vendor that the sandbox needs.

use identkit_mock_server::VendorFacts;
use identkit_mock_server::webhooks::WebhookPolicy;
use jiff::{SignedDuration, Timestamp};

use super::{login, rules};
use crate::PROVIDER;

/// Timer: the vendor deletes a case.
pub(super) const EXPIRY: &str = "expiry";

pub(super) static FACTS: VendorFacts = {
    let mut facts = VendorFacts::new(PROVIDER, "Acme at /oauth/ and /v2/", owns);
    facts.cases = "cases";
    facts.claims = login::claims;
    facts.rules = rules::RULES;
    facts.body_rule = Some(&rules::ACME_03);
    facts.timers = &[EXPIRY];
    facts.login = login::LOGIN;
    facts.webhooks = WebhookPolicy::new(|_| None, |_, status| matches!(status, 200..=299), |_, first| retries(first));
    facts
};

fn owns(path: &str) -> bool {
    login::is_login(path) || path.starts_with("/v2/")
}

/// ACME-10: after 1, 10 and 60 minutes.
fn retries(first: Timestamp) -> Vec<Timestamp> {
    [1, 10, 60].into_iter().filter_map(|minutes| first.checked_add(SignedDuration::from_mins(minutes)).ok()).collect()
}
