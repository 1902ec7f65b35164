//! The TLS configuration of the receiver.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::exit::Failure;

/// Reads a certificate chain and its key.
pub(crate) fn server(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let cannot = |option: &str, path: &Path, why: String| {
        Failure::usage(format!("{option} {} cannot be used: {why}", path.display()))
    };
    let read = |option: &str, path: &Path| std::fs::read(path).map_err(|error| cannot(option, path, error.to_string()));
    let chain = CertificateDer::pem_slice_iter(&read("--tls-cert", certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.unwrap_or_default();
    if chain.is_empty() {
        return Err(cannot("--tls-cert", certificate, "it contains no certificate in PEM".to_owned()));
    }
    // The error could quote the key.
    let secret = PrivateKeyDer::from_pem_slice(&read("--tls-key", key)?)
        .map_err(|_| cannot("--tls-key", key, "it contains no private key in PEM without a password".to_owned()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config
        .map_err(|error| cannot("--tls-cert", certificate, format!("{error} (with --tls-key {})", key.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
