//! `getIdentDataPDF`, [T 3.4]: the report as a PDF. Never parsed (AT-76).

use identkit_core::{Content, Error, Kind};
use identkit_wire::{BodyMode, Received, operation};

use super::{PDF_CAP, read};
use crate::{Dialect, OrderId};

operation! {
    /// The report, with all images. The account must be enabled for it.
    pub struct GetIdentDataPdf {
        /// The order.
        "OrderID" => order_id: OrderId as (OrderId::expose, OrderId::received),
    }
    meta: read("getIdentDataPDF", "/getIdentDataPDF/{OrderID}", "[T] 3.4").body_mode(BodyMode::Stream { cap: PDF_CAP }),
    output: Content, dialect: Dialect,
    decode: |_, _, body, _| pdf_content(body).map(Into::into),
    respond: super::respond::pdf,
}

/// The bytes of a PDF, checked by their beginning.
pub(crate) fn pdf_content(body: Received) -> Result<Content, Error> {
    let (head, content) = body.into_content();
    if head.starts_with(b"%PDF-") {
        Ok(content)
    } else {
        Err(Error::new(Kind::Protocol, "the answer is no PDF: it does not begin with %PDF-"))
    }
}
