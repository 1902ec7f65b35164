//! `pdf_content`: encoded text, or a PDF that is encoded while it is sent (AI-19).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use identkit_core::{Error, Pii};
use identkit_wire::json::Blob;
use identkit_wire::{MemorySource, Source, encode_base64};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::PdfEncoding;

/// PDF to sign.
#[non_exhaustive]
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub enum PdfContent {
    /// An already encoded value, sent unchanged.
    Text(Pii<String>),
    /// A PDF, encoded in the dialect's [`PdfEncoding`] while it is sent.
    Pdf(Arc<dyn Source>),
}

impl PdfContent {
    /// Creates the content from a PDF in memory, without a copy.
    pub fn from_bytes(pdf: impl Into<Bytes>) -> Self {
        Self::Pdf(Arc::new(MemorySource(pdf.into())))
    }

    /// Reads the PDF into memory. Decodes each of the three [`PdfEncoding`]s.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if the text is not valid Base64;
    /// [`Kind::Storage`](identkit_core::Kind::Storage) if the source cannot be read.
    pub fn to_bytes(&self) -> Result<Bytes, Error> {
        match self {
            Self::Text(text) => Blob::Text(base64(text.expose()).into()).to_bytes(),
            Self::Pdf(source) => Blob::Source(Arc::clone(source)).to_bytes(),
        }
    }

    /// Whether a text has the URL-safe alphabet of Base64 (RFC 4648, section 5). Such an ident is rejected: the text would be
    /// sent unchanged, and the document says Base64 (AI-19).
    pub fn is_url_safe(&self) -> bool {
        matches!(self, Self::Text(text) if base64(text.expose()).contains(['-', '_']))
    }
}

/// The part of an encoded value after a data URI's prefix. Blanks around the value are not sent.
fn base64(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(',') {
        Some((before, after)) if before.starts_with("data:") => after,
        _ => text,
    }
}

impl From<Arc<dyn Source>> for PdfContent {
    fn from(source: Arc<dyn Source>) -> Self {
        Self::Pdf(source)
    }
}

impl fmt::Debug for PdfContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "PdfContent({} bytes of text)", text.expose().len()),
            Self::Pdf(source) => write!(f, "PdfContent({} bytes)", source.len()),
        }
    }
}

/// Compares the texts, then the decoded PDFs. A source that cannot be read equals no other value.
impl PartialEq for PdfContent {
    fn eq(&self, other: &Self) -> bool {
        if let (Self::Text(one), Self::Text(two)) = (self, other)
            && one == two
        {
            return true;
        }
        matches!((self.to_bytes(), other.to_bytes()), (Ok(one), Ok(two)) if one == two)
    }
}

/// Without a dialect, a PDF is written as in the document's sample ([`PdfEncoding::SampleDataUri`]).
impl Serialize for PdfContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text.expose()),
            Self::Pdf(_) => {
                let pdf = self.to_bytes().map_err(|_| S::Error::custom("the PDF cannot be read"))?;
                let prefix = PdfEncoding::SampleDataUri.prefix();
                serializer.serialize_str(&format!("{prefix}{}", encode_base64(&pdf)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ai_19_all_three_encodings_are_decoded() {
        let pdf = PdfContent::from_bytes("%PDF-1.7 x");
        for text in [
            "JVBERi0xLjcgeA==",
            "data:@file/pdf;base64,JVBERi0xLjcgeA==",
            "data:application/pdf;base64,JVBERi0xLjcgeA==",
        ] {
            let content = PdfContent::from(text);
            assert_eq!(content.to_bytes().unwrap(), "%PDF-1.7 x");
            assert_eq!(content, pdf);
            assert!(!format!("{content:?}").contains("JVBER"));
        }
        assert!(PdfContent::from("data:@file/pdf;base64,xxxxxxxxxxxxxxxxx").to_bytes().is_err());
    }
}
