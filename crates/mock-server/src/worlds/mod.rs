//! Several worlds behind one address.
//!
//! Each world has its own credentials, and a request's credentials select the world: a client needs no header and no
//! other URL. A request without credentials, or with unknown ones, goes to the default world, which handles it as
//! usual.
//!
//! Invariants:
//! - No two worlds have the same credentials.
//! - The default world always exists.
//! - Seeds and credentials are derived: the same server seed and the same calls give the same worlds.

mod handle;
mod registry;

pub use self::handle::Worlds;
pub use self::registry::{DEFAULT, NewWorld, WorldError};
