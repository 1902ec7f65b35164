//! The error of this crate.

use std::fmt;

/// Reason why a file could not be created or marked. It contains no part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// `%PDF-` is not in the first 1,024 bytes of the file.
    NotPdf,
    /// The file is a PDF, but cannot be read.
    Unreadable,
    /// The file is encrypted.
    Encrypted,
    /// An earlier signature forbids every change of the PDF file.
    ChangesForbidden,
    /// The form field of the mark does not exist.
    NoSuchField,
    /// No page shows the form field of the mark legibly: it has no widget, no page lists its widget, or the visible part
    /// of its rectangle is too small.
    FieldNotShown,
    /// The form field of the mark is a signature field that is signed.
    FieldSigned,
    /// The page of the mark does not exist.
    NoSuchPage,
    /// The rectangle of the mark is not finite, is too small to read, or is outside the page.
    Placement,
    /// The result would exceed the limits of the format or of this crate.
    TooLarge,
    /// The video, image or certificate could not be encoded.
    Encoding,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPdf => "the file is not a PDF: %PDF- is not in its first 1,024 bytes",
            Self::Unreadable => "the PDF file is damaged and cannot be read",
            Self::Encrypted => "the PDF file is encrypted",
            Self::ChangesForbidden => "a signature of the PDF file forbids changes",
            Self::NoSuchField => "the form field of the mark does not exist in the PDF file",
            Self::FieldNotShown => "no page of the PDF file shows the form field of the mark, or too little of it",
            Self::FieldSigned => "the form field of the mark is already signed",
            Self::NoSuchPage => "the page of the mark does not exist in the PDF file",
            Self::Placement => "the placement of the mark is outside the page or too small",
            Self::TooLarge => "the PDF file would be too large",
            Self::Encoding => "the video, image or certificate cannot be encoded",
        })
    }
}

impl std::error::Error for Error {}
