//! The raw response of an operation that must not be repeated.

use super::*;

#[tokio::test]
async fn a_creating_call_leaves_its_raw_response() {
    let (driver, _) = driver(vec![Step::Answer(202, &[("x-id", "7")], "ok"), Step::Answer(200, &[], "ok")]);
    let created = driver.call(&Create, &CallOptions::new()).await.unwrap();
    let raw = created.raw().unwrap();
    assert_eq!(
        (raw.status().as_u16(), &raw.headers()["x-id"], &raw.body()[..]),
        (202, &"7".parse().unwrap(), &b"ok"[..])
    );
    assert!(raw.is_complete());
    assert!(driver.call(&Read, &CallOptions::new()).await.unwrap().raw().is_none(), "a read can be repeated");
}

#[tokio::test]
async fn a_failed_call_leaves_what_was_received() {
    for (step, status, body, complete) in [
        (Step::Answer(202, &[], "garbage"), 202, "garbage", true),
        (Step::Answer(200, &[], "refused"), 200, "refused", true),
        (Step::Answer(400, &[], "because"), 400, "because", true),
        (Step::Answer(503, &[], "{\"OrderID\":\"7\"}"), 503, "{\"OrderID\":\"7\"}", true),
        (Step::Answer(201, &[], "an order"), 201, "an order", true),
        (Step::Answer(200, &[("content-encoding", "gzip")], "x"), 200, "", false),
        (Step::Broken, 200, "half", false),
        (Step::BrokenRefusal(404), 404, "half", false),
    ] {
        let (driver, _) = driver(vec![step]);
        let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
        let raw = error.answer().unwrap();
        let received = (raw.status().as_u16(), std::str::from_utf8(raw.body()).unwrap(), raw.is_complete());
        assert_eq!(received, (status, body, complete));
        let printed = format!("{error} {error:?} {raw:?}");
        assert!(body.is_empty() || !printed.contains(body), "{printed}");
    }
    for step in [Step::NotSent, Step::Ambiguous] {
        let (driver, _) = driver(vec![step]);
        let error = driver.call(&Create, &CallOptions::new().attempts(1)).await.unwrap_err();
        assert!(error.answer().is_none(), "there was no response");
    }
}

/// Sends a piece of a body and no more.
struct Stuck(bool);

impl http_body::Body for Stuck {
    type Data = Bytes;
    type Error = Error;
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        if std::mem::replace(&mut self.0, true) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"{\"OrderID\"")))))
    }
}

#[derive(Debug)]
struct StuckBody;

#[async_trait]
impl Transport for StuckBody {
    async fn send(&self, _: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        Ok(Response::new(Content::new(Some(100), Stuck(false))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_leaves_what_was_received() {
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    let driver = Driver::new(Arc::new(StuckBody), Arc::new(SystemClock::new()), Arc::new(NoAuth), base, ());
    let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert_eq!(error.answer().unwrap().body(), "{\"OrderID\"");
}

#[test]
fn at_most_a_mebibyte_is_retained() {
    let body = Bytes::from(vec![0; 1024 * 1024 + 1]);
    let raw = identkit_core::RawResponse::new(StatusCode::OK, HeaderMap::new(), body, true);
    assert_eq!((raw.body().len(), raw.is_complete()), (1024 * 1024, false));
}
