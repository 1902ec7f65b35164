//! Where artifacts are stored.

mod discard;
mod encrypted;
#[cfg(feature = "folder")]
mod folder;
mod gathered;
mod location;
mod memory;
#[cfg(feature = "object-store")]
mod object;
mod port;
mod probe;
mod tally;

pub use self::discard::DiscardSink;
pub use self::encrypted::{ArtifactKey, EncryptedSink};
#[cfg(feature = "folder")]
pub use self::folder::FolderSink;
pub use self::memory::MemorySink;
#[cfg(feature = "object-store")]
pub use self::object::ObjectSink;
pub use self::port::{ArtifactName, ArtifactSink, SavedArtifact};
