//! A response as received.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Maximum size of a retained body in bytes.
const CAP: usize = 1024 * 1024;

/// A response as received, retained if the vendor will not return it again. It can contain personal data; never
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    complete: bool,
}

impl RawResponse {
    /// Creates a response from the part of its body that was read. Only the first MiB is retained.
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

    /// Start of the body: at most 1 MiB, or 64 KiB of an error response.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether [`body`](Self::body) is complete.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
