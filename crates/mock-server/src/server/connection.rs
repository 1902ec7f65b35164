//! One connection: requests and answers as HTTP has them, until an answer is to be written otherwise.

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

/// The most that a request's body may take: the largest documents in Base64, with room.
pub(super) const BODY: usize = 256 * 1024 * 1024;

pub(super) async fn connection<S, F, R>(stream: S, handler: F)
where
    S: Stream,
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = io::Result<Response<Content>>> + Send + 'static,
{
    // An answer that hyper would not write so: it is left here, and the connection is taken from hyper.
    let left: Arc<Mutex<Option<Response<Content>>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let (handler, left) = (handler.clone(), Arc::clone(&left));
        // In a box, so that the connection can be taken apart afterwards.
        Box::pin(async move {
            let response = handler(request).await?;
            if NoAnswer::marks(&response) {
                return Err(io::Error::other("no answer is to be given"));
            }
            if Wire::of(&response).is_some() {
                *lock(&left) = Some(response);
                return Err(io::Error::other("the answer is written otherwise"));
            }
            Ok(response)
        })
    });
    let mut served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // What goes wrong on a connection is its client's to see.
    let ended = std::future::poll_fn(|cx| served.poll_without_shutdown(cx)).await;
    let mut stream = served.into_parts().io.into_inner();
    let response = lock(&left).take();
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

/// The whole body, `None` when it is too large.
pub(super) async fn read(body: Incoming) -> io::Result<Option<Bytes>> {
    // What says that it is too large is not read first.
    if body.size_hint().lower() > BODY as u64 {
        return Ok(None);
    }
    match Limited::new(body, BODY).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        // The client went away in the middle of its request.
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
