//! Where files go, and how long their streams may take. Writing them whole is the transport's.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{BoxFuture, Clock, Content, Error, Kind, Mono, Wake};
use identkit_transport::SystemClock;
use identkit_transport::save::{Digested, Existing, Save};
use tempfile::NamedTempFile;

use crate::args::Calls;
use crate::exit::Failure;

/// The most that one file may take on this disk, in bytes.
const MOST: u64 = 16 * 1024 * 1024 * 1024;

/// A file that was written.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) digest: [u8; 32],
}

impl Saved {
    fn new(path: PathBuf, of: &Digested) -> Self {
        Self { path, bytes: of.length, sha256: of.hex(), digest: of.sha256 }
    }
}

/// Whether a file can be written there. Asked before anything is sent: where nothing can be kept, nothing is fetched.
pub(crate) fn place(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!("--out {} is a folder: name a file", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let tried = NamedTempFile::new_in(folder).and_then(NamedTempFile::close);
    tried.map_err(|error| Failure::usage(format!("--out {} cannot be written: {}", path.display(), error.kind())))
}

/// Saves a stream in place of what was there before, once it is whole and accepted.
pub(crate) async fn replace(
    path: &Path,
    content: Content,
    accept: impl FnOnce(&Digested) -> Result<(), Error> + Send + 'static,
) -> Result<Saved, Failure> {
    let save = Save::to(path).at_most(MOST).existing(Existing::Replace).accept(accept);
    let saved = save.run(content).await.map_err(|error| told(path, error))?;
    Ok(Saved::new(path.to_owned(), &saved))
}

/// Saves bytes in a folder under the first of these names that is free, or that holds the same bytes and is no file of
/// `mine`. No file is ever replaced.
pub(crate) async fn apart(
    folder: &Path,
    names: impl Iterator<Item = String>,
    bytes: Bytes,
    mine: &[Saved],
) -> Result<Saved, Failure> {
    for name in names {
        let path = folder.join(name);
        if mine.iter().any(|saved| same_name(&saved.path, &path)) {
            continue;
        }
        match Save::to(&path).run(Content::from_bytes(bytes.clone())).await {
            Ok(saved) => return Ok(Saved::new(path, &saved)),
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(told(&path, error)),
        }
        if path.symlink_metadata().is_ok_and(|found| found.is_file())
            && let Ok(there) = Digested::of_file(&path).await
            && there.sha256 == digest(&bytes)
        {
            // Fetched before: the same file need not be there twice.
            return Ok(Saved::new(path, &there));
        }
    }
    Err(Failure::local(format!("{} has no name left for a file", folder.display())))
}

/// A failure of this machine with the path; one of the stream as it is.
fn told(path: &Path, error: Error) -> Failure {
    match error.kind() {
        Kind::Storage => Failure::local(format!("{}: {}", path.display(), error.detail())),
        _ => error.into(),
    }
}

/// Whether two paths may name one file: many file systems do not tell `A` from `a`.
fn same_name(one: &Path, other: &Path) -> bool {
    one == other || one.to_string_lossy().to_lowercase() == other.to_string_lossy().to_lowercase()
}

pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The deadline that was given for a call, which otherwise ends with the head of its answer: over the whole stream, too.
#[derive(Debug)]
pub(crate) struct Patience {
    clock: SystemClock,
    until: Option<Mono>,
}

impl Patience {
    /// From now. Without `--timeout` a stream has the limits of the driver: for a stall, and over all.
    pub(crate) fn begin(calls: &Calls) -> Self {
        let clock = SystemClock::new();
        let until = calls.timeout.map(|timeout| clock.mono().plus(timeout));
        Self { clock, until }
    }

    /// The same stream, with that deadline.
    pub(crate) fn with(&self, content: Content) -> Content {
        match self.until {
            Some(until) => Content::new(content.len(), Patient { content, end: self.clock.sleep_until(until) }),
            None => content,
        }
    }
}

struct Patient {
    content: Content,
    end: BoxFuture<'static, Wake>,
}

impl Body for Patient {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // First the time: a stream that always has a little more would otherwise go on for ever.
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(Error::new(
                Kind::Timeout,
                "the answer did not come whole in the time given",
            ))));
        }
        Pin::new(&mut self.content).poll_frame(cx)
    }
}
