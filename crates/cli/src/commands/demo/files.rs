//! The directory that the demo writes to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use identkit_core::Content;
use identkit_files::create_dirs;
use identkit_transport::save::Existing;
use serde::Serialize;

use crate::exit::Failure;
use crate::save::{SavedFile, reject_dash, save};

/// The store with the webhooks.
pub(super) const STORE: &str = "store.db";

/// All files of a demo.
const FILES: [&str; 8] = [
    STORE,
    "input/put-order.json",
    "input/contract.pdf",
    "input/create-ident.json",
    "identity-tm/ident-data.json",
    "identity-tm/report.pdf",
    "identity-tm/contract.signed.pdf",
    "identify24/ident.json",
];

/// An empty file that marks the directory of a demo. A service of the user can have a store too.
const MARKER: &str = ".identkit-demo";

/// The directory that the demo writes to, readable by its owner only.
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) files: Vec<SavedFile>,
}

impl Folder {
    pub(super) fn create(root: &Path) -> Result<Self, Failure> {
        let name = root.display();
        reject_dash("--out", root)?;
        if fs::metadata(root).is_ok_and(|existing| !existing.is_dir()) {
            return Err(Failure::usage(format!("--out {name} is a file: it must be a directory or a new path")));
        }
        let cannot = |error: io::Error| Failure::usage(format!("--out {name} cannot be used: {error}"));
        let is_demo = root.join(MARKER).is_file();
        // Before the marker is written, after which the next demo replaces files.
        let mut existing = FILES.iter().map(|file| root.join(file)).filter(|file| file.symlink_metadata().is_ok());
        if !is_demo && let Some(foreign) = existing.next() {
            return Err(Failure::usage(format!(
                "{} exists and no demo wrote it: choose another directory (--out)",
                foreign.display()
            )));
        }
        for folder in ["", "input", "identity-tm", "identify24"] {
            create_dirs(&root.join(folder)).map_err(cannot)?;
        }
        if !is_demo {
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(root.join(MARKER)).map_err(cannot)?;
        }
        Ok(Self { root: root.to_owned(), files: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) async fn save(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Result<&SavedFile, Failure> {
        self.stream(name, Content::from_bytes(bytes.into())).await
    }

    /// Saves an input and reads it back. One that the user has changed is not replaced.
    pub(super) async fn input(&mut self, name: &str, bytes: &str) -> Result<Vec<u8>, Failure> {
        if fs::read(self.path(name)).is_ok_and(|existing| existing != bytes.as_bytes()) {
            return Err(Failure::usage(format!(
                "{} differs from the demo's input: move it, or choose another directory (--out)",
                self.path(name).display()
            )));
        }
        let path = self.save(name, bytes).await?.path.clone();
        fs::read(&path).map_err(|error| Failure::local(format!("{} cannot be read: {error}", path.display())))
    }

    pub(super) async fn json(&mut self, name: &str, value: &impl Serialize) -> Result<&SavedFile, Failure> {
        let json = serde_json::to_vec_pretty(value).map_err(|_| Failure::local(format!("cannot serialize {name}")))?;
        self.save(name, json).await
    }

    /// Saves a stream and adds the file to `files`.
    pub(super) async fn stream(&mut self, name: &str, content: Content) -> Result<&SavedFile, Failure> {
        if !FILES.contains(&name) {
            return Err(Failure::local(format!("{name} is not listed as a file of the demo")));
        }
        let path = self.path(name);
        let saved = save(&path, Existing::Replace, content, |_| Ok(())).await?;
        self.files.push(saved);
        self.files.last().ok_or_else(|| Failure::local("a saved file is missing from the list"))
    }
}
