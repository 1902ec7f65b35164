//! Reading what was saved, and why a world could not be saved or read back.

use std::error::Error;
use std::{fmt, io};

use identkit_wire::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

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

pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T, what: &str) -> Result<Value, SavedError> {
    // serde's own text may quote a value.
    serde_json::to_value(value).map_err(|_| SavedError::not_saved(format!("{what} has no saved form")))
}

pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, SavedError> {
    // What serde derives for a struct takes an array as well.
    for at in ["", "/faults"] {
        if value.pointer(at).is_some_and(|value| !value.is_object()) {
            return Err(SavedError::damaged(at, "expected an object"));
        }
    }
    T::deserialize(value).map_err(|_| explain::<T>(value))
}

/// Where and why a value cannot be read: from its text, since only the reader of texts tells places and no values.
#[cold]
fn explain<T: DeserializeOwned>(value: &Value) -> SavedError {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let Err(fault) = json::read::<T>(&text) else { return SavedError::damaged("", "another form was expected") };
    // The name of a type in Rust is none of the format's.
    let expected = match fault.expected.split(' ').nth(1) {
        Some("struct") => "expected an object".to_owned(),
        Some("enum" | "tuple" | "unit" | "newtype") => "another form was expected".to_owned(),
        _ => fault.expected,
    };
    SavedError::damaged(pointer(&fault.path, value), expected)
}

/// The pointer of a path into this value, such as `orders[0].status`. The path goes through the name of a variant without
/// telling it.
fn pointer(path: &str, value: &Value) -> String {
    let mut pointer = String::new();
    for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty()) {
        let here = value.pointer(&pointer).and_then(Value::as_object).filter(|_| step != "*");
        if let Some((variant, _)) =
            here.filter(|here| here.len() == 1 && !here.contains_key(step)).and_then(|here| here.iter().next())
        {
            pointer = format!("{pointer}/{variant}");
        }
        pointer = format!("{pointer}/{step}");
    }
    pointer
}
