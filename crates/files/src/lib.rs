#![doc = include_str!("../README.md")]
//!
//! Invariants:
//!
//! - If [`AppendLog::append`], [`Draft::commit`] or [`create_dirs`] returns `Ok`, content and name are on disk: the
//!   file and its directory are synced.
//! - If it returns an error, or the process dies, the file has its old content or the complete new content. A log can end
//!   with a torn record then, which [`AppendLog::open`] removes or sets aside.
//! - New files and directories are readable by their owner only (Unix).
//! - Every write, sync and rename goes through one type, [`Disk`], in which tests inject faults (feature `faults`).

mod cause;
mod dirs;
mod disk;
mod draft;
mod error;
mod faults;
mod identity;
mod leftover;
mod lock;
mod log;
#[cfg(test)]
mod tests;

pub use self::cause::cause;
pub use self::dirs::create_dirs;
pub use self::disk::{Disk, Existing};
pub use self::draft::{CommitError, Draft};
pub use self::error::OpenError;
#[cfg(feature = "faults")]
pub use self::faults::{Step, Target, When};
pub use self::identity::{FileIdentity, create_file, open_regular};
pub use self::leftover::Leftover;
pub use self::lock::LockFile;
pub use self::log::{AppendLog, Tail};
