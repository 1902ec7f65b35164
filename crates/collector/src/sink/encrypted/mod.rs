//! Encryption of artifacts at rest.

mod chunks;
mod format;
mod key;
mod open;
mod seal;
mod sink;

pub use self::key::ArtifactKey;
pub use self::sink::EncryptedSink;
