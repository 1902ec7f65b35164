//! An inbox that reports why it fails.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identkit_core::{Clock as _, Error, Inbox, Instant, WebhookDelivery, async_trait};
use identkit_transport::SystemClock;

use crate::output::reporter;
use crate::text::plain;

/// Minimum time between two reports.
const QUIET: Duration = Duration::from_secs(60);

/// An inbox that reports why it fails: once in a while, because the vendor tries again.
pub(crate) struct ReportingInbox {
    inner: Arc<dyn Inbox>,
    lines: SyncSender<String>,
    clock: SystemClock,
    reported: Mutex<Option<Instant>>,
}

impl ReportingInbox {
    pub(crate) fn new(inner: Arc<dyn Inbox>) -> Self {
        Self { inner, lines: reporter(), clock: SystemClock::new(), reported: Mutex::default() }
    }

    fn report(&self, error: &Error) {
        let now = self.clock.now();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.is_none_or(|last| now.since(last) >= QUIET) {
            *reported = Some(now);
            let detail = plain(error.detail());
            let line = format!("warning: a webhook was not stored, and was answered with 503: {detail}");
            // Standard error may be blocked.
            drop(self.lines.try_send(line));
        }
    }
}

#[async_trait]
impl Inbox for ReportingInbox {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.inner.accept(delivery).await.inspect_err(|error| self.report(error))
    }
}
