//! Disk operations, and in tests a fault at one of them.

/// A disk operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    Write,
    Truncate,
    Sync,
    Rename,
    SyncParent,
}

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
    pub(crate) fn enter(&mut self, step: Step) -> std::io::Result<()> {
        self.steps.push(step);
        let now = self.steps.len() - 1;
        if self.fail.is_some_and(|at| (at..=at + self.more).contains(&now)) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        match step {
            Step::Create => self.unsynced_parent = true,
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
