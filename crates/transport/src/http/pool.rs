//! Idle connections, to be used again by reads.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_rustls::MaybeHttpsStream;

use super::dial::Dialed;
use super::outgoing::Outgoing;

/// Idle connections kept for one server at the most.
const IDLE: usize = 8;

/// A connection and the handle that sends on it.
pub(super) struct Line {
    pub(super) sender: SendRequest<Outgoing>,
    pub(super) connection: Connection<MaybeHttpsStream<Dialed>, Outgoing>,
}

impl Line {
    /// Lets the connection notice what happened while nobody looked; false when it cannot carry a request.
    async fn usable(&mut self) -> bool {
        // The runtime hears of a socket only between tasks: what came while nobody looked must not be taken for the
        // answer to the next request.
        tokio::task::yield_now().await;
        let ended = poll_fn(|cx| Poll::Ready(Pin::new(&mut self.connection).poll(cx).is_ready())).await;
        !ended && self.sender.is_ready()
    }
}

/// Idle connections by scheme and authority, the latest used first.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<String, Vec<Line>>>,
}

impl Pool {
    pub(super) async fn take(&self, key: &str) -> Option<Line> {
        loop {
            let mut line = self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key)?.pop()?;
            if line.usable().await {
                return Some(line);
            }
        }
    }

    pub(super) fn give(&self, key: &str, line: Line) {
        if line.sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = idle.entry(key.to_owned()).or_default();
        if lines.len() < IDLE {
            lines.push(line);
        }
    }
}
