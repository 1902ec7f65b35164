//! Proxies: HTTP CONNECT, and where it applies.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ::http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use ::http::{Request, StatusCode, Uri};
use async_trait::async_trait;
use hyper_util::client::proxy::matcher::Matcher;
use identkit_core::{BoxError, Error, Kind, Secret};

use super::dial::{Dial, Stream, TooMuch, authority, open, root};
use super::fault::{ConnectError, ConnectFault, find, of_connector};
use super::tls::TlsConfig;
use crate::auth::basic_header;
use crate::base::is_loopback;

/// The most that the head of a proxy's answer may take, in bytes.
const HEAD: usize = 16 * 1024;

/// The most that may come until a proxy has answered, in bytes: interim answers and the head.
const UNTIL_HEAD: u64 = 4 * HEAD as u64;

/// An HTTP proxy that is asked for a tunnel (`CONNECT`) to each host, except to those that are to be reached directly.
///
/// Its credentials go to the proxy only: inside the tunnel is TLS between client and vendor. They are kept as the
/// header that is sent, and never printed.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    credentials: Option<HeaderValue>,
    matcher: Arc<Matcher>,
    /// Whether this machine itself is reached directly.
    spare_home: bool,
    /// Whether everything is: the matcher takes the star for a name, and no address has one.
    spare_all: bool,
    tls: Option<TlsConfig>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("uri", &self.uri)
            .field("credentials", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

impl Proxy {
    /// The proxy at this URL, e.g. `http://proxy.example.com:3128`, with user and password in it or not
    /// (percent-encoded). `https://` is a proxy that is itself reached by TLS.
    ///
    /// `direct` names what is reached without it, separated by commas, as `NO_PROXY` does: domains with all below
    /// them, addresses, networks (`10.0.0.0/8`), `*` for everything.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when it is no URL of an HTTP proxy: another scheme (SOCKS is not supported), no host, a
    /// path.
    pub fn new(url: &str, direct: &str) -> Result<Self, Error> {
        let refuse = |detail: &'static str| Err(Error::new(Kind::InvalidInput, detail));
        let url = url.trim();
        let Ok(given) = url.parse::<Uri>() else { return refuse("the proxy is no URL, e.g. http://127.0.0.1:3128") };
        if !matches!(given.scheme_str(), None | Some("http" | "https")) {
            return refuse("the proxy must be an HTTP proxy: its URL begins with http:// or https://");
        }
        if given.path_and_query().is_some_and(|path| path != "/") {
            return refuse("the URL of a proxy has no path and no query");
        }
        let matcher = Arc::new(Matcher::builder().all(url).no(direct).build());
        let probe = Matcher::builder().all(url).build().intercept(&Uri::from_static("https://identkit.invalid"));
        let Some(found) = probe.filter(|found| found.uri().host().is_some_and(|host| !host.is_empty())) else {
            return refuse("the proxy is no URL with a host, e.g. http://127.0.0.1:3128");
        };
        Ok(Self {
            uri: found.uri().clone(),
            credentials: found.basic_auth().cloned(),
            matcher,
            spare_home: false,
            spare_all: direct.split(',').any(|item| item.trim() == "*"),
            tls: None,
        })
    }

    /// The proxy that the environment names: `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`, the first that is
    /// not empty; and `no_proxy` or `NO_PROXY`. This machine itself is always reached directly.
    ///
    /// # Errors
    /// As [`new`](Self::new): a setting that cannot be used is told instead of being passed by.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Error> {
        let first = |names: &[&str]| names.iter().find_map(|name| get(name).filter(|value| !value.trim().is_empty()));
        let Some(url) = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]) else { return Ok(None) };
        let direct = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let proxy = Self::new(&url, &direct)?;
        Ok(Some(Self { spare_home: true, ..proxy }))
    }

    /// With these credentials, instead of what the URL holds (HTTP Basic).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the user name is empty or holds a colon.
    pub fn credentials(mut self, user: &str, password: &Secret) -> Result<Self, Error> {
        let refuse = || Error::new(Kind::InvalidInput, "the proxy's user name must not be empty or hold a colon");
        if user.is_empty() || user.contains(':') {
            return Err(refuse());
        }
        self.credentials = Some(basic_header(user, password).ok_or_else(refuse)?);
        Ok(self)
    }

    /// How a proxy that is reached by TLS is authenticated; by the bundled roots otherwise. Client certificate and
    /// pins for the vendor do not belong here.
    #[must_use]
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether a host is reached through it. `host` is a name or an address without brackets.
    pub fn applies_to(&self, host: &str, port: u16) -> bool {
        if self.spare_all || (self.spare_home && is_loopback(host)) {
            return false;
        }
        root("https", host, port).map_or(true, |uri| self.matcher.intercept(&uri).is_some())
    }
}

