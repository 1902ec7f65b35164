//! German local time, which the vendors' documents print (AT-98, AI-11).
//!
//! The rule is compiled in, so the sandbox needs no time zone database. It is exact since 1996; the documents' earliest
//! examples are of 2018.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Europe/Berlin as a POSIX rule.
const RULE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn zone() -> &'static TimeZone {
    static ZONE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::posix(RULE).unwrap_or(TimeZone::UTC));
    &ZONE
}

/// Returns the local date and time.
pub(super) fn local(at: Timestamp) -> DateTime {
    zone().to_datetime(at)
}

/// Returns the difference from UTC.
#[cfg(feature = "identity-tm")]
pub(super) fn offset(at: Timestamp) -> Offset {
    zone().to_offset(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_98_offsets_change_with_german_summer_time() {
        for (at, hours) in [
            ("2018-09-05T09:06:21Z", 2),
            ("2016-01-01T00:00:00Z", 1),
            ("2020-03-29T00:59:59Z", 1),
            ("2020-03-29T01:00:00Z", 2),
            ("2020-10-25T00:59:59Z", 2),
            ("2020-10-25T01:00:00Z", 1),
            ("1996-10-26T12:00:00Z", 2),
            ("1996-10-27T01:00:00Z", 1),
            ("2099-07-01T00:00:00Z", 2),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(zone().to_offset(at), Offset::constant(hours), "{at}");
            assert_eq!(local(at), Offset::constant(hours).to_datetime(at), "{at}");
        }
    }
}
