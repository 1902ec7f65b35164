//! Against servers of raw sockets, so that what is on the wire is what is tested.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use identkit_core::{Error, Instant};
use identkit_wire::{FileSource, Part};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Serves each connection by the script: read until the needle came, answer, and perhaps close.
async fn server(script: Vec<Vec<(&'static str, &'static str, bool)>>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        for connection in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for (needle, answer, close) in connection {
                    let heard = read_until(&mut stream, needle).await;
                    log.lock().unwrap().push(heard);
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if close {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            });
        }
    });
    (address, seen)
}

async fn read_until(stream: &mut TcpStream, needle: &str) -> String {
    let mut heard = Vec::new();
    let mut block = [0; 4096];
    while !String::from_utf8_lossy(&heard).contains(needle) {
        match stream.read(&mut block).await.unwrap() {
            0 => break,
            count => heard.extend_from_slice(&block[..count]),
        }
    }
    String::from_utf8(heard).unwrap()
}

fn transport() -> HyperTransport {
    HyperTransport::new(&TlsConfig::bundled().unwrap())
}

fn request(address: SocketAddr, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::new(body.into());
    *request.uri_mut() = format!("http://{address}/path?q=1").parse().unwrap();
    request
}

fn context(fresh: bool) -> AttemptContext {
    AttemptContext::new(fresh, Instant::NEVER)
}

