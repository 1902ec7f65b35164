//! `getIdentDataPDF`, [T 3.4]: the report as a PDF. Never parsed (AT-76).

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, response};
use identkit_core::{Content, Error, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Received, RetrySafety};

use self::GetIdentDataPdf as This;
use super::{PDF_CAP, READ, order_operation};

order_operation! {
    /// The report, with all images. The account must be enabled for it.
    GetIdentDataPdf, GET "/getIdentDataPDF/{OrderID}", name: "getIdentDataPDF", section: "[T] 3.4",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Stream { cap: PDF_CAP },
    refusals: READ, output: Content, decode: decode, encode: pdf_response
}

fn decode(_: &This, _: &response::Parts, body: Received) -> Result<Decoded<Content>, Error> {
    let content = pdf_content(body)?;
    Ok(content.into())
}

/// The bytes of a PDF, checked by their beginning.
pub(crate) fn pdf_content(body: Received) -> Result<Content, Error> {
    let (head, content) = match body {
        Received::Whole(bytes) => (bytes.clone(), Content::from_bytes(bytes)),
        Received::Stream { head, rest } => (head.clone(), rest.preceded_by(head)),
    };
    if head.starts_with(b"%PDF-") {
        Ok(content)
    } else {
        Err(Error::new(Kind::Protocol, "the answer is no PDF: it does not begin with %PDF-"))
    }
}

/// The sandbox's side of a PDF.
pub(crate) fn pdf_response(content: Content) -> Result<Response<Content>, Error> {
    let mut response = Response::new(content);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    Ok(response)
}
