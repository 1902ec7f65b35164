//! Reads certificates and keys from PEM files (RFC 7468).
//!
//! The reader of rustls skips what it does not know. Then a file with three authorities could count as one with two, so
//! every section that begins like a certificate must be readable.

use identkit_core::{Error, Kind, Secret};
use identkit_wire::text::decode;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const BEGIN: &str = "-----BEGIN ";

/// OpenSSL's name of a certificate that is followed by what it is trusted for.
const TRUSTED: &str = "TRUSTED CERTIFICATE-----";

/// The curve P-521 (secp521r1) in DER: its object identifier, 1.3.132.0.35.
const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];

/// Reads all certificates of a file. `what` names it in errors.
pub(super) fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let refuse = |rule: String| Error::new(Kind::InvalidInput, format!("{what} {rule}"));
    if pem.starts_with(&[0x30]) {
        return Err(refuse(
            "is DER, not PEM: convert it with `openssl x509 -inform DER -in FILE -out FILE.pem`".into(),
        ));
    }
    let text = decode(pem).map_err(|fault| refuse(fault.to_string()))?;
    let (mut lines, mut trusted) = (String::with_capacity(text.len()), Vec::new());
    for line in text.lines().map(str::trim) {
        let label = line.strip_prefix(BEGIN).filter(|label| label.ends_with("CERTIFICATE-----"));
        if let Some(label) = label {
            trusted.push(label == TRUSTED);
        }
        let plain = ["TRUSTED ", "X509 "]
            .iter()
            .fold(line.to_owned(), |line, word| line.replace(&format!("{word}CERTIFICATE-----"), "CERTIFICATE-----"));
        lines.push_str(&plain);
        lines.push('\n');
    }
    let begun = text.matches(BEGIN).count();
    if begun != lines.lines().filter(|line| line.starts_with(BEGIN)).count() {
        return Err(refuse(format!("must have each {BEGIN}… on a line of its own")));
    }
    if trusted.is_empty() {
        let found = match () {
            () if text.contains("PRIVATE KEY-----") => ", but a private key",
            () if text.contains("PKCS7-----") => {
                ", but PKCS #7: convert it with `openssl pkcs7 -print_certs -in FILE -out FILE.pem`"
            }
            () => "",
        };
        return Err(refuse(format!("does not contain a PEM certificate (-----BEGIN CERTIFICATE-----){found}")));
    }
    let mut certificates = Vec::with_capacity(trusted.len());
    let mut sections = CertificateDer::pem_slice_iter(lines.as_bytes());
    for (number, trusted) in (1..).zip(trusted) {
        let damaged = || refuse(format!("is damaged: certificate {number} in it cannot be read"));
        let certificate = sections.next().and_then(Result::ok).ok_or_else(damaged)?;
        certificates.push(match trusted {
            true => first_element(&certificate).map(|der| der.to_vec().into()).ok_or_else(damaged)?,
            false => certificate,
        });
    }
    Ok(certificates)
}

/// Reads the private key of a client certificate.
pub(super) fn private_key(pem: &Secret) -> Result<PrivateKeyDer<'static>, Error> {
    let refuse = |rule: &str| Error::new(Kind::InvalidInput, format!("the client key {rule}"));
    let text = decode(pem.expose().as_bytes()).map_err(|fault| refuse(&fault.to_string()))?;
    let lines = Secret::new(text.lines().flat_map(|line| [line.trim(), "\n"]).collect::<String>());
    let key = PrivateKeyDer::from_pem_slice(lines.expose().as_bytes()).map_err(|_| {
        let encrypted = text.contains("ENCRYPTED");
        refuse(match encrypted {
            true => "is encrypted: decrypt it with `openssl pkey -in KEY -out KEY.pem`",
            false => "is not an unencrypted PEM private key (-----BEGIN PRIVATE KEY-----)",
        })
    })?;
    let is_p521 = |der: &[u8]| der.windows(P521.len()).any(|window| window == P521);
    if is_p521(key.secret_der()) {
        return Err(refuse(
            "has the curve P-521, which is not supported: create a key on P-256 with `openssl genpkey -algorithm EC \
             -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem`, and a certificate for it",
        ));
    }
    Ok(key)
}

