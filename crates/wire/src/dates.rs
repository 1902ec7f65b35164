//! Date-times with an offset (`DTS`), read tolerantly and written back unchanged.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length of the documented form, `2013-07-15T18:00:00+02:00`.
const DOCUMENTED: usize = 25;

/// A date-time as received. Reading never fails: a text that is not a date-time has no timestamp.
///
/// The documented form is ISO 8601 with offset (`[T] 2.2`). `Z`, fractional or missing seconds and a space in place of
/// `T` are accepted too (AT-74). Only [`timestamp`](Self::timestamp) parses the text: most times are never used.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Dts(Text);

/// The documented form needs no allocation, because a list of orders holds thousands of them.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    Documented([u8; DOCUMENTED]),
    Other(Box<str>),
}

impl Dts {
    /// Creates a date-time with this offset, in whole seconds.
    pub fn new(at: Timestamp, offset: Offset) -> Self {
        let local = offset.to_datetime(at);
        let minutes = offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let text = format!(
            "{}{sign}{:02}:{:02}",
            local.strftime("%Y-%m-%dT%H:%M:%S"),
            minutes.unsigned_abs() / 60,
            minutes.unsigned_abs() % 60
        );
        Self(Text::new(&text))
    }

    /// Reads any text.
    #[inline]
    pub fn parse(text: impl AsRef<str>) -> Self {
        Self(Text::new(text.as_ref()))
    }

    /// Returns the point in time, if the text is a date-time with an offset.
    pub fn timestamp(&self) -> Option<Timestamp> {
        read(self.as_str().trim())
    }

    /// The text, unchanged.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // The bytes are a copy of a str, so the default is unreachable.
            Text::Documented(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Text::Other(text) => text,
        }
    }
}

impl Text {
    #[inline]
    fn new(text: &str) -> Self {
        text.as_bytes().try_into().map_or_else(|_| Self::Other(text.into()), Self::Documented)
    }
}

fn read(text: &str) -> Option<Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let time = pieces.time()?;
    let offset = match pieces.offset()? {
        PiecesOffset::Numeric(numeric) => numeric.offset(),
        _ => Offset::UTC,
    };
    offset.to_timestamp(pieces.date().to_datetime(time)).ok()
}

impl fmt::Debug for Dts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timestamp() {
            Some(_) => f.write_str(self.as_str()),
            // Other text can be personal data.
            None => f.write_str("[unreadable date-time]"),
        }
    }
}

impl Serialize for Dts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Dts {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl serde::de::Visitor<'_> for Reader {
            type Value = Dts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date-time")
            }

            #[inline]
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Dts, E> {
                Ok(Dts::parse(text))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_74_documented_and_tolerated_forms_are_read() {
        let expected: Timestamp = "2013-07-15T16:00:00Z".parse().unwrap();
        for text in [
            "2013-07-15T18:00:00+02:00",
            "2013-07-15T16:00:00Z",
            "2013-07-15 18:00:00+02:00",
            "2013-07-15T18:00+02:00",
            "2013-07-15T18:00:00.000+02:00",
            "2013-07-15T18:00:00+0200",
            " 2013-07-15T18:00:00+02:00 ",
        ] {
            let read = Dts::parse(text);
            assert_eq!(read.timestamp(), Some(expected), "{text}");
            assert_eq!(serde_json::to_string(&read).unwrap(), format!("{text:?}"), "the text is unchanged");
        }
        for text in ["", "YYYY-mm-dd H:i", "2013-07-15", "2013-07-15T18:00:00", "Mustermann"] {
            let read = Dts::parse(text);
            assert_eq!(read.timestamp(), None, "{text}");
            assert_eq!(read.as_str(), text);
            assert!(!format!("{read:?}").contains("Mustermann"));
        }
    }

    proptest! {
        #[test]
        fn a_written_date_time_is_read_back(seconds in -60_000_000_000_i64..200_000_000_000, hours in -12_i8..14) {
            let at = Timestamp::from_second(seconds).unwrap();
            let written = Dts::new(at, Offset::constant(hours));
            prop_assert_eq!(Dts::parse(written.as_str()).timestamp(), Some(at), "{}", written.as_str());
        }

        #[test]
        fn damage_to_the_documented_form_never_panics(at in 0_usize..25, byte: u8) {
            let mut text = b"2013-07-15T18:00:00+02:00".to_vec();
            text[at] = byte;
            let _ = Dts::parse(String::from_utf8_lossy(&text));
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Dts::parse(text);
        }
    }
}
