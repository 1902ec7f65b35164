//! A stall at each phase of a call: it ends when its deadline strikes, says whether anything was sent, and leaves no
//! socket behind. How long each took is reported and never asserted.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use identkit_core::{Clock, Delivery, Error, Kind};
use identkit_transport::SystemClock;
use identkit_transport::http::{Dial, HyperTransport, Proxy, Stream, TlsConfig};
use identkit_wire::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{closed, create, hear, server, soon};

const DEADLINE: Duration = Duration::from_millis(300);

/// What a call came to, and whether its connection was closed.
struct Stalled {
    error: Error,
    closed: mpsc::UnboundedReceiver<()>,
}

impl Stalled {
    /// The deadline struck: nothing had been sent.
    async fn unsent(self, phase: &str) {
        assert_eq!((self.error.kind(), self.error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)), "{phase}");
        self.left(phase).await;
    }

    /// The deadline struck: something may have arrived, and this call must not be repeated.
    async fn maybe(self, phase: &str) {
        let told = (self.error.kind(), self.error.delivery());
        assert_eq!(told, (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)), "{phase}");
        self.left(phase).await;
    }

    async fn left(mut self, phase: &str) {
        assert_eq!(soon(phase, self.closed.recv()).await, Some(()), "{phase}: the connection was not closed");
    }
}

/// Calls, and reports how much later than the deadline it ended.
async fn call(phase: &str, transport: HyperTransport, base: &str, body: Body) -> Error {
    let clock = SystemClock::new();
    let error = create(transport, base, body, DEADLINE).await.expect_err("a call that should have stalled");
    let late = clock.now().0.saturating_sub(DEADLINE);
    let mut out = io::stderr();
    writeln!(out, "{phase}: ended {} ms after its deadline", late.as_millis()).unwrap();
    error
}

fn small() -> Body {
    Body::from(b"body".to_vec())
}

/// A server that does `first` with a connection and then waits for its end.
async fn stalls<F, Fut>(phase: &str, scheme: &str, body: Body, first: F) -> Stalled
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = TcpStream> + Send + 'static,
{
    let (address, closed) = silent(first).await;
    let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
    let error = call(phase, transport, &format!("{scheme}://{address}"), body).await;
    Stalled { error, closed }
}

async fn silent<F, Fut>(first: F) -> (SocketAddr, mpsc::UnboundedReceiver<()>)
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = TcpStream> + Send + 'static,
{
    let (told, heard) = mpsc::unbounded_channel();
    let first = Arc::new(first);
    let (address, _) = server(move |stream, _| {
        let (told, first) = (told.clone(), Arc::clone(&first));
        async move {
            let mut stream = first(stream).await;
            closed(&mut stream).await;
            let _ = told.send(());
        }
    })
    .await;
    (address, heard)
}

/// A network whose dialling never ends; being given up is told.
struct Unending(mpsc::UnboundedSender<()>);

impl fmt::Debug for Unending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unending")
    }
}

struct Tells(mpsc::UnboundedSender<()>);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[async_trait]
impl Dial for Unending {
    async fn dial(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        let _given_up = Tells(self.0.clone());
        std::future::pending().await
    }
}

#[tokio::test]
async fn phase_01_a_name_that_is_never_resolved() {
    let (told, closed) = mpsc::unbounded_channel();
    let transport = HyperTransport::with_dial(&TlsConfig::bundled().unwrap(), Arc::new(Unending(told)));
    let error = call("DNS", transport, "https://vendor.invalid", small()).await;
    Stalled { error, closed }.unsent("DNS").await;
}

/// A stream that takes a few bytes and then no more: a connection whose window is closed.
#[derive(Debug)]
struct Narrow(Mutex<Option<tokio::io::DuplexStream>>);

#[async_trait]
impl Dial for Narrow {
    async fn dial(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        let stream = self.0.lock().unwrap().take().ok_or_else(|| io::Error::other("dialled twice"))?;
        Ok(Box::new(stream))
    }
}

