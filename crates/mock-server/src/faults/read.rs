//! Rules as JSON: how the admin API takes and tells them.

use std::time::Duration;

use http::HeaderValue;
use identkit_core::Violation;
use serde_json::{Map, Value, json};

use super::{Fault, InjectedRule, Middle, Rule};
use crate::rejection::Rejection;

/// The longest latency or pause: an hour.
const LONGEST: f64 = 3_600.0;

/// Takes the elements of an object one by one, and gathers what is wrong with them.
struct Given<'a> {
    object: &'a Map<String, Value>,
    asked: Vec<&'static str>,
    wrong: Vec<Violation>,
}

impl Given<'_> {
    fn take<T>(
        &mut self,
        name: &'static str,
        must: &'static str,
        usual: T,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> T {
        self.asked.push(name);
        match self.object.get(name) {
            None => usual,
            Some(value) => read(value).unwrap_or_else(|| {
                self.wrong.push(Violation::new(name, must, "sandbox", "docs/sandbox-control.md"));
                usual
            }),
        }
    }

    fn seconds(&mut self, name: &'static str, usual: Duration) -> Duration {
        self.take(name, "must be a number of seconds, 0 to 3600", usual, |value| {
            value.as_f64().filter(|seconds| (0.0..=LONGEST).contains(seconds)).map(Duration::from_secs_f64)
        })
    }

    fn count(&mut self, name: &'static str, must: &'static str, least: u64, most: u64, usual: u64) -> u64 {
        self.take(name, must, usual, |value| value.as_u64().filter(|count| (least..=most).contains(count)))
    }

    fn status(&mut self, must: &'static str, least: u16, most: u16, usual: u16) -> u16 {
        self.take("status", must, usual, |value| {
            u16::try_from(value.as_u64()?).ok().filter(|status| (least..=most).contains(status))
        })
    }

    fn retry_after(&mut self, usual: Option<u64>) -> Option<u64> {
        self.take("retry_after", "must be a whole number of seconds, or null", usual, |value| match value {
            Value::Null => Some(None),
            value => value.as_u64().map(Some),
        })
    }

    fn text(&mut self, name: &'static str, usual: String) -> String {
        self.take(name, "must be a text that a header can hold", usual, |value| {
            value.as_str().filter(|text| HeaderValue::from_str(text).is_ok()).map(str::to_owned)
        })
    }

    fn name(&mut self, name: &'static str) -> Option<String> {
        self.take(name, "must be a text", None, |value| match value {
            Value::Null => Some(None),
            value => value.as_str().map(|text| Some(text.to_owned())),
        })
    }

    /// The fault with its parameters in place of the usual ones.
    fn fault(&mut self, usual: Fault) -> Fault {
        match usual {
            Fault::Status { status, retry_after, committed } => Fault::Status {
                status: self.status("must be 400 to 599", 400, 599, status),
                retry_after: self.retry_after(retry_after),
                committed: self.take("committed", "must be true or false", committed, Value::as_bool),
            },
            Fault::Latency { by } => Fault::Latency { by: self.seconds("seconds", by) },
            Fault::Bandwidth { bytes_per_second } => {
                let must = "must be a whole number, 1 at the least";
                Fault::Bandwidth {
                    bytes_per_second: self.count("bytes_per_second", must, 1, u64::MAX, bytes_per_second),
                }
            }
            Fault::ResetInCommit { at } => Fault::ResetInCommit {
                at: self.take("at", "must be request or answer", at, |value| match value.as_str()? {
                    "request" => Some(Middle::Request),
                    "answer" => Some(Middle::Answer),
                    _ => None,
                }),
            },
            Fault::WrongLength { by } => {
                let must = "must be a whole number, not 0";
                Fault::WrongLength { by: self.take("by", must, by, |value| value.as_i64().filter(|by| *by != 0)) }
            }
            Fault::WrongContentType { content_type } => {
                Fault::WrongContentType { content_type: self.text("content_type", content_type) }
            }
            Fault::ShapeVariant { .. } => Fault::ShapeVariant { variant: self.name("variant") },
            Fault::Redirect { status, location } => Fault::Redirect {
                status: self.status("must be 300 to 399", 300, 399, status),
                location: self.text("location", location),
            },
            Fault::SlowDrip { bytes, pause } => Fault::SlowDrip {
                bytes: self.count("bytes", "must be a whole number, 1 at the least", 1, u64::MAX, bytes),
                pause: self.seconds("seconds", pause),
            },
            Fault::InformationalFlood { count } => {
                let count = self.count("count", "must be a whole number, 1 to 100000", 1, 100_000, count.into());
                Fault::InformationalFlood { count: u32::try_from(count).unwrap_or(1) }
            }
            Fault::RateLimit { retry_after } => Fault::RateLimit { retry_after: self.retry_after(retry_after) },
            plain => plain,
        }
    }
}

