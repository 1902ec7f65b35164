//! The settings of the vendors' accounts.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::forms::{Action, Fields, Notice, form};
use super::layout::{Page, Section};
use super::parts::{facts, prose, table, text};
use super::schema::{member, resolve};
use super::visit::{Visit, with};
use super::webhooks::secrets_switch;
use crate::api::Refused;

/// Maximum length of a value in the table, in characters.
const LONGEST: usize = 90;

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let reveal = if visit.reveals() { "?reveal=true" } else { "" };
    let settings = visit.get(&format!("settings{reveal}")).await?;
    let document = visit.describe("openapi.json").await?;
    let world = visit.get(&format!("worlds/{}", super::visit::encode(&visit.world.clone()))).await?;
    let schema = document.pointer("/paths/~1settings/get/responses/200/content/application~1json/schema");
    let edited =
        visit.parameter("edit").and_then(|name| name.split_once('.')).map(|(a, b)| (a.to_owned(), b.to_owned()));
    if let Some((vendor, name)) = &edited {
        let value = settings.get(vendor).and_then(|vendor| vendor.get(name)).cloned().unwrap_or_default();
        visit.offer("settings", json!({ vendor: { name: value } }));
    }
    let body = html! {
        div.heading { h1 { "Settings" } }
        @if let Some((vendor, name)) = &edited {
            @if let Some(value) = settings.get(vendor).and_then(|vendor| vendor.get(name)) {
                (editor(visit, vendor, name, value))
            }
        }
        @for (vendor, values) in settings.as_object().into_iter().flatten() {
            @let about = schema.and_then(|schema| member(&document, schema, vendor));
            h2 { (vendor) }
            @let base_path = text(&world, &format!("/{vendor}/base_path"));
            @if !base_path.is_empty() { (facts(&[("Paths begin with", html! { code { (base_path) } })])) }
            (table(vendor, &["Setting", "Value", "Meaning", ""], &html! {
                @for (name, value) in values.as_object().into_iter().flatten() {
                    @let meaning = about.and_then(|about| about.get("properties")?.get(name));
                    tr {
                        th scope="row" { code { (name) } }
                        td.value { code { (value_text(value)) } }
                        td { @if let Some(meaning) = meaning { (prose(&description(&document, meaning))) } }
                        td.actions {
                            a href=(with(&visit.here(&[]), "edit", &format!("{vendor}.{name}"))) aria-label=(format!("Change {name}")) { "Change" }
                        }
                    }
                }
            }))
        }
        (secrets_switch(visit))
    };
    Ok(Page::new(Section::Settings, "Settings", body))
}

/// The description of a setting, or that of its type.
fn description(document: &Value, schema: &Value) -> String {
    let own = text(schema, "/description");
    if own.is_empty() { text(resolve(document, schema), "/description").to_owned() } else { own.to_owned() }
}

/// The value, shortened: the form that changes it has all of it.
fn value_text(value: &Value) -> String {
    let whole = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let short: String = whole.chars().take(LONGEST).collect();
    if short.len() < whole.len() { format!("{short}…") } else { whole }
}

fn editor(visit: &Visit<'_>, vendor: &str, name: &str, value: &Value) -> Markup {
    let whole = serde_json::to_string_pretty(value).unwrap_or_default();
    let rows = whole.lines().count().clamp(3, 16);
    form(
        visit,
        "/settings",
        "panel",
        &html! {
            input type="hidden" name="vendor" value=(vendor);
            input type="hidden" name="name" value=(name);
            label {
                (vendor) "." (name)
                textarea name="value" rows=(rows) cols="60" required { (whole) }
            }
            p.quiet { "JSON: texts are in quotes." }
            button type="submit" { "Change" } " "
            a href=(visit.here(&[])) { "Cancel" }
        },
    )
}

/// The change that the form asks for. If a field is missing, the admin API says what is valid.
pub(super) fn action(fields: &Fields) -> Action {
    let (vendor, name) = (fields.get("vendor").unwrap_or("vendor"), fields.get("name").unwrap_or("name"));
    Action::post("settings", json!({ vendor: { name: fields.json("value") } }), Notice::Changed)
}
