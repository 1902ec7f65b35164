//! The clock: what is due, and how far to move time.

use maud::html;
use serde_json::{Value, json};

use super::forms::{Action, Fields, Notice, button, form, object};
use super::layout::{Page, Section};
use super::parts::{both_times, empty, facts, list, plain, table, text, timer_subject};
use super::visit::Visit;
use crate::api::Refused;

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let clock = visit.get("clock").await?;
    let due = visit.get("clock/due?limit=50").await?;
    visit.offer("clock/advance", json!({ "seconds": 86_400 }));
    visit.offer("clock/run-to-next", Value::Null);
    let now = text(&clock, "/now");
    let timers = list(&due, "/timers");
    let body = html! {
        div.heading { h1 { "Clock" } }
        (facts(&[
            ("Now", html! { time datetime=(now) { (now) } }),
            ("Mode", html! { (text(&clock, "/mode")) @if text(&clock, "/mode") == "scaled" { " × " (plain(&clock, "/factor")) } }),
            ("Timers", html! { (plain(&due, "/count")) }),
        ]))
        div.panel {
            (form(visit, "/clock/advance", "row", &html! {
                label { "Advance by" input type="number" name="amount" min="0" step="any" value="1" required size="8"; }
                label {
                    "Unit"
                    select name="unit" {
                        @for (seconds, unit) in UNITS { option value=(seconds) selected[unit == "days"] { (unit) } }
                    }
                }
                button type="submit" { "Advance" }
            }))
            (form(visit, "/clock/advance", "row", &html! {
                label { "Advance to" input type="text" name="to" size="24" required placeholder="2026-03-08T09:00:00Z"; }
                button type="submit" { "Advance" }
            }))
            (form(visit, "/clock/mode", "row", &html! {
                input type="hidden" name="mode" value="scaled";
                label { "Run faster by" input type="number" name="factor" min="0" step="any" value="60" required size="8"; }
                button type="submit" { "Run" }
            }))
            (button(visit, "/clock/mode", &[("mode", "frozen")], "Freeze", "stop time"))
            (button(visit, "/clock/mode", &[("mode", "real")], "Real time", "let time run in real time"))
        }
        h2 { "Due" }
        @if timers.is_empty() {
            (empty("Nothing is due.", &html! { "Expiry, time-outs and webhook retries appear here." }))
        } @else {
            (table("Timers", &["When", "What", "Of", ""], &html! {
                @for timer in timers {
                    tr {
                        td.nowrap { (both_times(now, text(timer, "/at"))) }
                        td { (text(timer, "/what")) " " span.quiet { (text(timer, "/vendor")) } }
                        td { (timer_subject(visit, timer)) }
                        td.actions { (button(visit, "/clock/advance", &[("to", text(timer, "/at"))], "Advance to it", "move the clock to this time")) }
                    }
                }
            }))
        }
    };
    Ok(Page::new(Section::Clock, "Clock", body))
}

const UNITS: [(&str, &str); 4] = [("1", "seconds"), ("60", "minutes"), ("3600", "hours"), ("86400", "days")];

pub(super) fn action(verb: &str, fields: &Fields) -> Option<Action> {
    match verb {
        "advance" => {
            let number = |name: &str| fields.get(name).and_then(|text| text.parse::<f64>().ok());
            let seconds = match (number("amount"), number("unit")) {
                (Some(amount), Some(unit)) => json!(amount * unit),
                _ => fields.number("seconds"),
            };
            let to = fields.get("to").map_or(Value::Null, Value::from);
            Some(Action::post("clock/advance", object([("seconds", seconds), ("to", to)]), Notice::Advanced))
        }
        "next" => Some(Action::post("clock/run-to-next", Value::Null, Notice::Advanced)),
        "mode" => {
            let mode = fields.get("mode").map_or(Value::Null, Value::from);
            let body = object([("mode", mode), ("factor", fields.number("factor"))]);
            Some(Action::post("clock/mode", body, Notice::Mode))
        }
        _ => None,
    }
}
