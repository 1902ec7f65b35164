//! TLS settings as a value: bundled roots by default, the platform's on request, extra certificate authorities, a
//! client certificate, pinned keys, or a rustls configuration.

mod pin;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use identkit_core::{Error, Kind, Secret};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};

pub use self::pin::Pin;
use self::pin::Pinned;

/// How servers are authenticated, and the client to them. TLS 1.2 and 1.3.
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
        Self::builder().authorities(authorities).build()
    }

    /// Settings to put together, beginning with the bundled roots.
    pub fn builder() -> TlsBuilder {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        TlsBuilder { roots, authorities: Vec::new(), identity: None, pins: Vec::new() }
    }

    /// A configuration made by the user: other roots, client certificates, another provider of cryptography. Its
    /// ALPN protocols are taken out: HTTP/1.1 is spoken whatever the server offers.
    pub fn custom(mut config: ClientConfig) -> Self {
        config.alpn_protocols.clear();
        Self(config)
    }

    /// The configuration, and the count of servers that asked for a client certificate.
    pub(super) fn client(&self) -> (ClientConfig, Asked) {
        let asked = Asked::default();
        let mut config = self.0.clone();
        config.client_auth_cert_resolver =
            Arc::new(Listening { resolver: config.client_auth_cert_resolver, asked: Arc::clone(&asked) });
        (config, asked)
    }
}

/// A [`TlsConfig`] in the making.
#[derive(Debug)]
#[must_use]
pub struct TlsBuilder {
    roots: RootCertStore,
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    pins: Vec<Pin>,
}

impl TlsBuilder {
    /// Trusts what this machine trusts instead of the bundled roots. The files or stores are read at once;
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[cfg(feature = "platform-roots")]
    pub fn platform_roots(mut self) -> Self {
        self.roots = RootCertStore::empty();
        // A machine's store may well hold one that cannot be read; the others are trusted all the same.
        self.roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        self
    }

    /// Trusts the authorities given by [`authorities`](Self::authorities) only.
    pub fn without_roots(mut self) -> Self {
        self.roots = RootCertStore::empty();
        self
    }

    /// Trusts these authorities besides, in DER (see [`certificates`]).
    pub fn authorities(mut self, authorities: &[Vec<u8>]) -> Self {
        self.authorities.extend(authorities.iter().cloned().map(CertificateDer::from));
        self
    }

    /// Accepts only servers whose key is one of these, after the usual checks of their certificate. Pin a second key
    /// that is kept for the time after the first. Without any, no key is pinned.
    pub fn pins(mut self, pins: impl IntoIterator<Item = Pin>) -> Self {
        self.pins.extend(pins);
        self
    }

    /// Shows this certificate to servers that ask for one: the chain, its own certificate first, and the private key,
    /// both in PEM.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when there is no certificate or no private key. Whether the two belong together,
    /// [`build`](Self::build) tells.
    pub fn client_certificate(mut self, chain: &[u8], key: &Secret) -> Result<Self, Error> {
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().unwrap_or_default();
        if chain.is_empty() {
            return Err(Error::new(Kind::InvalidInput, "the client certificate is no certificate in PEM form"));
        }
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| Error::new(Kind::InvalidInput, "the client key is no unencrypted private key in PEM form"))?;
        self.identity = Some((chain, key));
        Ok(self)
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when an authority cannot be one, when nobody would be trusted, or when the client's
    /// certificate and key do not belong together or are of a kind that is not supported.
    pub fn build(self) -> Result<TlsConfig, Error> {
        let refuse = |detail: &'static str| Error::new(Kind::InvalidInput, detail);
        let mut roots = self.roots;
        for authority in self.authorities {
            roots.add(authority).map_err(|_| refuse("a certificate of the CA file cannot be used as an authority"))?;
        }
        if roots.is_empty() {
            return Err(refuse("no authority would be trusted: no root certificates were found"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| refuse("the TLS provider offers neither version 1.2 nor 1.3"))?;
        let verified = if self.pins.is_empty() {
            versions.with_root_certificates(roots)
        } else {
            let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|_| refuse("no authority would be trusted"))?;
            versions.dangerous().with_custom_certificate_verifier(Arc::new(Pinned::new(usual, self.pins)))
        };
        let config = match self.identity {
            None => verified.with_no_client_auth(),
            Some((chain, key)) => verified
                .with_client_auth_cert(chain, key)
                .map_err(|_| refuse("client certificate and key do not belong together, or are not supported"))?,
        };
        Ok(TlsConfig(config))
    }
}

/// How often servers asked for a client certificate: their refusal of a client without one is a mere "handshake
/// failure" in TLS 1.2.
pub(super) type Asked = Arc<AtomicU64>;

#[derive(Debug)]
struct Listening {
    resolver: Arc<dyn ResolvesClientCert>,
    asked: Asked,
}

impl ResolvesClientCert for Listening {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.resolver.resolve(hints, schemes)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.resolver.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.resolver.has_certs()
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
        assert!(TlsConfig::custom(config).client().0.alpn_protocols.is_empty());
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        for pem in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
            assert_eq!(certificates(pem).unwrap_err().kind(), Kind::InvalidInput);
        }
        assert!(TlsConfig::with_authorities(&[b"no certificate".to_vec()]).is_err());
        assert!(TlsConfig::bundled().is_ok());
    }

    #[test]
    fn settings_that_trust_nobody_are_refused() {
        assert_eq!(TlsConfig::builder().without_roots().build().unwrap_err().kind(), Kind::InvalidInput);
    }

    #[test]
    fn a_client_certificate_needs_its_own_key() {
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
