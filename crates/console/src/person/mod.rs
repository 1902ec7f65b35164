//! The pages of the person: [T] 2.3 and 2.4, M-15.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use identkit_core::{BoxFuture, Content};
use identkit_mock_server::server::AdminApi;

/// Answers a request whose path is that of a page of the person.
pub(crate) fn answer<'a>(
    _admin: &'a AdminApi,
    request: &'a Request<Bytes>,
) -> Option<BoxFuture<'a, Response<Content>>> {
    let path = request.uri().path();
    (path.starts_with("/status/") || path.starts_with("/apply/")).then(|| {
        let page: BoxFuture<'a, _> =
            Box::pin(async { crate::page::html(StatusCode::NOT_FOUND, maud::html! { "unknown link" }) });
        page
    })
}
