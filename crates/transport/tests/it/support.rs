//! Servers of raw sockets, and a call of an operation to them.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::{HeaderMap, Method, Request, Response};
use identkit_core::{CallOptions, Clock, Content, Delivery, Error, Instant, Kind};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{AttemptContext, BaseUrl, Driver, Failure, NoAuth, SystemClock, Transport};
use identkit_wire::{AmbiguityPolicy, Body, BodyMode, Encoded, Meta, Received, RetrySafety};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};

/// What is longer than this hangs. Nothing here takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let clock = SystemClock::new();
    match select(pin!(work), clock.sleep_until(Instant(PATIENCE))).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => panic!("{what} hangs"),
    }
}

pub(crate) async fn pause(by: Duration) {
    let clock = SystemClock::new();
    clock.sleep_until(clock.now().plus(by)).await;
}

/// A server that treats every connection alike; says how many there were.
pub(crate) async fn server<F, Fut>(treat: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(treat(stream, number));
        }
    });
    (address, count)
}

/// Reads until the needle came or the peer closed.
pub(crate) async fn hear(stream: &mut (impl AsyncRead + Unpin), needle: &str) -> String {
    let mut heard = Vec::new();
    let mut block = [0; 4096];
    while !String::from_utf8_lossy(&heard).contains(needle) {
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => break,
            Ok(count) => heard.extend_from_slice(&block[..count]),
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// Waits until the peer has closed.
pub(crate) async fn closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut block = [0; 4096];
    while stream.read(&mut block).await.is_ok_and(|count| count > 0) {}
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

/// Starts a tool that people have, or returns `None` when there is none. Where `IDENTKIT_REQUIRE_TOOLS` is `1` its
/// absence is a failure.
pub(crate) fn tool(command: &mut std::process::Command) -> Option<std::process::Child> {
    use std::io::Write;
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = command.get_program().to_string_lossy();
            let required = std::env::var_os("IDENTKIT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "{name} is required here and missing");
            let mut out = std::io::stderr();
            writeln!(out, "not checked: {name} is missing").unwrap();
            None
        }
        Err(error) => panic!("{:?}: {error}", command.get_program()),
    }
}
