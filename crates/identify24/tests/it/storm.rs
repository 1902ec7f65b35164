//! The login storm: a hundred callers at once across the end of a token, again and again. One login for each token, no
//! more, also when the caller that began it goes away.
//!
//! `IDENTKIT_STORM_ROUNDS` and `IDENTKIT_STORM_CANCELLED` set the numbers of rounds; `cargo xtask campaign logins` runs
//! the large ones.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

use std::future::{Future, poll_fn};
use std::sync::atomic::AtomicBool;

use futures_util::future::join_all;
use http::StatusCode;

use crate::support::*;

const CALLERS: usize = 100;

/// A vendor that knows one token at a time, takes its time at random, and counts.
#[derive(Debug, Default)]
struct Counting {
    sent_logins: AtomicUsize,
    logins: AtomicUsize,
    /// The only token that is good now.
    good: AtomicUsize,
    calls: AtomicUsize,
    refused: AtomicUsize,
    /// While set, logins get no answer.
    held: AtomicBool,
    random: Mutex<fastrand::Rng>,
}

impl Counting {
    /// Others get their turn, as often as chance will have it.
    async fn dawdle(&self) {
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
        self.dawdle().await;
        let (status, body) = if login {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if self.held.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            let token = Self::count(&self.logins);
            self.good.store(token, Ordering::SeqCst);
            (200, format!(r#"{{"result":true,"response_status":200,"token":"{token}","messages":[]}}"#))
        } else {
            Self::count(&self.calls);
            let good = self.good.load(Ordering::SeqCst).to_string();
            if request.headers()["x-api-token"].to_str().unwrap() == good {
                (200, r#"{"result":true,"messages":[],"data":[],"response_status":200}"#.to_owned())
            } else {
                Self::count(&self.refused);
                (401, String::new())
            }
        };
        self.dawdle().await;
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

    /// Ends the present token: told by the vendor's 401, or foreseen after 28 idle minutes.
    fn expire(&self, foreseen: bool) {
        self.vendor.good.store(0, Ordering::SeqCst);
        if foreseen {
            self.clock.advance(Duration::from_secs(28 * 60));
        }
    }

    /// One caller.
    fn call(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let client = self.client.clone();
        Box::pin(async move { client.projects(&options()).await.is_ok() })
    }

    fn logins(&self) -> (usize, usize) {
        (self.vendor.logins.load(Ordering::SeqCst), self.vendor.sent_logins.load(Ordering::SeqCst))
    }

    fn told(&self, what: &str, rounds: usize) {
        let (logins, _) = self.logins();
        let (calls, refused) = (self.vendor.calls.load(Ordering::SeqCst), self.vendor.refused.load(Ordering::SeqCst));
        println!("{what}: {rounds} rounds of {CALLERS} callers: {logins} logins, {calls} calls, {refused} of them 401");
    }
}

/// The number of rounds: as the environment says, else few enough for every run of the tests.
fn rounds(variable: &str, otherwise: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number")),
        Err(_) => otherwise,
    }
}

#[tokio::test]
async fn each_generation_of_the_token_is_one_login_however_many_call() {
    let rounds = rounds("IDENTKIT_STORM_ROUNDS", 200);
    let storm = Storm::new(4711);
    for round in 1..=rounds {
        assert!(join_all((0..CALLERS).map(|_| storm.call())).await.into_iter().all(|good| good));
        assert_eq!(storm.logins(), (round, round), "round {round}");
        storm.expire(round % 2 == 0);
    }
    assert!(rounds < 2 || storm.vendor.refused.load(Ordering::SeqCst) > 0, "the vendor's 401 is one way to hear of it");
    storm.told("logins", rounds);
}

#[tokio::test]
async fn each_generation_is_one_login_also_when_the_caller_that_began_it_goes_away() {
    let rounds = rounds("IDENTKIT_STORM_CANCELLED", 100);
    let mut storm = Storm::new(4712);
    let mut cx = Context::from_waker(Waker::noop());
    for round in 1..=rounds {
        storm.vendor.held.store(true, Ordering::SeqCst);
        let mut leader = storm.call();
        // It leads: nobody else has begun when its login goes out.
        while storm.logins().1 < round {
            assert!(leader.as_mut().poll(&mut cx).is_pending(), "round {round}");
        }
        let mut others: Vec<_> = (1..CALLERS).map(|_| storm.call()).collect();
        for _ in 0..storm.random.u8(0..4) {
            assert!(others.iter_mut().all(|call| call.as_mut().poll(&mut cx).is_pending()));
        }
        // The one that began it and some of the others go away.
        drop(leader);
        others.truncate(CALLERS - 1 - storm.random.usize(0..CALLERS / 2));
        assert_eq!(storm.logins(), (round - 1, round), "round {round}: the leader left before the answer");
        storm.vendor.held.store(false, Ordering::SeqCst);
        assert!(join_all(others).await.into_iter().all(|good| good), "round {round}");
        assert_eq!(storm.logins(), (round, round), "round {round}: sent once, taken over");
        storm.expire(round % 2 == 0);
    }
    storm.told("logins with their leader cancelled", rounds);
}
