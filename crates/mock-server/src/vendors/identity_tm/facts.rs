//! Facts about the vendor that the sandbox needs.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use identkit_identity_tm::PROVIDER;
use identkit_wire::decode_base64;

use super::{rules, shapes};
use crate::VendorFacts;
use crate::vendors::delivery;
use crate::webhooks::WebhookPolicy;

/// Path of the API, with its version.
pub(in crate::vendors) const BASE_PATH: &str = "/api/2.10";

/// Beginning of the paths of landing pages.
pub(super) const LANDING_PATH: &str = "/status/";

/// The vendor's host of landing pages.
pub(super) const LANDING_HOST: &str = "www.identity.tm";

/// Timer: the order times out.
pub(super) const TIME_OUT: &str = "time-out";
/// Timer: the vendor deletes the results.
pub(super) const PURGE: &str = "purge";

/// Timer: a recording becomes ready.
pub(super) const VIDEO: &str = "video";

pub(super) static FACTS: VendorFacts = VendorFacts {
    claims,
    rules: rules::RULES,
    body_rule: Some(&rules::T_002),
    wait_rule: Some(&rules::AT_78),
    timers: &[TIME_OUT, PURGE, VIDEO],
    shapes: shapes::SHAPES,
    maps: &["Additional"],
    landing_path: Some(LANDING_PATH),
    webhooks: WebhookPolicy::new(
        |rules| rules.enforce(&rules::T_033_10S).then_some(delivery::CUT_OFF),
        // 201, 204 and redirects are failures.
        |rules, status| matches!(status, 200 | 202) || !rules.enforce(&rules::T_034),
        |rules, first| if rules.enforce(&rules::T_036) { delivery::retries(first) } else { Vec::new() },
    ),
    ..VendorFacts::new(PROVIDER, "identity.TM at /api/{version}/", |path| below_version(path).is_some())
};

/// Returns the path below `/api/{version}`, for any version (AT-11).
pub(super) fn below_version(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api/")?;
    let slash = rest.find('/')?;
    rest.get(slash..)
}

fn claims(request: &Request<Bytes>) -> Option<String> {
    let pair = String::from_utf8(decode_base64(basic_code(request)?).ok()?).ok()?;
    pair.split_once(':').map(|(customer, _)| customer.to_owned())
}

/// Returns the encoded credentials of HTTP Basic authentication. The name of the scheme is case-insensitive (RFC 9110).
pub(super) fn basic_code(request: &Request<Bytes>) -> Option<&str> {
    let (scheme, code) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(code.trim())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use identkit_core::Event;
    use jiff::Timestamp;

    use super::*;
    use crate::rules::Rules;
    use crate::webhooks::Delivery;

    fn seconds(first: &str) -> Vec<f64> {
        let first: Timestamp = first.parse().unwrap();
        delivery::retries(first).iter().map(|at| at.duration_since(first).as_secs_f64()).collect()
    }

    #[test]
    fn at_66_the_schedule_matches_the_documents_table() {
        let all = seconds("2020-09-10T12:00:00Z");
        let minutes: Vec<f64> = (0..13).map(|k| 86.4 + 60.0 * f64::from(k)).collect();
        let hours: Vec<f64> = (0..12).map(|k| 864.0 + 3600.0 * f64::from(k)).collect();
        assert_eq!(all[..13], minutes);
        assert_eq!(all[13..25], hours);
        assert!(all[25..].iter().all(|at| (43_200.0..=6.0 * 86_400.0).contains(at)));
        for hour in 0..24 {
            let count = seconds(&format!("2020-09-10T{hour:02}:30:00Z")).len() + 1;
            assert!((31..=32).contains(&count), "{count} attempts, starting at {hour}:30");
        }
    }

    #[test]
    fn at_65_only_200_and_202_count_as_delivered() {
        let now: Timestamp = "2020-09-10T12:00:00Z".parse().unwrap();
        let delivery = || {
            let request = Request::builder().uri("http://127.0.0.1/").body(Bytes::new()).unwrap();
            Delivery::new(&FACTS, "c", Event::new("v", "e", "k"), request)
        };
        for (status, delivered) in [
            (Some(200), true),
            (Some(202), true),
            (Some(201), false),
            (Some(204), false),
            (Some(302), false),
            (None, false),
        ] {
            let mut delivery = delivery();
            assert_eq!(delivery.record_attempt(now, status, &Rules::default()).is_none(), delivered, "{status:?}");
            assert_eq!(delivery.is_delivered(), delivered);
        }
    }
}
