//! A store on SQLite with many events: start, memory, and the removal of everything.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use hyper::Request;
use identkit_bench::measure::{again, peak};
use identkit_core::{Clock as _, Inbox, Secret};
use identkit_store::{EventId, Finish, Retention, Store};
use identkit_transport::SystemClock;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::load::{Load, TOKEN, body};
use crate::service::{self, Service};

/// Number of events of a case.
const EVENTS: u64 = 3;

/// Number of samples of each kind that must not be found after a purge, and their length in bytes.
const SAMPLES: (usize, usize) = (1000, 16);

/// Prints the figures of a store with 10,000 events, and of one with 1,000,000.
pub fn print() {
    println!("a store on SQLite, {EVENTS} webhooks of 1 KB for each case; every process is a fresh one");
    for count in [10_000, 1_000_000] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_str().unwrap();
        let [accept, finish, _] = run(&["fill", path, &count.to_string()]);
        println!("{count} events: accepted in {accept:.1} s, their cases finished in {finish:.1} s, {}", sizes(path));
        let began = Instant::now();
        let service = Service::start("sqlite", path, true);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let load = Load { port: service.port, cases: 0, first: 0, fresh: true };
            assert!(load.post(&mut load.connect().await, 0).await);
        });
        let first = began.elapsed().as_secs_f64() * 1e3;
        println!(
            "  start of the process to the first accepted webhook: {first:.1} ms (<= 1000), memory {:.1} MiB",
            resident(service.id())
        );
        drop(service);
        let [opened, read, events, idle, most] = run(&["read", path]);
        println!(
            "  opened in {opened:.1} ms; {events:.0} events read in {read:.1} s; memory {idle:.1} MiB, then at most {most:.1} MiB"
        );
        let samples = samples(path);
        let [purged, compacted, most] = run(&["purge", path]);
        let found = found(path, &samples);
        println!(
            "  purged in {purged:.1} s, compacted in {compacted:.1} s, memory at most {most:.1} MiB; {}",
            sizes(path)
        );
        println!("  {found} of {} samples of encrypted events and of keys are still in the files (0)", samples.len());
    }
}

fn run<const N: usize>(arguments: &[&str]) -> [f64; N] {
    let output = again(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = printed.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// Resident set size of a process in MiB.
fn resident(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn sizes(folder: &str) -> String {
    let size = |name: &str| std::fs::metadata(Path::new(folder).join(name)).map_or(0, |metadata| metadata.len());
    let mebibytes = |name: &str| (size(name) + size(&format!("{name}-wal"))) as f64 / 1_048_576.0;
    format!("data {:.1} MiB, keys {:.1} MiB", mebibytes("state.db"), mebibytes("state.db-keys"))
}

/// Accepts this number of events and finishes the work of their cases. Prints the seconds of both, and the peak memory.
pub async fn fill(folder: &str, count: u64) {
    let store = Arc::new(service::sqlite(folder).await);
    let receiver = service::new(Arc::clone(&store) as Arc<dyn Inbox>);
    receiver.accept_token("identify24", Secret::new(TOKEN));
    let (receiver, next) = (Arc::new(receiver), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..256 {
        let (receiver, next) = (Arc::clone(&receiver), Arc::clone(&next));
        senders.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let body = Bytes::from(body(number, number / EVENTS));
                let request = Request::post(format!("/identify24/{TOKEN}/status")).body(body).unwrap();
                assert_eq!(receiver.handle(request).await.status(), 202);
            }
        });
    }
    senders.join_all().await;
    let accepted = began.elapsed().as_secs_f64();
    let began = Instant::now();
    loop {
        let claims = store.claim(500, SystemClock::new().wall()).await.unwrap();
        if claims.is_empty() {
            break;
        }
        let mut ends = JoinSet::new();
        for claim in claims {
            let store = Arc::clone(&store);
            ends.spawn(async move { store.finish(&claim, Finish::Done).await.unwrap() });
        }
        ends.join_all().await;
    }
    println!("{accepted} {} {}", began.elapsed().as_secs_f64(), peak());
}

/// Opens the store and reads all events. Prints the milliseconds to open it, the seconds to read, the number of events, and
/// the peak memory before and after.
pub async fn read(folder: &str) {
    let began = Instant::now();
    let store = service::sqlite(folder).await;
    let opened = began.elapsed().as_secs_f64() * 1e3;
    let (before, began) = (peak(), Instant::now());
    let (mut count, mut after) = (0, EventId::default());
    loop {
        let events = store.events(after, 1000).await.unwrap();
        let Some(last) = events.last() else { break };
        after = last.id;
        count += events.len();
    }
    println!("{opened} {} {count} {before} {}", began.elapsed().as_secs_f64(), peak());
}

/// Purges all cases and compacts the store. Prints the seconds of both, and the peak memory.
pub async fn purge(folder: &str) {
    let store: Store = service::sqlite(folder).await;
    let now = SystemClock::new().wall();
    // The case that was accepted last.
    for claim in store.claim(10, now).await.unwrap() {
        store.finish(&claim, Finish::Done).await.unwrap();
    }
    let began = Instant::now();
    store.purge_expired(&Retention::new(now)).await.unwrap();
    let purged = began.elapsed().as_secs_f64();
    assert!(store.events(EventId::default(), 1).await.unwrap().is_empty());
    let began = Instant::now();
    store.compact().await.unwrap();
    println!("{purged} {} {}", began.elapsed().as_secs_f64(), peak());
}

/// Parts of encrypted events and of wrapped keys, from all over the files.
fn samples(folder: &str) -> HashSet<Vec<u8>> {
    let (count, length) = SAMPLES;
    let mut samples = HashSet::new();
    for (name, table, column) in [("state.db", "events", "body"), ("state.db-keys", "keys", "value")] {
        let path = Path::new(folder).join(name);
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sql = format!(
            "SELECT substr({column}, 40, {length}) FROM (SELECT {column}, row_number() OVER () AS place FROM {table}) \
             WHERE place % max(1, (SELECT count(*) FROM {table}) / {count}) = 0"
        );
        let mut select = database.prepare(&sql).unwrap();
        samples.extend(select.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap().map(Result::unwrap));
    }
    samples
}

/// Number of samples that are in a file of the folder.
fn found(folder: &str, samples: &HashSet<Vec<u8>>) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.map(|bytes| bytes.windows(SAMPLES.1).filter(|window| samples.contains(*window)).count()).sum()
}
