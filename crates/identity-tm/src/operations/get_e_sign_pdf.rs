//! `getESignPDF`, [T 3.5]: the signed document, a PDF when it is one and JSON when they are several.

use http::header::HeaderMap;
use http::{Response, response};
use identkit_core::{Content, Error, Kind};
use identkit_wire::json::Blob;
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Received, RetrySafety, json};

use super::get_ident_data_pdf::{pdf_content, pdf_response};
use super::{PDF_CAP, READ, order_operation, read_json};
use crate::messages::{SignedPdf, SignedPdfList};

/// The signed documents of an order.
#[derive(Debug)]
pub enum SignedPdfs {
    /// The only one, as a stream.
    One(Content),
    /// Several, in the order of the request (assumed, AT-35).
    Many(Vec<Blob>),
}

order_operation! {
    /// The signed documents. The order needs `eSignPDF` and final status 84.
    GetESignPdf, GET "/getESignPDF/{OrderID}", name: "getESignPDF", section: "[T] 3.5",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200],
    reply: BodyMode::Sniff { cap: PDF_CAP, stream: is_pdf },
    refusals: READ, output: SignedPdfs, decode: decode, encode: encode
}

/// By the first bytes, whatever the Content-Type says (AT-37).
fn is_pdf(_: &HeaderMap, first: &[u8]) -> bool {
    first.starts_with(b"%PDF-")
}

fn decode(_: &GetESignPdf, head: &response::Parts, body: Received) -> Result<Decoded<SignedPdfs>, Error> {
    match body {
        Received::Whole(bytes) if !bytes.starts_with(b"%PDF-") => {
            let list: SignedPdfList = read_json(head, Received::Whole(bytes))?;
            let listed = list.pdfs.unwrap_or_default();
            if listed.is_empty() {
                return Err(Error::new(Kind::Protocol, "the answer holds no signed document"));
            }
            // Left out, an empty entry would shift all that follow, and they are told apart by position only (AT-35).
            let pdfs: Option<Vec<Blob>> = listed.into_iter().map(|pdf| pdf.base64_data).collect();
            let pdfs = pdfs.ok_or_else(|| {
                Error::new(Kind::Protocol, "one of the signed documents of the answer has no content")
            })?;
            Ok(SignedPdfs::Many(pdfs).into())
        }
        pdf => Ok(SignedPdfs::One(pdf_content(pdf)?).into()),
    }
}

fn encode(output: SignedPdfs) -> Result<Response<Content>, Error> {
    match output {
        SignedPdfs::One(content) => pdf_response(content),
        SignedPdfs::Many(blobs) => {
            let texts = blobs.iter().map(|blob| blob.to_bytes().map(|bytes| identkit_wire::encode_base64(&bytes)));
            let texts = texts.collect::<Result<Vec<_>, _>>()?;
            let pdfs = texts.into_iter().map(|text| SignedPdf::default().base64_data(Blob::Text(text.into())));
            json::response(200, &SignedPdfList::default().pdfs(pdfs.collect::<Vec<_>>()))
        }
    }
}
