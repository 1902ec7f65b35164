//! Proxies on raw sockets: all responses to CONNECT, and proxies over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Advice, Delivery, Kind, Secret};
use identkit_transport::Failure;
use identkit_transport::http::{ConnectFault, HyperTransport, Proxy, TlsConfig};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::support::{Log, OK, answer_noted, answering, create, endless, hear, noting, small, text};
use crate::tls::{Authority, TLS_1_3, peer, settings, trusting};

const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const NOWHERE: &str = "http://127.0.0.1:9/path";

/// A transport through this proxy.
pub(crate) fn by(proxy: Proxy) -> HyperTransport {
    HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(proxy)).build()
}

/// A transport through the proxy at this address.
pub(crate) fn behind(proxy: SocketAddr, direct: &str) -> HyperTransport {
    let proxy = Proxy::new(&format!("http://{proxy}"), direct).unwrap();
    by(proxy.credentials("Aladdin", &Secret::new("open sesame")).unwrap())
}

/// The fault of a tunnel that must fail. Nothing was sent.
pub(crate) async fn refused(transport: &HyperTransport, url: &str) -> (ConnectFault, Failure) {
    let refused = crate::support::refused(transport, url).await;
    assert_eq!(refused.1.delivery, Delivery::NotSent);
    refused
}

/// A proxy that reads a CONNECT, sends these pieces, and answers a request in the tunnel.
async fn proxy(pieces: Vec<String>) -> (SocketAddr, Log) {
    noting(move |mut stream, log| {
        let pieces = pieces.clone();
        async move {
            stream.set_nodelay(true).unwrap();
            let connect = hear(&mut stream, "\r\n\r\n").await;
            log.lock().unwrap().push(connect);
            for piece in pieces {
                let _ = stream.write_all(piece.as_bytes()).await;
                tokio::task::yield_now().await;
            }
            answer_noted(stream, "body", log).await;
        }
    })
    .await
}

#[tokio::test]
async fn credentials_go_to_the_proxy_and_never_into_the_tunnel() {
    for answer in [
        vec![TUNNEL.to_owned()],
        // Byte by byte.
        TUNNEL.chars().map(String::from).collect(),
        vec!["HTTP/1.0 200 OK\r\nvia: x\r\n\r\n".to_owned()],
        vec!["HTTP/1.1 201 Fine\r\n\r\n".to_owned()],
        vec!["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned()],
    ] {
        let (address, received) = proxy(answer.clone()).await;
        assert_eq!(text(&behind(address, ""), NOWHERE, true).await.unwrap(), "ok", "{answer:?}");
        let received = received.lock().unwrap();
        let connect = received[0].to_lowercase();
        assert!(connect.starts_with("connect 127.0.0.1:9 http/1.1\r\n"), "{connect}");
        assert!(connect.contains("host: 127.0.0.1:9\r\n"), "{connect}");
        assert!(received[0].contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "{connect}");
        assert!(!connect.contains("/path") && !connect.contains("body"), "{connect}");
        assert!(received[1].starts_with("PUT /path HTTP/1.1\r\n"), "{}", received[1]);
        assert!(!received[1].to_lowercase().contains("proxy") && !received[1].contains("QWxh"), "{}", received[1]);
    }
}

#[tokio::test]
async fn each_refusal_of_a_proxy_has_its_fault() {
    use ConnectFault::{ProxyCredentials, ProxyFailed, ProxyForbids, ProxyProtocol};
    let head = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nno");
    let wanted = "407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"";
    for (answer, expected) in [
        (head(wanted), ProxyCredentials),
        (head("401 Unauthorized"), ProxyCredentials),
        (head("403 Forbidden"), ProxyForbids),
        (head("301 Moved\r\nlocation: http://127.0.0.1:1/"), ProxyForbids),
        (head("502 Bad Gateway"), ProxyFailed),
        (head("503 Service Unavailable"), ProxyFailed),
        (head("204 No Content"), ProxyProtocol),
        (head("101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade"), ProxyProtocol),
        // Invalid responses.
        ("220 mail.example.com ESMTP\r\n\r\n".to_owned(), ProxyProtocol),
        ("HTTP/1.1 2000 OK\r\n\r\n".to_owned(), ProxyProtocol),
        ("HTTP/1.1 OK\r\n\r\n".to_owned(), ProxyProtocol),
        ("\0\0\0\0\r\n\r\n".to_owned(), ProxyProtocol),
        (format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(20_000)), ProxyProtocol),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(201)), ProxyProtocol),
        ("HTTP/1.1 103 Hints\r\n\r\n".repeat(4000), ProxyProtocol),
        // Bytes after the proxy's response are not the vendor's response.
        (format!("{TUNNEL}{OK}"), ProxyProtocol),
    ] {
        let row = answer.chars().take(200).collect::<String>();
        let (address, received) = proxy(vec![answer]).await;
        let (fault, failure) = refused(&behind(address, ""), NOWHERE).await;
        assert_eq!(fault, expected, "{row:?}");
        assert_eq!(failure.advice, fault.permanent().then_some(Advice::CheckProxy), "{row:?}");
        assert_eq!(received.lock().unwrap().len(), 1, "something was sent without a tunnel: {row:?}");
    }
    assert!(ProxyCredentials.text().contains("check its user and password"));
}

