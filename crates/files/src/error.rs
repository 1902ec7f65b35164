//! Why a file cannot be opened.

use std::fmt;
use std::fs::TryLockError;
use std::io;

/// Why a log or a lock cannot be opened. The file is left as it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Something other than a regular file has this name.
    NotRegular,
    /// Another process has the file open.
    InUse {
        /// Its process id, if the file names it.
        holder: Option<u32>,
    },
    /// The file holds something other than records.
    Foreign {
        /// Number of the line, from 1.
        line: u64,
    },
    /// The disk refused an operation.
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TryLockError> for OpenError {
    fn from(error: TryLockError) -> Self {
        match error {
            TryLockError::WouldBlock => Self::InUse { holder: None },
            TryLockError::Error(error) => Self::Io(error),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str("not a regular file"),
            Self::InUse { .. } => f.write_str("the file is open in another process"),
            Self::Foreign { line } => write!(f, "line {line} is not a record"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
