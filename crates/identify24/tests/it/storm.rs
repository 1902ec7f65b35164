//! The login storm: a hundred concurrent callers, and tokens that expire again and again. There is one login per token,
//! even if the caller that started it is dropped.
//!
//! `IDENTKIT_STORM_ROUNDS` and `IDENTKIT_STORM_CANCELLED` set the number of rounds;
//! `cargo xtask campaign logins` runs many.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

use std::future::{Future, poll_fn};
use std::sync::atomic::AtomicBool;

use futures_util::future::join_all;
use http::StatusCode;

use crate::support::*;

const CALLERS: usize = 100;

/// A vendor that accepts one token at a time, answers after random delays, and counts.
#[derive(Debug, Default)]
struct Counting {
    sent_logins: AtomicUsize,
    logins: AtomicUsize,
    /// The valid token.
    valid: AtomicUsize,
    calls: AtomicUsize,
    rejected: AtomicUsize,
    /// Whether logins get no response.
    held: AtomicBool,
    random: Mutex<fastrand::Rng>,
}

impl Counting {
    /// Yields to other tasks a random number of times.
    async fn yield_randomly(&self) {
        let mut turns = self.random.lock().unwrap().u8(1..6);
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            turns -= 1;
            if turns == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn count(counter: &AtomicUsize) -> usize {
        counter.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        let login = request.uri().path() == "/auth";
        if login {
            Self::count(&self.sent_logins);
        }
        self.yield_randomly().await;
        let (status, body) = if login {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if self.held.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            let token = Self::count(&self.logins);
            self.valid.store(token, Ordering::SeqCst);
            (200, format!(r#"{{"result":true,"response_status":200,"token":"{token}","messages":[]}}"#))
        } else {
            Self::count(&self.calls);
            let valid = self.valid.load(Ordering::SeqCst).to_string();
            if request.headers()["x-api-token"].to_str().unwrap() == valid {
                (200, r#"{"result":true,"messages":[],"data":[],"response_status":200}"#.to_owned())
            } else {
                Self::count(&self.rejected);
                (401, String::new())
            }
        };
        self.yield_randomly().await;
        let mut response = Response::new(Content::from_bytes(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok(response)
    }
}

struct Storm {
    vendor: Arc<Counting>,
    clock: TestClock,
    client: Identify24,
    random: fastrand::Rng,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let vendor = Arc::new(Counting::default());
        *vendor.random.lock().unwrap() = fastrand::Rng::with_seed(seed);
        let clock = TestClock::default();
        let client = client_over(Arc::clone(&vendor) as _, |builder| builder.clock(Arc::new(clock.clone())));
        Self { vendor, clock, client, random: fastrand::Rng::with_seed(seed) }
    }

    /// Invalidates the token. If `idle`, 28 minutes also pass, so the client renews the token before it gets a 401.
    fn expire(&self, idle: bool) {
        self.vendor.valid.store(0, Ordering::SeqCst);
        if idle {
            self.clock.advance(Duration::from_secs(28 * 60));
        }
    }

    /// Starts one caller.
    fn call(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let client = self.client.clone();
        Box::pin(async move { client.projects(&options()).await.is_ok() })
    }

    fn logins(&self) -> (usize, usize) {
        (self.vendor.logins.load(Ordering::SeqCst), self.vendor.sent_logins.load(Ordering::SeqCst))
    }

    fn print(&self, what: &str, rounds: usize) {
        let (logins, _) = self.logins();
        let (calls, rejected) = (self.vendor.calls.load(Ordering::SeqCst), self.vendor.rejected.load(Ordering::SeqCst));
        println!(
            "{what}: {rounds} rounds of {CALLERS} callers: {logins} logins, {calls} calls, {rejected} of them 401"
        );
    }
}

/// Number of rounds from the environment variable, or the default.
fn rounds(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")),
        Err(_) => default,
    }
}

#[tokio::test]
async fn each_token_needs_one_login_for_all_callers() {
    let rounds = rounds("IDENTKIT_STORM_ROUNDS", 200);
    let storm = Storm::new(4711);
    for round in 1..=rounds {
        assert!(join_all((0..CALLERS).map(|_| storm.call())).await.into_iter().all(|succeeded| succeeded));
        assert_eq!(storm.logins(), (round, round), "round {round}");
        storm.expire(round % 2 == 0);
    }
    assert!(rounds < 2 || storm.vendor.rejected.load(Ordering::SeqCst) > 0, "no call got a 401");
    storm.print("logins", rounds);
}

#[tokio::test]
async fn each_token_needs_one_login_if_the_leader_is_dropped() {
    let rounds = rounds("IDENTKIT_STORM_CANCELLED", 100);
    let mut storm = Storm::new(4712);
    let mut cx = Context::from_waker(Waker::noop());
    for round in 1..=rounds {
        storm.vendor.held.store(true, Ordering::SeqCst);
        let mut leader = storm.call();
        // It is the leader: its login is sent before any other caller starts.
        while storm.logins().1 < round {
            assert!(leader.as_mut().poll(&mut cx).is_pending(), "round {round}");
        }
        let mut others: Vec<_> = (1..CALLERS).map(|_| storm.call()).collect();
        for _ in 0..storm.random.u8(0..4) {
            assert!(others.iter_mut().all(|call| call.as_mut().poll(&mut cx).is_pending()));
        }
        // Drop the leader and some of the others.
        drop(leader);
        others.truncate(CALLERS - 1 - storm.random.usize(0..CALLERS / 2));
        assert_eq!(storm.logins(), (round - 1, round), "round {round}: the leader was dropped before the response");
        storm.vendor.held.store(false, Ordering::SeqCst);
        assert!(join_all(others).await.into_iter().all(|succeeded| succeeded), "round {round}");
        assert_eq!(storm.logins(), (round, round), "round {round}: sent once, then shared");
        storm.expire(round % 2 == 0);
    }
    storm.print("logins with a dropped leader", rounds);
}
