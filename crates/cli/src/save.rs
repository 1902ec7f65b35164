//! Output files and directories. The transport writes the files atomically.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use identkit_core::{Artifact, Content, Damage, Error, Kind, RawResponse};
use identkit_files::{Draft, Leftover, cause, create_dirs};
use identkit_transport::is_undecoded;
use identkit_transport::save::{Existing, FileDigest, Prepared, Save};
use identkit_wire::json::Blob;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::say;
use crate::stopping::Protection;

/// Maximum size of a file in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024 * 1024;

/// A saved file.
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

/// Converts `--force` into the treatment of an existing file.
pub(crate) fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

/// Checks that a file can be written at `path`, the value of `option`. Call this before sending: without a place for it, nothing is fetched.
pub(crate) fn check_place(option: &'static str, path: &Path, existing: Existing) -> Result<(), Failure> {
    let name = path.display();
    check_name(option, path)?;
    check_other_options(option, path)?;
    let problem = match path.symlink_metadata() {
        Ok(existing) if existing.is_dir() || path.is_dir() => "is a directory: it must be a file",
        // The new file would replace the link, not its target.
        Ok(existing) if existing.is_symlink() => {
            "is a symbolic link, which is neither followed nor replaced: use the path of the file itself"
        }
        // The new file would replace a device, not write to it.
        Ok(existing) if !existing.is_file() => "is not a regular file: choose another path",
        Ok(_) if existing == Existing::Keep => {
            return Err(Failure::unsent(match option {
                "--out" => format!("{name} already exists: to replace it, add --force"),
                _ => format!("{option} {name} already exists: choose a new file"),
            }));
        }
        _ => {
            report_leftovers(path);
            let draft = Draft::new(path).and_then(Draft::discard);
            return draft
                .map_err(|error| Failure::unsent(format!("{option} {name} cannot be written: {}", cause(&error))));
        }
    };
    Err(Failure::unsent(format!("{option} {name} {problem}")))
}

/// The files that options name, each with its option.
static PLACES: Mutex<Vec<(&'static str, PathBuf)>> = Mutex::new(Vec::new());

/// Rejects a file that another option names: one would replace the other, or could not be written after the response was
/// received.
fn check_other_options(option: &'static str, path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let place = folder.join(path.file_name().unwrap_or_default());
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((other, _)) = places.iter().find(|(other, known)| *other != option && *known == place) {
        let name = path.display();
        return Err(Failure::unsent(format!(
            "{other} and {option} both name {name}: choose another file for one of them"
        )));
    }
    places.push((option, place));
    Ok(())
}

/// Reports temporary files of commands that were killed, in the directory of `path`. Those without content are removed;
/// the others may be the only copy of a response.
pub(crate) fn report_leftovers(path: &Path) {
    for leftover in Leftover::find_beside(path).unwrap_or_default() {
        let name = leftover.path().display().to_string();
        if !leftover.is_blank() {
            say(&format!(
                "note: {name} is left from a command that was killed or could not give the file its name; it may \
                 contain a response: check it, then delete it"
            ));
        } else if leftover.remove().is_ok() {
            say(&format!("note: removed {name}, an empty file that is left from a command that was killed"));
        }
    }
}

/// Rejects a path that cannot become the name of a file. A temporary file beside it would not show that.
pub(crate) fn check_name(option: &str, path: &Path) -> Result<(), Failure> {
    reject_dash(option, path)?;
    let name = path.display();
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.last().is_some_and(|last| std::path::is_separator(char::from(*last))) || path.file_name().is_none() {
        return Err(Failure::unsent(format!(
            "{option} {name} is not the name of a file: it must not end with a slash"
        )));
    }
    match path.symlink_metadata() {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::unsent(format!("{option} {name} cannot be written: {}", cause(&error))))
        }
        _ => Ok(()),
    }
}

/// Rejects `-`, which means standard output in other programs but would be a file name here.
pub(crate) fn reject_dash(option: &str, path: &Path) -> Result<(), Failure> {
    match path.as_os_str() == "-" {
        true => {
            Err(Failure::unsent(format!("{option} - is not a file name: files are never written to standard output")))
        }
        false => Ok(()),
    }
}

/// A directory for results. If it had to be created, only its owner can read it, and it is removed if it stays empty.
#[derive(Debug)]
pub(crate) struct Folder {
    /// The directories that were created, innermost first.
    created: Vec<PathBuf>,
}

/// Directories that were not empty when their command was dropped, because a download still had its file in them.
static NOT_EMPTY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Folder {
    /// Creates the directory if it does not exist. Call this before sending.
    pub(crate) fn create(out: &Path) -> Result<Self, Failure> {
        reject_dash("--out", out)?;
        let unusable = |error: std::io::Error| {
            Failure::unsent(format!("--out {} cannot be used: {}", out.display(), cause(&error)))
        };
        create_dirs(out).map(|created| Self { created }).map_err(unusable)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let rest = remove_empty(std::mem::take(&mut self.created));
        if let Ok(mut all) = NOT_EMPTY.lock() {
            all.extend(rest);
        }
    }
}

