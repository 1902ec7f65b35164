//! Errors of opening a file.

use std::fmt;
use std::fs::TryLockError;
use std::io;

/// Why a log or a lock file cannot be opened. Unless it is [`Io`](Self::Io), the content of the file is unchanged.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The path is not a regular file.
    NotRegular,
    /// The file is open already, in another process or in this one.
    InUse {
        /// Id of the process that has it open, if the file contains it.
        holder: Option<u32>,
    },
    /// The file contains something other than records.
    Foreign {
        /// Line number, from 1.
        line: u64,
    },
    /// A disk operation failed.
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
            Self::InUse { .. } => f.write_str("the file is already open, in this process or another one"),
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
