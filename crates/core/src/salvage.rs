//! Finds ids in a response that cannot be read.
//!
//! A response that the vendor does not repeat can hold the only copy of an id. Its body may be anything: JSON after a
//! notice, a number that is too large, half an object. So the bytes are searched without parsing them (AT-97).

use std::fmt;

use crate::Secret;

/// Maximum length of an id in bytes. A longer text is not an id.
const LONGEST: usize = 4096;

/// An id that was found in the bytes of a response.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct FoundId {
    /// The vendor's name of the element, e.g. `OrderID`.
    pub name: &'static str,
    /// The value. Anyone who has it may be able to act on the case.
    pub value: Secret,
}

impl fmt::Debug for FoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FoundId({})", self.name)
    }
}

/// Finds the values of these elements anywhere in a body, each value once, in the order of the body. The case of names
/// is ignored, and a name may have escapes. Of a list the first value counts. Empty values, `null` and objects are not
/// ids.
pub(crate) fn find_ids(body: &[u8], names: &[&'static str]) -> Vec<FoundId> {
    let mut found: Vec<FoundId> = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| *byte == b'"') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some((name, value)) = names.iter().find_map(|name| Some((*name, value_of(name, rest)?))) else { continue };
        if !found.iter().any(|known| known.name == name && known.value.expose() == value) {
            found.push(FoundId { name, value: Secret::new(value) });
        }
    }
    found
}

/// The value of an element whose key starts here, after its opening quote.
fn value_of(name: &str, text: &[u8]) -> Option<String> {
    let mut rest = text;
    for expected in name.bytes() {
        let (byte, after) = character(rest)?;
        if !byte.eq_ignore_ascii_case(&expected) {
            return None;
        }
        rest = after;
    }
    // JSON within a JSON text has escaped quotes.
    let (rest, nested) = quote(rest)?;
    let mut rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    while let Some(list) = rest.strip_prefix(b"[") {
        rest = list.trim_ascii_start();
    }
    let Some((mut rest, _)) = quote(rest) else {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        // A number at the end of the body may be cut off.
        let word = std::str::from_utf8(rest.get(..digits).filter(|_| digits < rest.len())?).ok()?;
        return word.starts_with(|first: char| first.is_ascii_digit()).then(|| word.to_owned());
    };
    let mut value = Vec::new();
    // A text without its closing quote may be cut off.
    while value.len() < LONGEST {
        match rest {
            [b'"', ..] => break,
            [b'\\', ..] if nested => break,
            _ => {
                let (byte, after) = character(rest)?;
                value.push(byte);
                rest = after;
            }
        }
    }
    let closed = matches!(rest, [b'"' | b'\\', ..]);
    let value = String::from_utf8(value).ok().filter(|_| closed)?;
    (!value.trim().is_empty()).then_some(value)
}

/// The first byte of a text in JSON, without its escape, and the rest. The ids and URLs of the vendors need no escape but
/// those of quotes, slashes and ASCII characters.
fn character(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'\\', plain @ (b'"' | b'\\' | b'/'), rest @ ..] => Some((*plain, rest)),
        [b'\\', b'u', rest @ ..] => {
            let (digits, rest) = rest.split_at_checked(4)?;
            let code = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            u8::try_from(code).ok().filter(u8::is_ascii).map(|byte| (byte, rest))
        }
        [b'\\', ..] => None,
        [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
}

/// The text after a quote, and whether the quote is escaped.
fn quote(text: &[u8]) -> Option<(&[u8], bool)> {
    let nested = text.strip_prefix(b"\\");
    nested.unwrap_or(text).strip_prefix(b"\"").map(|rest| (rest, nested.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_97_ids_are_found_in_bytes_that_are_not_json() {
        for (body, expected) in [
            (&br#"{"OrderID":"99921269855041","n":1e400}"#[..], &["OrderID=99921269855041"][..]),
            (br#"Notice: deprecated{"OrderID" : "9\/9"}"#, &["OrderID=9/9"]),
            (br#"{"Ref":"\ud800","OrderID":"99"}"#, &["OrderID=99"]),
            (br#"{"orderid":12345678901234567890123,"x":"#, &["OrderID=12345678901234567890123"]),
            (br#"{"OrderID":"1","a":{"OrderID":"1","b":[{"OrderID":"2"}]}}"#, &["OrderID=1", "OrderID=2"]),
            (br#""{\"ident_id\":\"a-b\",\"conference_url\":\"https://x\"}""#, &["ident_id=a-b", "url=https://x"]),
            (br#"{"ident_id":"","conference_url":null,"OrderID":{"a":1},"XOrderID":"1","OrderIDs":"1"}"#, &[]),
            (br#"{"\u004frder\u0049D":"9\u0039","ident\u005fid":[]}"#, &["OrderID=99"]),
            (br#"{"ident_id":[ "a-b"],"OrderID":[[1]]}"#, &["ident_id=a-b", "OrderID=1"]),
            (br#"{"OrderID":"9\u00e4","ident_id":"a\u00"}"#, &[]),
            (b"OrderID: 99", &[]),
            (b"\"OrderID\":\"99", &[]),
            (b"\"OrderID\":99", &[]),
            (b"\xff\xfe\"OrderID\":\"99\"\xff", &["OrderID=99"]),
            (b"", &[]),
        ] {
            let found = find_ids(body, &["OrderID", "ident_id", "conference_url"]);
            let shown: Vec<_> = found.iter().map(|id| format!("{}={}", id.name, id.value.expose())).collect();
            let shown: Vec<_> = shown.iter().map(|text| text.replace("conference_url", "url")).collect();
            assert_eq!(shown, expected, "{}", String::from_utf8_lossy(body));
            assert!(!format!("{found:?}").contains("99"), "{found:?}");
        }
    }

    #[test]
    fn at_97_a_text_that_is_too_long_is_not_an_id() {
        for (length, is_id) in [(LONGEST - 1, true), (LONGEST + 1, false)] {
            let body = format!(r#"{{"OrderID":"{}"}}"#, "9".repeat(length));
            assert_eq!(find_ids(body.as_bytes(), &["OrderID"]).len(), usize::from(is_id), "{length}");
        }
    }
}
