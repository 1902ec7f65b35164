//! Power loss of the engine on SQLite. A process works on a store under strace. For points of its trace, the files are
//! built as a disk can have them after a power loss at that point, and the engine opens them.
//!
//! `IDENTKIT_STORE_POWER_POINTS` sets the number of points.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

mod disk;
mod picture;
mod trace;
mod workload;

use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use identkit_core::Error;
use identkit_store::{EventId, Retention};
use jiff::Timestamp;
use tempfile::TempDir;

use self::disk::{Disk, Files, Loss};
use self::picture::{Picture, expected, picture};
use self::trace::{Call, Event, record};
use self::workload::{Mark, TASKS, open, run};
use crate::support::{delivery, rounds};

/// Number of points for each run of the workload.
const POINTS: usize = 500;

const CHILD: &str = "IDENTKIT_STORE_POWER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_loss_loses_nothing_acknowledged() {
    if let Ok(child) = std::env::var(CHILD) {
        let (seed, root) = child.split_once(' ').unwrap();
        return run(Path::new(root), seed.parse().unwrap()).await;
    }
    let points = rounds("IDENTKIT_STORE_POWER_POINTS", 200);
    let (mut checked, mut possible, mut runs) = (0, 0, 0);
    while checked < points {
        let wanted = POINTS.min(points - checked);
        let Some((done, all)) = lose_power(runs, wanted).await else { return };
        (checked, possible, runs) = (checked + done, possible + all, runs + 1);
    }
    println!("{checked} power losses of {possible} in {runs} runs: nothing acknowledged was lost");
}

/// Runs the workload once, and checks some points of its trace. Returns their number and that of all points, or `None`
/// if strace is missing.
async fn lose_power(seed: u64, wanted: usize) -> Option<(usize, usize)> {
    let (folder, events) = run_traced(seed)?;
    let expected = expected(seed).await;
    let points = points(&events);
    let mut rng = Rng::with_seed(seed);
    // The creation of the files has few points: a quarter of the checked ones are from it.
    let created = events.iter().position(|event| matches!(event.begins, Some(Call::Mark { .. }))).unwrap();
    let (creation, usage) = points.iter().enumerate().partition::<Vec<_>, _>(|(_, (after, _))| *after < created);
    let mut chosen = rng.choose_multiple(creation, wanted / 4);
    chosen.extend(rng.choose_multiple(usage, wanted - chosen.len()));
    chosen.sort_by_key(|(index, _)| *index);
    let (mut disk, mut marks, mut followed) = (Disk::default(), Progress::default(), 0);
    let count = chosen.len();
    for (number, (after, loss)) in chosen {
        for event in &events[followed..=*after] {
            disk.apply(event);
            marks.apply(event);
        }
        followed = after + 1;
        let files = disk.files_after(*loss, &mut Rng::with_seed(number as u64));
        if let Err(fault) = check(&files, &expected, &marks).await {
            let last = events[*after].begins.as_ref().map_or("a sync returns".to_owned(), Call::to_string);
            let (of, kept) = (events.len(), folder.keep());
            panic!("seed {seed}, event {after} of {of} ({last}), loss {loss:?}: {fault}\nThe trace is in {kept:?}");
        }
    }
    Some((count, points.len()))
}

/// Runs the workload under strace. Returns its folder and its trace, or `None` if strace is missing.
fn run_traced(seed: u64) -> Option<(TempDir, Vec<Event>)> {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("files")).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "power::a_power_loss_loses_nothing_acknowledged", "--nocapture"]);
        let events = record(child.env(CHILD, format!("{seed} {}", root.display())), &root)?;
        check_trace(&events, &root);
        // Readers can prevent each checkpoint.
        if has_checkpoint(&events) {
            return Some((folder, events));
        }
    }
    panic!("no checkpoint while the store is in use");
}

/// Whether the data file was written between its creation and its end, when it is written in any case.
fn has_checkpoint(events: &[Event]) -> bool {
    let calls = || events.iter().filter_map(|event| event.begins.as_ref());
    let closed = calls().position(|call| matches!(call, Call::Remove { name } if name == "state-wal")).unwrap();
    let used = calls().take(closed).skip_while(|call| !matches!(call, Call::Mark { .. }));
    let mut later = used.skip_while(|call| !matches!(call, Call::Write { name, .. } if name == "state"));
    later.any(|call| matches!(call, Call::Mark { .. }))
}

