//! A response with another body.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use identkit_core::Content;

/// Replaces the body by what `change` makes of it, and returns whether it made anything.
pub(super) fn rewrite(response: &mut Response<Content>, change: impl FnOnce(&Bytes) -> Option<Bytes>) -> bool {
    let Some(body) = response.body().as_bytes().and_then(change) else { return false };
    *response.body_mut() = Content::from_bytes(body);
    response.headers_mut().remove(CONTENT_LENGTH);
    true
}
