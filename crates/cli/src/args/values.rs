//! Values that are more than a text.

use identkit_core::{Kind, Window};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// A point in time as it is typed: absolute, or so long before now.
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

/// The time between two moments.
///
/// # Errors
/// [`Kind::InvalidInput`] unless the first one is earlier.
pub(crate) fn window(from: Moment, to: Moment, now: Timestamp) -> Result<Window, identkit_core::Error> {
    match (from.at(now), to.at(now)) {
        (Some(begin), Some(end)) if begin < end => Ok(Window { begin, end }),
        _ => Err(identkit_core::Error::new(Kind::InvalidInput, "--from must be earlier than --to")),
    }
}

/// RFC 3339, a date (its start in UTC), `now`, or a number of seconds, minutes, hours or days ago as `-90m`.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    if text == "now" {
        return Ok(Moment::Ago(SignedDuration::ZERO));
    }
    if let Some(ago) = text.strip_prefix('-').and_then(ago) {
        return Ok(Moment::Ago(ago));
    }
    // What is longer has a time of day, which must not be dropped.
    if text.len() == "2020-09-10".len()
        && let Ok(date) = text.parse::<Date>()
        && let Ok(at) = Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
    {
        return Ok(Moment::At(at));
    }
    text.parse().map(Moment::At).map_err(|_| {
        "a date-time with offset (2020-09-10T12:00:00+02:00 or …Z), a date (its start in UTC), now, or a time ago \
         (-90m, -24h, -7d) is needed"
            .to_owned()
    })
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(seconds).map(SignedDuration::from_secs)
}

/// A SHA-256 as 64 hexadecimal digits.
pub(super) fn sha256(text: &str) -> Result<[u8; 32], String> {
    let wrong = || "a SHA-256 is needed: 64 hexadecimal digits".to_owned();
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits: [u8; 64] = digits.and_then(|digits| digits.try_into().ok()).ok_or_else(wrong)?;
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = high << 4 | low;
        }
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_time_with_offset_a_date_in_utc_or_a_time_ago() {
        let at = |text: &str| Ok(Moment::At(text.parse().unwrap()));
        assert_eq!(moment("2020-09-10T12:00:00+02:00"), at("2020-09-10T10:00:00Z"));
        assert_eq!(moment("2020-09-10T12:00:00Z"), at("2020-09-10T12:00:00Z"));
        assert_eq!(moment("2020-09-10"), at("2020-09-10T00:00:00Z"));
        assert_eq!(moment("now"), Ok(Moment::Ago(SignedDuration::ZERO)));
        for (text, hours) in [("-24h", 24), ("-7d", 168), ("-120m", 2), ("-3600s", 1)] {
            assert_eq!(moment(text), Ok(Moment::Ago(SignedDuration::from_hours(hours))), "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "2020-09-10T12:00:00",
            "2020-13-01",
            "2020-02-30",
            "-",
            "-h",
            "24h",
            "-+1h",
            "-1w",
            "-1.5h",
            "--1h",
            "-99999999999999999999h",
            "10.09.2020",
            "1599739200",
            "2020-09-1é",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
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
        assert!(of("-999999999999d", "now").is_err(), "before the beginning of time");
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let text = "00010203040506070809000102030405060708090001020304050607080900fF";
        let digest = sha256(text).unwrap();
        assert_eq!((digest[9], digest[31]), (9, 255));
        for bad in [
            "",
            "00",
            &text.replacen("00", "0", 1),
            &format!("{text}0"),
            &text.replace('f', "g"),
            &text.replace('f', "é"),
        ] {
            assert!(sha256(bad).is_err(), "{bad}");
        }
    }
}
