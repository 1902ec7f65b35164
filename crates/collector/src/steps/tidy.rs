//! The end of a case, and the files of interrupted attempts.

use crate::work::{Failure, Next, Stored as _, Work};

impl Work<'_> {
    /// Nothing more happens to the case.
    pub(crate) async fn tidy(&mut self) -> Result<Next, Failure> {
        self.record.person_url = None;
        self.remove_leftovers().await?;
        self.save().await.stored()?;
        Ok(Next::RestForever)
    }

    /// Removes the artifacts that are not in the ledger: a worker stopped before it recorded them, and they were stored
    /// again under another name.
    pub(crate) async fn remove_leftovers(&self) -> Result<(), Failure> {
        let artifacts = self.collector.store.artifacts(self.case.id).await.stored()?;
        for location in self.collector.sink.list(&self.record.folder).await.step()? {
            if !artifacts.iter().any(|artifact| *artifact.sink.expose() == location) {
                // The list was read after the claim. If the claim was lost since, the ledger may have grown.
                self.held.renew().await.stored()?;
                self.collector.sink.remove(&location).await.step()?;
            }
        }
        Ok(())
    }
}
