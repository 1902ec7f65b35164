//! Durable files: a log of records, a file that is replaced as a whole, and a lock.
//!
//! Invariants:
//! - When a function returns `Ok`, the bytes are on the disk, and so is the name of the file: both the file and its
//!   directory are synced.
//! - When it returns an error, or the process dies, the file holds what it held before, or the whole of the new content.
//! - New files and directories are readable by their owner only (Unix).
//! - Every write, sync and rename goes through one private type, in which the tests inject faults.

mod dirs;
mod disk;
mod draft;
mod error;
mod faults;
mod lock;
mod log;
#[cfg(test)]
mod tests;

pub use self::dirs::create_dirs;
pub use self::disk::Existing;
pub use self::draft::{CommitError, Draft};
pub use self::error::OpenError;
pub use self::lock::LockFile;
pub use self::log::{AppendLog, Tail};
