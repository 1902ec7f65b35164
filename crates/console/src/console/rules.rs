//! The rules with their sections.

use maud::html;
use serde_json::Value;

use super::layout::{Page, Section};
use super::parts::{Tone, badge, count, empty, list, table, text};
use super::visit::Visit;
use crate::api::Refused;

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let found = visit.get("rules").await?;
    let search = visit.parameter("search").unwrap_or_default().to_owned();
    let wanted = search.to_lowercase();
    let fits = |rule: &&Value| {
        ["/id", "/section", "/says", "/source"].iter().any(|part| text(rule, part).to_lowercase().contains(&wanted))
    };
    let rules: Vec<&Value> = list(&found, "/rules").iter().filter(fits).collect();
    let body = html! {
        div.heading { h1 { "Rules" } }
        form.filters method="get" action="/rules" role="search" {
            input type="hidden" name="world" value=(visit.world);
            label { "Search" input type="search" name="search" value=(search) placeholder="id, section, text"; }
            button type="submit" { "Find" }
        }
        p.count { (count(rules.len() as u64, "rule", !search.is_empty())) }
        @if rules.is_empty() {
            (empty("No rule has this text.", &html! { a href=(visit.here(&[])) { "All rules" } }))
        } @else {
            (table("Rules", &["Rule", "Source", "Section", "What it says", "State"], &html! {
                @for rule in rules {
                    tr {
                        th scope="row" { (text(rule, "/id")) }
                        td { (text(rule, "/source")) }
                        td.nowrap { (text(rule, "/section")) }
                        td { (text(rule, "/says")) }
                        td { (state(rule)) }
                    }
                }
            }))
        }
    };
    Ok(Page::new(Section::Rules, "Rules", body))
}

fn state(rule: &Value) -> maud::Markup {
    match rule.get("enforced") {
        Some(Value::Bool(true)) => badge(Tone::Good, "on"),
        _ => badge(Tone::Neutral, "off"),
    }
}
