//! Length and SHA-256 of bytes that are read piece by piece.

use sha2::{Digest as _, Sha256};

use crate::sink::port::SavedArtifact;

/// Length and SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Length in bytes.
    pub(crate) length: u64,
    /// SHA-256.
    pub(crate) sha256: [u8; 32],
}

impl Sum {
    /// Returns the sum of bytes in memory.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut tally = Tally::default();
        tally.add(bytes);
        tally.sum()
    }

    /// Returns the artifact with this sum at a location.
    pub(crate) fn at(self, location: &str) -> SavedArtifact {
        SavedArtifact::new(location, self.length, self.sha256)
    }
}

/// The sum so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    length: u64,
    hash: Sha256,
}

impl Tally {
    /// Adds the next bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.hash.update(bytes);
    }

    /// Number of bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the sum.
    pub(crate) fn sum(self) -> Sum {
        Sum { length: self.length, sha256: self.hash.finalize().into() }
    }
}
