//! Parsers of option values.

use std::time::Duration;

use identkit_core::{Kind, Outcome, Window};
use identkit_identify24::messages::BERLIN;
use identkit_wire::url::WebUrl;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::verdict;

/// A point in time: absolute, or a duration before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    Ago(SignedDuration),
}

impl Moment {
    fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Ago(ago) => now.checked_sub(ago).ok(),
        }
    }
}

/// The window between two moments.
///
/// # Errors
/// [`Kind::InvalidInput`] unless `from` is earlier than `to`.
pub(crate) fn window(from: Moment, to: Moment, now: Timestamp) -> Result<Window, identkit_core::Error> {
    let why = match (from.at(now), to.at(now)) {
        (Some(begin), Some(end)) if begin < end => return Ok(Window { begin, end }),
        (Some(_), Some(_)) => "--from must be earlier than --to",
        (None, _) => "--from is too long ago: the earliest year is -9999",
        (_, None) => "--to is too long ago: the earliest year is -9999",
    };
    Err(identkit_core::Error::new(Kind::InvalidInput, why))
}

/// Parses an RFC 3339 time, a date (its start in UTC), `now`, or a time ago such as `-90m`.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if text == "now" {
        return Ok(Moment::Ago(SignedDuration::ZERO));
    }
    if let Some(ago) = text.strip_prefix('-').and_then(ago) {
        return Ok(Moment::Ago(ago));
    }
    // A longer text has a time of day, which must not be dropped.
    if text.len() == "2020-09-10".len()
        && let Ok(date) = text.parse::<Date>()
        && let Ok(at) = Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
    {
        return Ok(Moment::At(at));
    }
    text.parse().map(Moment::At).map_err(|_| {
        "must be a time with offset (2020-09-10T12:00:00+02:00 or …Z), a date (its start in UTC), now, or a time ago \
         (-90m, -24h, -7d)"
            .to_owned()
    })
}

/// Parses an age such as `30d`, `12h` or `90m`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let age = ago(text).and_then(|age| Duration::try_from(age).ok());
    age.ok_or_else(|| "must be an age such as 30d, 12h or 90m".to_owned())
}

/// Parses the duration of a lease.
pub(crate) fn lease(text: &str) -> Result<Duration, String> {
    let seconds = age(text).map(|lease| lease.as_secs());
    match seconds {
        Ok(seconds @ 3..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a duration from 3s to 10m, e.g. 30s".to_owned()),
    }
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()))?;
    let (_, seconds) = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)].into_iter().find(|known| known.0 == unit)?;
    number.parse::<i64>().ok()?.checked_mul(seconds).map(SignedDuration::from_secs)
}

/// Parses a duration such as `90s`, `30m`, `12h` or `7d`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, String> {
    ago(text).ok_or_else(|| "must be a number and a unit, e.g. 90s, 30m, 12h or 7d".to_owned())
}

/// Parses a SHA-256 of 64 hexadecimal digits.
pub(crate) fn sha256(text: &str) -> Result<[u8; 32], String> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let digest = bytes.filter(|_| digits).and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| "must be a SHA-256 of 64 hexadecimal digits".to_owned())
}

/// Parses `STATUS=OUTCOME` at the last `=`: a status of the vendor may contain one.
pub(crate) fn outcome(text: &str) -> Result<(String, Outcome), String> {
    let pair = text.rsplit_once('=').filter(|(status, _)| !status.trim().is_empty());
    let (status, word) = pair.ok_or_else(|| "must be STATUS=OUTCOME, e.g. Identified=positive".to_owned())?;
    Ok((status.to_owned(), verdict::outcome(word)?))
}

/// Parses `Europe/Berlin`, `UTC`, an offset such as `+01:00`, or a POSIX rule as in the variable `TZ`.
pub(crate) fn zone(text: &str) -> Result<TimeZone, String> {
    let zone = match text {
        "Europe/Berlin" => TimeZone::posix(BERLIN).ok(),
        "UTC" => Some(TimeZone::UTC),
        _ => offset(text).map(TimeZone::fixed).or_else(|| TimeZone::posix(text).ok()),
    };
    zone.ok_or_else(|| {
        "must be Europe/Berlin, UTC, an offset (+01:00) or a POSIX rule (CET-1CEST,M3.5.0,M10.5.0/3)".to_owned()
    })
}

/// Parses an offset such as `+01:00`.
fn offset(text: &str) -> Option<Offset> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let number = |digits: &str, below: i32| {
        let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<i32>().ok().filter(|number| plain && *number < below)
    };
    Offset::from_seconds(sign * (number(hours, 24)? * 3600 + number(minutes, 60)? * 60)).ok()
}

