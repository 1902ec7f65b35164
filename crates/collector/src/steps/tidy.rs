//! The end of a case, and the files in its folder that the ledger does not name.

use crate::work::{Failure, Next, Stored as _, Work};

impl Work<'_> {
    /// Nothing more happens to the case.
    pub(crate) async fn tidy(&mut self) -> Result<Next, Failure> {
        self.record.person_url = None;
        self.count_unrecorded_files().await?;
        self.save().await.stored()?;
        Ok(Next::RestForever)
    }

    /// Counts the files in the case's folder that the ledger does not name. None is removed: it can be from an attempt that
    /// stopped before it recorded the file, but also someone else's, or recorded in a store that was replaced by a backup.
    pub(crate) async fn count_unrecorded_files(&mut self) -> Result<(), Failure> {
        let artifacts = self.collector.store.artifacts(self.case.id).await.stored()?;
        let files = self.collector.sink.list(&self.record.folder).await.step()?;
        let is_recorded = |file: &&String| artifacts.iter().any(|artifact| artifact.sink.expose() == *file);
        let unrecorded = files.len().saturating_sub(files.iter().filter(is_recorded).count());
        self.record.unrecorded_files = u32::try_from(unrecorded).unwrap_or(u32::MAX);
        Ok(())
    }
}
