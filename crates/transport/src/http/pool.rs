//! Idle connections, to be used again by requests that do not ask for a fresh one.

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

use super::dial::{Meter, Stream};
use super::outgoing::Outgoing;

/// Which idle connections are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleLimits {
    /// For one server at the most.
    pub per_server: usize,
    /// In all at the most.
    pub total: usize,
    /// For so long after their last use. Servers and firewalls forget idle connections after a minute or so.
    pub time: Duration,
}

impl Default for IdleLimits {
    /// 8 for a server, 64 in all, 30 s.
    fn default() -> Self {
        Self { per_server: 8, total: 64, time: Duration::from_secs(30) }
    }
}

/// Whose connection to which server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) scope: u64,
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
}

/// A connection and the handle that sends on it. Moved about in a box, since it is large.
pub(super) struct Line {
    /// What requests on it say as their host.
    pub(super) host: HeaderValue,
    pub(super) sender: SendRequest<Outgoing>,
    pub(super) connection: Connection<TokioIo<Box<dyn Stream>>, Outgoing>,
    pub(super) meter: Meter,
}

impl Line {
    /// Lets the connection notice what happened while nobody looked; false when it cannot carry a request.
    async fn usable(&mut self) -> bool {
        // The runtime hears of a socket only between tasks: what came while nobody looked must not be taken for the
        // answer to the next request.
        tokio::task::yield_now().await;
        // Nobody is woken by what is noticed: the exchange polls the connection at once, and the request that it hands over
        // would wake this very task.
        let ended = self.ended(&mut Context::from_waker(Waker::noop()));
        !ended && self.sender.is_ready()
    }

    /// Polls the connection; true when it has ended and must not be polled again.
    pub(super) fn ended(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.connection).poll(cx).is_ready()
    }
}

struct Idle {
    key: Key,
    line: Box<Line>,
    until: Instant,
}

/// Idle connections, the latest used last. Few, and found by looking at one after the other.
pub(super) struct Pool {
    limits: IdleLimits,
    clock: Arc<dyn Clock>,
    shelf: Mutex<Vec<Idle>>,
}

impl Pool {
    pub(super) fn new(limits: IdleLimits, clock: Arc<dyn Clock>) -> Self {
        Self { limits, clock, shelf: Mutex::default() }
    }

    pub(super) async fn take(&self, key: &Key) -> Option<Box<Line>> {
        loop {
            let mut line = {
                let mut shelf = self.shelf(self.clock.now());
                let latest = shelf.iter().rposition(|idle| idle.key == *key)?;
                shelf.remove(latest).line
            };
            if line.usable().await {
                return Some(line);
            }
        }
    }

    pub(super) fn give(&self, key: Key, line: Box<Line>) {
        if line.sender.is_closed() {
            return;
        }
        let now = self.clock.now();
        let mut shelf = self.shelf(now);
        let of_server = shelf.iter().filter(|idle| idle.key == key).count();
        if shelf.len() < self.limits.total && of_server < self.limits.per_server {
            shelf.push(Idle { key, line, until: now.plus(self.limits.time) });
        }
    }

    /// The connections whose time is not over; the others are closed.
    fn shelf(&self, now: Instant) -> MutexGuard<'_, Vec<Idle>> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.retain(|idle| idle.until > now);
        shelf
    }

    pub(super) fn clear(&self) {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
