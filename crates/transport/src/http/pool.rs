//! Idle connections, to be used again by reads.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use identkit_core::{Clock, Mono};

use super::dial::{Dialed, Meter};
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

/// A connection and the handle that sends on it.
pub(super) struct Line {
    pub(super) sender: SendRequest<Outgoing>,
    pub(super) connection: Connection<MaybeHttpsStream<Dialed>, Outgoing>,
    pub(super) meter: Meter,
}

impl Line {
    /// Lets the connection notice what happened while nobody looked; false when it cannot carry a request.
    async fn usable(&mut self) -> bool {
        // The runtime hears of a socket only between tasks: what came while nobody looked must not be taken for the
        // answer to the next request.
        tokio::task::yield_now().await;
        let ended = poll_fn(|cx| Poll::Ready(self.ended(cx))).await;
        !ended && self.sender.is_ready()
    }

    /// Polls the connection; true when it has ended and must not be polled again.
    pub(super) fn ended(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.connection).poll(cx).is_ready()
    }
}

struct Idle {
    line: Line,
    until: Mono,
}

/// Idle connections by scheme and authority, the latest used first.
pub(super) struct Pool {
    limits: IdleLimits,
    clock: Arc<dyn Clock>,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(limits: IdleLimits, clock: Arc<dyn Clock>) -> Self {
        Self { limits, clock, idle: Mutex::default() }
    }

    pub(super) async fn take(&self, key: &str) -> Option<Line> {
        loop {
            self.sweep();
            let mut line = self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key)?.pop()?.line;
            if line.usable().await {
                return Some(line);
            }
        }
    }

    pub(super) fn give(&self, key: &str, line: Line) {
        if line.sender.is_closed() {
            return;
        }
        self.sweep();
        let until = self.clock.mono().plus(self.limits.time);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = idle.values().map(Vec::len).sum();
        let lines = idle.entry(key.to_owned()).or_default();
        if lines.len() < self.limits.per_server && all < self.limits.total {
            lines.push(Idle { line, until });
        }
    }

    /// Closes those whose time is over.
    pub(super) fn sweep(&self) {
        let now = self.clock.mono();
        self.retain(|idle| idle.until > now);
    }

    pub(super) fn clear(&self) {
        self.retain(|_| false);
    }

    fn retain(&self, keep: impl Fn(&Idle) -> bool) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, lines| {
            lines.retain(&keep);
            !lines.is_empty()
        });
    }
}
