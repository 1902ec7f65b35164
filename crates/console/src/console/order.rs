//! One order: what happened, what was ordered, its files, its webhooks, and how to play the person.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::forms::{Action, Fields, Notice, button, form, object};
use super::layout::{Page, Section};
use super::parts::{
    Tone, badge, both_times, clock_time, empty, facts, http_status, leaves, list, plain, status_of, table, text, time,
};
use super::visit::{Visit, encode, with};
use super::webhooks;
use crate::api::Refused;

/// What the admin API says about an order.
struct Order {
    id: String,
    state: Value,
    details: Value,
    person: Value,
    deliveries: Value,
    calls: Value,
    messages: Value,
    statuses: Value,
    now: String,
}

impl Order {
    async fn read(visit: &mut Visit<'_>, id: &str) -> Result<Self, Refused> {
        let (path, of_order) = (format!("orders/{}", encode(id)), |list: &str| with(list, "order", id));
        let state = visit.get(&path).await?;
        let reveal = if visit.reveals() { "?reveal=true" } else { "" };
        let details = visit.get(&format!("{path}/details{reveal}")).await?;
        let person = visit.get(&format!("{path}/person")).await?;
        let deliveries = visit.get(&of_order("deliveries?limit=50")).await?;
        let calls = visit.get(&of_order("journal?limit=15")).await?;
        let messages = visit.get(&of_order("outbox?limit=15")).await?;
        let statuses = visit.get("statuses").await?;
        let clock = visit.get("clock").await?;
        let now = text(&clock, "/now").to_owned();
        Ok(Self { id: id.to_owned(), state, details, person, deliveries, calls, messages, statuses, now })
    }

    /// The statuses that the vendor of the order knows.
    fn known(&self) -> impl Iterator<Item = &Value> {
        let vendor = text(&self.state, "/vendor");
        list(&self.statuses, "/statuses").iter().filter(move |one| text(one, "/vendor") == vendor)
    }

    /// What the vendor calls it.
    fn noun(&self) -> &'static str {
        if self.known().any(|one| text(one, "/cases") == "idents") { "Ident" } else { "Order" }
    }
}

pub(super) async fn page(visit: &mut Visit<'_>, id: &str) -> Result<Page, Refused> {
    let order = Order::read(visit, id).await?;
    let first = list(&order.details, "/stories").iter().find(|story| text(story, "/refused").is_empty());
    let first = first.map_or("positive", |story| text(story, "/name"));
    visit.offer(&format!("orders/{}/transition", encode(id)), json!({ "story": first }));
    let body = html! {
        div.heading {
            h1 { (order.noun()) " " code { (id) } }
            (status_of(&order.state))
        }
        (summary(&order))
        div.columns {
            div {
                (play(visit, &order))
                (timeline(visit, &order))
            }
            div {
                (deliveries(visit, &order))
                (evidence(visit, &order))
                (calls(visit, &order))
                (messages(&order))
                (ordered(visit, &order))
            }
        }
    };
    Ok(Page::new(Section::Orders, format!("{} {id}", order.noun()), body))
}

fn summary(order: &Order) -> Markup {
    let state = &order.state;
    let line = |pointer: &str| html! { (plain(state, pointer)) };
    let mut lines = vec![
        ("Vendor", line("/vendor")),
        ("Reference", line("/reference")),
        ("Created", both_times(&order.now, text(state, "/created_at"))),
    ];
    for (label, pointer) in [("Method", "/method"), ("TAN", "/tan"), ("Recording", "/recording"), ("Re-use", "/reuse")]
    {
        if !plain(state, pointer).is_empty() {
            lines.push((label, line(pointer)));
        }
    }
    if state.get("data_deleted") == Some(&Value::Bool(true)) {
        lines.push(("Data", badge(Tone::Bad, "deleted")));
    }
    if state.get("blocked") == Some(&Value::Bool(true)) {
        lines.push(("Calls", badge(Tone::Busy, "wait for a webhook")));
    }
    facts(&lines)
}

