//! A plain HTTP/1.1 server. Run it behind a proxy or load balancer that terminates TLS.
//!
//! A connection has one request. An idle connection that the server closes could collide with the next request on it, which
//! the vendor would have to repeat; and the framing of a later request cannot be checked before hyper reads it.

mod head;
#[cfg(test)]
mod tests;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use identkit_core::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use self::head::{HEAD_LIMIT, Head};
use self::waiting::{Ticket, Waiting};
use crate::allow::{Network, Peer};
use crate::receiver::{Admission, RESPONSE_LIMIT, Receiver};
use crate::service::ReceiverService;
use crate::time::within;

/// Maximum number of connections from trusted proxies and with a valid token. Further ones wait to be accepted.
const CONNECTIONS: usize = 512;
/// Maximum time until a connection shows a valid token.
const PATIENCE: Duration = Duration::from_secs(5);
/// [`PATIENCE`] with trusted proxies.
const PROXY_PATIENCE: Duration = Duration::from_secs(30);
/// Maximum time after a valid token: that after which identity.TM gives up (T-033).
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time in which the client can read a response and close the connection.
const LINGER: Duration = Duration::from_secs(1);
/// Pause after accepting failed, e.g. because the process has too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// The response to a request that hyper must not read.
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Limits of a listener.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    waiting: usize,
    proxies: Vec<Network>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self { waiting: 256, proxies: Vec::new() }
    }
}

impl ListenOptions {
    /// Sets the maximum number of connections that have not shown a valid token: by default 256, at least 1. If one more is
    /// opened, the listener closes the oldest of them.
    #[must_use]
    pub fn max_waiting(mut self, count: usize) -> Self {
        self.waiting = count.max(1);
        self
    }

    /// Adds trusted proxies. Their connections are not counted as waiting, and can wait for 30 seconds instead of 5.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: impl IntoIterator<Item = Network>) -> Self {
        self.proxies.extend(proxies);
        self
    }
}

/// A listener that serves until it is dropped, which closes all connections.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    task: JoinHandle<()>,
    /// Sends nothing: the listener stops when it is dropped.
    stop: Option<oneshot::Sender<()>>,
}

impl Listener {
    /// The local address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and all connections without a valid token, and waits for the other ones, at most 10 seconds.
    pub async fn shutdown(mut self) {
        self.stop = None;
        // The task fails only if it panics, and then nothing is left to close.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves webhooks until the returned listener is dropped. Each connection has one request; the response contains
/// `Connection: close`.
///
/// # Errors
/// If the address cannot be bound.
///
/// # Panics
/// Outside a tokio runtime with I/O, and timers if the receiver's clock needs them.
pub async fn listen(receiver: Arc<Receiver>, address: SocketAddr, options: ListenOptions) -> io::Result<Listener> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(serve(listener, receiver, options, stopped));
    Ok(Listener { address, task, stop: Some(stop) })
}

async fn serve(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    options: ListenOptions,
    mut stopped: oneshot::Receiver<()>,
) {
    let waiting = Arc::<Waiting>::default();
    let mut connections = JoinSet::new();
    let clock = receiver.clock();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS + options.waiting => {
                let Ok((stream, from)) = accepted else {
                    drop(clock.sleep_until(clock.now().plus(PAUSE)).await);
                    continue;
                };
                let is_proxy = options.proxies.iter().any(|proxy| proxy.contains(from.ip()));
                let ticket = waiting.add((!is_proxy).then_some(options.waiting));
                let patience = if is_proxy { PROXY_PATIENCE } else { PATIENCE };
                connections.spawn(connection(stream, Peer(from.ip()), Arc::clone(&receiver), ticket, patience));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    waiting.clear();
    while connections.join_next().await.is_some() {}
}

/// Serves a connection. Errors concern its client only.
async fn connection(
    mut stream: TcpStream,
    peer: Peer,
    receiver: Arc<Receiver>,
    mut ticket: Ticket,
    patience: Duration,
) {
    let clock = receiver.clock();
    let end = clock.now().plus(patience);
    let Some(Some(Ok(head))) = ticket.hold(within(clock, end, head::read(&mut stream))).await else { return };
    let admission = match &head.target {
        Some(target) if head.is_sound => {
            let check = receiver.admission(target.path(), clock.now().plus(RESPONSE_LIMIT));
            let Some(admission) = ticket.hold(check).await else { return };
            admission
        }
        _ => Admission::Denied,
    };
    let service = ReceiverService::new(Arc::clone(&receiver)).peer(peer).admission(admission);
    let response = respond(&mut stream, head, service, clock);
    if admission == Admission::Granted {
        drop(ticket);
        within(clock, clock.now().plus(TIMEOUT), response).await;
    } else {
        ticket.hold(within(clock, end, response)).await;
    }
}

async fn respond(stream: &mut TcpStream, head: Head, service: ReceiverService, clock: &dyn Clock) {
    if head.is_sound {
        let (read, write) = stream.split();
        // hyper reads the head again.
        let again = tokio::io::join((&*head.bytes).chain(read), write);
        let mut server = http1::Builder::new();
        server.keep_alive(false).max_buf_size(HEAD_LIMIT);
        let _ = server.serve_connection(TokioIo::new(again), service).await;
    } else {
        let _ = stream.write_all(BAD_REQUEST).await;
    }
    let _ = stream.shutdown().await;
    // If unread bytes remain, the system resets the connection, and the client can lose the response.
    let rest = async { tokio::io::copy(stream, &mut tokio::io::sink()).await };
    within(clock, clock.now().plus(LINGER), rest).await;
}
