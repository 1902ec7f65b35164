//! An HTTP/1.1 server. Without the feature `tls`, run it behind a proxy or load balancer that terminates TLS.
//!
//! A connection has one request. An idle connection that the server closes could collide with the next request on it, which
//! the vendor would have to repeat; and the framing of a later request cannot be checked before hyper reads it.

mod connection;
mod head;
mod options;
#[cfg(test)]
mod tests;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use self::connection::Shared;
pub use self::options::{HandledRequest, ListenOptions, Pages};
use self::waiting::Waiting;
use crate::allow::Peer;
use crate::receiver::Receiver;

/// Maximum number of connections from trusted proxies and with a valid token. Further ones wait to be accepted.
const CONNECTIONS: usize = 512;
/// Maximum time until a connection shows a valid token.
const PATIENCE: Duration = Duration::from_secs(5);
/// [`PATIENCE`] with trusted proxies.
const PROXY_PATIENCE: Duration = Duration::from_secs(30);
/// Pause after accepting failed, e.g. because the process has too many open files.
const PAUSE: Duration = Duration::from_millis(50);

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
    let task = tokio::spawn(serve(listener, Shared { receiver, options }, stopped));
    Ok(Listener { address, task, stop: Some(stop) })
}

async fn serve(listener: TcpListener, shared: Shared, mut stopped: oneshot::Receiver<()>) {
    let shared = Arc::new(shared);
    let waiting = Arc::<Waiting>::default();
    let mut connections = JoinSet::new();
    let (clock, options) = (shared.receiver.clock(), &shared.options);
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
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    connection::serve(stream, Peer(from.ip()), &shared, ticket, patience).await;
                });
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    waiting.clear();
    while connections.join_next().await.is_some() {}
}
