//! Deadlines by size, places, the bucket of tokens, stalled uploads. Time is tokio's, paused.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn with_policy(policy: Policy, steps: Vec<Step>) -> (Driver<()>, Arc<Script>) {
    let (driver, script) = driver(steps);
    (driver.with_policy(policy), script)
}

#[tokio::test]
async fn an_empty_bucket_ends_calls_at_their_first_failure() {
    let policy = Policy::default().backoff(Duration::ZERO).retry_tokens(12);
    let steps = vec![Step::NotSent, Step::NotSent, Step::NotSent, Step::NotSent, Step::Answer(200, &[], "ok")];
    let (driver, script) = with_policy(policy, steps);
    let error = driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(script.seen.lock().unwrap().len(), 3, "two repeats are paid for");
    driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(script.seen.lock().unwrap().len(), 4, "no repeat is");
    driver.call(&Read, &CallOptions::new()).await.unwrap();
    assert_eq!(sent(&script), 5);
}

#[tokio::test]
async fn what_is_never_repeated_takes_no_tokens() {
    let (driver, script) = with_policy(
        Policy::default().backoff(Duration::ZERO).retry_tokens(5),
        vec![Step::Ambiguous, Step::Answer(404, &[], ""), Step::NotSent, Step::Answer(202, &[], "ok")],
    );
    driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!(driver.call(&Create, &CallOptions::new()).await.unwrap().attempts, 2, "the token is still there");
    assert_eq!(sent(&script), 4);
}

/// Counts the calls under way, each of which takes a second.
#[derive(Debug, Default)]
struct Slow {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Transport for Slow {
    #[allow(clippy::disallowed_methods)]
    async fn send(&self, _: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Response::new(Content::from_bytes("ok")))
    }
}

fn slow(policy: Policy) -> (Driver<()>, Arc<Slow>) {
    let slow = Arc::new(Slow::default());
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    let transport: Arc<dyn Transport> = Arc::clone(&slow) as _;
    let driver = Driver::new(transport, Arc::new(SystemClock::new()), Arc::new(NoAuth), base, ());
    (driver.with_policy(policy), slow)
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_places_are_under_way_and_the_others_wait() {
    let (driver, slow) = slow(Policy::default().concurrency(3));
    let options = CallOptions::new();
    let calls = (0..10).map(|_| driver.call(&Read, &options));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(slow.most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_counts_towards_the_deadline_and_nothing_was_sent() {
    let (driver, _) = slow(Policy::default().concurrency(1));
    let short = CallOptions::new().timeout(Duration::from_millis(1500));
    let (first, second, third) =
        tokio::join!(driver.call(&Create, &short), driver.call(&Create, &short), driver.call(&Create, &short));
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)), "cut half-way");
    let error = third.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_place_back() {
    let (driver, _) = slow(Policy::default().concurrency(1));
    begin(driver.call(&Read, &CallOptions::new())).await;
    driver.call(&Read, &CallOptions::new().timeout(Duration::from_secs(2))).await.unwrap();
}

/// Sends a body in pieces of a tenth, one every `pause`, and stops after so many.
#[derive(Debug)]
struct Upload {
    pause: Duration,
    pieces: u64,
}

#[async_trait]
impl Transport for Upload {
    #[allow(clippy::disallowed_methods)]
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        for _ in 0..self.pieces {
            tokio::time::sleep(self.pause).await;
            context.progress(request.body().len() / 10);
        }
        if self.pieces < 10 {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(Content::from_bytes("ok")))
    }
}

fn upload(pause: u64, pieces: u64) -> Driver<()> {
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    let transport = Upload { pause: Duration::from_secs(pause), pieces };
    Driver::new(Arc::new(transport), Arc::new(SystemClock::new()), Arc::new(NoAuth), base, ())
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_is_given_up_long_before_its_deadline_and_a_slow_one_is_not() {
    let clock = SystemClock::new();
    let error = upload(5, 4).call(&Long, &CallOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)));
    assert!(error.to_string().contains("stalled"), "{error}");
    assert!(clock.now().0 < Duration::from_secs(100), "{:?}", clock.now());
    // 200 s in all, which the deadline of an upload of this size allows.
    upload(20, 10).call(&Long, &CallOptions::new()).await.unwrap();
}
