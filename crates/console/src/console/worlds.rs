//! Worlds: create, copy, snapshots, reset, delete.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::forms::{Action, Fields, Notice, button, form, object};
use super::layout::{Page, Section};
use super::parts::{Tone, badge, command, count, list, plain, table, text};
use super::visit::{Visit, encode, with};
use crate::api::Refused;

/// Maximum number of worlds on the page: a sandbox can have 10,000.
const LIMIT: usize = 50;

pub(super) async fn page(visit: &mut Visit<'_>) -> Result<Page, Refused> {
    let found = visit.get("worlds").await?;
    let search = visit.parameter("search").unwrap_or_default().to_owned();
    let ids: Vec<&str> = list(&found, "/worlds").iter().filter_map(Value::as_str).collect();
    let matching: Vec<&str> = ids.iter().copied().filter(|id| id.contains(&search)).collect();
    // This world first.
    let own = matching.iter().filter(|id| **id == visit.world).copied();
    let shown: Vec<&str> = own.chain(matching.iter().copied().filter(|id| *id != visit.world)).take(LIMIT).collect();
    let mut worlds = Vec::new();
    for id in &shown {
        // A world can be deleted meanwhile.
        if let Ok(world) = visit.get(&format!("worlds/{}", encode(id))).await {
            worlds.push(world);
        }
    }
    visit.calls.truncate(2);
    visit.offer("worlds", json!({ "id": "my-test", "clock": "frozen" }));
    let body = html! {
        div.heading { h1 { "Worlds" } }
        p.lead { "Each world has its own credentials, clock, orders and journal. The credentials of a call select its world." }
        form.filters method="get" action="/worlds" role="search" {
            input type="hidden" name="world" value=(visit.world);
            label { "Search" input type="search" name="search" value=(search) placeholder="id"; }
            button type="submit" { "Find" }
        }
        p.count { (count(matching.len() as u64, "world", !search.is_empty())) @if matching.len() > shown.len() { ", the first " (shown.len()) " are shown" } }
        (table("Worlds", &["World", "Time", "Clock", "Profile", "Seed", ""], &html! {
            @for world in &worlds { (row(visit, world)) }
        }))
        h2 { "New world" }
        (form(visit, "/worlds", "panel row", &html! {
            label { "Id" input type="text" name="id" size="16" pattern="[A-Za-z0-9._\\-]{1,64}" placeholder="chosen for you"; }
            label { "Seed" input type="number" name="seed" min="0" placeholder="random"; }
            label { "Profile" select name="profile" { option value="" { "as default" } option { "literal" } option { "strict" } option { "chaos" } } }
            label { "Clock" select name="clock" { option value="" { "as default" } option { "frozen" } option { "real" } } }
            button type="submit" { "Create" }
        }))
        @for world in worlds.iter().filter(|world| text(world, "/id") == visit.world) { (this_world(visit, world)) }
    };
    Ok(Page::new(Section::Worlds, "Worlds", body))
}

fn row(visit: &Visit<'_>, world: &Value) -> Markup {
    let id = text(world, "/id");
    let open = if id == "default" { "/".to_owned() } else { with("/", "world", id) };
    html! {
        tr {
            th scope="row" { a href=(open) { (id) } @if id == visit.world { " " (badge(Tone::Good, "shown")) } }
            td.nowrap { (text(world, "/now")) }
            td { (text(world, "/clock")) }
            td { (text(world, "/profile")) }
            td { (plain(world, "/seed")) }
            td.actions {
                (button(visit, &format!("/worlds/{}/fork", encode(id)), &[], "Copy", &format!("copy the world {id}")))
                @if id != "default" && id != visit.world {
                    (button(visit, &format!("/worlds/{}/delete", encode(id)), &[], "Delete", &format!("delete the world {id}")))
                }
            }
        }
    }
}

/// Credentials and snapshots of the world that is shown.
fn this_world(visit: &Visit<'_>, world: &Value) -> Markup {
    let id = text(world, "/id");
    let path = |verb: &str| format!("/worlds/{}/{verb}", encode(id));
    let accounts = world.as_object().into_iter().flatten().filter(|(_, account)| account.get("base_path").is_some());
    html! {
        h2 { "World " (id) }
        div.panel {
            (form(visit, &path("snapshot"), "row", &html! {
                label { "Snapshot" input type="text" name="snapshot" size="16" placeholder="snapshot"; }
                button type="submit" { "Take" }
            }))
            @for name in list(world, "/snapshots").iter().filter_map(Value::as_str) {
                (button(visit, &path("restore"), &[("snapshot", name)], &format!("Restore {name}"), "go back to this snapshot, including its time"))
            }
            details #reset {
                summary { "Reset" }
                p.quiet { "Removes all orders, webhooks and entries of this world." }
                (button(visit, &path("reset"), &[], "Reset the world", "remove everything in this world"))
            }
        }
        @for (vendor, account) in accounts {
            (command(&format!("Account of {vendor}"), &serde_json::to_string_pretty(account).unwrap_or_default()))
        }
    }
}

pub(super) fn create(fields: &Fields) -> Action {
    let word = |name: &str| fields.get(name).map_or(Value::Null, Value::from);
    let body = object([
        ("id", word("id")),
        ("seed", fields.number("seed")),
        ("profile", word("profile")),
        ("clock", word("clock")),
    ]);
    Action::post("worlds", body, Notice::Created)
}

pub(super) fn action(id: &str, verb: &str, fields: &Fields) -> Option<Action> {
    let name = object([("snapshot", fields.get("snapshot").map_or(Value::Null, Value::from))]);
    let path = format!("worlds/{}/{verb}", encode(id));
    Some(match verb {
        "fork" => Action::post(path, Value::Null, Notice::Created),
        "snapshot" => Action::post(path, name, Notice::Snapshot),
        "restore" => Action::post(path, name, Notice::Restored),
        "reset" => Action::post("reset", Value::Null, Notice::Reset),
        "delete" => Action::delete(format!("worlds/{}", encode(id)), Notice::Deleted),
        _ => return None,
    })
}
