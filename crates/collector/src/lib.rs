#![doc = include_str!("../README.md")]

mod sink;

#[cfg(feature = "folder")]
pub use self::sink::FolderSink;
pub use self::sink::{ArtifactName, ArtifactSink, DiscardSink, MemorySink, SavedArtifact};
