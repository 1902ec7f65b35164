//! A store, a vendor and a sink, and the processes that use them.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_collector::{
    ArtifactSink, CaseHooks, CaseReport, CaseState, CaseWebhook, Collector, CollectorBuilder, EvidenceWishes, Notice,
    NoticedCase, OpenedCase, ProviderSetup,
};
use identkit_core::{Clock, Error, Event, Kind, NewCase, Outcome, Secret, WebhookDelivery, async_trait};
use identkit_store::engine::{Link, SealedRow, Sealer};
use identkit_store::{CaseId, Engine as _, KeyEncryptionKey, Memory, Store};
use sha2::{Digest as _, Sha256};

use super::Fuse;
use super::clock::SimClock;
use super::engine::SimEngine;
use super::sink::{Files, SimSink};
use super::vendor::{SimVendor, VendorState};

pub(crate) const PROVIDER: &str = "sim";

/// Notices as the service received them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooked {
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
    pub(crate) failures: Arc<Mutex<usize>>,
}

impl Hooked {
    fn receive(&self, notice: &Notice) -> Result<(), Error> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(Error::new(Kind::Unavailable, "the service is down"));
        }
        self.notices.lock().unwrap().push(notice.clone());
        Ok(())
    }

    /// The kinds of the notices, each once.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let notices = self.notices.lock().unwrap();
        let number = |notice: &Notice| notice.idempotency_key.rsplit_once('-').unwrap().1.parse::<u32>().unwrap();
        let by_number: BTreeMap<_, _> = notices.iter().map(|notice| (number(notice), notice.kind)).collect();
        by_number.into_values().map(|kind| format!("{kind:?}")).collect()
    }
}

#[async_trait]
impl CaseHooks for Hooked {
    async fn on_outcome(&self, _: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        self.receive(notice)
    }

    async fn on_collected(&self, _: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        self.receive(notice)
    }

    async fn on_stuck(&self, _: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        self.receive(notice)
    }
}

/// An event that was encrypted with another key.
struct Garbage(Link);

impl Sealer for Garbage {
    fn create_key(&self) -> Result<Vec<u8>, Error> {
        Ok(vec![1; 32])
    }

    fn seal(&self, _: &[u8]) -> Result<SealedRow, Error> {
        Ok(SealedRow { vendor: self.0, event: Some(("Final".to_owned(), vec![1; 80])) })
    }
}

/// What survives every crash.
pub(crate) struct World {
    memory: Arc<Memory>,
    pub(crate) vendor: Arc<Mutex<VendorState>>,
    pub(crate) files: Files,
    pub(crate) clock: SimClock,
    pub(crate) hooked: Hooked,
}

/// Collects recordings in addition.
pub(crate) fn wishing(video: bool, audio: bool) -> impl FnOnce(CollectorBuilder) -> CollectorBuilder {
    move |builder| {
        let mut wishes = EvidenceWishes::default();
        (wishes.video, wishes.audio) = (video, audio);
        builder.wishes(wishes)
    }
}

