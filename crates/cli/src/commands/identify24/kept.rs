//! A file for secrets: its owner's only, whole or not there, never in place of another.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use identkit_files::{CommitError, Draft, Existing};

use crate::exit::Failure;
use crate::save;

/// More than any answer takes, in bytes.
const ROOM: usize = 64 * 1024;

/// The place for an answer, with room for it: made before anything is sent, so that nothing is sent where nothing can
/// be kept.
pub(super) struct Place {
    path: PathBuf,
    draft: Draft,
}

impl Place {
    pub(super) fn make(path: &Path) -> Result<Self, Failure> {
        save::no_dash(path)?;
        if path.symlink_metadata().is_ok() {
            let told = "is there already and may hold the only copy of an ident_id: name a new file; nothing was sent";
            return Err(Failure::usage(format!("--out {} {told}", path.display())));
        }
        let made = Draft::with_prefix(path, ".identkit-ident-").and_then(|mut draft| {
            draft.reserve(ROOM)?;
            Ok(draft)
        });
        let cannot = |error: io::Error| {
            Failure::usage(format!("--out {} cannot be written: {}; nothing was sent", path.display(), error.kind()))
        };
        Ok(Self { path: path.to_owned(), draft: made.map_err(cannot)? })
    }

    /// Puts the answer there. Where the name is gone by now, the answer stays under another one, which is told.
    pub(super) fn put(mut self, bytes: &[u8]) -> Result<PathBuf, NotThere> {
        let not_there = |why: io::ErrorKind, elsewhere| NotThere {
            why: format!("{} cannot be written: {why}", self.path.display()),
            elsewhere,
        };
        self.draft.write_all(bytes).map_err(|error| not_there(error.kind(), None))?;
        let lost = |error: CommitError| not_there(error.kind(), error.keep());
        self.draft.commit(Existing::Keep).map_err(lost)?;
        Ok(self.path)
    }
}

/// Why an answer is not where it should be.
#[derive(Debug)]
pub(super) struct NotThere {
    pub(super) why: String,
    /// Where it is instead; `None` when it is lost.
    pub(super) elsewhere: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_its_owners_only_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        drop(Place::make(&path).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a call that failed leaves nothing");
        Place::make(&path).unwrap().put(b"secret").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"secret");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced_and_the_answer_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let place = Place::make(&path).unwrap();
        std::fs::write(&path, "another ident's").unwrap();
        let told = place.put(b"secret").unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"another ident's");
        assert!(told.why.contains("created.json cannot be written"), "{told:?}");
        assert_eq!(std::fs::read(told.elsewhere.unwrap()).unwrap(), b"secret");
        assert!(Place::make(&path).is_err(), "and at once, where it is there from the beginning");
    }
}
