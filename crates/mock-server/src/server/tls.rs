//! A certificate authority that is generated at start and exists in this process only.

use std::sync::Arc;
use std::{fmt, io};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority with a server certificate for `localhost`, `127.0.0.1` and `::1`.
#[derive(Clone)]
pub struct Authority {
    pem: String,
    der: Vec<u8>,
    server: Arc<ServerConfig>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// Generates an authority for loopback addresses. Its private key is dropped after signing the server certificate.
    ///
    /// # Errors
    /// If a key or a certificate cannot be generated.
    pub fn new() -> io::Result<Self> {
        Self::with_names(&[])
    }

    /// Like [`new`](Self::new), for these host names and addresses as well.
    ///
    /// # Errors
    /// If a key or a certificate cannot be generated, or a name is not ASCII.
    pub fn with_names(names: &[String]) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "identkit sandbox CA (this run only)");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = params.self_signed(&key).map_err(io::Error::other)?;
        let issuer = Issuer::new(params, key);

        let server_key = KeyPair::generate().map_err(io::Error::other)?;
        let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let names: Vec<String> = loopback.into_iter().chain(names.iter().cloned()).collect();
        let mut server = CertificateParams::new(names).map_err(io::Error::other)?;
        server.distinguished_name.push(DnType::CommonName, "identkit sandbox");
        server.use_authority_key_identifier_extension = true;
        let certificate = server.signed_by(&server_key, &issuer).map_err(io::Error::other)?;

        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        Ok(Self { pem: authority.pem(), der: authority.der().to_vec(), server: Arc::new(config) })
    }

    /// The authority's certificate in PEM, which clients must trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The authority's certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }
}
