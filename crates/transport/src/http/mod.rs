//! HTTP/1.1 over TLS on raw hyper connections.
//!
//! Each exchange owns its connection and polls it; no task is spawned. What a connector reports is proved not to have
//! been sent; afterwards hyper's returning the unsent message proves it. Idle connections are kept for reads and
//! never used for a request that asks for a fresh one.

mod dial;
mod outgoing;
mod pool;
mod tls;

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::header::{HOST, HeaderValue};
use ::http::uri::PathAndQuery;
use ::http::{Request, Response, Uri};
use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use identkit_core::{Content, Delivery, Error, Kind};
use identkit_wire::Body;
use tower_service::Service;

pub use self::dial::{Dial, Stream, TokioDial};
pub use self::tls::{TlsConfig, certificates};

use self::dial::DialService;
use self::outgoing::Outgoing;
use self::pool::{Line, Pool};
use crate::{Failure, Hop, Transport};

/// The most that the head of an answer may take, in bytes.
const HEAD: usize = 64 * 1024;

/// A transport on raw hyper connections, with TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct HyperTransport {
    connector: HttpsConnector<DialService>,
    pool: Arc<Pool>,
}

impl HyperTransport {
    /// With this machine's network and these TLS settings.
    pub fn new(tls: &TlsConfig) -> Self {
        Self::with_dial(tls, Arc::new(TokioDial))
    }

    /// With a network of one's own under TLS: a proxy, a simulation.
    pub fn with_dial(tls: &TlsConfig, dial: Arc<dyn Dial>) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.client())
            .https_or_http()
            .enable_http1()
            .wrap_connector(DialService::new(dial));
        Self { connector, pool: Arc::default() }
    }

    async fn connect(&self, uri: Uri) -> Result<Line, Failure> {
        let mut connector = self.connector.clone();
        let stream = connector.call(uri).await.map_err(|source| {
            match tls_error(&*source) {
                Some(rustls::Error::InvalidCertificate(_)) => {
                    Failure::new(Delivery::NotSent, Kind::Unreachable, "the server's certificate is not trusted")
                        .lasting()
                }
                Some(_) => {
                    Failure::new(Delivery::NotSent, Kind::Unreachable, "no TLS connection could be agreed on").lasting()
                }
                None => Failure::new(Delivery::NotSent, Kind::Unreachable, "no connection could be made"),
            }
            .with_source(source)
        })?;
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(HEAD)
            .handshake(stream)
            .await
            .map_err(|source| {
                Failure::new(Delivery::NotSent, Kind::Unreachable, "no connection could be made").with_source(source)
            })?;
        Ok(Line { sender, connection })
    }

    /// One exchange on one connection; gives the request back when it was provably not sent.
    async fn exchange(
        &self,
        key: &str,
        mut line: Line,
        request: Request<Outgoing>,
        hop: &Hop,
    ) -> Result<Response<Content>, (Failure, Option<Request<Outgoing>>)> {
        let trouble = request.body().trouble();
        hop.mark_sent();
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
                let (head, incoming) = response.into_parts();
                let len = incoming.size_hint().exact();
                let body = Answer { incoming, line: Some(line), pool: Arc::clone(&self.pool), key: key.to_owned() };
                Ok(Response::from_parts(head, Content::new(len, body)))
            }
            Err(mut error) => {
                let unsent = error.take_message();
                let source = error.into_error();
                if let Some(cause) = trouble.take() {
                    let detail = "a document could not be read while it was sent";
                    return Err((
                        Failure::new(Delivery::MaybeSent, Kind::Storage, detail).lasting().with_source(cause),
                        None,
                    ));
                }
                let failure = match unsent {
                    Some(_) => Failure::new(
                        Delivery::NotSent,
                        Kind::Unreachable,
                        "the connection was closed before the request was sent",
                    ),
                    None if source.is_parse() => {
                        Failure::new(Delivery::MaybeSent, Kind::Protocol, "the answer is no HTTP/1.1")
                    }
                    None => Failure::new(
                        Delivery::MaybeSent,
                        Kind::Unreachable,
                        "the connection broke before a complete answer came",
                    ),
                };
                Err((failure.with_source(source), unsent))
            }
        }
    }
}

/// hyper-rustls hands rustls' errors on inside one or more of `io::Error`.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_error(inner)
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request<Body>, hop: &Hop) -> Result<Response<Content>, Failure> {
        let (mut head, body) = request.into_parts();
        outgoing::openable(&body).await.map_err(|source| {
            let detail = "a document of the request cannot be read; nothing was sent";
            Failure::new(Delivery::NotSent, Kind::Storage, detail).lasting().with_source(source)
        })?;
        let unusable = |detail| Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).lasting();
        let (Some(scheme), Some(authority)) = (head.uri.scheme_str(), head.uri.authority().cloned()) else {
            return Err(unusable("the URI of a request must be absolute"));
        };
        let key = format!("{} {scheme}://{authority}", hop.scope);
        let Ok(host) = HeaderValue::from_str(authority.as_str()) else {
            return Err(unusable("the host of a request cannot be written into a header"));
        };
        let target = head.uri.clone();
        let path = target.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        head.uri = Uri::from(path);
        head.headers.insert(HOST, host);
        let mut request = Request::from_parts(head, Outgoing::new(&body));

        // An idle connection that turns out to be closed gives the request back; the next one is tried.
        while let Some(line) = if hop.fresh { None } else { self.pool.take(&key).await } {
            match self.exchange(&key, line, request, hop).await {
                Ok(response) => return Ok(response),
                Err((_, Some(unsent))) => {
                    hop.withdraw();
                    let (head, _) = unsent.into_parts();
                    request = Request::from_parts(head, Outgoing::new(&body));
                }
                Err((failure, None)) => return Err(failure),
            }
        }
        let line = self.connect(target).await?;
        self.exchange(&key, line, request, hop).await.map_err(|(failure, _)| failure)
    }
}

/// The body of an answer: polls the connection that it comes through, and gives the connection back at its end.
struct Answer {
    incoming: Incoming,
    line: Option<Line>,
    pool: Arc<Pool>,
    key: String,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Some(line) = this.line.as_mut()
            && Pin::new(&mut line.connection).poll(cx).is_ready()
        {
            this.line = None;
        }
        let frame = std::task::ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(source)) => {
                this.line = None;
                Some(Err(Error::new(Kind::Unreachable, "the connection broke before the whole answer came")
                    .with_source(source)))
            }
            None => {
                if let Some(line) = this.line.take() {
                    this.pool.give(&this.key, line);
                }
                None
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests;
