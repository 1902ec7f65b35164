//! The error of this crate.

use std::fmt;

/// Reason why a file could not be created or marked. It contains no part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin with `%PDF-`.
    NotPdf,
    /// The file begins with `%PDF-`, but cannot be read.
    Unreadable,
    /// The file is encrypted.
    Encrypted,
    /// The page of the mark does not exist.
    NoSuchPage,
    /// The rectangle of the mark is not finite, is too small to read, or is outside the page.
    Placement,
    /// The result would exceed the limits of the format or of this crate.
    TooLarge,
    /// The video or image could not be encoded.
    Encoding,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPdf => "the file is not a PDF: it does not begin with %PDF-",
            Self::Unreadable => "the PDF file is damaged and cannot be read",
            Self::Encrypted => "the PDF file is encrypted",
            Self::NoSuchPage => "the page of the mark does not exist in the PDF file",
            Self::Placement => "the placement of the mark is outside the page or too small",
            Self::TooLarge => "the PDF file would be too large",
            Self::Encoding => "the video or image cannot be encoded",
        })
    }
}

impl std::error::Error for Error {}
