mod additions;

use std::net::Ipv4Addr;

use identkit_core::{Error, Inbox, MemoryInbox, Secret, WebhookDelivery, async_trait};
use identkit_testkit::{TestClock, closed, exchange, hear, soon};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Notify;

use super::connection::LINGER;
use super::head::HEAD_LIMIT;
use super::*;
use crate::receiver::BODY_LIMIT;
use crate::receiver::tests::OnFinal;
use crate::{AllowList, RESPONSE_LIMIT};

const WEBHOOK: &str = "GET /identity-tm/good/OnFinal?orderId=1 HTTP/1.1\r\nhost: x\r\n\r\n";

fn receiver(inbox: Arc<dyn Inbox>, clock: &TestClock) -> Receiver {
    let receiver = Receiver::new(vec![Arc::new(OnFinal)], inbox, Arc::new(clock.clone()));
    receiver.accept_token("identity-tm", Secret::new("good"));
    receiver
}

async fn listening(receiver: Receiver, options: ListenOptions) -> Listener {
    listen(Arc::new(receiver), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.unwrap()
}

/// A listener whose clock stands still: the tests must not depend on time.
async fn started(options: ListenOptions) -> (Listener, Arc<MemoryInbox>) {
    let inbox = Arc::new(MemoryInbox::new());
    let receiver = receiver(Arc::clone(&inbox) as Arc<dyn Inbox>, &TestClock::default());
    (listening(receiver, options).await, inbox)
}

/// Sends a request. Returns all that the listener sends until it closes the connection.
async fn ask(listener: &Listener, request: &str) -> String {
    soon("the response", exchange(listener.address(), request)).await
}

async fn connect(listener: &Listener) -> TcpStream {
    TcpStream::connect(listener.address()).await.unwrap()
}

#[tokio::test]
async fn at_69_the_body_of_an_unknown_request_is_not_read() {
    const WHOLE: &str = "content-length: 2\r\n\r\n{}";
    // The body never arrives, so a response proves that it is not read.
    const ENDLESS: &str = "content-length: 999999\r\n\r\n";
    for (network, token, body, status) in [
        (None, "good", WHOLE, 202),
        (None, "wrong", ENDLESS, 404),
        (Some("127.0.0.0/8"), "good", WHOLE, 202),
        (Some("192.0.2.0/24"), "good", ENDLESS, 404),
    ] {
        let inbox = Arc::new(MemoryInbox::new());
        let mut receiver = receiver(Arc::clone(&inbox) as Arc<dyn Inbox>, &TestClock::default());
        if let Some(network) = network {
            receiver = receiver.allow_only("identity-tm", AllowList::parse([network]).unwrap());
        }
        let listener = listening(receiver, ListenOptions::default()).await;
        let request = format!("GET /identity-tm/{token}/OnFinal?orderId=1 HTTP/1.1\r\nhost: x\r\n{body}");
        let answer = ask(&listener, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{network:?} {token}: {answer}");
        assert_eq!(inbox.events().len(), usize::from(status == 202), "{network:?} {token}");
    }
}

#[tokio::test]
async fn an_unread_body_does_not_destroy_the_response() {
    let (listener, _) = started(ListenOptions::default()).await;
    // More than the buffers of the sockets hold.
    let body = "x".repeat(16 << 20);
    let head = format!("GET /unknown HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    for (request, status) in [(head.clone(), 404), (head.replace("host: x\r\n", ""), 400)] {
        let answer = ask(&listener, &format!("{request}{body}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn at_68_a_body_in_pieces_is_read_up_to_the_limit() {
    let largest = "x".repeat(BODY_LIMIT - 1);
    // The end of the last body never arrives, so a response proves that the rest is not read.
    for (pieces, end, status) in [
        (&["{", "}"][..], "\r\n0\r\n\r\n", 202),
        (&["x", &largest], "\r\n0\r\n\r\n", 202),
        (&["x", &largest, "x"], "", 413),
    ] {
        let (listener, inbox) = started(ListenOptions::default()).await;
        let chunks: Vec<_> = pieces.iter().map(|piece| format!("{:x}\r\n{piece}", piece.len())).collect();
        let chunks = chunks.join("\r\n");
        let head = "GET /identity-tm/good/OnFinal?orderId=1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
        let answer = ask(&listener, &format!("{head}\r\n\r\n{chunks}{end}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let payload = inbox.events().pop().and_then(|event| event.payload);
        let expected = (status == 202).then(|| pieces.concat().into());
        assert!(payload == expected, "the whole body is in the event");
    }
}

#[tokio::test]
async fn ambiguous_requests_are_rejected() {
    let target = "/identity-tm/good/OnFinal?orderId=1";
    let (listener, inbox) = started(ListenOptions::default()).await;
    let long = format!("x-long: {}\r\nhost: x\r\n", "x".repeat(HEAD_LIMIT));
    for (version, headers, status) in [
        ("1.1", "accept: */*\r\n", 400),
        ("1.1", "host: x\r\nHost: x\r\n", 400),
        ("1.1", "host: x\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n", 400),
        ("1.1", "Transfer-Encoding:chunked\r\nHost:x\r\nContent-Length:0\r\n", 400),
        ("1.1", "host: x\r\ntransfer-encoding: gzip, chunked\r\n", 400),
        ("1.1", "host: x\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", 400),
        ("1.1", "host: x\r\ntransfer-encoding: gzip\r\n", 400),
        ("1.1", "host: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n", 400),
        ("1.1", "host: x\r\ncontent-length : 0\r\n", 400),
        ("1.0", "host: x\r\nhost: x\r\n", 400),
        ("1.0", "host: x\r\ntransfer-encoding: chunked\r\n", 400),
        ("1.1", long.as_str(), 431),
    ] {
        // A body that would complete each of them.
        let request = format!("GET {target} HTTP/{version}\r\n{headers}\r\n0\r\n\r\n");
        let answer = ask(&listener, &request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status.to_string().as_str()), "{headers:?}: {answer}");
    }
    assert!(inbox.events().is_empty());
    // Unusual but unambiguous.
    for request in [
        format!("GET {target} HTTP/1.1\nhost: x\n\n"),
        format!("\r\n\nGET {target} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET {target} HTTP/1.0\r\n\r\n"),
        format!("GET http://x{target} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("POST {target} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n")
            .replace("POST", "GET"),
    ] {
        let answer = ask(&listener, &request).await;
        assert_eq!(answer.split(' ').nth(1), Some("202"), "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn a_head_in_single_bytes_is_read() {
    let (listener, inbox) = started(ListenOptions::default()).await;
    let mut stream = connect(&listener).await;
    stream.set_nodelay(true).unwrap();
    for byte in WEBHOOK.bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = soon("the response", hear(&mut stream, "\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(inbox.events().len(), 1);
}

#[tokio::test]
async fn a_connection_has_one_request() {
    let (listener, inbox) = started(ListenOptions::default()).await;
    let second = WEBHOOK.replace("orderId=1", "orderId=2");
    let answer = ask(&listener, &format!("{WEBHOOK}{second}")).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert_eq!(inbox.events().len(), 1, "the vendor repeats a request without a response");
}

#[tokio::test]
async fn silent_connections_delay_no_webhook() {
    let (listener, inbox) = started(ListenOptions::default()).await;
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(connect(&listener).await);
    }
    let answer = ask(&listener, WEBHOOK).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(inbox.events().len(), 1);
    // The webhook was the 601st connection of 256 that may wait. The oldest ones are closed, the newest ones are not.
    for stream in silent.drain(..345) {
        soon("the end of an old connection", closed(&mut { stream })).await;
    }
    for mut stream in silent {
        stream.write_all(WEBHOOK.as_bytes()).await.unwrap();
        let answer = soon("a response", hear(&mut stream, "\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
}

#[tokio::test]
async fn trusted_proxies_can_open_many_connections() {
    for (proxies, open) in [("127.0.0.0/8", 3), ("192.0.2.0/24", 1)] {
        let options = ListenOptions::default().max_waiting(1).trust_proxies([proxies.parse().unwrap()]);
        let (listener, _) = started(options).await;
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(connect(&listener).await);
        }
        let mut answered = 0;
        for mut stream in silent {
            // The listener may have closed it already.
            let _ = stream.write_all(WEBHOOK.as_bytes()).await;
            answered +=
                usize::from(soon("a response", hear(&mut stream, "\r\n\r\n")).await.starts_with("HTTP/1.1 202 "));
        }
        assert_eq!(answered, open, "{proxies}");
    }
}

/// An inbox that accepts after it is notified.
#[derive(Default)]
struct Held {
    entered: Notify,
    go_on: Notify,
}

#[async_trait]
impl Inbox for Held {
    async fn accept(&self, _: WebhookDelivery) -> Result<(), Error> {
        self.entered.notify_one();
        self.go_on.notified().await;
        Ok(())
    }
}

async fn held(clock: &TestClock, options: ListenOptions) -> (Listener, Arc<Held>) {
    let inbox = Arc::new(Held::default());
    (listening(receiver(Arc::clone(&inbox) as Arc<dyn Inbox>, clock), options).await, inbox)
}

#[tokio::test]
async fn a_connection_with_a_token_no_longer_waits() {
    let (listener, inbox) = held(&TestClock::default(), ListenOptions::default().max_waiting(2)).await;
    let mut oldest = connect(&listener).await;
    let mut webhook = connect(&listener).await;
    webhook.write_all(WEBHOOK.as_bytes()).await.unwrap();
    soon("the inbox", inbox.entered.notified()).await;
    // Two connections wait, and a third one has shown its token.
    let _newest = connect(&listener).await;
    oldest.write_all(WEBHOOK.as_bytes()).await.unwrap();
    soon("the inbox", inbox.entered.notified()).await;
    for mut stream in [webhook, oldest] {
        inbox.go_on.notify_one();
        let answer = soon("the response", hear(&mut stream, "\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
}

#[tokio::test]
async fn t_033_a_slow_body_or_inbox_ends_with_a_response() {
    let head = WEBHOOK.replace("\r\n\r\n", "\r\ncontent-length: 2\r\n\r\n{");
    for (request, status) in [(head.as_str(), 408), (WEBHOOK, 503)] {
        let clock = TestClock::default();
        let (listener, inbox) = held(&clock, ListenOptions::default()).await;
        let mut stream = connect(&listener).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        if status == 503 {
            soon("the inbox", inbox.entered.notified()).await;
        }
        let answer = soon("the response", passing(&clock, RESPONSE_LIMIT, hear(&mut stream, "\r\n\r\n"))).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

/// Runs `work` while time passes in steps.
async fn passing<T>(clock: &TestClock, step: Duration, work: impl Future<Output = T>) -> T {
    let pass = async {
        loop {
            identkit_testkit::pause(Duration::from_millis(20)).await;
            clock.advance(step);
        }
    };
    tokio::select! {
        done = work => done,
        () = pass => unreachable!("time passes forever"),
    }
}

#[tokio::test]
async fn a_connection_without_a_valid_token_ends_soon() {
    const PART: &str = "GET /identity-tm/good/OnFinal?orderId=1 HTTP/1.1\r\n";
    for (proxy, part, passes, is_open) in [
        ("192.0.2.1", "", 4_999, true),
        ("192.0.2.1", "", 5_000, false),
        ("192.0.2.1", PART, 4_999, true),
        ("192.0.2.1", PART, 5_000, false),
        ("127.0.0.1", PART, 29_999, true),
        ("127.0.0.1", PART, 30_000, false),
    ] {
        let clock = TestClock::default();
        let options = ListenOptions::default().trust_proxies([proxy.parse().unwrap()]);
        let listener = listening(receiver(Arc::new(MemoryInbox::new()), &clock), options).await;
        let mut stream = connect(&listener).await;
        stream.write_all(part.as_bytes()).await.unwrap();
        // Connections are accepted in order.
        ask(&listener, WEBHOOK).await;
        clock.advance(Duration::from_millis(passes));
        if is_open {
            stream.write_all(WEBHOOK.trim_start_matches(part).as_bytes()).await.unwrap();
        }
        let answer = soon("the end of the connection", hear(&mut stream, "\r\n\r\n")).await;
        assert_eq!(answer.starts_with("HTTP/1.1 202 "), is_open, "{proxy} {passes}: {answer}");
    }
}

#[tokio::test]
async fn dropping_the_listener_closes_the_port() {
    let (listener, _) = started(ListenOptions::default()).await;
    let address = listener.address();
    drop(listener);
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// Reads a response and closes the connection.
async fn heard(mut stream: OwnedReadHalf) -> String {
    hear(&mut stream, "\r\n\r\n").await
}

#[tokio::test]
async fn a_shutdown_completes_the_requests_that_run() {
    let proxy = "127.0.0.0/8".parse().unwrap();
    let (listener, inbox) = held(&TestClock::default(), ListenOptions::default().trust_proxies([proxy])).await;
    let address = listener.address();
    let mut silent = connect(&listener).await;
    let (read, mut write) = connect(&listener).await.into_split();
    write.write_all(WEBHOOK.as_bytes()).await.unwrap();
    soon("the inbox", inbox.entered.notified()).await;
    let shutdown = tokio::spawn(listener.shutdown());
    soon("the end of the silent connection", closed(&mut silent)).await;
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
    assert!(!shutdown.is_finished());
    inbox.go_on.notify_one();
    let answer = soon("the response", heard(read)).await;
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.to_lowercase().contains("connection: close"), "{answer}");
    drop(write);
    soon("the shutdown", shutdown).await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_in_bounded_time() {
    let clock = TestClock::default();
    let (listener, inbox) = held(&clock, ListenOptions::default()).await;
    let mut stream = connect(&listener).await;
    stream.write_all(WEBHOOK.as_bytes()).await.unwrap();
    soon("the inbox", inbox.entered.notified()).await;
    // The inbox never accepts the event, and the client does not close the connection.
    soon("the shutdown", passing(&clock, LINGER, listener.shutdown())).await;
    soon("the end of the connection", closed(&mut stream)).await;
}
