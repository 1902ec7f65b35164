//! Rules as JSON: how the admin API and saved worlds write them.

use std::time::Duration;

use http::HeaderValue;
use identkit_core::Violation;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

#[cfg(feature = "server")]
use super::InjectedRule;
use super::{Fault, Middle, Rule};
use crate::rejection::Rejection;

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

impl Rule {
    /// Reads a rule as the admin API takes it, e.g. `{"operation":"getStatus","fault":"reset-after-commit","times":1}`.
    ///
    /// # Errors
    /// All that is wrong, and what there is. Whether the call and the vendor exist is not looked at.
    pub fn from_json(members: &Map<String, Value>) -> Result<Self, Rejection> {
        let violation =
            |field: String, message: String| Violation::new(field, message, "sandbox", "docs/sandbox-control.md");
        let Some(usual) = members.get("fault").and_then(Value::as_str).and_then(Fault::named) else {
            let known = Fault::all().map(|fault| fault.name()).join(", ");
            return Err(Rejection::new(400, violation("fault".into(), format!("must be one of {known}"))));
        };
        let name = usual.name();
        let mut usual = Self::new(usual);
        if members.get("probability").is_some_and(|probability| !probability.is_null()) {
            // Once, unless it is drawn how often.
            usual.times = None;
        }
        let mut whole = usual.to_json();
        let mut violations = Vec::new();
        for (member, value) in members {
            let Some(before) = whole.get(member).cloned() else {
                let known = whole.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                // Not the name itself: a violation repeats nothing of the request.
                let message = format!(
                    "has an element of {} letters that {name} does not have; there is {known}",
                    member.chars().count()
                );
                violations.push(violation("body".into(), message));
                continue;
            };
            whole.insert(member.clone(), value.clone());
            // Each by itself, so that all violations are found.
            if let Err(error) = Self::deserialize(Value::Object(whole.clone())) {
                violations.push(violation(member.clone(), error.to_string()));
                whole.insert(member.clone(), before);
            }
        }
        match Self::deserialize(Value::Object(whole)) {
            Ok(rule) if violations.is_empty() => Ok(rule),
            _ => Err(Rejection::invalid(violations)),
        }
    }

    /// The rule as [`from_json`](Self::from_json) reads it.
    pub fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

/// A rule and how often it was applied, as the admin API writes it.
#[cfg(feature = "server")]
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct InjectedView<'a> {
    /// Number in the world.
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    id: u64,
    /// How many calls fit the rule.
    seen: u64,
    /// How many calls met the fault.
    hits: u64,
    /// How many calls will still meet it; null for any number.
    left: Option<u64>,
    #[serde(flatten)]
    rule: &'a Rule,
}

#[cfg(feature = "server")]
impl InjectedRule {
    /// It as the admin API writes it.
    pub(crate) fn view(&self) -> InjectedView<'_> {
        InjectedView { id: self.id, seen: self.seen, hits: self.hits, left: self.left(), rule: &self.rule }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Rule, Rejection> {
        Rule::from_json(value.as_object().unwrap())
    }

    #[test]
    fn every_fault_is_read_as_it_is_told() {
        for fault in Fault::all() {
            let rule = Rule::new(fault).operation("getStatus").vendor("identity-tm").times(3).nth(2);
            assert_eq!(Rule::from_json(&rule.to_json()).unwrap(), rule);
            let rule = rule.probability(0.25);
            assert_eq!(Rule::from_json(&rule.to_json()).unwrap(), rule);
        }
        let plain = read(json!({ "fault": "latency" })).unwrap();
        assert_eq!(plain, Rule::new(Fault::named("latency").unwrap()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_there_is() {
        let told = read(json!({ "fault": "fire" })).unwrap_err().text();
        assert!(Fault::all().iter().all(|fault| told.contains(fault.name())), "{told}");
        for (value, field) in [
            (json!({ "fault": "latency", "seconds": -1 }), "seconds"),
            (json!({ "fault": "latency", "seconds": "1" }), "seconds"),
            (json!({ "fault": "status", "status": 200 }), "status"),
            (json!({ "fault": "redirect", "status": 400 }), "status"),
            (json!({ "fault": "wrong-length", "by": 0 }), "by"),
            (json!({ "fault": "reset-in-commit", "at": "end" }), "at"),
            (json!({ "fault": "status", "times": 0 }), "times"),
            (json!({ "fault": "status", "nth": 0 }), "nth"),
            (json!({ "fault": "status", "probability": 0 }), "probability"),
            (json!({ "fault": "status", "probability": 1.1 }), "probability"),
            (json!({ "fault": "status", "operation": 7 }), "operation"),
            (json!({ "fault": "wrong-content-type", "content_type": "a\nb" }), "content_type"),
            (json!({ "fault": "reset-after-commit", "seconds": 1 }), "body"),
        ] {
            let refused = read(value.clone()).unwrap_err();
            let fields: Vec<_> = refused.violations.iter().map(|fault| fault.field.to_string()).collect();
            assert_eq!(fields, [field], "{value}");
        }
    }
}
