//! Explains why a call was rejected: the rule, the element, what would be valid, and the section of the rule.

use identkit_core::{Location, Violation};
use serde_json::Value;

#[cfg(feature = "server")]
use super::redact::REDACTED;

/// A reason why a call was rejected.
#[cfg(feature = "server")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Reason {
    /// Id of the rule.
    #[schemars(example = &"T-006")]
    rule: &'static str,
    /// Section of the document that states the rule.
    section: String,
    /// Part of the request; `account` if the reason is not in the request.
    #[schemars(extend("enum" = ["body", "header", "path", "account"]))]
    r#in: &'static str,
    /// In the body: JSON pointer of the element, or of the position where it is missing.
    pointer: Option<String>,
    /// Name of the header.
    header: Option<String>,
    /// Field as the rule names it.
    field: String,
    /// The value of the element. Null if it is missing, or if it is the whole body, which is in `request`.
    given: Value,
    /// What would be valid.
    valid: String,
}

#[cfg(feature = "server")]
impl super::Entry {
    /// Returns why the call was rejected. `None` if the entry is not a call.
    pub(crate) fn explain(&self, secrets: super::Secrets) -> Option<Vec<Reason>> {
        let super::EntryKind::Call(call) = &self.kind else { return None };
        let (body, masked) = (call.body.json(), call.json_body(secrets));
        let maps = call.facts.map_or(&[][..], |facts| facts.maps);
        let reason = |fault: &Violation| {
            let field = fault.field.to_string();
            let (r#in, pointer, header) = match fault.location {
                Location::Body => ("body", Some(pointer(&field, body.as_ref(), maps)), None),
                Location::Header => ("header", None, Some(field.clone())),
                Location::Path => ("path", None, None),
                _ => ("account", None, None),
            };
            let given = pointer.as_ref().filter(|(pointer, _)| !pointer.is_empty()).and_then(|(pointer, given)| {
                // If the masked body lacks the element, it is part of a masked value.
                let masked = masked.as_ref().and_then(|body| body.pointer(pointer)).cloned();
                given.map(|_| masked.unwrap_or_else(|| REDACTED.into()))
            });
            Reason {
                rule: fault.rule,
                section: fault.section.to_string(),
                r#in,
                pointer: pointer.map(|(pointer, _)| pointer),
                header,
                field,
                given: given.unwrap_or_default(),
                valid: fault.message.to_string(),
            }
        };
        Some(call.refused.iter().map(reason).collect())
    }
}

/// Returns the JSON pointer (RFC 6901) of a violation's field. `None` if the field is not in the body.
pub fn pointer_of(violation: &Violation, maps: &[&str]) -> Option<String> {
    (violation.location == Location::Body).then(|| pointer(&violation.field, None, maps).0)
}

/// Returns the pointer of a field in this body and its value. `maps` lists the names of fields that are maps.
fn pointer<'a>(field: &str, body: Option<&'a Value>, maps: &[&str]) -> (String, Option<&'a Value>) {
    let (mut pointer, mut here) = (String::new(), body);
    // A remark can follow after a space.
    let field = field.split(' ').next().unwrap_or_default();
    if matches!(field, "body" | "order" | "") {
        return (pointer, body);
    }
    for part in field.split('.') {
        let (name, index) = part.split_once('[').unwrap_or((part, ""));
        let members = here.and_then(Value::as_object);
        let spelt = members.and_then(|members| match members.get_key_value(name) {
            None => members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)),
            exact => exact,
        });
        let key = spelt.map_or(name, |(key, _)| key.as_str());
        push(&mut pointer, key);
        here = spelt.map(|(_, value)| value);
        let Some((index, _)) = index.split_once(']') else { continue };
        match here {
            // The index of an element of a map is the position of its name among the sorted names. Without the body the
            // name is unknown, so the pointer ends at the map.
            _ if maps.contains(&name) => {
                let mut members: Vec<_> = here.and_then(Value::as_object).into_iter().flatten().collect();
                members.sort_by_key(|(key, _)| *key);
                let member = index.parse().ok().and_then(|index: usize| members.get(index).copied());
                let Some((key, value)) = member else { break };
                push(&mut pointer, key);
                here = Some(value);
            }
            // A list with one element can be written without the list.
            Some(Value::Object(_)) if index == "0" => {}
            _ => {
                push(&mut pointer, index);
                here = here.and_then(|list| list.get(index.parse::<usize>().ok()?));
            }
        }
    }
    (pointer, here)
}

fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_uses_the_spelling_of_the_request() {
        let body = json!({
            "address": { "ZipCode": "1" },
            "eSignPDF": [{ "Data": "a" }, { "Data": "b" }],
            "eSignHash": { "Hash": "c" },
            "a/b": { "~": 1 },
            "IdentData": { "Additional": { "weight": { "Type": 9 }, "height": {}, "a/b": { "Label": "x" } } },
        });
        for (field, expected) in [
            ("Address.ZipCode", "/address/ZipCode"),
            ("Address.City", "/address/City"),
            ("eSignPDF[1].Data", "/eSignPDF/1/Data"),
            ("eSignPDF[7].Data", "/eSignPDF/7/Data"),
            ("eSignHash[0].Hash", "/eSignHash/Hash"),
            ("a/b.~", "/a~1b/~0"),
            ("IdentData.Additional[0].Label", "/IdentData/Additional/a~1b/Label"),
            ("IdentData.Additional[1].Label", "/IdentData/Additional/height/Label"),
            ("IdentData.Additional[2].Type", "/IdentData/Additional/weight/Type"),
            ("IdentData.Additional[2] (its name)", "/IdentData/Additional/weight"),
            ("IdentData.Additional[3].Type", "/IdentData/Additional"),
            ("IdentData.Additional", "/IdentData/Additional"),
            ("LegitimationDocument[0].Document", "/LegitimationDocument/0/Document"),
        ] {
            let (pointer, given) = pointer(field, Some(&body), &["Additional"]);
            assert_eq!(pointer, expected);
            assert_eq!(given, body.pointer(expected), "{expected}");
        }
    }

    #[test]
    fn only_fields_of_the_body_have_a_pointer() {
        let at = |field: &'static str, location| {
            pointer_of(&Violation::new(field, "is wrong", "T-005", "[T] 3.1.3").at(location), &["Additional"])
        };
        for (field, expected) in [
            ("Email", "/Email"),
            ("Address.ZipCode", "/Address/ZipCode"),
            ("eSignPDF[1].Data", "/eSignPDF/1/Data"),
            ("MultiSignOptions.SignParameters[0].Filename", "/MultiSignOptions/SignParameters/0/Filename"),
            ("IdentData.Additional[2].Label", "/IdentData/Additional"),
            ("IdentData.Additional[2] (its name)", "/IdentData/Additional"),
            ("body", ""),
        ] {
            assert_eq!(at(field, Location::Body).as_deref(), Some(expected), "{field}");
        }
        for location in [Location::Path, Location::Header, Location::Account] {
            assert_eq!(at("OrderID", location), None);
        }
    }
}
