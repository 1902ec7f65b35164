//! What concerns SQLite only: files, processes, faults of the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use identkit_core::{CaseRef, Error, Kind};
use identkit_store::{CaseId, Engine, EventId, EventState, Finish, Incident, Retention, Sqlite, Store, StoredEvent};
use identkit_testkit::pause;

use crate::forwarder::{Process, Sink};
use crate::support::{
    CANARIES, Opened, PROVIDER, accept_many, all, at, case_of, delivery, key, states, write_canaries,
};

async fn open() -> Option<Opened> {
    let folder = tempfile::tempdir().unwrap();
    let engine = || Arc::new(Sqlite::builder(folder.path().join("store")).open().unwrap());
    Some(Opened::on([engine(), engine()], Some(folder)).await)
}

crate::suite::suite!(open);

pub(crate) async fn store_at(path: &Path) -> Result<Store, Error> {
    Store::open(Arc::new(Sqlite::builder(path).open()?), key()).await
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

#[tokio::test]
async fn state_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    let first = store.accept(&delivery("9992", "AfterIdent", 1)).await.unwrap();
    let claim = store.claim(1, at(1)).await.unwrap()[0];
    store.accept(&delivery("9992", "OnFinal", 2)).await.unwrap();
    drop(store);
    // The last connection removes the WAL: the threads have ended.
    assert!(!beside(&path, "-wal").exists() && !beside(&path, "-keys-wal").exists());

    let store = store_at(&path).await.unwrap();
    assert_eq!(states(&store).await, [EventState::Claimed, EventState::Pending]);
    assert_eq!(all(&store).await[0].id, first);
    // A claim outlives its process; the worker of another one takes it over.
    store.renew(&claim).await.unwrap();
    store.finish(&claim, Finish::Done).await.unwrap();
    drop(store);
    assert_eq!(states(&store_at(&path).await.unwrap()).await, [EventState::Done, EventState::Pending]);
}

#[tokio::test]
#[cfg(unix)]
async fn all_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let expected = ["store", "store-keys", "store-keys-shm", "store-keys-wal", "store-shm", "store-wal"];
    assert_eq!(names, expected);
}

fn found(folder: &Path, texts: &[&[u8]]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == *text) {
                found.push(format!("{} in {:?}", String::from_utf8_lossy(text), entry.file_name()));
            }
        }
    }
    found
}

#[tokio::test]
async fn no_personal_data_is_on_the_disk_in_clear_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    let case = write_canaries(&store).await;
    let canaries = CANARIES.map(str::as_bytes);
    assert_eq!(found(folder.path(), &canaries), [""; 0]);
    // The scan finds what is not encrypted, and what the store reads back is complete.
    assert!(!found(folder.path(), &[b"OnFinal"]).is_empty());
    let read = store.case(case).await.unwrap().unwrap();
    assert_eq!(read.opened, Some(CaseRef::new(PROVIDER, CANARIES[1]).with_state("payload-canary")));
    assert_eq!(store.entries(case, 0, 10).await.unwrap().len(), 2);
    drop(store);
    assert_eq!(found(folder.path(), &canaries), [""; 0]);
}

