//! Someone who waits for a time.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use identkit_core::{Instant, WorkGuard};
use tokio::sync::oneshot;

use super::state::State;
use crate::sync::lock;

/// Someone who waits; dropped before its time, it leaves the clock.
pub(super) struct Sleep {
    key: (Instant, u64),
    inner: Arc<Mutex<State>>,
    receive: oneshot::Receiver<WorkGuard>,
}

impl Sleep {
    pub(super) fn new(key: (Instant, u64), inner: Arc<Mutex<State>>, receive: oneshot::Receiver<WorkGuard>) -> Self {
        Self { key, inner, receive }
    }
}

impl Future for Sleep {
    type Output = WorkGuard;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<WorkGuard> {
        match std::task::ready!(Pin::new(&mut self.receive).poll(cx)) {
            Ok(wake) => Poll::Ready(wake),
            // Not while this future keeps the clock's inside; polled again after its end it never comes.
            Err(_) => Poll::Pending,
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let sender = lock(&self.inner).sleepers.remove(&self.key);
        drop(sender);
    }
}
