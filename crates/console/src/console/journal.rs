//! The journal: the calls that the vendors received, and one call with its response and the reasons of a refusal.

use maud::{Markup, html};
use serde_json::Value;

use super::forms::{Action, Notice, button};
use super::layout::{Page, Section};
use super::parts::{
    Tone, badge, both_times, command, count, empty, facts, headers, http_status, json, list, order_link, pager, plain,
    table, text, time,
};
use super::visit::{Visit, encode, with};
use super::{curl, webhooks};
use crate::api::Refused;

/// The filters of the list, by the names of the admin API.
const FILTERS: [(&str, &str); 5] =
    [("operation", "Call"), ("order", "Order"), ("status", "Status"), ("rule", "Rule"), ("fault", "Fault")];

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let given: Vec<(&str, String)> =
        FILTERS.iter().filter_map(|(name, _)| Some((*name, visit.parameter(name)?.to_owned()))).collect();
    let filter = |path: &str| given.iter().fold(path.to_owned(), |path, (name, value)| with(&path, name, value));
    let mut path = filter("journal?limit=50");
    if let Some(before) = visit.parameter("before") {
        path = with(&path, "before", before);
    }
    let found = visit.get(&path).await?;
    let requests = list(&found, "/requests");
    let near = match requests.is_empty() && !given.is_empty() {
        true => visit.get(&filter("journal/near-misses?limit=5")).await?,
        false => Value::Null,
    };
    let faults = visit.get("faults").await?;
    let clock = visit.get("clock").await?;
    let now = text(&clock, "/now");
    let parameters: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = html! {
        div.heading { h1 { "Journal" } }
        form.filters method="get" action="/journal" role="search" {
            input type="hidden" name="world" value=(visit.world);
            @for (name, label) in FILTERS {
                label {
                    (label)
                    input type="text" name=(name) size="14" value=(visit.parameter(name).unwrap_or_default()) list=[(name == "operation").then_some("operations")] placeholder="any";
                }
            }
            datalist #operations {
                @for name in list(&faults, "/operations") { option value=(name.as_str().unwrap_or_default()) {} }
            }
            button type="submit" { "Find" }
        }
        p.count {
            (count(found.get("count").and_then(Value::as_u64).unwrap_or_default(), "call", !given.is_empty()))
            @if found.get("forgotten").is_some() { ", " (plain(&found, "/forgotten")) " older entries are gone" }
        }
        @if requests.is_empty() {
            (empty("No call here.", &html! { "Each request of your service appears here, with its response." }))
            (near_misses(visit, &near))
        } @else {
            (rows(visit, requests, now))
        }
        (pager(visit, &parameters, &plain(&found, "/next")))
        @if !requests.is_empty() {
            (button(visit, "/journal/clear", &[], "Clear the journal", "remove all entries; the numbering continues"))
        }
    };
    Ok(Page::new(Section::Journal, "Journal", body))
}

fn rows(visit: &Visit<'_>, requests: &[Value], now: &str) -> Markup {
    table(
        "Calls",
        &["#", "When", "Call", "Status", "Order", "Remarks"],
        &html! {
            @for request in requests {
                @let sequence = plain(request, "/sequence");
                tr {
                    th scope="row" { a href=(visit.link(&format!("/journal/{sequence}"))) { (sequence) } }
                    td.nowrap { (time(now, text(request, "/at"))) }
                    td { (name_of(request)) }
                    td { (http_status(request.get("status").unwrap_or(&Value::Null))) }
                    td { @if !text(request, "/order").is_empty() { (order_link(visit, text(request, "/order"))) } }
                    td { (remarks(visit, request)) }
                }
            }
        },
    )
}

fn name_of(request: &Value) -> Markup {
    let operation = text(request, "/operation");
    html! {
        @if operation.is_empty() {
            code { (text(request, "/method")) " " (text(request, "/path")) }
        } @else {
            (operation) " " span.quiet { (text(request, "/vendor")) }
        }
    }
}

/// What is special about a call: the rules that rejected it, the fault that affected it, its warnings.
fn remarks(visit: &Visit<'_>, request: &Value) -> Markup {
    let warnings = list(request, "/warnings").len();
    html! {
        @for rule in list(request, "/rules") {
            @let rule = rule.as_str().unwrap_or_default();
            a href=(with(&visit.link("/rules"), "search", rule)) { (badge(Tone::Bad, rule)) } " "
        }
        @if !text(request, "/fault").is_empty() { (badge(Tone::Busy, text(request, "/fault"))) " " }
        @if warnings > 0 { (badge(Tone::Busy, &format!("{warnings} warnings"))) }
    }
}

