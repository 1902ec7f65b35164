//! Webhooks as the receiver reads them.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Uri};
use identkit_wire::{Callback, CallbackPath};

/// Reads path and query from the first line, and the body from the rest.
pub(crate) fn run(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, body) = (input.get(..end).unwrap_or_default(), input.get(end + 1..).unwrap_or_default());
    let Ok(uri) = Uri::try_from(line) else { return };
    let _ = CallbackPath::parse(uri.path());
    let own: Arc<dyn Callback> = Arc::new(identkit_identify24::IdentStatusCallback);
    for callback in identkit_identity_tm::callbacks().into_iter().chain([own]) {
        for method in [Method::GET, Method::POST] {
            let mut request = Request::new(Bytes::copy_from_slice(body));
            (*request.method_mut(), *request.uri_mut()) = (method, uri.clone());
            let (head, body) = request.into_parts();
            if callback.recognize(&head)
                && let Ok(event) = callback.parse(&Request::from_parts(head, body))
            {
                let printed = format!("{event:?}");
                assert!(!event.key.is_empty(), "{printed} has no key");
            }
        }
    }
}
