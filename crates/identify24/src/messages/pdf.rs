//! `pdf_content`: text as it stands in a JSON, or a PDF that is encoded while it is sent (AI-19).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use identkit_core::{Error, Pii};
use identkit_wire::json::Blob;
use identkit_wire::{MemorySource, Source, encode_base64};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::PdfEncoding;

/// The PDF to be signed.
#[non_exhaustive]
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub enum PdfContent {
    /// The value as somebody else encoded it; passed on as it is.
    Text(Pii<String>),
    /// A PDF that becomes Base64 only while it is sent, in the dialect's [`PdfEncoding`].
    Pdf(Arc<dyn Source>),
}

impl PdfContent {
    /// A PDF in memory, shared and not copied.
    pub fn from_bytes(pdf: impl Into<Bytes>) -> Self {
        Self::Pdf(Arc::new(MemorySource(pdf.into())))
    }

    /// The PDF, read into memory: any of the three [`PdfEncoding`]s is understood.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) when the text is no Base64,
    /// [`Kind::Storage`](identkit_core::Kind::Storage) when the source cannot be read.
    pub fn to_bytes(&self) -> Result<Bytes, Error> {
        match self {
            Self::Text(text) => {
                let text = text.expose();
                let base64 = match text.split_once(',') {
                    Some((before, after)) if before.starts_with("data:") => after,
                    _ => text,
                };
                Blob::Text(base64.into()).to_bytes()
            }
            Self::Pdf(source) => Blob::Source(Arc::clone(source)).to_bytes(),
        }
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

/// Texts are equal as texts or by the PDF in them; a source that cannot be read equals nothing.
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

/// Outside a call, where no dialect says otherwise, a PDF is written as the document's sample has it.
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
    fn ai_19_all_three_forms_are_understood() {
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
