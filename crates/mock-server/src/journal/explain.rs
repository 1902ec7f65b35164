//! Why a call was refused: the rule, the element, what would be right, and where it is written.

use identkit_core::{Location, Violation};
use serde_json::Value;

#[cfg(feature = "server")]
use super::redact::REDACTED;

/// A reason as the admin API writes it.
#[cfg(feature = "server")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Reason {
    /// The rule.
    #[schemars(example = &"T-006")]
    rule: &'static str,
    /// Where the rule is written.
    section: String,
    /// Part of the request; `account` if the reason is not in the request.
    #[schemars(extend("enum" = ["body", "header", "path", "account"]))]
    r#in: &'static str,
    /// In the body: the JSON pointer of the element, or of where it belongs.
    pointer: Option<String>,
    /// Name of the header.
    header: Option<String>,
    /// Field as the rule names it.
    field: String,
    /// What stands there: a text, a number, true or false; null otherwise.
    given: Value,
    /// What would be valid.
    valid: String,
}

#[cfg(feature = "server")]
impl super::Entry {
    /// Why the call was refused; `None` for what is no call.
    pub(crate) fn explain(&self, secrets: super::Secrets) -> Option<Vec<Reason>> {
        let super::What::Call(call) = &self.what else { return None };
        let (body, told) = (call.body.json(), call.json_body(secrets));
        let maps = call.facts.map_or(&[][..], |facts| facts.maps);
        let reason = |fault: &Violation| {
            let field = fault.field.to_string();
            let (r#in, pointer, header) = match fault.location {
                Location::Body => ("body", Some(pointer(&field, body.as_ref(), maps)), None),
                Location::Header => ("header", None, Some(field.clone())),
                Location::Path => ("path", None, None),
                _ => ("account", None, None),
            };
            let given = pointer.as_ref().and_then(|(pointer, given)| {
                // What is not there any more is part of what is masked.
                let told = told.as_ref().and_then(|told| told.pointer(pointer)).cloned();
                given.map(|_| told.unwrap_or_else(|| REDACTED.into()))
            });
            Reason {
                rule: fault.rule,
                section: fault.section.to_string(),
                r#in,
                pointer: pointer.map(|(pointer, _)| pointer),
                header,
                field,
                // The response holds the whole request as well.
                given: given.filter(|given| !given.is_object() && !given.is_array()).unwrap_or_default(),
                valid: fault.message.to_string(),
            }
        };
        Some(call.refused.iter().map(reason).collect())
    }
}

/// The JSON pointer (RFC 6901) of a violation's field, `None` for what is no part of the body.
pub fn pointer_of(violation: &Violation, maps: &[&str]) -> Option<String> {
    (violation.location == Location::Body).then(|| pointer(&violation.field, None, maps).0)
}

/// The pointer at which a field stands in this body, or would. The names in `maps` are of maps.
fn pointer<'a>(field: &str, body: Option<&'a Value>, maps: &[&str]) -> (String, Option<&'a Value>) {
    let (mut pointer, mut here) = (String::new(), body);
    // What comes after a blank is a remark.
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
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        here = spelt.map(|(_, value)| value);
        // Of a map the names count, not the order: only the map is pointed at.
        let Some((index, _)) = index.split_once(']') else { continue };
        match here {
            _ if maps.contains(&name) => break,
            // One alone may stand without a list.
            Some(Value::Object(_)) if index == "0" => {}
            _ => {
                pointer.push('/');
                pointer.push_str(index);
                here = here.and_then(|list| list.get(index.parse::<usize>().ok()?));
            }
        }
    }
    (pointer, here)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_leads_to_the_element_as_the_request_spells_it() {
        let body = json!({
            "address": { "ZipCode": "1" },
            "eSignPDF": [{ "Data": "a" }, { "Data": "b" }],
            "eSignHash": { "Hash": "c" },
            "a/b": { "~": 1 },
            "IdentData": { "Additional": { "Label": {} } },
        });
        for (field, told) in [
            ("Address.ZipCode", "/address/ZipCode"),
            ("Address.City", "/address/City"),
            ("eSignPDF[1].Data", "/eSignPDF/1/Data"),
            ("eSignPDF[7].Data", "/eSignPDF/7/Data"),
            ("eSignHash[0].Hash", "/eSignHash/Hash"),
            ("a/b.~", "/a~1b/~0"),
            ("IdentData.Additional[0].Label", "/IdentData/Additional"),
            ("LegitimationDocument[0].Document", "/LegitimationDocument/0/Document"),
        ] {
            let (pointer, given) = pointer(field, Some(&body), &["Additional"]);
            assert_eq!(pointer, told);
            assert_eq!(given, body.pointer(told), "{told}");
        }
    }

    #[test]
    fn a_field_of_the_body_has_a_pointer_and_what_stands_elsewhere_has_none() {
        let at = |field: &'static str, location| {
            pointer_of(&Violation::new(field, "is wrong", "T-005", "[T] 3.1.3").at(location), &["Additional"])
        };
        for (field, told) in [
            ("Email", "/Email"),
            ("Address.ZipCode", "/Address/ZipCode"),
            ("eSignPDF[1].Data", "/eSignPDF/1/Data"),
            ("MultiSignOptions.SignParameters[0].Filename", "/MultiSignOptions/SignParameters/0/Filename"),
            ("IdentData.Additional[2].Label", "/IdentData/Additional"),
            ("IdentData.Additional[2] (its name)", "/IdentData/Additional"),
            ("body", ""),
        ] {
            assert_eq!(at(field, Location::Body).as_deref(), Some(told), "{field}");
        }
        for location in [Location::Path, Location::Header, Location::Account] {
            assert_eq!(at("OrderID", location), None);
        }
    }
}