#[tokio::test]
async fn a_purge_removes_the_wrapped_key_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let engine = Arc::new(Sqlite::builder(&path).open().unwrap());
    let store = Store::open(engine.clone(), key()).await.unwrap();
    let case = write_canaries(&store).await;
    let row = engine.case(case.0).await.unwrap().unwrap();
    let mut keys = Vec::new();
    for link in [row.vendor.unwrap(), row.reference.unwrap()] {
        keys.push(engine.key(&link.0[..32]).await.unwrap().unwrap());
    }
    // The end of the value is a ciphertext that occurs nowhere else.
    let tails: Vec<&[u8]> = keys.iter().map(|value| &value[value.len() - 16..]).collect();
    assert_eq!(found(folder.path(), &tails).len(), 2);
    assert!(store.purge(case).await.unwrap());
    // The WAL is truncated after the answer: another write waits for it.
    engine.add_key(b"other", vec![1]).await.unwrap();
    assert_eq!(found(folder.path(), &tails), [""; 0]);
    assert_eq!(store.cases(None, CaseId::default(), 10).await.unwrap().len(), 0);
    assert_eq!(store.responses(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn compaction_returns_the_space_of_purged_cases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    let other = store_at(&path).await.unwrap();
    let size = || std::fs::metadata(&path).unwrap().len();
    let keys = || std::fs::metadata(folder.path().join("store-keys")).unwrap().len();
    let body = vec![7; 16 * 1024];
    let accept = async |number| {
        store.accept(&delivery(&format!("case {number}"), "OnFinal", number).with_request(body.clone())).await.unwrap();
    };
    join_all((0..200).map(accept)).await;
    let claims = store.claim(1000, at(1000)).await.unwrap();
    join_all(claims.iter().map(async |claim| store.finish(claim, Finish::Done).await.unwrap())).await;
    store.compact().await.unwrap();
    assert!(size() > 3 * 1024 * 1024, "{}", size());
    assert_eq!(store.purge_expired(&Retention::new(at(199))).await.unwrap(), 199);
    let arrived = delivery("case 1", "OnFinal", 1000);
    let (compacted, accepted) = tokio::join!(store.compact(), other.accept(&arrived));
    compacted.unwrap();
    accepted.unwrap();
    assert!(size() < 512 * 1024, "{}", size());
    assert!(keys() < 32 * 1024, "{}", keys());
    let cases: Vec<_> = all(&other).await.into_iter().map(|event| event.delivery.request.expose().len()).collect();
    assert_eq!(cases, [body.len(), 4]);
    store.compact().await.unwrap();
}

#[tokio::test]
async fn a_row_that_others_changed_is_an_integrity_error() {
    let changes = [
        "UPDATE events SET body = (SELECT body FROM events WHERE id = 2) WHERE id = 1",
        "UPDATE events SET name = 'OnFinal' WHERE id = 1",
        "UPDATE events SET received = received + 1",
        "UPDATE events SET body = x''",
        "UPDATE cases SET status = 'final'",
        "UPDATE cases SET version = 1",
        "UPDATE cases SET state = (SELECT body FROM events WHERE id = 1)",
        "UPDATE entries SET at = at + 1",
        "UPDATE entries SET body = (SELECT state FROM cases)",
        "UPDATE records SET name = 'other'",
    ];
    for change in changes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = store_at(&path).await.unwrap();
        store.accept(&delivery(CANARIES[1], "AfterIdent", 1)).await.unwrap();
        let case = write_canaries(&store).await;
        let read = async || -> Result<(), Error> {
            store.events(EventId::default(), 10).await?;
            store.entries(case, 0, 10).await?;
            store.responses(0, 10).await.map(drop)
        };
        read().await.unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch(change).unwrap();
        assert_eq!(read().await.err().map(|error| error.kind()), Some(Kind::Integrity), "{change}");
    }
}

#[tokio::test]
async fn a_purge_before_the_write_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    // The second one only reads the key.
    for name in ["AfterIdent", "AfterVideo"] {
        store.accept(&delivery("9992", name, 1)).await.unwrap();
    }
    let old = case_of(&store, "9992").await.unwrap();
    let data = rusqlite::Connection::open(&path).unwrap();
    let keys = rusqlite::Connection::open(beside(&path, "-keys")).unwrap();
    data.execute_batch("BEGIN IMMEDIATE").unwrap();
    let arrived = delivery("9992", "OnFinal", 2);
    let (accepted, ()) = tokio::join!(store.accept(&arrived), async {
        // The delivery waits for the other process, which completes a purge.
        pause(Duration::from_millis(300)).await;
        keys.execute_batch("DELETE FROM keys WHERE length(name) = 32").unwrap();
        data.execute_batch("DELETE FROM events; DELETE FROM cases; COMMIT").unwrap();
    });
    let [event] = &all(&store).await[..] else { panic!("one event") };
    assert!(event.id == accepted.unwrap() && event.case != old);
    assert_eq!(case_of(&store, "9992").await, Some(event.case));
}

fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        std::fs::copy(beside(from, suffix), beside(to, suffix)).unwrap();
    }
}

