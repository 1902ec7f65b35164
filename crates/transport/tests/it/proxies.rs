//! Proxies of raw sockets: every way to answer a CONNECT, or not to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identkit_core::{Advice, Delivery, Kind, Secret};
use identkit_transport::Failure;
use identkit_transport::http::{ConnectError, ConnectFault, HyperTransport, Proxy, TlsConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{attempt, closed, hear, pause, put, server};

const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A transport behind the proxy at this address.
pub(crate) fn behind(proxy: SocketAddr, direct: &str) -> HyperTransport {
    let proxy = Proxy::new(&format!("http://{proxy}"), direct).unwrap();
    let proxy = proxy.credentials("Aladdin", &Secret::new("open sesame")).unwrap();
    HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(proxy)).build()
}

/// Why no tunnel came about.
pub(crate) async fn refused(transport: &HyperTransport, url: &str) -> (ConnectFault, Failure) {
    let (sent, delivery) = attempt(transport, put(url, "body"), true).await;
    let failure = sent.expect_err("a tunnel that should have been refused");
    assert_eq!((failure.delivery, delivery, failure.kind), (Delivery::NotSent, Delivery::NotSent, Kind::Unreachable));
    let fault = failure.source.as_ref().unwrap().downcast_ref::<ConnectError>().unwrap().fault();
    assert_eq!((failure.detail, failure.permanent), (fault.text(), fault.permanent()));
    let printed = format!("{failure:?} {:?}", failure.source);
    assert!(!printed.contains("QWxh") && !printed.contains("sesame"), "{printed}");
    (fault, failure)
}

/// A proxy that hears a CONNECT and sends these pieces.
async fn proxy(pieces: Vec<String>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let (address, _) = server(move |mut stream, _| {
        let (log, pieces) = (Arc::clone(&log), pieces.clone());
        async move {
            stream.set_nodelay(true).unwrap();
            let connect = hear(&mut stream, "\r\n\r\n").await;
            log.lock().unwrap().push(connect);
            for piece in pieces {
                let _ = stream.write_all(piece.as_bytes()).await;
                tokio::task::yield_now().await;
            }
            let inside = hear(&mut stream, "body").await;
            if !inside.is_empty() {
                log.lock().unwrap().push(inside);
                let _ = stream.write_all(OK.as_bytes()).await;
                closed(&mut stream).await;
            }
        }
    })
    .await;
    (address, heard)
}

async fn fault(answer: impl Into<String>) -> ConnectFault {
    let (address, heard) = proxy(vec![answer.into()]).await;
    let (fault, failure) = refused(&behind(address, ""), "http://127.0.0.1:9/").await;
    assert_eq!(failure.advice, fault.permanent().then_some(Advice::CheckProxy));
    assert_eq!(heard.lock().unwrap().len(), 1, "something went into a tunnel that was none");
    fault
}

#[tokio::test]
async fn credentials_go_to_the_proxy_and_never_into_the_tunnel() {
    for answer in [
        TUNNEL,
        "HTTP/1.0 200 OK\r\nvia: x\r\n\r\n",
        "HTTP/1.1 201 Fine\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (address, heard) = proxy(vec![answer.to_owned()]).await;
        let (sent, _) = attempt(&behind(address, ""), put("http://127.0.0.1:9/path", "body"), true).await;
        assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok", "{answer}");
        let heard = heard.lock().unwrap();
        let connect = heard[0].to_lowercase();
        assert!(connect.starts_with("connect 127.0.0.1:9 http/1.1\r\n"), "{connect}");
        assert!(connect.contains("host: 127.0.0.1:9\r\n"), "{connect}");
        assert!(heard[0].contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "{connect}");
        assert!(!connect.contains("/path") && !connect.contains("body"), "{connect}");
        assert!(heard[1].starts_with("PUT /path HTTP/1.1\r\n"), "{}", heard[1]);
        assert!(!heard[1].to_lowercase().contains("proxy") && !heard[1].contains("QWxh"), "{}", heard[1]);
    }
}

