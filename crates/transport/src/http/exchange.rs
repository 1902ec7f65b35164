//! One request and its answer on one connection, which the exchange owns and polls.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use ::http::{Request, Response, StatusCode, response};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use identkit_core::{Content, Delivery, Error, Kind};

use super::dial::TooMuch;
use super::fault::{self, ConnectError, ConnectFault};
use super::outgoing::Outgoing;
use super::pool::{Key, Line, Pool};
use crate::{AttemptContext, Failure};

/// The most that the head of an answer may take, in bytes.
pub(super) const HEAD: usize = 64 * 1024;

/// The most that is read at once, in bytes. A download in smaller pieces costs more, in larger ones more memory.
pub(super) const BUFFER: usize = 2 * HEAD;

/// The most that may come until the head of the final answer is complete, in bytes: interim answers, the head, and
/// what was read with it.
const UNTIL_HEAD: u64 = 4 * HEAD as u64;

/// Sends the request; gives it back when it was provably not sent.
pub(super) async fn exchange(
    pool: &Arc<Pool>,
    key: Key,
    mut line: Box<Line>,
    request: Request<Outgoing>,
    context: &AttemptContext,
) -> Result<Response<Content>, (Failure, Option<Request<Outgoing>>)> {
    line.meter.allow(UNTIL_HEAD);
    context.mark_sent();
    let sent = {
        let mut answer = pin!(line.sender.try_send_request(request));
        let connection = &mut line.connection;
        let mut open = true;
        poll_fn(|cx| {
            // A connection that has ended must not be polled again; the answer then resolves by itself.
            if open && Pin::new(&mut *connection).poll(cx).is_ready() {
                open = false;
            }
            answer.as_mut().poll(cx)
        })
        .await
    };
    match sent {
        Ok(response) => {
            line.meter.open();
            let (head, incoming) = response.into_parts();
            framed(&head).map_err(|failure| (failure, None))?;
            let len = incoming.size_hint().exact();
            let body = Answer { incoming, line: Some(line), pool: Arc::clone(pool), key };
            Ok(Response::from_parts(head, Content::new(len, body)))
        }
        Err(mut error) => {
            let unsent = error.take_message();
            let source = error.into_error();
            if let Some(cause) = context.take_trouble() {
                let detail = "a document could not be read while it was sent";
                let failure = Failure::new(Delivery::MaybeSent, Kind::Storage, detail).permanent().with_source(cause);
                return Err((failure, None));
            }
            Err((broken(source, unsent.is_some()), unsent))
        }
    }
}

/// Why a connection gave no answer.
fn broken(source: hyper::Error, unsent: bool) -> Failure {
    let maybe = |kind, detail| Failure::new(Delivery::MaybeSent, kind, detail);
    // TLS 1.3 lets the client finish first: the server's refusal comes when the request may be under way.
    if fault::find::<rustls::Error>(&source).is_some_and(fault::refuses_client) {
        let told = ConnectFault::ClientCertificate;
        let delivery = if unsent { Delivery::NotSent } else { Delivery::MaybeSent };
        return Failure::new(delivery, Kind::Unreachable, told.text())
            .permanent()
            .with_source(ConnectError::new(told, source));
    }
    if unsent {
        let detail = "the connection was closed before the request was sent";
        return Failure::new(Delivery::NotSent, Kind::Unreachable, detail).with_source(source);
    }
    let failure = if fault::find::<TooMuch>(&source).is_some() {
        maybe(Kind::Protocol, "the server sends without end and does not answer")
    } else if source.is_parse_version_h2() {
        maybe(Kind::Protocol, "the server speaks HTTP/2, which was not asked for")
    } else if source.is_parse() {
        maybe(Kind::Protocol, "the answer is no HTTP/1.1, or its head is too large")
    } else {
        maybe(Kind::Unreachable, "the connection broke before a complete answer came")
    };
    failure.with_source(source)
}

/// Refuses heads after which nobody can say for sure where the body ends (RFC 9112, section 6.3).
fn framed(head: &response::Parts) -> Result<(), Failure> {
    let refuse = |detail| Err(Failure::new(Delivery::MaybeSent, Kind::Protocol, detail));
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return refuse("the server switched protocols, which was not asked for");
    }
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(_), _) if head.headers.contains_key(CONTENT_LENGTH) => {
            refuse("the answer says two different things about its length")
        }
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => refuse("the answer has a transfer coding that was not asked for"),
    }
}

/// The body of an answer: polls the connection that it comes through, and gives the connection back at its end.
struct Answer {
    incoming: Incoming,
    line: Option<Box<Line>>,
    pool: Arc<Pool>,
    key: Key,
}

impl Answer {
    /// Lets the connection go on, and drops one that has ended.
    fn look(&mut self, cx: &mut Context<'_>) {
        if self.line.as_mut().is_some_and(|line| line.ended(cx)) {
            self.line = None;
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        // What was read with the head is here already; the connection is asked for more only when it is needed.
        let mut frame = Pin::new(&mut this.incoming).poll_frame(cx);
        if frame.is_pending() {
            this.look(cx);
            frame = Pin::new(&mut this.incoming).poll_frame(cx);
        }
        Poll::Ready(match std::task::ready!(frame) {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(source)) => {
                this.line = None;
                Some(Err(Error::new(Kind::Unreachable, "the connection broke before the whole answer came")
                    .with_source(source)))
            }
            None => {
                // Bytes behind the end of the answer end the connection.
                this.look(cx);
                if let Some(line) = this.line.take() {
                    this.pool.give(this.key.clone(), line);
                }
                None
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
