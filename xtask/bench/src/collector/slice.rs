//! A slice: a fresh process that adds cases to a store, and has all of them collected and deleted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use identkit_bench::measure::{cpu, peak};
use identkit_collector::{
    ArtifactSink, CaseState, CaseWebhook, Collector, DiscardSink, FolderSink, Incident, ProviderSetup,
};
use identkit_core::{
    Address, Content, Delivery, Document, Inbox, Kind, NewCase, Person, Purpose, Secret, WebhookDelivery, async_trait,
};
use identkit_identity_tm::{Credentials, IdentityTm, OrderCallback};
use identkit_mock_server::{Sandbox, VirtualClock};
use identkit_store::{CaseId, KeyEncryptionKey, Sqlite, Store};
use identkit_synthetic::sample_contract;
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_webhook::Receiver;
use identkit_wire::{Body, Callback as _};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, oneshot};

/// Number of cases that are open at once.
const OPEN: usize = 64;

/// Number of cases that the vendor remembers: its memory must not grow.
const REMEMBERED: usize = 1_000;

/// Memory of the sink that discards artifacts.
const DISCARDED: u64 = 16 * 1024 * 1024;

/// Name of the number of cases in the store.
const CASES: &str = "bench-cases";

/// The time between the first cases of two slices of 10,000, after which a sweep is due: a million cases take ten months.
const HOURS: i64 = 70;

/// Delivers the vendor's webhooks without a socket.
struct Webhooks(Arc<Receiver>);

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhooks")
    }
}

#[async_trait]
impl Transport for Webhooks {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let failed = |_| Failure::new(Delivery::NotSent, Kind::Storage, "the body cannot be read");
        let (head, body) = request.into_parts();
        let chunks: Vec<Bytes> = body.read().collect::<Result<_, _>>().map_err(failed)?;
        context.mark_sent();
        let response = self.0.handle(Request::from_parts(head, Bytes::from(chunks.concat()))).await;
        Ok(response.map(Content::from_bytes))
    }
}

/// The collector as an inbox that exists before the collector: the vendor needs the receiver, and the collector the vendor.
#[derive(Default)]
struct Late(std::sync::OnceLock<Arc<Collector>>);

#[async_trait]
impl Inbox for Late {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), identkit_core::Error> {
        self.0.get().expect("no case was opened before").accept(delivery).await
    }
}

/// The number of cases in the store of a folder.
pub async fn cases(store: &Store) -> u64 {
    let bytes = store.watermark(CASES).await.unwrap();
    bytes.map_or(0, |bytes| String::from_utf8(bytes).unwrap().parse().unwrap())
}

async fn open_store(folder: &Path) -> Store {
    let engine = Sqlite::builder(folder.join("state.db")).open().unwrap();
    Store::open(Arc::new(engine), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap()
}

fn sink(folder: &Path, name: &str) -> Arc<dyn ArtifactSink> {
    match name {
        "discard" => Arc::new(DiscardSink::new(DISCARDED)),
        "folder" => Arc::new(FolderSink::open(folder.join("evidence")).unwrap()),
        _ => panic!("unknown sink: {name}"),
    }
}

/// A signature case: its evidence is the data of the person, the report and the signed document.
fn signature(reference: String, pdf: &Bytes) -> NewCase {
    let address = Address {
        street: Some("Heidestr.".into()),
        house_number: Some("17".into()),
        postal_code: Some("51147".into()),
        city: Some("Köln".into()),
        country: Some("DE".into()),
        ..Address::default()
    };
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        mobile: Some("+491711234567".into()),
        address,
        ..Person::default()
    };
    let documents = vec![Document { name: "contract.pdf".to_owned(), pdf: pdf.clone() }];
    NewCase { purpose: Purpose::Signature, reference: Some(reference.into()), person, documents, ..NewCase::default() }
}

