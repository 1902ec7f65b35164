//! Reports to an observer: every call that starts ends exactly once.

use super::*;
use crate::{AttemptReport, CallObserver, CallReport, StreamReport};

#[derive(Debug, Default)]
struct Reports {
    calls: Mutex<Vec<CallInfo>>,
    attempts: Mutex<Vec<AttemptReport>>,
    ends: Mutex<Vec<CallReport>>,
    streams: Mutex<Vec<StreamReport>>,
}

#[derive(Clone, Debug, Default)]
struct TestObserver(Arc<Reports>);

impl Observer for TestObserver {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        self.0.calls.lock().unwrap().push(*call);
        Arc::new(self.clone())
    }
}

impl CallObserver for TestObserver {
    fn attempted(&self, attempt: &AttemptReport) {
        self.0.attempts.lock().unwrap().push(*attempt);
    }
    fn ended(&self, report: &CallReport) {
        self.0.ends.lock().unwrap().push(*report);
    }
    fn streamed(&self, report: &StreamReport) {
        self.0.streams.lock().unwrap().push(*report);
    }
}

impl TestObserver {
    fn attempts(&self) -> Vec<AttemptReport> {
        self.0.attempts.lock().unwrap().clone()
    }

    /// Of each stream its length, the kind of its error, and whether it was dropped.
    fn streams(&self) -> Vec<(u64, Option<Kind>, bool)> {
        self.0.streams.lock().unwrap().iter().map(|stream| (stream.bytes, stream.failure, stream.dropped)).collect()
    }

    fn end(&self) -> CallReport {
        let ends = self.0.ends.lock().unwrap();
        assert_eq!(ends.len(), 1, "{self:?}");
        ends[0]
    }
}

fn observed(steps: &[Step]) -> (Driver<()>, TestObserver) {
    let observer = TestObserver::default();
    (driver(steps).0.with_observer(Some(Arc::new(observer.clone()))), observer)
}

#[tokio::test]
async fn every_attempt_and_the_end_are_reported() {
    let (driver, observer) = observed(&[Step::NotSent, answer(503, "busy"), OK]);
    driver.call(&Read, &CallOptions::new().tag("nightly")).await.unwrap();
    let info = CallInfo { provider: "test", operation: "Read", tag: Some("nightly") };
    assert_eq!(*observer.0.calls.lock().unwrap(), [info]);
    let attempts: Vec<_> =
        observer.attempts().iter().map(|a| (a.number, a.status, a.failure, a.delivery, a.wait.is_some())).collect();
    assert_eq!(
        attempts,
        [
            (1, None, Some(Kind::Unreachable), Delivery::NotSent, true),
            (2, Some(503), Some(Kind::Unavailable), Delivery::Answered, true),
            (3, Some(200), None, Delivery::Answered, false),
        ]
    );
    assert_eq!(observer.attempts()[0].request_bytes, 4);
    let end = observer.end();
    assert_eq!((end.attempts, end.status, end.failure, end.dropped), (3, Some(200), None, false));
    assert_eq!(end.delivery, Delivery::Answered);
}

#[tokio::test]
async fn a_dropped_call_reports_how_far_it_got() {
    for (step, delivery) in [(Step::HangBefore, Delivery::NotSent), (Step::HangAfter, Delivery::MaybeSent)] {
        let (driver, observer) = observed(&[step]);
        begin(driver.call(&Create, &CallOptions::new())).await;
        let end = observer.end();
        assert!(end.dropped && end.failure.is_none());
        assert_eq!((end.attempts, end.delivery), (1, delivery));
    }
    // Dropped during the wait before the second attempt.
    for (first, delivery) in [
        (Step::NotSent, Delivery::NotSent),
        (Step::Ambiguous, Delivery::MaybeSent),
        (Step::Answer(429, &[("retry-after", "100")], ""), Delivery::Answered),
    ] {
        let (driver, observer) = observed(&[first]);
        let driver = driver.with_policy(Policy::default().backoff(Duration::from_secs(3600)).timeout(Duration::MAX));
        begin(driver.call(&Delete, &CallOptions::new())).await;
        assert_eq!((observer.end().dropped, observer.end().delivery), (true, delivery), "{first:?}");
    }
}

#[tokio::test]
async fn an_invalid_call_reports_its_end_and_no_attempt() {
    let (driver, observer) = observed(&[]);
    driver.call(&Unsendable, &CallOptions::new()).await.unwrap_err();
    assert_eq!(observer.attempts(), []);
    let end = observer.end();
    assert_eq!((end.attempts, end.failure, end.delivery), (0, Some(Kind::InvalidInput), Delivery::NotSent));
}

#[tokio::test]
async fn a_stream_is_reported_after_its_call() {
    let chunked: Headers = &[("transfer-encoding", "chunked")];
    let (driver, observer) = observed(&[Step::Lengthless(chunked, "%PDF-"), answer(200, "%PDF-")]);
    let content = driver.call(&Open, &CallOptions::new()).await.unwrap().value;
    assert_eq!((observer.end().failure, observer.streams()), (None, vec![]));
    content.0.collect(100).await.unwrap();
    drop(driver.call(&Open, &CallOptions::new()).await.unwrap());
    assert_eq!(observer.streams(), [(5, None, false), (5, None, true)]);
}