/// Removes the empty directories and returns the others.
fn remove_empty(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    // `remove_dir` fails if a directory is not empty.
    folders.retain(|folder| std::fs::remove_dir(folder).is_err());
    folders
}

/// Removes the directories that became empty after their command was dropped.
pub(crate) fn remove_folders() {
    if let Ok(mut rest) = NOT_EMPTY.lock() {
        remove_empty(std::mem::take(&mut rest));
    }
}

/// Saves a stream as a file, once the stream is complete and `accept` succeeds.
pub(crate) async fn save(
    path: &Path,
    existing: Existing,
    content: Content,
    accept: impl FnOnce(&FileDigest) -> Result<(), Error> + Send + 'static,
) -> Result<SavedFile, Failure> {
    let save = Save::new(path).at_most(MAX_FILE).existing(existing).accept(accept);
    let prepared = save.prepare(content).await.map_err(|error| failure(path, error))?;
    // After a signal the command still says that the file is saved.
    let _protection = Protection::new();
    let digest = prepared.commit().await.map_err(|error| failure(path, error))?;
    Ok(SavedFile { path: path.to_owned(), digest })
}

/// What a file must be to be whole (AT-96), and the names of files that a person accepts although they are damaged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) artifact: Artifact,
    pub(crate) accepted: &'a [String],
}

impl Expected<'_> {
    /// Fails if the option names another file than the only one of the command. Call this before sending.
    pub(crate) fn check_names(&self, path: &Path) -> Result<(), Failure> {
        match self.accepted.iter().find(|name| !is_name(path, name)) {
            Some(name) => {
                let file = path.file_name().unwrap_or_default().display();
                Err(Failure::unsent(format!("--accept-damaged {name} is not the name of the file, which is {file}")))
            }
            None => Ok(()),
        }
    }

    /// Reports each name of the option that no file of the response has.
    pub(crate) fn report_unknown_names<'a>(&self, paths: impl Iterator<Item = &'a Path> + Clone) {
        for name in self.accepted.iter().filter(|name| !paths.clone().any(|path| is_name(path, name))) {
            say(&format!("note: --accept-damaged {name} has no effect: the response has no file of this name"));
        }
    }

    /// Whether the option names the file.
    fn has_name(&self, path: &Path) -> bool {
        self.accepted.iter().any(|name| is_name(path, name))
    }

    /// Whether a person accepts the file although it is damaged: the option names it, and an earlier run kept the same
    /// bytes, which the person could check.
    pub(crate) async fn is_accepted(&self, path: &Path, digest: &FileDigest) -> bool {
        if !self.has_name(path) {
            return false;
        }
        for kept in damaged_names(path).take_while(|kept| kept.symlink_metadata().is_ok()) {
            if FileDigest::from_file(&kept).await.is_ok_and(|kept| kept == *digest) {
                return true;
            }
        }
        false
    }
}

fn is_name(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}

/// The bytes of an artifact in a JSON message. If it is not valid Base64, they are the text as received, and the damage
/// says so.
pub(crate) fn received(blob: &Blob) -> (Bytes, Option<Damage>) {
    match (blob.to_bytes(), blob) {
        (Ok(bytes), _) => (bytes, None),
        (Err(_), Blob::Text(text)) => (text.expose().clone().into(), Some(Damage::NOT_BASE64)),
        (Err(_), Blob::Source(_)) => (Bytes::new(), None),
    }
}

/// A complete file without its final name.
#[derive(Debug)]
pub(crate) struct PreparedFile {
    pub(crate) path: PathBuf,
    file: Prepared,
    /// The damage that a person accepts.
    accepted: Option<Damage>,
}

