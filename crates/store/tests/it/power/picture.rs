//! Everything that a store holds, as texts that can be compared: without ids, which depend on the order of other tasks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use identkit_core::{Error, Tokens as _};
use identkit_store::{CaseId, Entry, EventId, Memory, Store};

use super::workload::{STEPS, TASKS, TOKENS, Task, name, token, watermark};
use crate::support::{PROVIDER, at};

/// Limit of each list: larger than any of them.
const ALL: usize = 100_000;

/// What the store holds by names. All rows of one name are one text.
pub(crate) type Picture = BTreeMap<String, String>;

/// Reads everything. Duplicates and rows that belong to nothing are a part of it.
pub(crate) async fn picture(store: &Store) -> Result<Picture, Error> {
    let mut picture = Picture::new();
    let mut events: BTreeMap<CaseId, String> = BTreeMap::new();
    for event in store.events(EventId::default(), ALL).await? {
        let delivery = &event.delivery;
        let text = format!(
            "\n  {} {} {:?} {} {}",
            delivery.event.name,
            delivery.received,
            event.state,
            event.attempts,
            short(delivery.request.expose()),
        );
        events.entry(event.case).or_default().push_str(&text);
    }
    for case in store.cases(None, CaseId::default(), ALL).await? {
        let mut text = format!(
            "{} {:?} {:?} version {} created {} changed {} pending {} claimed {} attempts {} dead {:?} {}",
            case.status,
            case.vendor_id.as_ref().map(|id| id.expose().to_owned()),
            case.opened,
            case.version,
            case.created,
            case.changed,
            case.pending,
            case.claimed,
            case.attempts,
            case.dead,
            short(case.data.expose()),
        );
        text.push_str(&events.remove(&case.id).unwrap_or_default());
        for stored in store.entries(case.id, 0, ALL).await? {
            let content = match stored.entry {
                Entry::History(data) => short(data.expose()),
                Entry::Artifact(artifact) => format!("{} {:?}", artifact.item.expose(), artifact.sha256),
                other => panic!("the workload saves no {other:?}"),
            };
            write!(text, "\n  entry {} {content}", stored.at).unwrap();
        }
        add(&mut picture, format!("case {}", name(&case)), &text);
    }
    for (case, text) in events {
        add(&mut picture, format!("events without the case {}", case.0), &text);
    }
    for response in store.responses(0, ALL).await? {
        let text = format!("{} {}", response.received, short(response.body.expose()));
        add(&mut picture, format!("response {}", response.name), &text);
    }
    for (_, deletion) in store.deletions(0, ALL).await? {
        add(&mut picture, format!("deletion {}", deletion.actor), &format!("{deletion:?}"));
    }
    for task in 0..TASKS {
        if let Some(value) = store.watermark(&watermark(task)).await? {
            add(&mut picture, watermark(task), &format!("{value:?}"));
        }
        for number in 0..TOKENS {
            if store.is_valid(PROVIDER, "OnFinal", &token(task, number), at(0)).await? {
                add(&mut picture, format!("token {task} {number}"), "valid");
            }
        }
    }
    Ok(picture)
}

fn add(picture: &mut Picture, name: String, text: &str) {
    let texts = picture.entry(name).or_default();
    texts.push_str(text);
    texts.push('\n');
}

/// Bytes that a workload made are a repeated text.
fn short(bytes: &[u8]) -> String {
    format!("{} bytes {}", bytes.len(), String::from_utf8_lossy(&bytes[..bytes.len().min(12)]))
}

/// For each task, what the store holds of it before the first step and after each one, by the engine in memory.
pub(crate) async fn expected(seed: u64) -> Vec<Vec<Picture>> {
    let mut all = Vec::new();
    for number in 0..TASKS {
        let store = Store::open(std::sync::Arc::new(Memory::default()), crate::support::key()).await.unwrap();
        let mut task = Task::new(seed, number);
        let mut pictures = vec![picture(&store).await.unwrap()];
        for _ in 0..STEPS {
            task.advance(&store).await;
            pictures.push(picture(&store).await.unwrap());
        }
        all.push(pictures);
    }
    all
}
