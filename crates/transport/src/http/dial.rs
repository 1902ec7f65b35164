//! The network under TLS.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// How long all addresses of one family may take to connect, together.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long the other family of addresses waits for the preferred one (RFC 8305, section 8).
const HEAD_START: Duration = Duration::from_millis(250);

/// The most that may come before the first request is sent, in bytes: a proxy's answer and a TLS handshake.
const BEFORE: u64 = 1024 * 1024;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes byte streams to hosts: DNS, TCP, a proxy's CONNECT. TLS comes on top of it.
///
/// Contract: dropping the future gives up the attempt and closes what it had opened.
#[async_trait]
pub trait Dial: Send + Sync + fmt::Debug {
    /// Connects. `host` is a name or an address without brackets.
    async fn dial(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>>;
}

/// This machine's network: names by the system's resolver, IPv6 and IPv4 raced (happy eyeballs).
///
/// Each family's addresses are tried one after another and have 10 s together; the other family starts 250 ms after
/// the preferred one, or at once when that has failed.
///
/// The system's resolver cannot be given up: a name that is looked up when a call is over keeps one of the runtime's
/// blocking threads until the system answers, and dropping the runtime waits for it. A program that is to end in time
/// uses `Runtime::shutdown_timeout`.
#[derive(Clone, Debug)]
pub struct TokioDial(HttpConnector<Names<GaiResolver>>);

impl TokioDial {
    /// With the limits above.
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

fn connector<R>(resolver: R) -> HttpConnector<Names<R>> {
    let mut connector = HttpConnector::new_with_resolver(Names(resolver));
    connector.set_nodelay(true);
    connector.set_happy_eyeballs_timeout(Some(HEAD_START));
    connector.set_connect_timeout(Some(ATTEMPT));
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

/// Host and port as one: an IPv6 address gets its brackets.
pub(super) fn authority(host: &str, port: u16) -> io::Result<::http::uri::Authority> {
    let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the host is no name and no address"))
}

pub(super) fn root(scheme: &str, host: &str, port: u16) -> io::Result<Uri> {
    let uri = Uri::builder().scheme(scheme).authority(authority(host, port)?).path_and_query("/");
    uri.build().map_err(io::Error::other)
}

/// A resolver whose failure can be told from a connection's.
#[derive(Clone, Debug)]
struct Names<R>(R);

impl<R> Service<Name> for Names<R>
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

/// Connects to a server, by TLS if its scheme asks for it.
pub(super) async fn open(
    dial: &dyn Dial,
    tls: &Arc<ClientConfig>,
    uri: &Uri,
) -> io::Result<(TokioIo<Box<dyn Stream>>, Meter)> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let (name, port) = match uri.scheme_str() {
        Some("http") => (None, 80),
        Some("https") => (Some(ServerName::try_from(host.to_owned()).map_err(io::Error::other)?), 443),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "the scheme is neither http nor https")),
    };
    let stream = dial.dial(host, uri.port_u16().unwrap_or(port)).await?;
    let meter = Meter::new(BEFORE);
    let stream = Metered { stream, meter: meter.clone() };
    let stream: Box<dyn Stream> = match name {
        None => Box::new(stream),
        Some(name) => Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?),
    };
    Ok((TokioIo::new(stream), meter))
}

/// How many bytes may still come before something must have happened.
#[derive(Clone, Debug)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// At most so many from now on.
    pub(super) fn allow(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// It has happened: as many as come.
    pub(super) fn open(&self) {
        self.allow(u64::MAX);
    }

    fn count(&self, bytes: u64) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        if left == u64::MAX {
            return Ok(());
        }
        let Some(left) = left.checked_sub(bytes) else {
            return Err(io::Error::other(TooMuch));
        };
        self.allow(left);
        Ok(())
    }
}

/// More came than an answer's head can need: interim answers without end, for one.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooMuch;

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server sends without end and does not answer")
    }
}

impl std::error::Error for TooMuch {}

/// A dialed stream whose incoming bytes are counted while an end to them is awaited.
struct Metered {
    stream: Box<dyn Stream>,
    meter: Meter,
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.meter.count(buffer.filled().len().saturating_sub(before) as u64))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
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

#[cfg(test)]
mod tests;
