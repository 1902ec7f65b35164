//! A world: the state of a sandbox as plain data, which can be copied, saved and restored.

mod cases;
mod data;
pub(crate) mod error;
mod messages;
mod saved;
pub(crate) mod text;
mod unlocked;

pub use self::data::{CaseOrder, Profile, StateReader, Timer, VendorState, World};
pub(crate) use self::data::{RETRY, SANDBOX};
pub use self::error::SavedError;
pub use self::messages::{Channel, Message};
pub(crate) use self::saved::COPIES;
pub(crate) use self::unlocked::{Done, Work};
