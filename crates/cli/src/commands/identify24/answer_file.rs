//! A file for secrets: its owner's only, whole or not there, never in place of another.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use identkit_files::{CommitError, Draft, Existing};

use crate::exit::Failure;
use crate::save::reject_dash;

/// More than any answer takes, in bytes.
const ROOM: usize = 64 * 1024;

/// The place for an answer, with room for it: made before anything is sent, so that nothing is sent where nothing can
/// be kept.
pub(super) struct AnswerFile {
    path: PathBuf,
    draft: Draft,
}

impl AnswerFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        reject_dash(path)?;
        if path.symlink_metadata().is_ok() {
            let told = "is there already and may hold the only copy of an ident_id: name a new file";
            return Err(Failure::unsent(format!("--out {} {told}", path.display())));
        }
        let draft = Draft::with_prefix(path, ".identkit-ident-").and_then(|mut draft| {
            draft.reserve(ROOM)?;
            Ok(Self { path: path.to_owned(), draft })
        });
        draft.map_err(|error| Failure::unsent(format!("--out {} cannot be written: {}", path.display(), error.kind())))
    }

    /// Puts the answer there. Where the name is gone by now, the answer stays under another one, which is told.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<PathBuf, WriteError> {
        let error_at = |why: io::ErrorKind, fallback| WriteError {
            why: format!("{} cannot be written: {why}", self.path.display()),
            fallback,
        };
        self.draft.write_all(bytes).map_err(|error| error_at(error.kind(), None))?;
        let lost = |error: CommitError| error_at(error.kind(), error.keep());
        self.draft.commit(Existing::Keep).map_err(lost)?;
        Ok(self.path)
    }
}

/// Why an answer is not where it should be.
#[derive(Debug)]
pub(super) struct WriteError {
    pub(super) why: String,
    /// Where it is instead; `None` when it is lost.
    pub(super) fallback: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced_and_the_answer_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let place = AnswerFile::create(&path).unwrap();
        std::fs::write(&path, "another ident's").unwrap();
        let told = place.write(b"secret").unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"another ident's");
        assert!(told.why.contains("created.json cannot be written"), "{told:?}");
        assert_eq!(std::fs::read(told.fallback.unwrap()).unwrap(), b"secret");
        assert!(AnswerFile::create(&path).is_err(), "and at once, where it is there from the beginning");
    }
}
