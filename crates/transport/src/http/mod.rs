//! HTTP/1.1 over TLS on raw hyper connections.
//!
//! Each exchange owns its connection and polls it; no task is spawned. A request is proved unsent if connecting failed or
//! if hyper returns the unsent message. Idle connections serve requests that do not need a fresh one.
//!
//! Invariants:
//! - Dropping a call closes its connection, in every phase.
//! - A response whose end is ambiguous is an error, and its connection is not used again.
//! - The credentials of a proxy are sent to the proxy and never into the tunnel.

mod dial;
mod ending;
mod exceptions;
mod exchange;
mod fault;
mod handover;
mod invalid;
mod outgoing;
mod pool;
mod proxy;
mod settle;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue};
use ::http::uri::{Parts, PathAndQuery};
use ::http::{Method, Request, Response, Uri};
use async_trait::async_trait;
use hyper_util::rt::TokioIo;
use identkit_core::{Clock, Content, Delivery, Kind};
use identkit_wire::Body;
use identkit_wire::url::check_uri;
use rustls::ClientConfig;

pub use self::dial::{Dial, Stream, TokioDial};
pub use self::exceptions::ProxyExceptions;
pub use self::fault::{ConnectError, ConnectFault};
pub use self::pool::IdleLimits;
pub use self::proxy::Proxy;
pub use self::tls::TlsConfig;
#[cfg(feature = "http")]
pub use self::tls::{Pin, TlsBuilder, certificates};

use self::dial::{Tee, Teed, open};
use self::exchange::{BUFFER, HEAD, HEADERS, exchange};
use self::handover::Handover;
use self::outgoing::Outgoing;
use self::pool::{Key, Pool, PooledConnection};
use self::proxy::ProxyDial;
use self::tls::CertificateRequests;
use crate::{AttemptContext, Failure, SystemClock, Transport};

/// A transport over HTTP/1.1 with TLS 1.2 and 1.3. Clones share their idle connections.
///
/// # Panics
/// [`send`](Transport::send) panics outside a tokio runtime with I/O and timers.
#[derive(Clone)]
pub struct HyperTransport {
    dial: Arc<dyn Dial>,
    tls: Arc<ClientConfig>,
    pool: Arc<Pool>,
    certificate_requests: CertificateRequests,
}

/// A builder for [`HyperTransport`].
#[derive(Debug)]
#[must_use]
pub struct HyperBuilder {
    tls: TlsConfig,
    dial: Arc<dyn Dial>,
    proxy: Option<Proxy>,
    clock: Arc<dyn Clock>,
    idle: IdleLimits,
}

impl HyperBuilder {
    /// Sets what opens byte streams, below TLS and the proxy, e.g. a simulated network. The default is [`TokioDial`].
    pub fn dial(mut self, dial: Arc<dyn Dial>) -> Self {
        self.dial = dial;
        self
    }

    /// Sets the proxy. The default is none, even if the environment names one.
    pub fn proxy(mut self, proxy: Option<Proxy>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets the clock that limits the age of idle connections. The default is [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the limits on idle connections.
    pub fn idle(mut self, limits: IdleLimits) -> Self {
        self.idle = limits;
        self
    }

    /// Builds the transport.
    pub fn build(self) -> HyperTransport {
        let dial = match self.proxy {
            Some(proxy) => Arc::new(ProxyDial::new(proxy, self.dial)),
            None => self.dial,
        };
        let (config, certificate_requests) = self.tls.client();
        HyperTransport {
            dial,
            tls: Arc::new(config),
            pool: Arc::new(Pool::new(self.idle, self.clock)),
            certificate_requests,
        }
    }
}

impl HyperTransport {
    /// Creates a transport over this machine's network.
    pub fn new(tls: &TlsConfig) -> Self {
        Self::builder(tls).build()
    }

    /// Creates a transport over another network.
    pub fn with_dial(tls: &TlsConfig, dial: Arc<dyn Dial>) -> Self {
        Self::builder(tls).dial(dial).build()
    }

    /// Returns a builder with the default settings.
    pub fn builder(tls: &TlsConfig) -> HyperBuilder {
        HyperBuilder {
            tls: tls.clone(),
            dial: Arc::new(TokioDial::new()),
            proxy: None,
            clock: Arc::new(SystemClock::new()),
            idle: IdleLimits::default(),
        }
    }

    /// Closes all idle connections. Expired ones are otherwise closed at the next call: nothing runs in the background.
    pub fn close_idle(&self) {
        self.pool.clear();
    }

    async fn connect(&self, key: &Key) -> Result<Box<PooledConnection>, Failure> {
        let unusable = |detail| Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).permanent();
        let Ok(host) = HeaderValue::from_str(key.authority.as_str()) else {
            return Err(unusable("the host of the request URI cannot be encoded as a header"));
        };
        let Key { scheme, authority, .. } = key.clone();
        let Ok(uri) = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build() else {
            return Err(unusable("the request URI has no valid host"));
        };
        let before = self.certificate_requests.load(Ordering::Relaxed);
        let (stream, meter) = open(&*self.dial, Some(&self.tls), &uri).await.map_err(|source| {
            let fault = fault::connect_fault(&source, self.certificate_requests.load(Ordering::Relaxed) != before);
            ConnectError::new(fault, source).failure()
        })?;
        let (tee, handover) = (Tee::default(), Handover::default());
        let stream = Teed { stream: stream.into_inner(), tee: tee.clone(), handover: handover.clone() };
        let stream: Box<dyn Stream> = Box::new(stream);
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(BUFFER)
            .max_header_size(HEAD)
            .max_headers(HEADERS)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ConnectError::new(ConnectFault::Unreachable, source).failure())?;
        Ok(Box::new(PooledConnection { host, sender, connection, meter, tee, handover }))
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let (mut head, body) = request.into_parts();
        outgoing::check_sources(&body).await.map_err(|source| {
            let detail = "a document of the request cannot be read, so nothing was sent";
            Failure::new(Delivery::NotSent, Kind::Storage, detail).permanent().with_source(source)
        })?;
        // Otherwise an invalid port would become the scheme's port, and a user would become part of `Host`.
        let checked = check_uri(&head.uri, "the request URI");
        let (Parts { scheme: Some(scheme), authority: Some(authority), path_and_query, .. }, Ok(())) =
            (head.uri.into_parts(), checked)
        else {
            let detail = "the request URI must be absolute, with a port from 1 to 65535 or none, and without a user";
            return Err(Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).permanent());
        };
        let key = Key { scope: context.scope(), scheme, authority };
        // hyper omits the length of an empty body, and some servers then answer 411 (AT-91; RFC 9110, section 8.6).
        if body.is_empty() && matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if context.ends_connection() {
            head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        head.uri = Uri::from(path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")));

        // If an idle connection turns out to be closed, the request comes back and the next connection is tried.
        while let Some(pooled) = if context.fresh() { None } else { self.pool.take(&key).await } {
            head.headers.insert(HOST, pooled.host.clone());
            let request = Request::from_parts(head, Outgoing::new(&body, context));
            match exchange(&self.pool, key.clone(), pooled, request, context).await {
                Ok(response) => return Ok(response),
                Err((_, Some(unsent))) => {
                    context.withdraw();
                    head = unsent.into_parts().0;
                }
                Err((failure, None)) => return Err(failure),
            }
        }
        let pooled = self.connect(&key).await?;
        head.headers.insert(HOST, pooled.host.clone());
        let request = Request::from_parts(head, Outgoing::new(&body, context));
        exchange(&self.pool, key, pooled, request, context).await.map_err(|(failure, _)| failure)
    }
}
