//! Files that are whole or not there: written beside, synced, renamed, read back.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use identkit_core::{Content, Error, Kind};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::exit::Failure;

/// The most that one piece of evidence may take on this disk, in bytes.
const MOST: u64 = 1024 * 1024 * 1024;

/// A file that was written.
pub(super) struct Saved {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) digest: [u8; 32],
}

/// The folder that the demo writes into, readable by its owner only.
pub(super) struct Folder {
    root: PathBuf,
    files: Vec<Saved>,
}

impl Folder {
    pub(super) fn make(root: &Path) -> Result<Self, Failure> {
        let name = root.display();
        if fs::metadata(root).is_ok_and(|found| !found.is_dir()) {
            let told = format!("--out {name} is a file: name a folder, or a path where none is yet");
            return Err(Failure::usage(told));
        }
        let cannot = |error: io::Error| Failure::usage(format!("--out {name} cannot be used: {error}"));
        for folder in ["", "input", "identity-tm", "identify24"] {
            private_folder(&root.join(folder)).map_err(cannot)?;
        }
        Ok(Self { root: root.to_owned(), files: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn files(&self) -> &[Saved] {
        &self.files
    }

    /// Saves bytes that are at hand.
    pub(super) async fn save(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Result<&Saved, Failure> {
        self.stream(name, Content::from_bytes(bytes.into())).await
    }

    /// Saves a stream: into a file beside, synced, renamed, the folder synced, and read back from the disk.
    pub(super) async fn stream(&mut self, name: &str, mut content: Content) -> Result<&Saved, Failure> {
        let path = self.path(name);
        let cannot = |error: io::Error| Failure::local(format!("{} cannot be written: {error}", path.display()));
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        let mut file = NamedTempFile::new_in(&folder).map_err(cannot)?;
        let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
        while let Some(chunk) = content.next().await {
            let chunk = chunk?;
            bytes += chunk.len() as u64;
            if bytes > MOST {
                return Err(Error::new(Kind::Protocol, "a piece of evidence is larger than 1 GiB").into());
            }
            hash.update(&chunk);
            file.write_all(&chunk).map_err(cannot)?;
        }
        file.as_file().sync_all().map_err(cannot)?;
        file.persist(&path).map_err(|error| cannot(error.error))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(cannot)?;

        let sent: [u8; 32] = hash.finalize().into();
        let digest = digest_of(&path).map_err(cannot)?;
        if digest != sent {
            return Err(Error::new(Kind::Integrity, "a file read back from the disk is not what was written").into());
        }
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.files.push(Saved { path, bytes, sha256, digest });
        self.files.last().ok_or_else(|| Failure::local("a file was saved and not noted"))
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn digest_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut block)?;
        match block.get(..count) {
            Some(read) if count > 0 => hash.update(read),
            _ => return Ok(hash.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_breaks_leaves_no_file() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = Folder::make(root.path()).unwrap();
        // Says ten bytes and brings three.
        let short = Content::new(Some(10), Content::from_bytes("abc"));
        assert!(folder.stream("identity-tm/report.pdf", short).await.is_err());
        assert_eq!(fs::read_dir(root.path().join("identity-tm")).unwrap().count(), 0);
        let saved = folder.save("identity-tm/report.pdf", "abc").await.unwrap();
        assert_eq!(saved.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read_dir(root.path().join("identity-tm")).unwrap().count(), 1);
    }
}
