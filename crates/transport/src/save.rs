//! Saves downloads as files that are complete or absent.
//!
//! The stream is written to a temporary file in the same directory, readable by its owner only. The file is synced, read
//! back and compared, and renamed; then the directory is synced. If anything fails before the rename, no new file is
//! left and an existing file stays unchanged. The disk is written on a blocking thread.
//!
//! A complete download that is not a whole [`Artifact`] is kept under a name that says so: the name with `.damaged`
//! appended (AT-96). So is what could be decoded of a download with a damaged content coding (AT-90). It has no
//! [`FileDigest`], so it never counts as saved evidence.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use identkit_core::{Artifact, ArtifactCheck, Content, Damage, Error, Kind};
use identkit_files::Draft;
pub use identkit_files::Existing;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

use crate::is_undecoded;

/// Maximum number of pieces of the stream that wait for the disk.
const QUEUE: usize = 16;

/// Size of the buffers for writing and reading the file, in bytes.
const BLOCK: usize = 256 * 1024;

/// Length and SHA-256 of a file, from its bytes on the disk.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileDigest {
    /// The length in bytes.
    pub length: u64,
    /// The SHA-256.
    pub sha256: [u8; 32],
}

impl FileDigest {
    /// Creates the digest of a file of this length.
    pub fn new(length: u64, sha256: [u8; 32]) -> Self {
        Self { length, sha256 }
    }

    /// The SHA-256 in lowercase hexadecimal digits.
    pub fn hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the file cannot be read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn from_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        spawn_blocking(move || read_back(&path)).await.unwrap_or_else(|_| Err(task_failed()))
    }
}

type Progress<'a> = Box<dyn FnMut(u64, Option<u64>) + Send + 'a>;
type Accept = Box<dyn FnOnce(&FileDigest) -> Result<(), Error> + Send>;

/// Saves a stream as a file.
///
/// ```
/// # async fn example(report: identkit_core::Content) -> Result<(), identkit_core::Error> {
/// use identkit_transport::save::Save;
///
/// let saved = Save::new("evidence/report.pdf").at_most(64 * 1024 * 1024).run(report).await?;
/// println!("{} bytes, SHA-256 {}", saved.length, saved.hex());
/// # Ok(()) }
/// ```
#[must_use]
pub struct Save<'a> {
    path: PathBuf,
    max: u64,
    existing: Existing,
    progress: Option<Progress<'a>>,
    accept: Vec<Accept>,
    artifact: Option<Artifact>,
    damage: Option<Damage>,
}

impl fmt::Debug for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path can contain a person's name.
        f.debug_struct("Save").field("max", &self.max).field("existing", &self.existing).finish_non_exhaustive()
    }
}

