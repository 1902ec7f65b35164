//! The TLS settings of a client.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};

/// TLS settings of a client, for TLS 1.2 and 1.3: how it authenticates servers, and itself.
#[derive(Clone)]
pub struct TlsConfig(pub(super) ClientConfig);

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConfig")
    }
}

impl TlsConfig {
    /// Uses a rustls configuration, e.g. with another crypto provider. Its ALPN protocols are removed, because the client
    /// speaks HTTP/1.1 only.
    pub fn custom(mut config: ClientConfig) -> Self {
        config.alpn_protocols.clear();
        Self(config)
    }

    /// The configuration, and a counter of the servers' requests for a client certificate.
    pub(in crate::http) fn client(&self) -> (ClientConfig, CertificateRequests) {
        let requests = CertificateRequests::default();
        let mut config = self.0.clone();
        config.client_auth_cert_resolver =
            Arc::new(CountingResolver { resolver: config.client_auth_cert_resolver, requests: Arc::clone(&requests) });
        (config, requests)
    }
}

/// Number of requests for a client certificate. In TLS 1.2 a server rejects a client without one by a mere "handshake
/// failure"; a request before it explains the failure.
pub(in crate::http) type CertificateRequests = Arc<AtomicU64>;

#[derive(Debug)]
struct CountingResolver {
    resolver: Arc<dyn ResolvesClientCert>,
    requests: CertificateRequests,
}

impl ResolvesClientCert for CountingResolver {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.resolver.resolve(hints, schemes)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.resolver.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.resolver.has_certs()
    }
}