#[tokio::test]
async fn a_tunnels_answer_may_come_letter_by_letter() {
    let (address, _) = proxy(TUNNEL.chars().map(String::from).collect()).await;
    let (sent, _) = attempt(&behind(address, ""), put("http://127.0.0.1:9/", "body"), true).await;
    assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok");
}

#[tokio::test]
async fn refusals_of_a_proxy_are_told_apart() {
    let head = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nno");
    for (status, expected) in [
        ("407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"", ConnectFault::ProxyCredentials),
        ("401 Unauthorized", ConnectFault::ProxyCredentials),
        ("403 Forbidden", ConnectFault::ProxyForbids),
        ("301 Moved\r\nlocation: http://127.0.0.1:1/", ConnectFault::ProxyForbids),
        ("502 Bad Gateway", ConnectFault::ProxyFailed),
        ("503 Service Unavailable", ConnectFault::ProxyFailed),
        ("204 No Content", ConnectFault::ProxyProtocol),
        ("101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade", ConnectFault::ProxyProtocol),
    ] {
        assert_eq!(fault(head(status)).await, expected, "{status}");
    }
    assert!(ConnectFault::ProxyCredentials.text().contains("check its user and password"));
}

#[tokio::test]
async fn a_call_that_a_proxy_refuses_advises_to_check_the_proxy() {
    let (address, _) = proxy(vec!["HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n".to_owned()]).await;
    let body = identkit_wire::Body::from(b"body".to_vec());
    let called = crate::support::create(behind(address, ""), "http://127.0.0.1:9", body, Duration::from_secs(30)).await;
    let error = called.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Unreachable, Some(Delivery::NotSent)));
    assert_eq!(error.advice(), Advice::CheckProxy);
}

#[tokio::test]
async fn what_is_no_answer_of_a_proxy_is_told_as_such() {
    for answer in
        ["220 mail.example.com ESMTP\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "\0\0\0\0\r\n\r\n"]
    {
        assert_eq!(fault(answer).await, ConnectFault::ProxyProtocol, "{answer:?}");
    }
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    assert_eq!(fault(large).await, ConnectFault::ProxyProtocol);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    assert_eq!(fault(many).await, ConnectFault::ProxyProtocol);
    let interim = "HTTP/1.1 103 Hints\r\n\r\n".repeat(4000);
    assert_eq!(fault(interim).await, ConnectFault::ProxyProtocol);
}

#[tokio::test]
async fn bytes_of_the_proxys_own_do_not_become_the_vendors_answer() {
    assert_eq!(fault(format!("{TUNNEL}{OK}")).await, ConnectFault::ProxyProtocol);
}

#[tokio::test]
async fn a_proxy_that_hangs_up_is_told_and_may_be_tried_again() {
    for answer in ["", "HTTP/1.1 2"] {
        let (address, _) = server(move |mut stream: TcpStream, _| async move {
            hear(&mut stream, "\r\n\r\n").await;
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let (fault, failure) = refused(&behind(address, ""), "http://127.0.0.1:9/").await;
        assert_eq!((fault, failure.permanent), (ConnectFault::ProxyClosed, false));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (fault, failure) = refused(&behind(address, ""), "http://127.0.0.1:9/").await;
    assert_eq!((fault, failure.permanent), (ConnectFault::ProxyUnreachable, false));
}

#[tokio::test]
async fn what_is_excepted_is_reached_directly() {
    let (address, heard) = proxy(vec![TUNNEL.to_owned()]).await;
    let (vendor, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        stream.write_all(OK.as_bytes()).await.unwrap();
    })
    .await;
    let (sent, _) = attempt(&behind(address, "127.0.0.0/8"), put(&format!("http://{vendor}/"), "body"), true).await;
    assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok");
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_drips_is_left_when_the_deadline_strikes() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "\r\n\r\n").await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            pause(Duration::from_millis(20)).await;
        }
    })
    .await;
    let body = identkit_wire::Body::from(b"body".to_vec());
    let transport = behind(address, "");
    let error =
        crate::support::create(transport, "http://127.0.0.1:9", body, Duration::from_millis(300)).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
}