/// Checks a URL of a webhook receiver like the sandbox's setting `webhook_url` does.
pub(crate) fn webhook_url(text: &str) -> Result<String, String> {
    WebUrl::parse(text).map(|_| text.to_owned()).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_with_offset_a_date_or_a_time_ago() {
        let at = |text: &str| Ok(Moment::At(text.parse().unwrap()));
        assert_eq!(moment("2020-09-10T12:00:00+02:00"), at("2020-09-10T10:00:00Z"));
        assert_eq!(moment("2020-09-10T12:00:00Z"), at("2020-09-10T12:00:00Z"));
        assert_eq!(moment("2020-09-10"), at("2020-09-10T00:00:00Z"));
        assert_eq!(moment("now"), Ok(Moment::Ago(SignedDuration::ZERO)));
        for (text, hours) in [("-24h", 24), ("-7d", 168), ("-120m", 2), ("-3600s", 1)] {
            assert_eq!(moment(text), Ok(Moment::Ago(SignedDuration::from_hours(hours))), "{text}");
        }
        let bad = "yesterday,2020-09-10T12:00:00,2020-13-01,2020-02-30,-,-h,24h,-+1h,-1w,-1.5h,--1h,\
                   -99999999999999999999h,10.09.2020,1599739200,2020-09-1é,";
        for bad in bad.split(',') {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_age_is_a_number_with_a_unit() {
        assert_eq!(age("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(age("90m"), Ok(Duration::from_secs(5_400)));
        for bad in ["", "d", "-30d", "30", "1w", "1.5h"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn at_99_a_webhook_url_with_an_invalid_port_is_rejected() {
        assert!(webhook_url("https://user:password@example.com:8443/hook").is_ok());
        for (bad, part) in
            [("https://example.com:99999/hook", "port"), ("example.com", "https://"), ("http://:80/", "host")]
        {
            assert!(webhook_url(bad).unwrap_err().contains(part), "{bad}");
        }
    }

    #[test]
    fn a_window_begins_before_it_ends() {
        let now = "2020-09-10T12:00:00Z".parse().unwrap();
        let of = |from: &str, to: &str| window(moment(from).unwrap(), moment(to).unwrap(), now);
        let day = of("-24h", "now").unwrap();
        assert_eq!((day.begin.to_string().as_str(), day.end), ("2020-09-09T12:00:00Z", now));
        for (from, to) in [("now", "now"), ("now", "-1h"), ("2020-09-11", "2020-09-10"), ("2020-09-11", "now")] {
            assert_eq!(of(from, to).unwrap_err().kind(), Kind::InvalidInput, "{from} {to}");
        }
        for (from, to, option) in
            [("-99999999d", "now", "--from"), ("-99999999d", "-99999999d", "--from"), ("-1h", "-99999999d", "--to")]
        {
            let error = of(from, to).unwrap_err();
            assert!(error.detail().starts_with(&format!("{option} is too long ago")), "{from} {to}: {error}");
        }
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let text = "00010203040506070809000102030405060708090001020304050607080900fF";
        let digest = sha256(text).unwrap();
        assert_eq!((digest[9], digest[31]), (9, 255));
        let odd = [text.replacen("00", "0", 1), format!("{text}0"), text.replace('f', "g"), text.replace('f', "é")];
        for bad in odd.iter().map(String::as_str).chain(["", "00"]) {
            assert!(sha256(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ai_12_status_and_outcome_split_at_the_last_equals_sign() {
        assert_eq!(outcome("Identified=positive"), Ok(("Identified".to_owned(), Outcome::Positive)));
        assert_eq!(outcome("a=b=negative"), Ok(("a=b".to_owned(), Outcome::Negative)));
        for bad in ["", "Identified", "=positive", " =positive", "Identified=", "Identified=good", "Identified=unknown"]
        {
            assert!(outcome(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ai_11_a_zone_is_a_name_an_offset_or_a_posix_rule() {
        let noon = jiff::civil::date(2019, 7, 1).at(12, 0, 0, 0);
        for (text, utc) in [
            ("Europe/Berlin", "2019-07-01T10:00:00Z"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2019-07-01T10:00:00Z"),
            ("+01:00", "2019-07-01T11:00:00Z"),
            ("-03:30", "2019-07-01T15:30:00Z"),
            ("UTC", "2019-07-01T12:00:00Z"),
        ] {
            assert_eq!(zone(text).unwrap().to_timestamp(noon).unwrap().to_string(), utc, "{text}");
        }
        for bad in ["", "Berlin", "+1", "+25:00", "+01:60", "+0a:00", "é1:00", "europe/berlin"] {
            assert!(zone(bad).is_err(), "{bad}");
        }
    }
}