/// Saves a stream without its final name, once the stream is complete and `accept` succeeds. It is damaged if it is not
/// what is expected, or if its `damage` is known.
pub(crate) async fn prepare(
    path: &Path,
    existing: Existing,
    content: Content,
    (expected, damage): (Expected<'_>, Option<Damage>),
    accept: impl FnOnce(&FileDigest) -> Result<(), Error> + Send + 'static,
) -> Result<PreparedFile, Failure> {
    let save = Save::new(path).at_most(MAX_FILE).existing(existing).accept(accept).artifact(expected.artifact);
    let save = damage.into_iter().fold(save, Save::damaged);
    let mut file = save.prepare(content).await.map_err(|error| failure(path, error))?;
    let mut accepted = file.damage();
    if accepted.is_some() && expected.is_accepted(path, &file.digest()).await {
        file = file.accept_damage();
    } else if accepted.take().is_some() && expected.has_name(path) {
        let name = path.display();
        say(&format!(
            "note: --accept-damaged does not apply to {name}: no earlier run kept a damaged file with these bytes"
        ));
    }
    Ok(PreparedFile { path: path.to_owned(), file, accepted })
}

/// Keeps the body of a response whose content coding is damaged or not supported, as a damaged file (AT-90, AT-96).
/// Returns a note that names the file.
pub(crate) async fn keep_undecoded(path: &Path, error: &Error) -> Option<String> {
    let answer = error.answer().filter(|answer| is_undecoded(error) && !answer.body().is_empty())?;
    let body = answer.body().clone();
    let limit = if body.len() < RawResponse::LIMIT { "" } else { ", up to its first MiB" };
    let free = damaged_names(path).find(|name| name.symlink_metadata().is_err());
    let save = Save::new(path).existing(Existing::Replace).damaged(Damage::UNDECODED);
    let kept = match save.prepare(Content::from_bytes(body)).await {
        Ok(file) => file.commit().await.err(),
        Err(error) => Some(error),
    };
    match kept.filter(|error| error.kind() != Kind::Integrity) {
        Some(error) => Some(format!("the body of the response could not be kept: {}", error.detail())),
        None => free.map(|name| {
            format!("the body of the response, as far as it could be decoded{limit}, is in {}", name.display())
        }),
    }
}

/// How to save a damaged file.
pub(crate) const ACCEPT: &str = "after you have checked it, repeat the command with --accept-damaged NAME, which saves the same bytes under this name";

/// Gives the files their final names, or none of them if one is damaged: then the damaged ones are kept as such.
pub(crate) async fn commit_all(prepared: Vec<PreparedFile>) -> Result<Vec<SavedFile>, Failure> {
    // A signal must not leave a part of the files.
    let _protection = Protection::new();
    let (mut paths, mut files, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
    for PreparedFile { path, file, accepted } in prepared {
        let free = || damaged_names(&path).find(|name| name.symlink_metadata().is_err());
        damaged.extend(file.damage().and_then(|_| free()));
        paths.push((path, accepted));
        files.push(file);
    }
    if !damaged.is_empty() {
        let error = identkit_transport::save::commit_all(files).await.err();
        let failure = error.map_or_else(|| Failure::local("a file is damaged"), Failure::from);
        return Err(damaged
            .iter()
            .fold(failure, |failure, path| failure.note(format!("the damaged file is {}; {ACCEPT}", path.display()))));
    }
    let (all, mut saved) = (paths.len(), Vec::<SavedFile>::new());
    let mut all_files = paths.into_iter().zip(files);
    while let Some(((path, accepted), file)) = all_files.next() {
        match file.commit().await {
            Ok(digest) => saved.push(SavedFile { path: path.clone(), digest }),
            Err(error) => {
                let list = |paths: Vec<String>, what: &str| {
                    (!paths.is_empty()).then(|| format!("{what} ({} of {all}): {}", paths.len(), paths.join(", ")))
                };
                let rest = all_files.map(|((path, _), _)| path.display().to_string()).collect();
                let paths = saved.iter().map(|file| file.path.display().to_string()).collect();
                let saved = list(paths, "already saved");
                return Err(failure(&path, error).notes(saved).notes(list(rest, "complete, but not saved")));
            }
        }
        if let Some(damage) = accepted {
            say(&format!("note: {} is saved although it is damaged: {damage}", path.display()));
        }
    }
    Ok(saved)
}

/// The names that a damaged file can get, in the order in which the transport tries them.
fn damaged_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    (1..).map(move |number: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 { ".damaged".to_owned() } else { format!(".damaged-{number}") });
        PathBuf::from(name)
    })
}

/// The names that a command chose for files in one directory. Many file systems ignore case.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
    /// Number of names that were tried, by the first name.
    tried: HashMap<String, usize>,
}

/// The first of `names` that is free and not one of `chosen`, or whose file has the same bytes: then an earlier run saved
/// them, and the digest is returned too. No file is ever replaced.
pub(crate) async fn place_beside(
    folder: &Path,
    names: impl Iterator<Item = String>,
    bytes: &[u8],
    chosen: &mut Names,
) -> Result<(PathBuf, Option<FileDigest>), Failure> {
    let mut names = names.peekable();
    let first = names.peek().cloned().unwrap_or_default();
    // Names that were taken for an earlier file stay taken, so a list of equal names is not searched again and again.
    let tried = chosen.tried.entry(first).or_default();
    for name in names.skip(*tried) {
        *tried += 1;
        if !chosen.taken.insert(name.to_lowercase()) {
            continue;
        }
        let path = folder.join(&name);
        let Ok(existing) = path.symlink_metadata() else { return Ok((path, None)) };
        if existing.is_file()
            && let Ok(existing) = FileDigest::from_file(&path).await
            && existing == digest(bytes)
        {
            return Ok((path, Some(existing)));
        }
    }
    Err(Failure::local(format!("all names for the file are taken in {}", folder.display())))
}

/// Adds the path to a failure of this machine; a failure of the stream is unchanged.
fn failure(path: &Path, error: Error) -> Failure {
    match error.kind() {
        Kind::Conflict => Failure::local(format!("{} already exists: to replace it, add --force", path.display())),
        Kind::Storage => Failure::local(format!("{}: {}", path.display(), error.detail())),
        _ => error.into(),
    }
}

pub(crate) fn digest(bytes: &[u8]) -> FileDigest {
    use sha2::Digest;
    FileDigest::new(bytes.len() as u64, sha2::Sha256::digest(bytes).into())
}
