//! Files that are whole or not there: written beside, synced, renamed, read back.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use identkit_core::{Clock, Content, Error, Kind, Mono};
use identkit_transport::SystemClock;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::args::Calls;
use crate::exit::Failure;

/// The most that one file may take on this disk, in bytes.
const MOST: u64 = 16 * 1024 * 1024 * 1024;

/// A stream that brings nothing for so long is given up, unless `--timeout` says otherwise.
const STALLED: Duration = Duration::from_secs(60);

/// A file that was written.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) digest: [u8; 32],
}

/// How long a stream is waited for: the deadline of a call ends with the head of its answer.
#[derive(Debug)]
pub(crate) struct Patience {
    clock: SystemClock,
    until: Option<Mono>,
}

impl Patience {
    /// From now: until the deadline that was given, else as long as something comes.
    pub(crate) fn begin(calls: &Calls) -> Self {
        let clock = SystemClock::new();
        let until = calls.timeout.map(|timeout| clock.mono().plus(timeout));
        Self { clock, until }
    }

    /// As long as something comes.
    pub(crate) fn lasting() -> Self {
        Self { clock: SystemClock::new(), until: None }
    }

    async fn next(&self, content: &mut Content) -> Option<Result<bytes::Bytes, Error>> {
        let until = self.until.unwrap_or_else(|| self.clock.mono().plus(STALLED));
        tokio::select! {
            biased;
            next = content.next() => next,
            _ = self.clock.sleep_until(until) => {
                Some(Err(Error::new(Kind::Timeout, "the answer did not come whole in the time given")))
            }
        }
    }
}

/// A place for a file, held by a file beside it that only its owner may read.
pub(crate) struct Target {
    path: PathBuf,
    folder: PathBuf,
    file: NamedTempFile,
}

impl Target {
    /// Claims the place. Done before anything is sent: where nothing can be written, nothing needs to be asked for.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return Err(Failure::usage(format!("--out {} is a folder: name a file", path.display())));
        }
        Self::beside(path).map_err(|error| Failure::usage(format!("--out {}: {error}", path.display())))
    }

    fn beside(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let file = NamedTempFile::new_in(&folder)?;
        Ok(Self { path: path.to_owned(), folder, file })
    }

    /// Writes the stream and syncs it. A stream that breaks leaves nothing behind.
    pub(crate) async fn fill(mut self, mut content: Content, patience: &Patience) -> Result<Draft, Failure> {
        let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
        while let Some(chunk) = patience.next(&mut content).await {
            let chunk = chunk?;
            bytes += chunk.len() as u64;
            if bytes > MOST {
                return Err(Error::new(Kind::Protocol, "the file is larger than 16 GiB").into());
            }
            hash.update(&chunk);
            self.file.write_all(&chunk).map_err(|error| cannot(&self.path, &error))?;
        }
        self.file.as_file().sync_all().map_err(|error| cannot(&self.path, &error))?;
        Ok(Draft { target: self, bytes, digest: hash.finalize().into() })
    }
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::local(format!("{} cannot be written: {error}", path.display()))
}

/// A file that is whole, and not yet under its name.
pub(crate) struct Draft {
    target: Target,
    pub(crate) bytes: u64,
    pub(crate) digest: [u8; 32],
}

impl Draft {
    /// Gives it its name, in place of what had it before, and reads it back from the disk.
    pub(crate) fn keep(self) -> Result<Saved, Failure> {
        let Self { target: Target { path, folder, file }, bytes, digest } = self;
        file.persist(&path).map_err(|error| cannot(&path, &error.error))?;
        kept(path, &folder, bytes, digest)
    }

    /// Gives it a name that nothing has, in its folder: the first of these that is free, or that holds the same bytes
    /// and is no file of `mine`.
    pub(crate) fn keep_apart(self, names: impl Iterator<Item = String>, mine: &[Saved]) -> Result<Saved, Failure> {
        let Self { target: Target { folder, mut file, .. }, bytes, digest } = self;
        for name in names {
            let path = folder.join(name);
            if mine.iter().any(|saved| same_name(&saved.path, &path)) {
                continue;
            }
            if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
                // Fetched before: the same file need not be there twice.
                if digest_of(&path).is_ok_and(|there| there == digest) {
                    return kept(path, &folder, bytes, digest);
                }
            }
            match file.persist_noclobber(&path) {
                Ok(_) => return kept(path, &folder, bytes, digest),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
                Err(error) => return Err(cannot(&path, &error.error)),
            }
        }
        Err(Failure::local(format!("{} has no name left for a file", folder.display())))
    }
}

/// Whether two paths may name one file: many file systems do not tell `A` from `a`.
fn same_name(one: &Path, other: &Path) -> bool {
    one == other || one.to_string_lossy().to_lowercase() == other.to_string_lossy().to_lowercase()
}

fn kept(path: PathBuf, folder: &Path, bytes: u64, written: [u8; 32]) -> Result<Saved, Failure> {
    // The name of a file is durable only with its folder.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| cannot(&path, &error))?;
    let digest = digest_of(&path).map_err(|error| cannot(&path, &error))?;
    if digest != written {
        return Err(Error::new(Kind::Integrity, "a file read back from the disk is not what was written").into());
    }
    Ok(Saved { path, bytes, sha256: hex(&digest), digest })
}

/// Saves a stream in place of what was there before: it breaks whole, or stays as it was.
pub(crate) async fn stream(path: &Path, content: Content, patience: &Patience) -> Result<Saved, Failure> {
    let target = Target::beside(path).map_err(|error| cannot(path, &error))?;
    target.fill(content, patience).await?.keep()
}

/// Saves bytes under a name that nothing has, as [`Draft::keep_apart`].
pub(crate) async fn apart(
    folder: &Path,
    names: impl Iterator<Item = String>,
    bytes: bytes::Bytes,
    mine: &[Saved],
) -> Result<Saved, Failure> {
    let place = folder.join("recording");
    let target = Target::beside(&place).map_err(|error| cannot(&place, &error))?;
    target.fill(Content::from_bytes(bytes), &Patience::lasting()).await?.keep_apart(names, mine)
}

pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
