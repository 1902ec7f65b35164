//! What is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The content of a new or changed file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    /// A link to a file of the repository, relative to the link.
    Link(&'static str),
}

/// Everything that is written, by absolute path, and what is left to do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) files: BTreeMap<PathBuf, Content>,
    pub(super) left: Vec<String>,
}

impl Plan {
    pub(super) fn text(&mut self, path: PathBuf, text: String) {
        self.files.insert(path, Content::Text(text));
    }
}
