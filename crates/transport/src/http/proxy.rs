//! HTTP proxies: CONNECT, and the hosts it applies to.

use std::ffi::OsString;
use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ::http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use ::http::{Request, StatusCode, Uri};
use async_trait::async_trait;
use identkit_core::{BoxError, Error, Kind, Secret};
use identkit_wire::url::{UrlFault, WebUrl, basic_header};

use super::dial::{Dial, Stream, TooManyBytes, authority, open};
use super::exceptions::ProxyExceptions;
use super::exchange::HEADERS;
use super::fault::{ConnectError, ConnectFault, connect_fault, find};
use super::tls::TlsConfig;
use crate::base::is_loopback;

/// Maximum size of the head of a proxy's response, in bytes.
const HEAD: usize = 16 * 1024;

/// Maximum number of bytes received until a proxy has answered: interim responses and the head.
const UNTIL_HEAD: u64 = 4 * HEAD as u64;

/// An HTTP proxy: the client opens a tunnel (`CONNECT`) to each host, except to those that it reaches directly.
///
/// The credentials go to the proxy only, never into the tunnel. They are never printed.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    credentials: Option<HeaderValue>,
    exceptions: ProxyExceptions,
    ignored: Vec<String>,
    /// Whether loopback hosts are reached directly.
    loopback_direct: bool,
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
    /// Creates a proxy from its URL, e.g. `http://proxy.example.com:3128`. The URL can contain user and password
    /// (percent-encoded). With `https://` the connection to the proxy itself uses TLS.
    ///
    /// `direct` lists the hosts to reach without the proxy; see [`ProxyExceptions`].
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the URL has another scheme (SOCKS is not supported), no host, an invalid port, or a path,
    /// or if the list is invalid.
    pub fn new(url: &str, direct: &str) -> Result<Self, Error> {
        let refuse = |detail: String| Error::new(Kind::InvalidInput, detail);
        let text = Secret::new(match url.trim() {
            url if url.contains("://") => url.to_owned(),
            url => format!("http://{url}"),
        });
        let url = WebUrl::parse(text.expose()).map_err(|fault| {
            refuse(match fault {
                UrlFault::Scheme => {
                    "the proxy must be an HTTP proxy: its URL must begin with http:// or https://".into()
                }
                fault => format!("the proxy URL {fault}, e.g. http://127.0.0.1:3128"),
            })
        })?;
        // A password with an unencoded `#`, `/` or `?` ends here too.
        if url.has_fragment() || url.uri().path_and_query().is_some_and(|path| path != "/") {
            let encode = "in a password, write %23 for #, %2F for / and %3F for ?";
            return Err(refuse(format!("the proxy URL must not have a path, a query or a fragment; {encode}")));
        }
        let proxy = Self {
            uri: url.uri().clone(),
            credentials: None,
            exceptions: ProxyExceptions::parse(direct)?,
            ignored: Vec::new(),
            loopback_direct: false,
            tls: None,
        };
        match url.credentials() {
            Some((user, password)) => proxy.credentials(user, password),
            None => Ok(proxy),
        }
    }

    /// Reads the proxy from the environment: the first non-empty of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and
    /// `ALL_PROXY`, and of `no_proxy` and `NO_PROXY`. Loopback hosts are always reached directly.
    ///
    /// # Errors
    /// As [`new`](Self::new), also if a variable is not UTF-8. An unusable URL is not ignored. An unusable exception is:
    /// other programs may understand it. See [`ignored_exceptions`](Self::ignored_exceptions).
    pub fn from_environment() -> Result<Option<Self>, Error> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables<V: Into<OsString>>(get: impl Fn(&str) -> Option<V>) -> Result<Option<Self>, Error> {
        // Without the value of a variable, requests would go to other hosts than intended.
        let text = |name: &str| match get(name).map(|value| value.into().into_string()) {
            Some(Err(_)) => Err(Error::new(Kind::InvalidInput, format!("the variable {name} is not UTF-8"))),
            Some(Ok(value)) if !value.trim().is_empty() => Ok(Some(value)),
            Some(Ok(_)) | None => Ok(None),
        };
        let first = |names: &[&str]| names.iter().find_map(|name| text(name).transpose()).transpose();
        let Some(url) = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])? else { return Ok(None) };
        let direct = first(&["no_proxy", "NO_PROXY"])?.unwrap_or_default();
        let (exceptions, ignored) = ProxyExceptions::parse_valid(&direct);
        Ok(Some(Self { loopback_direct: true, exceptions, ignored, ..Self::new(&url, "")? }))
    }

    /// Adds hosts to reach without the proxy.
    #[must_use]
    pub fn exceptions(mut self, exceptions: ProxyExceptions) -> Self {
        self.exceptions.extend(exceptions);
        self
    }

    /// The exceptions of the environment that were ignored because they are invalid, with the reason.
    pub fn ignored_exceptions(&self) -> &[String] {
        &self.ignored
    }

    /// Whether the proxy has credentials, e.g. those in its URL.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Sets the credentials (HTTP Basic), instead of those in the URL.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the user name is empty or contains a colon, or if either contains a control character
    /// (RFC 7617).
    pub fn credentials(mut self, user: &str, password: &Secret) -> Result<Self, Error> {
        let refuse = || {
            let rule = "must not contain control characters; the user must not be empty or contain a colon";
            Error::new(Kind::InvalidInput, format!("the proxy's user and password {rule}"))
        };
        self.credentials = Some(basic_header(user, password).filter(|_| !user.is_empty()).ok_or_else(refuse)?);
        Ok(self)
    }

    /// Sets the TLS settings for the connection to an `https://` proxy. The default is
    /// `TlsConfig::bundled`; without the feature `http` there is none. Do not use the vendor's settings if they have pins
    /// or a client certificate.
    #[must_use]
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether a host is reached through the proxy. `host` is a name, or an address without brackets.
    pub fn applies_to(&self, host: &str, port: u16) -> bool {
        !(self.exceptions.contains(host, port) || (self.loopback_direct && is_loopback(host)))
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

    /// Opens a tunnel through the proxy.
    async fn tunnel(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, ConnectError> {
        let failed = |fault| move |source: BoxError| ConnectError::new(fault, source);
        let unreachable = failed(ConnectFault::ProxyUnreachable);
        let tls = match &self.proxy.tls {
            Some(tls) => Some(tls.clone()),
            #[cfg(feature = "http")]
            None => Some(TlsConfig::bundled().map_err(|error| unreachable(error.into()))?),
            #[cfg(not(feature = "http"))]
            None => None,
        };
        let tls = tls.map(|tls| Arc::new(tls.client().0));
        let connected = open(&*self.direct, tls.as_ref(), &self.proxy.uri).await;
        let (stream, meter) = connected.map_err(|source| {
            let fault = match connect_fault(&source, false) {
                ConnectFault::NameNotFound | ConnectFault::Unreachable => ConnectFault::ProxyUnreachable,
                _ => ConnectFault::ProxyTls,
            };
            ConnectError::new(fault, source)
        })?;
        meter.limit(UNTIL_HEAD);
        let (mut sender, mut connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(HEAD)
            .max_header_size(HEAD)
            .max_headers(HEADERS)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(stream)
            .await
            .map_err(|source| unreachable(source.into()))?;
        let request = connect_request(host, port, self.proxy.credentials.as_ref())
            .map_err(|source| failed(ConnectFault::ProxyForbids)(source.into()))?;

        // The result of the connection, which must not be polled again after it. A tunnel ends it too.
        let mut ended = None;
        let response = {
            let mut response = pin!(sender.send_request(request));
            poll_fn(|cx| {
                if ended.is_none()
                    && let Poll::Ready(end) = connection.poll_without_shutdown(cx)
                {
                    ended = Some(end);
                }
                response.as_mut().poll(cx)
            })
            .await
        };
        let status = response.map_err(no_response)?.status();
        if let Some(fault) = refusal(status) {
            return Err(ConnectError::new(fault, format!("the proxy answered HTTP {}", status.as_u16())));
        }
        match ended {
            Some(end) => end,
            None => poll_fn(|cx| connection.poll_without_shutdown(cx)).await,
        }
        .map_err(no_response)?;
        let parts = connection.into_parts();
        if !parts.read_buf.is_empty() {
            // In TLS the client sends first, so these bytes cannot be the vendor's.
            return Err(ConnectError::new(
                ConnectFault::ProxyProtocol,
                "the proxy sent bytes after its response to CONNECT",
            ));
        }
        meter.remove_limit();
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

/// The fault by the status of a proxy's response. `None` if it opens a tunnel.
fn refusal(status: StatusCode) -> Option<ConnectFault> {
    match status.as_u16() {
        // Not valid for CONNECT: hyper opens no tunnel.
        101 | 204 => Some(ConnectFault::ProxyProtocol),
        200..300 => None,
        // tinyproxy answers 401 to wrong credentials.
        401 | 407 => Some(ConnectFault::ProxyCredentials),
        500.. => Some(ConnectFault::ProxyFailed),
        _ => Some(ConnectFault::ProxyForbids),
    }
}

fn no_response(source: hyper::Error) -> ConnectError {
    let too_long = find::<TooManyBytes>(&source).is_some();
    let fault = if too_long || source.is_parse() { ConnectFault::ProxyProtocol } else { ConnectFault::ProxyClosed };
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
