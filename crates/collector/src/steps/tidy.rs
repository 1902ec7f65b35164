//! The end of a case, and the files of interrupted attempts.

use identkit_store::Artifact;

use crate::work::{Failure, Next, Stored as _, Work};

impl Work<'_> {
    /// Nothing more happens to the case.
    pub(crate) async fn tidy(&mut self) -> Result<Next, Failure> {
        self.record.person_url = None;
        self.remove_leftovers().await?;
        self.save().await.stored()?;
        Ok(Next::RestForever)
    }

    /// Removes the files of artifacts that were stored again under another name: a worker stopped before it recorded them.
    /// A file of which the ledger has no other is kept: it can be the only copy.
    pub(crate) async fn remove_leftovers(&self) -> Result<(), Failure> {
        let artifacts = self.collector.store.artifacts(self.case.id).await.stored()?;
        for location in self.collector.sink.list(&self.record.folder).await.step()? {
            let recorded = |artifact: &Artifact| *artifact.sink.expose() == location;
            let again = |artifact: &Artifact| name_of(artifact.sink.expose()) == name_of(&location);
            if !artifacts.iter().any(recorded) && artifacts.iter().any(again) {
                // The list was read after the claim. If the claim was lost since, the ledger may have grown.
                self.held.renew().await.stored()?;
                self.collector.sink.remove(&location).await.step()?;
            }
        }
        Ok(())
    }
}

/// The name of an artifact without its fencing token and its extension.
fn name_of(location: &str) -> &str {
    let file = location.rsplit('/').next().unwrap_or_default();
    file.split('.').next().unwrap_or_default()
}
