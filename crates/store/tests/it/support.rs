//! What the tests share.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Error, Instant, Kind, Secret, WorkGuard};
use identkit_store::{CaseId, Delivery, Engine, EventId, EventState, KeyEncryptionKey, Store, StoredEvent};
use identkit_testkit::TestClock;
use jiff::Timestamp;

pub(crate) const PROVIDER: &str = "identity-tm";

/// A store with its engine, and the folder of its files, which are removed on drop.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) engine: Arc<dyn Engine>,
    _folder: Option<tempfile::TempDir>,
}

impl Opened {
    pub(crate) async fn on(engine: Arc<dyn Engine>, folder: Option<tempfile::TempDir>) -> Self {
        let store = Store::open(Arc::clone(&engine), key()).await.unwrap();
        Self { store, engine, _folder: folder }
    }
}

pub(crate) fn key() -> KeyEncryptionKey {
    KeyEncryptionKey::from_bytes(&[7; 32])
}

/// Seconds after an arbitrary time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub(crate) fn delivery(id: &str, name: &str, seconds: i64) -> Delivery {
    Delivery::new(PROVIDER, id, name, at(seconds)).with_request(b"POST".to_vec()).with_event(b"{}".to_vec())
}

pub(crate) async fn states(store: &Store) -> Vec<EventState> {
    all(store).await.into_iter().map(|event| event.state).collect()
}

pub(crate) async fn all(store: &Store) -> Vec<StoredEvent> {
    store.events(EventId::default(), 1000).await.unwrap()
}

pub(crate) async fn case_of(store: &Store, id: &str) -> Option<CaseId> {
    store.case_by_vendor_id(PROVIDER, &Secret::from(id)).await.unwrap().map(|case| case.id)
}

#[track_caller]
pub(crate) fn assert_conflict<T>(result: Result<T, Error>) {
    assert_eq!(result.err().map(|error| error.kind()), Some(Kind::Conflict));
}

/// A clock whose wall time differs from that of other clocks.
#[derive(Clone, Debug)]
pub(crate) struct Skewed {
    pub(crate) monotonic: TestClock,
    pub(crate) wall: Timestamp,
}

impl Skewed {
    pub(crate) fn new(wall: Timestamp) -> Self {
        Self { monotonic: TestClock::default(), wall }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.monotonic.advance(Duration::from_secs(seconds));
    }
}

impl Clock for Skewed {
    fn wall(&self) -> Timestamp {
        self.wall.checked_add(self.now().0).unwrap()
    }

    fn now(&self) -> Instant {
        self.monotonic.now()
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        self.monotonic.sleep_until(at)
    }

    fn hold(&self) -> WorkGuard {
        self.monotonic.hold()
    }
}
