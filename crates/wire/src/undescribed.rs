//! Bodies that the document does not describe (AT-89, AT-94).

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::failure::{is_error, is_failure, is_named, is_sign};
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

/// A text of one of these, and nothing else, says that a call succeeded. Within a text they can be part of something else,
/// e.g. of a version.
const WHOLE: [&str; 5] = ["1", "200", "202", "204", "true"];

/// With these, and without a word for a failure, a text says that a call succeeded: words, or their beginnings.
const SUCCESSES: [&str; 21] = [
    " accept",
    " akzeptiert",
    " angenommen",
    " beauftragt",
    " bestaetigt",
    " bestätigt",
    " cancel",
    " confirm",
    " delet",
    " destroy",
    " done ",
    " erfolg",
    " erledigt",
    " geloescht",
    " gelöscht",
    " ok ",
    " processed",
    " received",
    " storniert",
    " success",
    " vernichtet",
];

/// These deny a success, too, but do not say that a call failed: words, or parts of them. ` t ` is the end of `couldn't`.
const DENIALS: [&str; 25] = [
    " 0 ",
    " already ",
    " bereits ",
    " f ",
    " false ",
    " ko ",
    " later ",
    " n ",
    " nein ",
    " no ",
    " nok ",
    " off ",
    " t ",
    "cannot",
    "erfolglos",
    "forbidden",
    "kein",
    "locked",
    "mismatch",
    "never",
    "nothing",
    "pending",
    "refus",
    "unable",
    "verboten",
];

/// Names of elements about the outcome, in addition to the usual ones: their value must say that the call succeeded.
const OUTCOMES: [&str; 15] = [
    "accepted",
    "answer",
    "canceled",
    "cancelled",
    "code",
    "confirmed",
    "deleted",
    "description",
    "done",
    "httpstatus",
    "info",
    "responsestatus",
    "state",
    "statusmessage",
    "statustext",
];

/// Names of elements about the request, which say nothing about its outcome.
const METADATA: [&str; 12] = [
    "apiversion",
    "correlationid",
    "date",
    "datetime",
    "duration",
    "ref",
    "reference",
    "requestid",
    "time",
    "timestamp",
    "traceid",
    "version",
];

/// Whether an element with this name is about the request, e.g. its time. The case and separators of the name do not
/// matter.
pub fn is_metadata(name: &str) -> bool {
    METADATA.iter().any(|listed| is_named(name, listed))
}

/// Whether an element must say that the call succeeded.
fn is_outcome(name: &str) -> bool {
    is_sign(name) || OUTCOMES.iter().any(|listed| is_named(name, listed))
}

/// Whether a body is a JSON object in which nothing says that the call failed. Its elements are those of a response that the
/// document describes.
pub fn is_object_without_failure(body: &[u8]) -> bool {
    UndescribedBody::read_with(body, false) == UndescribedBody::Object
}

/// What the body of a successful response shows, if the document describes none.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndescribedBody {
    /// Nothing: it is empty.
    Empty,
    /// A JSON object in which nothing denies a success.
    Object,
    /// Other JSON in which nothing denies a success.
    Json,
    /// A short text that says that the call succeeded.
    Text,
    /// JSON that says that the call failed.
    Failure,
    /// Something else, e.g. a `false`, a repeated element, a text about something else, JSON that cannot be read, or
    /// another encoding: a failure cannot be excluded.
    Unclear,
}

impl UndescribedBody {
    /// Reads a body, with or without a byte order mark.
    pub fn read(body: &[u8]) -> Self {
        Self::read_with(body, true)
    }