/// Adds cases to the store of a folder. Prints the number of cases before, the seconds, the milliseconds of processor time
/// for each case, the peak memory in MiB after the start and at the end.
pub async fn run(folder: &str, sink_name: &str, count: u64) {
    let folder = Path::new(folder);
    let store = open_store(folder).await;
    let before = cases(&store).await;
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let hours = HOURS * i64::try_from(before / 10_000).unwrap();
    // Another vendor with other ids for each slice, also if one is stopped and begins again.
    let run = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    let clock = VirtualClock::new(start + SignedDuration::from_hours(hours));
    let late = Arc::new(Late::default());
    let callbacks = identkit_identity_tm::callbacks();
    let receiver = Receiver::new(callbacks, Arc::clone(&late) as Arc<dyn Inbox>, Arc::new(clock.clone()));
    let receiver = Arc::new(receiver.tokens(Arc::new(store.clone())));
    let sandbox = Sandbox::builder()
        .clock(clock.clone())
        .seed(run)
        .keep_cases(REMEMBERED)
        .webhook_transport(Arc::new(Webhooks(receiver)))
        .start();
    // A slice that was stopped leaves cases that this vendor does not know. They are not part of this slice.
    let first = Arc::new(AtomicU64::new(u64::MAX));
    let is_left_over = {
        let first = Arc::clone(&first);
        move |case: CaseId| case.0 < first.load(Ordering::Relaxed)
    };
    let [id, code] = sandbox.credentials("identity-tm");
    let vendor = IdentityTm::builder(Credentials::new(id, Secret::new(code)))
        .transport(sandbox.transport())
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    let base = "http://hooks.example.com".parse().unwrap();
    let webhook = CaseWebhook::new("OnFinal", move |token| OrderCallback::OnFinal.url_template(&base, token));
    let places = Arc::new(Semaphore::new(OPEN));
    let ended = Arc::clone(&places);
    let collector = Collector::builder(store.clone(), sink(folder, sink_name), Arc::new(clock.clone()))
        .provider(ProviderSetup::new(Arc::new(vendor)).on_final(webhook))
        .on_incident(move |incident| match incident {
            Incident::Changed { to: CaseState::Deleted, .. } => ended.add_permits(1),
            Incident::Changed { .. } => {}
            Incident::Failed { case, .. } if is_left_over(case) => {}
            other => {
                // A panic would end the worker only.
                eprintln!("{other:?}");
                std::process::exit(1);
            }
        })
        .build()
        .unwrap();
    let collector = Arc::new(collector);
    late.0.set(Arc::clone(&collector)).unwrap_or_else(|_| panic!("it is set once"));
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = Arc::clone(&collector);
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let pdf = Bytes::from(sample_contract());
    let at_start = peak();
    let (began, cpu_before) = (Instant::now(), cpu());
    for number in before..before + count {
        places.acquire().await.unwrap().forget();
        let (collector, sandbox, first) = (Arc::clone(&collector), sandbox.clone(), Arc::clone(&first));
        let case = signature(format!("case-{run}-{number}"), &pdf);
        tokio::spawn(async move {
            let opened = collector.open("identity-tm", &case).await.unwrap();
            first.fetch_min(opened.case.0, Ordering::Relaxed);
            sandbox.play(opened.vendor_id.unwrap().expose(), "signed").unwrap();
        });
        if number % 100 == 0 {
            // The vendor's list of changes and the watermarks of the sweeps move on.
            clock.advance(Duration::from_millis(1)).await;
        }
    }
    let _all = places.acquire_many(u32::try_from(OPEN).unwrap()).await.unwrap();
    let (seconds, used) = (began.elapsed().as_secs_f64(), cpu() - cpu_before);
    drop(stop);
    worker.await.unwrap();
    let total = (before + count).to_string().into_bytes();
    let was = store.watermark(CASES).await.unwrap();
    assert!(store.swap_watermark(CASES, was.as_deref(), &total).await.unwrap());
    println!("{before} {seconds} {} {at_start} {}", used / count as f64, peak());
}

/// Prints the number of cases of a folder.
pub async fn count(folder: &str) {
    println!("{}", cases(&open_store(Path::new(folder)).await).await);
}
