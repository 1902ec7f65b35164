//! The order in which delivery attempts complete.
//!
//! Attempts that begin at the same time run at the same time, and which receiver answers first is chance. While time stands
//! still, the outcomes of attempts with one cause (timers that fall due together, one call) are applied to the world in the
//! order in which the attempts began, so that the same seed and script give the same world and the same journal. An attempt
//! whose receiver was given up holds up no other.

use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::sync::lock;

#[derive(Debug, Default)]
pub(in crate::sandbox) struct CompletionOrder(Mutex<Option<oneshot::Receiver<()>>>);

/// The place of one attempt; the next one may complete when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    before: Option<oneshot::Receiver<()>>,
    _completed: oneshot::Sender<()>,
}

impl CompletionOrder {
    /// Lets the next attempt wait for none before it.
    pub(in crate::sandbox) fn restart(&self) {
        lock(&self.0).take();
    }

    pub(super) fn next(&self) -> Place {
        let (completed, completion) = oneshot::channel();
        Place { before: lock(&self.0).replace(completion), _completed: completed }
    }
}

impl Place {
    pub(super) async fn wait(&mut self) {
        if let Some(before) = self.before.take() {
            // It is dropped, never sent to.
            let _ = before.await;
        }
    }
}
