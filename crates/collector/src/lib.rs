#![doc = include_str!("../README.md")]

mod sink;

#[cfg(feature = "folder")]
pub use self::sink::FolderSink;
#[cfg(feature = "object-store")]
pub use self::sink::ObjectSink;
pub use self::sink::{ArtifactKey, ArtifactName, ArtifactSink, DiscardSink, EncryptedSink, MemorySink, SavedArtifact};
