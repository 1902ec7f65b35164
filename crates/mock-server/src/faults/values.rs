//! Values of a fault and a rule: what each must be.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

/// Where in a request or an answer a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Middle {
    /// When the request was read in part: nothing is carried out.
    Request,
    /// In the head of the answer: the call was carried out.
    Answer,
}

/// The longest latency or pause, in seconds: an hour.
pub(super) const LONGEST: f64 = 3_600.0;

/// The pattern of a text that a header can hold.
#[cfg(feature = "server")]
pub(super) const HEADER_TEXT: &str = r"^[\t\x20-\x7e\x80-\uffff]*$";

/// Reads a value that meets a condition; `must` says which one.
fn value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
    must: &str,
    fits: impl FnOnce(&T) -> bool,
) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    T::deserialize(value).ok().filter(fits).ok_or_else(|| de::Error::custom(must))
}

/// Declares readers: name, type, requirement and condition.
macro_rules! readers {
    ($($name:ident: $type:ty, $must:literal, $fits:expr;)*) => {
        $(pub(super) fn $name<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
            value(from, $must, $fits)
        })*
    };
}

readers! {
    error_status: u16, "must be 400 to 599", |status| (400..=599).contains(status);
    redirect_status: u16, "must be 300 to 399", |status| (300..=399).contains(status);
    whole_seconds: Option<u64>, "must be a whole number of seconds, or null", |_| true;
    flag: bool, "must be true or false", |_| true;
    positive: u64, "must be a whole number, 1 at the least", |number| *number > 0;
    middle: Middle, "must be request or answer", |_| true;
    not_zero: i64, "must be a whole number, not 0", |by| *by != 0;
    flood: u32, "must be a whole number, 1 to 100000", |count| (1..=100_000).contains(count);
    text: Option<String>, "must be a text", |_| true;
    header_text: String, "must be a text that a header can hold", |text: &String| HeaderValue::from_str(text).is_ok();
    times: Option<u64>, "must be a whole number, 1 at the least, or null for always", |times| *times != Some(0);
}

/// Reads a probability; null is 1.
pub(super) fn probability<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let fits = |probability: &Option<f64>| probability.is_none_or(|given| given > 0.0 && given <= 1.0);
    value(from, "must be above 0, up to 1", fits).map(|probability| probability.unwrap_or(1.0))
}

/// A span of time, in seconds.
pub(super) mod seconds {
    use serde::Serializer;

    use super::{Deserializer, Duration, LONGEST, value};

    pub(in crate::faults) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(span.as_secs_f64())
    }

    pub(in crate::faults) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let fits = |seconds: &f64| (0.0..=LONGEST).contains(seconds);
        value(from, "must be a number of seconds, 0 to 3600", fits).map(Duration::from_secs_f64)
    }
}
