//! One request and its response on one connection, which the exchange owns and polls.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use ::http::{Request, Response, StatusCode, response};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use identkit_core::{BoxFuture, Content, Delivery, Error, Kind};

use super::dial::TooManyBytes;
use super::ending::{Ending, Wait, forbidden_body, read, reuse};
use super::fault::{self, ConnectError, ConnectFault};
use super::invalid::{ArrivingHead, invalid_answer, read_rest, rest_of_body};
use super::outgoing::Outgoing;
use super::pool::{Key, Pool, PooledConnection};
use super::settle::settle;
use crate::transport::ends_connection;
use crate::{AttemptContext, Failure, Trailers};

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
    mut request: Request<Outgoing>,
    context: &AttemptContext,
) -> Result<Response<Content>, (Failure, Option<Request<Outgoing>>)> {
    pooled.meter.limit(UNTIL_HEAD);
    let ending = Ending::of(context.operation());
    // The response to such a request can be the only sign of what happened.
    let operation = context.operation().filter(|operation| ends_connection(operation));
    let arriving = ArrivingHead::begin(operation, &pooled.tee, context);
    let meter = pooled.meter.clone();
    context.set_settling(move || settle(meter.clone()));
    request.body_mut().begin(&pooled.handover);
    context.mark_sent();
    let mut ended = false;
    let sent = {
        let mut response = pin!(pooled.sender.try_send_request(request));
        let connection = &mut pooled.connection;
        poll_fn(|cx| {
            // A connection that has ended must not be polled again. The response then resolves by itself.
            ended = ended || Pin::new(&mut *connection).poll(cx).is_ready();
            response.as_mut().poll(cx)
        })
        .await
    };
    match sent {
        Ok(response) => {
            pooled.meter.remove_limit();
            let (head, incoming) = response.into_parts();
            if let Err(failure) = check_framing(&head) {
                let answer = invalid_answer(operation, *pooled, context).await;
                return Err((Failure { answer, ..failure }, None));
            }
            arriving.complete();
            if pooled.handover.is_early() {
                context.mark_early();
            }
            let mut body = ResponseBody {
                incoming,
                pooled: Some(pooled),
                pool: Arc::clone(pool),
                key,
                ended,
                unrepeatable: operation.is_some(),
                ending,
                context: context.clone(),
                trailers: Trailers::default(),
                last: Bytes::new(),
                end: End::Open,
            };
            let len = body.open(&head).await;
            let mut head = head;
            head.extensions.insert(body.trailers.clone());
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
            let answer = if unsent.is_none() { invalid_answer(operation, *pooled, context).await } else { None };
            Err((Failure { answer, ..failure }, unsent))
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
    /// Whether the connection has ended, so that it must not be polled again.
    ended: bool,
    /// Whether what was received and cannot be decoded is passed on before the error.
    unrepeatable: bool,
    /// What bytes after the end mean.
    ending: Ending,
    context: AttemptContext,
    trailers: Trailers,
    /// The last piece that was passed on.
    last: Bytes,
    end: End,
}

/// What follows the last piece of a body.
enum End {
    Open,
    /// The error comes after the rest of the body as received: the vendor does not give this response a second time.
    Rest(BoxFuture<'static, Vec<u8>>, Error),
    /// The last piece comes with the bytes after the end. An error follows if there are any, or if one is given.
    After(BoxFuture<'static, Result<Box<PooledConnection>, Bytes>>, Bytes, Option<Error>),
    Error(Error),
    Done,
}

impl ResponseBody {
    fn poll_connection(&mut self, cx: &mut Context<'_>) {
        self.ended = self.ended || self.pooled.as_mut().is_none_or(|pooled| pooled.poll_ended(cx));
    }

    /// Returns the length. `None` if bytes after the end can count as content: a reader that knows the length need not read
    /// to the end.
    async fn open(&mut self, head: &response::Parts) -> Option<u64> {
        let len = self.incoming.size_hint().exact().filter(|_| !self.awaits_close());
        if matches!(self.ending, Ending::Ignored) || !self.incoming.is_end_stream() {
            return len;
        }
        let Some(pooled) = self.pooled.take() else { return len };
        if let Some(wait) = forbidden_body(head) {
            let error = Error::new(Kind::Protocol, "the response declares a body, which its status does not allow");
            self.end = self.after(pooled, wait, Bytes::new(), Some(error));
            return None;
        }
        if self.awaits_close() {
            self.end = self.after(pooled, self.wait(), Bytes::new(), None);
            return None;
        }
        let found = reuse(pooled, self.ended).await;
        let len = len.filter(|_| found.as_ref().err().is_none_or(Bytes::is_empty));
        self.end = End::After(Box::pin(std::future::ready(found)), Bytes::new(), None);
        len
    }

    /// Whether the end of the connection is the end of the response.
    fn awaits_close(&self) -> bool {
        matches!(self.ending, Ending::Kept) && self.context.ends_connection()
    }

    /// How long bytes after the end are awaited.
    fn wait(&self) -> Wait {
        match self.ending {
            // Also after a success with an id: more can follow it, e.g. another id.
            Ending::Kept if self.awaits_close() => Wait::ForClose,
            _ => Wait::No,
        }
    }

    /// The end after the last piece.
    fn after(&self, pooled: Box<PooledConnection>, wait: Wait, last: Bytes, error: Option<Error>) -> End {
        let (ended, context) = (self.ended, self.context.clone());
        let closes = error.is_some() || self.awaits_close();
        let found: BoxFuture<'static, _> = match closes {
            true => Box::pin(async move { Err(read(pooled, wait, Some(context)).await) }),
            false => Box::pin(reuse(pooled, ended)),
        };
        End::After(found, last, error)
    }

    /// Reuses the connection.
    fn give(&self, pooled: Box<PooledConnection>) {
        pooled.tee.end();
        self.pool.give(self.key.clone(), pooled);
    }

    /// Returns what was received and not passed on, then the error.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match std::mem::replace(&mut self.end, End::Done) {
            End::Open | End::Done => Poll::Ready(None),
            End::Rest(mut reading, error) => match reading.as_mut().poll(cx) {
                Poll::Pending => {
                    self.end = End::Rest(reading, error);
                    Poll::Pending
                }
                Poll::Ready(received) => {
                    let rest = rest_of_body(&received, &self.last);
                    if rest.is_empty() {
                        return Poll::Ready(Some(Err(error)));
                    }
                    self.end = End::Error(error);
                    Poll::Ready(Some(Ok(Frame::data(rest))))
                }
            },
            End::After(mut reading, last, error) => match reading.as_mut().poll(cx) {
                Poll::Pending => {
                    self.end = End::After(reading, last, error);
                    Poll::Pending
                }
                Poll::Ready(found) => {
                    let after = found.map(|pooled| self.give(pooled)).err().unwrap_or_default();
                    let (piece, error) = match error.or_else(|| self.ending.error(&after)) {
                        // One piece: a reader that knows the length may stop when it is reached.
                        Some(error) => (Bytes::from([last, after].concat()), Some(error)),
                        None => (last, None),
                    };
                    match error {
                        Some(error) if piece.is_empty() => return Poll::Ready(Some(Err(error))),
                        Some(error) => self.end = End::Error(error),
                        None => {}
                    }
                    Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
                }
            },
            End::Error(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if !matches!(this.end, End::Open) {
            return this.poll_rest(cx);
        }
        // The connection is polled only if the bytes that were read with the head do not suffice.
        let mut frame = Pin::new(&mut this.incoming).poll_frame(cx);
        if frame.is_pending() {
            this.poll_connection(cx);
            frame = Pin::new(&mut this.incoming).poll_frame(cx);
        }
        let last = match std::task::ready!(frame) {
            Some(Ok(frame)) => {
                let data = frame.data_ref().filter(|_| this.unrepeatable);
                this.last = data.cloned().unwrap_or_default();
                if let Some(trailers) = frame.trailers_ref() {
                    this.trailers.set(trailers.clone());
                }
                let is_last = this.incoming.is_end_stream() && !this.awaits_close();
                if matches!(this.ending, Ending::Ignored) || !is_last {
                    return Poll::Ready(Some(Ok(frame)));
                }
                frame.into_data().unwrap_or_default()
            }
            Some(Err(source)) => {
                let error = Error::new(Kind::Unreachable, "the connection broke before the end of the response")
                    .with_source(source);
                let pooled = this.pooled.take().filter(|_| this.unrepeatable);
                this.end = match pooled {
                    Some(pooled) => End::Rest(Box::pin(read_rest(*pooled, this.context.clone())), error),
                    None => End::Error(error),
                };
                return this.poll_rest(cx);
            }
            None if !matches!(this.ending, Ending::Ignored) => Bytes::new(),
            None => {
                // If bytes follow the end of the response, the connection ends.
                this.poll_connection(cx);
                if let Some(pooled) = this.pooled.take().filter(|_| !this.ended) {
                    this.give(pooled);
                }
                return Poll::Ready(None);
            }
        };
        let Some(pooled) = this.pooled.take() else { return Poll::Ready(None) };
        this.end = this.after(pooled, this.wait(), last, None);
        this.poll_rest(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