    /// `is_undescribed`: whether all names of elements about an outcome count, and a repeated name makes it unclear.
    fn read_with(body: &[u8], is_undescribed: bool) -> Self {
        let body = trim_body(body);
        if body.is_empty() {
            return Self::Empty;
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let failed = StatesFailure { is_top: true, is_deep: true, is_reason: true }.deserialize(&mut json);
        match failed {
            Ok(true) => Self::Failure,
            Ok(false) if json.end().is_ok() && denies(body, is_undescribed) => Self::Unclear,
            Ok(false) if json.end().is_ok() => match body.starts_with(b"{") {
                true => Self::Object,
                false => Self::Json,
            },
            _ if is_harmless(body) => Self::Text,
            _ => Self::Unclear,
        }
    }
}

/// Whether a body is a short text that is neither JSON nor HTML and says that the call succeeded.
fn is_harmless(body: &[u8]) -> bool {
    const MARKS: &str = " \t\r\n.,:;!?-_/()'\"#&=+";
    let is_odd = |c: char| !c.is_alphanumeric() && !MARKS.contains(c);
    std::str::from_utf8(body)
        .is_ok_and(|text| text.chars().count() <= TEXT && !text.contains(is_odd) && says_success(text))
}

fn says_failure(text: &str) -> bool {
    has_word(text, &FAILURES)
}

/// Whether a text has a word for a success, and none against it.
fn says_success(text: &str) -> bool {
    let is_whole = WHOLE.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    is_whole || (!says_denial(text) && has_word(text, &SUCCESSES))
}

fn says_denial(text: &str) -> bool {
    has_word(text, &FAILURES) || has_word(text, &DENIALS)
}

fn has_word(text: &str, words: &[&str]) -> bool {
    let letters = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    let text: String = format!(" {text} ").to_lowercase().chars().map(letters).collect();
    words.iter().any(|word| text.contains(word))
}

/// Whether valid JSON denies a success, or says something about it that is unknown.
fn denies(body: &[u8], is_undescribed: bool) -> bool {
    let top = Denies { is_outcome: true, is_undescribed };
    top.deserialize(&mut serde_json::Deserializer::from_slice(body)).unwrap_or(true)
}

/// Reads whether a value denies a success. Of a repeated element each value counts.
#[derive(Clone, Copy)]
struct Denies {
    /// Whether the value must say that the call succeeded: it is the body, or an element about the outcome.
    is_outcome: bool,
    /// Whether all names of elements about an outcome count, and a repeated name denies a success.
    is_undescribed: bool,
}

impl<'de> DeserializeSeed<'de> for Denies {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Denies {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, success: bool) -> Result<bool, E> {
        Ok(!success)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(self.is_outcome)
    }

