//! Listeners for the vendors' APIs and for the admin API.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use identkit_core::{Clock as _, Content, Instant};
use identkit_transport::SystemClock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::admin::{self, AdminApi};
use super::connection::{connection, read, read_first, too_large};
use super::place::Place;
use super::tls::Authority;
use crate::Worlds;
use crate::faults::Wire;

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

/// Like [`vendors`]; [`Place::reachable_by_others`] permits addresses that are not loopback.
///
/// # Errors
/// See [`vendors`].
///
/// # Panics
/// See [`vendors`].
pub async fn vendors_at(worlds: impl Into<Worlds>, place: Place, tls: Option<&Authority>) -> io::Result<Listener> {
    let worlds = worlds.into();
    serve(place, tls, move |request| {
        let worlds = worlds.clone();
        async move {
            let (head, body) = request.into_parts();
            // Checked before the body is read: a fault may reset the connection in the middle of the request.
            let empty = Request::from_parts(head, Bytes::new());
            if worlds.interrupts(&empty) {
                read_first(body).await?;
                return Ok(Wire::reset());
            }
            match read(body).await? {
                Some(bytes) => Ok(worlds.handle(empty.map(|_| bytes)).await),
                None => Ok(too_large()),
            }
        }
    })
    .await
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

/// Like [`admin`]; [`Place::reachable_by_others`] permits addresses that are not loopback.
///
/// # Errors
/// See [`vendors`].
///
/// # Panics
/// See [`vendors`].
pub async fn admin_at(worlds: impl Into<Worlds>, place: Place) -> io::Result<Listener> {
    let (worlds, api) = (worlds.into(), Arc::new(AdminApi::new(&place)));
    serve(place, None, move |request| {
        let (worlds, api) = (worlds.clone(), Arc::clone(&api));
        async move {
            let (head, body) = request.into_parts();
            Ok(match read(body).await {
                Ok(Some(bytes)) => api.handle(&worlds, &Request::from_parts(head, bytes)).await,
                Ok(None) => admin::too_large(),
                // A client that has disconnected does not receive this.
                Err(_) => admin::unreadable(),
            })
        }
    })
    .await
}

/// The calls of the admin API: method and path, with `{name}` for any one segment. `GET /_sandbox/v1/openapi.json`
/// describes them.
pub fn admin_calls() -> impl Iterator<Item = (Method, String)> {
    admin::calls()
}

async fn serve<F, R>(place: Place, tls: Option<&Authority>, handler: F) -> io::Result<Listener>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = io::Result<Response<Content>>> + Send + 'static,
{
    let address = place.checked()?;
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
    Ok(Listener { address, tls, _task: task })
}
