//! Webhooks: what is delivered, when it is tried again, and what counts as delivered.

mod modes;
mod state;

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use http::{Method, Request};
use identkit_core::Event;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::world::text;

use crate::rules::Rules;

pub use self::modes::{Mode, ReleaseOrder, Webhooks};
pub use self::state::{Cause, Held, Impossible, State, Verb};

/// One try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// When it began.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// The receiver's answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the vendor counts it as delivered.
    pub delivered: bool,
    /// What made the vendor, or somebody else, send it.
    pub by: Cause,
    /// Why there is no answer, in words of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// Whether the schedule goes on after it.
    pub again: bool,
}

impl Attempt {
    /// What came of it, as the admin API says it: `delivered`, `retry` when it failed and the schedule goes on, `failed`.
    pub fn outcome(&self) -> &'static str {
        match (self.delivered, self.again) {
            (true, _) => "delivered",
            (false, true) => "retry",
            (false, false) => "failed",
        }
    }
}

/// A webhook on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id in the world; set when it is put on its way.
    pub id: u64,
    /// Name of the vendor.
    pub vendor: &'static str,
    /// The case it is about.
    pub case: String,
    /// What it says.
    pub event: Event,
    /// The method.
    pub method: Method,
    /// The request as it is sent.
    pub request: RequestCopy,
    /// The tries so far.
    pub attempts: Vec<Attempt>,
    /// When it will be tried next, once it was tried; `None` when it never will.
    pub next: Option<Timestamp>,
    /// When it may be tried after that, earliest first; filled at the first try.
    pub retries: VecDeque<Timestamp>,
    /// Whether the vendor tries again at all.
    pub schedule: Schedule,
    /// The tries that are under way, by what made them.
    pub under_way: Vec<Cause>,
    /// Whether it waits to be released.
    pub held: Option<Held>,
    /// How many copies go with its next try.
    pub copies: u32,
    /// Whether the case waits for the first try, as it does for a webhook (T-033), but not for every other call.
    pub blocks: bool,
}

/// A request that can be sent more than once.
#[derive(Clone)]
pub struct RequestCopy(pub Request<Bytes>);

impl std::fmt::Debug for RequestCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL carries a token, the body a person's data.
        f.write_str("RequestCopy")
    }
}

/// When a vendor tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// identity.TM's scheme, [T 2.5.2].
    IdentityTm,
    /// Never: no scheme is documented.
    Never,
}

impl Delivery {
    /// A delivery of this request about a case.
    pub fn new(vendor: &'static str, case: &str, event: Event, request: Request<Bytes>, schedule: Schedule) -> Self {
        Self {
            id: 0,
            vendor,
            case: case.to_owned(),
            event,
            method: request.method().clone(),
            request: RequestCopy(request),
            attempts: Vec::new(),
            next: None,
            retries: VecDeque::new(),
            schedule,
            under_way: Vec::new(),
            held: None,
            copies: 0,
            blocks: true,
        }
    }

    /// The same, but the case does not wait for it.
    #[must_use]
    pub fn without_blocking(mut self) -> Self {
        self.blocks = false;
        self
    }

