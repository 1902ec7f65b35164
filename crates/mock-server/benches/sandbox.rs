//! Cost of worlds, and duration of ten delivery attempts for a thousand webhooks in virtual time over TCP.
//!
//! `cargo bench -p identkit-mock-server --bench sandbox` runs all parts; with the name of a part (`world`, `worlds`,
//! `retries`) only that one. Memory is that of the process (`VmRSS`), so run `worlds` alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures real time and prints it"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identkit_core::Content;
use identkit_mock_server::worlds::NewWorld;
use identkit_mock_server::{Mode, Sandbox, Transition, VirtualClock, Worlds};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_wire::encode_base64;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const WORLDS: usize = 10_000;
const ORDERS: usize = 1_000;
const TRIES: usize = 10;
const HOURS: u64 = 75;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let runs = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if runs("world") {
            one_world();
        }
        if runs("worlds") {
            many_worlds();
        }
        if runs("retries") {
            retries().await;
        }
    });
}

fn frozen() -> VirtualClock {
    VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap())
}

/// Returns the memory of this process in MiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().map_or(0.0, |kib: f64| kib / 1024.0)
}

fn one_world() {
    let worlds = Worlds::from(&Sandbox::builder().clock(frozen()).start());
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let began = Instant::now();
            worlds.create(&NewWorld::default()).unwrap();
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("a new world: median {:?}, slowest of 200 {:?}", times[times.len() / 2], times[times.len() - 1]);
}

fn many_worlds() {
    let before = memory();
    let worlds = Worlds::from(&Sandbox::builder().clock(frozen()).start());
    let began = Instant::now();
    for _ in 0..WORLDS {
        worlds.create(&NewWorld::default()).unwrap();
    }
    println!("{WORLDS} worlds: {:?}, {:.0} MiB more than {before:.0}", began.elapsed(), memory() - before);
}

/// Starts a receiver that accepts the tenth attempt of each webhook.
async fn receiver(tried: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts: Arc<std::sync::Mutex<std::collections::HashMap<String, usize>>> = Arc::default();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (tried, counts) = (Arc::clone(&tried), Arc::clone(&counts));
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    tried.fetch_add(1, Ordering::Relaxed);
                    let mut counts = counts.lock().unwrap();
                    let count = counts.entry(request.uri().to_string()).or_default();
                    *count += 1;
                    let status = if *count < TRIES { 500 } else { 200 };
                    let response = Response::builder().status(status).body(Content::empty()).unwrap();
                    async move { Ok::<_, Infallible>(response) }
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    port
}

async fn retries() {
    let tried = Arc::new(AtomicUsize::new(0));
    let port = receiver(Arc::clone(&tried)).await;
    let transport = Arc::new(HyperTransport::new(&TlsConfig::bundled().unwrap()));
    let sandbox = Sandbox::builder().clock(frozen()).webhook_transport(transport).start();
    assert_eq!(sandbox.clock().mode(), Mode::Frozen);
    let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
    let mut ids = Vec::new();
    for number in 0..ORDERS {
        let order = json!({
            "Ref": format!("ref-{number}"), "Product": 12, "Add": 0, "Email": "e.mustermann@example.com",
            "Address": { "Firstname": "Erika", "Surname": "Mustermann", "Country": "DE" },
            "WebhookURL": { "OnFinal": format!("http://127.0.0.1:{port}/OnFinal?id=[OrderID]") },
        });
        let request = Request::builder().method("PUT").uri("/api/2.10/putOrder").header(AUTHORIZATION, &code);
        let answer = sandbox.handle(request.body(Bytes::from(order.to_string())).unwrap()).await;
        let placed: Value = serde_json::from_slice(&answer.into_body().collect(u64::MAX).await.unwrap()).unwrap();
        ids.push(placed["OrderID"].as_str().unwrap_or_else(|| panic!("not placed: {placed}")).to_owned());
    }
    let began = Instant::now();
    for id in &ids {
        assert_eq!(sandbox.transition(id, &Transition::Scenario("positive".into())), Ok(()));
    }
    sandbox.advance(Duration::from_secs(HOURS * 3600)).await;
    let (took, tries) = (began.elapsed(), tried.load(Ordering::Relaxed));
    let delivered = sandbox.deliveries(None).iter().filter(|delivery| delivery.is_delivered()).count();
    println!("{ORDERS} orders, {tries} attempts over {HOURS} virtual hours: {took:?}, {delivered} delivered");
}
