//! Files that are whole or not there: written beside, synced, renamed, read back.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use identkit_core::{Content, Error, Kind};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::exit::Failure;

/// The most that one file may take on this disk, in bytes.
const MOST: u64 = 16 * 1024 * 1024 * 1024;

/// A file that was written.
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) digest: [u8; 32],
}

/// Saves a stream: into a file beside, readable by its owner only, synced, renamed, the folder synced, and read back
/// from the disk. A stream that breaks leaves no file, and one that was there before as it was.
pub(crate) async fn stream(path: &Path, mut content: Content, bar: &ProgressBar) -> Result<Saved, Failure> {
    let cannot = |error: io::Error| Failure::local(format!("{} cannot be written: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let mut file = NamedTempFile::new_in(&folder).map_err(cannot)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    if let Some(length) = content.len() {
        bar.set_length(length);
    }
    while let Some(chunk) = content.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        if bytes > MOST {
            return Err(Error::new(Kind::Protocol, "the file is larger than 16 GiB").into());
        }
        hash.update(&chunk);
        file.write_all(&chunk).map_err(cannot)?;
        bar.set_position(bytes);
    }
    file.as_file().sync_all().map_err(cannot)?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(cannot)?;

    let sent: [u8; 32] = hash.finalize().into();
    let digest = digest_of(path).map_err(cannot)?;
    if digest != sent {
        return Err(Error::new(Kind::Integrity, "a file read back from the disk is not what was written").into());
    }
    let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Saved { path: path.to_owned(), bytes, sha256, digest })
}

/// A bar for a download, on a terminal only.
pub(crate) fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} {bytes_per_sec}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(80));
    bar
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
