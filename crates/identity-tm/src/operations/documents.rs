//! `getIdentDataPDF`, [T 3.4]: the report. `getESignPDF`, [T 3.5]: the signed documents, a PDF if there is one, JSON if
//! there are several. `getESignHash`, [T 3.6]: the signed hashes, by the names of the order.

use http::header::HeaderMap;
use identkit_core::{Content, Error, Kind};
use identkit_wire::json::Blob;
use identkit_wire::{BodyMode, Decoded, Received, Warning};

use super::{PDF_CAP, check_named_order, read, require};
use crate::OrderId;
use crate::messages::{SignedHashes, SignedPdfList};

/// The signed documents of an order.
#[derive(Debug)]
pub enum SignedPdfs {
    /// A single document, as a stream.
    One(Content),
    /// Several documents, presumably in the sequence of the request (AT-35).
    Many(Vec<Blob>),
}

order_calls! {
    /// Reads the report with all images. The account must be enabled for it.
    GetIdentDataPdf: read("getIdentDataPDF", "/getIdentDataPDF/{OrderID}", "[T] 3.4")
        .body_mode(BodyMode::Sniff { cap: PDF_CAP, stream: is_pdf })
        => Content,
    decode: |_, _, body, _| pdf_content(body).map(Into::into),
    respond: super::respond::pdf;

    /// Reads the signed documents. The order needs `eSignPDF` and final status 84.
    GetESignPdf: read("getESignPDF", "/getESignPDF/{OrderID}", "[T] 3.5")
        .body_mode(BodyMode::Sniff { cap: PDF_CAP, stream: is_pdf })
        => SignedPdfs,
    decode: |this, _, body, _| decode_pdfs(&this.order_id, body),
    respond: respond;

    /// Reads the signed hashes. The order needs `eSignHash` and final status 84.
    GetESignHash: read("getESignHash", "/getESignHash/{OrderID}", "[T] 3.6") => SignedHashes,
    decode: |this, _, body, _| {
        let mut answer: Decoded<SignedHashes> = super::decode_of_order(&this.order_id, body, &["Hashes", "*"])?;
        let hashes = require(answer.value.hashes.as_ref().filter(|hashes| !hashes.0.is_empty()), "Hashes")?;
        if hashes.damaged().next().is_some() {
            let detail = "a signed hash is not Base64, or is shorter than any hash or signature";
            return Err(Error::new(Kind::Protocol, detail));
        }
        let message = "a signed hash has a length that no usual hash or signature has: it may be cut off, or not be one";
        answer.warnings.extend(Warning::when(hashes.has_unusual(), message, "AT-96"));
        Ok(answer)
    };
}

/// Returns the body if it starts like a PDF. The PDF is not parsed (AT-76); [`Artifact::Pdf`](identkit_core::Artifact)
/// checks whether it is whole (AT-96).
fn pdf_content(body: Received) -> Result<Content, Error> {
    let (head, content) = body.into_content();
    if is_pdf(&HeaderMap::new(), &head) {
        return Ok(content);
    }
    Err(Error::new(Kind::Protocol, "the response is not a PDF: it has no %PDF- within its first 1,024 bytes"))
}

/// Whether the body is a PDF by its first bytes, regardless of the Content-Type (AT-37).
pub(super) fn is_pdf(_: &HeaderMap, first: &[u8]) -> bool {
    // Bytes before the header are allowed (AT-96), but not a JSON text or a multipart body that contains it.
    let head = first.get(..1024).unwrap_or(first);
    let is_container = matches!(head.trim_ascii_start(), [b'{' | b'[', ..] | [b'-', b'-', ..]);
    !is_container && head.windows(5).any(|window| window == b"%PDF-")
}

fn decode_pdfs(order_id: &OrderId, body: Received) -> Result<Decoded<SignedPdfs>, Error> {
    match body {
        Received::Whole(bytes) if !is_pdf(&HeaderMap::new(), &bytes) => {
            let Decoded { value: list, warnings, .. } =
                super::decode_of_order::<SignedPdfList>(order_id, Received::Whole(bytes), &["PDFs"])?;
            require(list.pdfs.as_ref().filter(|listed| !listed.is_empty()), "PDFs")?;
            let listed = list.pdfs.unwrap_or_default();
            listed.iter().try_for_each(|pdf| check_named_order(order_id, &pdf.extra))?;
            // Skipping an empty entry would shift the others, and only the position identifies a document (AT-35).
            let pdfs: Option<Vec<Blob>> = listed.into_iter().map(|pdf| pdf.base64_data).collect();
            let pdfs = pdfs.ok_or_else(|| {
                Error::new(Kind::Protocol, "one of the signed documents in the response has no content")
            })?;
            Ok(Decoded::new(SignedPdfs::Many(pdfs), warnings))
        }
        pdf => Ok(SignedPdfs::One(pdf_content(pdf)?).into()),
    }
}

#[cfg(feature = "server")]
fn respond(output: SignedPdfs) -> Result<http::Response<Content>, Error> {
    match output {
        SignedPdfs::One(content) => super::respond::pdf(content),
        SignedPdfs::Many(blobs) => {
            let texts = blobs.iter().map(|blob| blob.to_bytes().map(|bytes| identkit_wire::encode_base64(&bytes)));
            let texts = texts.collect::<Result<Vec<_>, _>>()?;
            let pdfs = texts
                .into_iter()
                .map(|text| crate::messages::SignedPdf::default().base64_data(Blob::Text(text.into())));
            super::respond::json(SignedPdfList::default().pdfs(pdfs.collect::<Vec<_>>()))
        }
    }
}