    fn visit_u64<E>(self, number: u64) -> Result<bool, E> {
        // HTTP's statuses of other outcomes.
        let is_status = (300..600).contains(&number);
        Ok(is_status || (self.is_outcome && number != 1 && !(200..300).contains(&number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<bool, E> {
        Ok(self.is_outcome || (300.0..600.0).contains(&number))
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(if self.is_outcome { !text.trim().is_empty() && !says_success(text) } else { says_denial(text) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<bool, A::Error> {
        let mut denied = false;
        while let Some(inner) = values.next_element_seed(self)? {
            denied |= inner;
        }
        Ok(denied)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut denied, mut names) = (false, HashSet::new());
        while let Some(name) = map.next_key::<String>()? {
            denied |= if is_error(&name) {
                // Only its absence is not a failure, which was checked.
                map.next_value::<IgnoredAny>().map(|_| false)?
            } else {
                let is_outcome = if self.is_undescribed { is_outcome(&name) } else { is_sign(&name) };
                map.next_value_seed(Self { is_outcome, ..self })?
            };
            denied |= self.is_undescribed && !names.insert(name);
        }
        Ok(denied)
    }
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
        let rows: [(&[u8], UndescribedBody); 105] = [
            (b"", Empty),
            (b"\xef\xbb\xbf \r\n", Empty),
            (b"{}", Object),
            (b"\xef\xbb\xbf{\"data\": [1, -1, 1.5, null, true, \"x\"]}", Object),
            (br#"{"Error":null,"errors":[],"Name":null}"#, Object),
            (br#"{"message":"accepted","result":true,"data":{"Deleted":true},"code":200}"#, Object),
            (br#"{"State":"canceled","order_id":"9","Request-ID":"7","timestamp":1536137639}"#, Object),
            // Elements about something else (AT-89).
            (b"\xef\xbb\xbf{\"a\": [1, -1, 1.5, null, true, \"x\"]}", Object),
            (br#"{"Error":null,"errors":[],"Name":"Muster"}"#, Object),
            (br#"{"message":"accepted","result":true,"a":{"b":true},"code":200}"#, Object),
            (br#"{"Fehler":true}"#, Failure),
            (br#"{"fehler":1}"#, Failure),
            (br#"{"Fehlercode":"TAN"}"#, Failure),
            (br#"{"Fehler":null}"#, Object),
            (br#"{"State":"open"}"#, Unclear),
            (br#"{"OrderID":"1","OrderID":"1"}"#, Unclear),
            (br#"{"code":0}"#, Unclear),
            // Part of something else.
            (b"%PDF-1.4", Unclear),
            (b"%PDF-1.4 1 0 obj: accepted", Unclear),
            (b"version 1", Unclear),
            (b"true story", Unclear),
            (b"OK \xef\xbf\xbd", Unclear),
            (b"OK \x7f", Unclear),
            ("OK \u{85}".as_bytes(), Unclear),
            (b"|OK|", Unclear),
            (br#"{"code":"200"}"#, Object),
            (br#""1""#, Json),
            (br#"{"OrderID":"99921269855041","Ref":"my-ref","reason":""}"#, Object),
            (b"[]", Json),
            (b"null", Json),
            (b"true", Json),
            (b"202", Json),
            (br#""accepted""#, Json),
            (br#"["ok", 1, true]"#, Json),
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
            // A denial, or an unknown outcome.
            (b"[false]", Unclear),
            (br#"{"message":"accepted","a":{"b":false}}"#, Unclear),
            (br#"{"a":false,"a":true}"#, Unclear),
            (br#"{"Name":"Fehlerlein"}"#, Unclear),
            (br#"{"success":"0"}"#, Unclear),
            (br#"{"success":"no"}"#, Unclear),
            (br#"{"success":2}"#, Unclear),
            (br#"{"result":"NOK"}"#, Unclear),
            (br#"{"Valid":"No"}"#, Unclear),
            (br#"{"Deleted":"0"}"#, Unclear),
            (br#"{"Code":"TAN_WRONG"}"#, Unclear),
            (br#"{"code":429}"#, Unclear),
            (br#"{"code":500.0}"#, Unclear),
            (br#"{"state":"rejected"}"#, Unclear),
            (br#"{"Reason":"already final"}"#, Unclear),
            (br#"{"status":"in progress"}"#, Unclear),
            (br#"{"message":["x"]}"#, Unclear),
            (br#""nein""#, Unclear),
            (b"0", Unclear),
            (b"404", Unclear),
            (b"1.0", Unclear),
            (b"nein", Unclear),
            (b"TAN mismatch", Unclear),
            (b"2 attempts left", Unclear),
            (b"Unable to delete", Unclear),
            (b"no such order", Unclear),
            (b"order is locked", Unclear),
            (b"Order couldn't be deleted", Unclear),
            (b"unsuccessful", Unclear),
            (b"erfolglos", Unclear),
            (b"nothing deleted", Unclear),
            (b"deletion refused", Unclear),
            (b"Deletion is forbidden", Unclear),
            ("unbestätigt".as_bytes(), Unclear),
            (b"will be deleted later", Unclear),
            (b"already canceled", Unclear),
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
        assert!(is_object_without_failure(br#"{"OrderID":"1","TargetURL":"https://example.com/"}"#));
        assert!(!is_object_without_failure(br#"{"OrderID":"1","Error":"x"}"#));
        for (body, expected) in rows {
            assert_eq!(UndescribedBody::read(body), expected, "{}", String::from_utf8_lossy(body));
        }
        for coded in [&b"\x78\x9c\x4b\xcf\x06\0\x01\x4d\0\xdb"[..], b"\x1f\x8b\x08\0", b"OK\0"] {
            assert_eq!(UndescribedBody::read(coded), Unclear, "{coded:?}");
        }
    }
}
