//! Faults, crashes, pauses and power losses at each operation of the disk.

mod faults;
mod pauses;
#[cfg(unix)]
mod power;

use std::path::{Path, PathBuf};

use identkit_core::{Content, Error};
use identkit_files::Disk;
use tempfile::TempDir;

use crate::sink::folder::FolderSink;
use crate::sink::port::{ArtifactName, ArtifactSink as _, SavedArtifact};

const PLAIN: &str = "a/b/report-0.pdf";

/// Contents that differ in each block.
const ONE: &[u8] = b"the first content";
const OTHER: &[u8] = b"another content, and a longer one";

fn folder() -> (PathBuf, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (dir.path().join("sink"), dir)
}

fn open(disk: Disk, root: &Path) -> FolderSink {
    FolderSink::on(disk, root.to_owned()).unwrap()
}

async fn store(sink: &FolderSink, fence: u64, content: &'static [u8]) -> Result<SavedArtifact, Error> {
    sink.store(&ArtifactName::new("a/b", "report-0.pdf", fence), Content::from_bytes(content)).await
}

async fn read(sink: &FolderSink, location: &str) -> Vec<u8> {
    sink.read(location).await.unwrap().collect(u64::MAX).await.unwrap().to_vec()
}

/// All files below a folder with their contents, in order.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Stores both contents after an interruption, and checks that the sink has nothing else.
async fn recover(root: &Path, case: &str) {
    let sink = open(Disk::default(), root);
    for location in sink.list("a/b").await.unwrap() {
        let content = read(&sink, &location).await;
        assert!(content == ONE || content == OTHER, "{case}: {location} is not complete");
    }
    let (one, other) = (store(&sink, 11, ONE).await.unwrap(), store(&sink, 12, OTHER).await.unwrap());
    assert_eq!((read(&sink, &one.location).await, read(&sink, &other.location).await), (ONE.to_vec(), OTHER.to_vec()));
    assert!(one.location == PLAIN || other.location == PLAIN, "{case}");
    let temporary = |(name, _): &(String, Vec<u8>)| name.contains("tmp");
    assert!(!files(root).iter().any(temporary), "{case}: a temporary file remains");
}
