//! Facts about the vendor that the sandbox needs.

use bytes::Bytes;
use http::Request;
use identkit_identify24::PROVIDER;
use serde_json::{Map, Value};

use super::{rules, shapes};
use crate::vendors::delivery;
use crate::webhooks::WebhookPolicy;
use crate::{Login, VendorFacts};

/// Timer: the vendor deletes an ident.
pub(super) const EXPIRY: &str = "expiry";

/// Beginning of the paths of landing pages.
pub(super) const LANDING_PATH: &str = "/apply/";

/// The vendor's host of landing pages.
pub(super) const LANDING_HOST: &str = "identify24.de";

pub(super) const LOGIN: &str = "/auth";

pub(super) static FACTS: VendorFacts = VendorFacts {
    cases: "idents",
    claims,
    rules: rules::RULES,
    body_rule: Some(&rules::I_002),
    timers: &[EXPIRY],
    landing_path: Some(LANDING_PATH),
    shapes: shapes::SHAPES,
    rejects_by_result: true,
    login: Some(Login::new(LOGIN, &["PARTNER"], &["response_status"])),
    // No retries are documented. If rule I-084 is off, the sandbox uses the other vendor's schedule.
    webhooks: WebhookPolicy::new(
        |_| Some(delivery::CUT_OFF),
        // The document states no status that confirms a webhook (I-084).
        |_, status| (200..300).contains(&status),
        |_, first| delivery::retries(first),
    ),
    ..VendorFacts::new(PROVIDER, "identify24 at /auth, /ident/ and /project/", owns)
};

fn owns(path: &str) -> bool {
    matches!(path.split('/').nth(1), Some("auth" | "ident" | "project"))
}

fn claims(request: &Request<Bytes>) -> Option<String> {
    if request.uri().path() == LOGIN {
        let login: Map<String, Value> = serde_json::from_slice(request.body()).ok()?;
        return login.get("PARTNER")?.as_str().map(str::to_owned);
    }
    Some(request.headers().get("x-api-partner")?.to_str().ok()?.to_owned())
}
