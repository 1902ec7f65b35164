//! Rules as JSON: how the admin API and saved worlds write them.

use identkit_core::Violation;
use serde::Deserialize as _;
use serde_json::{Map, Value};

#[cfg(feature = "server")]
use super::InjectedRule;
use super::{Fault, Rule};
use crate::rejection::Rejection;

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
