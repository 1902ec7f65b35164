//! What can go wrong with a file.

use std::fmt;

/// Why a file could not be made or marked.
///
/// The variants carry no data, so that no message can repeat a part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not begin with `%PDF-`.
    NotPdf,
    /// The bytes begin like a PDF file, but the rest of it cannot be read.
    Unreadable,
    /// The file is encrypted; only unprotected files can be marked.
    Encrypted,
    /// The page that the mark should go on does not exist.
    NoSuchPage,
    /// The place of the mark is not a number, too small to read, or off the page.
    Placement,
    /// The result would be larger than the format or the sandbox allows.
    TooLarge,
    /// The video or image could not be encoded.
    Unmade,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPdf => "not a PDF file: it does not begin with %PDF-",
            Self::Unreadable => "the PDF file is damaged and cannot be read",
            Self::Encrypted => "the PDF file is encrypted",
            Self::NoSuchPage => "the PDF file has no such page",
            Self::Placement => "the mark does not fit at the place asked for",
            Self::TooLarge => "the PDF file would be too large",
            Self::Unmade => "the video or image cannot be made",
        })
    }
}

impl std::error::Error for Error {}
