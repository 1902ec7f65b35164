//! What concerns PostgreSQL only: connections, several machines, a crash of the server.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

mod opening;
mod server;
mod workers;

use std::collections::HashSet;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use identkit_core::{Kind, Pii};
use identkit_store::engine::Link;
use identkit_store::{Engine as _, EventId, EventState, Finish, Postgres, Store};
use identkit_testkit::{eventually, pause, soon, within};
use tokio_postgres::Client;

use self::opening::refused;
use self::server::{Server, connect, shared};
use crate::forwarder::{Process, Sink, all_are};
use crate::kills::{accept_until_killed, child, events_after, kill_writers};
use crate::support::{CANARIES, Opened, PROVIDER, accept_row, all, at, delivery, key, rounds, states, write_canaries};

async fn engine(url: &str) -> Arc<Postgres> {
    Arc::new(Postgres::builder(url).open().await.unwrap())
}

async fn open() -> Option<Opened> {
    let url = shared().await?.database().await;
    Some(Opened::on([engine(&url).await, engine(&url).await], None).await)
}

crate::suite::suite!(open);

#[tokio::test]
async fn work_of_another_process_is_forwarded_at_once() {
    let Some(opened) = open().await else { return };
    let sink = Sink::new(|_, _| false);
    // The clock does not move, so no poll finds it.
    let _process = Process::start(&opened.store, &sink, |forwarder| forwarder);
    for number in 1..=3 {
        opened.other.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
        eventually("it is delivered", || sink.count() == number).await;
        all_are(&opened.other, EventState::Done).await;
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_stored_fails_alone() {
    let Some(server) = shared().await else { return };
    let engine = engine(&server.database().await).await;
    let accept =
        async |id: u8, name: &str| accept_row(&*engine, Link([id; 48]), at(1), Some((name.to_owned(), vec![id]))).await;
    // All of them wait when the writer begins.
    let (one, two, three) = tokio::join!(accept(1, "one"), accept(2, "two\0"), accept(3, "three"));
    assert_eq!(two.unwrap_err().kind(), Kind::InvalidInput);
    assert!(one.is_ok() && three.is_ok());
    let names: Vec<_> = engine.events(None, 0, 10).await.unwrap().into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["one", "three"]);
    assert_eq!(engine.find(Link([2; 48])).await.unwrap(), None);
}

#[tokio::test]
async fn a_full_queue_is_reported_at_once() {
    let Some(server) = shared().await else { return };
    let engine = Postgres::builder(server.database().await).queue(1).open().await.unwrap();
    let accept = |id: u8| accept_row(&engine, Link([id; 48]), at(1), None);
    let (stored, full) = tokio::join!(biased; accept(1), accept(2));
    stored.unwrap();
    assert_eq!(full.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(Postgres::builder("").connections(0).open().await.unwrap_err().kind(), Kind::InvalidInput);
}

#[tokio::test]
async fn a_lock_that_is_held_for_too_long_is_unavailable() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let engine = engine(&url).await;
    accept_row(&*engine, Link([1; 48]), at(1), None).await.unwrap();
    let other = connect(&url).await;
    other.batch_execute("BEGIN; SELECT id FROM identkit.cases FOR UPDATE").await.unwrap();
    assert!(engine.claim(1, at(1), None, None).await.unwrap().is_empty(), "a claim waits for nothing");
    let (accepted, purged) =
        tokio::join!(accept_row(&*engine, Link([1; 48]), at(1), None), engine.begin_purge(1, false));
    assert_eq!(accepted.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(purged.unwrap_err().kind(), Kind::Unavailable);
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(engine.claim(1, at(1), None, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_purge_before_the_lock_is_noticed() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let engine = engine(&url).await;
    let store = Store::open(engine.clone(), key()).await.unwrap();
    store.accept(&delivery("9992", "AfterIdent", 1)).await.unwrap();
    let old = all(&store).await[0].case;
    let other = connect(&url).await;
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7310581147)").await.unwrap();
    let arrived = delivery("9992", "OnFinal", 2);
    let (accepted, ()) = tokio::join!(store.accept(&arrived), async {
        // The delivery waits for the lock of another process, which completes a purge.
        pause(Duration::from_millis(300)).await;
        let purge = "DELETE FROM identkit_keys.keys WHERE length(name) = 32; DELETE FROM identkit.cases; COMMIT";
        other.batch_execute(purge).await.unwrap();
    });
    let [event] = &all(&store).await[..] else { panic!("one event") };
    assert!(event.id == accepted.unwrap() && event.case != old);
}

#[tokio::test]
async fn a_key_is_removed_with_the_lock_of_deliveries() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let engine = engine(&url).await;
    let value = engine.add_key(b"name", vec![1]).await.unwrap();
    let other = connect(&url).await;
    // A delivery of another process has read the key.
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7310581147)").await.unwrap();
    assert!(within(Duration::from_millis(300), engine.remove_key(b"name", &value)).await.is_none());
    assert_eq!(engine.key(b"name").await.unwrap(), Some(value));
    other.batch_execute("COMMIT").await.unwrap();
    let removed = async {
        while engine.key(b"name").await.unwrap().is_some() {
            pause(Duration::from_millis(10)).await;
        }
    };
    soon("the key is removed", removed).await;
}

/// Accepts deliveries, four at once, until one fails. Returns the names of those that were acknowledged.
async fn accept_until_failure(store: &Store, round: usize, accepted: Arc<AtomicUsize>) -> Vec<String> {
    let mut tasks = Vec::new();
    for task in 0..4 {
        let (store, accepted) = (store.clone(), Arc::clone(&accepted));
        tasks.push(tokio::spawn(async move {
            let mut names = Vec::new();
            for number in 0.. {
                let name = format!("{round} {task} {number}");
                if let Err(error) = store.accept(&delivery(&format!("case {}", number / 6), &name, 1)).await {
                    assert_eq!(error.kind(), Kind::Storage);
                    break;
                }
                names.push(name);
                accepted.fetch_add(1, Ordering::Relaxed);
            }
            names
        }));
    }
    let mut names = Vec::new();
    for task in tasks {
        names.extend(task.await.unwrap());
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_no_accepted_delivery() {
    let Some(server) = Server::start().await else { return };
    let url = server.database().await;
    // The engine's own settings precede those of the database.
    let weak = format!("ALTER DATABASE {} SET synchronous_commit = off", url.rsplit('/').next().unwrap());
    connect(&url).await.batch_execute(&weak).await.unwrap();
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    let restarts = rounds("IDENTKIT_STORE_RESTARTS", 3);
    let (mut accepted, mut last, mut stored) = (0, EventId::default(), HashSet::new());
    for round in 1..=restarts {
        let count = Arc::new(AtomicUsize::new(0));
        let (names, ()) = tokio::join!(accept_until_failure(&store, round, Arc::clone(&count)), async {
            eventually("some deliveries are accepted", || count.load(Ordering::Relaxed) > 20).await;
            pause(Duration::from_millis(u64::try_from(round * 7 % 50).unwrap())).await;
            server.kill();
        });
        server.run().await;
        // The same engine connects again.
        for event in events_after(&store, &mut last).await {
            assert!(stored.insert(event.delivery.event.name.clone()), "restart {round}: {event:?} is there twice");
        }
        let lost: Vec<_> = names.iter().filter(|name| !stored.contains(*name)).collect();
        assert!(lost.is_empty() && names.len() > 20, "restart {round}: {lost:?}");
        accepted += names.len();
    }
    assert_eq!(events_after(&store, &mut EventId::default()).await.len(), stored.len());
    println!("{restarts} restarts: {accepted} deliveries acknowledged, {} stored, none lost", stored.len());
    connect(&url).await.batch_execute("ALTER SYSTEM SET fsync = off").await.unwrap();
    connect(&url).await.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    pause(Duration::from_millis(500)).await;
    assert!(refused(&url).await.to_string().contains("fsync"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_no_accepted_delivery() {
    let open = async |url: &str| Store::open(engine(url).await, key()).await.unwrap();
    if let Some((round, url)) = child() {
        return accept_until_killed(&open(&url).await, round).await;
    }
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    open(&url).await;
    let test = "postgres::a_killed_process_loses_no_accepted_delivery";
    kill_writers(test, rounds("IDENTKIT_STORE_CLIENT_KILLS", 5), &url, async || open(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_process_delays_others_for_seconds_only() {
    const CHILD: &str = "IDENTKIT_STORE_PAUSED";
    if let Ok(url) = std::env::var(CHILD) {
        let store = Store::open(engine(&url).await, key()).await.unwrap();
        accept_until_failure(&store, 0, Arc::default()).await;
        return;
    }
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", "postgres::a_paused_process_delays_others_for_seconds_only"]);
    let mut child = child.env(CHILD, &url).stdout(Stdio::null()).spawn().unwrap();
    let signal = |name: &str| {
        let status = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(status.success());
    };
    // Pauses the child while it holds the writers' lock.
    let observer = connect(&url).await;
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' \
        AND granted AND state = 'idle in transaction' AND datname = current_database()) \
        AND EXISTS (SELECT 1 FROM identkit.events)";
    let mut paused = false;
    for _ in 0..2_000 {
        pause(Duration::from_millis(7)).await;
        signal("-STOP");
        pause(Duration::from_millis(20)).await;
        // What was already sent is still executed.
        for _ in 0..2 {
            paused = observer.query_one(sql, &[]).await.unwrap().get(0);
            pause(Duration::from_millis(if paused { 300 } else { 0 })).await;
        }
        if paused {
            break;
        }
        signal("-CONT");
    }
    assert!(paused);
    let accepted = within(Duration::from_secs(8), store.accept(&delivery("9992", "OnFinal", 1))).await;
    accepted.unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn no_personal_data_is_on_the_disk_in_clear_text() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    let case = write_canaries(&store).await;
    store.add_response("unencrypted-name", at(1), &Pii::default()).await.unwrap();
    connect(&url).await.batch_execute("CHECKPOINT").await.unwrap();
    assert_eq!(server.found(&CANARIES), [""; 0]);
    // The scan finds what is not encrypted.
    assert!(!server.found(&["unencrypted-name"]).is_empty());
    assert_eq!(store.entries(case, 0, 10).await.unwrap().len(), 2);
    assert!(store.purge(case).await.unwrap());
    let client = connect(&url).await;
    for table in ["identkit.cases", "identkit.events", "identkit.entries"] {
        let count = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        assert_eq!(count.get::<_, i64>(0), 0, "{table}");
    }
}

/// Waits until a session of the database waits for a lock.
async fn waits(observer: &Client) {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
        AND wait_event_type = 'Lock')";
    for _ in 0..2_000 {
        if observer.query_one(sql, &[]).await.unwrap().get(0) {
            return;
        }
        pause(Duration::from_millis(5)).await;
    }
    panic!("nothing waits for a lock");
}

#[tokio::test]
async fn a_replay_sees_what_ended_while_it_waited() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let claim = store.claim(1, at(1)).await.unwrap()[0];
    let (other, observer) = (connect(&url).await, connect(&url).await);
    let end = "BEGIN; UPDATE identkit.cases SET claimed = false; UPDATE identkit.events SET state = 2";
    other.batch_execute(end).await.unwrap();
    let (replayed, ()) = tokio::join!(store.replay(claim.case(), at(2)), async {
        waits(&observer).await;
        other.batch_execute("COMMIT").await.unwrap();
    });
    assert!(replayed.unwrap());
    assert_eq!(states(&store).await, [EventState::Pending]);
}

#[tokio::test]
async fn a_claim_takes_what_arrived_before_it_locked_the_case() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let (other, observer) = (connect(&url).await, connect(&url).await);
    // With a nested loop, the server locks each case only when it changes it.
    for join in ["hashjoin", "mergejoin"] {
        let name = url.rsplit('/').next().unwrap();
        other.batch_execute(&format!("ALTER DATABASE {name} SET enable_{join} = off")).await.unwrap();
    }
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    for (id, seconds) in [("first", 1), ("second", 2)] {
        store.accept(&delivery(id, "OnFinal", seconds)).await.unwrap();
    }
    // The claim stops after the first case, before it locks the second one.
    let stop = "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF new.claimed THEN PERFORM pg_advisory_xact_lock(1); END IF; RETURN new; END $$; \
        CREATE TRIGGER stop BEFORE UPDATE ON identkit.cases FOR EACH ROW EXECUTE FUNCTION stop(); \
        SELECT pg_advisory_lock(1)";
    other.batch_execute(stop).await.unwrap();
    let (claims, ()) = tokio::join!(store.claim(2, at(3)), async {
        waits(&observer).await;
        store.accept(&delivery("second", "OnFinal", 3)).await.unwrap();
        other.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    });
    assert_eq!(claims.unwrap().len(), 2);
    assert_eq!(states(&store).await, [EventState::Claimed; 3]);
}

#[tokio::test]
async fn pending_work_ends_the_wait_of_other_processes() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    let other = Store::open(engine(&url).await, key()).await.unwrap();
    let short = Duration::from_millis(300);
    // The first wait ends at once: work may have become pending before.
    other.changed().await.unwrap();
    assert!(within(short, other.changed()).await.is_none());
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    soon("a notification", other.changed()).await.unwrap();
    // What arrives while nobody waits ends the next wait.
    let claim = store.claim(1, at(1)).await.unwrap()[0];
    store.finish(&claim, Finish::Done).await.unwrap();
    assert!(within(short, other.changed()).await.is_none(), "nothing is pending");
    store.replay(claim.case(), at(1)).await.unwrap();
    pause(short).await;
    soon("a notification", other.changed()).await.unwrap();
    let claim = store.claim(1, at(1)).await.unwrap()[0];
    store.finish(&claim, Finish::Retry { due: at(2) }).await.unwrap();
    soon("a notification", other.changed()).await.unwrap();
    // A broken connection is an error once.
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    connect(&url).await.batch_execute(sql).await.unwrap();
    assert_eq!(soon("an error", other.changed()).await.unwrap_err().kind(), Kind::Storage);
    other.changed().await.unwrap();
}

#[tokio::test]
async fn a_backup_of_the_data_cannot_be_read_after_a_purge() {
    let Some(server) = shared().await else { return };
    let url = server.database().await;
    let store = Store::open(engine(&url).await, key()).await.unwrap();
    let purged = write_canaries(&store).await;
    store.accept(&delivery("9993", "OnFinal", 1)).await.unwrap();
    let backup = server.program("pg_dump", &url).arg("--exclude-schema=identkit_keys").output().unwrap();
    assert!(backup.status.success(), "{backup:?}");
    store.purge(purged).await.unwrap();
    drop(store);

    connect(&url).await.batch_execute("DROP SCHEMA identkit CASCADE").await.unwrap();
    let mut restore = server.program("psql", &url);
    let mut restore =
        restore.args(["-q", "-v", "ON_ERROR_STOP=1"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    restore.stdin.take().unwrap().write_all(&backup.stdout).unwrap();
    assert!(restore.wait().unwrap().success());
    let engine = engine(&url).await;
    let store = Store::open(engine.clone(), key()).await.unwrap();
    assert!(engine.case(purged.0).await.unwrap().is_some(), "its rows are back");
    assert!(store.case(purged).await.unwrap().is_none());
    let names: Vec<_> = all(&store).await.into_iter().map(|event| event.delivery.event.case_id.unwrap()).collect();
    assert_eq!(names, ["9993".into()]);
    assert_eq!(store.purge_unreadable().await.unwrap(), 1);
    // Ids continue after those of the backup.
    assert!(store.wake(PROVIDER, &"9994".into(), at(2)).await.unwrap() > purged);
}
