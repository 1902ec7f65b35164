//! The folder that the demo writes into.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use identkit_core::Content;
use identkit_files::create_dirs;
use identkit_transport::save::Existing;

use crate::exit::Failure;
use crate::save::{SavedFile, save};

/// The folder that the demo writes into, readable by its owner only.
pub(super) struct Folder {
    root: PathBuf,
    files: Vec<SavedFile>,
}

impl Folder {
    pub(super) fn create(root: &Path) -> Result<Self, Failure> {
        let name = root.display();
        if fs::metadata(root).is_ok_and(|found| !found.is_dir()) {
            let told = format!("--out {name} is a file: name a folder, or a path where none is yet");
            return Err(Failure::usage(told));
        }
        let cannot = |error: io::Error| Failure::usage(format!("--out {name} cannot be used: {error}"));
        for folder in ["", "input", "identity-tm", "identify24"] {
            create_dirs(&root.join(folder)).map_err(cannot)?;
        }
        Ok(Self { root: root.to_owned(), files: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn files(&self) -> &[SavedFile] {
        &self.files
    }

    /// Saves bytes that are at hand.
    pub(super) async fn save(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Result<&SavedFile, Failure> {
        self.stream(name, Content::from_bytes(bytes.into())).await
    }

    /// Saves a stream, and lists it.
    pub(super) async fn stream(&mut self, name: &str, content: Content) -> Result<&SavedFile, Failure> {
        let saved = save(&self.path(name), Existing::Replace, content, |_| Ok(())).await?;
        self.files.push(saved);
        self.files.last().ok_or_else(|| Failure::local("a file was saved and not noted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_breaks_leaves_no_file() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(root.path()).unwrap();
        // Says ten bytes and brings three.
        let short = Content::new(Some(10), Content::from_bytes("abc"));
        assert!(folder.stream("identity-tm/report.pdf", short).await.is_err());
        assert_eq!(fs::read_dir(root.path().join("identity-tm")).unwrap().count(), 0);
        let saved = folder.save("identity-tm/report.pdf", "abc").await.unwrap();
        assert_eq!(saved.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read_dir(root.path().join("identity-tm")).unwrap().count(), 1);
    }
}
