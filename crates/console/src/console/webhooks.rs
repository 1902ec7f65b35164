//! Webhooks: the list, one webhook with its attempts, and their modes.

use http::Method;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::curl;
use super::forms::{Action, Fields, Notice, button, form};
use super::layout::{Page, Section};
use super::parts::{
    Tone, badge, both_times, command, empty, facts, headers, http_status, json_up_to, list, order_link, pager, plain,
    table, text, time,
};
use super::visit::{Visit, with};
use crate::api::Refused;

const STATES: [&str; 5] = ["held", "sending", "waiting", "delivered", "failed"];

/// Number of attempts that are shown with their messages: a webhook can have a hundred.
const SHOWN: usize = 10;

/// Maximum lengths of a body in the newest attempt and in older ones, in characters.
const NEWEST: usize = 16_000;
const OLDER: usize = 2_000;

const MODES: [(&str, &str); 7] = [
    ("deliver", "deliver"),
    ("hold", "hold: keep them until they are released"),
    ("drop", "drop: never send them"),
    ("duplicate", "duplicate: send each twice"),
    ("reorder", "reorder: send each after the next one"),
    ("late", "late: send them later"),
    ("slow-read", "slow-read: read the answer slowly"),
];

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let state = visit.parameter("state").unwrap_or_default().to_owned();
    let before = visit.parameter("before").unwrap_or_default().to_owned();
    let mut path = "deliveries?limit=50".to_owned();
    for (name, value) in [("state", &state), ("before", &before)] {
        if !value.is_empty() {
            path = with(&path, name, value);
        }
    }
    let found = visit.get(&path).await?;
    let modes = visit.get("webhooks").await?;
    let clock = visit.get("clock").await?;
    let all = list(&found, "/deliveries");
    let body = html! {
        div.heading {
            h1 { "Webhooks" }
            nav.tabs aria-label="States" {
                a href=(visit.here(&[])) aria-current=[state.is_empty().then_some("true")] { "All" }
                @for name in STATES {
                    a href=(visit.here(&[("state", name)])) aria-current=[(name == state).then_some("true")] { (name) }
                }
            }
        }
        (modes_of(visit, &modes))
        @if all.is_empty() {
            (empty("No webhooks here.", &html! { "They appear when an order changes that has a webhook URL." }))
        } @else {
            (rows(visit, all, text(&clock, "/now"), true))
        }
        (pager(visit, &[("state", &state)], &plain(&found, "/next")))
    };
    Ok(Page::new(Section::Webhooks, "Webhooks", body))
}

fn modes_of(visit: &Visit<'_>, modes: &Value) -> Markup {
    let mode = text(modes, "/mode");
    let of_orders = modes.get("orders").and_then(Value::as_object);
    html! {
        div.panel {
            (form(visit, "/webhooks/mode", "row", &html! {
                label {
                    "Mode"
                    select name="mode" {
                        @for (name, label) in MODES { option value=(name) selected[name == mode] { (label) } }
                    }
                }
                label { "Seconds (late)" input type="number" name="seconds" min="0" step="any" value=(plain(modes, "/seconds")); }
                label { "Only of order" input type="text" name="order" size="18" placeholder="all"; }
                button type="submit" { "Set" }
            }))
            (button(visit, "/webhooks/release", &[], "Release all", "send all held webhooks"))
            @if let Some(of_orders) = of_orders.filter(|orders| !orders.is_empty()) {
                ul.inline {
                    @for (order, mode) in of_orders {
                        li { (order_link(visit, order)) ": " (text(mode, "/mode")) " "
                            (button(visit, "/webhooks/mode", &[("order", order)], "Remove", "use the mode of the world")) }
                    }
                }
            }
        }
    }
}

