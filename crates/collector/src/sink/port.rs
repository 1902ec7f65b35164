//! The port of a place where artifacts are stored.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use identkit_core::{Content, Error};
use sha2::{Digest as _, Sha256};

/// Name of an artifact. It contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactName {
    /// Folder of the case, with `/` between its parts, e.g. `identity-tm/2026/11/30/` and 32 hexadecimal digits.
    pub folder: String,
    /// Name of the file, e.g. `report-0.pdf`.
    pub file: String,
    /// Fencing token of the claim under which it is stored. Two workers never have the same for one case.
    pub fence: u64,
}

impl ArtifactName {
    /// Creates a name.
    pub fn new(folder: impl Into<String>, file: impl Into<String>, fence: u64) -> Self {
        Self { folder: folder.into(), file: file.into(), fence }
    }
}

/// A saved artifact, read back after it was written.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedArtifact {
    /// Where it is, relative to the sink.
    pub location: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
}

impl SavedArtifact {
    /// Creates the description of a saved artifact.
    pub fn new(location: impl Into<String>, length: u64, sha256: [u8; 32]) -> Self {
        Self { location: location.into(), length, sha256 }
    }
}

/// Stores artifacts: a folder, an object store.
///
/// # Errors
/// [`Kind::Storage`](identkit_core::Kind::Storage) if the sink fails, and
/// [`Kind::Integrity`](identkit_core::Kind::Integrity) if what was read back differs from what was written. Errors of the
/// content are passed on.
#[async_trait]
pub trait ArtifactSink: Send + Sync + fmt::Debug {
    /// Stores the content durably under a name that no other attempt overwrites, reads it back, and returns what was read.
    /// If it fails, nothing is stored under a final name.
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error>;

    /// Reads an artifact.
    ///
    /// # Errors
    /// Also [`Kind::NotFound`](identkit_core::Kind::NotFound) if it does not exist.
    async fn read(&self, location: &str) -> Result<Content, Error>;

    /// Returns the locations of the artifacts in a folder, without those of its subfolders. A folder that does not exist is
    /// empty.
    async fn list(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// Removes an artifact. Succeeds if it does not exist.
    async fn remove(&self, location: &str) -> Result<(), Error>;

    /// Checks that artifacts can be stored: writes a file, reads it back and removes it.
    async fn check(&self) -> Result<(), Error>;

    /// Reads an artifact, and returns its length in bytes and its SHA-256.
    async fn digest(&self, location: &str) -> Result<(u64, [u8; 32]), Error> {
        let mut content = self.read(location).await?;
        let (mut length, mut hash) = (0_u64, Sha256::new());
        while let Some(bytes) = content.next().await.transpose()? {
            length += bytes.len() as u64;
            hash.update(&bytes);
        }
        Ok((length, hash.finalize().into()))
    }
}

#[async_trait]
impl<S: ArtifactSink + ?Sized> ArtifactSink for Arc<S> {
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error> {
        (**self).store(name, content).await
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        (**self).read(location).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        (**self).list(folder).await
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        (**self).remove(location).await
    }

    async fn check(&self) -> Result<(), Error> {
        (**self).check().await
    }

    async fn digest(&self, location: &str) -> Result<(u64, [u8; 32]), Error> {
        (**self).digest(location).await
    }
}
