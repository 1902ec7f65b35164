//! Pinned keys: the server's key must be one of them, in addition to the usual certificate checks.

use std::fmt;
use std::sync::Arc;

use identkit_core::{Error, Kind};
use identkit_wire::{decode_base64, encode_base64};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme, SupportedCipherSuite,
};

use crate::http::fault::ConnectFault;

/// The SHA-256 of a public key (SubjectPublicKeyInfo in DER), as in RFC 7469 and curl's `--pinnedpubkey`. It stays valid
/// if the certificate is renewed with the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Creates a pin from a SHA-256 digest.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Parses `sha256/<Base64>`, `sha256//<Base64>` or the Base64 alone.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if it is not the Base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let digest = text.strip_prefix("sha256/").unwrap_or(text);
        let read = |digest: &str| <[u8; 32]>::try_from(decode_base64(digest).ok()?.as_slice()).ok();
        // The Base64 itself may begin with a slash.
        read(digest).or_else(|| read(digest.strip_prefix('/')?)).map(Self).ok_or_else(|| {
            Error::new(
                Kind::InvalidInput,
                "not a valid pin: it must be sha256/ followed by the Base64 of the SHA-256 of a key",
            )
        })
    }

    /// Creates the pin of the key in a certificate, which is in DER.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if it is not a certificate.
    pub fn from_certificate(der: &[u8]) -> Result<Self, Error> {
        digest(&CertificateDer::from(der))
            .map(Self)
            .ok_or_else(|| Error::new(Kind::InvalidInput, "not a valid DER certificate"))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", encode_base64(&self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

fn digest(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    // The crypto provider's SHA-256 saves a dependency.
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else { return None };
    let hash = suite.common.hash_provider.hash(&parsed.subject_public_key_info());
    hash.as_ref().try_into().ok()
}

/// Verifies a certificate and then the pins. Only the key of the server's own certificate counts: other certificates that
/// the server sends need not belong to the trusted chain.
#[derive(Debug)]
pub(super) struct PinVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    pins: Vec<Pin>,
}

impl PinVerifier {
    pub(super) fn new(webpki: Arc<WebPkiServerVerifier>, pins: Vec<Pin>) -> Self {
        Self { webpki, pins }
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        if digest(end_entity).is_some_and(|key| self.pins.contains(&Pin(key))) {
            return Ok(verified);
        }
        let mismatch = OtherError(Arc::new(ConnectFault::PinMismatch));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(mismatch)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.webpki.root_hint_subjects()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_parsed_as_printed() {
        // The Base64 of the last one begins with a slash.
        for pin in [Pin::new([7; 32]), Pin::new([0xfc; 32]), Pin::new([0xff; 32])] {
            let digest = encode_base64(&pin.0);
            for text in [pin.to_string(), format!("sha256//{digest}"), digest] {
                assert_eq!(Pin::parse(&text).unwrap(), pin, "{text}");
            }
        }
        for bad in ["", "sha256/", "sha1/BwcHBwcHBwcHBwcHBwcHBwcHBwc=", "sha256/BwcH", "sha256/!"] {
            assert_eq!(Pin::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
        }
        assert!(Pin::from_certificate(b"no certificate").is_err());
    }
}
