//! Pinned keys: a server must show one of them, besides a certificate that is trusted.

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

use crate::http::fault::{ConnectError, ConnectFault};

/// The SHA-256 of a public key as a certificate holds it (its SubjectPublicKeyInfo in DER), as RFC 7469 and curl
/// (`--pinnedpubkey`) have it. It outlives a renewal of the certificate with the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Of these 32 bytes.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Reads `sha256/<Base64>`, with one slash or two, or the Base64 alone.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when it is not the Base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let digest = text.strip_prefix("sha256/").unwrap_or(text);
        let read = |digest: &str| <[u8; 32]>::try_from(decode_base64(digest).ok()?.as_slice()).ok();
        // A digest may begin with a slash itself: only what is one without another is written with two.
        read(digest).or_else(|| read(digest.strip_prefix('/')?)).map(Self).ok_or_else(|| {
            Error::new(Kind::InvalidInput, "a pin is sha256/ and the Base64 of the 32 bytes of a key's SHA-256")
        })
    }

    /// The pin of the key of a certificate in DER.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when it is no certificate.
    pub fn of_certificate(der: &[u8]) -> Result<Self, Error> {
        digest(&CertificateDer::from(der))
            .map(Self)
            .ok_or_else(|| Error::new(Kind::InvalidInput, "this is no certificate whose key could be pinned"))
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
    // SHA-256 as the provider of cryptography has it anyway.
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else { return None };
    let hash = suite.common.hash_provider.hash(&parsed.subject_public_key_info());
    hash.as_ref().try_into().ok()
}

/// The usual checks, and then the pins. Only the server's own key counts: what else it sends is not proved to belong
/// to the chain that is trusted.
#[derive(Debug)]
pub(super) struct Pinned {
    usual: Arc<WebPkiServerVerifier>,
    pins: Vec<Pin>,
}

impl Pinned {
    pub(super) fn new(usual: Arc<WebPkiServerVerifier>, pins: Vec<Pin>) -> Self {
        Self { usual, pins }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        if digest(end_entity).is_some_and(|key| self.pins.contains(&Pin(key))) {
            return Ok(verified);
        }
        let mismatch = ConnectError::new(ConnectFault::PinMismatch, ConnectFault::PinMismatch.text());
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(mismatch)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.usual.root_hint_subjects()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_reads_what_it_writes_and_nothing_else() {
        // Of 64 digests one begins with a slash, which is none of those before it.
        for pin in [Pin::new([7; 32]), Pin::new([0xfc; 32]), Pin::new([0xff; 32])] {
            let digest = encode_base64(&pin.0);
            for text in [pin.to_string(), format!("sha256//{digest}"), digest] {
                assert_eq!(Pin::parse(&text).unwrap(), pin, "{text}");
            }
        }
        for bad in ["", "sha256/", "sha1/BwcHBwcHBwcHBwcHBwcHBwcHBwc=", "sha256/BwcH", "sha256/!"] {
            assert_eq!(Pin::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
        }
        assert!(Pin::of_certificate(b"no certificate").is_err());
    }
}