#[tokio::test]
async fn phase_02_a_connection_that_is_never_accepted() {
    // A listener whose queue is full; what waits there is not seen by anybody.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut full = Vec::new();
    loop {
        let connecting = std::pin::pin!(TcpStream::connect(address));
        let patience = std::pin::pin!(crate::support::pause(Duration::from_millis(300)));
        match futures_util::future::select(connecting, patience).await {
            futures_util::future::Either::Left((stream, _)) => full.push(stream.unwrap()),
            futures_util::future::Either::Right(_) => break,
        }
    }
    let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
    let error = call("connect", transport, &format!("http://{address}"), small()).await;
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
    // Room is made: had the call's socket been left behind, it would now get through and be seen.
    for _ in 0..full.len() {
        drop(listener.accept().await.unwrap());
    }
    drop(full);
    let late = std::pin::pin!(listener.accept());
    let patience = std::pin::pin!(crate::support::pause(Duration::from_secs(2)));
    if let futures_util::future::Either::Left((accepted, _)) = futures_util::future::select(late, patience).await {
        let (mut stream, _) = accepted.unwrap();
        assert_eq!(soon("an abandoned connection", hear(&mut stream, "PUT")).await, "");
    }
}

#[tokio::test]
async fn phase_03_a_tls_handshake_that_never_begins() {
    stalls("TLS, nothing", "https", small(), |stream| async { stream }).await.unsent("TLS, nothing").await;
}

#[tokio::test]
async fn phase_04_a_tls_handshake_that_breaks_off_in_the_middle() {
    let half = |mut stream: TcpStream| async {
        stream.read_exact(&mut [0; 5]).await.unwrap();
        // The beginning of a handshake record of 80 bytes.
        stream.write_all(&[22, 3, 3, 0, 80, 2, 0]).await.unwrap();
        stream
    };
    stalls("TLS, half", "https", small(), half).await.unsent("TLS, half").await;
}

async fn behind<F, Fut>(phase: &str, base: &str, first: F) -> Stalled
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = TcpStream> + Send + 'static,
{
    let (address, closed) = silent(first).await;
    let proxy = Proxy::new(&format!("http://{address}"), "").unwrap();
    let transport = HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(proxy)).build();
    let error = call(phase, transport, base, small()).await;
    Stalled { error, closed }
}

#[tokio::test]
async fn phase_05_a_proxy_that_never_answers() {
    let phase = "proxy";
    behind(phase, "https://vendor.invalid", |stream| async { stream }).await.unsent(phase).await;
}

#[tokio::test]
async fn phase_06_a_tls_handshake_through_a_tunnel_that_leads_nowhere() {
    let phase = "tunnel";
    let tunnel = |mut stream: TcpStream| async {
        hear(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        stream
    };
    behind(phase, "https://vendor.invalid", tunnel).await.unsent(phase).await;
}

#[tokio::test]
async fn phase_07_a_request_whose_head_is_not_taken() {
    let (ours, mut theirs) = tokio::io::duplex(16);
    let transport = HyperTransport::with_dial(&TlsConfig::bundled().unwrap(), Arc::new(Narrow(Mutex::new(Some(ours)))));
    let error = call("request head", transport, "http://127.0.0.1", small()).await;
    let (told, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        closed(&mut theirs).await;
        told.send(()).unwrap();
    });
    Stalled { error, closed: heard }.maybe("request head").await;
}

#[tokio::test]
async fn phase_08_a_request_whose_body_is_not_taken() {
    let phase = "request body";
    let reads_little = |mut stream: TcpStream| async {
        hear(&mut stream, "\r\n\r\n").await;
        crate::support::pause(DEADLINE * 3).await;
        stream
    };
    stalls(phase, "http", Body::from(vec![b'x'; 64 * 1024 * 1024]), reads_little).await.maybe(phase).await;
}

async fn answers(phase: &'static str, bytes: &'static str) {
    let answer = move |mut stream: TcpStream| async move {
        hear(&mut stream, "body").await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    };
    stalls(phase, "http", small(), answer).await.maybe(phase).await;
}

#[tokio::test]
async fn phase_09_an_answer_that_never_begins() {
    answers("no answer", "").await;
}

#[tokio::test]
async fn phase_10_an_answer_whose_head_breaks_off() {
    answers("half a head", "HTTP/1.1 200 OK\r\ncontent-le").await;
}

#[tokio::test]
async fn phase_11_an_answer_whose_body_breaks_off() {
    answers("half a body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    answers("half a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhalf").await;
}

#[tokio::test]
async fn phase_12_an_answer_whose_trailer_never_ends() {
    answers("trailer", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx: y\r\n").await;
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let (address, mut closed) = silent(|mut stream: TcpStream| async {
        hear(&mut stream, "body").await;
        stream
    })
    .await;
    let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
    {
        let url = format!("http://{address}");
        let sending = std::pin::pin!(create(transport.clone(), &url, small(), Duration::from_secs(50)));
        let patience = std::pin::pin!(crate::support::pause(Duration::from_millis(200)));
        futures_util::future::select(sending, patience).await;
    }
    soon("closing", closed.recv()).await.unwrap();
    drop(transport);
}
