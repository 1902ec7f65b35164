//! Several collectors on one PostgreSQL: they share the work, also while they are killed. The campaign `workers`.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

use std::sync::Arc;

use fastrand::Rng;
use futures_util::StreamExt as _;
use identkit_collector::{Collector, DiscardSink, ProviderSetup};
use identkit_core::{Address, NewCase, Person, Secret};
use identkit_identity_tm::{Credentials, IdentityTm};
use identkit_store::{KeyEncryptionKey, Postgres, Store};
use identkit_transport::SystemClock;
use identkit_transport::http::{HyperTransport, TlsConfig};

use super::kills::verdict::{assert_recorded_once, reread, settle};
use super::kills::{check_stderr, number};
use super::object_store::SECRETS;
use super::object_store::server::Server as ObjectStore;
use super::*;
use crate::listen::postgres::server::{self, Server};
use crate::support::file;

/// Time that the vendor takes for each response, in seconds.
const ANSWER: f64 = 0.2;

/// Number of cases at once of each worker with a limit.
const CONCURRENCY: usize = 8;

const WORKERS: usize = 4;

/// A service with a new database and a new vendor.
async fn service(server: &Server, s3: Option<&ObjectStore>, cases: usize) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let key = file(&folder, "key", &"7".repeat(64));
    let sandbox = Sandbox::plain();
    let store = Some((server.database().await, key));
    let service = Service { sandbox, folder, store, s3: s3.map(ObjectStore::place) };
    open(&service, cases).await;
    let slow = json!({ "fault": "latency", "seconds": ANSWER, "times": null });
    service.sandbox.ask("faults", Some(&slow.to_string()));
    service
}

/// Opens cases, and ends them: the first sweep finds that they have ended.
async fn open(service: &Service, cases: usize) {
    let (url, _) = service.store.as_ref().unwrap();
    let engine = Postgres::builder(url.as_str()).open().await.unwrap();
    let store = Store::open(Arc::new(engine), KeyEncryptionKey::from_bytes(&[0x77; 32])).await.unwrap();
    let account = |name: &str| service.sandbox.ready_text(&format!("/identity_tm/{name}"));
    let credentials = Credentials::new(account("customer_id"), Secret::new(account("customer_code")));
    let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
    let vendor = IdentityTm::builder(credentials).base_url(account("base_url")).transport(Arc::new(transport));
    let sink = Arc::new(DiscardSink::new(0));
    let collector = Collector::builder(store, sink, Arc::new(SystemClock::new()))
        .provider(ProviderSetup::new(Arc::new(vendor.build().unwrap())))
        .build()
        .unwrap();
    let country = Some("DE".into());
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        address: Address { country, ..Address::default() },
        ..Person::default()
    };
    let case = NewCase { person, ..NewCase::default() };
    futures_util::stream::iter(0..cases)
        .for_each_concurrent(CONCURRENCY, |_| async {
            let opened = collector.open("identity-tm", &case).await.unwrap();
            service.sandbox.play(opened.vendor_id.unwrap().expose(), "positive");
        })
        .await;
}

fn start(service: &Service, concurrency: usize) -> Running {
    let mut command = service.command("run --provider tm --lease 4s");
    command.args(["--concurrency", &concurrency.to_string(), "--sink"]).arg(service.sink_option());
    Running::start(&mut command)
}

/// Number of deletions that are recorded.
fn recorded(service: &Service) -> usize {
    service.ledger().len()
}

/// Cases each second of some workers.
async fn rate(server: &Server, s3: Option<&ObjectStore>, workers: usize, concurrency: usize, cases: usize) -> f64 {
    let service = service(server, s3, cases).await;
    let began = Instant::now();
    let running: Vec<Running> = (0..workers).map(|_| start(&service, concurrency)).collect();
    // The last cases leave places free, and the first need a sweep: neither counts.
    let (first, last) = (cases / 5, cases * 4 / 5);
    let mut times = Vec::new();
    loop {
        let number = recorded(&service);
        times.push((began.elapsed().as_secs_f64(), number));
        if number >= last {
            break;
        }
        assert!(began.elapsed() < HANGS * 10, "{number} of {cases} cases");
        std::thread::sleep(Duration::from_millis(200));
    }
    let used: f64 =
        running.iter().map(|worker| processor_time(worker.child.id())).sum::<f64>() / recorded(&service) as f64;
    running.into_iter().for_each(|worker| drop(worker.end("TERM")));
    let (from, done) = times.iter().copied().find(|(_, number)| *number >= first).unwrap();
    let (to, all) = *times.last().unwrap();
    let rate = (all - done) as f64 / (to - from);
    println!(
        "{workers} workers with {concurrency} cases at once{}: {rate:.1} cases/s, {used:.1} ms of their processor time a case \
         ({cases} cases)",
        if s3.is_some() { ", S3" } else { "" }
    );
    rate
}

