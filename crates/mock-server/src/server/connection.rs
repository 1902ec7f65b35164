//! One connection: hyper serves it until a response must be written in a way that HTTP does not allow.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identkit_core::Content;
use tokio::io::AsyncWriteExt as _;

use super::raw;
use super::raw::Stream;
use crate::NoAnswer;
use crate::faults::Wire;
use crate::sync::lock;

/// Maximum size of a request body, in bytes: the largest documents in Base64, and some more.
pub(super) const BODY: usize = 256 * 1024 * 1024;

pub(super) async fn connection<S, F, R>(stream: S, handler: F)
where
    S: Stream,
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = io::Result<Response<Content>>> + Send + 'static,
{
    // A response that hyper cannot write. It is written below, after hyper has returned the connection.
    let raw_response: Arc<Mutex<Option<Response<Content>>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let (handler, raw_response) = (handler.clone(), Arc::clone(&raw_response));
        // `poll_without_shutdown` needs a future that is `Unpin`.
        Box::pin(async move {
            let response = handler(request).await?;
            if NoAnswer::marks(&response) {
                return Err(io::Error::other("the response is withheld"));
            }
            if Wire::of(&response).is_some() {
                *lock(&raw_response) = Some(response);
                return Err(io::Error::other("the response is written without hyper"));
            }
            Ok(response)
        })
    });
    let mut served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // The client sees an error of its connection; the sandbox does not report it.
    let ended = std::future::poll_fn(|cx| served.poll_without_shutdown(cx)).await;
    let mut stream = served.into_parts().io.into_inner();
    let response = lock(&raw_response).take();
    let _ = match response {
        Some(response) => raw::write(&mut stream, response).await,
        None if ended.is_ok() => stream.shutdown().await,
        None => Ok(()),
    };
}

pub(super) fn too_large() -> Response<Content> {
    let mut response = Response::new(Content::from_bytes("the request is too large\n"));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// Reads the whole body. `None` if it is too large.
pub(super) async fn read(body: Incoming) -> io::Result<Option<Bytes>> {
    // If the announced length is too large, the body is not read.
    if body.size_hint().lower() > BODY as u64 {
        return Ok(None);
    }
    match Limited::new(body, BODY).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        // The client disconnected in the middle of its request.
        Err(error) => Err(io::Error::other(error)),
    }
}

pub(super) async fn read_first(mut body: Incoming) -> io::Result<()> {
    while let Some(frame) = body.frame().await {
        if frame.map_err(io::Error::other)?.is_data() {
            break;
        }
    }
    Ok(())
}
