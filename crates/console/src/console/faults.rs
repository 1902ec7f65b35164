//! Faults: switch them on for the next calls, and off.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::forms::{Action, Fields, Notice, button, form};
use super::layout::{Page, Section};
use super::parts::{empty, list, plain, prose, table, text};
use super::schema::resolve;
use super::visit::{Visit, encode};
use crate::api::Refused;

/// Members of a fault that say when it occurs; the others belong to its kind.
const SHARED: [&str; 6] = ["fault", "operation", "vendor", "times", "nth", "probability"];

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let faults = visit.get("faults").await?;
    let document = visit.describe("openapi.json").await?;
    visit.offer("faults", json!({ "fault": "status", "status": 503, "times": 1 }));
    let on = list(&faults, "/faults");
    let body = html! {
        div.heading { h1 { "Faults" } }
        (form(visit, "/faults", "panel row", &html! {
            label {
                "Fault"
                select name="fault" required {
                    @for name in list(&faults, "/known") { option { (name.as_str().unwrap_or_default()) } }
                }
            }
            label {
                "Call"
                select name="operation" {
                    option value="" { "any" }
                    @for name in list(&faults, "/operations") { option { (name.as_str().unwrap_or_default()) } }
                }
            }
            label { "Times" input type="number" name="times" min="1" value="1" size="5"; }
            label { "From the nth" input type="number" name="nth" min="1" value="1" size="5"; }
            label { "Parameters" input type="text" name="parameters" size="28" placeholder="{\"status\":503}"; }
            button type="submit" { "Switch on" }
        }))
        @if on.is_empty() {
            (empty("No fault is on.", &html! { "A fault breaks the next calls, so that you see how your service reacts." }))
        } @else {
            (table("Faults", &["#", "Fault", "Call", "Left", "Parameters", ""], &html! {
                @for fault in on { (row(visit, fault)) }
            }))
            (button(visit, "/faults/clear", &[], "Remove all", "switch off all faults"))
        }
        h2 { "Kinds" }
        (table("Kinds of faults", &["Fault", "Effect", "Parameters"], &html! {
            @for (name, meaning, parameters) in kinds(&document) {
                tr { th scope="row" { code { (name) } } td { (prose(&meaning)) } td { (parameters) } }
            }
        }))
    };
    Ok(Page::new(Section::Faults, "Faults", body))
}

fn row(visit: &Visit<'_>, fault: &Value) -> Markup {
    let id = plain(fault, "/id");
    let own: Map<String, Value> = fault
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| {
            !SHARED.contains(&name.as_str())
                && !["id", "seen", "hits", "left"].contains(&name.as_str())
                && !value.is_null()
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let operation = text(fault, "/operation");
    html! {
        tr {
            th scope="row" { (id) }
            td { code { (text(fault, "/fault")) } }
            td { (if operation.is_empty() { "any" } else { operation }) }
            td { (left(fault)) }
            td { @if !own.is_empty() { code { (Value::Object(own).to_string()) } } }
            td.actions { (button(visit, &format!("/faults/{}/remove", encode(&id)), &[], "Remove", &format!("switch off fault {id}"))) }
        }
    }
}

/// Number of calls that will still meet the fault.
fn left(fault: &Value) -> String {
    match fault.get("left") {
        None | Some(Value::Null) => "no limit".to_owned(),
        Some(left) if left == 0 => "used up".to_owned(),
        Some(left) => left.to_string(),
    }
}

/// The kinds of faults that the description of the admin API has: name, meaning, names of the parameters.
fn kinds(document: &Value) -> Vec<(String, String, String)> {
    let schema = document.pointer("/paths/~1faults/post/requestBody/content/application~1json/schema");
    let schema = schema.map(|schema| resolve(document, schema));
    let kinds = schema.and_then(|schema| schema.get("oneOf")).and_then(Value::as_array);
    let kind = |kind: &Value| {
        let properties = kind.get("properties").and_then(Value::as_object)?;
        let name = properties.get("fault").and_then(|fault| fault.get("const")).and_then(Value::as_str)?;
        let parameters: Vec<&str> =
            properties.keys().map(String::as_str).filter(|name| !SHARED.contains(name)).collect();
        Some((name.to_owned(), text(kind, "/description").to_owned(), parameters.join(", ")))
    };
    kinds.into_iter().flatten().filter_map(kind).collect()
}

/// The fault that the form switches on. The parameters of its kind are a JSON object.
pub(super) fn inject(fields: &Fields) -> Action {
    let mut body = match fields.json("parameters") {
        Value::Object(parameters) => parameters,
        Value::Null => Map::new(),
        // The admin API says which parameters there are.
        other => [("parameters".to_owned(), other)].into_iter().collect(),
    };
    for name in ["fault", "operation"] {
        if let Some(value) = fields.get(name) {
            body.insert(name.to_owned(), value.into());
        }
    }
    for name in ["times", "nth"] {
        if fields.get(name).is_some() {
            body.insert(name.to_owned(), fields.number(name));
        }
    }
    Action::post("faults", Value::Object(body), Notice::Injected)
}

pub(super) fn clear() -> Action {
    Action::delete("faults", Notice::Cleared)
}

pub(super) fn remove(id: &str) -> Action {
    Action::delete(format!("faults/{}", encode(id)), Notice::Cleared)
}
