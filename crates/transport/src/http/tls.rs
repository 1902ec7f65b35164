//! TLS settings as a value: bundled roots by default, extra certificate authorities, or a rustls configuration.

use std::fmt;
use std::sync::Arc;

use identkit_core::{Error, Kind};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// How servers are authenticated. TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct TlsConfig(ClientConfig);

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConfig")
    }
}

impl TlsConfig {
    /// Trusts the bundled roots of the Mozilla programme.
    ///
    /// # Errors
    /// As [`with_authorities`](Self::with_authorities).
    pub fn bundled() -> Result<Self, Error> {
        Self::with_authorities(&[])
    }

    /// Trusts the bundled roots and these authorities besides, in DER (see [`certificates`]).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when one of them cannot be an authority.
    pub fn with_authorities(authorities: &[Vec<u8>]) -> Result<Self, Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in authorities {
            roots.add(CertificateDer::from(authority.as_slice())).map_err(|_| {
                Error::new(Kind::InvalidInput, "a certificate of the CA file cannot be used as an authority")
            })?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::new(Kind::InvalidInput, "the TLS provider offers neither version 1.2 nor 1.3"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(config))
    }

    /// A configuration made by the user: other roots, client certificates, another provider of cryptography. Its
    /// ALPN protocols are taken out: HTTP/1.1 is spoken whatever the server offers.
    pub fn custom(mut config: ClientConfig) -> Self {
        config.alpn_protocols.clear();
        Self(config)
    }

    pub(super) fn client(&self) -> ClientConfig {
        self.0.clone()
    }
}

/// The certificates of a PEM text, in DER.
///
/// # Errors
/// [`Kind::InvalidInput`] when there is none, or one is broken.
pub fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let broken = || Error::new(Kind::InvalidInput, "the CA file holds no certificate in PEM form");
    let found = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|der| der.as_ref().to_vec()).map_err(|_| broken()))
        .collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err(broken()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_with_protocols_of_its_own_is_accepted() {
        let mut config = TlsConfig::bundled().unwrap().0;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let _ = crate::http::HyperTransport::new(&TlsConfig::custom(config));
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        for pem in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
            assert_eq!(certificates(pem).unwrap_err().kind(), Kind::InvalidInput);
        }
        assert!(TlsConfig::with_authorities(&[b"no certificate".to_vec()]).is_err());
        assert!(TlsConfig::bundled().is_ok());
    }
}