impl Rule {
    /// Reads a rule as the admin API takes it, e.g. `{"operation":"getStatus","fault":"reset-after-commit","times":1}`.
    ///
    /// # Errors
    /// All that is wrong, and what there is. Whether the call and the vendor exist is not looked at.
    pub fn read(object: &Map<String, Value>) -> Result<Self, Rejection> {
        let mut given = Given { object, asked: vec!["fault"], wrong: Vec::new() };
        let known = || Fault::all().map(|fault| fault.name()).join(", ");
        let usual = object.get("fault").and_then(Value::as_str).and_then(Fault::named);
        let Some(usual) = usual else {
            let fault =
                Violation::new("fault", format!("must be one of {}", known()), "sandbox", "docs/sandbox-control.md");
            return Err(Rejection::new(400, fault));
        };
        let name = usual.name();
        let (operation, vendor) = (given.name("operation"), given.name("vendor"));
        let probability = given.take("probability", "must be above 0, up to 1", None, |value| match value {
            Value::Null => Some(None),
            value => value.as_f64().filter(|probability| *probability > 0.0 && *probability <= 1.0).map(Some),
        });
        // Once, unless it is drawn how often.
        let usually = if probability.is_some() { None } else { Some(1) };
        let times =
            given.take("times", "must be a whole number, 1 at the least, or null for always", usually, |value| {
                match value {
                    Value::Null => Some(None),
                    value => value.as_u64().filter(|times| *times > 0).map(Some),
                }
            });
        let nth = given.count("nth", "must be a whole number, 1 at the least", 1, u64::MAX, 1);
        let fault = given.fault(usual);
        let Given { asked, mut wrong, .. } = given;
        for name_given in object.keys().filter(|key| !asked.contains(&key.as_str())) {
            let there = asked.join(", ");
            // Not the name itself: nothing that was sent is told back.
            let message = format!(
                "has an element of {} letters that {name} does not have; there is {there}",
                name_given.chars().count()
            );
            wrong.push(Violation::new("body", message, "sandbox", "docs/sandbox-control.md"));
        }
        match wrong.is_empty() {
            true => Ok(Self { fault, operation, vendor, times, nth, probability: probability.unwrap_or(1.0) }),
            false => Err(Rejection::invalid(wrong)),
        }
    }

    /// The rule as [`read`](Self::read) reads it.
    pub fn told(&self) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("fault".into(), self.fault.name().into());
        told.insert("operation".into(), self.operation.clone().into());
        told.insert("vendor".into(), self.vendor.clone().into());
        told.insert("times".into(), self.times.into());
        told.insert("nth".into(), self.nth.into());
        told.insert("probability".into(), self.probability.into());
        let parameters = match &self.fault {
            Fault::Status { status, retry_after, committed } => {
                json!({ "status": status, "retry_after": retry_after, "committed": committed })
            }
            Fault::Latency { by } => json!({ "seconds": by.as_secs_f64() }),
            Fault::Bandwidth { bytes_per_second } => json!({ "bytes_per_second": bytes_per_second }),
            Fault::ResetInCommit { at } => {
                json!({ "at": if *at == Middle::Request { "request" } else { "answer" } })
            }
            Fault::WrongLength { by } => json!({ "by": by }),
            Fault::WrongContentType { content_type } => json!({ "content_type": content_type }),
            Fault::ShapeVariant { variant } => json!({ "variant": variant }),
            Fault::Redirect { status, location } => json!({ "status": status, "location": location }),
            Fault::SlowDrip { bytes, pause } => json!({ "bytes": bytes, "seconds": pause.as_secs_f64() }),
            Fault::InformationalFlood { count } => json!({ "count": count }),
            Fault::RateLimit { retry_after } => json!({ "retry_after": retry_after }),
            _ => Value::Null,
        };
        if let Value::Object(parameters) = parameters {
            told.extend(parameters);
        }
        told
    }
}

impl InjectedRule {
    /// The rule and what came of it, as the admin API tells it.
    pub fn told(&self) -> Value {
        let mut told = self.rule.told();
        told.insert("id".into(), self.id.into());
        told.insert("seen".into(), self.seen.into());
        told.insert("hits".into(), self.hits.into());
        told.insert("left".into(), self.left().into());
        Value::Object(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Rule, Rejection> {
        Rule::read(value.as_object().unwrap())
    }

    #[test]
    fn every_fault_is_read_as_it_is_told() {
        for fault in Fault::all() {
            let rule = Rule::new(fault).operation("getStatus").vendor("identity-tm").times(3).nth(2);
            assert_eq!(Rule::read(&rule.told()).unwrap(), rule);
            let rule = rule.probability(0.25);
            assert_eq!(Rule::read(&rule.told()).unwrap(), rule);
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
