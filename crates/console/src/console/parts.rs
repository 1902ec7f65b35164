//! Parts that several pages have: badges, times, JSON, tables, empty states.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::visit::Visit;

/// Maximum length of a body on a page, in characters.
const LONGEST: usize = 16_000;

/// The text at a JSON pointer; empty if there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The entries of the list at a JSON pointer.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The value at a JSON pointer as plain text.
pub(super) fn plain(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The color of a badge, which always has a text as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Neutral,
    Good,
    Busy,
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Neutral => "badge",
            Self::Good => "badge good",
            Self::Busy => "badge busy",
            Self::Bad => "badge bad",
        }
    }

    /// The tone of an HTTP status.
    pub(super) fn of_status(status: Option<u64>) -> Self {
        match status {
            Some(200..=299) => Self::Good,
            Some(300..=399) => Self::Busy,
            _ => Self::Bad,
        }
    }

    /// The tone of a state of a delivery, or of the outcome of an attempt.
    pub(super) fn of_delivery(state: &str) -> Self {
        match state {
            "delivered" => Self::Good,
            "failed" => Self::Bad,
            "held" => Self::Neutral,
            _ => Self::Busy,
        }
    }

    /// The tone of the result of an order.
    pub(super) fn of_result(result: &str) -> Self {
        match result {
            "positive" => Self::Good,
            "negative" => Self::Bad,
            _ => Self::Neutral,
        }
    }
}

pub(super) fn badge(tone: Tone, label: &str) -> Markup {
    html! { span class=(tone.class()) { (label) } }
}

/// The latest status of an order, with its name if the vendor has names.
pub(super) fn status_of(order: &Value) -> Markup {
    let (status, name) = (text(order, "/latest_status"), text(order, "/status_name"));
    html! {
        @if status.is_empty() { span.quiet { "none" } } @else {
            (badge(Tone::of_result(text(order, "/result")), status))
            @if !name.is_empty() { " " span.name { (name) } }
        }
    }
}

/// The status of an HTTP response.
pub(super) fn http_status(status: &Value) -> Markup {
    match status.as_u64() {
        Some(code) => badge(Tone::of_status(Some(code)), &code.to_string()),
        None => badge(Tone::Bad, "no response"),
    }
}

/// A time: relative to the world's time, with the absolute one on demand.
pub(super) fn time(now: &str, at: &str) -> Markup {
    let (Ok(then), Ok(now)) = (at.parse::<Timestamp>(), now.parse::<Timestamp>()) else {
        return html! { span.quiet { "–" } };
    };
    html! { time datetime=(then) title=(absolute(then)) { (relative(then, now)) } }
}

/// A time and, in small letters, its distance from now.
pub(super) fn both_times(now: &str, at: &str) -> Markup {
    let (Ok(then), Ok(now)) = (at.parse::<Timestamp>(), now.parse::<Timestamp>()) else {
        return html! { span.quiet { "–" } };
    };
    html! { time datetime=(then) { (absolute(then)) } " " span.quiet { (relative(then, now)) } }
}

/// A time of day, with the day if it is not that of the time before.
pub(super) fn clock_time(at: Timestamp, before: Option<Timestamp>, now: &str) -> Markup {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let is_same_day = before.is_some_and(|before| day(before) == day(at));
    let form = if is_same_day { "%H:%M:%S" } else { "%b %-d, %H:%M:%S" };
    let title = now.parse().map_or_else(|_| absolute(at), |now| format!("{}, {}", absolute(at), relative(at, now)));
    html! { time datetime=(at) title=(title) { (at.strftime(form).to_string()) } }
}

fn absolute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let amount = match seconds.unsigned_abs() {
        0..=1 => return "now".to_owned(),
        seconds @ 2..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    };
    if seconds > 0 { format!("in {amount}") } else { format!("{amount} ago") }
}

/// JSON, indented and colored. Other text is shown unchanged.
pub(super) fn json(value: &Value) -> Markup {
    json_up_to(value, LONGEST)
}

