//! An inbox whose events the demo can wait for.

use identkit_core::{Acceptance, Error, Event, Inbox, MemoryInbox, async_trait};
use identkit_webhook::FileInbox;

/// A file inbox with a copy of its events in memory.
pub(super) struct ObservedInbox {
    pub(super) file: FileInbox,
    pub(super) copy: MemoryInbox,
}

#[async_trait]
impl Inbox for ObservedInbox {
    async fn accept(&self, event: Event) -> Result<Acceptance, Error> {
        let accepted = self.file.accept(event.clone()).await?;
        self.copy.accept(event).await?;
        Ok(accepted)
    }
}
