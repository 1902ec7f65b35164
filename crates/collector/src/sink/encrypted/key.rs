//! The key that the caller passes.

use std::fmt;

use identkit_core::{Error, Kind};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The key that wraps the key of each artifact. It is not stored: keep it apart from the artifacts and their backups.
/// Without it, they cannot be read.
#[derive(Clone)]
pub struct ArtifactKey {
    wrapping: Zeroizing<[u8; 32]>,
}

impl ArtifactKey {
    /// Creates the key from 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        // Each purpose has a key of its own, also if the caller uses these bytes for a store.
        let hash = Sha256::new().chain_update(b"identkit-collector 1 wrapping").chain_update(bytes);
        Self { wrapping: Zeroizing::new(hash.finalize().into()) }
    }

    /// Creates 32 random bytes for [`from_bytes`](Self::from_bytes).
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn random_bytes() -> Result<Zeroizing<[u8; 32]>, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes)?;
        Ok(bytes)
    }

    pub(crate) fn wrapping(&self) -> &[u8; 32] {
        &self.wrapping
    }
}

impl fmt::Debug for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArtifactKey")
    }
}

/// Fills a buffer with random bytes.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|_| Error::new(Kind::Storage, "the system's random generator failed"))
}
