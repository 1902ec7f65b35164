//! The order in which delivery attempts complete.
//!
//! Attempts that start at the same time run concurrently, and the order of the responses is random. While time is
//! frozen, the outcomes of attempts with one cause (timers that are due together, one call) are applied to the world in
//! the order in which the attempts started. So the same seed and script give the same world and journal. If an attempt
//! stops holding time for its receiver, the attempts after it do not wait for it.

use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::sync::lock;

#[derive(Debug, Default)]
pub(in crate::sandbox) struct CompletionOrder(Mutex<Option<oneshot::Receiver<()>>>);

/// The position of one attempt in the order. When it is dropped, the next attempt may complete.
#[derive(Debug)]
pub(super) struct Position {
    before: Option<oneshot::Receiver<()>>,
    _completed: oneshot::Sender<()>,
}

impl CompletionOrder {
    /// Starts a new order: the next attempt waits for none before it.
    pub(in crate::sandbox) fn restart(&self) {
        lock(&self.0).take();
    }

    pub(super) fn next(&self) -> Position {
        let (completed, completion) = oneshot::channel();
        Position { before: lock(&self.0).replace(completion), _completed: completed }
    }
}

impl Position {
    pub(super) async fn wait(&mut self) {
        if let Some(before) = self.before.take() {
            // Ends when the sender is dropped; no value is sent.
            let _ = before.await;
        }
    }
}
