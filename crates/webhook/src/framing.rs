//! Finds requests that two servers in a row could read differently.

use http::Version;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};

/// Whether a request has one `Host` and an unambiguous end (RFC 9112, sections 3.2 and 6.3).
///
/// hyper accepts a request with `Content-Length` and `Transfer-Encoding`, and drops the length. Behind hyper, this function
/// therefore detects everything but that.
pub(crate) fn is_sound<'a>(version: Version, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> bool {
    let (mut hosts, mut lengths, mut codings, mut chunked) = (0, 0, 0, 0);
    for (name, value) in headers {
        let is = |other: http::HeaderName| name.eq_ignore_ascii_case(other.as_str());
        hosts += usize::from(is(HOST));
        lengths += usize::from(is(CONTENT_LENGTH));
        codings += usize::from(is(TRANSFER_ENCODING));
        chunked += usize::from(is(TRANSFER_ENCODING) && value.trim_ascii().eq_ignore_ascii_case(b"chunked"));
    }
    // HTTP/1.0 does not require a Host, and HTTP/2 replaces it.
    let has_host = hosts == 1 || (hosts == 0 && version != Version::HTTP_11);
    let has_end = codings == 0 || (codings == 1 && chunked == 1 && lengths == 0);
    has_host && has_end
}
