//! Disk operations, and in tests a function that watches them and makes them fail.

use std::fs::File;
#[cfg(any(test, feature = "faults"))]
use std::io;
use std::path::Path;

/// A disk operation.
#[cfg_attr(not(feature = "faults"), allow(unreachable_pub))]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A file is created or opened for writing.
    Create,
    /// Bytes are written.
    Write,
    /// The length of a file is set.
    Truncate,
    /// Content and length of a file are synced.
    Sync,
    /// A file is renamed.
    Rename,
    /// A directory is created.
    CreateDir,
    /// A file is removed.
    Remove,
    /// The directory of a file is synced.
    SyncParent,
}

/// What an operation concerns.
#[cfg_attr(not(feature = "faults"), allow(unreachable_pub, dead_code))]
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An open file.
    File(&'a File),
    /// A path: the new name of a rename, a name in the directory that is synced.
    Path(&'a Path),
}

/// Whether an operation is about to be executed or was executed.
#[cfg(any(test, feature = "faults"))]
#[cfg_attr(not(feature = "faults"), allow(unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// It is about to be executed.
    Before,
    /// It was executed.
    After,
}

/// Called before and after each operation.
#[cfg(any(test, feature = "faults"))]
pub(crate) type Hook = dyn Fn(When, Step, Target<'_>) -> io::Result<()> + Send + Sync;

/// Makes one operation fail, and records what is not synced yet.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Index of the operation that fails.
    pub(crate) fail: Option<usize>,
    /// Number of operations after it that fail too.
    pub(crate) more: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) unsynced_file: bool,
    pub(crate) unsynced_parent: bool,
}

#[cfg(test)]
impl Faults {
    /// The disk with these faults.
    pub(crate) fn disk(self) -> (crate::disk::Disk, std::sync::Arc<std::sync::Mutex<Self>>) {
        let faults = std::sync::Arc::new(std::sync::Mutex::new(self));
        let state = faults.clone();
        let disk = crate::disk::Disk::with_hook(move |when, step, _| match when {
            When::Before => state.lock().unwrap().enter(step),
            When::After => Ok(()),
        });
        (disk, faults)
    }

    fn enter(&mut self, step: Step) -> io::Result<()> {
        self.steps.push(step);
        let now = self.steps.len() - 1;
        if self.fail.is_some_and(|at| (at..=at + self.more).contains(&now)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match step {
            Step::Create | Step::CreateDir | Step::Remove => self.unsynced_parent = true,
            Step::Write | Step::Truncate => self.unsynced_file = true,
            Step::Sync => self.unsynced_file = false,
            Step::Rename => {
                assert!(!self.unsynced_file, "a crash after the rename would leave a file without its content");
                self.unsynced_parent = true;
            }
            Step::SyncParent => self.unsynced_parent = false,
        }
        Ok(())
    }
}
