//! The connections that have not shown a valid token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Connections without a valid token, oldest first. Each ends when its sender is dropped.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    counted: BTreeMap<u64, oneshot::Sender<()>>,
    exempt: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Waiting {
    /// Adds a connection. If more than `limit` would wait, the oldest one ends. A connection without a limit is not counted.
    pub(super) fn add(self: &Arc<Self>, limit: Option<usize>) -> Ticket {
        let (sender, ended) = oneshot::channel();
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        match limit {
            None => drop(inner.exempt.insert(number, sender)),
            Some(limit) => {
                while inner.counted.len() >= limit.max(1) {
                    inner.counted.pop_first();
                }
                inner.counted.insert(number, sender);
            }
        }
        drop(inner);
        Ticket { waiting: Arc::clone(self), number, ended }
    }

    /// Ends all connections.
    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        inner.counted.clear();
        inner.exempt.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection waits until its ticket is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    waiting: Arc<Waiting>,
    number: u64,
    ended: oneshot::Receiver<()>,
}

impl Ticket {
    /// Runs `work`. Returns `None` if the connection must end first.
    pub(super) async fn hold<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            _ = &mut self.ended => None,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.waiting.lock();
        inner.counted.remove(&self.number);
        inner.exempt.remove(&self.number);
    }
}
