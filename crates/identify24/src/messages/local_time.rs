//! Local date-times in the two forms that the document uses (AI-11).

use std::fmt;

use identkit_wire::{Tolerant, read_text_leniently};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Europe/Berlin, the vendor's probable zone, as a POSIX rule that needs no zone database; valid since 1996. The
/// document names no zone (AI-11).
///
/// ```
/// let berlin = jiff::tz::TimeZone::posix(identkit_identify24::messages::BERLIN)?;
/// let created = identkit_identify24::messages::LocalDateTime::parse("21-10-2019 09:57:51");
/// assert_eq!(created.in_zone(&berlin).unwrap().to_string(), "2019-10-21T07:57:51Z");
/// # Ok::<(), jiff::Error>(())
/// ```
///
/// `TimeZone::get("Europe/Berlin")` needs a zone database (jiff's features `tzdb-zoneinfo` or `tzdb-bundle-always`),
/// which this crate does not enable.
pub const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// A local date-time as the vendor wrote it; the zone is not documented. Parsing never fails: if the text is not a
/// date-time, [`civil`](Self::civil) returns `None` (`[I] ident/get`, Webhook).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LocalDateTime {
    raw: String,
    civil: Option<DateTime>,
    offset: Option<Offset>,
}

impl LocalDateTime {
    /// Parses `dd-MM-yyyy HH:mm:ss`, `yyyy-MM-dd HH:mm` and ISO 8601, each with or without seconds. The group of four
    /// digits is the year. [`civil`](Self::civil) is the local time as written, also if an [`offset`](Self::offset) follows.
    pub fn parse(raw: impl Into<String>) -> Self {
        let raw = raw.into();
        let (civil, offset) = read(raw.trim()).unzip();
        Self { raw, civil, offset: offset.flatten() }
    }

    /// Creates a value in the form of `created_at`: `dd-MM-yyyy HH:mm:ss`.
    pub fn created(at: DateTime) -> Self {
        Self::parse(at.strftime("%d-%m-%Y %H:%M:%S").to_string())
    }

    /// Creates a value in the form of `appointment_date`: `yyyy-MM-dd HH:mm`.
    pub fn appointment(at: DateTime) -> Self {
        Self::parse(at.strftime("%Y-%m-%d %H:%M").to_string())
    }

    /// Returns the timestamp of this local time in `zone`, or `None` if the text is not a date-time. If the text has an
    /// [`offset`](Self::offset), `zone` has no effect. At a change of the clocks, a repeated time means the first one, and
    /// a skipped time moves forward by the length of the gap.
    pub fn in_zone(&self, zone: &TimeZone) -> Option<Timestamp> {
        self.convert(self.civil?, zone)
    }

    /// Converts a local time of the zone that this one has.
    pub(super) fn convert(&self, local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
        let own = self.offset.map(TimeZone::fixed);
        own.as_ref().unwrap_or(zone).to_ambiguous_timestamp(local).compatible().ok()
    }

    /// Offset from UTC in the text, e.g. `Z` or `+02:00`. The document's forms have none.
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// Local time, or `None` if the text is not a date-time. The zone is probably Europe/Berlin ([`BERLIN`]).
    pub fn civil(&self) -> Option<DateTime> {
        self.civil
    }

    /// Text as received.
    pub fn as_str(&self) -> &str {
        &self.raw
    }
}

fn read(text: &str) -> Option<(DateTime, Option<Offset>)> {
    let (date, time) = text.split_once([' ', 'T', 't'])?;
    let mut groups = date.split('-');
    let (first, month, last) = (groups.next()?, groups.next()?, groups.next()?);
    let (year, day) = match (first.len(), last.len()) {
        (4, 1..=2) => (first, last),
        (1..=2, 4) => (last, first),
        _ => return None,
    };
    // The rest after the time of day is an offset.
    let (time, offset) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let offset = match offset {
        "" => None,
        offset => Some(Pieces::parse(&format!("2000-01-01T00:00{offset}")).ok()?.to_numeric_offset()?),
    };
    let mut clock = time.trim().split(':');
    let (hour, minute) = (clock.next()?, clock.next()?);
    let second = clock.next().unwrap_or("0").split('.').next()?;
    if groups.next().is_some() || clock.next().is_some() {
        return None;
    }
    let year = i16::try_from(number(year)?).ok()?;
    let small = |digits: &str| i8::try_from(number(digits)?).ok();
    let civil =
        DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some((civil, offset))
}