/// The stories that are possible now as buttons, the others with the reason, and a field for a single status.
fn play(visit: &Visit<'_>, order: &Order) -> Markup {
    let path = format!("/orders/{}/play", encode(&order.id));
    let (open, refused): (Vec<_>, Vec<_>) =
        list(&order.details, "/stories").iter().partition(|story| text(story, "/refused").is_empty());
    html! {
        section {
            h2 { "Play the person" }
            (landing_page(order))
            @if open.is_empty() {
                p.quiet { "No story can be played now" @if let Some(story) = refused.first() { ": " (text(story, "/refused")) } "." }
            } @else {
                div.stories {
                    @for story in &open {
                        @let name = text(story, "/name");
                        (button(visit, &path, &[("story", name)], name, "play this story"))
                    }
                }
            }
            (form(visit, &path, "row", &html! {
                label { "Single status" input type="text" name="status" list="codes" required size="24" placeholder="code or text"; }
                datalist #codes {
                    @for one in order.known() {
                        option value=(text(one, "/status")) { (text(one, "/status")) " " (text(one, "/name")) }
                    }
                }
                button type="submit" { "Set" }
            }))
            @if !open.is_empty() && !refused.is_empty() {
                details #refused {
                    summary { (refused.len()) " stories that are not possible now" }
                    dl.reasons {
                        @for story in &refused { div { dt { (text(story, "/name")) } dd { (text(story, "/refused")) } } }
                    }
                }
            }
        }
    }
}

/// The way to the landing page, on which a developer is the person. Nothing if the order has none.
fn landing_page(order: &Order) -> Markup {
    let (url, path) = (text(&order.person, "/url"), text(&order.person, "/page"));
    html! {
        @if !url.is_empty() {
            p { a href=(url) { "Open the landing page" } " " span.quiet { "step " (text(&order.person, "/step")) } }
        } @else if !path.is_empty() {
            p.quiet { "Landing page: " code { (path) } " at the address of the vendors' APIs" }
        }
    }
}

/// What happened at one time: statuses, played stories and webhook attempts.
struct Moment {
    at: Option<Timestamp>,
    /// Order within a second: that of the order itself, what was played, what followed.
    rank: u8,
    content: Markup,
}

/// All that happened, oldest first. Statuses have whole seconds, so an action comes before the statuses of its second;
/// only the first status is always that of the new order.
fn timeline(visit: &Visit<'_>, order: &Order) -> Markup {
    let second = |value: &Value| text(value, "/at").parse::<Timestamp>().ok();
    let mut moments: Vec<Moment> = Vec::new();
    moments.extend(list(&order.details, "/actions").iter().map(|action| Moment {
        at: second(action),
        rank: 1,
        content: html! { "played " b { (text(action, "/by")) } },
    }));
    moments.extend(list(&order.details, "/timeline").iter().enumerate().map(|(index, past)| Moment {
        at: second(past),
        rank: if index == 0 { 0 } else { 2 },
        content: html! {
            (badge(Tone::Neutral, text(past, "/status"))) " " (text(past, "/name"))
            @if !text(past, "/remark").is_empty() { " " span.quiet { (text(past, "/remark")) } }
        },
    }));
    for delivery in list(&order.deliveries, "/deliveries").iter().rev() {
        let (id, event) = (plain(delivery, "/id"), text(delivery, "/event"));
        moments.extend(list(delivery, "/attempts").iter().enumerate().map(|(index, attempt)| Moment {
            at: second(attempt),
            rank: 3,
            content: html! {
                "webhook " a href=(visit.link(&format!("/webhooks/{id}"))) { (event) } ", attempt " (index + 1) " "
                (badge(Tone::of_delivery(text(attempt, "/outcome")), text(attempt, "/outcome")))
            },
        }));
    }
    // A status without a time is the latest one.
    moments.sort_by_key(|moment| (moment.at.map_or(i64::MAX, Timestamp::as_second), moment.rank));
    let before = |index: usize| index.checked_sub(1).and_then(|index| moments.get(index)?.at);
    html! {
        section {
            h2 { "Timeline" }
            ol.timeline {
                @for (index, moment) in moments.iter().enumerate() {
                    li {
                        span.when { @if let Some(at) = moment.at.filter(|at| before(index) != Some(*at)) { (clock_time(at, before(index), &order.now)) } }
                        div { (moment.content) }
                    }
                }
                @for delivery in list(&order.deliveries, "/deliveries") {
                    @let next = text(delivery, "/next");
                    @if !next.is_empty() {
                        li.ahead {
                            span.when { (time(&order.now, next)) }
                            div { "next attempt of " (text(delivery, "/event")) }
                        }
                    }
                }
            }
        }
    }
}