/// A table of webhooks with the buttons that control them.
pub(super) fn rows(visit: &Visit<'_>, deliveries: &[Value], now: &str, has_order: bool) -> Markup {
    let columns: &[&str] = match has_order {
        true => &["Webhook", "Order", "State", "Attempts", "Next", ""],
        false => &["Webhook", "State", "Attempts", "Next", ""],
    };
    table(
        "Webhooks",
        columns,
        &html! {
            @for delivery in deliveries {
                @let id = plain(delivery, "/id");
                tr {
                    th scope="row" { a href=(visit.link(&format!("/webhooks/{id}"))) { (text(delivery, "/event")) " #" (id) } }
                    @if has_order { td { (order_link(visit, text(delivery, "/order"))) } }
                    td { (badge(Tone::of_delivery(text(delivery, "/state")), text(delivery, "/state"))) }
                    td { (attempts_of(delivery)) }
                    td.nowrap { (time(now, text(delivery, "/next"))) }
                    td.actions { (verbs(visit, delivery, &["resend", "hold", "release", "duplicate"])) }
                }
            }
        },
    )
}

/// The status of each attempt.
fn attempts_of(delivery: &Value) -> Markup {
    let attempts = list(delivery, "/attempts");
    let hidden = attempts.len().saturating_sub(4);
    html! {
        @if hidden > 0 { span.quiet { (hidden) " more, " } }
        @for attempt in attempts.iter().skip(hidden) { (http_status(attempt.get("status").unwrap_or(&Value::Null))) " " }
    }
}

/// The buttons that the state of a webhook allows.
fn verbs(visit: &Visit<'_>, delivery: &Value, wanted: &[&str]) -> Markup {
    let (id, state) = (plain(delivery, "/id"), text(delivery, "/state"));
    let is_open = matches!(state, "waiting" | "sending" | "held");
    let is_possible = |verb: &str| match verb {
        "release" => state == "held",
        "hold" => is_open && state != "held",
        "drop" => is_open,
        "resend" => state != "held",
        _ => true,
    };
    html! {
        @for (verb, label, meaning) in [
            ("resend", "Resend", "send it again now"),
            ("hold", "Hold", "keep it until it is released"),
            ("release", "Release", "send it now"),
            ("duplicate", "Duplicate", "send a copy now"),
            ("drop", "Drop", "never send it again"),
        ] {
            @if wanted.contains(&verb) && is_possible(verb) {
                (button(visit, &format!("/webhooks/{id}/{verb}"), &[], label, &format!("{meaning}, webhook {id}")))
            }
        }
    }
}

pub(super) async fn one(visit: &mut Visit<'_>, id: &str) -> Result<Page, Refused> {
    let reveal = if visit.reveals() { "?reveal=true" } else { "" };
    let delivery = visit.get(&format!("deliveries/{}{reveal}", super::visit::encode(id))).await?;
    let clock = visit.get("clock").await?;
    let now = text(&clock, "/now");
    let next = text(&delivery, "/next");
    visit.offer(&format!("deliveries/{}/resend", super::visit::encode(id)), Value::Null);
    let attempts = list(&delivery, "/attempts");
    let body = html! {
        div.heading {
            h1 { (text(&delivery, "/event")) " #" (id) }
            (badge(Tone::of_delivery(text(&delivery, "/state")), text(&delivery, "/state")))
        }
        (facts(&[
            ("Order", order_link(visit, text(&delivery, "/order"))),
            ("Receiver", html! { code { (text(&delivery, "/method")) " " (text(&delivery, "/url")) } }),
            ("Next attempt", if next.is_empty() { html! { span.quiet { "none" } } } else { both_times(now, next) }),
        ]))
        div.actions {
            (verbs(visit, &delivery, &["resend", "hold", "release", "duplicate", "drop"]))
            @if !next.is_empty() {
                (button(visit, "/clock/advance", &[("to", next)], "Advance to the next attempt", "move the clock to this time"))
            }
        }
        @for (index, attempt) in attempts.iter().enumerate().skip(attempts.len().saturating_sub(SHOWN)).rev() {
            @if index + 1 == attempts.len() {
                section.attempt { (attempt_heading(index + 1, attempt)) (attempt_of(attempt, now, NEWEST)) }
            } @else {
                details.attempt {
                    summary { (attempt_heading(index + 1, attempt)) (both_times(now, text(attempt, "/at"))) }
                    (attempt_of(attempt, now, OLDER))
                }
            }
        }
        (earlier(attempts, now))
        (secrets_switch(visit))
    };
    Ok(Page::new(Section::Webhooks, format!("Webhook {id}"), body))
}

