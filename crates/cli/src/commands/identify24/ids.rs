//! Finds ident_ids in a response to `ident/create`.

use std::collections::HashSet;

use http::header::{CONTENT_LOCATION, LOCATION};
use identkit_core::RawResponse;
use identkit_identify24::messages::CreateIdent;
use identkit_wire::{Operation as _, trim_body};
use serde_json::Value;

use crate::typed_id::IdKind;

pub(crate) const IDENT_ID: IdKind = IdKind { created_by: CreateIdent::META, name: "ident_id", find: ident_ids };

/// Each ident_id in a response, valid or not, once. Without one, all ids in `data`, in the person's URL (I-041) and in
/// headers such as `Location`: which of them is the ident's is unknown.
fn ident_ids(answer: &RawResponse) -> Vec<String> {
    let found = answer.clone().with_id_names(CreateIdent::META.ids).with_id_urls(CreateIdent::META.id_urls).ids();
    let values = |name| found.iter().filter(move |id| id.name == name).map(|id| id.value.expose());
    let headers = [LOCATION, CONTENT_LOCATION].into_iter().filter_map(|name| answer.headers().get(name)?.to_str().ok());
    let numbers = calculated_ids(answer.body());
    let is_calculated = |id: &str| id.parse::<f64>().is_ok_and(|id| numbers.contains(&id));
    let named = once(values(IDENT_ID.name).filter(|id| !is_calculated(id)).map(str::to_owned));
    if !named.is_empty() {
        return named;
    }
    let others = id_in_object(answer.body()).into_iter().chain(values("conference_url").filter_map(id_in_person_url));
    once(others.chain(headers.filter_map(id_in_header)))
}

/// The numbers in place of an ident_id that have a fraction or an exponent. A create accepts no such id (AT-92).
fn calculated_ids(body: &[u8]) -> Vec<f64> {
    fn add(value: &Value, found: &mut Vec<f64>) {
        match value {
            Value::Array(many) => many.iter().for_each(|one| add(one, found)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::Number(id) if name == IDENT_ID.name && id.is_f64() => found.extend(id.as_f64()),
                        value => add(value, found),
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    add(&serde_json::from_slice(trim_body(body)).unwrap_or_default(), &mut found);
    found
}

/// Each value once.
fn once(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut known = HashSet::new();
    ids.filter(|id| known.insert(id.clone())).collect()
}

/// The id of the object `data` or `ident` of a body in JSON.
fn id_in_object(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(trim_body(body)).ok()?;
    let id = ["/data/id", "/ident/id"].iter().find_map(|place| match body.pointer(place)? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) if !id.is_f64() => Some(id.to_string()),
        _ => None,
    });
    id.filter(|id| !id.is_empty())
}

/// The id in the URL of an ident's person: the segment after `apply`. A plain word is a page.
fn id_in_person_url(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let mut segments = path.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case("apply")).skip(1);
    let id = segments.next().filter(|id| !id.contains('%') && id.contains(|c: char| c.is_ascii_digit() || c == '-'))?;
    Some(id.to_owned())
}

/// The id in the URL of an ident or of its person, which can be relative.
fn id_in_header(url: &str) -> Option<String> {
    let (parent, id) = last_segments(url)?;
    (matches!(parent, "ident" | "get" | "apply") && !matches!(id, "create" | "get")).then(|| id.to_owned())
}

/// The last two segments of a URL's path. `None` if the last one is encoded, so that it is not the id itself.
fn last_segments(url: &str) -> Option<(&str, &str)> {
    let path = url.split(['?', '#']).next()?;
    let (before, last) = path.rsplit_once('/')?;
    let parent = before.rsplit('/').next().unwrap_or_default();
    (!last.is_empty() && !last.contains('%')).then_some((parent, last))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    #[test]
    fn at_97_an_ident_id_is_found_wherever_it_is() {
        for (location, body, expected) in [
            ("", r#"{"ident_id":"a-1","data":{"id":"b"}}"#, &["a-1"][..]),
            ("", r#"<p>{"ident_id":"a-1"}{"ident_id":"b-2"}{"ident_id":"a-1"}"#, &["a-1", "b-2"]),
            ("", "\u{feff}{\"data\":{\"id\":77812}}", &["77812"]),
            ("", r#"{"ident":{"id":"a-1"}}"#, &["a-1"]),
            ("", r#"{"ident_id":1e15}"#, &[]),
            ("", r#"{"data":{"ident_id":77812.5,"id":1e15}}"#, &[]),
            ("", r#"{"ident_id":"1e15"}"#, &["1e15"]),
            ("", r#"{"ident_id":77812}"#, &["77812"]),
            ("", r#"{"conference_url":"https://x.example/apply/a-1?x=1"}"#, &["a-1"]),
            ("", "go to https://x.example/apply/a-1 now", &["a-1"]),
            ("", r#"{"conference_url":"https://x.example/apply/a-1/start"}"#, &["a-1"]),
            ("", r#"{"conference_url":"https://x.example/apply/start"}"#, &[]),
            ("", r#"{"conference_url":"https://x.example/apply#/a-1"}"#, &[]),
            ("", r#"{"conference_url":"https://x.example"}"#, &[]),
            ("", r#"{"conference_url":"https://x.example/de/error-17"}"#, &[]),
            ("", r#"{"conference_url":"https://x.example/apply/a-1","data":{"id":"b-2"}}"#, &["b-2", "a-1"]),
            ("/apply/a-1", r#"{"data":{"id":"b-2"}}"#, &["b-2", "a-1"]),
            ("/ident/get/a-1?x=1", "", &["a-1"]),
            ("https://x.example/v1/ident/a-1", "{}", &["a-1"]),
            ("/apply/a-1", r#"{"ident_id":"b-2"}"#, &["b-2"]),
            ("/login", r#"{"data":{"id":""}}"#, &[]),
            ("", r#"{"conference_url":"https://x.example/apply/"}"#, &[]),
            ("/ident/create", "created", &[]),
            ("/ident/get/a%2F1", "", &[]),
        ] {
            let location = (!location.is_empty()).then(|| (LOCATION, HeaderValue::from_static(location)));
            let answer = RawResponse::new(StatusCode::OK, HeaderMap::from_iter(location), body.into(), true);
            assert_eq!(ident_ids(&answer), expected, "{body} {:?}", answer.headers());
        }
        // Of a response that was cut, ids with an end count.
        for (location, body, expected) in [
            ("", r#"{"data":{"id":"a-1"}"#, &[][..]),
            ("", r#"{"ident_id":"a-1"#, &[]),
            ("", r#"{"conference_url":"https://x.example/apply/a-1"#, &[]),
            ("", r#"{"ident_id":"a-1","conference_url":"https://x.example/apply/a-1"#, &["a-1"]),
            ("/ident/get/a-1", r#"{"ident_id":"a-1"#, &["a-1"]),
        ] {
            let location = (!location.is_empty()).then(|| (LOCATION, HeaderValue::from_static(location)));
            let cut = RawResponse::new(StatusCode::OK, HeaderMap::from_iter(location), body.into(), false);
            assert_eq!(ident_ids(&cut), expected, "{body}");
        }
    }
}