/// A process with a collector.
pub(crate) struct Process {
    pub(crate) collector: Collector,
    pub(crate) fuse: Arc<Fuse>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::default(),
            vendor: Arc::default(),
            files: Arc::default(),
            clock: SimClock::new(),
            hooked: Hooked::default(),
        }
    }

    pub(crate) async fn store(&self, fuse: &Arc<Fuse>) -> Store {
        let engine = SimEngine { memory: Arc::clone(&self.memory), fuse: Arc::clone(fuse) };
        Store::open(Arc::new(engine), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap()
    }

    pub(crate) async fn process(&self) -> Process {
        self.process_with(Fuse::none(), |builder| builder).await
    }

    /// Starts a process that the fuse stops. The start itself is not interrupted.
    pub(crate) async fn process_with(
        &self,
        fuse: Fuse,
        configure: impl FnOnce(CollectorBuilder) -> CollectorBuilder,
    ) -> Process {
        // The first call decides the key.
        drop(self.store(&Arc::new(Fuse::none())).await);
        let fuse = Arc::new(fuse);
        let engine = SimEngine { memory: Arc::clone(&self.memory), fuse: Arc::clone(&fuse) };
        let opened = Store::open(Arc::new(engine), KeyEncryptionKey::from_bytes(&[7; 32]));
        let store = match select(pin!(opened), pin!(fuse.blown())).await {
            Either::Left((store, _)) => store.unwrap(),
            Either::Right(_) => {
                // The first operations are those of opening the store: nothing of a case.
                fuse.resume();
                self.store(&fuse).await
            }
        };
        let (files, clock) = (Arc::clone(&self.files), self.clock.clone());
        let sink: Arc<dyn ArtifactSink> = Arc::new(SimSink { files: Arc::clone(&files), fuse: Arc::clone(&fuse) });
        let vendor =
            SimVendor { state: Arc::clone(&self.vendor), files, clock: clock.clone(), fuse: Arc::clone(&fuse) };
        let webhook = |event: &'static str| {
            CaseWebhook::new(event, move |token: &Secret| {
                Ok(format!("https://example.com/{}/{event}", token.expose()).into())
            })
        };
        let provider =
            ProviderSetup::new(Arc::new(vendor)).on_final(webhook("Final")).on_recording(webhook("Recording"));
        let builder = Collector::builder(store, sink, Arc::new(clock));
        // Rare polls keep the simulation of days short.
        let builder = builder.provider(provider).hooks(Arc::new(self.hooked.clone())).poll(Duration::from_secs(60));
        Process { collector: configure(builder).build().unwrap(), fuse }
    }

    /// The person finishes: all orders have this outcome.
    pub(crate) fn finish(&self, outcome: Outcome) {
        let now = self.clock.wall();
        for order in self.vendor.lock().unwrap().orders.values_mut() {
            (order.outcome, order.changed) = (outcome, now);
        }
    }

    /// The vendor calls the webhook of an event for each order.
    pub(crate) async fn deliver(&self, process: &Process, event: &str) {
        let ids: Vec<String> = self.vendor.lock().unwrap().orders.keys().cloned().collect();
        for id in ids {
            process.collector.store().accept(&self.delivery(&id, event)).await.unwrap();
        }
        process.collector.wake();
    }

    pub(crate) fn delivery(&self, id: &str, event: &str) -> WebhookDelivery {
        let mut parsed = Event::new(PROVIDER, event, format!("{id}/{event}"));
        parsed.case_id = Some(id.into());
        WebhookDelivery::new(parsed, self.clock.wall())
    }

    /// Adds a webhook to a case whose row cannot be read.
    pub(crate) async fn damage(&self, case: CaseId) {
        let row = self.memory.case(case.0).await.unwrap().unwrap();
        let sealer = Arc::new(Garbage(row.vendor.unwrap()));
        self.memory.accept(PROVIDER, b"another key", self.clock.wall(), sealer).await.unwrap();
    }

    fn check_vendor(&self, deleted: bool) {
        let vendor = self.vendor.lock().unwrap();
        let (_, order) = vendor.only();
        assert_eq!(vendor.creates, 1, "one order");
        assert!(order.recording_requests <= 2, "requested {} times", order.recording_requests);
        assert_eq!(order.deleted, deleted);
        assert!(vendor.deletions <= 1);
    }

    /// Checks what must be true of a case at its end.
    pub(crate) async fn check(&self, process: &Process, report: &CaseReport) {
        let deleted = report.state == CaseState::Deleted;
        self.check_vendor(deleted);
        let files = self.files.lock().unwrap().clone();
        // Nothing is recorded twice, every other file is reported, and every artifact is what the ledger says.
        let stem = |location: &str| location.rsplit('/').next().unwrap().split('.').next().unwrap().to_owned();
        let stems: BTreeSet<_> = report.artifacts.iter().map(|artifact| stem(&artifact.location)).collect();
        assert_eq!(stems.len(), report.artifacts.len(), "{:?}", report.artifacts);
        let known = report.artifacts.len() + report.unrecorded_files as usize;
        assert_eq!(files.len(), known, "{:?} {:?}", files.keys(), report.artifacts);
        for artifact in &report.artifacts {
            let file = &files[&artifact.location];
            assert_eq!((file.len() as u64, <[u8; 32]>::from(Sha256::digest(file))), (artifact.length, artifact.sha256));
        }
        let deletions = process.collector.store().deletions(0, 100).await.unwrap();
        assert_eq!(deletions.len(), usize::from(deleted), "a deletion is recorded once");
        let mut recorded: Vec<_> = deletions.into_iter().flat_map(|(_, deletion)| deletion.hashes).collect();
        let mut saved: Vec<_> = report.artifacts.iter().map(|one| one.sha256).filter(|_| deleted).collect();
        recorded.sort_unstable();
        saved.sort_unstable();
        assert_eq!(recorded, saved);
    }
}

impl Process {
    pub(crate) async fn open(&self) -> Result<OpenedCase, Error> {
        self.collector.open(PROVIDER, &NewCase { reference: Some("reference-1".into()), ..NewCase::default() }).await
    }

    /// Runs the collector for this time, or until its process stops. Returns whether it stopped.
    pub(crate) async fn run(&self, time: Duration) -> bool {
        let stop = Box::pin(tokio::time::sleep(time));
        let run = pin!(self.collector.run(stop));
        match select(run, pin!(self.fuse.blown())).await {
            Either::Left(_) => self.fuse.is_blown(),
            Either::Right(_) => true,
        }
    }

    /// The report of the only case.
    pub(crate) async fn report(&self) -> CaseReport {
        let cases = self.collector.store().cases(None, CaseId::default(), 10).await.unwrap();
        let [case] = &cases[..] else { panic!("{} cases: {cases:?}", cases.len()) };
        self.collector.report(case.id).await.unwrap().unwrap()
    }
}
