//! Documents and hashes to sign, and the position of the signature.

use identkit_core::{Pii, Secret};
use identkit_wire::encode_base64;
use identkit_wire::json::Blob;

use crate::messages::{SignHash, SignParameters, SignPdf};

/// Size of a signature in PDF points (1/72 inch). If a value is `None`, the vendor chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Width.
    pub width: Option<f64>,
    /// Height.
    pub height: Option<f64>,
}

impl Size {
    /// Creates a size with both values.
    pub const fn new(width: f64, height: f64) -> Self {
        Self { width: Some(width), height: Some(height) }
    }
}

/// Position of the signature in a PDF (AT-85), in PDF points from the lower left corner of the page.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Placement {
    /// The vendor chooses the position.
    #[default]
    Default,
    /// On this page; the vendor chooses the position.
    Page(u32),
    /// At this position.
    At {
        /// Distance from the left.
        x: f64,
        /// Distance from the bottom.
        y: f64,
        /// Page; if `None`, the vendor chooses it.
        page: Option<u32>,
        /// Size of the signature.
        size: Size,
    },
    /// In the PDF's signature field of this name.
    Field(Pii<String>),
}

impl Placement {
    /// Creates a position on a page; the vendor chooses the size.
    pub const fn at(page: u32, x: f64, y: f64) -> Self {
        Self::At { x, y, page: Some(page), size: Size { width: None, height: None } }
    }
}

/// Position of the signature of a hash. A hash has neither pages nor fields (AT-34).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum HashPlacement {
    /// The vendor chooses the position.
    #[default]
    Default,
    /// At this position.
    At {
        /// Distance from the left, in PDF points.
        x: f64,
        /// Distance from the bottom, in PDF points.
        y: f64,
        /// Size of the signature.
        size: Size,
    },
}

/// Declares the setter of a message that sets the elements of one placement and clears the others.
macro_rules! placed {
    ($($message:ident),+) => {$(
        impl $message {
            /// Sets the position of the signature. Replaces any earlier position.
            #[must_use]
            pub fn placement(mut self, placement: Placement) -> Self {
                let (position, size, page, field) = match placement {
                    Placement::Default => (None, Size::default(), None, None),
                    Placement::Page(page) => (None, Size::default(), Some(page), None),
                    Placement::At { x, y, page, size } => (Some((x, y)), size, page, None),
                    Placement::Field(name) => (None, Size::default(), None, Some(name)),
                };
                (self.signature_pos_x, self.signature_pos_y) = position.unzip();
                (self.signature_width, self.signature_height) = (size.width, size.height);
                (self.signature_page, self.signature_field_name) = (page, field);
                self
            }
        }
    )+};
}

placed!(SignPdf, SignParameters);

impl SignHash {
    /// Sets the position of the signature. Replaces any earlier position.
    #[must_use]
    pub fn placement(mut self, placement: HashPlacement) -> Self {
        let (position, size) = match placement {
            HashPlacement::Default => (None, Size::default()),
            HashPlacement::At { x, y, size } => (Some((x, y)), size),
        };
        (self.signature_pos_x, self.signature_pos_y) = position.unzip();
        (self.signature_width, self.signature_height) = (size.width, size.height);
        self
    }
}

/// A document to sign.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum ToSign {
    /// A PDF.
    Pdf(SignPdf),
    /// The hash of a prepared PDF.
    Hash(SignHash),
}

impl ToSign {
    /// Creates a PDF to sign. The file name has at most 50 characters and should be unique in the order (AT-35).
    pub fn pdf(name: impl Into<Pii<String>>, pdf: Blob) -> Self {
        Self::pdf_at(name, pdf, Placement::Default)
    }

    /// Creates a PDF to sign with the position of the signature.
    pub fn pdf_at(name: impl Into<Pii<String>>, pdf: Blob, placement: Placement) -> Self {
        Self::Pdf(SignPdf::default().filename(name).data(pdf).placement(placement))
    }

    /// Creates a hash to sign, from the bytes of the hash of a prepared PDF. The vendor returns the signed hash under
    /// this name: at most 50 characters, unique in the order (AT-35).
    pub fn hash(name: impl Into<Pii<String>>, hash: &[u8]) -> Self {
        Self::hash_at(name, hash, HashPlacement::Default)
    }

    /// Creates a hash to sign with the position of the signature.
    pub fn hash_at(name: impl Into<Pii<String>>, hash: &[u8], placement: HashPlacement) -> Self {
        Self::Hash(SignHash::default().filename(name).hash(Secret::new(encode_base64(hash))).placement(placement))
    }
}

impl From<SignPdf> for ToSign {
    fn from(pdf: SignPdf) -> Self {
        Self::Pdf(pdf)
    }
}

impl From<SignHash> for ToSign {
    fn from(hash: SignHash) -> Self {
        Self::Hash(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_85_a_placement_replaces_every_other_one() {
        let at = Placement::At { x: 1.0, y: 2.0, page: Some(3), size: Size::new(4.0, 5.0) };
        let all = [Placement::Default, Placement::Page(2), at, Placement::Field("field".into())];
        for first in &all {
            for second in &all {
                let pdf = SignPdf::default().placement(first.clone()).placement(second.clone());
                assert_eq!(pdf, SignPdf::default().placement(second.clone()));
                let file = SignParameters::default().placement(first.clone()).placement(second.clone());
                assert_eq!(file, SignParameters::default().placement(second.clone()));
            }
        }
        let hash = HashPlacement::At { x: 1.0, y: 2.0, size: Size::new(4.0, 5.0) };
        let hash = SignHash::default().placement(hash);
        assert_eq!(hash.placement(HashPlacement::Default), SignHash::default());
    }
}
