//! The requests of an object store over identkit's own transport: its TLS, its proxy, and its time limits.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use identkit_core::{Clock as _, Content, Delivery, Error, Kind};
use identkit_transport::{AttemptContext, Failure, SystemClock, Transport};
use identkit_wire::Body;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

/// Time for the head of a response. A step that takes longer than the lease of its case cannot record why it failed.
const ANSWER: Duration = Duration::from_secs(10);

/// Time between two pieces of a response's body.
const STALL: Duration = Duration::from_secs(10);

/// Slowest upload in bytes per second: a request with a body has additional time.
const SLOWEST: u64 = 64 * 1024;

/// Makes the HTTP client of an object store.
#[derive(Debug)]
pub(super) struct Connector(Arc<dyn Transport>);

impl Connector {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &object_store::ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service { transport: Arc::clone(&self.0), clock: SystemClock::new() }))
    }
}

#[derive(Debug)]
struct Service {
    transport: Arc<dyn Transport>,
    clock: SystemClock,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let time = ANSWER + Duration::from_secs(body.len() as u64 / SLOWEST);
        let context = AttemptContext::new(false, self.clock.now().plus(time));
        let request = Request::from_parts(head, Body::from(body));
        let sent = limited(self.clock, time, self.transport.send(request, &context)).await;
        let response = sent.ok_or_else(|| timed_out("it did not answer in time"))?.map_err(failed)?;
        let (head, content) = response.into_parts();
        Ok(Response::from_parts(head, body_of(content, self.clock)))
    }
}

/// The body of a response. It fails if no piece arrives in time.
fn body_of(content: Content, clock: SystemClock) -> HttpResponseBody {
    let pieces = stream::unfold(Some(content), move |content| async move {
        let mut content = content?;
        match limited(clock, STALL, content.next()).await {
            Some(None) => None,
            Some(Some(Ok(piece))) => Some((Ok(Frame::data(piece)), Some(content))),
            Some(Some(Err(error))) => Some((Err(HttpError::new(HttpErrorKind::Interrupted, error)), None)),
            None => Some((Err(timed_out("its response stopped")), None)),
        }
    });
    HttpResponseBody::new(Pieces(Mutex::new(pieces.boxed())))
}

/// A stream as a body. A body must be `Sync`, which the stream is not.
struct Pieces(Mutex<BoxStream<'static, Result<Frame<Bytes>, HttpError>>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll_next(cx)
    }
}

/// The result of a future, or `None` if it does not end in time.
async fn limited<F: Future>(clock: SystemClock, time: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), clock.sleep_until(clock.now().plus(time))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

fn timed_out(detail: &'static str) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, Error::new(Kind::Timeout, detail))
}

/// The error of a request without a response. A permanent failure, e.g. an untrusted certificate, is not retried.
fn failed(failure: Failure) -> HttpError {
    let kind = match (failure.permanent, failure.delivery) {
        (true, _) => HttpErrorKind::Unknown,
        (false, Delivery::NotSent) => HttpErrorKind::Connect,
        (false, _) => HttpErrorKind::Interrupted,
    };
    let system = failure.source.as_deref().and_then(|source| system_error(source));
    let detail = system.map_or_else(|| failure.detail.to_owned(), |kind| format!("{}: {kind}", failure.detail));
    HttpError::new(kind, Error::new(failure.kind, detail))
}

/// Kind of the first error of the system in a chain of errors.
fn system_error(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<io::Error>() {
            Some(error) if error.kind() != io::ErrorKind::Other => return Some(error.kind()),
            _ => next = error.source(),
        }
    }
    None
}
