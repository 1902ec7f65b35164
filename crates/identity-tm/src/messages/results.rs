//! Signed documents [T 3.5.3] and error bodies.

use identkit_wire::json::Blob;
use identkit_wire::message;

message! {
    /// Several signed PDFs; a single one comes as the PDF itself.
    pub struct SignedPdfList {
        /// In the order of the request, as is assumed (AT-35).
        "PDFs" => pdfs: Vec<SignedPdf>,
    }
}

message! {
    /// One of several signed PDFs.
    pub struct SignedPdf {
        /// The PDF, Base64.
        "Base64Data" => base64_data: Blob,
    }
}

message! {
    /// What the sandbox writes when it refuses: the document says no more than "error description in body" (AT-53).
    pub struct ErrorAnswer {
        /// What is wrong, for people.
        "Error" => error: String,
    }
}
