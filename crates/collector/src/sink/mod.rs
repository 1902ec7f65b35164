//! Where artifacts are stored.

mod discard;
#[cfg(feature = "folder")]
mod folder;
mod gathered;
mod location;
mod memory;
mod port;
mod probe;
mod tally;

pub use self::discard::DiscardSink;
#[cfg(feature = "folder")]
pub use self::folder::FolderSink;
pub use self::memory::MemorySink;
pub use self::port::{ArtifactName, ArtifactSink, SavedArtifact};
