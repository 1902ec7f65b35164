//! Errors of a folder: the operation, the location relative to the sink, and what to do.

use std::io;

use identkit_core::{Advice, Error, Kind};
use identkit_files::cause;

/// The error of a failed disk operation, e.g. `cannot store a/b.pdf: the disk is full`. It does not contain the path of
/// the sink.
pub(crate) fn storage(operation: &str, location: &str, error: &io::Error) -> Error {
    let (what, advice) = explain(error);
    // Errors of tempfile contain the path. Only the system's error code remains.
    let bare = error.raw_os_error().map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error);
    Error::new(Kind::Storage, format!("cannot {operation} {location}: {what}")).with_advice(advice).with_source(bare)
}

/// What failed and what to do, and whether another attempt can succeed.
fn explain(error: &io::Error) -> (String, Advice) {
    use io::ErrorKind;
    let (what, advice) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ("the disk is full or a quota is reached; free space, and the case continues by itself", Advice::RetryLater)
        }
        ErrorKind::PermissionDenied => (
            "the permission is missing; the user of this process must own the folder and be able to write to it",
            Advice::DoNotRetry,
        ),
        ErrorKind::ReadOnlyFilesystem => {
            ("the file system is read-only; mount it writable, and check the disk for errors", Advice::DoNotRetry)
        }
        ErrorKind::FileTooLarge => ("the file system does not allow a file of this size", Advice::DoNotRetry),
        ErrorKind::InvalidFilename => ("the file system does not allow this name", Advice::DoNotRetry),
        ErrorKind::Unsupported => ("the file system does not support this operation", Advice::DoNotRetry),
        ErrorKind::NotADirectory => (
            "a file is in the place of the folder or of one of its parents; remove it, or name another folder",
            Advice::DoNotRetry,
        ),
        ErrorKind::NotFound => ("it was removed by another process", Advice::RetryLater),
        _ => {
            return (
                format!("a disk operation failed ({}); check the disk, and the case continues by itself", cause(error)),
                Advice::RetryLater,
            );
        }
    };
    (what.to_owned(), advice)
}

/// The error of a symbolic link or another kind of file in the place of a file or folder.
pub(crate) fn foreign(operation: &str, location: &str, expected: &str) -> Error {
    let detail = format!(
        "cannot {operation} {location}: it is not a {expected} but a symbolic link or another kind of file, which is \
         never followed or replaced; remove it"
    );
    Error::new(Kind::Storage, detail)
}

/// The error if the root of the sink is no longer the folder that was opened.
pub(crate) fn replaced(operation: &str, location: &str) -> Error {
    let detail = format!(
        "cannot {operation} {location}: the folder of the sink was removed, replaced or unmounted; put it back, or \
         restart to use the new one"
    );
    Error::new(Kind::Storage, detail).with_advice(Advice::RetryLater)
}

/// The error if the thread that accesses the disk panicked or the runtime shuts down.
pub(crate) fn task_failed() -> Error {
    Error::new(Kind::Storage, "the blocking task for the artifact was canceled or panicked")
        .with_advice(Advice::RetryLater)
}
