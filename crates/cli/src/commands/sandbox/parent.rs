//! Ends the sandbox together with the process that started it.

use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::SystemClock;

use crate::exit::Failure;

/// Real time between two checks.
const INTERVAL: Duration = Duration::from_millis(200);

/// The process that started this one.
///
/// The id of the parent is polled. Linux can also send a signal, but too early (when the thread that started the process
/// ends) or never (if the parent ended before the process could request the signal).
pub(super) struct Parent(u32);

impl Parent {
    /// Returns the current parent. If the one that started this process has ended already, its end stays unnoticed, so
    /// this must be called early.
    ///
    /// # Errors
    /// If the system has no parents of processes.
    pub(super) fn current() -> Result<Self, Failure> {
        id().map(Self).ok_or_else(|| Failure::usage("--with-parent cannot be used: it needs a Unix system".to_owned()))
    }

    /// Waits until the parent has ended: then this process has another parent.
    pub(super) async fn ended(self) {
        let clock = SystemClock::new();
        while id() == Some(self.0) {
            drop(clock.sleep_until(clock.now().plus(INTERVAL)).await);
        }
    }
}

#[cfg(unix)]
fn id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn id() -> Option<u32> {
    None
}
