//! An inbox that also tells when something arrived.

use identkit_core::{Acceptance, Error, Event, Inbox, MemoryInbox, async_trait};
use identkit_webhook::FileInbox;

/// The file, and a copy in memory of every event that is in it.
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
