//! Listeners, and what is served on them.

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
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its root.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }
}

/// Serves the vendors' APIs under the vendors' own paths, in the world that a request's credentials select; plain HTTP
/// without an authority.
///
/// # Errors
/// When the address cannot be listened on, or is not a loopback one: the sandbox accepts anybody's requests.
pub async fn vendors(worlds: impl Into<Worlds>, address: SocketAddr, tls: Option<&Authority>) -> io::Result<Listener> {
    vendors_at(worlds, address.into(), tls).await
}

/// As [`vendors`], where others may be meant to reach it.
///
/// # Errors
/// As [`vendors`].
pub async fn vendors_at(worlds: impl Into<Worlds>, place: Place, tls: Option<&Authority>) -> io::Result<Listener> {
    let worlds = worlds.into();
    serve(place, tls, move |request| {
        let worlds = worlds.clone();
        async move {
            let (head, body) = request.into_parts();
            // Asked before the body is read: a fault may break it off.
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

/// Serves the admin API under `/_sandbox/v1`, plain HTTP. It answers programs: what a web page has a browser send is
/// refused.
///
/// # Errors
/// As [`vendors`].
pub async fn admin(worlds: impl Into<Worlds>, address: SocketAddr) -> io::Result<Listener> {
    admin_at(worlds, address.into()).await
}

/// As [`admin`], where others may be meant to reach it.
///
/// # Errors
/// As [`vendors`].
pub async fn admin_at(worlds: impl Into<Worlds>, place: Place) -> io::Result<Listener> {
    let (worlds, api) = (worlds.into(), Arc::new(AdminApi::new(&place)));
    serve(place, None, move |request| {
        let (worlds, api) = (worlds.clone(), Arc::clone(&api));
        async move {
            let (head, body) = request.into_parts();
            Ok(match read(body).await {
                Ok(Some(bytes)) => api.handle(&worlds, &Request::from_parts(head, bytes)).await,
                Ok(None) => admin::too_large(),
                // Whoever has gone away does not hear it.
                Err(_) => admin::unreadable(),
            })
        }
    })
    .await
}

/// The calls of the admin API: the method and the path of each, with `{name}` for any one segment. `GET
/// /_sandbox/v1/openapi.json` describes them.
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
    let secured = acceptor.is_some();
    let mut task = JoinSet::new();
    task.spawn(async move {
        // Dropped with this task, and with it every connection.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        // The peer's fault, or no descriptor is left: then asking again at once would only burn time.
                        let clock = SystemClock::new();
                        clock.sleep_until(Instant(Duration::from_millis(10))).await;
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
    Ok(Listener { address, tls: secured, _task: task })
}
