//! Why a world could not be saved or read back.

use std::error::Error;
use std::fmt;
use std::io;

/// The version of the format that is written and read.
pub(super) const FORMAT: u64 = 2;

/// Why a world could not be saved or read back. It says where, and what would be right; it holds no value of the world
/// or of a file, and no key that the format does not name.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedError {
    /// The text is no JSON, perhaps because it was cut off.
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is JSON, but nothing that [`World::to_json`](crate::World::to_json) writes: `identkit_world` is missing.
    NotAWorld,
    /// A world of another version of the format.
    Version {
        /// That version.
        found: u64,
    },
    /// A value of a saved world is not as it was written.
    Damaged {
        /// Where, as a JSON pointer (RFC 6901); `*` stands for a key that the format does not name.
        pointer: String,
        /// What would be right.
        message: String,
    },
    /// The world holds something that cannot be saved, so that nothing of it is.
    NotSaved {
        /// What it is.
        what: String,
    },
    /// The file is larger than was allowed.
    TooLarge {
        /// So many bytes were.
        limit: u64,
    },
    /// The file could not be read or written.
    File {
        /// What the system says.
        kind: io::ErrorKind,
    },
}

impl SavedError {
    /// A damaged value, for [`MockVendor::load`](crate::MockVendor::load): the pointer is seen from the vendor's share.
    /// Neither may hold a value.
    pub fn damaged(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Damaged { pointer: pointer.into(), message: message.into() }
    }

    /// Something that cannot be saved, for [`MockVendor::save`](crate::MockVendor::save).
    pub fn not_saved(what: impl Into<String>) -> Self {
        Self::NotSaved { what: what.into() }
    }

    /// The same, seen from further out.
    pub(crate) fn below(self, outer: &str) -> Self {
        match self {
            Self::Damaged { pointer, message } => Self::Damaged { pointer: format!("{outer}{pointer}"), message },
            other => other,
        }
    }
}

impl From<io::Error> for SavedError {
    fn from(error: io::Error) -> Self {
        // The error itself may name the path, which may be a person's.
        Self::File { kind: error.kind() }
    }
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => write!(f, "no JSON, or cut off, at line {line}, column {column}"),
            Self::NotAWorld => f.write_str("not a saved world: it has no identkit_world"),
            Self::Version { found } => {
                write!(f, "a saved world of version {found}; this sandbox reads version {}", FORMAT)
            }
            Self::Damaged { pointer, message } if pointer.is_empty() => write!(f, "the saved world: {message}"),
            Self::Damaged { pointer, message } => write!(f, "the saved world at {pointer}: {message}"),
            Self::NotSaved { what } => write!(f, "the world cannot be saved: {what}"),
            Self::TooLarge { limit } => write!(f, "the file is larger than {limit} bytes"),
            Self::File { kind } => write!(f, "the file cannot be read or written: {kind}"),
        }
    }
}

impl Error for SavedError {}
