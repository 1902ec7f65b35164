//! Byte streams below TLS.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::Uri;
use async_trait::async_trait;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::fault::{ConnectError, ConnectFault};
use super::handover::Handover;

/// Time limit for connecting to all addresses of one family.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Head start of the preferred address family (RFC 8305, section 8).
const HEAD_START: Duration = Duration::from_millis(250);

/// Maximum number of bytes received before the first request: a proxy's response and a TLS handshake.
const BEFORE_REQUEST: u64 = 1024 * 1024;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens byte streams to hosts, below TLS: DNS, TCP, a proxy's CONNECT.
///
/// If the future is dropped, the implementation must close what it opened.
#[async_trait]
pub trait Dial: Send + Sync + fmt::Debug {
    /// Connects. `host` is a name, or an address without brackets.
    ///
    /// # Errors
    /// If connecting fails.
    async fn dial(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>>;
}

/// This machine's network: the system's resolver, then IPv6 and IPv4 in parallel (Happy Eyeballs).
///
/// The addresses of a family are tried one after another, within 10 s. The second family starts 250 ms after the preferred
/// one, or as soon as that fails.
///
/// A lookup by the system's resolver cannot be canceled: it occupies a blocking thread of the runtime even after its call
/// ended, and dropping the runtime waits for it. Use `Runtime::shutdown_timeout` to limit that wait.
///
/// # Panics
/// [`dial`](Dial::dial) panics outside a tokio runtime with I/O and timers.
#[derive(Clone, Debug)]
pub struct TokioDial(HttpConnector<Resolver<GaiResolver>>);

impl TokioDial {
    /// Creates it with the limits above.
    pub fn new() -> Self {
        Self(connector(GaiResolver::new()))
    }
}

impl Default for TokioDial {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Dial for TokioDial {
    async fn dial(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        connect(self.0.clone(), host, port).await
    }
}

fn connector<R>(resolver: R) -> HttpConnector<Resolver<R>> {
    let mut connector = HttpConnector::new_with_resolver(Resolver(resolver));
    connector.set_nodelay(true);
    connector.set_happy_eyeballs_timeout(Some(HEAD_START));
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

async fn connect<C>(mut connector: C, host: &str, port: u16) -> io::Result<Box<dyn Stream>>
where
    C: Service<Uri, Response = TokioIo<tokio::net::TcpStream>>,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let stream = connector.call(root("http", host, port)?).await.map_err(io::Error::other)?;
    Ok(Box::new(stream.into_inner()))
}

/// Joins host and port. An IPv6 address gets brackets.
pub(super) fn authority(host: &str, port: u16) -> io::Result<::http::uri::Authority> {
    let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the host is neither a name nor an address"))
}

pub(super) fn root(scheme: &str, host: &str, port: u16) -> io::Result<Uri> {
    let uri = Uri::builder().scheme(scheme).authority(authority(host, port)?).path_and_query("/");
    uri.build().map_err(io::Error::other)
}

/// A resolver whose errors can be distinguished from those of connecting.
#[derive(Clone, Debug)]
struct Resolver<R>(R);

impl<R> Service<Name> for Resolver<R>
where
    R: Service<Name>,
    R::Error: Into<identkit_core::BoxError>,
    R::Future: Send + 'static,
{
    type Response = R::Response;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<R::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.0.poll_ready(cx).map_err(|error| ConnectError::new(ConnectFault::NameNotFound, error))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async move { resolving.await.map_err(|error| ConnectError::new(ConnectFault::NameNotFound, error)) })
    }
}

/// Connects to a server, over TLS if the scheme is `https`.
pub(super) async fn open(
    dial: &dyn Dial,
    tls: Option<&Arc<ClientConfig>>,
    uri: &Uri,
) -> io::Result<(TokioIo<Box<dyn Stream>>, Meter)> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let (tls, port) = match uri.scheme_str() {
        Some("http") => (None, 80),
        Some("https") => {
            let no_settings = || ConnectError::new(ConnectFault::UnknownAuthority, "no TLS settings: set Proxy::tls");
            let tls = tls.ok_or_else(|| io::Error::other(no_settings()))?;
            (Some((tls, ServerName::try_from(host.to_owned()).map_err(io::Error::other)?)), 443)
        }
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "the scheme is neither http nor https")),
    };
    let stream = dial.dial(host, uri.port_u16().unwrap_or(port)).await?;
    let meter = Meter::new(BEFORE_REQUEST);
    let stream = Metered { stream, meter: meter.clone() };
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some((tls, name)) => Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?),
    };
    Ok((TokioIo::new(stream), meter))
}

