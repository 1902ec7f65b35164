//! The sandbox's doors on the network: the vendors with TLS, and the admin API.
//!
//! Loopback only, unless told otherwise. What is spawned ends with the [`Listening`] that it belongs to.

mod admin;
mod place;
mod tls;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identkit_core::{Clock as _, Content, Mono};
use identkit_transport::SystemClock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

pub use self::place::Place;
pub use self::tls::Authority;

use crate::{NoAnswer, Worlds};

/// The most that a request's body may take: the largest documents in Base64, with room.
const BODY: usize = 256 * 1024 * 1024;

/// A listener that serves until it is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    tls: bool,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its root.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the vendors' APIs under the vendors' own paths, in the world that a request's credentials select; plain HTTP
/// without an authority.
///
/// # Errors
/// When the address cannot be listened on, or is not a loopback one: the sandbox accepts anybody's requests.
pub async fn vendors(worlds: impl Into<Worlds>, address: SocketAddr, tls: Option<&Authority>) -> io::Result<Listening> {
    vendors_at(worlds, address.into(), tls).await
}

/// As [`vendors`], where others may be meant to reach it.
///
/// # Errors
/// As [`vendors`].
pub async fn vendors_at(worlds: impl Into<Worlds>, place: Place, tls: Option<&Authority>) -> io::Result<Listening> {
    let worlds = worlds.into();
    serve(place, tls, move |request| {
        let worlds = worlds.clone();
        async move { worlds.handle(request).await }
    })
    .await
}

/// Serves the admin API under `/_sandbox/v1`, plain HTTP.
///
/// # Errors
/// As [`vendors`].
pub async fn admin(worlds: impl Into<Worlds>, address: SocketAddr) -> io::Result<Listening> {
    admin_at(worlds, address.into()).await
}

/// As [`admin`], where others may be meant to reach it.
///
/// # Errors
/// As [`vendors`].
pub async fn admin_at(worlds: impl Into<Worlds>, place: Place) -> io::Result<Listening> {
    let worlds = worlds.into();
    serve(place, None, move |request| {
        let worlds = worlds.clone();
        async move { admin::handle(&worlds, &request).await }
    })
    .await
}

/// The calls of the admin API: the method and the path of each, with `{name}` for any one segment. They are described in
/// docs/sandbox-openapi.json.
pub fn admin_calls() -> impl Iterator<Item = (Method, String)> {
    admin::calls()
}

async fn serve<F, R>(place: Place, tls: Option<&Authority>, handler: F) -> io::Result<Listening>
where
    F: Fn(Request<Bytes>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Content>> + Send + 'static,
{
    let address = place.checked()?;
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let acceptor = tls.map(|authority| TlsAcceptor::from(authority.server()));
    let secured = acceptor.is_some();
    let task = tokio::spawn(async move {
        // Dropped with this task, and with it every connection.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        // The peer's fault, or no descriptor is left: then asking again at once would only burn time.
                        let clock = SystemClock::new();
                        clock.sleep_until(Mono(Duration::from_millis(10))).await;
                        continue;
                    };
                    // Without it small answers wait for the peer's delayed acknowledgement.
                    let _ = stream.set_nodelay(true);
                    let (acceptor, handler) = (acceptor.clone(), handler.clone());
                    connections.spawn(async move {
                        match acceptor {
                            None => connection(stream, handler).await,
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(stream).await {
                                    connection(stream, handler).await;
                                }
                            }
                        }
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(Listening { address, tls: secured, task })
}

async fn connection<S, F, R>(stream: S, handler: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Bytes>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Content>> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let (head, body) = request.into_parts();
            let response = match read(body).await {
                Ok(Some(bytes)) => handler(Request::from_parts(head, bytes)).await,
                Ok(None) => {
                    let mut response = Response::new(Content::from_bytes("the request is too large\n"));
                    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                    response
                }
                // The client went away in the middle of its request.
                Err(error) => return Err(io::Error::other(error)),
            };
            if NoAnswer::marks(&response) {
                return Err(io::Error::other("no answer is to be given"));
            }
            Ok::<_, io::Error>(response)
        }
    });
    // What goes wrong on a connection is its client's to see.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The whole body, `None` when it is too large.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut all = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        match frame {
            None => return Ok(Some(all.freeze())),
            Some(Err(error)) => return Err(error),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    if all.len() + data.len() > BODY {
                        return Ok(None);
                    }
                    all.extend_from_slice(&data);
                }
            }
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}
