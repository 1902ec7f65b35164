//! Artifacts in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use identkit_core::{Content, Error};

use crate::sink::gathered::gather;
use crate::sink::location::{candidates, check_folder, conflict, differs, not_found, split};
use crate::sink::port::{ArtifactName, ArtifactSink, SavedArtifact};
use crate::sink::probe;
use crate::sink::tally::Sum;

/// Stores artifacts in memory, for tests. They are lost with the process.
#[derive(Default)]
pub struct MemorySink {
    artifacts: Mutex<BTreeMap<String, Bytes>>,
}

impl MemorySink {
    /// Creates an empty sink.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the locations of all artifacts.
    pub fn locations(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.artifacts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink").field("artifacts", &self.lock().len()).finish()
    }
}

#[async_trait]
impl ArtifactSink for MemorySink {
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error> {
        let locations = candidates(name)?;
        let bytes = gather(content).await?;
        let sum = Sum::from_bytes(&bytes);
        let mut artifacts = self.lock();
        for location in &locations {
            let stored = artifacts.entry(location.clone()).or_insert_with(|| bytes.clone());
            if *stored == bytes {
                let read = Sum::from_bytes(stored);
                return if read == sum { Ok(read.at(location)) } else { Err(differs(location)) };
            }
        }
        let [plain, _] = locations;
        Err(conflict(&plain))
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        split(location)?;
        self.lock().get(location).cloned().map(Content::from_bytes).ok_or_else(|| not_found(location))
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        check_folder(folder)?;
        let is_inside = |location: &&String| split(location).is_ok_and(|(of, _)| of == folder);
        Ok(self.lock().keys().filter(is_inside).cloned().collect())
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        split(location)?;
        self.lock().remove(location);
        Ok(())
    }

    async fn check(&self) -> Result<(), Error> {
        probe::check(self).await
    }
}