/// Limit on the bytes that a stream may still receive, and the number of bytes that it has received.
#[derive(Clone, Debug)]
pub(super) struct Meter(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    left: AtomicU64,
    received: AtomicU64,
}

impl Meter {
    fn new(bytes: u64) -> Self {
        Self(Arc::new(Counts { left: AtomicU64::new(bytes), received: AtomicU64::new(0) }))
    }

    /// Sets the limit.
    pub(super) fn limit(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// Removes the limit.
    pub(super) fn remove_limit(&self) {
        self.limit(u64::MAX);
    }

    /// The number of bytes that can be received. Fails if there is none.
    fn left(&self) -> io::Result<usize> {
        match self.0.left.load(Ordering::Relaxed) {
            0 => Err(io::Error::other(TooManyBytes)),
            left => Ok(usize::try_from(left).unwrap_or(usize::MAX)),
        }
    }

    /// The number of bytes that were received.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: u64) {
        self.0.received.fetch_add(bytes, Ordering::Relaxed);
        let left = self.0.left.load(Ordering::Relaxed);
        if left != u64::MAX {
            self.limit(left.saturating_sub(bytes));
        }
    }
}

/// The server sent more than a response head can need, e.g. endless interim responses.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooManyBytes;

impl fmt::Display for TooManyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server sends endless data without a response")
    }
}

impl std::error::Error for TooManyBytes {}

/// Implements writing by the field `stream`, and notes each flush in another field.
macro_rules! delegate_writes {
    ($name:ident $(, $handover:ident)?) => {
        impl AsyncWrite for $name {
            fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.stream).poll_write(cx, bytes)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                std::task::ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                $(self.$handover.flush();)?
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.stream).poll_shutdown(cx)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
            }

            fn is_write_vectored(&self) -> bool {
                self.stream.is_write_vectored()
            }
        }
    };
}

/// A stream that counts the received bytes.
struct Metered {
    stream: Box<dyn Stream>,
    meter: Meter,
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Before the read: bytes that were read with an error would be lost (AT-97).
        let left = self.meter.left()?;
        let before = buffer.filled().len();
        if left < buffer.remaining() {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(left));
            std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let received = part.filled().len();
            buffer.advance(received);
        } else {
            std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        }
        self.meter.count(buffer.filled().len().saturating_sub(before) as u64);
        Poll::Ready(Ok(()))
    }
}

delegate_writes!(Metered);

/// Maximum number of bytes that a [`Tee`] retains.
pub(super) const RETAINED: usize = 1024 * 1024;

/// What was received since the request, for a response that turns out not to be valid HTTP (AT-97). Only the first MiB is
/// retained.
#[derive(Clone, Debug, Default)]
pub(super) struct Tee(Arc<Mutex<Option<Vec<u8>>>>);

impl Tee {
    /// Begins to retain what is received.
    pub(super) fn begin(&self) {
        *self.bytes() = Some(Vec::new());
    }

    /// Ends, and returns what was received. Empty if it was not begun.
    pub(super) fn end(&self) -> Vec<u8> {
        self.bytes().take().unwrap_or_default()
    }

    /// Whether it retains what is received from now on.
    pub(super) fn has_room(&self) -> bool {
        self.bytes().as_ref().is_some_and(|bytes| bytes.len() < RETAINED)
    }

    fn retain(&self, received: &[u8]) {
        if let Some(bytes) = &mut *self.bytes() {
            let room = RETAINED.saturating_sub(bytes.len()).min(received.len());
            bytes.extend_from_slice(received.get(..room).unwrap_or_default());
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream above TLS whose received bytes a [`Tee`] retains, and a [`Handover`] compares with what was sent.
pub(super) struct Teed {
    pub(super) stream: Box<dyn Stream>,
    pub(super) tee: Tee,
    pub(super) handover: Handover,
}

impl AsyncRead for Teed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if let Some(received) = buffer.filled().get(before..).filter(|received| !received.is_empty()) {
            self.handover.receive();
            self.tee.retain(received);
        }
        Poll::Ready(Ok(()))
    }
}

delegate_writes!(Teed, handover);

#[cfg(test)]
mod tests;
