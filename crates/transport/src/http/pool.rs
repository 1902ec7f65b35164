//! Idle connections, for requests that do not need a fresh one.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use ::http::HeaderValue;
use ::http::uri::{Authority, Scheme};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use identkit_core::{Clock, Instant};

use super::dial::{Meter, Stream, Tee};
use super::handover::Handover;
use super::outgoing::Outgoing;

/// Limits on idle connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleLimits {
    /// Maximum number per server.
    pub per_server: usize,
    /// Maximum number in total.
    pub total: usize,
    /// Maximum time since the last use. Servers and firewalls drop idle connections after about a minute.
    pub time: Duration,
}

impl Default for IdleLimits {
    /// 8 per server, 64 in total, 30 s.
    fn default() -> Self {
        Self { per_server: 8, total: 64, time: Duration::from_secs(30) }
    }
}

/// What a connection can be used for: a client's scope and a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) scope: u64,
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
}

/// A connection and the handle that sends on it. Boxed when moved, because it is large.
pub(super) struct PooledConnection {
    /// The `Host` header of requests on this connection.
    pub(super) host: HeaderValue,
    pub(super) sender: SendRequest<Outgoing>,
    pub(super) connection: Connection<TokioIo<Box<dyn Stream>>, Outgoing>,
    pub(super) meter: Meter,
    pub(super) tee: Tee,
    pub(super) handover: Handover,
}

impl PooledConnection {
    /// Polls the connection and returns whether it can send a request.
    pub(super) async fn usable(&mut self) -> bool {
        // The runtime polls sockets only between tasks. Bytes that arrived while the connection was idle must not be read
        // as the response to the next request.
        tokio::task::yield_now().await;
        // No waker is needed: the exchange polls the connection right after this.
        let ended = self.poll_ended(&mut Context::from_waker(Waker::noop()));
        !ended && self.sender.is_ready()
    }

    /// Polls the connection. Returns `true` if it has ended and must not be polled again.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.connection).poll(cx).is_ready()
    }
}

struct Idle {
    key: Key,
    pooled: Box<PooledConnection>,
    until: Instant,
}

/// Idle connections, the most recently used last. They are few, so a search is linear.
pub(super) struct Pool {
    limits: IdleLimits,
    pub(super) clock: Arc<dyn Clock>,
    idle: Mutex<Vec<Idle>>,
}

impl Pool {
    pub(super) fn new(limits: IdleLimits, clock: Arc<dyn Clock>) -> Self {
        Self { limits, clock, idle: Mutex::default() }
    }

    pub(super) async fn take(&self, key: &Key) -> Option<Box<PooledConnection>> {
        loop {
            let mut pooled = {
                let mut connections = self.idle(self.clock.now());
                let latest = connections.iter().rposition(|idle| idle.key == *key)?;
                connections.remove(latest).pooled
            };
            if pooled.usable().await {
                return Some(pooled);
            }
        }
    }

    pub(super) fn give(&self, key: Key, pooled: Box<PooledConnection>) {
        if pooled.sender.is_closed() {
            return;
        }
        let now = self.clock.now();
        let mut connections = self.idle(now);
        let same_server = connections.iter().filter(|idle| idle.key == key).count();
        if connections.len() < self.limits.total && same_server < self.limits.per_server {
            connections.push(Idle { key, pooled, until: now.plus(self.limits.time) });
        }
    }

    /// Closes the expired connections and returns the others.
    fn idle(&self, now: Instant) -> MutexGuard<'_, Vec<Idle>> {
        let mut connections = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|idle| idle.until > now);
        connections
    }

    pub(super) fn clear(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
