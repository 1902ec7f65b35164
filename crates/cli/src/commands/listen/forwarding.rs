//! The task that forwards events.

use std::sync::Arc;

use identkit_store::Forwarder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A task that forwards the events of the store. It ends when it is dropped; unfinished deliveries are repeated later.
#[derive(Debug)]
pub(super) struct Forwarding {
    task: JoinHandle<()>,
    /// Sends nothing: the forwarder stops when it is dropped.
    stop: Option<oneshot::Sender<()>>,
}

impl Forwarding {
    pub(super) fn start(forwarder: Arc<Forwarder>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            forwarder.run(stopped).await;
        });
        Self { task, stop: Some(stop) }
    }

    /// Completes the deliveries that are running.
    pub(super) async fn finish(mut self) {
        self.stop = None;
        // It fails only if it panics, and the events are in the store.
        drop((&mut self.task).await);
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.task.abort();
    }
}
