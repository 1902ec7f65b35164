//! Detached signatures in the Cryptographic Message Syntax (RFC 5652), with the attributes that PAdES requires
//! (ETSI EN 319 142-1, chapter 6).

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest as _, Sha256};
use x509_cert::attr::Attribute;
use x509_cert::der::asn1::{OctetString, SetOfVec};
use x509_cert::der::oid::db::rfc5911::{
    ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST, ID_SIGNED_DATA,
};
use x509_cert::der::oid::db::rfc5912::{ECDSA_WITH_SHA_256, ID_SHA_256};
use x509_cert::der::{Any, Encode as _, Result};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::certificates::Identity;

/// Returns the DER encoding of the signature of data with this SHA-256 digest. It contains both certificates.
pub(crate) fn detached_signature(digest: &[u8], signer: &Identity, authority: &Identity) -> Result<Vec<u8>> {
    let certificate = &signer.certificate;
    let hash = OctetString::new(Sha256::digest(certificate.to_der()?).as_slice())?;
    let attributes = [
        (ID_CONTENT_TYPE, Any::encode_from(&ID_DATA)?),
        (ID_MESSAGE_DIGEST, Any::encode_from(&OctetString::new(digest)?)?),
        // SigningCertificateV2 { certs { ESSCertIDv2 { certHash } } }, RFC 5035: three nested sequences.
        (ID_AA_SIGNING_CERTIFICATE_V_2, Any::encode_from(&vec![vec![vec![hash]]])?),
    ];
    let mut signed_attributes = SetOfVec::new();
    for (oid, value) in attributes {
        signed_attributes.insert(Attribute { oid, values: SetOfVec::try_from(vec![value])? })?;
    }
    let signature: DerSignature = signer.key.sign(&signed_attributes.to_der()?);
    let algorithm = |oid| AlgorithmIdentifierOwned { oid, parameters: None };
    let info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: certificate.tbs_certificate().issuer().clone(),
            serial_number: certificate.tbs_certificate().serial_number().clone(),
        }),
        digest_alg: algorithm(ID_SHA_256),
        signed_attrs: Some(signed_attributes),
        signature_algorithm: algorithm(ECDSA_WITH_SHA_256),
        signature: OctetString::new(signature.as_bytes())?,
        unsigned_attrs: None,
    };
    let certificates =
        [signer, authority].map(|identity| CertificateChoices::Certificate(identity.certificate.clone()));
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![algorithm(ID_SHA_256)])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: None },
        certificates: Some(CertificateSet::try_from(certificates.to_vec())?),
        crls: None,
        signer_infos: SignerInfos::try_from(vec![info])?,
    };
    ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&data)? }.to_der()
}
