//! Pages, observers and TLS.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::*;

/// One page; the listener's clock passes 250 ms while it is read.
struct Health(TestClock);

#[async_trait]
impl Pages for Health {
    async fn page(&self, path: &str) -> Option<Response<Bytes>> {
        self.0.advance(Duration::from_millis(250));
        (path == "/healthz").then(|| Response::new(Bytes::from_static(b"well")))
    }
}

/// Status and body.
fn parts(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap(), body)
}

async fn with_pages() -> Listener {
    let clock = TestClock::default();
    let options = ListenOptions::default().pages(Arc::new(Health(clock.clone())));
    listening(receiver(Arc::new(MemoryInbox::new()), &clock), options).await
}

#[tokio::test]
async fn a_page_is_served_at_its_path_only() {
    let listener = with_pages().await;
    let request = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\n\r\n");
    for (line, expected) in [
        ("GET /healthz", ("200", "well")),
        ("GET /healthz?x=1", ("200", "well")),
        ("HEAD /healthz", ("200", "")),
        ("POST /healthz", ("404", "")),
        ("GET /healthz/", ("404", "")),
        ("GET /a/healthz", ("404", "")),
        ("GET /HEALTHZ", ("404", "")),
    ] {
        let answer = ask(&listener, &request(line)).await;
        assert_eq!(parts(&answer), expected, "{line}: {answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    }
    // Everything unknown has the same response, as without pages.
    let without_date = |answer: String| -> String {
        answer.split_inclusive("\r\n").filter(|line| !line.starts_with("date:")).collect()
    };
    let (plain, _) = started(ListenOptions::default()).await;
    let expected = without_date(ask(&plain, &request("GET /unknown")).await);
    for line in ["GET /unknown", "POST /healthz", "GET /identity-tm/wrong/OnFinal?orderId=1"] {
        assert_eq!(without_date(ask(&listener, &request(line)).await), expected, "{line}");
    }
    assert!(ask(&listener, WEBHOOK).await.starts_with("HTTP/1.1 202 "));
}

/// A page that is never complete.
struct Endless(Arc<Notify>);

#[async_trait]
impl Pages for Endless {
    async fn page(&self, _: &str) -> Option<Response<Bytes>> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_for_a_page_has_the_limits_of_waiting() {
    let clock = TestClock::default();
    let entered = Arc::new(Notify::new());
    let options = ListenOptions::default().max_waiting(1).pages(Arc::new(Endless(Arc::clone(&entered))));
    let listener = listening(receiver(Arc::new(MemoryInbox::new()), &clock), options).await;
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = connect(&listener).await;
    first.write_all(request.as_bytes()).await.unwrap();
    soon("the page", entered.notified()).await;
    // One connection may wait: the second one ends the first.
    let mut second = connect(&listener).await;
    soon("the end of the first connection", closed(&mut first)).await;
    second.write_all(request.as_bytes()).await.unwrap();
    soon("the page", entered.notified()).await;
    clock.advance(PATIENCE);
    soon("the end of the second connection", closed(&mut second)).await;
}

#[tokio::test]
async fn webhooks_are_observed_without_tokens() {
    type Seen = (Option<(String, String)>, StatusCode, Duration);
    let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
    let clock = TestClock::default();
    let observed = Arc::clone(&seen);
    let options = ListenOptions::default().pages(Arc::new(Health(clock.clone()))).observe(move |handled| {
        let webhook = handled.webhook.map(|(provider, event)| (provider.to_owned(), event.to_owned()));
        observed.lock().unwrap().push((webhook, handled.status, handled.duration));
    });
    let listener = listening(receiver(Arc::new(MemoryInbox::new()), &clock), options).await;
    for request in [
        WEBHOOK.to_owned(),
        WEBHOOK.replace("orderId", "order"),
        WEBHOOK.replace("good", "wrong"),
        WEBHOOK.replace("GET /identity-tm/good/OnFinal?orderId=1", "GET /healthz"),
    ] {
        ask(&listener, &request).await;
    }
    let on_final = || Some(("identity-tm".to_owned(), "OnFinal".to_owned()));
    let expected = [
        (on_final(), StatusCode::ACCEPTED, Duration::ZERO),
        (on_final(), StatusCode::BAD_REQUEST, Duration::ZERO),
        // The pages were asked for it first.
        (None, StatusCode::NOT_FOUND, Duration::from_millis(250)),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[cfg(feature = "tls")]
mod tls {
    use tokio::io::AsyncReadExt as _;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
    use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

    use super::*;

    fn configurations() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        (Arc::new(server.with_single_cert(vec![certificate], key).unwrap()), Arc::new(client))
    }

    async fn listening_with_tls(clock: &TestClock, waiting: usize) -> (Listener, TlsConnector) {
        let (server, client) = configurations();
        let options = ListenOptions::default().max_waiting(waiting).tls(server);
        (listening(receiver(Arc::new(MemoryInbox::new()), clock), options).await, TlsConnector::from(client))
    }

    async fn deliver(listener: &Listener, connector: &TlsConnector) -> String {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, connect(listener).await).await.unwrap();
        stream.write_all(WEBHOOK.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // The end of the stream is an end of TLS, not only of the connection.
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn with_tls_only_encrypted_webhooks_are_accepted() {
        let (listener, connector) = listening_with_tls(&TestClock::default(), 256).await;
        let answer = soon("the response", deliver(&listener, &connector)).await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        let answer = ask(&listener, WEBHOOK).await;
        assert!(!answer.contains("HTTP/1.1"), "{answer}");
    }

    #[tokio::test]
    async fn a_handshake_counts_as_waiting() {
        let clock = TestClock::default();
        let (listener, connector) = listening_with_tls(&clock, 2).await;
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(connect(&listener).await);
        }
        soon("the end of the oldest connection", closed(&mut silent[0])).await;
        let answer = soon("the response", deliver(&listener, &connector)).await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        soon("the end of the next connection", closed(&mut silent[1])).await;
        clock.advance(PATIENCE);
        soon("the end of an incomplete handshake", closed(&mut silent[2])).await;
    }
}