/// The points: each change of what a power loss leaves, or of what was acknowledged, with each loss.
fn points(events: &[Event]) -> Vec<(usize, Loss)> {
    let mut disk = Disk::default();
    let mut points = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if !disk.apply(event) && !matches!(event.begins, Some(Call::Mark { .. })) {
            continue;
        }
        let losses = if disk.is_dirty() { &Loss::EACH[..] } else { &[Loss::Nothing] };
        points.extend(losses.iter().map(|loss| (index, *loss)));
    }
    points
}

/// Checks that the trace contains what the test is about, and that the model of the disk agrees with the disk.
fn check_trace(events: &[Event], root: &Path) {
    let mut disk = Disk::default();
    for event in events {
        disk.apply(event);
    }
    let mut files = Files::new();
    for entry in std::fs::read_dir(root.join("files")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with("-shm") {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    let model = disk.files_after(Loss::Nothing, &mut Rng::with_seed(0));
    let same = model == files;
    assert!(same, "the model of the disk has {:?}, the disk {:?}", lengths(&model), lengths(&files));
    let count =
        |wanted: fn(&Call) -> bool| events.iter().filter(|event| event.begins.as_ref().is_some_and(wanted)).count();
    let counts = [
        ("writes to the data", count(|call| matches!(call, Call::Write { name, .. } if name == "state"))),
        ("writes to its WAL", count(|call| matches!(call, Call::Write { name, .. } if name == "state-wal"))),
        ("writes to the keys", count(|call| matches!(call, Call::Write { name, .. } if name == "state-keys"))),
        (
            "truncations of their WAL",
            count(|call| matches!(call, Call::Truncate { name, .. } if name == "state-keys-wal")),
        ),
        ("removed files", count(|call| matches!(call, Call::Remove { .. }))),
        ("syncs of the folder", count(|call| matches!(call, Call::Sync { name } if name.is_empty()))),
        ("acknowledgements", count(|call| matches!(call, Call::Mark { .. }))),
    ];
    assert!(counts.iter().all(|(_, count)| *count > 1), "{counts:?}");
}

fn lengths(files: &Files) -> Vec<(&str, usize)> {
    files.iter().map(|(name, content)| (name.as_str(), content.len())).collect()
}

/// What was begun and acknowledged.
#[derive(Default)]
struct Progress {
    /// For each task, the number of steps that were begun and of those that were acknowledged.
    steps: [(usize, usize); TASKS],
    /// The largest id that was acknowledged.
    last_event: EventId,
}

impl Progress {
    fn apply(&mut self, event: &Event) {
        let Some(Call::Mark { line }) = &event.begins else { return };
        let mark = Mark::parse(line);
        let (begun, done) = &mut self.steps[mark.task];
        *if mark.done { done } else { begun } = mark.step + 1;
        self.last_event = self.last_event.max(mark.event);
    }
}

/// Opens the files, and checks what they hold: all that was acknowledged, and nothing of the next step of a task, or all.
async fn check(files: &Files, expected: &[Vec<Picture>], progress: &Progress) -> Result<(), String> {
    // In memory, if possible: syncing is the slowest part.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let read = async || -> Result<(Picture, EventId), Error> {
        let store = open(folder.path()).await?;
        // Completes purges.
        store.purge_expired(&Retention::new(Timestamp::UNIX_EPOCH)).await?;
        let found = picture(&store).await?;
        let next = store.accept(&delivery("after the power loss", "OnFinal", 1)).await?;
        Ok((found, next))
    };
    let (found, next) = read().await.map_err(|error| format!("{error} {error:?}"))?;
    for name in ["state", "state-keys"] {
        let database = rusqlite::Connection::open(folder.path().join(name)).unwrap();
        let result = database.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        if result.as_deref() != Ok("ok") {
            return Err(format!("integrity_check of {name}: {result:?}"));
        }
    }
    let (mut before, mut after) = (Picture::new(), Picture::new());
    for (pictures, (begun, done)) in expected.iter().zip(progress.steps) {
        before.extend(pictures[done].clone());
        after.extend(pictures[begun.max(done)].clone());
    }
    let names = before.keys().chain(after.keys()).chain(found.keys());
    for name in names {
        let [found, before, after] = [&found, &before, &after].map(|picture| picture.get(name));
        if found != before && found != after {
            return Err(format!("{name}: found {found:?}\n  instead of {before:?}\n  or {after:?}"));
        }
    }
    if next <= progress.last_event {
        return Err(format!("the id {next:?} was used before"));
    }
    Ok(())
}