#[tokio::test]
async fn a_refusal_of_the_proxy_advises_to_check_it() {
    let (address, _) = proxy(vec!["HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n".to_owned()]).await;
    let called = create(behind(address, ""), "http://127.0.0.1:9", small(), Duration::from_secs(30)).await;
    let error = called.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Unreachable, Some(Delivery::NotSent)));
    assert_eq!(error.advice(), Advice::CheckProxy);
}

#[tokio::test]
async fn a_proxy_that_closes_or_is_absent_is_a_temporary_fault() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unused = listener.local_addr().unwrap();
    drop(listener);
    let (first, half) = (closing("").await, closing("HTTP/1.1 2").await);
    for (address, expected) in [
        (first, ConnectFault::ProxyClosed),
        (half, ConnectFault::ProxyClosed),
        (unused, ConnectFault::ProxyUnreachable),
    ] {
        let (fault, failure) = refused(&behind(address, ""), NOWHERE).await;
        assert_eq!((fault, failure.permanent), (expected, false));
    }
}

/// A proxy that reads a CONNECT, sends `answer` and closes.
async fn closing(answer: &'static str) -> SocketAddr {
    let (address, _) = noting(move |mut stream, _| async move {
        hear(&mut stream, "\r\n\r\n").await;
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    address
}

#[tokio::test]
async fn excluded_hosts_are_reached_directly() {
    let (address, received) = proxy(vec![TUNNEL.to_owned()]).await;
    assert_eq!(text(&behind(address, "127.0.0.0/8"), &answering(OK).await, true).await.unwrap(), "ok");
    assert!(received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_slow_proxy_ends_at_the_deadline() {
    let drip = ("HTTP/1.1 200 OK\r\n", "x: y\r\n".to_owned(), Duration::from_millis(20));
    let address = endless("\r\n\r\n", drip.0, drip.1, drip.2).await;
    let called = create(behind(address, ""), "http://127.0.0.1:9", small(), Duration::from_millis(300)).await;
    let error = called.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
}

/// A proxy over TLS that opens tunnels and logs the CONNECT.
async fn tls_proxy(authority: &Authority) -> (SocketAddr, Log) {
    let acceptor = TlsAcceptor::from(Arc::new(settings(&authority.issue(&["localhost"], |_| {}), TLS_1_3, None)));
    noting(move |stream, log| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let connect = hear(&mut stream, "\r\n\r\n").await;
            let host = connect.split(' ').nth(1).unwrap().replace("localhost", "127.0.0.1");
            log.lock().unwrap().push(connect);
            let mut vendor = TcpStream::connect(host).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut vendor).await;
        }
    })
    .await
}

fn behind_tls(proxy: SocketAddr, proxys: &Authority, vendors: &Authority) -> HyperTransport {
    let proxy =
        Proxy::new(&format!("https://localhost:{}", proxy.port()), "").unwrap().tls(trusting(proxys).build().unwrap());
    let proxy = proxy.credentials("Aladdin", &Secret::new("open sesame")).unwrap();
    HyperTransport::builder(&trusting(vendors).build().unwrap()).proxy(Some(proxy)).build()
}

#[tokio::test]
async fn a_tls_proxy_and_the_vendor_have_separate_authorities() {
    let (proxys, vendors) = (Authority::new(), Authority::new());
    let (vendor, request) = peer(settings(&vendors.issue(&["localhost"], |_| {}), TLS_1_3, None)).await;
    let (proxy, connect) = tls_proxy(&proxys).await;
    let url = format!("https://localhost:{}/path", vendor.port());
    assert_eq!(text(&behind_tls(proxy, &proxys, &vendors), &url, true).await.unwrap(), "ok");
    let (connect, request) = (connect.lock().unwrap()[0].clone(), request.lock().unwrap()[0].clone());
    assert!(connect.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", vendor.port())), "{connect}");
    assert!(connect.contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") && !connect.contains("/path"), "{connect}");
    assert!(request.starts_with("PUT /path HTTP/1.1\r\n") && !request.contains("QWxh"), "{request}");
}

#[tokio::test]
async fn an_untrusted_or_plain_proxy_gets_no_credentials() {
    let (proxys, vendors) = (Authority::new(), Authority::new());
    let (untrusted, connect) = tls_proxy(&proxys).await;
    let (plain, received) = noting(|mut stream, log| async move {
        let hello = hear(&mut stream, "\u{16}").await;
        log.lock().unwrap().push(hello);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let rest = hear(&mut stream, "CONNECT").await;
        log.lock().unwrap().push(rest);
    })
    .await;
    for proxy in [untrusted, plain] {
        // The client trusts the vendor's authority, not the proxy's.
        let (fault, failure) = refused(&behind_tls(proxy, &vendors, &vendors), "https://localhost:9/").await;
        assert_eq!((fault, failure.delivery), (ConnectFault::ProxyTls, Delivery::NotSent));
        assert!(failure.permanent);
    }
    assert_eq!(*connect.lock().unwrap(), [""; 0]);
    let received = received.lock().unwrap().concat();
    assert!(!received.is_empty() && !received.contains("CONNECT") && !received.contains("QWxh"), "{received}");
}
