//! Faults that need the threads of the engine.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use identkit_core::Kind;
use rusqlite::Connection;

use super::rows::Fault;
use super::*;
use crate::engine::{Arrival, Engine as _, Link, SealedRow, Sealer};
use crate::fault;

/// A row that does not depend on the key.
struct Fixed(SealedRow);

impl Sealer for Fixed {
    fn create_key(&self) -> Result<Vec<u8>, Error> {
        Ok(vec![1])
    }

    fn seal(&self, _: &[u8]) -> Result<SealedRow, Error> {
        Ok(self.0.clone())
    }
}

fn opened(queue: usize) -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::builder(folder.path().join("store")).queue(queue).open().unwrap();
    (folder, sqlite)
}

/// Occupies the thread that writes until the sender is dropped.
fn occupy(sqlite: &Sqlite) -> (Sender<()>, impl Future<Output = Result<(), Fault>>) {
    let (release, wait) = channel::<()>();
    let (started, running) = channel::<()>();
    let mut occupied = Box::pin(sqlite.data.write(move |_| {
        drop(started);
        let _ = wait.recv();
        Ok(())
    }));
    // The first poll queues the job.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(occupied.as_mut().poll(&mut context).is_pending());
    let _ = running.recv();
    (release, occupied)
}

fn mark(name: &'static str, result: Result<(), Fault>) -> impl FnOnce(&Connection) -> Result<(), Fault> + Send {
    move |db| {
        db.execute("INSERT INTO marks VALUES (?1, x'')", [name])?;
        result
    }
}

#[tokio::test]
async fn a_failure_leaves_other_operations_unchanged() {
    let (_folder, sqlite) = opened(8);
    let (release, occupied) = occupy(&sqlite);
    let (first, failed, last, double) = tokio::join!(
        biased;
        sqlite.data.write(mark("first", Ok(()))),
        sqlite.data.write(mark("failed", Err(Fault::Rejected(fault::outdated)))),
        sqlite.data.write(mark("last", Ok(()))),
        async {
            let double = sqlite.data.write(mark("first", Ok(())));
            drop(release);
            double.await
        },
    );
    occupied.await.unwrap();
    first.unwrap();
    last.unwrap();
    assert!(matches!(failed, Err(Fault::Rejected(_))));
    assert!(matches!(double, Err(Fault::Sqlite(_))));
    let names = ["first", "failed", "last"];
    let mut stored = Vec::new();
    for name in names {
        stored.push(sqlite.value(name).await.unwrap().is_some());
    }
    assert_eq!(stored, [true, false, true]);
}

#[tokio::test]
async fn a_full_queue_is_reported_at_once() {
    let (_folder, sqlite) = opened(1);
    let (release, occupied) = occupy(&sqlite);
    let (waiting, refused) = tokio::join!(
        biased;
        sqlite.swap_value("waiting", None, vec![]),
        async {
            let refused = sqlite.swap_value("refused", None, vec![]).await;
            drop(release);
            refused
        },
    );
    occupied.await.unwrap();
    assert!(waiting.unwrap());
    assert_eq!(refused.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(sqlite.value("refused").await.unwrap(), None);
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_loses_nothing() {
    let (_folder, sqlite) = opened(8);
    // SQLite's own limit has the error of a full disk.
    let limit = async |pages: u32| {
        let set = move |db: &Connection| {
            db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        };
        sqlite.data.write(set).await.unwrap();
    };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let event = Some(("OnFinal".to_owned(), vec![7; 20_000]));
    let large = Arc::new(Fixed(SealedRow { vendor: Link([1; 48]), event }));
    let accept = || sqlite.accept("identity-tm", b"name", at, large.clone());
    limit(50).await;
    let mut accepted = 0;
    let error = loop {
        match accept().await {
            Ok(stored) => assert!(matches!(stored, Arrival::Stored { .. })),
            Err(error) => break error,
        }
        accepted += 1;
        assert!(accepted < 100);
    };
    assert_eq!(error.kind(), Kind::Storage);
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(sqlite.events(None, 0, 1000).await.unwrap().len(), accepted);
    limit(100_000).await;
    accept().await.unwrap();
    assert_eq!(sqlite.events(None, 0, 1000).await.unwrap().len(), accepted + 1);
}

#[tokio::test]
async fn a_locked_database_is_unavailable() {
    let (folder, sqlite) = opened(8);
    let other = Connection::open(folder.path().join("store")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = sqlite.swap_value("mark", None, vec![]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(sqlite.swap_value("mark", None, vec![]).await.unwrap());
}

#[tokio::test]
async fn locked_keys_delay_all_deliveries_once() {
    let (folder, sqlite) = opened(8);
    let other = Connection::open(folder.path().join("store-keys")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let row = |id| Arc::new(Fixed(SealedRow { vendor: Link([id; 48]), event: None }));
    let at = jiff::Timestamp::UNIX_EPOCH;
    let accept = async |id: u8| sqlite.accept("identity-tm", &[id], at, row(id)).await;
    // All of them wait together.
    let (release, occupied) = occupy(&sqlite);
    let all = async {
        let (one, two, three, four, ()) =
            tokio::join!(biased; accept(1), accept(2), accept(3), accept(4), async { drop(release) });
        [one, two, three, four].map(|result| result.unwrap_err().kind())
    };
    let kinds = identkit_testkit::within(std::time::Duration::from_secs(5), all).await;
    occupied.await.unwrap();
    assert_eq!(kinds, Some([Kind::Unavailable; 4]));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(accept(1).await, Ok(Arrival::Stored { .. })));
}

#[tokio::test]
async fn settings_are_those_that_durability_needs() {
    let (_folder, sqlite) = opened(8);
    let read = |db: &Connection| {
        let pragma = |name| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0));
        Ok((
            ["synchronous", "secure_delete", "wal_autocheckpoint"].map(|name| pragma(name).unwrap()),
            pragma("journal_mode")?,
        ))
    };
    for file in [&sqlite.data, &sqlite.keys] {
        let (numbers, mode) = file.write(read).await.unwrap();
        assert_eq!(numbers, [2.into(), 1.into(), 0.into()]);
        assert_eq!(mode, "wal".to_owned().into());
    }
}

#[tokio::test]
#[cfg(unix)]
async fn a_vfs_is_selected_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let builder = Sqlite::builder(folder.path().join("store"));
    assert_eq!(builder.clone().vfs("none").open().unwrap_err().kind(), Kind::Storage);
    let sqlite = builder.vfs("unix").open().unwrap();
    assert!(sqlite.swap_value("mark", None, vec![1]).await.unwrap());
    assert_eq!(sqlite.value("mark").await.unwrap(), Some(vec![1]));
}
