//! The directory that the demo writes to.

use std::fs;
use std::path::{Path, PathBuf};

use identkit_core::Content;
use identkit_files::create_dirs;
use identkit_transport::save::Existing;

use crate::exit::Failure;
use crate::save::{SavedFile, reject_dash, save};

/// The store with the cases and their webhooks.
pub(super) const STORE: &str = "store.db";

/// The folder of the sink, which never replaces a file.
pub(super) const EVIDENCE: &str = "evidence";

pub(super) const ORDER: &str = "input/put-order.json";
pub(super) const CONTRACT: &str = "input/contract.pdf";
pub(super) const IDENT: &str = "input/create-ident.json";

/// An empty file that marks the directory of a demo. A service of the user can have a store too.
const MARKER: &str = ".identkit-demo";

/// The directory that the demo writes to, readable by its owner only.
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) files: Vec<SavedFile>,
}

impl Folder {
    pub(super) async fn create(root: &Path) -> Result<Self, Failure> {
        let name = root.display();
        reject_dash("--out", root)?;
        if fs::metadata(root).is_ok_and(|existing| !existing.is_dir()) {
            return Err(Failure::usage(format!("--out {name} is a file: it must be a directory or a new path")));
        }
        let is_demo = root.join(MARKER).is_file();
        // Before the marker is written, after which the next demo uses these files.
        let files = [STORE, ORDER, CONTRACT, IDENT].map(|file| root.join(file));
        let mut existing = files.iter().filter(|file| file.symlink_metadata().is_ok());
        if !is_demo && let Some(foreign) = existing.next() {
            return Err(Failure::usage(format!(
                "{} exists and no demo wrote it: choose another directory (--out)",
                foreign.display()
            )));
        }
        for folder in ["", "input", EVIDENCE] {
            create_dirs(&root.join(folder))
                .map_err(|error| Failure::usage(format!("--out {name} cannot be used: {error}")))?;
        }
        if !is_demo {
            save(&root.join(MARKER), Existing::Keep, Content::from_bytes(""), |_| Ok(())).await?;
        }
        Ok(Self { root: root.to_owned(), files: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Saves an input and reads it back. One that the user has changed is not replaced.
    pub(super) async fn input(&mut self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let path = self.path(name);
        if fs::read(&path).is_ok_and(|existing| existing != bytes) {
            return Err(Failure::usage(format!(
                "{} differs from the demo's input: move it, or choose another directory (--out)",
                path.display()
            )));
        }
        self.files.push(save(&path, Existing::Replace, Content::from_bytes(bytes), |_| Ok(())).await?);
        fs::read(&path).map_err(|error| Failure::local(format!("{} cannot be read: {error}", path.display())))
    }
}