fn attempt_heading(number: usize, attempt: &Value) -> Markup {
    let outcome = text(attempt, "/outcome");
    html! {
        h2 {
            "Attempt " (number) " " (badge(Tone::of_delivery(outcome), outcome))
            " " (http_status(attempt.get("status").unwrap_or(&Value::Null)))
        }
    }
}

/// The attempts before those that are shown with their messages.
fn earlier(attempts: &[Value], now: &str) -> Markup {
    let hidden = attempts.len().saturating_sub(SHOWN);
    html! {
        @if hidden > 0 {
            h2 { "Earlier attempts" }
            (table("Earlier attempts", &["#", "When", "Status", "Outcome"], &html! {
                @for (index, attempt) in attempts.iter().enumerate().take(hidden).rev() {
                    tr {
                        th scope="row" { (index + 1) }
                        td.nowrap { (both_times(now, text(attempt, "/at"))) }
                        td { (http_status(attempt.get("status").unwrap_or(&Value::Null))) }
                        td { (text(attempt, "/outcome")) }
                    }
                }
            }))
        }
    }
}

/// Request and answer of an attempt, side by side.
fn attempt_of(attempt: &Value, now: &str, longest: usize) -> Markup {
    html! {
            p {
                (both_times(now, text(attempt, "/at")))
                @if !text(attempt, "/by").is_empty() { ", by " b { (text(attempt, "/by")) } }
            }
            @if !text(attempt, "/error").is_empty() { p.problem { (text(attempt, "/error")) } }
            @if !text(attempt, "/finding").is_empty() { p.problem { (text(attempt, "/finding")) } }
            div.columns {
                div {
                    h3 { "Request" }
                    @match attempt.get("request") {
                        Some(request) => {
                            p { code { (text(request, "/method")) " " (text(request, "/url")) } }
                            (headers(request.get("headers").unwrap_or(&Value::Null)))
                            (json_up_to(request.get("body").unwrap_or(&Value::Null), longest))
                            (command("The same request with curl", &curl::recorded("", request)))
                        }
                        None => { p.quiet { "No request was sent." } }
                    }
                }
                div {
                    h3 { "Answer" }
                    p { (http_status(attempt.get("status").unwrap_or(&Value::Null))) }
                    @if let Some(answer) = attempt.get("answer") {
                        (headers(answer.get("headers").unwrap_or(&Value::Null)))
                        (json_up_to(answer.get("body").unwrap_or(&Value::Null), longest))
                    }
                }
            }
    }
}

/// A link that shows the masked secrets of this page, or masks them again.
pub(super) fn secrets_switch(visit: &Visit<'_>) -> Markup {
    html! {
        p.quiet {
            @if visit.reveals() {
                "Secrets are shown. " a href=(visit.here(&[])) { "Mask secrets" }
            } @else {
                "Secrets are masked. " a href=(visit.here(&[("reveal", "true")])) { "Show secrets" }
            }
        }
    }
}

/// The call that a form of the list makes.
pub(super) fn action(verb: &str, fields: &Fields) -> Option<Action> {
    match verb {
        "release" => Some(Action::post("deliveries/release", Value::Null, Notice::Released)),
        "mode" => {
            let mode = fields.get("mode");
            let seconds = if mode == Some("late") { fields.number("seconds") } else { Value::Null };
            let mut body = Map::new();
            // Null restores the mode of the world.
            body.insert("mode".to_owned(), mode.into());
            for (name, value) in [("order", fields.get("order").into()), ("seconds", seconds)] {
                if !value.is_null() {
                    body.insert(name.to_owned(), value);
                }
            }
            let body = Value::Object(body);
            Some(Action::post("webhooks", body, Notice::WebhookMode))
        }
        _ => None,
    }
}

/// The call that a button of one webhook makes.
pub(super) fn verb(id: &str, verb: &str) -> Option<Action> {
    let done = match verb {
        "resend" => Notice::Resent,
        "hold" => Notice::Held,
        "release" => Notice::Released,
        "duplicate" => Notice::Duplicated,
        "drop" => Notice::Dropped,
        _ => return None,
    };
    let path = format!("deliveries/{}/{verb}", super::visit::encode(id));
    Some(Action { method: Method::POST, path, body: Value::Null, done })
}
