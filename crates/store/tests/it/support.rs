//! What the tests share.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{BoxFuture, CaseRef, Clock, Error, Event, Instant, Kind, Pii, Secret, WebhookDelivery, WorkGuard};
use identkit_store::engine::{Arrival, Link, SealedRow, Sealer};
use identkit_store::{
    Artifact, CaseId, Engine, Entry, EventId, EventState, Finish, Intent, KeyEncryptionKey, Store, StoredEvent,
};
use identkit_testkit::TestClock;
use jiff::Timestamp;

pub(crate) const PROVIDER: &str = "identity-tm";

/// A store with its engine, the same store as another process has it, and the folder of its files, which are removed on
/// drop.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) other: Store,
    _folder: Option<tempfile::TempDir>,
}

impl Opened {
    pub(crate) async fn on(engines: [Arc<dyn Engine>; 2], folder: Option<tempfile::TempDir>) -> Self {
        let [engine, other] = engines;
        let store = Store::open(Arc::clone(&engine), key()).await.unwrap();
        Self { store, engine, other: Store::open(other, key()).await.unwrap(), _folder: folder }
    }
}

pub(crate) fn key() -> KeyEncryptionKey {
    KeyEncryptionKey::from_bytes(&[7; 32])
}

/// Seconds after an arbitrary time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub(crate) fn delivery(id: &str, name: &str, seconds: i64) -> WebhookDelivery {
    let mut event = Event::new(PROVIDER, name, format!("{id}/{name}"));
    event.case_id = Some(id.into());
    WebhookDelivery::new(event, at(seconds)).with_request(b"POST".to_vec())
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

/// Accepts a delivery. SQLite can give up while another process writes all the time, and then has written nothing.
pub(crate) async fn accept(store: &Store, delivery: &WebhookDelivery) {
    while let Err(error) = store.accept(delivery).await {
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    }
}

/// What the engine stores under a link, whatever the value of the key is.
struct Fixed(SealedRow);

impl Sealer for Fixed {
    fn create_key(&self) -> Result<Vec<u8>, Error> {
        Ok(vec![1])
    }

    fn seal(&self, _: &[u8]) -> Result<SealedRow, Error> {
        Ok(self.0.clone())
    }
}

/// Has an engine accept what belongs to a link.
pub(crate) async fn accept_row(
    engine: &dyn Engine,
    link: Link,
    at: Timestamp,
    event: Option<(String, Vec<u8>)>,
) -> Result<Arrival, Error> {
    engine.accept(PROVIDER, &link.0[..32], at, Arc::new(Fixed(SealedRow { vendor: link, event }))).await
}

/// Accepts deliveries of `cases` cases, eight at once.
pub(crate) async fn accept_many(store: &Store, cases: usize, name: &str) {
    let mut tasks = Vec::new();
    for part in 0..8 {
        let (store, name) = (store.clone(), name.to_owned());
        tasks.push(tokio::spawn(async move {
            for number in (part..cases).step_by(8) {
                accept(&store, &delivery(&format!("case {number}"), &name, 1)).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

/// Number of rounds of a test, which a campaign sets.
pub(crate) fn rounds(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |rounds| rounds.parse().unwrap())
}

/// Texts that must not be on the disk.
pub(crate) const CANARIES: [&str; 4] = ["Mustermann", "99921269855041", "ref-canary", "payload-canary"];

pub(crate) async fn write_canaries(store: &Store) -> CaseId {
    let body = b"payload-canary Mustermann".to_vec();
    let mut delivered = delivery(CANARIES[1], "OnFinal", 1).with_request(body.clone());
    delivered.event.payload = Some("payload-canary Mustermann".into());
    store.accept(&delivered).await.unwrap();
    store.add_response("getAllStatus", at(1), &Pii::new(body.clone())).await.unwrap();
    let claim = store.create(&Intent::new(PROVIDER, "ref-canary", at(1)).with_data(body.clone())).await.unwrap();
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    case.opened = Some(CaseRef::new(PROVIDER, CANARIES[1]).with_state("payload-canary"));
    let artifact = Artifact::new("Mustermann.pdf", "/99921269855041/Mustermann.pdf", 1, [0; 32]);
    let entries = [Entry::History(body.into()), Entry::Artifact(artifact)];
    store.save(&claim, &mut case, &entries, at(2)).await.unwrap();
    store.finish(&claim, Finish::Done).await.unwrap();
    case.id
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
