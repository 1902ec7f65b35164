//! In which order tries to deliver webhooks come to their end.
//!
//! Those that begin at the same time run at the same time, and which receiver answers first is chance. While time stands
//! still, what comes of those that have one cause (timers that fall due together, one call) is put into the world in the
//! order in which they began, so that the same seed and script give the same world and the same journal. Nobody waits for a
//! receiver that has been given up waiting for.

use std::sync::Mutex;

use tokio::sync::oneshot;

use super::lock;

/// Gives the turns out.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Option<oneshot::Receiver<()>>>);

/// One's turn; it passes on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _passing_on: oneshot::Sender<()>,
}

impl Turns {
    /// Whoever comes next waits for nobody.
    pub(super) fn anew(&self) {
        lock(&self.0).take();
    }

    /// The turn after the one that was given out last.
    pub(super) fn next(&self) -> Turn {
        let (passing_on, passed) = oneshot::channel();
        Turn { before: lock(&self.0).replace(passed), _passing_on: passing_on }
    }
}

impl Turn {
    /// Waits until those before have passed on.
    pub(super) async fn come(&mut self) {
        if let Some(before) = self.before.take() {
            // It is dropped, never sent to.
            let _ = before.await;
        }
    }
}
