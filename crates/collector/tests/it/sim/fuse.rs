//! Where a process stops: before or after one of its operations.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Whether the operation at which a process stops takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// Counts the operations of a process, and stops it at one of them.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    at: Option<(usize, bool)>,
    count: AtomicUsize,
    blown: AtomicBool,
    blow: Notify,
    resume: Notify,
}

impl Fuse {
    /// A fuse that never blows.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn at(operation: usize, moment: Moment) -> Self {
        Self { at: Some((operation, moment == Moment::Before)), ..Self::default() }
    }

    /// Runs an operation of the process.
    pub(crate) async fn run<T>(&self, operation: impl Future<Output = T>) -> T {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if self.at == Some((number, true)) {
            self.stop().await;
        }
        // Other tasks run between two operations.
        tokio::task::yield_now().await;
        let result = operation.await;
        if self.at == Some((number, false)) {
            self.stop().await;
        }
        result
    }

    async fn stop(&self) {
        self.blown.store(true, Ordering::SeqCst);
        self.blow.notify_one();
        self.resume.notified().await;
    }

    /// Waits until the process stops.
    pub(crate) async fn blown(&self) {
        self.blow.notified().await;
    }

    pub(crate) fn is_blown(&self) -> bool {
        self.blown.load(Ordering::SeqCst)
    }

    /// Lets the process continue.
    pub(crate) fn resume(&self) {
        self.resume.notify_one();
    }
}
