//! Misbehaving servers on plain sockets, which record the requests that they receive.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A server's reaction to a request: it sends these bytes, then reads the next request, closes the connection, or stays
/// silent.
pub(crate) enum Reply {
    Next(Vec<u8>),
    Cut(Vec<u8>),
    Stall(Vec<u8>),
}

impl Reply {
    pub(crate) fn answer(status: &str, media: &str, body: impl AsRef<[u8]>) -> Self {
        Self::Next(message(status, media, body.as_ref()))
    }

    /// A response with status 200 and any bytes.
    pub(crate) fn bytes(media: &str, body: &[u8]) -> Self {
        Self::answer("200 OK", media, body)
    }

    pub(crate) fn json(status: &str, body: &str) -> Self {
        Self::answer(status, "application/json", body)
    }

    /// Keeps the connection open and never responds.
    pub(crate) fn silence() -> Self {
        Self::Stall(Vec::new())
    }

    /// Closes the connection without a response.
    pub(crate) fn close() -> Self {
        Self::Cut(Vec::new())
    }
}

pub(crate) fn whole(media: &str, body: &[u8]) -> Vec<u8> {
    message("200 OK", media, body)
}

fn message(status: &str, media: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Accepts connections until the process ends, each on its own thread. Returns the address and the connection count.
pub(crate) fn accept(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (counted, serve) = (Arc::clone(&connections), Arc::new(serve));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    (address, connections)
}

/// An HTTP server with a reply for each request.
pub(crate) struct Server {
    accepting: (SocketAddr, Arc<AtomicUsize>),
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Server {
    pub(crate) fn start(decide: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<ReceivedRequest>>> = Arc::default();
        let log = Arc::clone(&requests);
        let accepting = accept(move |mut stream| {
            while let Some(request) = request(&mut stream) {
                log.lock().unwrap().push(request.clone());
                let reply = decide(&request);
                let (Reply::Next(bytes) | Reply::Cut(bytes) | Reply::Stall(bytes)) = &reply;
                let written = stream.write_all(bytes).is_ok();
                if let Reply::Stall(_) = reply {
                    // Until the client gives up.
                    let _ = stream.read(&mut [0]);
                }
                let closes = request.head.to_ascii_lowercase().contains("connection: close");
                if !written || closes || !matches!(reply, Reply::Next(_)) {
                    break;
                }
            }
            let _ = stream.shutdown(Shutdown::Both);
        });
        Self { accepting, requests }
    }

    pub(crate) fn always(decide: impl Fn() -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |_| decide())
    }

    pub(crate) fn json(status: &'static str, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::always(move || Reply::json(status, &body))
    }

    /// A server that must receive no connection.
    pub(crate) fn untouched() -> Self {
        Self::json("500 Internal Server Error", "{}")
    }

    /// Accepts every login; `decide` replies to all other requests.
    pub(crate) fn after_login(decide: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |request| match request.path.as_str() {
            "/auth" => Reply::json(
                "200 OK",
                r#"{"result":true,"response_status":200,"token":"xxx","messages":["Successful.."]}"#,
            ),
            _ => decide(request),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.accepting.0)
    }

    pub(crate) fn connections(&self) -> usize {
        self.accepting.1.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests so far, as `METHOD /path`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

/// Reads to the end of a head; `None` if the connection ends first.
pub(crate) fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

pub(crate) fn content_length(head: &str) -> usize {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.map_or(0, |(_, value)| value.trim().parse().unwrap())
}

/// Reads one request, `None` at the end of the connection.
fn request(stream: &mut TcpStream) -> Option<ReceivedRequest> {
    let head = head(stream)?;
    let mut body = vec![0; content_length(&head)];
    stream.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(ReceivedRequest { method, path, body: String::from_utf8_lossy(&body).into_owned(), head })
}

/// Copies in both directions until both have ended.
pub(crate) fn tunnel(near: TcpStream, far: TcpStream) {
    fn copy(mut from: TcpStream, mut to: TcpStream) {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    }
    let (Ok(near_again), Ok(far_again)) = (near.try_clone(), far.try_clone()) else { return };
    let there = std::thread::spawn(move || copy(near, far));
    copy(far_again, near_again);
    let _ = there.join();
}

/// A port on which no service listens: the lowest one, which is never assigned to a test.
pub(crate) const NO_SERVER: &str = "http://127.0.0.1:1";
