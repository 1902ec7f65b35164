//! Single attempts of the transport, and a call of an operation.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response};
use identkit_core::{CallOptions, Content, Delivery, Error, Instant, Kind};
pub(crate) use identkit_testkit::{closed, hear, pause, server, soon, spawn};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{AttemptContext, BaseUrl, Driver, Failure, NoAuth, SystemClock, Transport};
use identkit_wire::{AmbiguityPolicy, Body, BodyMode, Encoded, Meta, Received, RetrySafety};

pub(crate) fn plain() -> HyperTransport {
    HyperTransport::new(&TlsConfig::bundled().unwrap())
}

pub(crate) fn put(url: &str, body: &str) -> Request<Body> {
    let mut request = Request::new(Body::from(body.as_bytes().to_vec()));
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = url.parse().unwrap();
    request
}

/// One attempt, and what its hop knows afterwards.
pub(crate) async fn attempt(
    transport: &HyperTransport,
    request: Request<Body>,
    fresh: bool,
) -> (Result<Response<Content>, Failure>, Delivery) {
    let context = AttemptContext::new(fresh, Instant::NEVER);
    let sent = soon("an attempt", transport.send(request, &context)).await;
    (sent, context.delivery())
}

/// The text of an answer.
pub(crate) async fn text(transport: &HyperTransport, url: &str, fresh: bool) -> Result<String, Error> {
    let (sent, _) = attempt(transport, put(url, "body"), fresh).await;
    let body = sent.expect("no answer").into_body();
    let bytes = soon("a body", body.collect(1024 * 1024)).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// An operation that creates, with this body.
pub(crate) struct Create(pub(crate) Body);

/// The most that an answer to [`Create`] may take.
pub(crate) const CAP: u64 = 1024 * 1024;

identkit_wire::operation! {
    impl Create;
    meta: Meta::new("test", "create", Method::PUT, "/create", RetrySafety::Creating, AmbiguityPolicy::Never)
        .body_mode(BodyMode::Whole { cap: CAP }),
    output: String, dialect: (),
    encode: |this, ()| Ok(Encoded::new(HeaderMap::new(), this.0.clone())),
    decode: |_, _, body, ()| {
        let Received::Whole(bytes) = body else { return Err(Error::new(Kind::Protocol, "no stream was asked for")) };
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::new(Kind::Protocol, "no text"))?;
        Ok(text.to_owned().into())
    },
}

/// A create by the real driver.
pub(crate) async fn create(
    transport: impl Transport + 'static,
    base: &str,
    body: Body,
    timeout: Duration,
) -> Result<identkit_transport::Response<String>, Error> {
    let base = BaseUrl::parse(base).unwrap();
    let clock = Arc::new(SystemClock::new());
    let driver = Driver::new(Arc::new(transport), clock, Arc::new(NoAuth), base, ());
    soon("a call", driver.call(&Create(body), &CallOptions::new().timeout(timeout))).await
}
