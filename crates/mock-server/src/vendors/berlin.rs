//! German local time, which the vendors' documents print (AT-98, AI-11).
//!
//! The time zone is compiled in, so the sandbox needs no time zone database.

use jiff::Timestamp;
use jiff::civil::DateTime;
#[cfg(feature = "identity-tm")]
use jiff::tz::Offset;
use jiff::tz::TimeZone;

static BERLIN: TimeZone = jiff::tz::get!("Europe/Berlin");

/// Returns the local date and time.
pub(super) fn local(at: Timestamp) -> DateTime {
    BERLIN.to_datetime(at)
}

/// Returns the time of a local date and time. If it occurs twice, the first.
#[cfg(feature = "identify24")]
pub(super) fn timestamp(local: DateTime) -> Option<Timestamp> {
    BERLIN.to_ambiguous_timestamp(local).compatible().ok()
}

/// Returns the difference from UTC.
#[cfg(feature = "identity-tm")]
pub(super) fn offset(at: Timestamp) -> Offset {
    BERLIN.to_offset(at)
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

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
            ("1945-07-01T00:00:00Z", 3),
            ("1970-06-01T00:00:00Z", 1),
            ("1995-09-30T12:00:00Z", 1),
            ("1996-10-26T12:00:00Z", 2),
            ("1996-10-27T01:00:00Z", 1),
            ("2099-07-01T00:00:00Z", 2),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(BERLIN.to_offset(at), Offset::constant(hours), "{at}");
            assert_eq!(local(at), Offset::constant(hours).to_datetime(at), "{at}");
        }
    }
}
