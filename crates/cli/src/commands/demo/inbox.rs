//! An inbox that also tells when something arrived.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Acceptance, Clock, Error, Event, Inbox, async_trait};
use identkit_webhook::FileInbox;
use tokio::sync::mpsc;

/// The file, and a copy of every event that is in it.
pub(super) struct ObservedInbox {
    inner: FileInbox,
    events: mpsc::UnboundedSender<Event>,
}

/// The copies.
pub(super) struct Arrivals {
    events: mpsc::UnboundedReceiver<Event>,
    clock: Arc<dyn Clock>,
}

impl ObservedInbox {
    pub(super) fn new(inner: FileInbox, clock: Arc<dyn Clock>) -> (Self, Arrivals) {
        let (sender, events) = mpsc::unbounded_channel();
        (Self { inner, events: sender }, Arrivals { events, clock })
    }
}

#[async_trait]
impl Inbox for ObservedInbox {
    async fn accept(&self, event: Event) -> Result<Acceptance, Error> {
        let accepted = self.inner.accept(event.clone()).await?;
        // Nobody listening any more is no reason not to acknowledge what is durable.
        let _ = self.events.send(event);
        Ok(accepted)
    }
}

impl Arrivals {
    /// The event of this name about this case, when it arrives in time.
    pub(super) async fn wait(&mut self, name: &str, case: &str, patience: Duration) -> Option<Event> {
        let deadline = self.clock.now().plus(patience);
        loop {
            tokio::select! {
                event = self.events.recv() => {
                    let event = event?;
                    if event.name == name && event.case_id.as_ref().is_some_and(|id| id.expose() == case) {
                        return Some(event);
                    }
                }
                _ = self.clock.sleep_until(deadline) => return None,
            }
        }
    }
}
