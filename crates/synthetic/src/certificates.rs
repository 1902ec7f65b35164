//! The sandbox's own certificate authority for signatures.
//!
//! Its private keys are computed from constants, so a signature proves nothing outside a test. In return, the same
//! input gives the same signature, and the authority's certificate is the same in every sandbox.

use std::sync::LazyLock;
use std::time::Duration;

use p256::ecdsa::{DerSignature, SigningKey};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder, Result};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{GeneralizedTime, ObjectIdentifier, UtcTime, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
use x509_cert::der::oid::db::rfc5280::ID_KP_EMAIL_PROTECTION;
use x509_cert::der::pem::LineEnding;
use x509_cert::der::referenced::OwnedToRef as _;
use x509_cert::der::{self, DateTime, Decode as _, Encode as _, EncodePem as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use super::error::Error;

const AUTHORITY: &str = "identkit sandbox signing CA";
const ORGANIZATION: &str = "identkit sandbox - for tests only, no legal effect";
/// Name in a certificate whose signer has no name.
const UNNAMED: &str = "unnamed signer";
/// Maximum length of a common name in characters, RFC 5280 appendix A.1.
const MAX_COMMON_NAME: usize = 64;
/// `id-kp-documentSigning`, RFC 9336.
const DOCUMENT_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36");

/// A private key and its certificate.
pub(crate) struct Identity {
    pub(crate) key: SigningKey,
    pub(crate) certificate: Certificate,
}

/// Returns the authority, which issues the certificates of all signers.
pub(crate) fn authority() -> std::result::Result<&'static Identity, Error> {
    static AUTHORITY_IDENTITY: LazyLock<Option<Identity>> = LazyLock::new(|| {
        let key = key(AUTHORITY)?;
        let certificate = issue(AUTHORITY, &[1], &key, &key, true).ok()?;
        Some(Identity { key, certificate })
    });
    AUTHORITY_IDENTITY.as_ref().ok_or(Error::Encoding)
}

/// Returns the certificate of the authority that issues the certificates of all signers, as PEM.
///
/// It is always the same. Its private key is public: trust it in tests only.
///
/// # Errors
/// [`Error::Encoding`] if the certificate cannot be encoded, which does not depend on the input.
pub fn signing_authority() -> std::result::Result<String, Error> {
    authority()?.certificate.to_pem(LineEnding::LF).map_err(|_| Error::Encoding)
}

/// Returns the key and the certificate of a signer. `context` distinguishes certificates of signers with the same name.
pub(crate) fn signer(name: &str, context: &[&str]) -> std::result::Result<Identity, Error> {
    let key = key("identkit sandbox signer").ok_or(Error::Encoding)?;
    let mut digest = Sha256::new();
    for part in [&[name], context].concat() {
        digest.update(part);
        digest.update([0]);
    }
    // The first byte keeps the number positive, RFC 5280 section 4.1.2.2.
    let serial: Vec<u8> = std::iter::once(0x40).chain(digest.finalize()).take(16).collect();
    let name = if name.is_empty() { UNNAMED } else { name };
    let certificate = issue(name, &serial, &key, &authority()?.key, false).map_err(|_| Error::Encoding)?;
    Ok(Identity { key, certificate })
}

/// Returns the key that belongs to a label.
fn key(label: &str) -> Option<SigningKey> {
    SigningKey::from_slice(&Sha256::digest(label)).ok()
}

fn issue(
    subject: &str,
    serial: &[u8],
    key: &SigningKey,
    issuer: &SigningKey,
    is_authority: bool,
) -> Result<Certificate> {
    let names = Names { subject: name(subject)?, issuer: name(AUTHORITY)? };
    let public = SubjectPublicKeyInfo::from_key(key.verifying_key())?;
    let issuer_public = SubjectPublicKeyInfo::from_key(issuer.verifying_key())?;
    let subject_id = SubjectKeyIdentifier::try_from(public.owned_to_ref())?;
    let issuer_id = SubjectKeyIdentifier::try_from(issuer_public.owned_to_ref())?;
    let usage = if is_authority {
        KeyUsages::KeyCertSign | KeyUsages::CRLSign
    } else {
        KeyUsages::DigitalSignature | KeyUsages::NonRepudiation
    };
    let mut builder = CertificateBuilder::new(names, SerialNumber::new(serial)?, validity()?, public)?;
    builder.add_extension(&BasicConstraints { ca: is_authority, path_len_constraint: is_authority.then_some(0) })?;
    builder.add_extension(&KeyUsage(usage))?;
    // A program that trusts the authority must not accept its certificates for servers.
    builder.add_extension(&ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION, DOCUMENT_SIGNING]))?;
    builder.add_extension(&subject_id)?;
    builder.add_extension(&AuthorityKeyIdentifier { key_identifier: Some(issuer_id.0), ..Default::default() })?;
    builder.build::<_, DerSignature>(issuer)
}

fn name(common_name: &str) -> der::Result<Name> {
    let common_name: String = common_name.chars().take(MAX_COMMON_NAME).collect();
    let mut sequence = RdnSequence::default();
    for (oid, text) in [(ORGANIZATION_NAME, ORGANIZATION), (COMMON_NAME, &common_name)] {
        let mut part = RelativeDistinguishedName::default();
        part.insert(AttributeTypeAndValue { oid, value: Utf8StringRef::new(text)?.into() })?;
        sequence.push(part);
    }
    Name::from_der(&sequence.to_der()?)
}

/// Returns all times that a clock of the sandbox can show.
fn validity() -> der::Result<Validity> {
    let begin = UtcTime::from_unix_duration(Duration::ZERO)?;
    let end = GeneralizedTime::from_date_time(DateTime::INFINITY);
    Ok(Validity::new(Time::UtcTime(begin), Time::GeneralTime(end)))
}

/// Subject and issuer of a certificate. [`issue`] adds all extensions.
struct Names {
    subject: Name,
    issuer: Name,
}

impl BuilderProfile for Names {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}