#[tokio::test]
async fn a_backup_of_the_data_cannot_be_read_after_a_purge() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("store"), folder.path().join("backup"));
    let store = store_at(&path).await.unwrap();
    let purged = write_canaries(&store).await;
    store.accept(&delivery("9993", "OnFinal", 1)).await.unwrap();
    let other = case_of(&store, "9993").await.unwrap();
    copy(&path, &backup);
    store.purge(purged).await.unwrap();
    drop(store);

    copy(&backup, &path);
    let _ = std::fs::remove_file(beside(&path, "-shm"));
    let engine = Arc::new(Sqlite::builder(&path).open().unwrap());
    let store = Store::open(engine.clone(), key()).await.unwrap();
    assert!(engine.case(purged.0).await.unwrap().is_some(), "its rows are back");
    assert!(store.case(purged).await.unwrap().is_none());
    assert!(store.entries(purged, 0, 10).await.unwrap().is_empty());
    assert_eq!(case_of(&store, CANARIES[1]).await, None);
    let readable: Vec<StoredEvent> = all(&store).await;
    assert!(readable.len() == 1 && readable[0].case == other);
    let cases = store.cases(None, CaseId::default(), 1).await.unwrap();
    assert_eq!(cases.iter().map(|case| case.id).collect::<Vec<_>>(), [other]);
    // A delivery of the purged case is that of a new one.
    store.accept(&delivery(CANARIES[1], "OnFinal", 3)).await.unwrap();
    assert_eq!(store.purge_unreadable().await.unwrap(), 1);
    assert!(engine.case(purged.0).await.unwrap().is_none());
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test]
async fn data_are_not_opened_without_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(store_at(&path).await.unwrap());
    let other = folder.path().join("other");
    drop(store_at(&other).await.unwrap());
    for keys in [None, Some("other-keys")] {
        std::fs::remove_file(beside(&path, "-keys")).unwrap();
        if let Some(keys) = keys {
            std::fs::copy(folder.path().join(keys), beside(&path, "-keys")).unwrap();
        }
        let error = store_at(&path).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Storage);
        assert!(error.to_string().contains("PATH-keys"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_of_this_store_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes");
    std::fs::write(&text, "my notes, which are longer than the header of a database file: ".repeat(99)).unwrap();
    let foreign = folder.path().join("foreign");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    let newer = folder.path().join("newer");
    drop(store_at(&newer).await.unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    for (path, text) in [(text, "not a SQLite database"), (foreign, "another program"), (newer, "later release")] {
        let before = std::fs::read(&path).unwrap();
        let error = store_at(&path).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Storage);
        assert!(error.to_string().contains(text), "{error}");
        if text != "another program" && text != "later release" {
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    }
    let missing = store_at(&folder.path().join("none/store")).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::Storage);
}

#[tokio::test]
async fn a_file_of_the_next_release_is_used_and_keeps_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(store_at(&path).await.unwrap());
    let files = [path.clone(), beside(&path, "-keys")];
    let version = |file: &std::path::Path| -> i64 {
        let database = rusqlite::Connection::open(file).unwrap();
        database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    for (next, works) in [(1, true), (2, false)] {
        let versions = files.each_ref().map(|file| version(file) + 1);
        for (file, version) in files.iter().zip(versions) {
            rusqlite::Connection::open(file).unwrap().pragma_update(None, "user_version", version).unwrap();
        }
        let opened = store_at(&path).await;
        assert_eq!(opened.is_ok(), works, "{next}");
        if let Ok(store) = opened {
            store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
        }
        assert_eq!(files.each_ref().map(|file| version(file)), versions);
    }
}

#[tokio::test]
async fn a_removed_or_replaced_file_acknowledges_nothing() {
    for suffix in ["", "-wal", "-shm", "-keys", "-keys-wal", "-keys-shm"] {
        for replaced in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store");
            let store = store_at(&path).await.unwrap();
            store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
            let file = beside(&path, suffix);
            let copy = folder.path().join("copy");
            std::fs::copy(&file, &copy).unwrap();
            std::fs::remove_file(&file).unwrap();
            if replaced {
                std::fs::rename(&copy, &file).unwrap();
            }
            // Also of a case whose key exists: its delivery could not be read without the keys file.
            for id in ["9992", "9993", "9994"] {
                let error = store.accept(&delivery(id, "OnFinal", 2)).await.unwrap_err();
                assert_eq!(error.kind(), Kind::Storage, "{suffix} {replaced}");
                assert!(error.to_string().contains("removed or replaced"), "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_accept_at_once() {
    const CHILD: &str = "IDENTKIT_STORE_CHILD";
    if let Ok(path) = std::env::var(CHILD) {
        return accept_many(&store_at(Path::new(&path)).await.unwrap(), 100, "child").await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", "sqlite::two_processes_accept_at_once"]).env(CHILD, &path).spawn();
    accept_many(&store, 100, "parent").await;
    assert!(child.unwrap().wait().unwrap().success());
    let names: Vec<_> = all(&store).await.into_iter().map(|event| event.delivery.event.name).collect();
    assert_eq!(names.iter().filter(|name| *name == "child").count(), 100);
    assert_eq!(names.len(), 200);
    assert_eq!(store.cases(None, CaseId::default(), 1000).await.unwrap().len(), 100);
}

#[tokio::test]
#[cfg(target_os = "linux")]
#[allow(clippy::print_stdout, reason = "the line of the child")]
async fn a_file_that_cannot_grow_acknowledges_nothing_more() {
    const CHILD: &str = "IDENTKIT_STORE_LIMITED";
    if let Ok(path) = std::env::var(CHILD) {
        let store = store_at(Path::new(&path)).await.unwrap();
        for number in 0..200 {
            let delivery = delivery("9992", &number.to_string(), 1).with_request(vec![7; 9_000]);
            if let Err(error) = store.accept(&delivery).await {
                assert_eq!(error.kind(), Kind::Storage, "{error}");
                // What is acknowledged afterwards must be there, too.
                let small = store.accept(&delivery.with_request(Vec::new())).await;
                print!("\naccepted {number} {}\n", usize::from(small.is_ok()));
                return;
            }
        }
        panic!("every delivery was acknowledged");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    // The shell limits the size of each file that the child writes, in blocks of 512 bytes, and ignores the signal of it.
    let mut child = std::process::Command::new("sh");
    child.args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", "sqlite::a_file_that_cannot_grow_acknowledges_nothing_more", "--nocapture"]);
    let output = child.env(CHILD, &path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|line| line.strip_prefix("accepted ")).unwrap();
    let accepted: usize = line.split(' ').map(|number| number.parse::<usize>().unwrap()).sum();
    let store = store_at(&path).await.unwrap();
    assert!(accepted > 10 && all(&store).await.len() == accepted, "{line}");
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
}

#[tokio::test]
async fn an_unreadable_event_hides_no_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = store_at(&path).await.unwrap();
    for (id, name) in [("1", "AfterVideo"), ("1", "AfterIdent"), ("1", "OnFinal"), ("2", "OnFinal")] {
        store.accept(&delivery(id, name, 1)).await.unwrap();
    }
    let tamper = rusqlite::Connection::open(&path).unwrap();
    tamper.execute_batch("UPDATE events SET body = x'00' WHERE id IN (2, 4)").unwrap();

    let page = store.event_page(EventId(0), 10).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.id.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(page.unreadable.iter().map(|event| event.id.0).collect::<Vec<_>>(), [2, 4]);
    assert!(page.unreadable.iter().all(|event| event.error.kind() == Kind::Integrity));
    assert_eq!(page.last, Some(EventId(4)));
    assert_eq!(store.event_page(EventId(4), 10).await.unwrap().last, None);

    // Its unit is dead after the others are delivered. Later deliveries of the case are done.
    let sink = Sink::new(|attempt, _| attempt == 1);
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    let is_unreadable = |incident: &Incident| matches!(incident, Incident::Unreadable { .. });
    process.advance_until("both units are dead", || process.incidents(is_unreadable) == 2).await;
    assert_eq!(sink.names(), ["AfterVideo", "OnFinal", "AfterVideo", "OnFinal"]);
    let cases = [case_of(&store, "1").await.unwrap(), case_of(&store, "2").await.unwrap()];
    for case in cases {
        let reason = loop {
            if let Some(reason) = store.case(case).await.unwrap().unwrap().dead {
                break reason;
            }
            pause(Duration::from_millis(1)).await;
        };
        assert!(reason.contains("cannot be read"), "{reason}");
    }
    store.accept(&delivery("1", "Video", 20)).await.unwrap();
    process.forwarder.wake();
    process.advance_until("the later one is delivered", || sink.count() == 5).await;
    while store.case(cases[0]).await.unwrap().unwrap().claimed {
        pause(Duration::from_millis(1)).await;
    }
    assert_eq!(store.case(cases[0]).await.unwrap().unwrap().dead, None);
    assert_eq!(process.incidents(is_unreadable), 2, "an event of an earlier unit is not reported again");
}
