//! One line per request and webhook on standard error.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_mock_server::Worlds;
use identkit_mock_server::journal::{Entry, EntryKind, Secrets};
use identkit_mock_server::worlds::DEFAULT;
use identkit_transport::SystemClock;
use serde_json::Value;

use crate::output::{reporter, text};

/// Real time between two reads of the journals.
const INTERVAL: Duration = Duration::from_millis(100);

/// Maximum number of entries that are printed per world and read. It limits the work under load.
const ENTRIES: usize = 32;

/// Prints the requests and webhooks of all worlds, in the default world those after the entry with this number. Never
/// returns.
///
/// The journals are polled and a separate thread writes, so that neither many requests nor a blocked standard error
/// delay the sandbox. Lines are left out instead.
pub(super) async fn report(worlds: &Worlds, saved_entries: u64) {
    let (clock, lines) = (SystemClock::new(), reporter());
    let mut positions = BTreeMap::from([(DEFAULT.to_owned(), saved_entries)]);
    let mut omitted = 0;
    loop {
        let ids = worlds.ids();
        positions.retain(|id, _| ids.contains(id));
        for id in ids {
            let position = positions.entry(id.clone()).or_insert(0);
            let Some(sandbox) = worlds.get(&id) else { continue };
            let (entries, last, more) = sandbox.wait_for_entries(0, |all| Some(newest(all, *position))).await;
            *position = last;
            omitted += more;
            for line in entries.iter().filter_map(line) {
                let line = if id == DEFAULT { line } else { format!("{line} [world {id}]") };
                if !send(&lines, &line, &mut omitted) {
                    omitted += 1;
                }
            }
        }
        drop(clock.sleep_until(clock.now().plus(INTERVAL)).await);
    }
}

/// Hands a line to the thread that writes, after a line about those that were left out. Returns whether there was space.
fn send(lines: &SyncSender<String>, line: &str, omitted: &mut usize) -> bool {
    if *omitted > 0 {
        let note = format!("({omitted} more entries are in the journal only)");
        if lines.try_send(note).is_err() {
            return false;
        }
        *omitted = 0;
    }
    lines.try_send(line.to_owned()).is_ok()
}

/// Returns the first [`ENTRIES`] requests and webhooks after this position, the number of the last entry of the journal,
/// and how many requests and webhooks are left out.
fn newest(all: &mut dyn DoubleEndedIterator<Item = &Entry>, position: u64) -> (Vec<Entry>, u64, usize) {
    let (mut newer, mut last) = (Vec::new(), None);
    for entry in all.rev() {
        let last = *last.get_or_insert(entry.sequence);
        // A last number before the position: the world was reset or restored, and all its entries are new.
        if entry.sequence <= position && last >= position {
            break;
        }
        if matches!(entry.kind, EntryKind::Call(_) | EntryKind::Attempt(_)) {
            newer.push(entry);
        }
    }
    // A cleared journal has no last entry, and its numbering continues.
    let more = newer.len().saturating_sub(ENTRIES);
    (newer.into_iter().rev().take(ENTRIES).cloned().collect(), last.unwrap_or(position), more)
}

/// The line of a request or webhook, with secrets masked as in the journal.
fn line(entry: &Entry) -> Option<String> {
    let json = entry.to_json(Secrets::Masked);
    let at = text(&json, "at");
    let status = |missing: &str| json.get("status").and_then(Value::as_u64).map_or(missing.into(), |it| it.to_string());
    match &entry.kind {
        EntryKind::Call(call) => {
            let mut rules: Vec<&str> = call.refused.iter().map(|violation| violation.rule).collect();
            rules.dedup();
            let refused = if rules.is_empty() { String::new() } else { format!(" refused: {}", rules.join(", ")) };
            let fault = call.fault.map(|fault| format!(" fault: {fault}")).unwrap_or_default();
            let (method, path, status) = (text(&json, "method"), text(&json, "path"), status("no response"));
            Some(format!("{at} {method} {path} {status}{refused}{fault}"))
        }
        EntryKind::Attempt(attempt) => {
            let (event, order, outcome) = (text(&json, "event"), text(&json, "order"), text(&json, "outcome"));
            let (number, result) = (attempt.number, status(&text(&json, "error")));
            Some(format!("{at} webhook {event} {order} attempt {number}: {result}, {outcome}"))
        }
        _ => None,
    }
}
