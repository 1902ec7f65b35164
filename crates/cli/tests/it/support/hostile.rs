//! Servers that do what no vendor should, on plain sockets, and count what reaches them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What a server does with a request: it answers with these bytes, and then goes on with the next request, closes the
/// connection, or says nothing more.
pub(crate) enum Then {
    GoOn(Vec<u8>),
    Cut(Vec<u8>),
    Stall(Vec<u8>),
}

impl Then {
    pub(crate) fn answer(status: &str, media: &str, body: impl AsRef<[u8]>) -> Self {
        Self::GoOn(message(status, media, body.as_ref()))
    }

    /// A good answer, which need not be text.
    pub(crate) fn bytes(media: &str, body: &[u8]) -> Self {
        Self::answer("200 OK", media, body)
    }

    pub(crate) fn json(status: &str, body: &str) -> Self {
        Self::answer(status, "application/json", body)
    }

    /// Keeps the connection open and never answers.
    pub(crate) fn silence() -> Self {
        Self::Stall(Vec::new())
    }

    /// Closes the connection without a word.
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

/// Accepts connections for as long as the process lives, each in a thread of its own; returns where, and how many came.
pub(crate) fn accepting(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
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

/// An HTTP server that decides about each request.
pub(crate) struct Server {
    accepting: (SocketAddr, Arc<AtomicUsize>),
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start(decide: impl Fn(&Seen) -> Then + Send + Sync + 'static) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let noted = Arc::clone(&seen);
        let accepting = accepting(move |mut stream| {
            while let Some(request) = request(&mut stream) {
                noted.lock().unwrap().push(request.clone());
                let then = decide(&request);
                let (Then::GoOn(bytes) | Then::Cut(bytes) | Then::Stall(bytes)) = &then;
                let written = stream.write_all(bytes).is_ok();
                if let Then::Stall(_) = then {
                    // Until the client gives up.
                    let _ = stream.read(&mut [0]);
                }
                if !written || !matches!(then, Then::GoOn(_)) {
                    break;
                }
            }
            let _ = stream.shutdown(Shutdown::Both);
        });
        Self { accepting, seen }
    }

    pub(crate) fn always(decide: impl Fn() -> Then + Send + Sync + 'static) -> Self {
        Self::start(move |_| decide())
    }

    pub(crate) fn json(status: &'static str, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::always(move || Then::json(status, &body))
    }

    /// One whom nobody may even connect to.
    pub(crate) fn untouched() -> Self {
        Self::json("500 Internal Server Error", "{}")
    }

    /// Logs everybody in, and decides about every other request.
    pub(crate) fn after_login(decide: impl Fn(&Seen) -> Then + Send + Sync + 'static) -> Self {
        Self::start(move |seen| match seen.path.as_str() {
            "/auth" => Then::json(
                "200 OK",
                r#"{"result":true,"response_status":200,"token":"xxx","messages":["Successful.."]}"#,
            ),
            _ => decide(seen),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.accepting.0)
    }

    pub(crate) fn connections(&self) -> usize {
        self.accepting.1.load(Ordering::SeqCst)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests so far, as `METHOD /path`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }
}

/// Reads until the end of a head, `None` if the connection ends before.
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
fn request(stream: &mut TcpStream) -> Option<Seen> {
    let head = head(stream)?;
    let mut body = vec![0; content_length(&head)];
    stream.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Seen { method, path, body: String::from_utf8_lossy(&body).into_owned(), head })
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

/// A port of this machine on which nobody listens: the lowest, which no test and hardly any service is given.
pub(crate) const NOBODY: &str = "http://127.0.0.1:1";
