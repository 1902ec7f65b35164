//! One connection: its handshake, the head of its request, and the response.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use identkit_core::{Clock, Instant};
use identkit_wire::CallbackPath;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::head::{self, HEAD_LIMIT, Head};
use super::options::{HandledRequest, ListenOptions};
use super::waiting::Ticket;
use crate::allow::Peer;
use crate::receiver::{Admission, RESPONSE_LIMIT, Receiver};
use crate::service::ReceiverService;
use crate::time::within;

/// Maximum time after a valid token: that after which identity.TM gives up (T-033).
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time in which the client can read a response and close the connection.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// The response to a request that hyper must not read.
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What all connections of a listener share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) receiver: Arc<Receiver>,
    pub(super) options: ListenOptions,
}

/// Serves a connection. It must show a valid token within `patience`. Errors concern its client only.
pub(super) async fn serve(stream: TcpStream, peer: Peer, shared: &Shared, ticket: Ticket, patience: Duration) {
    let clock = shared.receiver.clock();
    let end = clock.now().plus(patience);
    #[cfg(feature = "tls")]
    if let Some(config) = &shared.options.tls {
        let mut ticket = ticket;
        let handshake = tokio_rustls::TlsAcceptor::from(Arc::clone(config)).accept(stream);
        if let Some(Some(Ok(stream))) = ticket.hold(within(clock, end, handshake)).await {
            exchange(stream, peer, shared, ticket, end).await;
        }
        return;
    }
    exchange(stream, peer, shared, ticket, end).await;
}

async fn exchange<S>(mut stream: S, peer: Peer, shared: &Shared, mut ticket: Ticket, end: Instant)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let receiver = &shared.receiver;
    let clock = receiver.clock();
    let Some(Some(Ok(head))) = ticket.hold(within(clock, end, head::read(&mut stream))).await else { return };
    let begin = clock.now();
    let deadline = begin.plus(RESPONSE_LIMIT);
    let admission = match &head.target {
        Some(target) if head.is_sound => {
            let check = receiver.admission(target.path(), deadline);
            let Some(admission) = ticket.hold(check).await else { return };
            admission
        }
        _ => Admission::Denied,
    };
    let service = ReceiverService::new(Arc::clone(receiver)).peer(peer).admission(admission, deadline);
    let response = respond(stream, head, |request| answer(request, shared, &service, admission, begin), clock);
    if admission == Admission::Granted {
        drop(ticket);
        within(clock, clock.now().plus(TIMEOUT), response).await;
    } else {
        ticket.hold(within(clock, end, response)).await;
    }
}

async fn respond<S, F>(mut stream: S, head: Head, answer: impl Fn(Request<Incoming>) -> F, clock: &dyn Clock)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Response<Full<Bytes>>>,
{
    if head.is_sound {
        let (read, write) = tokio::io::split(&mut stream);
        // hyper reads the head again.
        let again = tokio::io::join((&*head.bytes).chain(read), write);
        let mut server = http1::Builder::new();
        server.keep_alive(false).half_close(true).max_buf_size(HEAD_LIMIT);
        let service = service_fn(|request| {
            let response = answer(request);
            async { Ok::<_, Infallible>(response.await) }
        });
        let _ = server.serve_connection(TokioIo::new(again), service).await;
    } else {
        let _ = stream.write_all(BAD_REQUEST).await;
    }
    let _ = stream.shutdown().await;
    // If unread bytes remain, the system resets the connection, and the client can lose the response.
    let rest = async { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await };
    within(clock, clock.now().plus(LINGER), rest).await;
}

/// The response of the pages or of the receiver. Only the latter is observed.
async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    service: &ReceiverService,
    admission: Admission,
    begin: Instant,
) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(pages) = shared.options.pages.as_ref().filter(|_| is_read && admission == Admission::Denied)
        && let Some(page) = pages.page(request.uri().path()).await
    {
        return page.map(Full::new);
    }
    let Some(observer) = &shared.options.observer else { return service.respond(request).await };
    let uri = request.uri().clone();
    let response = service.respond(request).await;
    let path = CallbackPath::parse(uri.path()).filter(|_| admission == Admission::Granted);
    let webhook = path.map(|path| (path.provider, path.event));
    observer(HandledRequest::new(webhook, response.status(), shared.receiver.clock().now().since(begin)));
    response
}
