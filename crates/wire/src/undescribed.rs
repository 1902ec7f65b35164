//! Bodies that the document does not describe (AT-89, AT-94).

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::failure::{is_failure, is_sign};
use crate::trim_body;

/// Maximum length of a text that can confirm a call, in characters.
const TEXT: usize = 200;

/// With these a text says that a call failed: words, or parts of them.
const FAILURES: [&str; 20] = [
    " nicht ",
    " not ",
    "abgelaufen",
    "abgelehnt",
    "denied",
    "error",
    "exception",
    "expired",
    "fail",
    "falsch",
    "fatal",
    "fehler",
    "fehlgeschlagen",
    "incorrect",
    "invalid",
    "reject",
    "ungueltig",
    "ungültig",
    "warning",
    "wrong",
];

/// What the body of a successful response shows, if the document describes none.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndescribedBody {
    /// Nothing: it is empty.
    Empty,
    /// A JSON object without a failure.
    Object,
    /// Other JSON without a failure.
    Json,
    /// A short text without a word for a failure.
    Text,
    /// JSON that says that the call failed.
    Failure,
    /// Something else, e.g. JSON that cannot be read or another encoding: a failure cannot be excluded.
    Unclear,
}

impl UndescribedBody {
    /// Reads a body, with or without a byte order mark.
    pub fn read(body: &[u8]) -> Self {
        let body = trim_body(body);
        if body.is_empty() {
            return Self::Empty;
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let failed = StatesFailure { is_top: true, is_deep: true, is_reason: true }.deserialize(&mut json);
        match failed {
            Ok(true) => Self::Failure,
            Ok(false) if json.end().is_ok() => match body.starts_with(b"{") {
                true => Self::Object,
                false => Self::Json,
            },
            _ if is_harmless(body) => Self::Text,
            _ => Self::Unclear,
        }
    }
}

/// Whether a body is a short text that is neither JSON nor HTML and has no word for a failure.
fn is_harmless(body: &[u8]) -> bool {
    let is_odd = |c: char| matches!(c, '{' | '[' | '<') || (c.is_control() && !c.is_ascii_whitespace());
    std::str::from_utf8(body)
        .is_ok_and(|text| text.chars().count() <= TEXT && !text.contains(is_odd) && !says_failure(text))
}

fn says_failure(text: &str) -> bool {
    let text = format!(" {} ", text.to_lowercase());
    FAILURES.iter().any(|word| text.contains(word))
}

/// Whether a body says that a call failed: `false`, or an object with an element that says so.
pub fn states_failure(body: &[u8]) -> bool {
    let top = StatesFailure { is_top: true, is_deep: false, is_reason: false };
    top.deserialize(&mut serde_json::Deserializer::from_slice(trim_body(body))).unwrap_or(false)
}

/// Reads whether a value says that a call failed.
#[derive(Clone, Copy)]
struct StatesFailure {
    /// Whether the value is the whole body.
    is_top: bool,
    /// Whether values inside others count, and whether all must be valid. Otherwise only the elements of the outermost
    /// object that can say so are read, because it can be large.
    is_deep: bool,
    /// Whether the words of a text count.
    is_reason: bool,
}

impl<'de> DeserializeSeed<'de> for StatesFailure {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StatesFailure {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, success: bool) -> Result<bool, E> {
        Ok(self.is_top && !success)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(self.is_reason && says_failure(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<bool, A::Error> {
        let mut failed = false;
        while let Some(inner) = values.next_element_seed(Self { is_top: false, ..self })? {
            failed |= inner && self.is_deep;
        }
        Ok(failed)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut failed = false;
        while let Some(name) = map.next_key::<String>()? {
            let inner = Self { is_top: false, is_reason: false, ..self };
            failed |= match (is_sign(&name), self.is_deep) {
                (true, false) => is_failure(&name, &map.next_value()?),
                (true, true) => {
                    let value: Value = map.next_value()?;
                    let reason = Self { is_reason: true, ..inner };
                    is_failure(&name, &value) || reason.deserialize(&value).unwrap_or(true)
                }
                (false, true) => map.next_value_seed(inner)?,
                (false, false) => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
        }
        Ok(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_94_a_body_is_a_success_only_if_all_of_it_can_be_read() {
        use UndescribedBody::{Empty, Failure, Json, Object, Text, Unclear};
        let long = "x".repeat(TEXT + 1);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let utf_16: Vec<u8> = r#"{"Error":"x"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let text_in_utf_16: Vec<u8> = "Fehler".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let rows: [(&[u8], UndescribedBody); 47] = [
            (b"", Empty),
            (b"\xef\xbb\xbf \r\n", Empty),
            (b"{}", Object),
            (b"\xef\xbb\xbf{\"a\": [1, -1, 1.5, null, true, \"x\"]}", Object),
            (br#"{"Error":null,"Name":"Fehlerlein"}"#, Object),
            (br#"{"message":"accepted","result":true,"a":{"b":false}}"#, Object),
            (b"[]", Json),
            (b"null", Json),
            (b"true", Json),
            (b"202", Json),
            (br#""accepted""#, Json),
            (b"[false]", Json),
            (b"OK", Text),
            ("Die TAN wurde bestätigt.\r\n".as_bytes(), Text),
            (b"202 Accepted", Text),
            (b"Daten vernichtet, Kunde notified", Text),
            // A failure, also inside another value.
            (b"false", Failure),
            (br#""Fehler: x""#, Failure),
            (br#"{"Error":"x"}"#, Failure),
            (br#"{"Error":"x","Error":null}"#, Failure),
            (br#"{"Error":"x"} more"#, Failure),
            (br#"[{"Error":"x"}]"#, Failure),
            (br#"{"a":{"errors":["x"]}}"#, Failure),
            (br#"{"result":{"error":{"code":7}}}"#, Failure),
            (br#"{"message":"Fehler: x"}"#, Failure),
            (br#"{"messages":[{"text":"TAN rejected"}]}"#, Failure),
            (br#"{"result":"failed"}"#, Failure),
            // A text about one.
            (b"Error", Unclear),
            ("TAN UNGÜLTIG".as_bytes(), Unclear),
            (b"Systemfehler 7", Unclear),
            (b"The TAN is not correct", Unclear),
            (b"0 errors", Unclear),
            (long.as_bytes(), Unclear),
            // Not readable.
            (b"{\"Error\":\"TAN ung\xfcltig\"}", Unclear),
            (b"{\"a\":\"\xfc\"}", Unclear),
            (b"TAN best\xe4tigt", Unclear),
            (&utf_16, Unclear),
            (&text_in_utf_16, Unclear),
            (b"{\"Error\":\"a\nb\"}", Unclear),
            (br#"{"Error":"x",}"#, Unclear),
            (br#"{"Error":NaN}"#, Unclear),
            (br#"{"Error":"\x"}"#, Unclear),
            (br#"{"a":"\ud800"}"#, Unclear),
            (b"Notice: x\n{\"Error\":\"x\"}", Unclear),
            (br#"{"Error":"TAN ung"#, Unclear),
            (b"<p>OK</p>", Unclear),
            (deep.as_bytes(), Unclear),
        ];
        for (body, expected) in rows {
            assert_eq!(UndescribedBody::read(body), expected, "{}", String::from_utf8_lossy(body));
        }
        for coded in [&b"\x78\x9c\x4b\xcf\x06\0\x01\x4d\0\xdb"[..], b"\x1f\x8b\x08\0", b"OK\0"] {
            assert_eq!(UndescribedBody::read(coded), Unclear, "{coded:?}");
        }
    }
}