fn number(digits: &str) -> Option<u16> {
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

impl fmt::Debug for LocalDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil {
            Some(civil) => write!(f, "{civil}"),
            // Other text may contain personal data.
            None => f.write_str("[unreadable date-time]"),
        }
    }
}

impl Serialize for LocalDateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.raw)
    }
}

impl<'de> Deserialize<'de> for LocalDateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::parse)
    }
}

/// Reads a date-time in any form. An empty text, `null` and `0000-00-00 …` are `None` (AI-11).
impl Tolerant for LocalDateTime {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let Some(raw) = read_text_leniently::<String, _>(deserializer)? else { return Ok(None) };
        let trimmed = raw.trim();
        let absent = trimmed.is_empty() || trimmed.starts_with("0000-00-00") || trimmed.starts_with("00-00-0000");
        Ok((!absent).then(|| Self::parse(raw)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn ai_11_both_documented_forms_and_iso_8601_are_read() {
        let whole = date(2019, 10, 21).at(9, 57, 51, 0);
        for text in [
            "21-10-2019 09:57:51",
            "2019-10-21 09:57:51",
            "2019-10-21T09:57:51",
            "2019-10-21T09:57:51Z",
            "2019-10-21T09:57:51+02:00",
            "2019-10-21T09:57:51.123-0200",
            " 21-10-2019  9:57:51 ",
        ] {
            assert_eq!(LocalDateTime::parse(text).civil(), Some(whole), "{text}");
            assert_eq!(LocalDateTime::parse(text).as_str(), text);
        }
        let short = date(2019, 10, 24).at(11, 11, 0, 0);
        for text in ["2019-10-24 11:11", "24-10-2019 11:11", "2019-10-24T11:11"] {
            assert_eq!(LocalDateTime::parse(text).civil(), Some(short), "{text}");
        }
        // The position of the year decides: 01-02 is the first of February.
        assert_eq!(LocalDateTime::parse("01-02-2020 00:00").civil(), Some(date(2020, 2, 1).at(0, 0, 0, 0)));
    }

    #[test]
    fn ai_11_other_text_has_no_civil_value() {
        for text in [
            "",
            "YYYY-mm-dd H:i",
            "32-10-2019 09:57:51",
            "2019-02-29 11:11",
            "2019-10-24",
            "Mustermann 1:2",
            "2019-10-21T09:57:51+Mustermann",
        ] {
            let read = LocalDateTime::parse(text);
            assert_eq!((read.civil(), read.as_str()), (None, text));
            assert!(!format!("{read:?}").contains("Mustermann"));
        }
    }

    #[test]
    fn ai_11_local_time_converts_in_the_given_zone() {
        let berlin = TimeZone::posix(BERLIN).unwrap();
        for (text, utc) in [
            ("21-10-2019 09:57:51", "2019-10-21T07:57:51Z"),
            ("2019-12-24 11:11", "2019-12-24T10:11:00Z"),
            // The skipped hour, and the repeated one.
            ("2019-03-31 01:59", "2019-03-31T00:59:00Z"),
            ("2019-03-31 02:30", "2019-03-31T01:30:00Z"),
            ("2019-10-27 02:30", "2019-10-27T00:30:00Z"),
            ("2019-10-27 03:00", "2019-10-27T02:00:00Z"),
        ] {
            assert_eq!(LocalDateTime::parse(text).in_zone(&berlin).unwrap().to_string(), utc, "{text}");
        }
        let noon = LocalDateTime::parse("2019-07-01 12:00");
        assert_eq!(noon.in_zone(&TimeZone::UTC).unwrap().to_string(), "2019-07-01T12:00:00Z");
        assert_eq!(LocalDateTime::parse("soon").in_zone(&berlin), None);
    }

    #[test]
    fn ai_11_an_offset_in_the_text_wins_over_the_zone() {
        let berlin = TimeZone::posix(BERLIN).unwrap();
        for (text, utc) in [
            ("2019-07-01T12:00:00Z", "2019-07-01T12:00:00Z"),
            ("01-07-2019 12:00 z", "2019-07-01T12:00:00Z"),
            ("2019-07-01 12:00:00.5 +01:00", "2019-07-01T11:00:00Z"),
            ("2019-07-01T12:00-0330", "2019-07-01T15:30:00Z"),
            ("2019-03-31T02:30:00+01:00", "2019-03-31T01:30:00Z"),
        ] {
            assert_eq!(LocalDateTime::parse(text).in_zone(&berlin).unwrap().to_string(), utc, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = LocalDateTime::parse(text);
        }
    }
}
