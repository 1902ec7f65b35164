//! A response as it was received.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Maximum size of a retained body in bytes.
const CAP: usize = 1024 * 1024;

/// A response as it was received, retained because the vendor will not give it a second time. It can hold personal data
/// and is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    complete: bool,
}

impl RawResponse {
    /// A response with the part of its body that was read. Only the first MiB is retained.
    pub fn new(status: StatusCode, headers: HeaderMap, mut body: Bytes, complete: bool) -> Self {
        let complete = complete && body.len() <= CAP;
        body.truncate(CAP);
        Self { status, headers, body, complete }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The beginning of the body, at most 1 MiB; of a refusal at most 64 KiB.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether [`body`](Self::body) is the whole body.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
