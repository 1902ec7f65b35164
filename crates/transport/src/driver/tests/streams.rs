//! Streamed bodies: stall, deadline, maximum size, and the slot that they hold. tokio's time is paused.

use futures_util::StreamExt as _;
use futures_util::stream::{self, empty, pending};
use http_body::Frame;
use http_body_util::StreamBody;

use super::*;

#[allow(clippy::disallowed_methods)]
pub(super) async fn sleep(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A body with 10 bytes after each pause, which then ends or stalls.
pub(super) fn drip(pauses: &[u64], ends: bool) -> impl http_body::Body<Data = Bytes, Error = Error> + use<> {
    let pieces = stream::iter(pauses.to_vec()).then(|pause| async move {
        sleep(pause).await;
        Ok(Frame::data(Bytes::from_static(b"0123456789")))
    });
    StreamBody::new(pieces.chain(if ends { empty().left_stream() } else { pending().right_stream() }))
}

/// A driver whose responses are such a body, which ends if it has a length.
fn drips(pauses: &[u64], len: Option<u64>) -> Driver<()> {
    let pauses = pauses.to_vec();
    let driver = driver_by(Arc::new(NoAuth), move |_, context| {
        context.mark_sent();
        let mut response = Response::new(Content::new(len, drip(&pauses, len.is_some())));
        if len.is_none() {
            response.headers_mut().insert("transfer-encoding", HeaderValue::from_static("chunked"));
        }
        std::future::ready(Ok(response))
    });
    driver.with_policy(Policy::default().concurrency(1))
}

async fn read(driver: &Driver<()>) -> Result<Bytes, Error> {
    driver.call(&Open, &CallOptions::new()).await?.value.0.collect(u64::MAX).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_be_slow_but_not_stall() {
    let slow = drips(&[25, 25, 25, 25], Some(40));
    assert_eq!(read(&slow).await.unwrap().len(), 40, "longer than the timeout of the call, without a stall");
    let error = read(&drips(&[1, 31], Some(20))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.to_string().contains("stalled"), "{error}");
    let error = read(&drips(&[1], None)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "stalled");
}

#[tokio::test(start_paused = true)]
async fn at_97_a_stream_that_cannot_be_decoded_is_retained_whole() {
    for (breaks, complete) in [(false, true), (true, false)] {
        let driver = driver_by(Arc::new(NoAuth), move |_, context| {
            context.mark_sent();
            let mut pieces = vec![Ok("garbage"), Ok(" and its"), Ok(" rest")];
            if breaks {
                pieces[2] = Err(Error::new(Kind::Unreachable, "broken"));
            }
            let pieces = pieces.into_iter().map(|piece| piece.map(|text| Frame::data(Bytes::from(text))));
            let content = Content::new(Some(20), StreamBody::new(stream::iter(pieces.collect::<Vec<_>>())));
            std::future::ready(Ok(Response::new(content)))
        });
        let error = driver.call(&Download, &CallOptions::new()).await.unwrap_err();
        let answer = error.answer().unwrap();
        let body = if breaks { "garbage and its" } else { "garbage and its rest" };
        assert_eq!((error.kind(), answer.body(), answer.is_complete()), (Kind::Protocol, &Bytes::from(body), complete));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_a_stall() {
    let driver = drips(&[0, 5, 5], Some(30));
    let mut stream = driver.call(&Open, &CallOptions::new()).await.unwrap().value.0;
    let mut read = 0;
    while let Some(piece) = stream.next().await {
        read += piece.unwrap().len();
        sleep(40).await;
    }
    assert_eq!(read, 30);
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_its_own_deadline_and_maximum_size() {
    let driver = drips(&[20; 9], Some(90)).with_policy(Policy::default().stream_timeout(Duration::from_secs(100)));
    let error = read(&driver).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.to_string().contains("not complete in time"), "{error}");
    // The deadline counts from the first byte, which arrives after 20 s. The last byte arrives before it, or with it.
    let timely = |pieces: usize| {
        let driver = drips(&vec![20; pieces], Some(10 * pieces as u64));
        driver.with_policy(Policy::default().stream_timeout(Duration::from_secs(100)))
    };
    assert_eq!(read(&timely(5)).await.unwrap().len(), 50);
    assert_eq!(read(&timely(6)).await.unwrap_err().kind(), Kind::Timeout);
    let error = read(&drips(&[0; 200], None)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "1,990 bytes where 1,000 are allowed");
    assert_eq!(read(&drips(&[0; 100], Some(1000))).await.unwrap().len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_a_slot_until_it_is_read_or_dropped() {
    let driver = drips(&[0, 1], Some(20));
    let short = CallOptions::new().timeout(Duration::from_millis(10));
    let first = driver.call(&Open, &CallOptions::new()).await.unwrap();
    assert_eq!(driver.call(&Open, &short).await.unwrap_err().kind(), Kind::Timeout);
    drop(first);
    let second = driver.call(&Open, &short).await.unwrap();
    assert_eq!(second.value.0.collect(100).await.unwrap().len(), 20);
    driver.call(&Open, &short).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_of_at_most_64_kib_is_limited_by_the_timeout_only() {
    for (len, stalls) in [(64 * 1024, false), (64 * 1024 + 1, true)] {
        let driver = driver_by(Arc::new(NoAuth), move |_, context| {
            context.mark_sent();
            let pieces = stream::iter([len - 1, 1]).then(|size| async move {
                sleep(40).await;
                Ok(Frame::data(Bytes::from("x".repeat(size))))
            });
            std::future::ready(Ok(Response::new(Content::new(Some(len as u64), StreamBody::new(pieces)))))
        });
        let called = driver.call(&Large, &CallOptions::new().timeout(Duration::from_secs(100))).await;
        assert_eq!(called.err().map(|error| error.detail().contains("stalled")), stalls.then_some(true), "{len}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_read_whole_must_not_stall() {
    let driver = drips(&[1], None);
    let long = CallOptions::new().timeout(Duration::from_secs(1000)).attempts(1);
    let clock = SystemClock::new();
    assert_eq!(driver.call(&Read, &long).await.unwrap_err().kind(), Kind::Timeout);
    assert!(clock.now().0 < Duration::from_secs(40));
}
