//! Another process purges a case, or a delivery arrives, between two steps of an operation.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use identkit_core::{CaseRef, Error, Event, Pii, Secret, WebhookDelivery};
use jiff::Timestamp;

use crate::engine::{Link, SealedRow, Sealer};
use crate::keys::Naming;
use crate::{Case, CaseId, Entry, EventId, Intent, KeyEncryptionKey, Memory, Retention, Store};

const PROVIDER: &str = "identity-tm";
const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn delivery(id: &Secret) -> WebhookDelivery {
    let mut event = Event::new(PROVIDER, "OnFinal", "key");
    event.case_id = Some(id.clone());
    WebhookDelivery::new(event, AT)
}

/// A delivery that another process writes under a link whose key was removed.
struct Late(Link);

impl Sealer for Late {
    fn create_key(&self) -> Result<Vec<u8>, Error> {
        panic!("the key that is read is another one, which exists");
    }

    fn seal(&self, _: &[u8]) -> Result<SealedRow, Error> {
        Ok(SealedRow { vendor: self.0, event: None })
    }
}

struct Race {
    engine: Arc<Memory>,
    store: Store,
    id: Secret,
}

impl Race {
    async fn new() -> Self {
        let engine = Arc::new(Memory::default());
        let store = Store::open(engine.clone(), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap();
        Self { engine, store, id: "9992".into() }
    }

    /// Sets what another process does before the next contested operation.
    fn interfere(&self, other: impl AsyncFnOnce(Store) + Send + 'static) {
        let store = self.store.clone();
        *self.engine.interference.lock().unwrap() = Some(Box::new(move || {
            // The futures of the engine in memory are ready at once.
            let done = pin!(other(store)).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(done, Poll::Ready(()));
        }));
    }

    /// All cases. None of them is a row that cannot be read.
    async fn cases(&self) -> Vec<Case> {
        assert!(self.engine.interference.lock().unwrap().is_none());
        let cases = self.store.cases(None, CaseId(0), 10).await.unwrap();
        assert_eq!(cases.len(), self.store.engine.cases(None, 0, 10).await.unwrap().len());
        cases
    }
}

#[tokio::test]
async fn a_purge_during_accept_loses_no_delivery() {
    let race = Race::new().await;
    let old = race.store.wake(PROVIDER, &race.id, AT).await.unwrap();
    race.interfere(async move |store| assert!(store.purge(old).await.unwrap()));
    let id = race.store.accept(&delivery(&race.id)).await.unwrap();
    let [event] = &race.store.events(EventId(0), 10).await.unwrap()[..] else { panic!("one event") };
    assert!(event.id == id && event.case != old);
    assert_eq!(race.cases().await.len(), 1);
}

#[tokio::test]
async fn a_purge_during_two_accepts_loses_no_delivery() {
    let race = Race::new().await;
    let old = race.store.wake(PROVIDER, &race.id, AT).await.unwrap();
    race.interfere(async move |store| {
        let link = store.engine.case(old.0).await.unwrap().unwrap().vendor.unwrap();
        assert!(store.purge(old).await.unwrap());
        // Another delivery with the removed key. Its process has not removed the row yet.
        store.engine.accept(PROVIDER, b"check", AT, Arc::new(Late(link))).await.unwrap();
    });
    let id = race.store.accept(&delivery(&race.id)).await.unwrap();
    let [unreadable, case] = race.store.engine.cases(None, 0, 10).await.unwrap().try_into().unwrap();
    assert!(race.store.purge(CaseId(unreadable.id)).await.unwrap());
    let [event] = &race.store.events(EventId(0), 10).await.unwrap()[..] else { panic!("one event") };
    assert!(event.id == id && event.case.0 == case.id);
}

#[tokio::test]
async fn a_purge_during_create_loses_no_intent() {
    let race = Race::new().await;
    let intent = Intent::new(PROVIDER, "ref-1", AT);
    let old = race.store.create(&intent).await.unwrap().case();
    race.interfere(async move |store| assert!(store.purge(old).await.unwrap()));
    let claim = race.store.create(&intent).await.unwrap();
    assert_ne!(claim.case(), old);
    let cases = race.cases().await;
    assert_eq!(cases.iter().map(|case| case.id).collect::<Vec<_>>(), [claim.case()]);
}

#[tokio::test]
async fn a_purge_during_save_loses_no_reference() {
    let race = Race::new().await;
    let orphan = race.store.wake(PROVIDER, &race.id, AT).await.unwrap();
    let claim = race.store.create(&Intent::new(PROVIDER, "ref-1", AT)).await.unwrap();
    let mut case = race.store.case(claim.case()).await.unwrap().unwrap();
    case.opened = Some(CaseRef::new(PROVIDER, race.id.clone()));
    race.interfere(async move |store| assert!(store.purge(orphan).await.unwrap()));
    race.store.save(&claim, &mut case, &[Entry::History(Pii::default())], AT).await.unwrap();
    let [read] = &race.cases().await[..] else { panic!("one case") };
    assert_eq!((&read.vendor_id, read.version), (&Some(race.id.clone()), case.version));
    assert_eq!(race.store.entries(case.id, 0, 10).await.unwrap().len(), 1);
    assert_eq!(race.store.wake(PROVIDER, &race.id, AT).await.unwrap(), case.id);
}

#[tokio::test]
async fn removing_unused_keys_loses_nothing() {
    let race = Race::new().await;
    // The key is removed before the row of its case is written. That of a delivery was left by a process that stopped.
    race.store.keys.get_or_create(PROVIDER, Naming::Vendor, &race.id).await.unwrap();
    let sweep = async |store: Store| assert_eq!(store.remove_unused_keys().await.unwrap(), 1);
    race.interfere(sweep);
    race.store.accept(&delivery(&race.id)).await.unwrap();
    race.interfere(sweep);
    let claim = race.store.create(&Intent::new(PROVIDER, "ref-1", AT)).await.unwrap();
    assert_eq!(race.cases().await.len(), 2);
    assert_eq!(race.store.events(EventId(0), 10).await.unwrap().len(), 1);

    // The row is written before the key is removed.
    race.store.engine.remove(claim.case().0).await.unwrap();
    race.interfere(async |store| {
        store.create(&Intent::new(PROVIDER, "ref-1", AT)).await.unwrap();
    });
    assert_eq!(race.store.remove_unused_keys().await.unwrap(), 0);
    assert_eq!(race.cases().await.len(), 2);
}

#[tokio::test]
async fn retention_spares_a_case_with_a_new_delivery() {
    let race = Race::new().await;
    let claim = race.store.create(&Intent::new(PROVIDER, "ref-1", AT)).await.unwrap();
    let mut case = race.store.case(claim.case()).await.unwrap().unwrap();
    case.opened = Some(CaseRef::new(PROVIDER, race.id.clone()));
    race.store.save(&claim, &mut case, &[], AT).await.unwrap();
    race.store.finish(&claim, crate::Finish::Done).await.unwrap();
    let id = race.id.clone();
    race.interfere(async move |store| {
        store.accept(&delivery(&id)).await.unwrap();
    });
    let later = AT + jiff::SignedDuration::from_secs(1);
    assert_eq!(race.store.purge_expired(&Retention::new(later)).await.unwrap(), 0);
    assert_eq!(race.cases().await.len(), 1);
    assert_eq!(race.store.events(EventId(0), 10).await.unwrap().len(), 1);
}