/// Like [`json`], with another maximum length in characters.
pub(super) fn json_up_to(value: &Value, longest: usize) -> Markup {
    let whole = match value {
        Value::Null => return html! { p.quiet { "no body" } },
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    let shown: String = whole.chars().take(longest).collect();
    let is_cut = shown.len() < whole.len();
    html! {
        pre tabindex="0" { code { @if value.is_string() { (shown) } @else { (colored(&shown)) } } }
        @if is_cut { p.quiet { "Only the first " (longest) " characters of " (whole.chars().count()) " are shown." } }
    }
}

/// Colors the names of members in indented JSON.
fn colored(text: &str) -> Markup {
    html! {
        @for line in text.lines() {
            @let rest = line.trim_start();
            @let indent = line.len() - rest.len();
            (" ".repeat(indent))
            @match rest.starts_with('"').then(|| rest.split_once("\": ")).flatten() {
                Some((name, value)) => { b { (name) "\"" } ": " (value) }
                None => (rest),
            }
            "\n"
        }
    }
}

/// The headers of a message, as a list.
pub(super) fn headers(headers: &Value) -> Markup {
    html! {
        @if let Some(headers) = headers.as_object().filter(|headers| !headers.is_empty()) {
            dl.headers {
                @for (name, value) in headers {
                    div { dt { (name) } dd { (value.as_str().unwrap_or_default()) } }
                }
            }
        }
    }
}

/// Names and values.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// The leaves of JSON by their path.
pub(super) fn leaves(value: &Value) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    collect(value, String::new(), &mut leaves);
    leaves
}

fn collect(value: &Value, path: String, leaves: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| collect(value, below(name), leaves)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| collect(value, format!("{path}[{index}]"), leaves));
        }
        Value::String(text) => leaves.push((path, text.clone())),
        other => leaves.push((path, other.to_string())),
    }
}

/// A table that scrolls inside its own frame on a narrow screen.
pub(super) fn table(caption: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                thead { tr { @for column in columns { th scope="col" { @if column.is_empty() { span.unseen { "Actions" } } @else { (column) } } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Text whose parts in backticks are code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// The number of entries of a list. `noun` is in the singular. `is_filtered`: not all entries are in the list.
pub(super) fn count(number: u64, noun: &str, is_filtered: bool) -> Markup {
    let plural = if number == 1 { "" } else { "s" };
    html! { b { (thousands(number)) } " " (noun) (plural) @if is_filtered { " found" } }
}

/// A number with its digits in groups of three.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// What a page says if there is nothing to list.
pub(super) fn empty(what: &str, hint: &Markup) -> Markup {
    html! { div.empty { p { (what) } p.quiet { (hint) } } }
}

/// Links to the newest and to the next older page of a list.
pub(super) fn pager(visit: &Visit<'_>, parameters: &[(&str, &str)], next: &str) -> Markup {
    let is_later = visit.parameter("before").is_some();
    html! {
        @if is_later || !next.is_empty() {
            nav.pager aria-label="Pages" {
                @if is_later { a href=(visit.here(parameters)) { "Newest" } }
                @if !next.is_empty() {
                    a rel="next" href=(visit.here(&[parameters, &[("before", next)]].concat())) { "Older" }
                }
            }
        }
    }
}

/// A link to an order.
pub(super) fn order_link(visit: &Visit<'_>, id: &str) -> Markup {
    html! { a.id href=(visit.link(&format!("/orders/{}", super::visit::encode(id)))) { (id) } }
}

/// A command with a button that copies it.
pub(super) fn command(label: &str, command: &str) -> Markup {
    html! {
        details.curl {
            summary { (label) }
            div.copyable {
                pre tabindex="0" { code { (command) } }
                button type="button" data-copy="" hidden { "Copy" }
            }
        }
    }
}

/// What a timer is about: a webhook, or an order.
pub(super) fn timer_subject(visit: &Visit<'_>, timer: &Value) -> Markup {
    let subject = text(timer, "/subject");
    html! {
        // The only timers of the sandbox itself are those of webhooks.
        @if text(timer, "/vendor") == "sandbox" {
            a href=(visit.link(&format!("/webhooks/{subject}"))) { "webhook #" (subject) }
        } @else {
            (order_link(visit, subject))
        }
    }
}