impl<'a> Save<'a> {
    /// Saves to `path`. The parent directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max: u64::MAX,
            existing: Existing::Keep,
            progress: None,
            accept: Vec::new(),
            artifact: None,
            damage: None,
        }
    }

    /// Sets the maximum size in bytes. The clients' streams are also limited by their operation.
    pub fn at_most(mut self, max: u64) -> Self {
        self.max = max;
        self
    }

    /// Selects whether an existing file is kept or replaced. The default is [`Existing::Keep`].
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Sets a callback for each piece. It gets the number of bytes so far, and the total if it is known.
    pub fn progress(mut self, progress: impl FnMut(u64, Option<u64>) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Adds a check before the file is renamed. If it fails, no file is left. Checks run in the order in which they were
    /// added, on a blocking thread.
    pub fn accept(mut self, accept: impl FnOnce(&FileDigest) -> Result<(), Error> + Send + 'static) -> Self {
        self.accept.push(Box::new(accept));
        self
    }

    /// Sets what the file must be. If it is not a whole artifact, it is kept as damaged (AT-96).
    pub fn artifact(mut self, artifact: Artifact) -> Self {
        self.artifact = Some(artifact);
        self
    }

    /// Sets a damage that is known before the stream is read: the file is kept as damaged, whatever its bytes are.
    pub fn damaged(mut self, damage: Damage) -> Self {
        self.damage = Some(damage);
        self
    }

    /// Saves the stream. If the future is dropped before the end of the stream, no file is left. If it is dropped later,
    /// the file may still be created.
    ///
    /// # Errors
    /// - The error of the stream, e.g. [`Kind::Integrity`] if it ends too early.
    /// - [`Kind::Integrity`] if its content coding is damaged; what could be decoded was kept as damaged.
    /// - [`Kind::Integrity`] if the bytes read back from the disk differ, or if the file is not a whole
    ///   [`artifact`](Self::artifact) and was kept as damaged.
    /// - [`Kind::Protocol`] if there are more than [`at_most`](Self::at_most) bytes.
    /// - [`Kind::Conflict`] if the file exists and must be kept.
    /// - [`Kind::Storage`] if writing or reading the file fails.
    /// - The error of an [`accept`](Self::accept) check.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn run(self, content: Content) -> Result<FileDigest, Error> {
        self.prepare(content).await?.commit().await
    }

    /// Saves the stream without its final name, so that several files can get theirs together: see [`commit_all`].
    ///
    /// # Errors
    /// As [`run`](Self::run), except for a damaged artifact.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn prepare(self, mut content: Content) -> Result<Prepared, Error> {
        let Self { path, max, existing, mut progress, accept, artifact, damage } = self;
        let too_long = || Error::new(Kind::Protocol, format!("the download is longer than the {max} bytes allowed"));
        let total = content.len();
        if total.is_some_and(|total| total > max) {
            return Err(too_long());
        }
        let (to_disk, pieces) = channel(QUEUE);
        // If this future is dropped, the channel closes and the writer ends.
        let writer = spawn_blocking(move || write(path, existing, pieces, accept, (artifact, damage)));
        let mut received = 0_u64;
        let streamed = loop {
            let piece = match content.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(piece)) => piece,
            };
            received = received.saturating_add(piece.len() as u64);
            if received > max {
                break Err(too_long());
            }
            // The writer has failed; its error is returned below.
            if to_disk.send(Some(piece)).await.is_err() {
                break Ok(());
            }
            if let Some(progress) = &mut progress {
                progress(received, total);
            }
        };
        // What could be decoded is kept (AT-90).
        let is_undecoded = received > 0 && streamed.as_ref().err().is_some_and(is_undecoded);
        if streamed.is_ok() || is_undecoded {
            // Marks the stream as complete. A channel that closes without it is an abandoned download.
            let _ = to_disk.send(None).await;
        }
        drop(to_disk);
        // Also after an error, so that the temporary file is gone when this returns.
        let written = writer.await.unwrap_or_else(|_| Err(task_failed()));
        if is_undecoded {
            return written.map(|prepared| Prepared { damage: Some(Damage::UNDECODED), ..prepared });
        }
        streamed.and(written)
    }
}

/// A complete download that does not have its final name yet. Dropping it removes it.
#[derive(Debug)]
#[must_use]
pub struct Prepared {
    draft: Draft,
    path: PathBuf,
    existing: Existing,
    digest: FileDigest,
    damage: Option<Damage>,
}

impl Prepared {
    /// Length and SHA-256.
    pub fn digest(&self) -> FileDigest {
        self.digest
    }

    /// Why the file is not a whole artifact, if it is not.
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// Says that a person accepts the file although it is damaged: it can then get its final name.
    pub fn accept_damage(mut self) -> Self {
        self.damage = None;
        self
    }

    /// Gives the file its final name.
    ///
    /// # Errors
    /// - [`Kind::Integrity`] if it is damaged; it was then kept under its name with `.damaged` appended.
    /// - [`Kind::Conflict`] if the file exists and must be kept.
    /// - [`Kind::Storage`] if a step of the disk fails.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn commit(self) -> Result<FileDigest, Error> {
        spawn_blocking(move || match self.damage {
            None => self.rename(),
            Some(damage) => {
                self.keep_as_damaged()?;
                Err(damaged("the file", damage))
            }
        })
        .await
        .unwrap_or_else(|_| Err(task_failed()))
    }

    fn rename(self) -> Result<FileDigest, Error> {
        self.draft.commit(self.existing).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(),
            _ => write_error(&error.into()),
        })?;
        Ok(self.digest)
    }

    /// Renames the file to the first free name that says that it is damaged.
    fn keep_as_damaged(mut self) -> Result<(), Error> {
        let mut names = (1_u32..).map(|number| {
            let mut name = self.path.clone().into_os_string();
            name.push(if number == 1 { ".damaged".to_owned() } else { format!(".damaged-{number}") });
            PathBuf::from(name)
        });
        let free = names.find(|path| path.symlink_metadata().is_err()).unwrap_or_default();
        self.draft.set_target(free);
        self.existing = Existing::Keep;
        self.rename().map(drop)
    }
}