async fn text(response: Response<Content>) -> Result<String, Error> {
    response.into_body().collect(1000).await.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn ai_07_a_get_keeps_its_sized_body() {
    let (address, seen) = server(vec![vec![("\"project_id\"", OK, true)]]).await;
    let mut get = request(address, br#"{"project_id": 6}"#.to_vec());
    *get.method_mut() = ::http::Method::GET;
    let response = transport().send(get, &context(false)).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    let heard = seen.lock().unwrap()[0].to_lowercase();
    assert!(heard.starts_with("get /path?q=1 http/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("host: {address}")) && heard.contains("content-length: 17"), "{heard}");
    assert!(!heard.contains("transfer-encoding"), "{heard}");
}

#[tokio::test]
async fn a_file_goes_up_as_base64_with_its_exact_length() {
    let folder = std::env::temp_dir().join(format!("identkit-upload-{}", std::process::id()));
    std::fs::write(&folder, b"%PDF-1.7 and more").unwrap();
    let (address, seen) = server(vec![vec![("\"}", OK, true)]]).await;
    let body = Body::from_parts(vec![
        Part::Bytes(Bytes::from_static(b"{\"Data\":\"")),
        Part::Base64(Arc::new(FileSource::new(&folder).unwrap())),
        Part::Bytes(Bytes::from_static(b"\"}")),
    ]);
    let response = transport().send(request(address, body), &context(true)).await.unwrap();
    assert_eq!(response.status(), 200);
    std::fs::remove_file(&folder).unwrap();
    let heard = seen.lock().unwrap()[0].clone();
    assert!(heard.contains("content-length: 35\r\n"), "{heard}");
    assert!(heard.ends_with("{\"Data\":\"JVBERi0xLjcgYW5kIG1vcmU=\"}"), "{heard}");
}

#[tokio::test]
async fn nobody_listening_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let attempt = context(true);
    let failure = transport().send(request(address, Body::empty()), &attempt).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind), (Delivery::NotSent, Kind::Unreachable));
    assert_eq!(attempt.delivery(), Delivery::NotSent);
}

#[tokio::test]
async fn a_connection_cut_after_the_request_is_maybe_sent() {
    let (address, _) = server(vec![vec![("body", "", true)]]).await;
    let attempt = context(true);
    let failure = transport().send(request(address, b"body".to_vec()), &attempt).await.unwrap_err();
    assert_eq!((failure.delivery, attempt.delivery()), (Delivery::MaybeSent, Delivery::MaybeSent));
}

#[tokio::test]
async fn a_stale_idle_connection_costs_a_read_nothing() {
    let (address, _) = server(vec![vec![("\r\n\r\n", OK, true)], vec![("\r\n\r\n", OK, true)]]).await;
    let transport = transport();
    let first = transport.send(request(address, Body::empty()), &context(false)).await.unwrap();
    assert_eq!(text(first).await.unwrap(), "ok");
    let second = transport.send(request(address, Body::empty()), &context(false)).await.unwrap();
    assert_eq!(text(second).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_request_given_up_on_a_used_connection_is_not_proved_unsent() {
    let (address, seen) = server(vec![vec![("\r\n\r\n", OK, false), ("never", "", false)]]).await;
    let transport = transport();
    let first = transport.send(request(address, Body::empty()), &context(false)).await.unwrap();
    assert_eq!(text(first).await.unwrap(), "ok");
    let attempt = context(false);
    {
        let second = std::pin::pin!(transport.send(request(address, Body::empty()), &attempt));
        let patience = crate::SystemClock::new_sleep(Duration::from_millis(200));
        futures_util::future::select(second, patience).await;
    }
    assert_eq!(attempt.delivery(), Delivery::MaybeSent);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_before_anything_is_sent() {
    let path = std::env::temp_dir().join(format!("identkit-gone-{}", std::process::id()));
    std::fs::write(&path, b"%PDF-").unwrap();
    let body = Body::from_parts(vec![Part::Raw(Arc::new(FileSource::new(&path).unwrap()))]);
    std::fs::remove_file(&path).unwrap();
    let (address, seen) = server(vec![vec![("\r\n\r\n", OK, false)]]).await;
    let failure = transport().send(request(address, body), &context(true)).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind), (Delivery::NotSent, Kind::Storage));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_changed_while_it_was_sent_is_told_as_such() {
    let path = std::env::temp_dir().join(format!("identkit-shrunk-{}", std::process::id()));
    std::fs::write(&path, vec![7; 100]).unwrap();
    let body = Body::from_parts(vec![Part::Raw(Arc::new(FileSource::new(&path).unwrap()))]);
    std::fs::write(&path, b"short").unwrap();
    let (address, _) = server(vec![vec![("never", "", false)]]).await;
    let failure = transport().send(request(address, body), &context(true)).await.unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((failure.delivery, failure.kind), (Delivery::MaybeSent, Kind::Storage));
}

#[tokio::test]
async fn a_body_cut_short_is_an_error() {
    let (address, _) = server(vec![vec![("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", true)]]).await;
    let response = transport().send(request(address, Body::empty()), &context(true)).await.unwrap();
    assert!(text(response).await.is_err());
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_has_no_length() {
    let (address, _) = server(vec![vec![("\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nok", true)]]).await;
    let response = transport().send(request(address, Body::empty()), &context(true)).await.unwrap();
    assert_eq!(response.body().len(), None);
    assert!(!response.headers().contains_key("transfer-encoding"));
}

#[tokio::test]
async fn no_http_is_told_apart_from_no_connection() {
    let (address, _) = server(vec![vec![("\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n", true)]]).await;
    let failure = transport().send(request(address, Body::empty()), &context(true)).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind), (Delivery::MaybeSent, Kind::Protocol));
}

#[tokio::test]
async fn a_server_without_tls_fails_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut block = [0; 4096];
        let count = stream.read(&mut block).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&block[..count]).into_owned()
    });
    let mut put = request(address, b"a secret body".to_vec());
    *put.uri_mut() = format!("https://{address}/").parse().unwrap();
    let attempt = context(true);
    let failure = transport().send(put, &attempt).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind), (Delivery::NotSent, Kind::Unreachable));
    assert!(failure.permanent);
    assert!(!server.await.unwrap().contains("secret"));
}

#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
        let mut block = [0; 1];
        stream.read(&mut block).await.map_or(0, |count| count)
    });
    let response = transport().send(request(address, Body::empty()), &context(true)).await.unwrap();
    drop(response);
    let left = futures_util::future::select(server, crate::SystemClock::new_sleep(Duration::from_secs(5))).await;
    assert!(matches!(left, futures_util::future::Either::Left((Ok(0), _))), "the connection stayed open");
}

impl crate::SystemClock {
    pub(crate) fn new_sleep(by: Duration) -> identkit_core::BoxFuture<'static, identkit_core::WorkGuard> {
        use identkit_core::Clock;
        let clock = Self::new();
        clock.sleep_until(clock.now().plus(by))
    }
}
