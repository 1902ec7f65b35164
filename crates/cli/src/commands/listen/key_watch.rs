//! Watches the file with the key of the store.
//!
//! A running receiver has the key in memory. If its file is removed, the next start fails, and without a copy nothing in the
//! store can be read after the end of this process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::SystemClock;
use tokio::task::JoinHandle;

use crate::output::reporter;
use crate::reception::Metrics;

/// How often the file is checked.
const INTERVAL: Duration = Duration::from_secs(5);

/// A task that warns if the file is missing. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct KeyWatch(JoinHandle<()>);

impl KeyWatch {
    pub(super) fn start(path: PathBuf, metrics: Arc<Metrics>) -> Self {
        metrics.set_key_file(true);
        Self(tokio::spawn(watch(path, metrics)))
    }
}

impl Drop for KeyWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(path: PathBuf, metrics: Arc<Metrics>) {
    let (clock, lines) = (SystemClock::new(), reporter());
    let mut is_known_missing = false;
    loop {
        drop(clock.sleep_until(clock.now().plus(INTERVAL)).await);
        // A file that cannot be checked says nothing.
        let Ok(exists) = path.try_exists() else { continue };
        metrics.set_key_file(exists);
        if !exists && !is_known_missing {
            let remedy = "restore it from a copy before this process ends, or the store cannot be read afterwards";
            drop(lines.try_send(format!("warning: the key file {} was removed: {remedy}", path.display())));
        }
        is_known_missing = !exists;
    }
}
