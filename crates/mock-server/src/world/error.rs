//! Errors of saving and loading a world.

use std::error::Error;
use std::{fmt, io};

use identkit_wire::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) const FORMAT: u64 = 2;

/// Why a world could not be saved or loaded. It names the position and the expected form. It never contains a value of
/// the world or of a file, nor a key that the format does not define.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedError {
    /// The text is not valid JSON, or is incomplete.
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The JSON is not a saved world: `identkit_world` is missing.
    NotAWorld,
    /// The world has another version of the format.
    Version {
        /// Version of the world.
        found: u64,
    },
    /// A value of the saved world is invalid.
    Damaged {
        /// JSON pointer (RFC 6901) of the value; `*` stands for a key that the format does not define.
        pointer: String,
        /// The expected form.
        message: String,
    },
    /// The world contains something that cannot be saved.
    NotSaved {
        /// Description of what cannot be saved.
        what: String,
    },
    /// The file is larger than the limit.
    TooLarge {
        /// Maximum size in bytes.
        limit: u64,
    },
    /// The file could not be read or written.
    File {
        /// Kind of I/O error.
        kind: io::ErrorKind,
    },
}

impl SavedError {
    /// Creates the error for an invalid value, for [`MockVendor::load`](crate::MockVendor::load). The pointer is
    /// relative to the vendor's state. Pointer and message must not contain a value.
    pub fn damaged(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Damaged { pointer: pointer.into(), message: message.into() }
    }

    /// Creates the error for something that cannot be saved, for [`MockVendor::save`](crate::MockVendor::save).
    pub fn not_saved(what: impl Into<String>) -> Self {
        Self::NotSaved { what: what.into() }
    }

    /// Prefixes the pointer with `outer`.
    pub(crate) fn below(self, outer: &str) -> Self {
        match self {
            Self::Damaged { pointer, message } => Self::Damaged { pointer: format!("{outer}{pointer}"), message },
            other => other,
        }
    }
}

impl From<io::Error> for SavedError {
    fn from(error: io::Error) -> Self {
        // The error itself can contain the path, which can be personal data.
        Self::File { kind: error.kind() }
    }
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => write!(f, "invalid or incomplete JSON at line {line}, column {column}"),
            Self::NotAWorld => f.write_str("not a saved world: identkit_world is missing"),
            Self::Version { found } => {
                write!(f, "the saved world has version {found}; this sandbox reads version {}", FORMAT)
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
    // The text of serde's error can quote a value.
    serde_json::to_value(value).map_err(|_| SavedError::not_saved(format!("{what} has no saved form")))
}

/// Reads a part of a saved world. A struct must be an object, also where serde's derive would take an array.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, SavedError> {
    json::from_value(value).map_err(|fault| {
        // The format does not define Rust's type names.
        let expected = match fault.expected.split(' ').nth(1) {
            Some("enum" | "tuple" | "unit" | "newtype") => "expected another form".to_owned(),
            _ => fault.expected,
        };
        SavedError::damaged(pointer(&fault.path, value), expected)
    })
}

/// Converts a path such as `orders[0].status` to a pointer into this value. Names of enum variants are missing in the
/// path.
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
