//! Processes that write are killed at any time. Nothing that they had acknowledged is lost.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fastrand::Rng;
use identkit_store::{EventId, EventState, Store, StoredEvent};
use identkit_testkit::pause;

use crate::support::delivery;

const CHILD: &str = "IDENTKIT_STORE_KILLED";

/// Number of deliveries that a child accepts at once.
const TASKS: usize = 8;

/// Limit of a page of events.
const PAGE: usize = 1000;

/// In a child, returns its round, and the place of the store.
pub(crate) fn child() -> Option<(usize, String)> {
    let variable = std::env::var(CHILD).ok()?;
    let (round, place) = variable.split_once(' ').unwrap();
    Some((round.parse().unwrap(), place.to_owned()))
}

/// The child: accepts deliveries, and prints the name of each one that was acknowledged.
pub(crate) async fn accept_until_killed(store: &Store, round: usize) {
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for number in 0_usize.. {
                let (case, name) = (format!("case {}", (round + number / 6) % 100), format!("{round} {task} {number}"));
                store.accept(&delivery(&case, &name, 1)).await.unwrap();
                std::io::stdout().write_all(format!("\naccepted {name}\n").as_bytes()).unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

/// Kills a child after some time, or after some acknowledgements. Returns what it acknowledged.
async fn kill(mut child: Child, rng: &mut Rng) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut names = lines.filter_map(|line| Some(line.strip_prefix("accepted ")?.to_owned()));
    let mut accepted = Vec::new();
    if rng.bool() {
        // The process may not have opened the store yet, or is about to create it.
        pause(Duration::from_micros(rng.u64(..120_000))).await;
    } else {
        accepted.extend(names.by_ref().take(rng.usize(1..60)));
        pause(Duration::from_micros(rng.u64(..3_000))).await;
    }
    child.kill().unwrap();
    accepted.extend(names);
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the process ended before it was killed: {status}");
    accepted
}

/// Events in the order of acceptance, after those that were read before.
pub(crate) async fn events_after(store: &Store, last: &mut EventId) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    loop {
        let page = store.events(*last, PAGE).await.unwrap();
        let Some(end) = page.last() else { return events };
        *last = end.id;
        events.extend(page);
    }
}

/// Kills this many processes that run `test` on the store at a place, one after the other.
pub(crate) async fn kill_writers(test: &str, kills: usize, place: &str, open: impl AsyncFn() -> Store) {
    let mut rng = Rng::with_seed(1);
    let (mut last, mut stored, mut accepted) = (EventId::default(), HashSet::new(), 0);
    for round in 1..=kills {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", test, "--nocapture"]).env(CHILD, format!("{round} {place}"));
        let acknowledged = kill(child.stdout(Stdio::piped()).spawn().unwrap(), &mut rng).await;
        let store = open().await;
        for event in events_after(&store, &mut last).await {
            let name = event.delivery.event.name;
            assert!(stored.insert(name.clone()), "kill {round}: {name} is there twice");
        }
        let lost: Vec<_> = acknowledged.iter().filter(|name| !stored.contains(*name)).collect();
        assert!(lost.is_empty(), "kill {round}: {lost:?} of {} lost", acknowledged.len());
        accepted += acknowledged.len();
    }
    // At most what was on its way when a process was killed was not acknowledged.
    assert!(accepted > kills && stored.len() <= accepted + kills * TASKS, "{accepted} {}", stored.len());
    let events = events_after(&open().await, &mut EventId::default()).await;
    assert!(
        events.iter().all(|event| event.state == EventState::Pending && stored.contains(&event.delivery.event.name))
    );
    assert_eq!(events.len(), stored.len());
    println!("{kills} kills: {accepted} deliveries acknowledged, {} stored, none lost", stored.len());
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_no_accepted_delivery() {
    use std::path::Path;

    use crate::sqlite::store_at;
    if let Some((round, path)) = child() {
        return accept_until_killed(&store_at(Path::new(&path)).await.unwrap(), round).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let place = path.display().to_string();
    let test = "kills::a_killed_process_loses_no_accepted_delivery";
    let kills = crate::support::rounds("IDENTKIT_STORE_KILLS", 20);
    kill_writers(test, kills, &place, async || store_at(&path).await.unwrap()).await;
}
