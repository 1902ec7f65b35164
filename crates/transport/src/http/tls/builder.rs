//! Builds TLS settings with the bundled crypto provider and roots.

use std::sync::Arc;

use identkit_core::{Error, Kind, Secret};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::TlsConfig;
use super::pem;
use super::pin::{Pin, PinVerifier};

impl TlsConfig {
    /// Trusts Mozilla's root certificates, which are bundled.
    ///
    /// # Errors
    /// As [`TlsBuilder::build`].
    pub fn bundled() -> Result<Self, Error> {
        Self::with_authorities(&[])
    }

    /// Trusts the bundled roots and additional authorities, in DER (see [`certificates`]).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if a certificate cannot be used as an authority.
    pub fn with_authorities(authorities: &[Vec<u8>]) -> Result<Self, Error> {
        Self::builder().authorities(authorities).build()
    }

    /// Returns a builder that trusts the bundled roots.
    pub fn builder() -> TlsBuilder {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        TlsBuilder { roots, authorities: Vec::new(), identity: None, pins: Vec::new() }
    }
}

/// A builder for [`TlsConfig`].
#[derive(Debug)]
#[must_use]
pub struct TlsBuilder {
    roots: RootCertStore,
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    pins: Vec<Pin>,
}

impl TlsBuilder {
    /// Trusts the machine's roots instead of the bundled ones. They are read now, from the system's store or from
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`. Unreadable certificates are skipped.
    #[cfg(feature = "platform-roots")]
    pub fn platform_roots(mut self) -> Self {
        self.roots = RootCertStore::empty();
        self.roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        self
    }

    /// Trusts only the [`authorities`](Self::authorities).
    pub fn without_roots(mut self) -> Self {
        self.roots = RootCertStore::empty();
        self
    }

    /// Trusts additional authorities, in DER (see [`certificates`]).
    pub fn authorities(mut self, authorities: &[Vec<u8>]) -> Self {
        self.authorities.extend(authorities.iter().cloned().map(CertificateDer::from));
        self
    }

    /// Accepts only servers whose key is one of the pins. The usual certificate checks still apply. Pin the server's next
    /// key as well, so that it can change its key. Without pins, every key is accepted.
    pub fn pins(mut self, pins: impl IntoIterator<Item = Pin>) -> Self {
        self.pins.extend(pins);
        self
    }

    /// Sets the client certificate, for servers that request one: the chain, beginning with the client's own certificate,
    /// and the private key, both in PEM.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the certificate or an unencrypted private key is missing, or if a certificate of the chain
    /// cannot be read. [`build`](Self::build) checks whether they match.
    pub fn client_certificate(mut self, chain: &[u8], key: &Secret) -> Result<Self, Error> {
        let (chain, key) = (pem::certificates(chain, "the client certificate")?, pem::private_key(key)?);
        // rustls reads only the first certificate: the server would reject the handshake for a damaged one.
        for (number, certificate) in (1..).zip(&chain) {
            RootCertStore::empty().add(certificate.clone()).map_err(|_| {
                let detail = format!("the client certificate is damaged: certificate {number} in it cannot be read");
                Error::new(Kind::InvalidInput, detail)
            })?;
        }
        self.identity = Some((chain, key));
        Ok(self)
    }

    /// Builds the settings.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if a certificate cannot be used as an authority, if no authority is trusted, or if the client
    /// certificate and key do not match or are not supported.
    pub fn build(self) -> Result<TlsConfig, Error> {
        let refuse = |detail: &'static str| Error::new(Kind::InvalidInput, detail);
        let mut roots = self.roots;
        for (number, authority) in (1..).zip(self.authorities) {
            roots.add(authority).map_err(|_| {
                let detail = format!("certificate {number} of the CA file cannot be used as an authority");
                Error::new(Kind::InvalidInput, detail)
            })?;
        }
        if roots.is_empty() {
            return Err(refuse("no trusted authority: the root certificates are missing"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| refuse("the TLS provider offers neither version 1.2 nor 1.3"))?;
        let verified = if self.pins.is_empty() {
            versions.with_root_certificates(roots)
        } else {
            let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|_| refuse("no trusted authority"))?;
            versions.dangerous().with_custom_certificate_verifier(Arc::new(PinVerifier::new(webpki, self.pins)))
        };
        let config = match self.identity {
            None => verified.with_no_client_auth(),
            Some((chain, key)) => verified
                .with_client_auth_cert(chain, key)
                .map_err(|_| refuse("the client certificate and key do not match, or are not supported"))?,
        };
        Ok(TlsConfig(config))
    }
}

/// Reads certificates from PEM, with the labels `CERTIFICATE`, `X509 CERTIFICATE` or `TRUSTED CERTIFICATE`. A byte order
/// mark is ignored. Returns them in DER.
///
/// # Errors
/// [`Kind::InvalidInput`] if the file contains no certificate, or one that cannot be read.
pub fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    Ok(pem::certificates(pem, "the CA file")?.into_iter().map(|certificate| certificate.to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_protocols_of_a_custom_configuration_are_removed() {
        let mut config = TlsConfig::bundled().unwrap().0;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        assert!(TlsConfig::custom(config).client().0.alpn_protocols.is_empty());
    }

    #[test]
    fn a_file_without_certificates_is_rejected() {
        for pem in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
            assert_eq!(certificates(pem).unwrap_err().kind(), Kind::InvalidInput);
        }
        assert!(TlsConfig::with_authorities(&[b"no certificate".to_vec()]).is_err());
        assert!(TlsConfig::bundled().is_ok());
    }

    #[test]
    fn settings_without_authorities_are_rejected() {
        assert_eq!(TlsConfig::builder().without_roots().build().unwrap_err().kind(), Kind::InvalidInput);
    }

    #[test]
    fn a_client_certificate_needs_its_key() {
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("one"), made("other"));
        let key = |made: &rcgen::CertifiedKey<rcgen::KeyPair>| Secret::new(made.signing_key.serialize_pem());
        let with = |chain: &str, key: &Secret| TlsConfig::builder().client_certificate(chain.as_bytes(), key);
        assert!(with(&one.cert.pem(), &key(&one)).unwrap().build().is_ok());
        assert!(with(&one.cert.pem(), &key(&other)).unwrap().build().is_err());
        assert_eq!(with("nothing", &key(&one)).unwrap_err().kind(), Kind::InvalidInput);
        let failed = with(&one.cert.pem(), &Secret::new("no key")).unwrap_err();
        assert!(!format!("{failed} {failed:?}").contains("no key at all"));
        assert_eq!(failed.kind(), Kind::InvalidInput);
    }
}
