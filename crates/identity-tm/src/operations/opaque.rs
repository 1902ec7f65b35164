//! Results in a form that the document does not describe: encrypted (AT-70) or signed (AT-71).

use identkit_core::{Error, Kind};
use identkit_wire::{is_reason, json, trim_body};
use serde_json::{Map, Value};

use super::{check_named_order, is_order_id};
use crate::OrderId;
use crate::messages::IdentDataAnswer;

/// Minimum length of an encrypted text. A shorter one is a word.
const SHORTEST: usize = 16;

/// Minimum length of a line of encoded data below a title.
const LONG: usize = 40;

/// First bytes of files that anyone can read: PNG, JPEG, GIF, PDF, RIFF, gzip.
const PLAIN: [&[u8]; 6] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"RIFF", b"\x1f\x8b\x08"];

/// First bytes of a ZIP archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// Whether a body is a ZIP archive whose first entry is not encrypted (APPNOTE, section 4.4.4: bit 0).
fn is_plain_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) && bytes.get(6).is_none_or(|flags| flags & 1 == 0)
}

/// Checks that a body can be an encrypted or signed result of this order. `detail` is the error if it cannot be one.
pub(super) fn check_opaque(order_id: &OrderId, bytes: &[u8], detail: &'static str) -> Result<(), Error> {
    check_named_order(order_id, &json::read::<Map<String, Value>>(bytes).unwrap_or_default())?;
    match is_opaque(bytes) {
        true => Ok(()),
        false => Err(Error::new(Kind::Protocol, detail)),
    }
}

/// Whether a body can be an encrypted or signed result.
pub(super) fn is_opaque(bytes: &[u8]) -> bool {
    if PLAIN.iter().any(|magic| bytes.starts_with(magic)) || is_plain_zip(bytes) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(trim_body(bytes)) else { return true };
    if text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace()) {
        return true;
    }
    match text.as_bytes() {
        [b'{' | b'[' | b'"', ..] => json::read::<Value>(text.as_bytes()).is_ok_and(|value| has_ciphertext(&value)),
        _ => is_ciphertext(text),
    }
}

/// Whether a value has a text that can be encrypted, and is neither the plain result nor an error.
fn has_ciphertext(value: &Value) -> bool {
    let is_listed = |name: &str| IdentDataAnswer::KEYS.iter().any(|listed| name.eq_ignore_ascii_case(listed));
    match value {
        Value::String(text) => is_ciphertext(text.trim()),
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
