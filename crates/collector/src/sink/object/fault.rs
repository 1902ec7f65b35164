//! Errors of an object store: the operation, the location relative to the sink, and what to do.

use std::error::Error as StdError;
use std::io;

use identkit_core::{Advice, Error, Kind};
use object_store::Error as StoreError;

/// The error of a failed operation. It has no source: errors of object stores quote URLs and responses, which can contain
/// parts of credentials.
pub(crate) fn storage(operation: &str, location: &str, error: &StoreError) -> Error {
    let (what, advice) = explain(error);
    Error::new(Kind::Storage, format!("cannot {operation} {location}: {what}")).with_advice(advice)
}

/// The error of an object that another process has removed.
pub(crate) fn vanished(operation: &str, location: &str) -> Error {
    let detail = format!("cannot {operation} {location}: it was removed by another process");
    Error::new(Kind::Storage, detail).with_advice(Advice::RetryLater)
}

/// What failed and what to do, and whether another attempt can succeed.
fn explain(error: &StoreError) -> (String, Advice) {
    let lasting = |what: &str| (what.to_owned(), Advice::DoNotRetry);
    match error {
        StoreError::NotFound { .. } => lasting("the object store says not found; check the name of the bucket"),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => lasting(
            "the object store denied the access; check the credentials, and that they allow to put, get, list and delete \
             objects and to abort multipart uploads",
        ),
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => lasting(
            "the object store does not support the operation; it must support conditional creation (If-None-Match) and \
             multipart uploads",
        ),
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => {
            lasting("the object store rejects the name; check the prefix and the configuration")
        }
        error => {
            let cause = io_kind(error).map(|kind| format!(" ({kind})")).unwrap_or_default();
            let what = format!(
                "the object store failed or could not be reached{cause}; check the store and the network, and the case \
                 continues by itself"
            );
            (what, Advice::RetryLater)
        }
    }
}

/// Kind of the first error of the system in a chain of errors.
fn io_kind(error: &StoreError) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}
