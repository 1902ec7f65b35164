//! Attempts, calls, and servers for the tests.

use std::net::SocketAddr;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response};
use identkit_core::{CallOptions, Content, Delivery, Error, Instant, Kind};
pub(crate) use identkit_testkit::{closed, hear, pause, server, soon, spawn, within};
use identkit_transport::http::{ConnectError, ConnectFault, HyperTransport, TlsConfig};
use identkit_transport::{AttemptContext, BaseUrl, Driver, Failure, NoAuth, SystemClock, Transport};
use identkit_wire::{AmbiguityPolicy, Answer, Body, BodyMode, Encoded, Meta, Operation, Received, RetrySafety};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a server received.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// A server that logs what it receives.
pub(crate) async fn noting<F, Fut>(treat: F) -> (SocketAddr, Log)
where
    F: Fn(TcpStream, Log) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let log = Log::default();
    let noted = Arc::clone(&log);
    let (address, _) = server(move |stream, _| treat(stream, Arc::clone(&noted))).await;
    (address, log)
}

/// Reads up to the needle, logs it, answers, and waits for the end.
pub(crate) async fn answer_noted(mut stream: impl AsyncRead + AsyncWrite + Unpin, needle: &str, log: Log) {
    let received = hear(&mut stream, needle).await;
    if !received.is_empty() {
        log.lock().unwrap().push(received);
    }
    let _ = stream.write_all(OK.as_bytes()).await;
    closed(&mut stream).await;
}

/// Answers every request on a connection.
pub(crate) async fn patient(mut stream: TcpStream, _: usize) {
    while hear(&mut stream, "body").await.contains("body") {
        stream.write_all(OK.as_bytes()).await.unwrap();
    }
}

/// The URL of a server that answers a request with these bytes and closes.
pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    let (address, _) = server(move |mut stream, _| {
        let bytes = bytes.clone();
        async move {
            hear(&mut stream, "body").await;
            // The client may have closed the connection.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            closed(&mut stream).await;
        }
    })
    .await;
    format!("http://{address}/")
}

/// A server that reads up to the needle, answers, and then sends `more` endlessly, with pauses.
pub(crate) async fn endless(needle: &'static str, answer: &'static str, more: String, rest: Duration) -> SocketAddr {
    let treat = move |mut stream: TcpStream, _| {
        let more = more.clone();
        async move {
            hear(&mut stream, needle).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            while stream.write_all(more.as_bytes()).await.is_ok() {
                pause(rest).await;
            }
        }
    };
    server(treat).await.0
}

/// A server program, killed on drop.
pub(crate) struct Running(pub(crate) Child, pub(crate) SocketAddr);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn plain() -> HyperTransport {
    HyperTransport::new(&TlsConfig::bundled().unwrap())
}

pub(crate) fn put(url: &str, body: &str) -> Request<Body> {
    let mut request = Request::new(Body::from(body.as_bytes().to_vec()));
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = url.parse().unwrap();
    request
}

/// Makes one attempt. Returns its result and its delivery.
pub(crate) async fn attempt(
    transport: &HyperTransport,
    request: Request<Body>,
    fresh: bool,
) -> (Result<Response<Content>, Failure>, Delivery) {
    let context = AttemptContext::new(fresh, Instant::NEVER);
    let sent = soon("an attempt", transport.send(request, &context)).await;
    (sent, context.delivery())
}

/// The body of a response as text.
pub(crate) async fn text(transport: &HyperTransport, url: &str, fresh: bool) -> Result<String, Error> {
    let (sent, _) = attempt(transport, put(url, "body"), fresh).await;
    let body = sent.expect("no answer").into_body();
    let bytes = soon("a body", body.collect(1024 * 1024)).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// The fault of a connection that must fail.
pub(crate) async fn refused(transport: &HyperTransport, url: &str) -> (ConnectFault, Failure) {
    let (sent, delivery) = attempt(transport, put(url, "body"), true).await;
    let failure = sent.expect_err("the connection must fail");
    assert_eq!((failure.delivery, failure.kind), (delivery, Kind::Unreachable));
    let fault = failure.source.as_ref().unwrap().downcast_ref::<ConnectError>().unwrap().fault();
    assert_eq!((failure.detail, failure.permanent), (fault.text(), fault.permanent()), "{:?}", failure.source);
    let printed = format!("{failure:?} {:?}", failure.source);
    assert!(!printed.contains("QWxh") && !printed.contains("sesame"), "{printed}");
    (fault, failure)
}

/// An operation that creates, with this body.
pub(crate) struct Create(pub(crate) Body);

/// Maximum size of a response to [`Create`].
pub(crate) const CAP: u64 = 1024 * 1024;

identkit_wire::operation! {
    impl Create;
    meta: Meta::new("test", "create", Method::PUT, "/create", RetrySafety::Creating, AmbiguityPolicy::Never)
        .ids(&["OrderID"])
        .id_urls(&[("TargetURL", "/status/")])
        .body_mode(BodyMode::Whole { cap: CAP }),
    output: String, dialect: (),
    encode: |this, ()| Ok(Encoded::new(HeaderMap::new(), this.0.clone())),
    decode: |_, _, body, ()| {
        let Received::Whole(bytes) = body else { return Err(Error::new(Kind::Protocol, "no stream was asked for")) };
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::new(Kind::Protocol, "no text"))?;
        Ok(text.to_owned().into())
    },
}

/// An operation that deletes something and can be repeated.
pub(crate) struct Delete;

identkit_wire::operation! {
    impl Delete;
    meta: Meta::new(
        "test", "delete", Method::PUT, "/delete", RetrySafety::IdempotentByEffect, AmbiguityPolicy::Retry(3)
    )
    .answer(Answer::Empty),
    output: (), dialect: (),
    encode: |_, ()| Ok(Encoded::new(HeaderMap::new(), small())),
    decode: |_, _, _, ()| Ok(().into()),
}

pub(crate) fn small() -> Body {
    Body::from(b"body".to_vec())
}

/// Calls [`Create`] through the driver.
pub(crate) async fn create(
    transport: impl Transport + 'static,
    base: &str,
    body: Body,
    timeout: Duration,
) -> Result<identkit_transport::Response<String>, Error> {
    call(transport, base, &Create(body), timeout).await
}

/// Makes a call through the driver.
pub(crate) async fn call<Op: Operation<Dialect = ()>>(
    transport: impl Transport + 'static,
    base: &str,
    operation: &Op,
    timeout: Duration,
) -> Result<identkit_transport::Response<Op::Output>, Error> {
    let base = BaseUrl::parse(base).unwrap();
    let clock = Arc::new(SystemClock::new());
    let driver = Driver::new(Arc::new(transport), clock, Arc::new(NoAuth), base, ());
    soon("a call", driver.call(operation, &CallOptions::new().timeout(timeout))).await
}
