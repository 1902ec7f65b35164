//! Why a call was refused: the rule, the element, what would be right, and where it is written.

use identkit_core::{Location, Violation};
use serde_json::Value;

use super::{Call, Entry, Secrets, What};
use crate::journal::redact::REDACTED;

/// Where in a request something is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the JSON body, at this pointer (RFC 6901); what is missing has the pointer at which it belongs.
    Body(String),
    /// The header of this name.
    Header(String),
    /// In the path.
    Path,
    /// Nowhere in particular.
    Elsewhere,
}

/// One reason.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// The broken rule.
    pub fault: Violation,
    /// Where.
    pub place: Place,
    /// What stands there in the body; `None` when nothing does, or it stands elsewhere.
    pub given: Option<Value>,
    /// The same without secrets.
    told: Option<Value>,
}

/// A call with the reasons why it was refused; none when it was not.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The call.
    pub entry: Entry,
    /// The reasons.
    pub reasons: Vec<Reason>,
}

impl Entry {
    /// Why the call was refused; `None` for what is no call.
    pub fn explain(&self) -> Option<Explained> {
        let What::Call(call) = &self.what else { return None };
        let (body, masked) = (call.body.json(), call.json_body(Secrets::Masked));
        let reasons = call.refused.iter().map(|fault| {
            let (place, given) = place(fault, call, body.as_ref());
            let told = match (&place, given) {
                // What is not there any more is part of what is masked.
                (Place::Body(pointer), Some(_)) => {
                    let found = masked.as_ref().and_then(|masked| masked.pointer(pointer));
                    Some(found.cloned().unwrap_or_else(|| REDACTED.into()))
                }
                _ => None,
            };
            Reason { fault: fault.clone(), place, given: given.cloned(), told }
        });
        Some(Explained { entry: self.clone(), reasons: reasons.collect() })
    }
}

/// A reason as the admin API writes it.
#[cfg(feature = "server")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Reason")]
pub(crate) struct ReasonView {
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
impl Reason {
    /// It as the admin API writes it.
    pub(crate) fn view(&self, secrets: Secrets) -> ReasonView {
        let Self { fault, place, given, told } = self;
        let (part, pointer, header) = match place {
            Place::Body(pointer) => ("body", Some(pointer.clone()), None),
            Place::Header(name) => ("header", None, Some(name.clone())),
            Place::Path => ("path", None, None),
            Place::Elsewhere => ("account", None, None),
        };
        let given = if secrets == Secrets::Masked { told } else { given };
        // The response holds the whole request as well.
        let given = given.clone().filter(|given| !given.is_object() && !given.is_array());
        ReasonView {
            rule: fault.rule,
            section: fault.section.to_string(),
            r#in: part,
            pointer,
            header,
            field: fault.field.to_string(),
            given: given.unwrap_or_default(),
            valid: fault.message.to_string(),
        }
    }
}

/// Where the field of a violation is, and what stands there.
fn place<'a>(violation: &Violation, call: &Call, body: Option<&'a Value>) -> (Place, Option<&'a Value>) {
    match violation.location {
        Location::Body => {
            let (pointer, given) = pointer(&violation.field, body, call.facts.map_or(&[], |facts| facts.maps));
            (Place::Body(pointer), given)
        }
        Location::Header => (Place::Header(violation.field.to_string()), None),
        Location::Path => (Place::Path, None),
        _ => (Place::Elsewhere, None),
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
