//! Results in a form that the document does not describe: encrypted (AT-70) or signed (AT-71).

use identkit_core::{Error, Kind, Secret};
use identkit_wire::{is_reason, json, trim_body};
use serde_json::{Map, Value};

use super::{check_named_order, is_order_id};
use crate::OrderId;
use crate::messages::IdentDataAnswer;

/// Minimum length of an encrypted text. A shorter one is a word.
const SHORTEST: usize = 16;

/// Minimum length of a line of encoded data below a title.
const LONG: usize = 40;

/// First bytes of files that anyone can read: PNG, JPEG, GIF, PDF, RIFF, gzip, WebM, Ogg, MP3, FLAC, bzip2, xz, Zstandard,
/// 7-Zip, TIFF, an Office document.
const PLAIN: [&[u8]; 17] = [
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF-",
    b"RIFF",
    b"\x1f\x8b",
    b"\x1a\x45\xdf\xa3",
    b"OggS",
    b"ID3",
    b"fLaC",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf",
    b"II*\0",
    b"MM\0*",
    b"\xd0\xcf\x11\xe0",
];

/// Name of the first box of an MP4, at the fifth byte.
const MP4: &[u8] = b"ftyp";

/// Minimum length of encrypted bytes that are a text in UTF-8: a block of the ciphers with the shortest blocks.
const BLOCK: usize = 8;

/// First bytes of a ZIP archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// Whether a body is a ZIP archive whose first entry is not encrypted (APPNOTE, section 4.4.4: bit 0).
fn is_plain_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) && bytes.get(6).is_none_or(|flags| flags & 1 == 0)
}

/// Checks that a body does not name another order.
pub(super) fn check_order(order_id: &OrderId, bytes: &[u8]) -> Result<(), Error> {
    check_named_order(order_id, &json::read::<Map<String, Value>>(bytes).unwrap_or_default())
}

/// Checks that a body can be an encrypted result of this order (AT-70). `detail` is the error if it cannot be one.
pub(super) fn check_encrypted(order_id: &OrderId, bytes: &[u8], detail: &'static str) -> Result<(), Error> {
    check_order(order_id, bytes)?;
    let is_encrypted = !is_plain_file(bytes)
        && match as_text(bytes) {
            Some(text) => has_encoded_data(text),
            None => is_binary(bytes),
        };
    if is_encrypted { Ok(()) } else { Err(Error::new(Kind::Protocol, detail)) }
}

/// Reads the signed form: the value of a JSON string, otherwise the text. The form is sent again as a text, so bytes that
/// are not a text in UTF-8 are not the form (AT-71).
///
/// # Errors
/// Why the bytes are not the form, as the end of a sentence.
pub(super) fn read_signed(bytes: &[u8]) -> Result<Secret, &'static str> {
    // JSON can have white space and a byte order mark before it.
    let text = match trim_body(bytes).first() {
        Some(b'"') => json::read::<Secret>(bytes).ok(),
        _ => None,
    };
    let text = match text {
        Some(text) => text,
        None => Secret::new(std::str::from_utf8(bytes).map_err(|_| "is not the signed form: it is not UTF-8")?),
    };
    if text.expose().trim().is_empty() {
        return Err("is empty");
    }
    if as_text(text.expose().as_bytes()).is_none() {
        return Err("is not the signed form: it has control characters, or characters that were lost");
    }
    match !is_plain_file(bytes) && as_text(bytes).is_some_and(has_encoded_data) {
        true => Ok(text),
        false => Err("is not the signed form: it has no encoded or encrypted data"),
    }
}

/// Whether a body is a file that anyone can read.
fn is_plain_file(bytes: &[u8]) -> bool {
    PLAIN.iter().any(|magic| bytes.starts_with(magic)) || bytes.get(4..8) == Some(MP4) || is_plain_zip(bytes)
}

/// The text of a body in UTF-8 without control characters other than line breaks and tabs, and without the mark of a lost
/// character. `None` for another body.
fn as_text(bytes: &[u8]) -> Option<&str> {
    let is_odd = |c: char| (c.is_control() && !matches!(c, '\t' | '\r' | '\n')) || c == '\u{fffd}';
    std::str::from_utf8(trim_body(bytes)).ok().filter(|text| !text.contains(is_odd))
}

/// Whether bytes can be encrypted data: a structure of ASN.1, e.g. of CMS, or at least one block with a byte that no text
/// has in any encoding.
fn is_binary(bytes: &[u8]) -> bool {
    let is_asn_1 = matches!(bytes, [0x30, 0x80..=0x84, _, ..]);
    let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let has_control = narrow.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    let is_long = narrow.len() >= BLOCK || std::str::from_utf8(bytes).is_err();
    is_asn_1 || (is_long && has_control && !is_utf_16(bytes))
}

/// Whether bytes are a text in UTF-16, at least half of it in ASCII.
fn is_utf_16(bytes: &[u8]) -> bool {
    let is_text = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|pair| Some(unit(*pair.first_chunk()?))).collect();
        let mut ascii = 0;
        let is_valid = char::decode_utf16(units.iter().copied()).all(|c| {
            let c = c.unwrap_or('\0');
            ascii += usize::from(c.is_ascii());
            !c.is_control() || c.is_ascii_whitespace()
        });
        is_valid && ascii * 2 >= units.len()
    };
    bytes.len().is_multiple_of(2) && (is_text(u16::from_le_bytes) || is_text(u16::from_be_bytes))
}

/// Whether a text has data that can be encrypted, and is neither the plain result nor an error.
fn has_encoded_data(text: &str) -> bool {
    match text.as_bytes() {
        [b'{' | b'[' | b'"', ..] => json::read::<Value>(text.as_bytes()).is_ok_and(|value| has_ciphertext(&value)),
        _ => is_ciphertext(text),
    }
}

/// Whether a value has a text that can be encrypted, and is neither the plain result nor an error.
fn has_ciphertext(value: &Value) -> bool {
    let is_listed = |name: &str| IdentDataAnswer::KEYS.iter().any(|listed| name.eq_ignore_ascii_case(listed));
    match value {
        Value::String(text) => as_text(text.as_bytes()).is_some_and(|text| is_ciphertext(text.trim())),
        Value::Array(many) => many.iter().any(has_ciphertext),
        Value::Object(members) => {
            let mut others = members.iter().filter(|(name, _)| !is_order_id(name));
            !others.clone().any(|(name, value)| is_listed(name) || is_reason(name, value))
                && others.any(|(_, value)| has_ciphertext(value))
        }
        _ => false,
    }
}

/// Whether a text is PEM, XML with a ciphertext or a signature, or has lines without blanks, e.g. of Base64, maybe below a title.
fn is_ciphertext(text: &str) -> bool {
    if text.starts_with('<') {
        return text.contains("CipherValue") || text.contains("SignatureValue");
    }
    let is_word = |line: &str| !line.trim().contains(char::is_whitespace);
    text.starts_with("-----BEGIN ")
        || (text.len() >= SHORTEST && text.lines().all(is_word))
        || text.lines().any(|line| line.trim().len() >= LONG && is_word(line))
}