fn deliveries(visit: &Visit<'_>, order: &Order) -> Markup {
    let all = list(&order.deliveries, "/deliveries");
    html! {
        section {
            h2 { "Webhooks" }
            @if all.is_empty() {
                (empty("No webhook yet.", &html! { "A webhook is sent if the order or the account has a URL for its event." }))
            } @else {
                (webhooks::rows(visit, all, &order.now, false))
            }
        }
    }
}

fn evidence(visit: &Visit<'_>, order: &Order) -> Markup {
    let (open, refused): (Vec<_>, Vec<_>) =
        list(&order.details, "/evidence").iter().partition(|file| text(file, "/refused").is_empty());
    html! {
        @if !open.is_empty() || !refused.is_empty() {
            section {
                h2 { "Evidence" }
                @if open.is_empty() { p.quiet { "No file can be read now." } }
                ul.files { @for file in &open { li { (file_link(visit, &order.id, file)) } } }
                @if !refused.is_empty() {
                    details #missing {
                        summary { (refused.len()) " files that cannot be read now" }
                        dl.reasons {
                            @for file in &refused { div { dt { (text(file, "/name")) } dd { (text(file, "/refused")) } } }
                        }
                    }
                }
            }
        }
    }
}

/// A file with its preview: a picture, a player, or a link.
fn file_link(visit: &Visit<'_>, id: &str, file: &Value) -> Markup {
    let (name, media_type) = (text(file, "/name"), text(file, "/media_type"));
    let path = format!("/orders/{}/files/{}", encode(id), encode(name));
    let raw = visit.link(&format!("{path}/raw"));
    html! {
        a href=(visit.link(&path)) {
            @if media_type.starts_with("image/") { img src=(raw) alt="" loading="lazy" width="96"; }
            (name)
        }
        " " span.quiet { (media_type) ", " (text(file, "/operation")) }
        @match media_type.split('/').next() {
            Some("video") => { video src=(raw) controls preload="none" aria-label=(name) {} }
            Some("audio") => { audio src=(raw) controls preload="none" aria-label=(name) {} }
            _ => {}
        }
    }
}

fn calls(visit: &Visit<'_>, order: &Order) -> Markup {
    let requests = list(&order.calls, "/requests");
    html! {
        @if !requests.is_empty() {
            section {
                h2 { "Calls" }
                (table("Calls about this order", &["When", "Call", "Status"], &html! {
                    @for request in requests {
                        tr {
                            td.nowrap { (time(&order.now, text(request, "/at"))) }
                            td { a href=(visit.link(&format!("/journal/{}", plain(request, "/sequence")))) { (text(request, "/operation")) } }
                            td { (http_status(request.get("status").unwrap_or(&Value::Null))) }
                        }
                    }
                }))
                p { a href=(with(&visit.link("/journal"), "order", &order.id)) { "All calls about this order" } }
            }
        }
    }
}

fn messages(order: &Order) -> Markup {
    let messages = list(&order.messages, "/messages");
    html! {
        @if !messages.is_empty() {
            section {
                h2 { "Messages to the person" }
                ul.messages {
                    @for message in messages {
                        li {
                            (badge(Tone::Neutral, text(message, "/channel"))) " " (text(message, "/text"))
                            " " span.quiet { "to " (text(message, "/to")) ", " (time(&order.now, text(message, "/at"))) }
                        }
                    }
                }
            }
        }
    }
}

fn ordered(visit: &Visit<'_>, order: &Order) -> Markup {
    let leaves = order.details.get("ordered").map(leaves).unwrap_or_default();
    html! {
        section {
            h2 { "Ordered" }
            @if leaves.is_empty() { p.quiet { "The data is deleted." } } @else {
                dl.facts.wide {
                    @for (path, value) in &leaves { div { dt { (path) } dd { (value) } } }
                }
                @if !visit.reveals() {
                    p.quiet { a href=(visit.here(&[("reveal", "true")])) { "Show secrets" } " in URLs" }
                }
            }
        }
    }
}

/// The transition that the form of an order asks for. A number is a status code.
pub(super) fn action(id: &str, verb: &str, fields: &Fields) -> Option<Action> {
    let path = format!("orders/{}/transition", encode(id));
    let body = match fields.get("story") {
        Some(story) => json!({ "story": story }),
        None => object([("status", fields.number("status"))]),
    };
    (verb == "play").then(|| Action::post(path, body, Notice::Played))
}