fn near_misses(visit: &Visit<'_>, near: &Value) -> Markup {
    let near = list(near, "/near_misses");
    html! {
        @if !near.is_empty() {
            h2 { "Near misses" }
            (table("Calls that almost match", &["#", "Call", "Differences"], &html! {
                @for miss in near {
                    @let request = miss.get("request").unwrap_or(&Value::Null);
                    @let sequence = plain(request, "/sequence");
                    tr {
                        th scope="row" { a href=(visit.link(&format!("/journal/{sequence}"))) { (sequence) } }
                        td { (name_of(request)) }
                        td {
                            ul.plain {
                                @for difference in list(miss, "/differences") {
                                    li {
                                        b { (text(difference, "/what")) } ": wanted " code { (plain(difference, "/wanted")) }
                                        ", got " code { (plain(difference, "/got")) }
                                    }
                                }
                            }
                        }
                    }
                }
            }))
        }
    }
}

pub(super) async fn one(visit: &mut Visit<'_>, sequence: &str) -> Result<Page, Refused> {
    let reveal = if visit.reveals() { "?reveal=true" } else { "" };
    let explanation = visit.get(&format!("explain/{}{reveal}", encode(sequence))).await?;
    let clock = visit.get("clock").await?;
    let now = text(&clock, "/now");
    let request = explanation.get("request").unwrap_or(&Value::Null);
    let part = |name: &str| request.get(name).unwrap_or(&Value::Null);
    let order = text(request, "/order");
    let body = html! {
        div.heading {
            h1 { "Call " (sequence) " " (name_of(request)) }
            (http_status(part("status")))
        }
        (facts(&[
            ("When", both_times(now, text(request, "/at"))),
            ("Order", html! { @if order.is_empty() { span.quiet { "none" } } @else { (order_link(visit, order)) } }),
            ("Remarks", remarks(visit, request)),
        ]))
        (reasons(visit, list(&explanation, "/reasons")))
        @for warning in list(request, "/warnings") {
            p.problem { b { (text(warning, "/rule")) } " " code { (text(warning, "/field")) } ": " (text(warning, "/message")) }
        }
        div.columns {
            section {
                h2 { "Request" }
                p { code { (text(request, "/method")) " " (text(request, "/path")) } }
                (headers(part("headers")))
                (json(part("body")))
                (command("The same request with curl", &format!(
                    "SANDBOX={} # `listen` of the ready line\n{}",
                    vendor_origin(request),
                    curl::recorded("SANDBOX", request)
                )))
            }
            section {
                h2 { "Response" }
                p { (http_status(part("status"))) }
                (headers(part("answer_headers")))
                (json(part("answer")))
            }
        }
        (webhooks::secrets_switch(visit))
    };
    Ok(Page::new(Section::Journal, format!("Call {sequence}"), body))
}

/// The address that the client used. The journal does not say whether it used TLS.
fn vendor_origin(request: &Value) -> String {
    let host = text(request, "/headers/host");
    format!("https://{}", if host.is_empty() { "127.0.0.1:8443" } else { host })
}

fn reasons(visit: &Visit<'_>, reasons: &[Value]) -> Markup {
    html! {
        @if !reasons.is_empty() {
            h2 { "Why it was refused" }
            (table("Broken rules", &["Rule", "Section", "Element", "Given", "Valid"], &html! {
                @for reason in reasons {
                    @let rule = text(reason, "/rule");
                    tr {
                        th scope="row" { a href=(with(&visit.link("/rules"), "search", rule)) { (rule) } }
                        td { (text(reason, "/section")) }
                        td { code { (element(reason)) } }
                        td { code { (plain(reason, "/given")) } }
                        td { (text(reason, "/valid")) }
                    }
                }
            }))
        }
    }
}

fn element(reason: &Value) -> String {
    let places = ["/pointer", "/header", "/field"].map(|place| text(reason, place));
    let place = places.into_iter().find(|place| !place.is_empty()).unwrap_or_default();
    format!("{} {place}", text(reason, "/in"))
}

pub(super) fn clear() -> Action {
    Action::delete("journal", Notice::Cleared)
}