/// The first element of DER (X.690, section 8.1).
fn first_element(der: &[u8]) -> Option<&[u8]> {
    let (head, length) = match *der {
        [_, short, ..] if short < 0x80 => (2, usize::from(short)),
        [_, 0x81, a, ..] => (3, usize::from(a)),
        [_, 0x82, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
        _ => return None,
    };
    der.get(..head + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
    }

    #[test]
    fn every_certificate_of_a_file_is_read() {
        let (one, two) = (made("one"), made("two"));
        let both = format!("text\n{}{}", one.cert.pem(), two.cert.pem());
        let indented = both.lines().flat_map(|line| ["  ", line, " \r\n"]).collect::<String>();
        for (name, pem) in [
            ("plain", both.clone().into_bytes()),
            ("BOM", [b"\xef\xbb\xbf", one.cert.pem().as_bytes(), two.cert.pem().as_bytes()].concat()),
            ("X509", both.replace(" CERTIFICATE", " X509 CERTIFICATE").into_bytes()),
            ("indented", indented.into_bytes()),
        ] {
            let read = certificates(&pem, "the file").unwrap();
            assert_eq!(read, [one.cert.der().clone(), two.cert.der().clone()], "{name}");
        }
    }

    #[test]
    fn a_trusted_certificate_is_read_without_its_trust() {
        for short in [false, true] {
            let one = made("one");
            // A short element, as no certificate is, has a length of one byte.
            let certificate = if short { vec![0x30, 1, 7] } else { one.cert.der().to_vec() };
            let encoded = identkit_wire::encode_base64(&[certificate.as_slice(), &[0x30, 2, 0x0c, 0]].concat());
            let pem = format!("-----BEGIN TRUSTED CERTIFICATE-----\n{encoded}\n-----END TRUSTED CERTIFICATE-----\n");
            assert_eq!(certificates(pem.as_bytes(), "the file").unwrap()[0].as_ref(), certificate);
        }
        let cut = "-----BEGIN TRUSTED CERTIFICATE-----\nMIIBAA==\n-----END TRUSTED CERTIFICATE-----\n";
        assert!(certificates(cut.as_bytes(), "the file").is_err());
    }

    #[test]
    fn a_file_of_which_a_part_cannot_be_read_is_rejected() {
        let one = made("one");
        let pem = one.cert.pem();
        let utf_16: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (content, words) in [
            (b"".to_vec(), "does not contain a PEM certificate"),
            (b"hello".to_vec(), "does not contain a PEM certificate"),
            (one.signing_key.serialize_pem().into_bytes(), "but a private key"),
            (b"-----BEGIN PKCS7-----\n".to_vec(), "openssl pkcs7"),
            (one.cert.der().to_vec(), "is DER, not PEM"),
            (utf_16, "is UTF-16: save it as UTF-8"),
            ([pem.as_bytes(), b"\xff"].concat(), "is not UTF-8"),
            (format!("{pem}x{pem}").into_bytes(), "on a line of its own"),
            (
                format!("{pem}-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n").into_bytes(),
                "certificate 2",
            ),
            (format!("{pem}-----BEGIN CERTIFICATE-----\nMAA=\n").into_bytes(), "certificate 2"),
            (format!("{pem}-----BEGIN CERTIFICATE-----\n{pem}").into_bytes(), "is damaged"),
        ] {
            let error = certificates(&content, "the file").unwrap_err();
            assert!(error.detail().starts_with("the file ") && error.detail().contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_used_is_named() {
        let key = made("one").signing_key.serialize_pem();
        for good in [key.clone(), format!("\u{feff}{key}"), format!("  {}", key.replace('\n', "\r\n  "))] {
            assert!(private_key(&Secret::new(good)).is_ok());
        }
        // `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521`
        let p521 = include_str!("pem/p521.key");
        let encrypted = key.replace(" PRIVATE", " ENCRYPTED PRIVATE");
        for (pem, words) in
            [(p521, "P-521, which is not supported"), (&*encrypted, "openssl pkey"), ("no key", "is not an")]
        {
            let error = private_key(&Secret::new(pem)).unwrap_err();
            assert!(error.detail().starts_with("the client key ") && error.detail().contains(words), "{error}");
            assert!(!format!("{error:?}").contains(pem));
        }
    }
}
