//! Delivery of webhooks, [T 2.5].

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Time limit of a receiver, [T 2.5.1].
pub(super) const CUT_OFF: Duration = Duration::from_secs(10);

/// Returns the retries of [T 2.5.2] after a first attempt (T-036): 86.4 s and then every minute up to 864 s, then every hour
/// up to 12 h, then every night (01:00 UTC, assumed) up to 6 days.
pub(super) fn retries(first: Timestamp) -> Vec<Timestamp> {
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
