//! Date-times with an offset (`DTS`), read tolerantly and written back as they came.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A date-time as a vendor wrote it. Reading never fails: what is no date-time keeps its text and has no timestamp.
///
/// ISO 8601 with offset (`[T] 2.2`); `Z`, fractional or missing seconds and a blank for the `T` are read too (AT-74).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Dts {
    text: String,
    at: Option<Timestamp>,
}

impl Dts {
    /// The point in time, written with this offset in whole seconds.
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
        Self { text, at: Some(at) }
    }

    /// Reads the text, whatever it is.
    pub fn parse(text: impl Into<String>) -> Self {
        let text = text.into();
        let at = read(text.trim());
        Self { text, at }
    }

    /// The point in time, if the text is a date-time with an offset.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.at
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.text
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
        match self.at {
            Some(_) => f.write_str(&self.text),
            // Text that is no date may be anything, a name too.
            None => f.write_str("[unreadable date-time]"),
        }
    }
}

impl Serialize for Dts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Dts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_74_every_documented_and_tolerated_form_is_read() {
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
            assert_eq!(serde_json::to_string(&read).unwrap(), format!("{text:?}"), "kept as it came");
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
        fn what_we_write_we_read(seconds in -60_000_000_000_i64..200_000_000_000, hours in -12_i8..14) {
            let at = Timestamp::from_second(seconds).unwrap();
            let written = Dts::new(at, Offset::constant(hours));
            prop_assert_eq!(Dts::parse(written.as_str()).timestamp(), Some(at), "{}", written.as_str());
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Dts::parse(text);
        }
    }
}
