//! HTTP/1.1 over TLS on raw hyper connections.
//!
//! Each exchange owns its connection and polls it; no task is spawned. What a connector reports is proved not to have
//! been sent; afterwards hyper's returning the unsent message proves it. Idle connections are kept for
//! requests that do not ask for a fresh one.
//!
//! Invariants:
//! - Dropping a call closes its connection, whatever phase it was in.
//! - An answer whose end is not beyond doubt is an error, and its connection is not used again.
//! - The credentials of a proxy are sent to the proxy and never into the tunnel.

mod dial;
mod exchange;
mod fault;
mod outgoing;
mod pool;
mod proxy;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::http::header::{HOST, HeaderValue};
use ::http::uri::{Parts, PathAndQuery};
use ::http::{Request, Response, Uri};
use async_trait::async_trait;
use identkit_core::{Clock, Content, Delivery, Kind};
use identkit_wire::Body;
use rustls::ClientConfig;

pub use self::dial::{Dial, Stream, TokioDial};
pub use self::fault::{ConnectError, ConnectFault};
pub use self::pool::IdleLimits;
pub use self::proxy::Proxy;
pub use self::tls::{Pin, TlsBuilder, TlsConfig, certificates};

use self::dial::open;
use self::exchange::{BUFFER, HEAD, exchange};
use self::outgoing::Outgoing;
use self::pool::{Key, Line, Pool};
use self::proxy::ProxyDial;
use self::tls::Asked;
use crate::{AttemptContext, Failure, SystemClock, Transport};

/// A transport on raw hyper connections, with TLS 1.2 and 1.3. Clones share their idle connections.
#[derive(Clone)]
pub struct HyperTransport {
    dial: Arc<dyn Dial>,
    tls: Arc<ClientConfig>,
    pool: Arc<Pool>,
    asked: Asked,
}

/// The settings of a [`HyperTransport`].
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
    /// A network of one's own under TLS and under the proxy: a simulation, other limits.
    pub fn dial(mut self, dial: Arc<dyn Dial>) -> Self {
        self.dial = dial;
        self
    }

    /// Connects through a proxy where it applies; by default there is none, whatever the environment says.
    pub fn proxy(mut self, proxy: Option<Proxy>) -> Self {
        self.proxy = proxy;
        self
    }

    /// The clock by which idle connections grow old.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Which idle connections are kept.
    pub fn idle(mut self, limits: IdleLimits) -> Self {
        self.idle = limits;
        self
    }

    /// The transport.
    pub fn build(self) -> HyperTransport {
        let dial = match self.proxy {
            Some(proxy) => Arc::new(ProxyDial::new(proxy, self.dial)),
            None => self.dial,
        };
        let (config, asked) = self.tls.client();
        HyperTransport { dial, tls: Arc::new(config), pool: Arc::new(Pool::new(self.idle, self.clock)), asked }
    }
}

impl HyperTransport {
    /// With this machine's network and these TLS settings.
    pub fn new(tls: &TlsConfig) -> Self {
        Self::builder(tls).build()
    }

    /// With a network of one's own under TLS.
    pub fn with_dial(tls: &TlsConfig, dial: Arc<dyn Dial>) -> Self {
        Self::builder(tls).dial(dial).build()
    }

    /// Settings to change before it is built.
    pub fn builder(tls: &TlsConfig) -> HyperBuilder {
        HyperBuilder {
            tls: tls.clone(),
            dial: Arc::new(TokioDial::new()),
            proxy: None,
            clock: Arc::new(SystemClock::new()),
            idle: IdleLimits::default(),
        }
    }

    /// Closes the idle connections. Those whose time is over are closed without it, at the next call: nothing runs
    /// in the background.
    pub fn close_idle(&self) {
        self.pool.clear();
    }

    async fn connect(&self, key: &Key) -> Result<Box<Line>, Failure> {
        let unusable = |detail| Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).permanent();
        let Ok(host) = HeaderValue::from_str(key.authority.as_str()) else {
            return Err(unusable("the host of a request cannot be written into a header"));
        };
        let Key { scheme, authority, .. } = key.clone();
        let Ok(uri) = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build() else {
            return Err(unusable("the URI of a request has no server"));
        };
        let asked = self.asked.load(Ordering::Relaxed);
        let (stream, meter) = open(&*self.dial, &self.tls, &uri).await.map_err(|source| {
            let fault = fault::of_connector(&source, self.asked.load(Ordering::Relaxed) != asked);
            ConnectError::new(fault, source).failure()
        })?;
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(BUFFER)
            .max_header_size(HEAD)
            .handshake(stream)
            .await
            .map_err(|source| ConnectError::new(ConnectFault::Unreachable, source).failure())?;
        Ok(Box::new(Line { host, sender, connection, meter }))
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
        outgoing::openable(&body).await.map_err(|source| {
            let detail = "a document of the request cannot be read; nothing was sent";
            Failure::new(Delivery::NotSent, Kind::Storage, detail).permanent().with_source(source)
        })?;
        let Parts { scheme: Some(scheme), authority: Some(authority), path_and_query, .. } = head.uri.into_parts()
        else {
            let detail = "the URI of a request must be absolute";
            return Err(Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).permanent());
        };
        let key = Key { scope: context.scope(), scheme, authority };
        head.uri = Uri::from(path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")));

        // An idle connection that turns out to be closed gives the request back; the next one is tried.
        while let Some(line) = if context.fresh() { None } else { self.pool.take(&key).await } {
            head.headers.insert(HOST, line.host.clone());
            let request = Request::from_parts(head, Outgoing::new(&body, context));
            match exchange(&self.pool, key.clone(), line, request, context).await {
                Ok(response) => return Ok(response),
                Err((_, Some(unsent))) => {
                    context.withdraw();
                    head = unsent.into_parts().0;
                }
                Err((failure, None)) => return Err(failure),
            }
        }
        let line = self.connect(&key).await?;
        head.headers.insert(HOST, line.host.clone());
        let request = Request::from_parts(head, Outgoing::new(&body, context));
        exchange(&self.pool, key, line, request, context).await.map_err(|(failure, _)| failure)
    }
}
