//! One request and its response on one connection, which the exchange owns and polls.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use ::http::{HeaderMap, Request, Response, StatusCode, response};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use identkit_core::{Content, Delivery, Error, Kind, RawResponse};
use identkit_wire::Meta;

use super::dial::TooManyBytes;
use super::fault::{self, ConnectError, ConnectFault};
use super::outgoing::Outgoing;
use super::pool::{Key, Pool, PooledConnection};
use crate::{AttemptContext, Failure};

/// Maximum size of a response head, in bytes.
pub(super) const HEAD: usize = 64 * 1024;

/// Maximum number of headers of a response.
pub(super) const HEADERS: usize = 200;

/// Maximum size of one read, in bytes. Smaller reads cost more CPU time, larger ones more memory.
pub(super) const BUFFER: usize = 2 * HEAD;

/// Maximum number of bytes received until the head of the final response is complete: interim responses, the head, and
/// what was read with it.
const UNTIL_HEAD: u64 = 4 * HEAD as u64;

/// Sends the request. The error contains the request if it is proved unsent.
pub(super) async fn exchange(
    pool: &Arc<Pool>,
    key: Key,
    mut pooled: Box<PooledConnection>,
    request: Request<Outgoing>,
    context: &AttemptContext,
) -> Result<Response<Content>, (Failure, Option<Request<Outgoing>>)> {
    pooled.meter.limit(UNTIL_HEAD);
    // The vendor does not give the response to such a request a second time.
    let operation = context.operation().filter(|operation| operation.safety.forbids_repeat());
    if operation.is_some() {
        pooled.tee.begin();
    }
    context.mark_sent();
    let sent = {
        let mut response = pin!(pooled.sender.try_send_request(request));
        let connection = &mut pooled.connection;
        let mut open = true;
        poll_fn(|cx| {
            // A connection that has ended must not be polled again. The response then resolves by itself.
            if open && Pin::new(&mut *connection).poll(cx).is_ready() {
                open = false;
            }
            response.as_mut().poll(cx)
        })
        .await
    };
    let received = pooled.tee.end();
    let answer = || operation.and_then(|operation| answer_in(&received, operation));
    match sent {
        Ok(response) => {
            pooled.meter.remove_limit();
            let (head, incoming) = response.into_parts();
            check_framing(&head).map_err(|failure| (Failure { answer: answer(), ..failure }, None))?;
            let len = incoming.size_hint().exact();
            let body = ResponseBody { incoming, pooled: Some(pooled), pool: Arc::clone(pool), key };
            Ok(Response::from_parts(head, Content::new(len, body)))
        }
        Err(mut error) => {
            let unsent = error.take_message();
            let source = error.into_error();
            if let Some(cause) = context.take_body_error() {
                let detail = "a document of the request could not be read during the upload";
                let failure = Failure::new(Delivery::MaybeSent, Kind::Storage, detail).permanent().with_source(cause);
                return Err((failure, None));
            }
            let failure = connection_failure(source, unsent.is_some());
            Err((Failure { answer: answer(), ..failure }, unsent))
        }
    }
}

/// The final response in what was received, although it is not valid HTTP. Its body begins with the status line. `None`
/// without a status line.
fn answer_in(mut received: &[u8], operation: &Meta) -> Option<Box<RawResponse>> {
    loop {
        let after = received.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
        let status = StatusCode::from_bytes(after.get(..3)?).ok()?;
        let end = received.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        match end.filter(|_| status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS) {
            Some(end) => received = received.get(end..)?,
            None => {
                let body = Bytes::copy_from_slice(received);
                let raw = RawResponse::new(status, HeaderMap::new(), body, false)
                    .with_id_names(operation.ids)
                    .with_id_urls(operation.id_urls);
                return Some(Box::new(raw));
            }
        }
    }
}

/// The failure of a connection without a response.
fn connection_failure(source: hyper::Error, unsent: bool) -> Failure {
    let maybe = |kind, detail| Failure::new(Delivery::MaybeSent, kind, detail);
    // With TLS 1.3 the client finishes first: the server's refusal can arrive after the request was sent.
    if fault::find::<rustls::Error>(&source).is_some_and(fault::refuses_client) {
        let refused = ConnectFault::ClientCertificate;
        let delivery = if unsent { Delivery::NotSent } else { Delivery::MaybeSent };
        return Failure::new(delivery, Kind::Unreachable, refused.text())
            .permanent()
            .with_source(ConnectError::new(refused, source));
    }
    if unsent {
        let detail = "the connection was closed before the request was sent";
        return Failure::new(Delivery::NotSent, Kind::Unreachable, detail).with_source(source);
    }
    let failure = if fault::find::<TooManyBytes>(&source).is_some() {
        maybe(Kind::Protocol, "the server sends endless data without a response")
    } else if source.is_parse_version_h2() {
        maybe(Kind::Protocol, "the server speaks HTTP/2, which the client did not ask for")
    } else if source.is_parse() {
        maybe(Kind::Protocol, "the response is not valid HTTP/1.1, or its head is too large")
    } else {
        maybe(Kind::Unreachable, "the connection broke before the response")
    };
    failure.with_source(source)
}

/// Rejects heads after which the end of the body is ambiguous (RFC 9112, section 6.3).
fn check_framing(head: &response::Parts) -> Result<(), Failure> {
    let refuse = |detail| Err(Failure::new(Delivery::MaybeSent, Kind::Protocol, detail));
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return refuse("the server switched protocols, which the client did not ask for");
    }
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(_), _) if head.headers.contains_key(CONTENT_LENGTH) => {
            refuse("the response has both Content-Length and Transfer-Encoding")
        }
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => refuse("the response has a transfer coding other than chunked"),
    }
}

/// A response body. It polls its connection and returns it to the pool at the end.
struct ResponseBody {
    incoming: Incoming,
    pooled: Option<Box<PooledConnection>>,
    pool: Arc<Pool>,
    key: Key,
}

impl ResponseBody {
    /// Polls the connection, and drops it if it has ended.
    fn poll_connection(&mut self, cx: &mut Context<'_>) {
        if self.pooled.as_mut().is_some_and(|pooled| pooled.poll_ended(cx)) {
            self.pooled = None;
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        // The connection is polled only if the bytes that were read with the head do not suffice.
        let mut frame = Pin::new(&mut this.incoming).poll_frame(cx);
        if frame.is_pending() {
            this.poll_connection(cx);
            frame = Pin::new(&mut this.incoming).poll_frame(cx);
        }
        Poll::Ready(match std::task::ready!(frame) {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(source)) => {
                this.pooled = None;
                Some(Err(Error::new(Kind::Unreachable, "the connection broke before the end of the response")
                    .with_source(source)))
            }
            None => {
                // If bytes follow the end of the response, the connection ends.
                this.poll_connection(cx);
                if let Some(pooled) = this.pooled.take() {
                    this.pool.give(this.key.clone(), pooled);
                }
                None
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
