//! A file for a response with secrets: readable by its owner only, complete or absent, never replacing a file.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use identkit_files::{CommitError, Draft, Existing, cause};

use crate::exit::Failure;
use crate::save::{check_name, report_leftovers};

/// Reserved size in bytes: more than a usual response needs. If a larger one does not fit, the record has it.
const RESERVED: usize = 64 * 1024;

/// A file for a response. It is reserved before the request is sent, so that nothing is sent that cannot be saved.
pub(super) struct ResponseFile {
    path: PathBuf,
    draft: Draft,
}

impl ResponseFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        check_name("--out", path)?;
        if path.symlink_metadata().is_ok() {
            let problem = "already exists and may contain the only copy of an ident_id: choose a new file";
            return Err(Failure::unsent(format!("--out {} {problem}", path.display())));
        }
        report_leftovers(path);
        let draft = Draft::new(path).and_then(|mut draft| {
            draft.reserve(RESERVED)?;
            Ok(Self { path: path.to_owned(), draft })
        });
        draft.map_err(|error| Failure::unsent(format!("--out {} cannot be written: {}", path.display(), cause(&error))))
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Writes the response. If the name is taken by now, the response stays in the temporary file of the error.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<PathBuf, WriteError> {
        let error_at = |why: String, fallback| WriteError {
            why: format!("{} cannot be written: {why}", self.path.display()),
            fallback,
        };
        self.draft.write_all(bytes).map_err(|error| error_at(cause(&error), None))?;
        // Another program may have removed or replaced the temporary file.
        let has_it = |path: &PathBuf| fs::read(path).is_ok_and(|written| written == bytes);
        let lost = |error: CommitError| error_at(error.cause(), error.keep().filter(has_it));
        self.draft.commit(Existing::Keep).map_err(lost)?;
        match has_it(&self.path) {
            true => Ok(self.path),
            false => Err(error_at(io::ErrorKind::NotFound.to_string(), None)),
        }
    }
}

/// The response is not in the file that the user chose.
#[derive(Debug)]
pub(super) struct WriteError {
    pub(super) why: String,
    /// The temporary file with the response; `None` if the response is lost.
    pub(super) fallback: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_97_a_file_that_was_taken_away_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let temporary = || std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let place = ResponseFile::create(&path).unwrap();
        std::fs::remove_file(temporary()).unwrap();
        assert_eq!(place.write(b"secret").unwrap_err().fallback, None);
        let place = ResponseFile::create(&path).unwrap();
        std::fs::rename(temporary(), folder.path().join("moved")).unwrap();
        std::fs::write(temporary_name(&place), "").unwrap();
        let error = place.write(b"secret").unwrap_err();
        assert_eq!(error.fallback, None, "{error:?}");
    }

    fn temporary_name(place: &ResponseFile) -> PathBuf {
        place.draft.path().to_owned()
    }

    #[test]
    fn a_file_created_meanwhile_stays_and_the_response_is_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let place = ResponseFile::create(&path).unwrap();
        std::fs::write(&path, "another ident's").unwrap();
        let error = place.write(b"secret").unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"another ident's");
        assert!(error.why.contains("created.json cannot be written"), "{error:?}");
        assert_eq!(std::fs::read(error.fallback.unwrap()).unwrap(), b"secret");
        assert!(ResponseFile::create(&path).is_err(), "an existing file is rejected");
    }
}
