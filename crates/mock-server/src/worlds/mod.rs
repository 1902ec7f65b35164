//! Many worlds behind one door.
//!
//! Each has credentials of its own, and they select it: a client needs nothing else, no header and no other URL. What
//! carries credentials of no world, or none at all, goes to the default world, which judges it.
//!
//! Invariants:
//! - No two worlds answer to the same credentials.
//! - The default world is always there.
//! - The same server seed and the same verbs give the same worlds: seeds and credentials follow from them.

mod handle;
mod registry;

pub use self::handle::Worlds;
pub use self::registry::{DEFAULT, NewWorld, WorldError};
