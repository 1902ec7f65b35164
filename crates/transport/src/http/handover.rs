//! Whether a response arrives before the whole request was handed to its connection (AT-97).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far the request on a connection was handed over. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Handover(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    /// Whether hyper has taken the last byte of the body.
    taken: AtomicBool,
    /// Whether the stream was flushed after that. hyper flushes only if its own buffer is empty.
    flushed: AtomicBool,
    /// Whether bytes were received before that, and none since.
    early: AtomicBool,
}

impl Handover {
    /// Begins a request.
    pub(super) fn begin(&self, has_body: bool) {
        self.0.taken.store(!has_body, Ordering::Relaxed);
        self.0.flushed.store(false, Ordering::Relaxed);
        self.0.early.store(false, Ordering::Relaxed);
    }

    /// Notes that hyper has taken the last byte of the body.
    pub(super) fn take(&self) {
        self.0.taken.store(true, Ordering::Relaxed);
    }

    /// Notes that the stream has no unsent byte.
    pub(super) fn flush(&self) {
        if self.0.taken.load(Ordering::Relaxed) {
            self.0.flushed.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that bytes were received. An interim response may be early: the last read counts.
    pub(super) fn receive(&self) {
        self.0.early.store(!self.0.flushed.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether the last bytes were received before the whole request was handed over.
    pub(super) fn is_early(&self) -> bool {
        self.0.early.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_97_a_request_is_handed_over_after_its_last_flush() {
        let handover = Handover::default();
        handover.begin(true);
        handover.flush();
        handover.receive();
        assert!(handover.is_early(), "the head of the request was flushed");
        handover.take();
        handover.receive();
        assert!(handover.is_early(), "hyper holds the last bytes");
        handover.flush();
        assert!(handover.is_early(), "the response arrived before the flush");
        handover.receive();
        assert!(!handover.is_early(), "an interim response was early, the final one is not");
        handover.begin(false);
        handover.receive();
        assert!(handover.is_early(), "nothing was flushed");
        handover.flush();
        handover.receive();
        assert!(!handover.is_early());
    }
}
