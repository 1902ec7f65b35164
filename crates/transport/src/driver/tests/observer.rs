//! What an observer hears: every call that began ends once, whatever becomes of it.

use super::*;
use crate::{AttemptReport, CallObserver, CallReport, StreamReport};

#[derive(Debug, Default)]
struct Heard {
    calls: Mutex<Vec<CallInfo>>,
    attempts: Mutex<Vec<AttemptReport>>,
    ends: Mutex<Vec<CallReport>>,
    streams: Mutex<Vec<StreamReport>>,
}

#[derive(Clone, Debug, Default)]
struct Ear(Arc<Heard>);

impl Observer for Ear {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        self.0.calls.lock().unwrap().push(*call);
        Arc::new(self.clone())
    }
}

impl CallObserver for Ear {
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

impl Ear {
    fn attempts(&self) -> Vec<AttemptReport> {
        self.0.attempts.lock().unwrap().clone()
    }

    /// How the streams ended: what went wrong, and whether they were dropped.
    fn streams(&self) -> Vec<(Option<Kind>, bool)> {
        self.0.streams.lock().unwrap().iter().map(|stream| (stream.failure, stream.dropped)).collect()
    }

    fn end(&self) -> CallReport {
        let ends = self.0.ends.lock().unwrap();
        assert_eq!(ends.len(), 1, "{self:?}");
        ends[0]
    }
}

fn heard(steps: &[Step]) -> (Driver<()>, Ear) {
    let ear = Ear::default();
    (driver(steps).0.with_observer(Some(Arc::new(ear.clone()))), ear)
}

#[tokio::test]
async fn every_attempt_and_the_end_are_told() {
    let (driver, ear) = heard(&[Step::NotSent, answer(503, "busy"), OK]);
    driver.call(&Read, &CallOptions::new().tag("nightly")).await.unwrap();
    let info = CallInfo { provider: "test", operation: "Read", tag: Some("nightly") };
    assert_eq!(*ear.0.calls.lock().unwrap(), [info]);
    let told: Vec<_> =
        ear.attempts().iter().map(|a| (a.number, a.status, a.failure, a.delivery, a.wait.is_some())).collect();
    assert_eq!(
        told,
        [
            (1, None, Some(Kind::Unreachable), Delivery::NotSent, true),
            (2, Some(503), Some(Kind::Unavailable), Delivery::Answered, true),
            (3, Some(200), None, Delivery::Answered, false),
        ]
    );
    assert_eq!(ear.attempts()[0].request_bytes, 4);
    let end = ear.end();
    assert_eq!((end.attempts, end.status, end.failure, end.dropped), (3, Some(200), None, false));
    assert_eq!(end.delivery, Delivery::Answered);
}

#[tokio::test]
async fn a_dropped_call_tells_how_far_it_got() {
    for (step, delivery) in [(Step::HangBefore, Delivery::NotSent), (Step::HangAfter, Delivery::MaybeSent)] {
        let (driver, ear) = heard(&[step]);
        begin(driver.call(&Create, &CallOptions::new())).await;
        let end = ear.end();
        assert!(end.dropped && end.failure.is_none());
        assert_eq!((end.attempts, end.delivery), (1, delivery));
    }
    // Dropped while it waits for its second attempt: the first may have arrived.
    let (driver, ear) = heard(&[Step::Ambiguous]);
    let driver = driver.with_policy(Policy::default().backoff(Duration::from_secs(3600)).timeout(Duration::MAX));
    begin(driver.call(&Delete, &CallOptions::new())).await;
    assert_eq!((ear.end().dropped, ear.end().delivery), (true, Delivery::MaybeSent));
}

#[tokio::test]
async fn what_is_refused_before_it_is_sent_has_an_end_and_no_attempt() {
    let (driver, ear) = heard(&[]);
    driver.call(&Unsendable, &CallOptions::new()).await.unwrap_err();
    assert_eq!(ear.attempts(), []);
    let end = ear.end();
    assert_eq!((end.attempts, end.failure, end.delivery), (0, Some(Kind::InvalidInput), Delivery::NotSent));
}

#[tokio::test]
async fn a_stream_is_told_after_the_call_that_handed_it_out() {
    let (driver, ear) = heard(&[answer(200, "%PDF-"), answer(200, "%PDF-")]);
    let content = driver.call(&Open, &CallOptions::new()).await.unwrap().value;
    assert_eq!((ear.end().failure, ear.streams()), (None, vec![]));
    content.0.collect(100).await.unwrap();
    drop(driver.call(&Open, &CallOptions::new()).await.unwrap());
    assert_eq!(ear.streams(), [(None, false), (None, true)]);
}
