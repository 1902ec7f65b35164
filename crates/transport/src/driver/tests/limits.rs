//! Timeouts by size, slots, the token bucket, stalled uploads. tokio's time is paused.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::streams::sleep;
use super::*;

#[tokio::test]
async fn an_empty_bucket_allows_no_retry() {
    use Step::NotSent;
    let (driver, script) = driver(&[NotSent, NotSent, NotSent, NotSent, OK]);
    let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).retry_tokens(12));
    let error = driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(script.requests.lock().unwrap().len(), 3, "two retries");
    driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(script.requests.lock().unwrap().len(), 4, "no retry");
    driver.call(&Read, &CallOptions::new()).await.unwrap();
    assert_eq!(script.sent(), 5);
}

#[tokio::test]
async fn calls_without_a_retry_take_no_tokens() {
    let (driver, script) = driver(&[Step::Ambiguous, answer(404, ""), Step::NotSent, answer(202, "ok")]);
    let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).retry_tokens(5));
    driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!(driver.call(&Create, &CallOptions::new()).await.unwrap().attempts, 2, "the token is still there");
    assert_eq!(script.sent(), 4);
}

#[tokio::test]
async fn a_successful_call_returns_the_tokens_of_its_retries() {
    let steps = [Step::NotSent, Step::NotSent, OK].repeat(3);
    let (driver, script) = driver(&steps);
    let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).retry_tokens(10));
    for _ in 0..3 {
        assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap().attempts, 3);
    }
    assert_eq!(script.sent(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_retry_must_begin_before_the_deadline() {
    let options = CallOptions::new().timeout(Duration::from_secs(60));
    let limited = |seconds| Step::Answer(429, seconds, "");
    let result = called(&Read, &options, &[limited(&[("retry-after", "60")])]).await;
    assert_eq!(result, "RateLimited Answered RetryLater 429");
    assert_eq!(called(&Read, &options, &[limited(&[("retry-after", "59")]), OK]).await, "ok after 2");
}

/// A driver with a number of slots whose calls take a second each, and the maximum number of concurrent calls.
fn slow(slots: u32) -> (Driver<()>, Arc<AtomicUsize>) {
    let max = Arc::new(AtomicUsize::new(0));
    let (now, highest) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&max));
    let driver = driver_by(Arc::new(NoAuth), move |_, context| {
        let (now, highest) = (Arc::clone(&now), Arc::clone(&highest));
        async move {
            highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            context.mark_sent();
            sleep(1).await;
            now.fetch_sub(1, Ordering::SeqCst);
            OK.play(context).await
        }
    });
    (driver.with_policy(Policy::default().concurrency(slots)), max)
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_are_limited_by_the_slots() {
    let (driver, max) = slow(3);
    let options = CallOptions::new();
    let answers = futures_util::future::join_all((0..10).map(|_| driver.call(&Read, &options))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(max.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_counts_towards_the_deadline() {
    let (driver, _) = slow(1);
    let short = CallOptions::new().timeout(Duration::from_millis(1500));
    let (first, second, third) =
        tokio::join!(driver.call(&Create, &short), driver.call(&Create, &short), driver.call(&Create, &short));
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)),
        "timed out after sending"
    );
    let error = third.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_releases_its_slot() {
    let (driver, _) = slow(1);
    begin(driver.call(&Read, &CallOptions::new())).await;
    driver.call(&Read, &CallOptions::new().timeout(Duration::from_secs(2))).await.unwrap();
}

/// A driver that sends a tenth of the body every `pause` seconds and stops after `pieces` tenths. The response to the whole
/// body takes another `wait` seconds.
fn upload(pause: u64, pieces: u64, wait: u64) -> Driver<()> {
    driver_by(Arc::new(NoAuth), move |request, context| async move {
        context.mark_sent();
        for _ in 0..pieces {
            sleep(pause).await;
            context.progress(request.body().len() / 10);
        }
        sleep(wait).await;
        if pieces < 10 { Step::HangAfter } else { OK }.play(context).await
    })
}

#[tokio::test(start_paused = true)]
async fn a_stalled_upload_fails_early_and_a_slow_one_succeeds() {
    let clock = SystemClock::new();
    let error = upload(5, 4, 0).call(&Long, &CallOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)));
    assert!(error.to_string().contains("stalled"), "{error}");
    assert!(clock.now().0 < Duration::from_secs(100), "{:?}", clock.now());
    // 200 s in total: within the timeout of an upload of this size.
    upload(20, 10, 0).call(&Long, &CallOptions::new()).await.unwrap();
    upload(1, 10, 100).call(&Long, &CallOptions::new()).await.expect("the whole body was sent");
    let error = upload(0, 0, 0).call(&Long, &CallOptions::new()).await.unwrap_err();
    assert!(!error.to_string().contains("stalled"), "without progress reports only the deadline applies: {error}");
}
