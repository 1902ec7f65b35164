//! The token file: read at each start, replaced by a rotation.
//!
//! A rotation writes the new tokens to a pending file, replaces the tokens of the store in one transaction, and renames the
//! pending file. So if a process is killed at any time, the current tokens of the store are in one of both files, and the
//! next start finds out in which.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_files::{Disk, Draft, Existing, LockFile, OpenError};
use identkit_store::Store;
use identkit_transport::SystemClock;
use jiff::Timestamp;

use super::tokens::{Tokens, note_new_urls, unusable, unwritten};
use crate::exit::Failure;
use crate::output::say;

/// Time to wait for another process that replaces the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the lock is tried meanwhile.
const INTERVAL: Duration = Duration::from_millis(50);

/// A token file with the files beside it.
#[derive(Debug)]
pub(super) struct TokenFile<'a> {
    path: &'a Path,
    /// The new tokens of a rotation that is not complete.
    pending: PathBuf,
    /// Locked by the process that changes the other files.
    lock: PathBuf,
}

impl<'a> TokenFile<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        let beside = |suffix| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { path, pending: beside(".pending"), lock: beside(".lock") }
    }

    /// The tokens of the file, after they are valid in the store. Creates those that are missing, and the file. Completes or
    /// discards a rotation that another process did not complete.
    pub(super) async fn load(&self, store: &Store) -> Result<Tokens, Failure> {
        // Without a lock, because the directory can be read-only.
        let has_pending = self.pending.symlink_metadata().is_ok();
        let refusal = match Tokens::read_complete(store, self.path).await {
            Ok(Some(tokens)) if !has_pending => return Ok(tokens),
            Ok(_) => None,
            Err(failure) => Some(failure),
        };
        let _lock = match (self.wait_for_lock().await, refusal) {
            (Err(OpenError::Io(_)), Some(refusal)) => return Err(refusal),
            (Err(error), _) => return Err(self.not_locked(&error)),
            (Ok(lock), _) => lock,
        };
        self.recover(store).await?;
        Tokens::read_or_create(store, self.path).await
    }

    /// Replaces all tokens, in the store and in the file. All earlier ones expire at `expires`.
    pub(super) async fn rotate(&self, store: &Store, expires: Timestamp) -> Result<Tokens, Failure> {
        let unchanged = |failure: Failure| failure.note("no token was replaced");
        let _lock = LockFile::acquire(&self.lock).map_err(|error| unchanged(self.not_locked(&error)))?;
        self.recover(store).await.map_err(unchanged)?;
        let tokens = self.prepare().map_err(unchanged)?;
        self.replace(store, &tokens, expires).await?;
        self.complete().map_err(|error| {
            let (path, pending) = (self.path.display(), self.pending.display());
            unwritten(self.path, &error)
                .note(format!("the tokens of the store were replaced: the earlier URLs expire at {expires:.0}"))
                .note(format!("the new tokens are in {pending}: the next start with --token-file {path} uses them"))
        })?;
        Ok(tokens)
    }

    /// First step of a rotation: writes new tokens to the pending file.
    fn prepare(&self) -> Result<Tokens, Failure> {
        let tokens = Tokens::random()?;
        let draft = Draft::new(&self.pending).map_err(|error| unwritten(&self.pending, &error))?;
        tokens.write(&self.pending, draft, Existing::Replace)?;
        Ok(tokens)
    }

    /// Second step: replaces the tokens of the store.
    async fn replace(&self, store: &Store, tokens: &Tokens, expires: Timestamp) -> Result<(), Failure> {
        store.rotate_tokens(tokens.iter(), expires).await.map_err(|error| {
            // The store may have committed it all the same.
            let (path, pending) = (self.path.display(), self.pending.display());
            Failure::from(error).note(format!(
                "the next start with --token-file {path} finds out whether the store has the tokens of {pending}"
            ))
        })
    }

    /// Last step: renames the pending file.
    fn complete(&self) -> io::Result<()> {
        Disk::default().replace_file(&self.pending, self.path)
    }

    /// Completes a rotation if the store has its tokens. Otherwise discards them: the tokens of the file are still current.
    async fn recover(&self, store: &Store) -> Result<(), Failure> {
        let Some(tokens) = Tokens::read(&self.pending)? else { return Ok(()) };
        let (path, pending) = (self.path.display(), self.pending.display());
        if tokens.are_current(store).await? {
            self.complete().map_err(|error| {
                unwritten(self.path, &error).note(format!("the current tokens of the store are in {pending}"))
            })?;
            say(&format!("note: an earlier start has replaced all tokens, but not {path}: it is replaced now"));
            note_new_urls("the earlier ones expire after the --overlap of that start");
            return Ok(());
        }
        match Disk::default().remove_file(&self.pending) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(&self.pending, &error)),
            _ => {
                say(&format!("note: removed {pending} of a rotation that was not begun in this store"));
                Ok(())
            }
        }
    }

    /// Waits until no other process changes the files.
    async fn wait_for_lock(&self) -> Result<LockFile, OpenError> {
        let clock = SystemClock::new();
        let end = clock.now().plus(PATIENCE);
        loop {
            match LockFile::acquire(&self.lock) {
                Err(OpenError::InUse { .. }) if clock.now() < end => {}
                acquired => return acquired,
            }
            drop(clock.sleep_until(clock.now().plus(INTERVAL)).await);
        }
    }

    fn not_locked(&self, error: &OpenError) -> Failure {
        match error {
            OpenError::InUse { holder } => {
                let holder = holder.map_or_else(String::new, |id| format!(" ({id})"));
                unusable(self.path, &format!("another process{holder} is replacing its tokens, or is creating it"))
            }
            OpenError::NotRegular | OpenError::Foreign { .. } => {
                unusable(self.path, &format!("{} exists and is not a lock file", self.lock.display()))
            }
            other => unwritten(self.path, other),
        }
    }
}

#[cfg(test)]
mod tests;
