//! The format of a record: a file with one JSON object per line, each starting with `{"at":TIME,`.
//!
//! | event | meaning | members |
//! |---|---|---|
//! | `intent` | a request is about to be sent | `v`, `provider`, `operation`, `names` |
//! | `request` | an attempt is about to be sent | |
//! | `response` | the head of its response | `status`, `headers` |
//! | `body` | a piece of the response body | `base64` |
//! | `end` | the end of the body | `complete`, and `trailers` if there are any |
//! | `result` | the command has ended | `result` (a [`Phase`]), `names` |
//!
//! If a part of the response could not be recorded, later events have the member `recorded` with the value `false`.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The start of every line.
pub(super) const LINE_START: &[u8] = b"{\"at\":\"";

/// The version of the format, in `v` of the intent.
pub(super) const VERSION: u64 = 1;

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing was sent.
    Unsent,
    /// The request may have been sent. No response is recorded.
    Unanswered,
    /// A response is recorded, but the command did not end.
    Answered,
    /// The result was written to standard output.
    Done,
    /// The vendor rejected the request.
    Refused,
    /// It is unknown whether the vendor executed the request.
    Unknown,
    /// The request succeeded, but the result could not be written to standard output.
    Undelivered,
    /// The file is not a complete record.
    Damaged,
}

impl Phase {
    const WORDS: [(Self, &'static str); 8] = [
        (Self::Unsent, "unsent"),
        (Self::Unanswered, "unanswered"),
        (Self::Answered, "answered"),
        (Self::Done, "done"),
        (Self::Refused, "refused"),
        (Self::Unknown, "unknown"),
        (Self::Undelivered, "undelivered"),
        (Self::Damaged, "damaged"),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|known| known.0 == self).map_or("", |known| known.1)
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|known| known.1 == word).map(|known| known.0)
    }

    /// Whether the request succeeded.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Undelivered)
    }

    /// Whether it is known what the vendor did.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, Self::Unsent | Self::Done | Self::Refused)
    }
}

/// Whether a header of a response can hold an id, by its name: it may be the only place of it (AT-97).
pub(crate) fn can_hold_id(header: &str) -> bool {
    const WORDS: [&str; 6] = ["ident", "link", "location", "order", "ref", "url"];
    let header = header.to_ascii_lowercase();
    header.split(['-', '_']).any(|word| word.ends_with("id") || WORDS.contains(&word))
}

/// A line with its line break.
pub(super) fn line(at: Timestamp, event: &str, members: Value) -> Vec<u8> {
    let mut object = Map::new();
    object.insert("at".into(), at.to_string().into());
    object.insert("event".into(), event.into());
    if let Value::Object(members) = members {
        object.extend(members);
    }
    format!("{}\n", Value::Object(object)).into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_line_begins_with_its_time() {
        // `at` comes first whether or not serde_json keeps the order of members.
        let members = json!({ "base64": "", "complete": true, "names": {}, "v": 1 });
        let line = line(Timestamp::UNIX_EPOCH, "intent", members);
        assert!(line.starts_with(LINE_START) && line.ends_with(b"}\n"), "{line:?}");
    }

    #[test]
    fn at_97_a_header_that_can_hold_an_id_is_known() {
        for name in ["location", "Content-Location", "link", "x-order-id", "X-CaseID", "x-request-id", "ident_id"] {
            assert!(can_hold_id(name), "{name}");
        }
        for name in ["content-type", "set-cookie", "date", "x-frame-options", "referrer-policy", "content-length"] {
            assert!(!can_hold_id(name), "{name}");
        }
    }

    #[test]
    fn each_phase_parses_back_from_its_word() {
        for (phase, word) in Phase::WORDS {
            assert_eq!((phase.word(), Phase::parse(word)), (word, Some(phase)));
        }
        assert_eq!(Phase::parse("other"), None);
    }
}
