//! The same cases without a collector: the same calls through the same client, the same artifacts in the same sink, and a sync
//! of a plain file wherever the collector makes its state durable. It has no state machine, and survives no crash.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use identkit_bench::measure::{cpu, peak};
use identkit_collector::{ArtifactName, ArtifactSink};
use identkit_core::{
    CallOptions, DeletePermit, Error, EvidenceKind, EvidenceProof, IdentityProvider, Inbox, Kind, NewCase, Secret,
    Tokens, WebhookDelivery, async_trait,
};
use identkit_identity_tm::OrderCallback;
use identkit_mock_server::VirtualClock;
use identkit_synthetic::sample_contract;
use identkit_wire::Callback as _;
use jiff::Timestamp;
use tokio::sync::{Semaphore, oneshot};

use crate::slice::OPEN;
use crate::stage::{Stage, signature, sink};

/// Size in bytes of what is appended at each step: about that of a case's record in the store.
const RECORD: usize = 1_500;

type Line = (Vec<u8>, oneshot::Sender<()>);

/// A plain file. Everything that waits is written and synced together, as the store does.
#[derive(Clone)]
struct Log(mpsc::Sender<Line>);

impl Log {
    fn create(path: &Path) -> Self {
        let mut file = File::create(path).unwrap();
        let (lines, waiting) = mpsc::channel::<Line>();
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let group: Vec<Line> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let bytes: Vec<u8> = group.iter().flat_map(|(line, _)| line).copied().collect();
                file.write_all(&bytes).unwrap();
                file.sync_data().unwrap();
                group.into_iter().for_each(|(_, done)| done.send(()).unwrap_or_default());
            }
        });
        Self(lines)
    }

    async fn append(&self) {
        let (done, is_done) = oneshot::channel();
        self.0.send((vec![b'x'; RECORD], done)).unwrap();
        is_done.await.unwrap();
    }
}

/// The cases whose webhook has not arrived, by the token of their URL and by the vendor's id.
#[derive(Default)]
struct Waiting {
    tokens: Mutex<HashMap<String, Option<Secret>>>,
    ended: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

struct Receiving {
    waiting: Arc<Waiting>,
    log: Log,
}

#[async_trait]
impl Inbox for Receiving {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.log.append().await;
        let id = delivery.event.case_id.expect("the vendor's webhook has the id");
        if let Some(ended) = self.waiting.ended.lock().unwrap().remove(id.expose()) {
            ended.send(()).unwrap_or_default();
        }
        Ok(())
    }
}

#[async_trait]
impl Tokens for Waiting {
    async fn is_valid(&self, _: &str, _: &str, token: &Secret, _: Timestamp) -> Result<bool, Error> {
        Ok(self.tokens.lock().unwrap().contains_key(token.expose()))
    }

    async fn is_for_case(&self, _: &str, _: &str, token: &Secret, case: &Secret) -> Result<bool, Error> {
        let tokens = self.tokens.lock().unwrap();
        Ok(tokens.get(token.expose()).is_some_and(|of| of.as_ref().is_none_or(|of| of == case)))
    }
}

/// What all cases share.
struct Service {
    stage: Stage,
    sink: Arc<dyn ArtifactSink>,
    log: Log,
    waiting: Arc<Waiting>,
}

impl Service {
    /// Opens a case, awaits its end, collects its evidence, and deletes the data at the vendor.
    async fn case(&self, number: u64, mut case: NewCase) {
        let (vendor, options) = (&self.stage.vendor, CallOptions::new());
        let token = format!("{number:043}");
        self.waiting.tokens.lock().unwrap().insert(token.clone(), None);
        let base = "http://hooks.example.com".parse().unwrap();
        case.webhook_final = Some(OrderCallback::OnFinal.url_template(&base, &Secret::new(&*token)).unwrap());
        // The intent, and the token.
        self.log.append().await;
        self.log.append().await;
        let opened = vendor.open(&case, &options).await.unwrap().case;
        let (ended, has_ended) = oneshot::channel();
        self.waiting.ended.lock().unwrap().insert(opened.id.expose().to_owned(), ended);
        self.waiting.tokens.lock().unwrap().insert(token.clone(), Some(opened.id.clone()));
        self.log.append().await;
        self.stage.play(&opened.id);
        has_ended.await.unwrap();

        let status = IdentityProvider::status(&**vendor, &opened, &options).await.unwrap();
        assert!(status.outcome.is_final());
        self.log.append().await;
        let (_, plan) = vendor.planned(&opened, &options).await.unwrap();
        self.log.append().await;
        let mut saved = Vec::new();
        for kind in plan.kinds() {
            for piece in vendor.evidence(&opened, kind, &options).await.unwrap() {
                let name = ArtifactName::new(format!("by-hand/{number}"), piece.file_name(), 1);
                let artifact = self.sink.store(&name, piece.content).await.unwrap();
                saved.push((piece.item, artifact));
            }
            self.log.append().await;
        }
        // Everything is collected.
        self.log.append().await;
        for (_, artifact) in &saved {
            let found = self.sink.digest(&artifact.location).await.unwrap();
            assert_eq!(found, (artifact.length, artifact.sha256));
        }
        let digests = saved.into_iter().map(|(item, artifact)| (item, artifact.sha256)).collect();
        let permit = DeletePermit::Evidence(EvidenceProof::new(&plan, digests).unwrap());
        // The intent to delete.
        self.log.append().await;
        vendor.delete(&opened, &permit, &options).await.unwrap();
        let gone = vendor.evidence(&opened, EvidenceKind::IdentData, &options).await;
        assert_eq!(gone.err().map(|error| error.kind()), Some(Kind::NotFound));
        self.log.append().await;
        self.waiting.tokens.lock().unwrap().remove(&token);
    }
}

/// Like a slice, in a new file. Prints the same numbers.
pub async fn run(folder: &str, sink_name: &str, count: u64) {
    let folder = Path::new(folder);
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let seed = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    let (waiting, log) = (Arc::new(Waiting::default()), Log::create(&folder.join("by-hand.log")));
    let inbox = Arc::new(Receiving { waiting: Arc::clone(&waiting), log: log.clone() });
    let stage = Stage::start(VirtualClock::new(start), seed, inbox, Arc::clone(&waiting) as Arc<dyn Tokens>);
    let service = Arc::new(Service { stage, sink: sink(folder, sink_name), log, waiting });
    let pdf = Bytes::from(sample_contract());
    let places = Arc::new(Semaphore::new(OPEN));
    let at_start = peak();
    let (began, cpu_before) = (Instant::now(), cpu());
    for number in 0..count {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (service, case) = (Arc::clone(&service), signature(format!("case-{seed}-{number}"), &pdf));
        tokio::spawn(async move {
            service.case(number, case).await;
            drop(place);
        });
    }
    let _all = places.acquire_many(u32::try_from(OPEN).unwrap()).await.unwrap();
    let (seconds, used) = (began.elapsed().as_secs_f64(), cpu() - cpu_before);
    println!("0 {seconds} {} {at_start} {}", used / count as f64, peak());
}
