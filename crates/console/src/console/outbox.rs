//! The mails and text messages that the vendors would have sent.

use maud::html;

use super::layout::{Page, Section};
use super::parts::{Tone, badge, empty, list, order_link, pager, plain, table, text, time};
use super::visit::{Visit, with};
use super::webhooks::secrets_switch;
use crate::api::Refused;

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let order = visit.parameter("order").unwrap_or_default().to_owned();
    let mut path = "outbox?limit=50".to_owned();
    for name in ["order", "before", "reveal"] {
        if let Some(value) = visit.parameter(name) {
            path = with(&path, name, value);
        }
    }
    let found = visit.get(&path).await?;
    let clock = visit.get("clock").await?;
    let messages = list(&found, "/messages");
    let body = html! {
        div.heading { h1 { "Outbox" } }
        form.filters method="get" action="/outbox" role="search" {
            input type="hidden" name="world" value=(visit.world);
            label { "Order" input type="text" name="order" value=(order) placeholder="any"; }
            button type="submit" { "Find" }
        }
        @if messages.is_empty() {
            (empty("No message.", &html! { "E-mails and text messages to the person appear here. The sandbox sends none." }))
        } @else {
            (table("Messages", &["When", "Channel", "To", "Message", "TAN", "Order"], &html! {
                @for message in messages {
                    tr {
                        td.nowrap { (time(text(&clock, "/now"), text(message, "/at"))) }
                        td { (badge(Tone::Neutral, text(message, "/channel"))) }
                        td { (text(message, "/to")) }
                        td { (text(message, "/text")) }
                        td { code { (plain(message, "/tan")) } }
                        td { (order_link(visit, text(message, "/order"))) }
                    }
                }
            }))
            (secrets_switch(visit))
        }
        (pager(visit, &[("order", &order)], &plain(&found, "/next")))
    };
    Ok(Page::new(Section::Outbox, "Outbox", body))
}
