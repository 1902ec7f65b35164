//! The signatures, checked byte by byte.

use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use lopdf::{Document, Object};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{DerSignature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::asn1::OctetString;
use x509_cert::der::oid::db::rfc5911::ID_MESSAGE_DIGEST;
use x509_cert::der::{Decode as _, DecodePem as _, Encode as _};

use super::super::{SignatureMark, sample_contract, sign, signing_authority};
use super::files::{fixture, readable};
use super::mark;

fn verify(certificate: &Certificate, signed: &[u8], signature: &[u8]) {
    let key = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let key = VerifyingKey::from_sec1_bytes(key).unwrap();
    key.verify(signed, &DerSignature::try_from(signature).unwrap()).unwrap();
}

/// Checks the newest signature of a file with the certificate of the authority, and returns the signer's certificate.
fn check(file: &[u8]) -> Certificate {
    let find = |text: &[u8]| file.windows(text.len()).rposition(|window| window == text).unwrap() + text.len();
    let range = String::from_utf8_lossy(&file[find(b"/ByteRange[")..][..60]).into_owned();
    let range: Vec<usize> = range.split(']').next().unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    let [0, before, after, rest] = range[..] else { panic!("{range:?}") };
    assert_eq!((before, after + rest), (find(b"/Contents<") - 1, file.len()), "all bytes but the signature are signed");
    let hexadecimal = std::str::from_utf8(&file[before + 1..after - 1]).unwrap();
    let pairs = (0..hexadecimal.len()).step_by(2).map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap());
    let contents: Vec<u8> = pairs.collect();
    // Zeros follow the signature.
    let length = 4 + usize::from(u16::from_be_bytes([contents[2], contents[3]]));
    assert!(contents[length..].iter().all(|byte| *byte == 0));

    let data: SignedData = ContentInfo::from_der(&contents[..length]).unwrap().content.decode_as().unwrap();
    assert!(data.encap_content_info.econtent.is_none(), "the signature is detached");
    let info = data.signer_infos.0.get(0).unwrap();
    let attributes = info.signed_attrs.as_ref().unwrap();
    let digest = attributes.iter().find(|attribute| attribute.oid == ID_MESSAGE_DIGEST).unwrap();
    let digest: OctetString = digest.values.get(0).unwrap().decode_as().unwrap();
    assert_eq!(digest.as_bytes(), Sha256::digest([&file[..before], &file[after..]].concat()).as_slice());

    let authority = Certificate::from_pem(signing_authority().unwrap()).unwrap();
    let certificates = data.certificates.unwrap().0;
    let certificates = certificates.iter().map(|choice| match choice {
        cms::cert::CertificateChoices::Certificate(certificate) => certificate.clone(),
        other => panic!("{other:?}"),
    });
    let certificates: Vec<_> = certificates.collect();
    assert!(certificates.contains(&authority));
    let signer = certificates.into_iter().find(|certificate| *certificate != authority).unwrap();
    verify(&signer, &attributes.to_der().unwrap(), info.signature.as_bytes());
    verify(&authority, &signer.tbs_certificate().to_der().unwrap(), signer.signature().raw_bytes());
    signer
}

fn common_name(certificate: &Certificate) -> String {
    certificate.tbs_certificate().subject().common_name().unwrap().unwrap().value().into_owned()
}

#[test]
fn each_signature_is_valid() {
    for (_, original) in readable() {
        let once = sign(original, &mark()).unwrap();
        assert_eq!(common_name(&check(&once)), "Erika Köln");
        let other = SignatureMark { signer: "John Doe", ..mark() };
        assert_eq!(common_name(&check(&sign(&once, &other).unwrap())), "John Doe");
    }
    check(&sign(&fixture("empty-fields.pdf"), &SignatureMark { field: Some("Bank"), ..mark() }).unwrap());
}

#[test]
fn any_name_fits_the_certificate() {
    let long = "ł".repeat(500);
    for (signer, name) in [("", "unnamed signer"), ("中\u{7}\n,=+", "中\u{7}\n,=+"), (&long, &long[..128])] {
        let signed = sign(&sample_contract(), &SignatureMark { signer, ..mark() }).unwrap();
        assert_eq!(common_name(&check(&signed)), name);
    }
}

#[test]
fn signature_depends_on_the_input_only() {
    let signed = sign(&sample_contract(), &mark()).unwrap();
    assert_eq!(sign(&sample_contract(), &mark()).unwrap(), signed);
    let serial = |mark: &SignatureMark<'_>| {
        let signer = check(&sign(&sample_contract(), mark).unwrap());
        signer.tbs_certificate().serial_number().clone()
    };
    assert_ne!(serial(&mark()), serial(&SignatureMark { order_id: "99921269855041", ..mark() }));
}

#[test]
fn time_of_the_signature_is_that_of_the_clock() {
    for (unix_time, text) in [(1_535_957_520, "D:20180903065200Z"), (0, "D:19700101000000Z"), (-5, "D:19700101000000Z")]
    {
        let signed = sign(&sample_contract(), &SignatureMark { unix_time, ..mark() }).unwrap();
        let document = Document::load_mem(&signed).unwrap();
        let signature = document.objects.values().filter_map(|object| object.as_dict().ok());
        let signature = signature.into_iter().find(|dictionary| dictionary.has_type(b"Sig")).unwrap();
        assert_eq!(signature.get(b"M").and_then(Object::as_str).unwrap(), text.as_bytes());
    }
}

#[test]
fn certificate_of_the_authority_is_the_published_one() {
    assert_eq!(signing_authority().unwrap(), include_str!("../../signing-ca.pem"));
}
