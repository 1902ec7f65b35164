//! Where files go, and how long their streams may take. Writing them whole is the transport's.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{BoxFuture, Clock, Content, Error, Instant, Kind, WorkGuard};
use identkit_files::{Draft, create_dirs};
use identkit_transport::SystemClock;
use identkit_transport::save::{Existing, FileDigest, Save};
use serde_json::{Value, json};

use crate::exit::Failure;

/// The most that one file may take on this disk, in bytes.
const MOST: u64 = 16 * 1024 * 1024 * 1024;

/// A file that was written.
#[derive(Debug)]
pub(crate) struct SavedFile {
    pub(crate) path: PathBuf,
    pub(crate) digest: FileDigest,
}

impl SavedFile {
    pub(crate) fn json(&self) -> Value {
        json!({ "path": self.path.display().to_string(), "bytes": self.digest.length, "sha256": self.digest.hex() })
    }
}

/// What is done with a file that has the name already.
pub(crate) fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

/// Whether a file can be written there. Asked before anything is sent: where nothing can be kept, nothing is fetched.
pub(crate) fn check_place(path: &Path, existing: Existing) -> Result<(), Failure> {
    let name = path.display();
    reject_dash(path)?;
    let told = match path.symlink_metadata() {
        Ok(found) if found.is_dir() || path.is_dir() => "is a folder: name a file",
        // What replaces it would take the place of the link, and leave what it leads to as it is.
        Ok(found) if found.is_symlink() => {
            "is a symbolic link, which is neither followed nor replaced: name the file itself"
        }
        // A device would be replaced by the file, not written to.
        Ok(found) if !found.is_file() => "is no regular file: name one",
        Ok(_) if existing == Existing::Keep => {
            return Err(Failure::unsent(format!("{name} is there already; --force replaces it")));
        }
        _ => {
            let tried = Draft::new(path).and_then(Draft::discard);
            return tried.map_err(|error| Failure::unsent(format!("--out {name} cannot be written: {}", error.kind())));
        }
    };
    Err(Failure::unsent(format!("--out {name} {told}")))
}

/// Elsewhere `-` is standard output, here it would be a file of that name.
pub(crate) fn reject_dash(path: &Path) -> Result<(), Failure> {
    match path.as_os_str() == "-" {
        true => Err(Failure::unsent("--out - is no name: files are never written to standard output")),
        false => Ok(()),
    }
}

/// A folder for results. One that was made for them is its owner's only, and is removed if nothing came into it.
#[derive(Debug)]
pub(crate) struct Folder {
    /// What was not there before, the innermost first.
    created: Vec<PathBuf>,
}

/// Folders to be looked at once more: a download that was given up still had its file in them.
static REMAINDER: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Folder {
    /// Makes it where it is not there, before anything is sent.
    pub(crate) fn create(out: &Path) -> Result<Self, Failure> {
        reject_dash(out)?;
        let unusable = |error: std::io::Error| {
            Failure::unsent(format!("--out {} cannot be used: {}", out.display(), error.kind()))
        };
        create_dirs(out).map(|created| Self { created }).map_err(unusable)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let rest = remove_empty(std::mem::take(&mut self.created));
        if let Ok(mut all) = REMAINDER.lock() {
            all.extend(rest);
        }
    }
}

/// Removes those that are empty, and returns the others.
fn remove_empty(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    // A folder with something in it is never removed by this.
    folders.retain(|folder| std::fs::remove_dir(folder).is_err());
    folders
}

/// Removes the folders that became empty after their command was given up.
pub(crate) fn remove_folders() {
    if let Ok(mut rest) = REMAINDER.lock() {
        remove_empty(std::mem::take(&mut rest));
    }
}

/// Saves a stream in a file, once it is whole and accepted.
pub(crate) async fn save(
    path: &Path,
    existing: Existing,
    content: Content,
    accept: impl FnOnce(&FileDigest) -> Result<(), Error> + Send + 'static,
) -> Result<SavedFile, Failure> {
    let save = Save::new(path).at_most(MOST).existing(existing).accept(accept);
    let digest = save.run(content).await.map_err(|error| failure(path, error))?;
    Ok(SavedFile { path: path.to_owned(), digest })
}

/// Saves bytes in a folder under the first of these names that is free, or that holds the same bytes and is no file of
/// `mine`. No file is ever replaced.
pub(crate) async fn save_beside(
    folder: &Path,
    names: impl Iterator<Item = String>,
    bytes: Bytes,
    mine: &[SavedFile],
) -> Result<SavedFile, Failure> {
    for name in names {
        let path = folder.join(name);
        if mine.iter().any(|saved| same_name(&saved.path, &path)) {
            continue;
        }
        match Save::new(&path).run(Content::from_bytes(bytes.clone())).await {
            Ok(digest) => return Ok(SavedFile { path, digest }),
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(failure(&path, error)),
        }
        if path.symlink_metadata().is_ok_and(|found| found.is_file())
            && let Ok(there) = FileDigest::from_file(&path).await
            && there == digest(&bytes)
        {
            // Fetched before: the same file need not be there twice.
            return Ok(SavedFile { path, digest: there });
        }
    }
    Err(Failure::local(format!("{} has no name left for a file", folder.display())))
}

/// A failure of this machine with the path; one of the stream as it is.
fn failure(path: &Path, error: Error) -> Failure {
    match error.kind() {
        Kind::Conflict => Failure::local(format!("{} is there already and stays; --force replaces it", path.display())),
        Kind::Storage => Failure::local(format!("{}: {}", path.display(), error.detail())),
        _ => error.into(),
    }
}

/// Whether two paths may name one file: many file systems do not tell `A` from `a`.
fn same_name(one: &Path, other: &Path) -> bool {
    one == other || one.to_string_lossy().to_lowercase() == other.to_string_lossy().to_lowercase()
}

pub(crate) fn digest(bytes: &[u8]) -> FileDigest {
    use sha2::Digest;
    FileDigest::new(bytes.len() as u64, sha2::Sha256::digest(bytes).into())
}

/// The deadline that was given for a call, which otherwise ends with the head of its answer: over the whole stream, too.
#[derive(Debug)]
pub(crate) struct Patience {
    clock: SystemClock,
    until: Option<Instant>,
}

impl Patience {
    /// From now. Without `--timeout` a stream has the limits of the driver: for a stall, and over all.
    pub(crate) fn begin(timeout: Option<Duration>) -> Self {
        let clock = SystemClock::new();
        let until = timeout.map(|timeout| clock.now().plus(timeout));
        Self { clock, until }
    }

    /// The same stream, with that deadline.
    pub(crate) fn limit(&self, content: Content) -> Content {
        match self.until {
            Some(until) => Content::new(content.len(), LimitedContent { content, end: self.clock.sleep_until(until) }),
            None => content,
        }
    }
}

struct LimitedContent {
    content: Content,
    end: BoxFuture<'static, WorkGuard>,
}

impl Body for LimitedContent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // First the time: a stream that always has a little more would otherwise go on for ever.
        if self.end.as_mut().poll(cx).is_ready() {
            let late = Error::new(Kind::Timeout, "the answer did not come whole in the time given");
            return Poll::Ready(Some(Err(late)));
        }
        Pin::new(&mut self.content).poll_frame(cx)
    }
}
