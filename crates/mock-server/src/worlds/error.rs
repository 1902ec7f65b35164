//! Why a world cannot be made, copied or taken away.

use std::fmt;

/// Why a world cannot be made, copied or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorldError {
    /// No world has this id.
    Unknown,
    /// The world has no snapshot of this name.
    UnknownSnapshot,
    /// The world has as many snapshots as it keeps.
    TooManySnapshots,
    /// Another world has this id.
    Taken,
    /// Not an id: 1 to 64 of `A`-`Z`, `a`-`z`, `0`-`9`, `-`, `_` and `.`, but for `.` and `..`.
    NotAnId,
    /// The default world cannot be taken away; it can be reset.
    Default,
    /// Two worlds would answer to the same credentials.
    SameCredentials,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no world has this id",
            Self::UnknownSnapshot => "the world has no snapshot of this name",
            Self::TooManySnapshots => "a world keeps 100 snapshots; take the name of one that is needed no longer",
            Self::Taken => "another world has this id",
            Self::NotAnId => "an id has 1 to 64 of the characters A-Z, a-z, 0-9, -, _ and ., and is not . or ..",
            Self::Default => "the default world is always there; reset it instead",
            Self::SameCredentials => "another world answers to these credentials",
        })
    }
}

impl std::error::Error for WorldError {}
