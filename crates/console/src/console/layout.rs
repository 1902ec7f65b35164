//! What every page has: the navigation, the clock bar, the notice of the last action, and the calls for curl.

use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::forms::{Notice, button};
use super::parts::{Tone, badge, command, list, text, time, timer_subject};
use super::visit::{Call, Visit};
use super::{assets, curl};

/// A section of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Orders,
    Webhooks,
    Journal,
    Outbox,
    Faults,
    Clock,
    Settings,
    Rules,
    Worlds,
}

impl Section {
    const ALL: [(Self, &str, &str); 9] = [
        (Self::Orders, "Orders", "/"),
        (Self::Webhooks, "Webhooks", "/webhooks"),
        (Self::Journal, "Journal", "/journal"),
        (Self::Outbox, "Outbox", "/outbox"),
        (Self::Faults, "Faults", "/faults"),
        (Self::Clock, "Clock", "/clock"),
        (Self::Settings, "Settings", "/settings"),
        (Self::Rules, "Rules", "/rules"),
        (Self::Worlds, "Worlds", "/worlds"),
    ];
}

/// A page without its frame.
pub(super) struct Page {
    pub(super) section: Section,
    pub(super) title: String,
    pub(super) body: Markup,
}

impl Page {
    pub(super) fn new(section: Section, title: impl Into<String>, body: Markup) -> Self {
        Self { section, title: title.into(), body }
    }
}

/// Frames a page. `clock` is the state of the world's clock, with what is due next; `None` for an unknown world.
pub(super) fn frame(visit: &Visit<'_>, page: &Page, clock: Option<(&Value, &Value)>) -> Markup {
    let notice = visit.parameter("done").and_then(Notice::named);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · identkit sandbox" }
                link rel="icon" type="image/svg+xml" href=(*assets::ICON_PATH);
                link rel="stylesheet" href=(*assets::STYLE_PATH);
                script src=(*assets::SCRIPT_PATH) defer {}
            }
            body data-events=(format!("/_sandbox/v1/{}", visit.in_world("events"))) {
                a.skip href="#main" { "Skip to content" }
                header {
                    div.brand {
                        a href=(visit.link("/")) { b { "identkit" } " sandbox" }
                        a.world href=(visit.link("/worlds")) title="The world that this page shows" { (visit.world) }
                        span.live hidden { "live" }
                    }
                    nav.sections aria-label="Sections" {
                        @for (section, label, path) in Section::ALL {
                            a href=(visit.link(path)) aria-current=[(section == page.section).then_some("page")] { (label) }
                        }
                    }
                    div #clock { @if let Some((clock, due)) = clock { (clock_bar(visit, clock, due)) } }
                }
                main #main {
                    @if let Some(notice) = notice { p.notice role="status" { (notice.text()) } }
                    (page.body)
                    (commands(visit))
                }
                footer { p { "Synthetic data only. Everything on this page can also be done with the admin API." } }
            }
        }
    }
}

fn clock_bar(visit: &Visit<'_>, clock: &Value, due: &Value) -> Markup {
    let (now, mode) = (text(clock, "/now"), text(clock, "/mode"));
    let factor = clock.get("factor").and_then(Value::as_f64).unwrap_or_default();
    let mode_label = if mode == "scaled" { format!("× {factor}") } else { mode.to_owned() };
    let advance = |label, seconds, meaning| button(visit, "/clock/advance", &[("seconds", seconds)], label, meaning);
    html! {
        section.clock aria-label="Clock" {
            a.now href=(visit.link("/clock")) {
                time datetime=(now) { (now.get(..19).unwrap_or(now).replace('T', " ")) " UTC" }
            }
            (badge(if mode == "frozen" { Tone::Busy } else { Tone::Neutral }, &mode_label))
            span.due {
                @match list(due, "/timers").first() {
                    Some(timer) => {
                        "next due " (time(now, text(timer, "/at"))) ": " (text(timer, "/what")) ", " (timer_subject(visit, timer))
                    }
                    None => "nothing is due",
                }
            }
            div.buttons {
                @if mode == "frozen" {
                    (button(visit, "/clock/mode", &[("mode", "real")], "Run", "let time run in real time"))
                } @else {
                    (button(visit, "/clock/mode", &[("mode", "frozen")], "Freeze", "stop time"))
                }
                (advance("+1 min", "60", "advance time by a minute"))
                (advance("+1 h", "3600", "advance time by an hour"))
                (advance("+1 d", "86400", "advance time by a day"))
                (advance("+7 d", "604800", "advance time by a week"))
                (button(visit, "/clock/next", &[], "Run to next", "advance time to what is due next"))
            }
        }
    }
}

/// The calls that the page made, and those of its forms.
fn commands(visit: &Visit<'_>) -> Markup {
    let line = |Call(method, path, body): &Call| curl::admin(&visit.origin(), method.as_str(), path, body);
    let lines: Vec<String> = visit.calls.iter().map(line).collect();
    html! {
        @if !lines.is_empty() { div.commands { (command("The same with curl", &lines.join("\n"))) } }
    }
}