    /// Whether a try has succeeded.
    pub fn is_delivered(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.delivered)
    }

    /// Whether no try of the schedule is over yet.
    pub fn is_new(&self) -> bool {
        self.attempts.iter().all(|attempt| attempt.by.is_extra())
    }

    /// Notes the outcome of a try of the schedule, and returns when the next one is due.
    pub fn tried(&mut self, at: Timestamp, status: Option<u16>, rules: &Rules) -> Option<Timestamp> {
        let delivered = counts(status, rules);
        if self.is_new() && self.schedule == Schedule::IdentityTm && rules.enforce("T-036") {
            self.retries = retries(at).into();
        }
        if delivered {
            self.retries.clear();
        }
        // Those that it was held over are not made up for.
        self.retries.retain(|retry| *retry > at);
        self.next = self.retries.pop_front();
        let again = self.next.is_some();
        self.attempts.push(Attempt { at, status, delivered, by: Cause::Schedule, error: None, again });
        self.next
    }

    /// Notes the outcome of a try beside the schedule, which goes on as if it had not been.
    pub fn tried_besides(&mut self, at: Timestamp, status: Option<u16>, by: Cause, rules: &Rules) {
        let delivered = counts(status, rules);
        self.attempts.push(Attempt { at, status, delivered, by, error: None, again: false });
    }

    /// The vendor takes it for delivered, and nobody gets it: no try of the schedule comes any more.
    pub fn drop_it(&mut self, at: Timestamp) {
        const DROPPED: &str = "dropped: nothing was sent, and the vendor takes it for delivered";
        self.held = None;
        self.copies = 0;
        self.next = None;
        self.retries.clear();
        let (by, error) = (Cause::Schedule, Some(DROPPED.into()));
        self.attempts.push(Attempt { at, status: None, delivered: false, by, error, again: false });
    }
}

/// Whether an answer counts as delivered: only these two (T-034), and 201, 204 and redirects are failures like any other.
fn counts(status: Option<u16>, rules: &Rules) -> bool {
    match status {
        Some(status) if rules.enforce("T-034") => matches!(status, 200 | 202),
        answered => answered.is_some(),
    }
}

/// The retry scheme of [T 2.5.2] after a first try (T-036): 86.4 s and then every minute up to 864 s, then every hour
/// up to 12 h, then every night (01:00 UTC, assumed) up to 6 days.
pub fn retries(first: Timestamp) -> Vec<Timestamp> {
    let after = |millis: i64| first.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX);
    let minutes = (0..).map(|k| 86_400 + k * 60_000).take_while(|at| *at < 864_000);
    let hours = (0..).map(|k| 864_000 + k * 3_600_000).take_while(|at| *at <= 43_200_000);
    let mut all: Vec<Timestamp> = minutes.chain(hours).map(after).collect();
    let (from, until) = (after(43_200_000), after(6 * 86_400_000));
    let midnight = first.as_second().div_euclid(86_400) * 86_400;
    let nights = (0..8).filter_map(|day| Timestamp::from_second(midnight + day * 86_400 + 3_600).ok());
    all.extend(nights.filter(|night| *night > from && *night <= until));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(first: &str) -> Vec<f64> {
        let first: Timestamp = first.parse().unwrap();
        retries(first).iter().map(|at| at.duration_since(first).as_secs_f64()).collect()
    }

    #[test]
    fn at_66_the_schedule_is_the_documents_table() {
        let all = seconds("2020-09-10T12:00:00Z");
        let minutes: Vec<f64> = (0..13).map(|k| 86.4 + 60.0 * f64::from(k)).collect();
        let hours: Vec<f64> = (0..12).map(|k| 864.0 + 3600.0 * f64::from(k)).collect();
        assert_eq!(all[..13], minutes);
        assert_eq!(all[13..25], hours);
        assert!(all[25..].iter().all(|at| (43_200.0..=6.0 * 86_400.0).contains(at)));
        for hour in 0..24 {
            let count = seconds(&format!("2020-09-10T{hour:02}:30:00Z")).len() + 1;
            assert!((31..=32).contains(&count), "{count} tries when begun at {hour}:30");
        }
    }

    #[test]
    fn at_65_only_200_and_202_count_as_delivered() {
        let now: Timestamp = "2020-09-10T12:00:00Z".parse().unwrap();
        let delivery = || {
            let request = Request::builder().uri("http://127.0.0.1/").body(Bytes::new()).unwrap();
            Delivery::new("v", "c", Event::new("v", "e", "k"), request, Schedule::IdentityTm)
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
            assert_eq!(delivery.tried(now, status, &Rules::default()).is_none(), delivered, "{status:?}");
            assert_eq!(delivery.is_delivered(), delivered);
        }
    }
}
