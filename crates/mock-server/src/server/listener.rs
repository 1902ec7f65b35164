//! Listeners for the vendors' APIs and for the admin API.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use identkit_core::{Clock as _, Content, Instant};
use identkit_transport::SystemClock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::admin::{self, AdminApi, AllowedHosts};
use super::connection::{BROKEN_BODY, IDLE, Limits, Read, connection, plain, read, read_first};
use super::listen_address::ListenAddress;
use super::pages;
use super::tls::Authority;
use crate::Worlds;
use crate::faults::Wire;

/// Limits on requests to a vendor: the largest documents in Base64, and some more.
const DOCUMENTS: Limits = Limits { body: 256 << 20, time: Duration::from_secs(600) };

/// Limits on requests to a vendor with the credentials of no world: enough for a login and for an order without
/// documents.
const UNKNOWN: Limits = Limits { body: 1 << 20, time: IDLE };

/// Limits on requests to the admin API, which requires no credentials.
const CONTROL: Limits = Limits { body: 16 << 20, time: IDLE };

/// A listener that serves until it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    tls: bool,
    _task: JoinSet<()>,
}

impl Listener {
    /// The address with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }
}

/// Serves the vendors' APIs under the vendors' own paths. A request's credentials select the world. Without an
/// authority the listener speaks plain HTTP.
///
/// # Errors
/// If binding to the address fails, or if it is not a loopback address: the sandbox has no access control.
///
/// # Panics
/// Outside a tokio runtime with I/O and timers.
pub async fn vendors(worlds: impl Into<Worlds>, address: SocketAddr, tls: Option<&Authority>) -> io::Result<Listener> {
    vendors_at(worlds, address.into(), tls).await
}

/// Like [`vendors`]; [`ListenAddress::reachable_by_others`] permits addresses that are not loopback.
///
/// # Errors
/// See [`vendors`].
///
/// # Panics
/// See [`vendors`].
pub async fn vendors_at(worlds: impl Into<Worlds>, at: ListenAddress, tls: Option<&Authority>) -> io::Result<Listener> {
    let api = Arc::new(AdminApi::new(worlds));
    let refuse = |defect| plain(StatusCode::BAD_REQUEST, defect);
    let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let handler = move |request: Request<Incoming>| {
        let (api, scheme) = (Arc::clone(&api), scheme.clone());
        async move {
            let worlds = api.worlds();
            let (mut head, body) = request.into_parts();
            // For the URLs of landing pages.
            head.extensions.insert(scheme);
            // Checked before the body is read: a fault may reset the connection in the middle of the request.
            let empty = Request::from_parts(head, Bytes::new());
            // Faults are for the vendors' calls, and not for landing pages.
            let is_page = pages::of(worlds).is_some() && worlds.has_landing_page_at(empty.uri().path());
            if !is_page && worlds.interrupts(&empty) {
                read_first(body).await?;
                return Ok(Wire::reset());
            }
            let limits = if worlds.knows(&empty) { DOCUMENTS } else { UNKNOWN };
            match read(body, limits).await {
                Ok(Read::Whole(bytes)) => {
                    let request = empty.map(|_| bytes);
                    if let Some(page) = pages::of(worlds).and_then(|pages| pages.person(&api, &request)) {
                        return Ok(page.await);
                    }
                    Ok(worlds.handle(request).await)
                }
                Ok(Read::TooLarge) if limits.body == UNKNOWN.body => {
                    let response = worlds.handle(empty).await;
                    // Without valid credentials, the body does not matter.
                    Ok(if response.status() == StatusCode::UNAUTHORIZED { response } else { too_large(limits) })
                }
                Ok(Read::TooLarge) => Ok(too_large(limits)),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(error),
                // A client that has disconnected does not receive this.
                Err(_) => Ok(refuse(BROKEN_BODY)),
            }
        }
    };
    serve(at, tls, handler, refuse).await
}

fn too_large(limits: Limits) -> Response<Content> {
    let text = format!("the request is larger than {} MiB", limits.body >> 20);
    plain(StatusCode::PAYLOAD_TOO_LARGE, text)
}

/// Serves the admin API under `/_sandbox/v1` over plain HTTP. It rejects requests that a web page made a browser send.
///
/// # Errors
/// See [`vendors`].
///
/// # Panics
/// See [`vendors`].
pub async fn admin(worlds: impl Into<Worlds>, address: SocketAddr) -> io::Result<Listener> {
    admin_at(worlds, address.into()).await
}

/// Like [`admin`]; [`ListenAddress::reachable_by_others`] permits addresses that are not loopback.
///
/// # Errors
/// See [`vendors`].
///
/// # Panics
/// See [`vendors`].
pub async fn admin_at(worlds: impl Into<Worlds>, at: ListenAddress) -> io::Result<Listener> {
    let shared = Arc::new((AllowedHosts::new(&at), AdminApi::new(worlds)));
    let handler = move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            let (hosts, api) = &*shared;
            // Before the body is read.
            if let Some(refusal) = admin::refusal(hosts, &request) {
                return Ok(refusal);
            }
            let (head, body) = request.into_parts();
            Ok(match read(body, CONTROL).await {
                Ok(Read::Whole(bytes)) => {
                    let request = Request::from_parts(head, bytes);
                    match pages::of(api.worlds()).and_then(|pages| pages.console(api, &request)) {
                        Some(page) => page.await,
                        None => api.handle(&request).await,
                    }
                }
                Ok(Read::TooLarge) => admin::too_large(CONTROL),
                // A client that has disconnected does not receive this.
                Err(_) => admin::bad_request(BROKEN_BODY),
            })
        }
    };
    serve(at, None, handler, admin::bad_request).await
}

/// The calls of the admin API: method and path, with `{name}` for any one segment. `GET /_sandbox/v1/openapi.json`
/// describes them.
pub fn admin_calls() -> impl Iterator<Item = (Method, String)> {
    admin::calls()
}

async fn serve<F, R>(
    at: ListenAddress,
    tls: Option<&Authority>,
    handler: F,
    refuse: fn(&'static str) -> Response<Content>,
) -> io::Result<Listener>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = io::Result<Response<Content>>> + Send + 'static,
{
    let address = at.checked()?;
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let acceptor = tls.map(|authority| TlsAcceptor::from(authority.server()));
    let tls = acceptor.is_some();
    let mut task = JoinSet::new();
    task.spawn(async move {
        // When this task ends, its connections end.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        // If no file descriptor is left, an immediate retry would only use CPU time.
                        let clock = SystemClock::new();
                        clock.sleep_until(Instant(Duration::from_millis(10))).await;
                        continue;
                    };
                    // Otherwise small responses wait for the peer's delayed acknowledgement.
                    let _ = stream.set_nodelay(true);
                    let (acceptor, handler) = (acceptor.clone(), handler.clone());
                    connections.spawn(async move {
                        match acceptor {
                            None => connection(stream, handler, refuse).await,
                            Some(acceptor) => {
                                let clock = SystemClock::new();
                                let end = clock.sleep_until(clock.now().plus(IDLE));
                                if let Either::Left((Ok(stream), _)) = select(acceptor.accept(stream), end).await {
                                    connection(stream, handler, refuse).await;
                                }
                            }
                        }
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(Listener { address, tls, _task: task })
}
