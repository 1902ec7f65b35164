//! The raw response of an operation that must not be repeated.

use futures_util::StreamExt as _;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use super::streams::drip;
use super::*;

#[tokio::test]
async fn a_creating_call_retains_its_raw_response() {
    let (driver, _) = driver(&[Step::Answer(202, &[("x-id", "7")], "ok"), OK]);
    let created = driver.call(&Create, &CallOptions::new()).await.unwrap();
    let raw = created.raw().unwrap();
    assert_eq!(
        (raw.status().as_u16(), raw.headers()["x-id"].to_str().unwrap(), &raw.body()[..]),
        (202, "7", &b"ok"[..])
    );
    assert!(raw.is_complete());
    assert!(driver.call(&Read, &CallOptions::new()).await.unwrap().raw().is_none(), "a read can be repeated");
}

#[tokio::test]
async fn a_failed_call_retains_what_was_received() {
    for (step, status, body, complete) in [
        (answer(202, "garbage"), 202, "garbage", true),
        (answer(200, "refused"), 200, "refused", true),
        (answer(400, "because"), 400, "because", true),
        (answer(503, "{\"OrderID\":\"7\"}"), 503, "{\"OrderID\":\"7\"}", true),
        (answer(205, "an order"), 205, "an order", true),
        // Not in gzip, whatever the header says.
        (Step::Answer(200, &[("content-encoding", "gzip")], "garbage"), 200, "garbage", true),
        (Step::Answer(200, &[("content-encoding", "br")], "odd bytes"), 200, "odd bytes", true),
        (Step::Broken(200), 200, "half", false),
        (Step::Broken(404), 404, "half", false),
    ] {
        let error = driver(&[step]).0.call(&Create, &CallOptions::new()).await.unwrap_err();
        let raw = error.answer().unwrap();
        let received = (raw.status().as_u16(), std::str::from_utf8(raw.body()).unwrap(), raw.is_complete());
        assert_eq!(received, (status, body, complete));
        let printed = format!("{error} {error:?} {raw:?}");
        assert!(body.is_empty() || !printed.contains(body), "{printed}");
    }
    for step in [Step::NotSent, Step::Ambiguous] {
        let error = driver(&[step]).0.call(&Create, &CallOptions::new().attempts(1)).await.unwrap_err();
        assert!(error.answer().is_none(), "there was no response");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_retains_what_was_received() {
    let driver = driver_by(Arc::new(NoAuth), |_, context| async move {
        context.mark_sent();
        Ok(Response::new(Content::new(Some(100), drip(&[0], false))))
    });
    let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert_eq!(error.answer().unwrap().body(), "0123456789");
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "work that blocks, as a write to a disk does")]
async fn at_97_the_deadline_ends_a_body_that_never_pauses() {
    let driver = driver_by(Arc::new(NoAuth), |_, context| async move {
        context.mark_sent();
        let pieces = stream::iter(0..5000).map(|_| {
            // E.g. a write to the record.
            std::thread::sleep(Duration::from_millis(1));
            Ok(Frame::data(Bytes::from_static(b"x")))
        });
        let mut response = Response::new(Content::new(None, StreamBody::new(pieces)));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Ok(response)
    });
    let clock = SystemClock::new();
    let began = clock.now();
    let options = CallOptions::new().timeout(Duration::from_millis(100));
    let error = driver.call(&Create, &options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert!(error.detail().contains("not complete within the timeout"), "{error}");
    assert!(clock.now().since(began) < Duration::from_secs(3), "{:?}", clock.now().since(began));
    assert!(error.answer().unwrap().body().starts_with(b"xxxx"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_rejected_by_its_length_is_retained() {
    for len in [None, Some(20_000_000_000)] {
        let driver = driver_by(Arc::new(NoAuth), move |_, context| async move {
            context.mark_sent();
            Ok(Response::new(Content::new(len, drip(&[0, 1, 1], true))))
        });
        let once = CallOptions::new().attempts(1);
        let download = driver.call(&Download, &once).await.unwrap_err();
        let errors = len.is_some().then_some(driver.call(&Read, &once).await).and_then(Result::err);
        for error in errors.into_iter().chain([download]) {
            let raw = error.answer().unwrap();
            assert_eq!((raw.body().len(), raw.is_complete()), (30, false), "{len:?} {error}");
            assert_eq!(error.kind(), if len.is_some() { Kind::Protocol } else { Kind::Integrity }, "{error}");
        }
    }
}

#[test]
fn at_most_a_mebibyte_is_retained() {
    let body = Bytes::from(vec![0; 1024 * 1024 + 1]);
    let raw = identkit_core::RawResponse::new(StatusCode::OK, HeaderMap::new(), body, true);
    assert_eq!((raw.body().len(), raw.is_complete()), (1024 * 1024, false));
}
