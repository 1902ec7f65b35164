//! A world: everything a sandbox knows, as plain data, which can be copied, saved and restored.

mod bound;
mod cases;
mod data;
mod error;
mod file;
mod profile;
pub(crate) mod read;
mod reader;
mod saved;
mod state;
pub(crate) mod text;
mod timer;

pub use self::bound::CaseOrder;
pub use self::data::World;
pub use self::error::SavedError;
pub use self::profile::Profile;
pub use self::reader::StateReader;
pub(crate) use self::saved::COPIES;
pub use self::state::VendorState;
pub use self::timer::Timer;
pub(crate) use self::timer::{RELEASE, RETRY, SANDBOX};
