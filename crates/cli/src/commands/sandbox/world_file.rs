//! The file that a world is kept in from one run to the next.

use std::path::{Path, PathBuf};

use identkit_files::{Draft, LockFile, OpenError};
use identkit_mock_server::{Progress, Sandbox, World, vendors};

use crate::exit::Failure;
use crate::signals::on_own_thread;

/// More than any world needs that is of use, and less than this machine's memory.
const LIMIT: u64 = 1 << 30;

/// Where a world is kept.
pub(super) struct WorldFile {
    pub(super) path: PathBuf,
    /// How far the world was that was last saved.
    saved: Option<Progress>,
    /// Held until the end: of two sandboxes that save into the same file the last one would win.
    _lock: LockFile,
}

impl WorldFile {
    /// The file, and the world in it, if it is there. All that could keep the world from being saved at the end is told
    /// now, as far as it can be known.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<World>), Failure> {
        let cannot = |told: String| Failure::usage(format!("--world-file {} cannot be used: {told}", path.display()));
        let kind = |error: std::io::Error| cannot(error.kind().to_string());
        // A link is followed: what is saved takes the place of the file, not of the link to it.
        let there = match std::fs::canonicalize(path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => None,
            Err(error) => return Err(kind(error)),
        };
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            return Err(cannot("it is no regular file".to_owned()));
        }
        let path = match &there {
            Some(there) => there.clone(),
            // Whoever reads the ready line may be in another folder.
            None => std::path::absolute(path).map_err(kind)?,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        Draft::new(&path).and_then(Draft::discard).map_err(|error| {
            cannot(format!("nothing can be written to its folder, {}: {}", folder.display(), error.kind()))
        })?;
        // Before the world is read: nobody saves another one between the two.
        let lock = lock(&path).map_err(cannot)?;
        let found = there.map(|there| World::load_file(&vendors::all(), &there, LIMIT)).transpose();
        let found = found.map_err(|error| cannot(error.to_string()).note("the file is left as it is"))?;
        Ok((Self { path, saved: None, _lock: lock }, found))
    }

    /// Saves the world beside everything else, if something happened in it since this was last done.
    pub(super) async fn save_changes(&mut self, sandbox: &Sandbox) -> Result<(), Failure> {
        let progress = sandbox.progress();
        if self.saved == Some(progress) {
            return Ok(());
        }
        let (path, sandbox) = (self.path.clone(), sandbox.clone());
        on_own_thread(move || save(&path, &sandbox)).await??;
        // Not before: what could not be saved is to be saved the next time.
        self.saved = Some(progress);
        Ok(())
    }

    /// Saves the world as it is now: all of it or, when that fails, nothing.
    pub(super) fn save(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        save(&self.path, sandbox)
    }
}

/// Locks another file beside the world's, which is replaced whenever it is saved.
fn lock(path: &Path) -> Result<LockFile, String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    LockFile::acquire(&name).map_err(|error| match error {
        OpenError::InUse { holder } => {
            let holder = holder.map_or_else(String::new, |id| format!(" ({id})"));
            format!("another process{holder} is using it, says {}", name.display())
        }
        OpenError::NotRegular | OpenError::Foreign { .. } => {
            format!("{} is there, and no lock of a sandbox", name.display())
        }
        other => other.to_string(),
    })
}

fn save(path: &Path, sandbox: &Sandbox) -> Result<(), Failure> {
    sandbox.snapshot().save_file(&vendors::all(), path).map_err(|error| {
        Failure::local(format!("the world could not be saved to {}: {error}", path.display()))
            .note("the file is what it was when the world was last saved, if it ever was")
    })
}
