//! Deadlines by size, places, the bucket of tokens, stalled uploads. Time is tokio's, paused.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::streams::sleep;
use super::*;

#[tokio::test]
async fn an_empty_bucket_ends_calls_at_their_first_failure() {
    use Step::NotSent;
    let (driver, script) = driver(&[NotSent, NotSent, NotSent, NotSent, OK]);
    let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).retry_tokens(12));
    let error = driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(script.seen.lock().unwrap().len(), 3, "two repeats are paid for");
    driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(script.seen.lock().unwrap().len(), 4, "no repeat is");
    driver.call(&Read, &CallOptions::new()).await.unwrap();
    assert_eq!(script.sent(), 5);
}

#[tokio::test]
async fn what_is_never_repeated_takes_no_tokens() {
    let (driver, script) = driver(&[Step::Ambiguous, answer(404, ""), Step::NotSent, answer(202, "ok")]);
    let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).retry_tokens(5));
    driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!(driver.call(&Create, &CallOptions::new()).await.unwrap().attempts, 2, "the token is still there");
    assert_eq!(script.sent(), 4);
}

/// A driver of this many places whose calls take a second each, and the most of them that were under way at once.
fn slow(places: u32) -> (Driver<()>, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let (now, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&most));
    let driver = driver_by(Arc::new(NoAuth), move |_, context| {
        let (now, seen) = (Arc::clone(&now), Arc::clone(&seen));
        async move {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            context.mark_sent();
            sleep(1).await;
            now.fetch_sub(1, Ordering::SeqCst);
            OK.play(context).await
        }
    });
    (driver.with_policy(Policy::default().concurrency(places)), most)
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_places_are_under_way_and_the_others_wait() {
    let (driver, most) = slow(3);
    let options = CallOptions::new();
    let answers = futures_util::future::join_all((0..10).map(|_| driver.call(&Read, &options))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_counts_towards_the_deadline_and_nothing_was_sent() {
    let (driver, _) = slow(1);
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
    let (driver, _) = slow(1);
    begin(driver.call(&Read, &CallOptions::new())).await;
    driver.call(&Read, &CallOptions::new().timeout(Duration::from_secs(2))).await.unwrap();
}

/// Sends a body in pieces of a tenth, one every `pause` seconds, and stops after this many.
fn upload(pause: u64, pieces: u64) -> Driver<()> {
    driver_by(Arc::new(NoAuth), move |request, context| async move {
        context.mark_sent();
        for _ in 0..pieces {
            sleep(pause).await;
            context.progress(request.body().len() / 10);
        }
        if pieces < 10 { Step::HangAfter } else { OK }.play(context).await
    })
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
