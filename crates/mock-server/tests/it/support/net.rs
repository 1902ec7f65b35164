//! Addresses and transports for tests over sockets.

use super::*;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A free port of this machine.
pub(crate) fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Returns a TLS configuration that trusts only this authority.
pub(crate) fn trust(authority: &Authority) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Returns a transport that trusts only this authority.
pub(crate) fn trusting(authority: &Authority) -> Arc<dyn Transport> {
    Arc::new(HyperTransport::new(&TlsConfig::custom(trust(authority))))
}

/// Returns a transport with the default roots, which do not include the sandbox's authority.
pub(crate) fn plain() -> Arc<dyn Transport> {
    Arc::new(HyperTransport::new(&TlsConfig::bundled().unwrap()))
}

/// Returns clients of a served sandbox.
pub(crate) fn served_clients(sandbox: &TestSandbox) -> (IdentityTm, Identify24) {
    let transport = Arc::new(HyperTransport::new(&TlsConfig::bundled().unwrap()));
    let tm = IdentityTm::builder(sandbox.identity_tm()).base_url(sandbox.identity_tm_url());
    let tm = tm.transport(transport.clone()).clock(Arc::new(SystemClock::new())).build().unwrap();
    let identify24 = Identify24::builder(sandbox.identify24()).transport(transport).base_url(sandbox.url());
    (tm, identify24.build().unwrap())
}
