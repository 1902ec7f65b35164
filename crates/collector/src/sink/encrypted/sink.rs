//! The sink that encrypts.

use std::fmt;

use async_trait::async_trait;
use identkit_core::{Content, Error, Kind};

use crate::sink::encrypted::format::{encrypted_name, header, is_encrypted};
use crate::sink::encrypted::key::ArtifactKey;
use crate::sink::encrypted::open::open;
use crate::sink::encrypted::seal::seal;
use crate::sink::location::{candidates, differs, not_found, split};
use crate::sink::port::{ArtifactName, ArtifactSink, SavedArtifact};
use crate::sink::probe;
use crate::sink::tally::Sum;

/// Encrypts artifacts before another sink stores them.
///
/// Each artifact has a random key, wrapped by the [`ArtifactKey`], and is encrypted with XChaCha20-Poly1305 in chunks of
/// 64 KiB, so that artifacts of any size need little memory. Changed, exchanged, reordered or missing chunks and exchanged
/// files are detected. The files have the extension `.enc`. Their names and approximate sizes are not secret.
///
/// [`SavedArtifact`] and [`digest`](ArtifactSink::digest) have length and SHA-256 of the clear text. After the other sink
/// has stored an artifact, it is read and decrypted once more. If this fails, the attempt fails, and the file remains: it
/// never counts as saved.
pub struct EncryptedSink<S> {
    inner: S,
    key: ArtifactKey,
    previous: Vec<ArtifactKey>,
}

impl<S: ArtifactSink> EncryptedSink<S> {
    /// Encrypts with this key what `inner` stores.
    pub fn new(inner: S, key: ArtifactKey) -> Self {
        Self { inner, key, previous: Vec::new() }
    }

    /// Adds a key with which artifacts were encrypted before. They can be read.
    #[must_use]
    pub fn with_previous_key(mut self, key: ArtifactKey) -> Self {
        self.previous.push(key);
        self
    }

    /// Whether an artifact can be read and has this clear text.
    async fn has(&self, location: &str, sum: Sum) -> Result<bool, Error> {
        match self.digest(location).await {
            Ok((length, sha256)) => Ok(Sum { length, sha256 } == sum),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Integrity) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl<S> fmt::Debug for EncryptedSink<S>
where
    S: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncryptedSink").field(&self.inner).finish()
    }
}

#[async_trait]
impl<S: ArtifactSink> ArtifactSink for EncryptedSink<S> {
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error> {
        let encrypted = encrypted_name(name);
        let locations = candidates(&encrypted)?;
        let (header, file_key) = header(name, &self.key)?;
        let (content, sum) = seal(header, &file_key, content);
        let stored = self.inner.store(&encrypted, content).await;
        // Equal clear texts are not equal when they are encrypted, so the other sink does not recognize them.
        let saved = match stored {
            Ok(saved) => saved.location,
            Err(error) if error.kind() == Kind::Conflict => {
                for location in &locations {
                    if let Some(sum) = sum.get()
                        && self.has(location, sum).await?
                    {
                        return Ok(sum.at(location));
                    }
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let sum = sum.get().ok_or_else(|| differs(&saved))?;
        let [plain, _] = &locations;
        if saved != *plain && self.has(plain, sum).await.unwrap_or(false) {
            self.inner.remove(&saved).await?;
            return Ok(sum.at(plain));
        }
        if self.has(&saved, sum).await? { Ok(sum.at(&saved)) } else { Err(differs(&saved)) }
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        split(location)?;
        if !is_encrypted(location) {
            return Err(not_found(location));
        }
        let keys = std::iter::once(&self.key).chain(&self.previous);
        open(self.inner.read(location).await?, location, keys).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let mut locations = self.inner.list(folder).await?;
        locations.retain(|location| is_encrypted(location));
        Ok(locations)
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        self.inner.remove(location).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.inner.check().await?;
        probe::check(self).await
    }
}