/// Processor time of a process in milliseconds.
fn processor_time(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name in parentheses can contain blanks. Fields 14 and 15, in hundredths of a second; the list begins with field 3.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    10.0 * (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_share_the_work() {
    let Some(server) = server::shared().await else { return };
    let cases = usize::try_from(number("IDENTKIT_WORKERS_RATE", 6)).unwrap();
    rates(server, None, cases).await;
}

/// A case with its artifacts in a real object store.
fn complete_case(s3: &ObjectStore) {
    let service = Service { s3: Some(s3.place()), ..Service::new() };
    run(&mut service.collector(&["--check"])).ends_with(0, &[]).logs_none_of(&SECRETS);
    let running = service.start(&[]);
    assert_eq!(running.ready["sink"], service.sink_option().to_str().unwrap());
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    let status = service.becomes(&case, "deleted");
    service.assert_artifacts(&status);
    assert_eq!((status["artifacts"].as_array().unwrap().len(), service.files().len()), (2, 2));
    running.end("TERM").logs_none_of(&SECRETS);
}

/// Rates of one worker and of four.
async fn rates(server: &Server, s3: Option<&ObjectStore>, cases: usize) {
    let one = rate(server, s3, 1, CONCURRENCY, cases).await;
    let four = rate(server, s3, WORKERS, CONCURRENCY, cases * WORKERS).await;
    rate(server, s3, 1, 512, cases * WORKERS).await;
    println!("4 workers are {:.2} times as fast as one (goal: 3)", four / one);
}

/// Does nothing without `IDENTKIT_S3_SERVER=1`: the tests of every run need no object store.
#[tokio::test(flavor = "multi_thread")]
async fn workers_share_postgresql_and_an_object_store() {
    if number("IDENTKIT_S3_SERVER", 0) == 0 {
        return;
    }
    let (Some(server), Some(s3)) = (server::shared().await, ObjectStore::start()) else { return };
    complete_case(&s3);
    let count = |variable, default| usize::try_from(number(variable, default)).unwrap();
    kill_workers(server, Some(&s3), count("IDENTKIT_WORKERS_S3_CASES", 32)).await;
    rates(server, Some(&s3), count("IDENTKIT_WORKERS_S3_RATE", 12)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_repeat_no_artifact_and_no_deletion() {
    let Some(server) = server::shared().await else { return };
    kill_workers(server, None, usize::try_from(number("IDENTKIT_WORKERS_CASES", 32)).unwrap()).await;
}

/// Kills workers at random until most cases are complete. Each artifact and each deletion must be recorded once.
async fn kill_workers(server: &Server, s3: Option<&ObjectStore>, cases: usize) {
    let patience = Duration::from_secs(number("IDENTKIT_WORKERS_PATIENCE", 10));
    let service = service(server, s3, cases).await;
    let mut workers: Vec<Running> = (0..WORKERS).map(|_| start(&service, CONCURRENCY)).collect();
    let (mut rng, mut kills, began) = (Rng::with_seed(5), 0_usize, Instant::now());
    // Most of the work is done while workers are killed.
    while recorded(&service) < cases * 3 / 4 {
        assert!(began.elapsed() < HANGS * 60, "{} of {cases} cases", recorded(&service));
        std::thread::sleep(Duration::from_millis(rng.u64(..3000)));
        let killed = workers.swap_remove(rng.usize(..WORKERS));
        check_stderr(&killed.kill());
        kills += 1;
        workers.push(start(&service, CONCURRENCY));
    }
    let under_kills = began.elapsed();
    let ended = settle(&service, patience, || ());
    for worker in workers {
        check_stderr(&worker.end("TERM").stderr);
    }
    let ended = reread(&service, ended);
    assert_eq!((ended.len(), service.calls("putOrder")), (cases, cases as u64), "one order each");
    // With little patience, a case can still wait, e.g. for the next sweep.
    let waiting = |case: &&Value| patience < super::kills::ALL_WAITS && case["state"] == "open" && case["why"] != "";
    for case in ended.iter().filter(|case| !waiting(case)) {
        service.assert_artifacts(case);
        let kinds: Vec<_> = case["artifacts"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
        assert_eq!(kinds, ["ident-data", "report"], "each artifact once: {case:#}");
        // A worker was killed between the deletion and its record: the data are gone, which two reads must show.
        let waits = case["state"] == "collected" && !case["why"].as_str().unwrap().is_empty();
        assert!(case["state"] == "deleted" || waits, "{case:#}");
    }
    assert_recorded_once(&service, &ended);
    let deleted = ended.iter().filter(|case| case["state"] == "deleted").count();
    println!(
        "{cases} cases, {kills} kills in {} s: {deleted} deletions recorded, {} wait for a second read",
        under_kills.as_secs(),
        cases - deleted
    );
    assert!(kills > 1 && (deleted == cases || patience < super::kills::ALL_WAITS), "{deleted} of {cases}");
}
