//! The file that stores a world between two runs.

use std::path::{Path, PathBuf};

use identkit_files::{Draft, LockFile, OpenError, cause};
use identkit_mock_server::{Progress, Sandbox, World};

use crate::exit::Failure;
use crate::providers::all_vendors;
use crate::signals::run_on_thread;

/// Maximum size of a world file in bytes.
const MAX_SIZE: u64 = 1 << 30;

/// The file of a world, locked.
pub(super) struct WorldFile {
    pub(super) path: PathBuf,
    /// Progress of the world when it was last saved.
    saved: Option<Progress>,
    /// Held until the end: two sandboxes would overwrite each other's world.
    _lock: LockFile,
}

impl WorldFile {
    /// Locks the file and reads its world, if it exists. Checks now whether the world can be saved later.
    ///
    /// # Errors
    /// If the file is not a regular file, is in use, contains something else, or its directory is not writable.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<World>), Failure> {
        let cannot = |why: String| Failure::usage(format!("--world-file {} cannot be used: {why}", path.display()));
        let kind = |error: std::io::Error| cannot(cause(&error));
        // A link is followed, so that a save replaces the file and not the link.
        let existing = match std::fs::canonicalize(path) {
            Ok(path) => Some(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => None,
            Err(error) => return Err(kind(error)),
        };
        if existing.as_ref().is_some_and(|path| !path.is_file()) {
            return Err(cannot("it is not a regular file".to_owned()));
        }
        let path = match &existing {
            Some(path) => path.clone(),
            // A reader of the ready line may have another working directory.
            None => std::path::absolute(path).map_err(kind)?,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        Draft::new(&path).and_then(Draft::discard).map_err(|error| {
            cannot(format!("its directory {} is not writable: {}", folder.display(), cause(&error)))
        })?;
        // Before the world is read: another sandbox could save one in between.
        let lock = lock(&path).map_err(cannot)?;
        let world = existing.map(|path| World::load_file(&all_vendors(), &path, MAX_SIZE)).transpose();
        let world = world.map_err(|error| cannot(error.to_string()).note("the file was not changed"))?;
        Ok((Self { path, saved: None, _lock: lock }, world))
    }

    /// Saves the world on another thread, if it has changed since the last save.
    pub(super) async fn save_changes(&mut self, sandbox: &Sandbox) -> Result<(), Failure> {
        let progress = sandbox.progress();
        if self.saved == Some(progress) {
            return Ok(());
        }
        let (path, sandbox) = (self.path.clone(), sandbox.clone());
        run_on_thread(move || save(&path, &sandbox)).await??;
        // Only after a successful save: a failed one is repeated next time.
        self.saved = Some(progress);
        Ok(())
    }

    /// Saves the world atomically.
    pub(super) fn save(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        save(&self.path, sandbox)
    }
}

/// Locks `PATH.lock`, because each save replaces the world file itself.
fn lock(path: &Path) -> Result<LockFile, String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    LockFile::acquire(&name).map_err(|error| match error {
        OpenError::InUse { holder } => {
            let holder = holder.map_or_else(String::new, |id| format!(" ({id})"));
            format!("another process{holder} is using it, according to {}", name.display())
        }
        OpenError::NotRegular | OpenError::Foreign { .. } => {
            format!("{} exists and is not a sandbox's lock file", name.display())
        }
        other => other.to_string(),
    })
}

fn save(path: &Path, sandbox: &Sandbox) -> Result<(), Failure> {
    sandbox.snapshot().save_file(&all_vendors(), path).map_err(|error| {
        Failure::local(format!("cannot save the world to {}: {error}", path.display()))
            .note("the file still has the world of the last successful save, if there was one")
    })
}
