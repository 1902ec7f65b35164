//! The list of orders, and that of idents: search, filter, pages.

use maud::{Markup, html};

use super::layout::{Page, Section};
use super::parts::{count, empty, list, order_link, pager, plain, status_of, table, text, time};
use super::visit::{Visit, with};
use crate::api::Refused;

/// Number of entries on a page.
const LIMIT: &str = "50";

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let kind = if visit.parameter("kind") == Some("idents") { "idents" } else { "orders" };
    let search = visit.parameter("search").unwrap_or_default().to_owned();
    let status = visit.parameter("status").unwrap_or_default().to_owned();
    let before = visit.parameter("before").unwrap_or_default().to_owned();
    let mut path = with(kind, "limit", LIMIT);
    for (name, value) in [("search", &search), ("status", &status), ("before", &before)] {
        if !value.is_empty() {
            path = with(&path, name, value);
        }
    }
    let found = match visit.get(&path).await {
        // No entry has this status: nothing is found.
        Err(refused) if refused.status == 400 && !status.is_empty() && before.is_empty() => serde_json::Value::Null,
        found => found?,
    };
    let statuses = visit.get("statuses").await?;
    let now = visit.get("clock").await?;
    let now = text(&now, "/now");
    let number = found.get("count").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let parameters = [("kind", kind), ("search", search.as_str()), ("status", status.as_str())];
    let entries = list(&found, &format!("/{kind}"));
    let body = html! {
        div.heading {
            h1 { "Orders" }
            nav.tabs aria-label="Kinds" {
                @for (name, label) in [("orders", "Orders"), ("idents", "Idents")] {
                    a href=(visit.here(&[("kind", name)])) aria-current=[(name == kind).then_some("true")] { (label) }
                }
            }
        }
        (filters(visit, kind, &search, &status, list(&statuses, "/statuses")))
        p.count { (count(number, kind.trim_end_matches('s'), !search.is_empty() || !status.is_empty())) }
        @if entries.is_empty() {
            (empty(&format!("No {kind} here."), &html! {
                @if search.is_empty() && status.is_empty() {
                    "They appear as soon as your service places one. " code { "identkit sandbox" } " prints the address and the credentials; "
                    a href=(visit.link("/settings")) { "Settings" } " has them too."
                } @else {
                    a href=(visit.here(&[("kind", kind)])) { "Remove the filters" }
                }
            }))
        } @else {
            (table(kind, &["Id", "Reference", "Status", "Method", "Changed", "Created"], &html! {
                @for order in entries {
                    tr {
                        th scope="row" { (order_link(visit, text(order, "/id"))) }
                        td { (text(order, "/reference")) }
                        td { (status_of(order)) }
                        td { (plain(order, "/method")) }
                        td.nowrap { (time(now, text(order, "/changed_at"))) }
                        td.nowrap { (time(now, text(order, "/created_at"))) }
                    }
                }
            }))
        }
        (pager(visit, &parameters, text(&found, "/next")))
    };
    Ok(Page::new(Section::Orders, if kind == "idents" { "Idents" } else { "Orders" }, body))
}

fn filters(visit: &Visit<'_>, kind: &str, search: &str, status: &str, statuses: &[serde_json::Value]) -> Markup {
    let known = statuses.iter().filter(|one| text(one, "/cases") == kind);
    html! {
        form.filters method="get" action="/" role="search" {
            input type="hidden" name="kind" value=(kind);
            input type="hidden" name="world" value=(visit.world);
            label { "Search" input type="search" name="search" value=(search) placeholder="id, reference, name, mail"; }
            label {
                "Status"
                input type="text" name="status" value=(status) list="statuses" size="14" placeholder="any";
            }
            datalist #statuses {
                @for one in known {
                    option value=(text(one, "/status")) { (text(one, "/status")) " " (text(one, "/name")) }
                }
            }
            button type="submit" { "Find" }
        }
    }
}
