//! Responses of the server side that several operations share.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use identkit_core::{Content, Error};
use serde::Serialize;

/// Status 202 without a body.
pub(super) fn accepted((): ()) -> Result<Response<Content>, Error> {
    let mut response = Response::new(Content::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Status 200 without a body.
pub(super) fn empty((): ()) -> Result<Response<Content>, Error> {
    Ok(Response::new(Content::empty()))
}

pub(super) fn json<T: Serialize>(output: T) -> Result<Response<Content>, Error> {
    identkit_wire::json::response(200, &output)
}

/// Status 200 with content of this media type.
pub(super) fn content(content: impl Into<Content>, media_type: HeaderValue) -> Result<Response<Content>, Error> {
    let mut response = Response::new(content.into());
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}

pub(super) fn pdf(output: Content) -> Result<Response<Content>, Error> {
    content(output, HeaderValue::from_static("application/pdf"))
}
