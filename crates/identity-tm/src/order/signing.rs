//! What is to be signed, and where the signature goes.

use identkit_core::{Pii, Secret};
use identkit_wire::encode_base64;
use identkit_wire::json::Blob;

use crate::messages::{SignHash, SignParameters, SignPdf};

/// How large a signature is, in PDF points (1/72 inch); `None` leaves it to the vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Its width.
    pub width: Option<f64>,
    /// Its height.
    pub height: Option<f64>,
}

impl Size {
    /// Both.
    pub const fn new(width: f64, height: f64) -> Self {
        Self { width: Some(width), height: Some(height) }
    }
}

/// Where the signature goes in a PDF (AT-85): one of these, and never a mixture. Positions are in PDF points from the
/// lower left corner of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Placement {
    /// Wherever the vendor puts it.
    #[default]
    Default,
    /// On this page, wherever the vendor puts it there.
    Page(u32),
    /// At this position.
    At {
        /// From the left.
        x: f64,
        /// From below.
        y: f64,
        /// On this page.
        page: Option<u32>,
        /// So large.
        size: Size,
    },
    /// Into the PDF's own signature field of this name.
    Field(Pii<String>),
}

impl Placement {
    /// At this position on this page.
    pub const fn at(page: u32, x: f64, y: f64) -> Self {
        Self::At { x, y, page: Some(page), size: Size { width: None, height: None } }
    }
}

/// Where the signature of a hash goes: it has neither pages nor fields (AT-34).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum HashPlacement {
    /// Wherever the vendor puts it.
    #[default]
    Default,
    /// At this position.
    At {
        /// From the left, in PDF points.
        x: f64,
        /// From below, in PDF points.
        y: f64,
        /// So large.
        size: Size,
    },
}

/// Declares what places the signature of a message: the elements of one placement, without those of any other.
macro_rules! placed {
    ($($message:ident),+) => {$(
        impl $message {
            /// Where the signature goes, in place of whatever was said of it before.
            #[must_use]
            pub fn placed(mut self, placement: Placement) -> Self {
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
    /// Where the signature goes, in place of whatever was said of it before.
    #[must_use]
    pub fn placed(mut self, placement: HashPlacement) -> Self {
        let (position, size) = match placement {
            HashPlacement::Default => (None, Size::default()),
            HashPlacement::At { x, y, size } => (Some((x, y)), size),
        };
        (self.signature_pos_x, self.signature_pos_y) = position.unzip();
        (self.signature_width, self.signature_height) = (size.width, size.height);
        self
    }
}

/// Something to be signed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum ToSign {
    /// A PDF.
    Pdf(SignPdf),
    /// The hash of a prepared PDF.
    Hash(SignHash),
}

impl ToSign {
    /// A PDF under a file name of at most 50 characters, which should be unique in the order (AT-35).
    pub fn pdf(name: impl Into<Pii<String>>, pdf: Blob) -> Self {
        Self::pdf_at(name, pdf, Placement::Default)
    }

    /// A PDF, and where its signature goes.
    pub fn pdf_at(name: impl Into<Pii<String>>, pdf: Blob, placement: Placement) -> Self {
        Self::Pdf(SignPdf::default().filename(name).data(pdf).placed(placement))
    }

    /// The hash of a prepared PDF, as bytes. The signed hash comes back under the name: at most 50 characters, unique
    /// in the order (AT-35).
    pub fn hash(name: impl Into<Pii<String>>, hash: &[u8]) -> Self {
        Self::hash_at(name, hash, HashPlacement::Default)
    }

    /// A hash, and where the signature goes.
    pub fn hash_at(name: impl Into<Pii<String>>, hash: &[u8], placement: HashPlacement) -> Self {
        Self::Hash(SignHash::default().filename(name).hash(Secret::new(encode_base64(hash))).placed(placement))
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
                let pdf = SignPdf::default().placed(first.clone()).placed(second.clone());
                assert_eq!(pdf, SignPdf::default().placed(second.clone()));
                let file = SignParameters::default().placed(first.clone()).placed(second.clone());
                assert_eq!(file, SignParameters::default().placed(second.clone()));
            }
        }
        let hash = HashPlacement::At { x: 1.0, y: 2.0, size: Size::new(4.0, 5.0) };
        let hash = SignHash::default().placed(hash);
        assert_eq!(hash.placed(HashPlacement::Default), SignHash::default());
    }
}
