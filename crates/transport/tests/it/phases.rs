//! A stall in each phase of a call: the call ends at its deadline, reports whether anything was sent, and closes its
//! socket. Durations are printed and never asserted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use identkit_core::{Clock, Delivery, Error, Kind};
use identkit_transport::SystemClock;
use identkit_transport::http::{Dial, HyperTransport, Proxy, Stream, TlsConfig};
use identkit_wire::Body;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{attempt, closed, create, hear, pause, plain, put, server, small, soon, within};

const DEADLINE: Duration = Duration::from_millis(300);

/// Makes a call and prints how long after its deadline it ended.
async fn call(phase: &str, transport: HyperTransport, base: &str, body: Body) -> Error {
    let clock = SystemClock::new();
    let error = create(transport, base, body, DEADLINE).await.expect_err("the call must stall");
    let late = clock.now().0.saturating_sub(DEADLINE);
    let mut out = io::stderr();
    writeln!(out, "{phase}: ended {} ms after its deadline", late.as_millis()).unwrap();
    error
}

/// Asserts that the error reports whether anything may have been sent, and that the connection was closed.
async fn stalled(phase: &str, error: Error, sent: bool, mut closed: mpsc::UnboundedReceiver<()>) {
    let expected = match sent {
        false => (Kind::Timeout, Some(Delivery::NotSent)),
        true => (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)),
    };
    assert_eq!((error.kind(), error.delivery()), expected, "{phase}");
    assert_eq!(soon(phase, closed.recv()).await, Some(()), "{phase}: the connection was not closed");
}

/// A server that reads up to the needle, answers, pauses, and reports the end of the connection.
async fn silent(
    needle: &'static str,
    answer: &'static [u8],
    rest: Duration,
) -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (address, _) = server(move |mut stream, _| {
        let sender = sender.clone();
        async move {
            hear(&mut stream, needle).await;
            stream.write_all(answer).await.unwrap();
            pause(rest).await;
            closed(&mut stream).await;
            let _ = sender.send(());
        }
    })
    .await;
    (address, receiver)
}

/// A network whose dialing never ends. It reports when the dialing is dropped.
#[derive(Debug)]
struct Unending(mpsc::UnboundedSender<()>);

struct ReportsDrop(mpsc::UnboundedSender<()>);

impl Drop for ReportsDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[async_trait]
impl Dial for Unending {
    async fn dial(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        let _dropped = ReportsDrop(self.0.clone());
        std::future::pending().await
    }
}

#[tokio::test]
async fn phase_01_a_name_that_is_never_resolved() {
    let (sender, closed) = mpsc::unbounded_channel();
    let transport = HyperTransport::with_dial(&TlsConfig::bundled().unwrap(), Arc::new(Unending(sender)));
    let error = call("DNS", transport, "https://vendor.invalid", small()).await;
    stalled("DNS", error, false, closed).await;
}

#[tokio::test]
async fn phase_02_a_connection_that_is_never_accepted() {
    // A listener whose queue is full.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut full = Vec::new();
    while let Some(stream) = within(Duration::from_millis(300), TcpStream::connect(address)).await {
        full.push(stream.unwrap());
    }
    let error = call("connect", plain(), &format!("http://{address}"), small()).await;
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
    // If the call had left its socket open, the listener would now accept it.
    for _ in 0..full.len() {
        drop(listener.accept().await.unwrap());
    }
    drop(full);
    if let Some(accepted) = within(Duration::from_secs(2), listener.accept()).await {
        let (mut stream, _) = accepted.unwrap();
        assert_eq!(soon("an abandoned connection", hear(&mut stream, "PUT")).await, "");
    }
}

#[tokio::test]
async fn phases_03_to_06_and_09_to_12_a_peer_that_stalls() {
    // Scheme, or the peer as a proxy; what the peer reads first, and what it answers.
    for (phase, by, needle, answer, sent) in [
        ("03, TLS, nothing", "https", "", &b""[..], false),
        // The start of a handshake record of 80 bytes.
        ("04, TLS, half", "https", "\u{16}", &[22, 3, 3, 0, 80, 2, 0], false),
        ("05, a proxy that never answers", "proxy", "", b"", false),
        ("06, a tunnel that leads nowhere", "proxy", "\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", false),
        ("09, no answer", "http", "body", b"", true),
        ("10, half a head", "http", "body", b"HTTP/1.1 200 OK\r\ncontent-le", true),
        ("11, half a body", "http", "body", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", true),
        ("11, half a chunk", "http", "body", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhalf", true),
        (
            "12, a trailer without end",
            "http",
            "body",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx: y\r\n",
            true,
        ),
    ] {
        let (address, closed) = silent(needle, answer, Duration::ZERO).await;
        let error = if by == "proxy" {
            let proxy = Proxy::new(&format!("http://{address}"), "").unwrap();
            let transport = HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(proxy)).build();
            call(phase, transport, "https://vendor.invalid", small()).await
        } else {
            call(phase, plain(), &format!("{by}://{address}"), small()).await
        };
        stalled(phase, error, sent, closed).await;
    }
}

/// A network whose stream accepts a few bytes only, like a connection with a closed window.
#[derive(Debug)]
struct Narrow(Mutex<Option<tokio::io::DuplexStream>>);

#[async_trait]
impl Dial for Narrow {
    async fn dial(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        let stream = self.0.lock().unwrap().take().ok_or_else(|| io::Error::other("dialed twice"))?;
        Ok(Box::new(stream))
    }
}

#[tokio::test]
async fn phase_07_a_peer_that_does_not_read_the_head() {
    let (ours, mut theirs) = tokio::io::duplex(16);
    let transport = HyperTransport::with_dial(&TlsConfig::bundled().unwrap(), Arc::new(Narrow(Mutex::new(Some(ours)))));
    let error = call("request head", transport, "http://127.0.0.1", small()).await;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        closed(&mut theirs).await;
        sender.send(()).unwrap();
    });
    stalled("request head", error, true, receiver).await;
}

#[tokio::test]
async fn phase_08_a_peer_that_does_not_read_the_body() {
    let (address, closed) = silent("\r\n\r\n", b"", DEADLINE * 3).await;
    let body = Body::from(vec![b'x'; 64 * 1024 * 1024]);
    let error = call("request body", plain(), &format!("http://{address}"), body).await;
    stalled("request body", error, true, closed).await;
}

#[tokio::test]
async fn dropping_a_call_or_body_closes_its_connection() {
    let (address, mut closed) = silent("body", b"", Duration::ZERO).await;
    let (url, transport) = (format!("http://{address}"), plain());
    let sending = create(transport.clone(), &url, small(), Duration::from_secs(50));
    assert!(within(Duration::from_millis(200), sending).await.is_none(), "the call must wait");
    soon("closing the call's", closed.recv()).await.unwrap();

    let (address, mut closed) =
        silent("body", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", Duration::ZERO).await;
    let (sent, _) = attempt(&transport, put(&format!("http://{address}/"), "body"), true).await;
    drop(sent.unwrap());
    soon("closing the answer's", closed.recv()).await.unwrap();
}
