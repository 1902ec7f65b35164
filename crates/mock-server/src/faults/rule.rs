//! A fault rule and its JSON form.

use identkit_core::Violation;
use identkit_wire::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::{self, Fault};
use crate::Rejection;
use crate::readers::requirement;

/// Which fault occurs, with which calls, and how often. The default is the next call, whatever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
#[must_use]
pub struct Rule {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// The vendor's name of the call, in any letter case, e.g. `getStatus`, which includes its variants. If not set, every
    /// call.
    #[serde(deserialize_with = "fault::text")]
    #[schemars(example = &"putOrder")]
    pub operation: Option<String>,
    /// Name of the vendor. If not set, all vendors.
    #[serde(deserialize_with = "fault::text")]
    pub vendor: Option<String>,
    /// Number of calls that meet the fault. If not set, no limit.
    #[serde(deserialize_with = "fault::times")]
    #[schemars(range(min = 1))]
    pub times: Option<u64>,
    /// The first matching call that can meet the fault, counted from 1.
    #[serde(deserialize_with = "fault::positive")]
    #[schemars(range(min = 1))]
    pub nth: u64,
    /// Probability that a matching call meets the fault: greater than 0, at most 1.
    #[serde(deserialize_with = "fault::probability")]
    #[schemars(with = "Option<f64>", range(max = 1), extend("exclusiveMinimum" = 0))]
    pub probability: f64,
}

impl Rule {
    /// Creates a rule for the next call.
    pub fn new(fault: Fault) -> Self {
        Self { fault, operation: None, vendor: None, times: Some(1), nth: 1, probability: 1.0 }
    }

    /// Restricts the rule to a call, by the vendor's name in any letter case; `getStatus` includes its variants.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Restricts the rule to calls of this vendor.
    pub fn vendor(mut self, name: impl Into<String>) -> Self {
        self.vendor = Some(name.into());
        self
    }

    /// Sets the number of calls that meet the fault.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Removes the limit of calls.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Skips matching calls before the nth one, counted from 1.
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Sets the probability: greater than 0, at most 1. It is drawn from the world's seed. Also removes the limit of calls;
    /// call [`times`](Self::times) afterwards to set one.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self.times = None;
        self
    }

    pub(super) fn fits(&self, vendor: Option<&str>, operation: Option<&str>) -> bool {
        self.vendor.as_deref().is_none_or(|wanted| Some(wanted) == vendor)
            && self.operation.as_deref().is_none_or(|wanted| operation.is_some_and(|name| names(wanted, name)))
    }
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}

/// Whether a name matches an operation: the whole name or the part before a slash, in any letter case.
pub(crate) fn names(wanted: &str, operation: &str) -> bool {
    operation.get(..wanted.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(wanted))
        && matches!(operation.as_bytes().get(wanted.len()), None | Some(b'/'))
}

impl Rule {
    /// Reads the JSON form of the admin API, e.g. `{"operation":"getStatus","fault":"reset-after-commit","times":1}`.
    ///
    /// # Errors
    /// Names all invalid members and what is valid. Whether the call and the vendor exist is not checked.
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
            // A probability replaces the limit of one call.
            usual.times = None;
        }
        let mut whole = usual.to_json();
        let mut violations = Vec::new();
        for (member, value) in members {
            let Some(before) = whole.get(member).cloned() else {
                let known = whole.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                // A violation must not repeat names from the request.
                let message = format!(
                    "has an unknown element of {} letters; the fault {name} has: {known}",
                    member.chars().count()
                );
                violations.push(violation("body".into(), message));
                continue;
            };
            whole.insert(member.clone(), value.clone());
            // Check each member separately, to find all violations.
            if let Err(fault) = json::from_value::<Self>(&Value::Object(whole.clone())) {
                violations.push(violation(member.clone(), requirement(&fault)));
                whole.insert(member.clone(), before);
            }
        }
        match json::from_value(&Value::Object(whole)) {
            Ok(rule) if violations.is_empty() => Ok(rule),
            _ => Err(Rejection::invalid(violations)),
        }
    }

    /// Returns the JSON form that [`from_json`](Self::from_json) reads.
    pub fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_matches_in_any_case_and_includes_variants() {
        for (wanted, operation, fits) in [
            ("getStatus", "getStatus", true),
            ("GETSTATUS", "getStatus/ExtendedList", true),
            ("getStatus/ExtendedList", "getStatus", false),
            ("getIdentData", "getIdentDataPDF", false),
            ("ident", "ident/get", true),
            ("", "ident/get", false),
            ("ä", "ident/get", false),
        ] {
            assert_eq!(names(wanted, operation), fits, "{wanted} {operation}");
        }
    }

    fn read(value: Value) -> Result<Rule, Rejection> {
        Rule::from_json(value.as_object().unwrap())
    }

    #[test]
    fn every_fault_survives_to_json_and_back() {
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
    fn an_invalid_rule_is_rejected_with_what_is_valid() {
        let text = read(json!({ "fault": "fire" })).unwrap_err().text();
        assert!(Fault::all().iter().all(|fault| text.contains(fault.name())), "{text}");
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
