//! Settings of more than one vendor: how their values are read from outside.

use serde::{Deserialize, Deserializer};

/// A span of time, in whole seconds.
pub(super) mod seconds {
    use jiff::SignedDuration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::vendors) fn serialize<S: Serializer>(span: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(span.as_secs())
    }

    pub(in crate::vendors) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
        let told =
            u32::deserialize(from).map_err(|_| serde::de::Error::custom("expected a number of whole seconds"))?;
        Ok(SignedDuration::from_secs(told.into()))
    }
}

/// The status of a refusal.
pub(super) fn refusal<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let told = u16::deserialize(from).ok().filter(|status| (400..=599).contains(status));
    told.ok_or_else(|| serde::de::Error::custom("expected a status from 400 to 599"))
}

/// The status of a failure, if there is one.
#[cfg(feature = "identify24")]
pub(super) fn failure<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    match Option::<u16>::deserialize(from) {
        Ok(told) if told.is_none_or(|status| (500..=599).contains(&status)) => Ok(told),
        _ => Err(serde::de::Error::custom("expected a status from 500 to 599, or null")),
    }
}

/// A number that is not 0.
pub(super) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let told = u32::deserialize(from).ok().filter(|number| *number > 0);
    told.ok_or_else(|| serde::de::Error::custom("expected a whole number, 1 or more"))
}

/// A text that is not empty.
pub(super) fn some<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let told = String::deserialize(from).ok().filter(|text| !text.is_empty());
    told.ok_or_else(|| serde::de::Error::custom("expected a text that is not empty"))
}

/// A user name of HTTP Basic authentication: the first colon ends it (RFC 7617, section 2).
#[cfg(feature = "identity-tm")]
pub(super) fn user<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let told = String::deserialize(from).ok().filter(|text| !text.is_empty() && !text.contains(':'));
    told.ok_or_else(|| serde::de::Error::custom("expected a text that is not empty and has no colon"))
}

/// What a header can carry to the letter: its reader takes blanks away at both ends (RFC 9110, section 5.5).
#[cfg(feature = "identify24")]
pub(super) fn in_header<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let fits = |text: &String| {
        !text.is_empty() && text.trim() == *text && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let right = "expected a text of printable ASCII that is not empty and has no blank at its ends";
    String::deserialize(from).ok().filter(fits).ok_or_else(|| serde::de::Error::custom(right))
}

/// A span of time that is not 0, in whole seconds.
#[cfg(feature = "identify24")]
pub(super) fn some_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<jiff::SignedDuration, D::Error> {
    let told = positive(from).map_err(|_| serde::de::Error::custom("expected a number of whole seconds, 1 or more"))?;
    Ok(jiff::SignedDuration::from_secs(told.into()))
}
