//! One connection: hyper serves it until a response must be written in a way that HTTP does not allow.

use std::io;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use identkit_core::{Clock as _, Content};
use identkit_transport::SystemClock;
use identkit_wire::url::check_place;
use tokio::io::AsyncWriteExt as _;

use super::framing::Scanned;
use super::raw;
use super::raw::Stream;
use crate::NoAnswer;
use crate::faults::Wire;
use crate::sync::lock;

/// Limits on a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Maximum size of a body, in bytes.
    pub(super) body: usize,
    /// Maximum time until a body is complete.
    pub(super) time: Duration,
}

/// Message for a body that cannot be read.
pub(super) const BROKEN_BODY: &str = "the body is incomplete, or its framing is invalid (RFC 9112, section 7)";

/// Maximum number of bytes of a body that is too large which are read and not kept.
const MAX_DISCARDED: u64 = 256 * 1024 * 1024;

/// Maximum time for a TLS handshake, for the head of a request, and between two requests of a connection.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// Serves a connection. `refuse` creates the response to a request whose `Host` or framing is invalid.
pub(super) async fn connection<S, F, R>(stream: S, handler: F, refuse: fn(&'static str) -> Response<Content>)
where
    S: Stream,
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = io::Result<Response<Content>>> + Send + 'static,
{
    let (stream, ambiguous) = Scanned::new(stream);
    // A response that hyper cannot write. It is written below, after hyper has returned the connection.
    let raw_response: Arc<Mutex<Option<Response<Content>>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let (handler, raw_response) = (handler.clone(), Arc::clone(&raw_response));
        let defect = defect(&request, ambiguous.load(Ordering::Relaxed));
        let is_coded = request.headers().contains_key(TRANSFER_ENCODING);
        // `poll_without_shutdown` needs a future that is `Unpin`.
        Box::pin(async move {
            let mut response = match defect {
                Some(defect) => refuse(defect),
                None => handler(request).await?,
            };
            if is_coded || defect.is_some() {
                // What follows on this connection is not scanned.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
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
    let mut served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    // The client sees an error of its connection; the sandbox does not report it.
    let ended = std::future::poll_fn(|cx| served.poll_without_shutdown(cx)).await;
    let mut stream = served.into_parts().io.into_inner().stream;
    let response = lock(&raw_response).take();
    let _ = match response {
        Some(response) => raw::write(&mut stream, response).await,
        None if ended.is_ok() => stream.shutdown().await,
        None => Ok(()),
    };
}

/// A response in plain text.
pub(super) fn plain(status: StatusCode, text: impl std::fmt::Display) -> Response<Content> {
    let mut response = Response::new(Content::from_bytes(format!("{text}\n")));
    *response.status_mut() = status;
    response
}

/// Why a request cannot be handled.
fn defect<B>(request: &Request<B>, ambiguous: bool) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    // hyper reads every coding that ends with `chunked`, but decodes only the chunks.
    let is_encoded = codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    match (host, hosts.next()) {
        _ if ambiguous => Some("a request must not have both Content-Length and Transfer-Encoding (RFC 9112, 6.3)"),
        _ if request.version() != Version::HTTP_11 => Some("a request must be HTTP/1.1"),
        _ if is_encoded || codings.next().is_some() => {
            Some("Transfer-Encoding must be chunked; the sandbox supports no other transfer coding (RFC 9112, 6.1)")
        }
        (Some(host), None) if check_place(host).is_ok() => None,
        _ => Some("a request must have one Host header: a name or an address, with a port from 1 to 65535 or none"),
    }
}

/// A body that was read, or the reason why it was not.
pub(super) enum Read {
    Whole(Bytes),
    TooLarge,
}

/// Reads the whole body.
pub(super) async fn read(mut body: Incoming, limits: Limits) -> io::Result<Read> {
    // If the announced length is too large, the body is not kept.
    let announced = body.size_hint().lower();
    let mut fits = announced <= limits.body as u64;
    if announced > MAX_DISCARDED {
        return Ok(Read::TooLarge);
    }
    let clock = SystemClock::new();
    let mut end = pin!(clock.sleep_until(clock.now().plus(limits.time)));
    let mut bytes = BytesMut::new();
    let mut discarded = 0;
    loop {
        let frame = match select(pin!(body.frame()), &mut end).await {
            Either::Left((frame, _)) => frame,
            Either::Right(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        // The client disconnected in the middle of its request.
        let Some(frame) = frame.transpose().map_err(io::Error::other)? else { break };
        let Ok(data) = frame.into_data() else { continue };
        fits &= bytes.len() + data.len() <= limits.body;
        if fits {
            bytes.extend_from_slice(&data);
        } else {
            // The rest is read, so that a client that sends before it reads gets the response.
            bytes = BytesMut::new();
            discarded += data.len() as u64;
            if discarded > MAX_DISCARDED {
                break;
            }
        }
    }
    Ok(if fits { Read::Whole(bytes.freeze()) } else { Read::TooLarge })
}

pub(super) async fn read_first(mut body: Incoming) -> io::Result<()> {
    while let Some(frame) = body.frame().await {
        if frame.map_err(io::Error::other)?.is_data() {
            break;
        }
    }
    Ok(())
}
