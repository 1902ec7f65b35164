//! A slice: a fresh process that adds cases to a store, and has all of them collected and deleted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use identkit_bench::measure::{cpu, peak};
use identkit_collector::{CaseState, CaseWebhook, Collector, Incident, ProviderSetup};
use identkit_core::{Inbox, Tokens, WebhookDelivery, async_trait};
use identkit_identity_tm::OrderCallback;
use identkit_mock_server::VirtualClock;
use identkit_store::{CaseId, KeyEncryptionKey, Sqlite, Store};
use identkit_synthetic::sample_contract;
use identkit_wire::Callback as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, oneshot};

use crate::stage::{Stage, signature, sink};

/// Number of cases that are open at once.
pub const OPEN: usize = 64;

/// Name of the number of cases in the store.
const CASES: &str = "bench-cases";

/// The time between the first cases of two slices of 10,000, after which a sweep is due: a million cases take ten months.
const HOURS: i64 = 70;

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
    let stage = Stage::start(
        clock.clone(),
        run,
        Arc::clone(&late) as Arc<dyn Inbox>,
        Arc::new(store.clone()) as Arc<dyn Tokens>,
    );
    // A slice that was stopped leaves cases that this vendor does not know. They are not part of this slice.
    let first = Arc::new(AtomicU64::new(u64::MAX));
    let is_left_over = {
        let first = Arc::clone(&first);
        move |case: CaseId| case.0 < first.load(Ordering::Relaxed)
    };
    let base = "http://hooks.example.com".parse().unwrap();
    let webhook = CaseWebhook::new("OnFinal", move |token| OrderCallback::OnFinal.url_template(&base, token));
    let places = Arc::new(Semaphore::new(OPEN));
    let ended = Arc::clone(&places);
    let collector = Collector::builder(store.clone(), sink(folder, sink_name), Arc::new(clock.clone()))
        .provider(ProviderSetup::new(stage.vendor.clone()).on_final(webhook))
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
        let (collector, stage, first) = (Arc::clone(&collector), stage.clone(), Arc::clone(&first));
        let case = signature(format!("case-{run}-{number}"), &pdf);
        tokio::spawn(async move {
            let opened = collector.open("identity-tm", &case).await.unwrap();
            first.fetch_min(opened.case.0, Ordering::Relaxed);
            stage.play(&opened.vendor_id.unwrap());
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
