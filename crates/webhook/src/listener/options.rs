//! What the caller decides about a listener.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use identkit_core::async_trait;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::ServerConfig;

use crate::allow::Network;

/// Pages that a listener serves beside the webhooks, e.g. for health checks.
///
/// The requests need no token. Their connections have the limits of those that wait to show one.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Returns the page at exactly this path; `None` if there is none. The method is GET or HEAD.
    async fn page(&self, path: &str) -> Option<Response<Bytes>>;
}

/// A request that a listener has answered, for metrics. It has no token and no personal data.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandledRequest<'a> {
    /// Provider and event of the URL; `None` without a valid token.
    pub webhook: Option<(&'a str, &'a str)>,
    /// Status of the response.
    pub status: StatusCode,
    /// Time from the complete head of the request to the response.
    pub duration: Duration,
}

impl<'a> HandledRequest<'a> {
    /// Describes a request, e.g. for a test of an observer.
    pub fn new(webhook: Option<(&'a str, &'a str)>, status: StatusCode, duration: Duration) -> Self {
        Self { webhook, status, duration }
    }
}

/// Called after each request that a listener has answered.
pub(super) type Observer = Arc<dyn Fn(HandledRequest<'_>) + Send + Sync>;

/// Limits and additions of a listener.
#[derive(Clone)]
pub struct ListenOptions {
    pub(super) waiting: usize,
    pub(super) proxies: Vec<Network>,
    pub(super) pages: Option<Arc<dyn Pages>>,
    pub(super) observer: Option<Observer>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<ServerConfig>>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            waiting: 256,
            proxies: Vec::new(),
            pages: None,
            observer: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl fmt::Debug for ListenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ListenOptions");
        debug.field("waiting", &self.waiting).field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl ListenOptions {
    /// Sets the maximum number of connections that have not shown a valid token: by default 256, at least 1. If one more is
    /// opened, the listener closes the oldest of them.
    #[must_use]
    pub fn max_waiting(mut self, count: usize) -> Self {
        self.waiting = count.max(1);
        self
    }

    /// Adds trusted proxies. Their connections are not counted as waiting, and can wait for 30 seconds instead of 5.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: impl IntoIterator<Item = Network>) -> Self {
        self.proxies.extend(proxies);
        self
    }

    /// Serves these pages to GET and HEAD requests without a valid token.
    #[must_use]
    pub fn pages(mut self, pages: Arc<dyn Pages>) -> Self {
        self.pages = Some(pages);
        self
    }

    /// Calls a function after each webhook that was answered, also after those without a valid token. It must not block.
    /// Requests for [`pages`](Self::pages) and connections without a complete request are left out.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(HandledRequest<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Accepts TLS only. The handshake counts as waiting, and is part of the 5 seconds until a valid token.
    ///
    /// To replace a certificate without a restart, let the configuration's certificate resolver return the new one.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }
}
