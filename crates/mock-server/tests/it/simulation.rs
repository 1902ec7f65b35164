//! One intent, at most one order: the real client, driver and HTTP code against the real sandbox over a simulated
//! network that loses segments, resets, stalls, and whose server restarts. Deterministic for a seed.
//!
//! `IDENTKIT_SIMULATION_SEEDS` is the number of seeds (default 40); `cargo xtask campaign simulation` runs 10,000.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a test, and one that reports")]

use crate::support::*;
use bytes::BytesMut;
use http_body::Body as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use identkit_transport::http::{Dial, Stream};
use std::{
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
};

const CREATES: usize = 20;
const PORT: u16 = 80;

/// Number of executions of an order in the server, by `Ref`.
type Executed = Arc<Mutex<BTreeMap<String, u32>>>;

#[derive(Debug)]
struct SimulatedDial;

#[async_trait]
impl Dial for SimulatedDial {
    async fn dial(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(turmoil::net::TcpStream::connect((host, port)).await?))
    }
}

pub(crate) async fn whole(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut all = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}

async fn answer(
    sandbox: Sandbox,
    executed: Executed,
    request: Request<Incoming>,
) -> Result<Response<Content>, hyper::Error> {
    let (head, body) = request.into_parts();
    let bytes = whole(body).await?;
    let reference = serde_json::from_slice::<serde_json::Value>(&bytes)
        .ok()
        .and_then(|order| Some(order.get("Ref")?.as_str()?.to_owned()));
    let creates = head.method == Method::PUT;
    let response = sandbox.handle(Request::from_parts(head, bytes)).await;
    if creates && response.status() == StatusCode::ACCEPTED {
        *executed.lock().unwrap().entry(reference.unwrap()).or_default() += 1;
    }
    Ok(response)
}

async fn serve(sandbox: Sandbox, executed: Executed) -> turmoil::Result {
    let listener = turmoil::net::TcpListener::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (sandbox, executed) = (sandbox.clone(), Arc::clone(&executed));
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(sandbox.clone(), Arc::clone(&executed), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The client's result of one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IntentResult {
    Placed,
    NotPlaced,
    Unknown,
}

async fn place_all(seed: u64, output: Arc<Mutex<BTreeMap<String, IntentResult>>>) -> turmoil::Result {
    let transport = HyperTransport::with_dial(&TlsConfig::bundled().unwrap(), Arc::new(SimulatedDial));
    // Without TLS, which the simulation omits, a base URL must be a loopback address.
    let client = crate::support::tm_builder()
        .base_url("http://127.0.0.1/api/2.10")
        .policy(Policy::default().backoff(Duration::from_millis(200)).timeout(Duration::from_secs(8)))
        .transport(Arc::new(ToVendor(transport)))
        .clock(Arc::new(SystemClock::new()))
        .build()
        .unwrap();
    for number in 0..CREATES {
        let reference = format!("seed-{seed}-{number}");
        let outcome = match client.put_order(&crate::support::order().reference(&*reference), &CallOptions::new()).await
        {
            Ok(_) => IntentResult::Placed,
            Err(error) if error.kind() == Kind::OutcomeUnknown => {
                assert_eq!(error.delivery(), Some(Delivery::MaybeSent));
                IntentResult::Unknown
            }
            Err(error) => {
                assert_ne!(error.delivery(), Some(Delivery::MaybeSent), "{error}");
                IntentResult::NotPlaced
            }
        };
        output.lock().unwrap().insert(reference, outcome);
    }
    Ok(())
}

/// Sends requests for loopback to the simulated vendor.
#[derive(Debug)]
struct ToVendor(HyperTransport);

#[async_trait]
impl identkit_transport::Transport for ToVendor {
    async fn send(
        &self,
        mut request: Request<identkit_wire::Body>,
        context: &identkit_transport::AttemptContext,
    ) -> Result<Response<Content>, identkit_transport::Failure> {
        let path = request.uri().path_and_query().unwrap().clone();
        *request.uri_mut() = format!("http://vendor:{PORT}{path}").parse().unwrap();
        self.0.send(request, context).await
    }
}

#[derive(Debug, Default)]
struct Tally {
    placed: usize,
    not_placed: usize,
    unknown_carried_out: usize,
    unknown_not_carried_out: usize,
    violations: Vec<String>,
}

fn simulate(seed: u64, tally: &mut Tally) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
    let sandbox = crate::support::sandbox().clock(clock).seed(seed).start();
    let executed = Executed::default();
    let output = Arc::new(Mutex::new(BTreeMap::new()));

    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(3600))
        .tick_duration(Duration::from_millis(5))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(60))
        .fail_rate(0.02)
        .repair_rate(0.3)
        .build();
    let (served, log) = (sandbox.clone(), Arc::clone(&executed));
    sim.host("vendor", move || serve(served.clone(), Arc::clone(&log)));
    sim.client("company", place_all(seed, Arc::clone(&output)));
    let mut held = 0_u32;
    loop {
        // Stalls, partitions and restarts, at any time.
        match chance.u32(0..2000) {
            0..8 => sim.bounce("vendor"),
            8..14 if held == 0 => {
                sim.hold("company", "vendor");
                held = chance.u32(10..3000);
            }
            14..20 => {
                sim.partition("company", "vendor");
                held = chance.u32(10..600);
            }
            _ => {}
        }
        if held > 0 {
            held -= 1;
            if held == 0 {
                sim.repair("company", "vendor");
                sim.release("company", "vendor");
            }
        }
        if sim.step().unwrap() {
            break;
        }
    }

    let (output, executed) = (output.lock().unwrap(), executed.lock().unwrap());
    if output.len() != CREATES {
        tally.violations.push(format!("seed {seed}: {} of {CREATES} calls had an outcome", output.len()));
    }
    for (reference, outcome) in output.iter() {
        let orders = executed.get(reference).copied().unwrap_or(0);
        match (outcome, orders) {
            (IntentResult::Placed, 1) => tally.placed += 1,
            (IntentResult::NotPlaced, 0) => tally.not_placed += 1,
            (IntentResult::Unknown, 0) => tally.unknown_not_carried_out += 1,
            (IntentResult::Unknown, 1) => tally.unknown_carried_out += 1,
            (outcome, orders) => tally.violations.push(format!("{reference}: output {outcome:?}, {orders} orders")),
        }
    }
}

#[test]
fn at_77_one_intent_is_at_most_one_order_on_any_network() {
    let seeds = std::env::var("IDENTKIT_SIMULATION_SEEDS").map_or(40, |seeds| seeds.parse().unwrap());
    let mut tally = Tally::default();
    for seed in 0..seeds {
        simulate(seed, &mut tally);
    }
    println!("{seeds} seeds x {CREATES} creates: {tally:?}");
    assert_eq!(tally.violations, Vec::<String>::new());
    // The simulation is meaningful only if all of these occur.
    assert!(tally.placed > 0 && tally.not_placed > 0);
    assert!(tally.unknown_carried_out > 0 && tally.unknown_not_carried_out > 0);
}