/// Gives several files their final names, or none of them: if one is damaged, only the damaged ones are kept, as damaged
/// (AT-96).
///
/// # Errors
/// As [`Prepared::commit`]; the error names the number of the damaged file. If a rename fails, earlier files have their
/// names.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn commit_all(files: Vec<Prepared>) -> Result<Vec<FileDigest>, Error> {
    spawn_blocking(move || {
        let all = files.len();
        let mut failure = None;
        if files.iter().all(|file| file.damage.is_none()) {
            return files.into_iter().map(Prepared::rename).collect();
        }
        for (number, file) in (1..).zip(files) {
            if let Some(damage) = file.damage {
                file.keep_as_damaged()?;
                failure.get_or_insert_with(|| damaged(&format!("file {number} of {all}"), damage));
            }
        }
        failure.map_or_else(|| Ok(Vec::new()), Err)
    })
    .await
    .unwrap_or_else(|_| Err(task_failed()))
}

fn damaged(what: &str, damage: Damage) -> Error {
    let kept = "it was kept under its name with .damaged appended";
    Error::new(Kind::Integrity, format!("{what} is damaged: {damage}; {kept}"))
}

fn exists() -> Error {
    Error::new(Kind::Conflict, "the file exists and is not replaced")
}

fn task_failed() -> Error {
    Error::new(Kind::Storage, "the blocking task for the file was canceled or panicked")
}

/// The error of a failed write. It does not contain the path.
fn write_error(error: &io::Error) -> Error {
    // tempfile's errors contain the path, which can contain a person's name. Only the system's error code remains.
    let bare = error.raw_os_error().map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error);
    Error::new(Kind::Storage, format!("the file cannot be written: {}", identkit_files::cause(error))).with_source(bare)
}

fn write(
    path: PathBuf,
    existing: Existing,
    pieces: Receiver<Option<Bytes>>,
    accept: Vec<Accept>,
    (artifact, damage): (Option<Artifact>, Option<Damage>),
) -> Result<Prepared, Error> {
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    // The temporary file is removed when the draft is dropped.
    let mut draft = Draft::new(&path).map_err(|error| write_error(&error))?;
    let mut check = artifact.map(ArtifactCheck::new);
    let received = fill(&mut draft, pieces, check.as_mut()).map_err(|error| write_error(&error))?;
    let digest = received.ok_or_else(|| Error::new(Kind::Integrity, "the download was abandoned before its end"))?;
    if read_back(draft.path())? != digest {
        return Err(Error::new(Kind::Integrity, "the bytes read back from the disk differ from those written"));
    }
    for accept in accept {
        accept(&digest)?;
    }
    let damage = damage.or_else(|| check.and_then(|check| check.finish().err()));
    Ok(Prepared { draft, path, existing, digest, damage })
}

/// Writes the pieces to the disk. `None` if the download was abandoned.
fn fill(
    file: &mut Draft,
    mut pieces: Receiver<Option<Bytes>>,
    mut check: Option<&mut ArtifactCheck>,
) -> io::Result<Option<FileDigest>> {
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    // Pieces can be as small as a TLS record. While more of them wait, they are written together.
    let mut disk = BufWriter::with_capacity(BLOCK, &mut *file);
    loop {
        let piece = match pieces.try_recv() {
            Ok(piece) => Some(piece),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                disk.flush()?;
                pieces.blocking_recv()
            }
        };
        match piece {
            Some(Some(piece)) => {
                length = length.saturating_add(piece.len() as u64);
                hash.update(&piece);
                if let Some(check) = &mut check {
                    check.push(&piece);
                }
                disk.write_all(&piece)?;
            }
            Some(None) => break,
            None => return Ok(None),
        }
    }
    disk.flush()?;
    drop(disk);
    file.sync()?;
    Ok(Some(FileDigest::new(length, hash.finalize().into())))
}

fn read_back(path: &Path) -> Result<FileDigest, Error> {
    let unreadable = |error: io::Error| {
        Error::new(Kind::Storage, format!("the file cannot be read: {}", error.kind())).with_source(error)
    };
    let mut file = BufReader::with_capacity(BLOCK, File::open(path).map_err(unreadable)?);
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    loop {
        let read = file.fill_buf().map_err(unreadable)?;
        if read.is_empty() {
            return Ok(FileDigest::new(length, hash.finalize().into()));
        }
        hash.update(read);
        let count = read.len();
        length = length.saturating_add(count as u64);
        file.consume(count);
    }
}

#[cfg(test)]
mod tests;
