//! Downloads into files that are whole or not there.
//!
//! A stream goes into a file beside its place, which its owner alone may read, is synced, read back from the disk,
//! and only then put in its place; the folder is synced too. Whatever ends it before that leaves no file, and one that
//! was there before as it was. The disk is written on a blocking thread, so that no async thread waits for it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use identkit_core::{Content, Error, Kind};
use identkit_files::Draft;
pub use identkit_files::Existing;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

/// Pieces of the stream that may wait for the disk.
const WAITING: usize = 16;

/// How many bytes are read back at once.
const BLOCK: usize = 256 * 1024;

/// How long a file is and its SHA-256, from its bytes on the disk.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileDigest {
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl FileDigest {
    /// The digest of a file of this length.
    pub fn new(length: u64, sha256: [u8; 32]) -> Self {
        Self { length, sha256 }
    }

    /// The SHA-256 in small hexadecimal digits.
    pub fn hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Kind::Storage`] when it cannot be read.
    pub async fn from_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        spawn_blocking(move || read_back(&path)).await.unwrap_or_else(|_| Err(ended()))
    }
}

type Progress<'a> = Box<dyn FnMut(u64, Option<u64>) + Send + 'a>;
type Accept = Box<dyn FnOnce(&FileDigest) -> Result<(), Error> + Send>;

/// Saves a stream in a file.
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
    most: u64,
    existing: Existing,
    progress: Option<Progress<'a>>,
    accept: Vec<Accept>,
}

impl fmt::Debug for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path may well be a person's.
        f.debug_struct("Save").field("most", &self.most).field("existing", &self.existing).finish_non_exhaustive()
    }
}

impl<'a> Save<'a> {
    /// Saves to `path`. The parent directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), most: u64::MAX, existing: Existing::Keep, progress: None, accept: Vec::new() }
    }

    /// At most so many bytes. The streams of the clients are bounded too, by what the operation allows.
    pub fn at_most(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// What becomes of a file that is there already.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Is told of each piece that came: the bytes so far, and all of them where that is known.
    pub fn progress(mut self, progress: impl FnMut(u64, Option<u64>) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Is asked, on a blocking thread, before the file gets its place; an error leaves none. Whoever was to be asked
    /// before is asked first.
    pub fn accept(mut self, accept: impl FnOnce(&FileDigest) -> Result<(), Error> + Send + 'static) -> Self {
        self.accept.push(Box::new(accept));
        self
    }

    /// Saves the stream. Dropped before the end of the stream it leaves no file; afterwards the file may still get its
    /// place. Needs a tokio runtime.
    ///
    /// # Errors
    /// The stream's, [`Kind::Integrity`] for one that ends short among them, and for bytes that the disk did not keep;
    /// [`Kind::Protocol`] for more than [`at_most`](Self::at_most) bytes; [`Kind::Conflict`] for a file that is there
    /// already and is to be kept; [`Kind::Storage`] for what the disk refuses; and that of [`accept`](Self::accept).
    pub async fn run(self, mut content: Content) -> Result<FileDigest, Error> {
        let Self { path, most, existing, mut progress, accept } = self;
        let too_long = || Error::new(Kind::Protocol, format!("the download is longer than the {most} bytes allowed"));
        let total = content.len();
        if total.is_some_and(|total| total > most) {
            return Err(too_long());
        }
        let (to_disk, pieces) = channel(WAITING);
        // At work from now on. Should this future be dropped it ends by itself, since no more pieces come.
        let writer = spawn_blocking(move || write(&path, existing, pieces, accept));
        let mut came = 0_u64;
        let streamed = loop {
            let piece = match content.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(piece)) => piece,
            };
            came = came.saturating_add(piece.len() as u64);
            if came > most {
                break Err(too_long());
            }
            // The writer is gone: it says why.
            if to_disk.send(Some(piece)).await.is_err() {
                break Ok(());
            }
            if let Some(progress) = &mut progress {
                progress(came, total);
            }
        };
        if streamed.is_ok() {
            // Only with this the stream counts as whole; a channel that just ends is one that was given up.
            let _ = to_disk.send(None).await;
        }
        drop(to_disk);
        // Waited for in any case, so that no file is left when this returns.
        let written = writer.await.unwrap_or_else(|_| Err(ended()));
        streamed.and(written)
    }
}

fn ended() -> Error {
    Error::new(Kind::Storage, "the runtime ended before the disk was done")
}

/// What the disk refused, in the words of the kind of error.
fn refused(error: &io::Error) -> Error {
    // tempfile's errors name the path, which may be a person's: only the number of the system is kept.
    let bare = error.raw_os_error().map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error);
    Error::new(Kind::Storage, format!("the file cannot be written: {}", error.kind())).with_source(bare)
}

fn write(
    path: &Path,
    existing: Existing,
    pieces: Receiver<Option<Bytes>>,
    accept: Vec<Accept>,
) -> Result<FileDigest, Error> {
    let taken = || Error::new(Kind::Conflict, "there is a file of this name already");
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(taken());
    }
    // Dropped on any way out of here it is removed.
    let mut file = Draft::new(path).map_err(|error| refused(&error))?;
    let came = fill(&mut file, pieces).map_err(|error| refused(&error))?;
    let came = came.ok_or_else(|| Error::new(Kind::Integrity, "the download was given up"))?;
    if read_back(file.path())? != came {
        return Err(Error::new(Kind::Integrity, "what was read back from the disk is not what was written"));
    }
    for accept in accept {
        accept(&came)?;
    }
    file.commit(existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(),
        _ => refused(&error.into()),
    })?;
    Ok(came)
}

/// Writes the pieces to the disk; `None` for a download that was given up.
fn fill(file: &mut Draft, mut pieces: Receiver<Option<Bytes>>) -> io::Result<Option<FileDigest>> {
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    // Pieces are as small as a record of TLS: while more of them wait, the disk is given many at once.
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