#[derive(Debug)]
pub(super) struct ProxyDial {
    proxy: Proxy,
    direct: Arc<dyn Dial>,
}

impl ProxyDial {
    pub(super) fn new(proxy: Proxy, direct: Arc<dyn Dial>) -> Self {
        Self { proxy, direct }
    }

    /// hyper speaks to the proxy, so that its limits and its strictness hold here as well.
    async fn tunnel(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, ConnectError> {
        let failed = |fault| move |source: BoxError| ConnectError::new(fault, source);
        let unreachable = failed(ConnectFault::ProxyUnreachable);
        let tls = match &self.proxy.tls {
            Some(tls) => tls.clone(),
            None => TlsConfig::bundled().map_err(|error| unreachable(error.into()))?,
        };
        let connected = open(&*self.direct, &Arc::new(tls.client().0), &self.proxy.uri).await;
        let (stream, meter) = connected.map_err(|source| {
            let fault = match of_connector(&source, false) {
                ConnectFault::NameNotFound | ConnectFault::Unreachable => ConnectFault::ProxyUnreachable,
                _ => ConnectFault::ProxyTls,
            };
            ConnectError::new(fault, source)
        })?;
        meter.allow(UNTIL_HEAD);
        let (mut sender, mut connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(HEAD)
            .max_header_size(HEAD)
            .handshake(stream)
            .await
            .map_err(|source| unreachable(source.into()))?;
        let request = connect_request(host, port, self.proxy.credentials.as_ref())
            .map_err(|source| failed(ConnectFault::ProxyForbids)(source.into()))?;

        // Some once the connection has ended, for a tunnel too; it must not be polled again then.
        let mut ended = None;
        let answered = {
            let mut answer = pin!(sender.send_request(request));
            poll_fn(|cx| {
                if ended.is_none()
                    && let Poll::Ready(end) = connection.poll_without_shutdown(cx)
                {
                    ended = Some(end);
                }
                answer.as_mut().poll(cx)
            })
            .await
        };
        let status = answered.map_err(no_answer)?.status();
        if let Some(fault) = refusal(status) {
            return Err(ConnectError::new(fault, format!("HTTP {} from the proxy", status.as_u16())));
        }
        match ended {
            Some(end) => end,
            None => poll_fn(|cx| connection.poll_without_shutdown(cx)).await,
        }
        .map_err(no_answer)?;
        let parts = connection.into_parts();
        if !parts.read_buf.is_empty() {
            // The client speaks first in TLS: whatever came already is not the vendor's.
            return Err(ConnectError::new(
                ConnectFault::ProxyProtocol,
                "the proxy sent bytes of its own into the tunnel",
            ));
        }
        meter.open();
        Ok(parts.io.into_inner())
    }
}

#[async_trait]
impl Dial for ProxyDial {
    async fn dial(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        if self.proxy.applies_to(host, port) {
            self.tunnel(host, port).await.map_err(io::Error::other)
        } else {
            self.direct.dial(host, port).await
        }
    }
}

/// What a proxy's answer means when it is no tunnel.
fn refusal(status: StatusCode) -> Option<ConnectFault> {
    match status.as_u16() {
        // No answer to a CONNECT: hyper makes no tunnel of these.
        101 | 204 => Some(ConnectFault::ProxyProtocol),
        200..300 => None,
        // tinyproxy says 401 to credentials that it does not accept.
        401 | 407 => Some(ConnectFault::ProxyCredentials),
        500.. => Some(ConnectFault::ProxyFailed),
        _ => Some(ConnectFault::ProxyForbids),
    }
}

fn no_answer(source: hyper::Error) -> ConnectError {
    let endless = find::<TooMuch>(&source).is_some();
    let fault = if endless || source.is_parse() { ConnectFault::ProxyProtocol } else { ConnectFault::ProxyClosed };
    ConnectError::new(fault, source)
}

fn connect_request(host: &str, port: u16, credentials: Option<&HeaderValue>) -> io::Result<Request<String>> {
    let target = authority(host, port)?;
    let request = Request::connect(target.as_str()).header(HOST, target.as_str());
    let mut request = request.body(String::new()).map_err(io::Error::other)?;
    if let Some(credentials) = credentials {
        request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
    }
    Ok(request)
}

#[cfg(test)]
mod tests;
