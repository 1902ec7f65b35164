//! Whether a refused `ident/create` can have created an ident (AI-30, AI-31).

use http::header::{CONTENT_LOCATION, LINK, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use identkit_wire::{json, trim_body};
use serde_json::Value;

use crate::messages::{CreateIdentResponse, Messages};

/// Whether a refusal of this status, with these headers and this body, may hold an ident. After 401 and 429 the client
/// sends the create again, so these must prove that they hold nothing. The client does not repeat the others, so they
/// count unless they show an ident.
pub(super) fn contradicts(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    if headers.iter().any(|(name, value)| is_header_of_ident(name, value)) {
        return true;
    }
    match status.as_u16() {
        401 | 429 => headers.contains_key(LOCATION) || !holds_nothing(body),
        _ => shows_ident(body),
    }
}

/// Whether a header, or the cookie that it sets, names an ident or has the URL of one.
fn is_header_of_ident(name: &HeaderName, value: &HeaderValue) -> bool {
    let value = String::from_utf8_lossy(value.as_bytes());
    let (subject, content) = match *name {
        SET_COOKIE => value.split(';').next().and_then(|pair| pair.split_once('=')).unwrap_or_default(),
        _ => (name.as_str(), value.as_ref()),
    };
    // Usual names have `identify24`, `Identity` or `Identifier` in them.
    let subject = subject.to_ascii_lowercase().replace("identif", "").replace("identit", "");
    let is_url = matches!(*name, LOCATION | CONTENT_LOCATION | LINK);
    (subject.contains("ident") && !content.trim().is_empty())
        || names_ident(value.as_bytes())
        || labels_an_ident(&value)
        || (is_url && is_url_of_ident(&value))
}

/// Whether a body is empty, or has the form of a refusal without anything that could be an id or state a success: an object
/// of the documented error form, a short text, or the page of a gateway.
fn holds_nothing(body: &[u8]) -> bool {
    let text = trim_body(body);
    match text.first() {
        None => true,
        Some(b'{' | b'[' | b'"') => {
            !has_url(text) && serde_json::from_slice(text).is_ok_and(|value| is_error(&value)) && !accepts(text)
        }
        // A gateway can send plain text or a page.
        Some(_) => std::str::from_utf8(text)
            .is_ok_and(|text| !text.contains('\0') && !may_have_id(text) && text_refuses(text) == Some(true)),
    }
}

/// Whether a value is an object that has only the members of an error, of which at least one refuses, or no member with a
/// value.
fn is_error(value: &Value) -> bool {
    let Some(members) = value.as_object() else { return false };
    let mut refuses = is_empty(value);
    for (name, value) in members {
        let is_known = match name.as_str() {
            "result" | "response_status" => {
                refuses |= is_refusing_value(name, value);
                let has_parts = value.is_array() || value.is_object();
                !has_parts && (name != "result" || !states_success(value))
            }
            "messages" | "message" | "error" => {
                refuses |= refuses_in_words(value);
                is_text_only(value) && !states_success(value)
            }
            _ => is_empty(value),
        };
        if !is_known {
            return false;
        }
    }
    refuses || members.values().all(is_empty)
}

/// Whether the value of `result`, `response_status` or `code` refuses.
fn is_refusing_value(name: &str, value: &Value) -> bool {
    match value {
        Value::Bool(truth) => name == "result" && !truth,
        Value::Number(number) => match name {
            "result" => number.as_u64() == Some(0),
            _ => matches!(number.as_u64(), Some(401 | 429)),
        },
        Value::String(text) => text_refuses(text) == Some(true),
        _ => false,
    }
}

/// Whether a text in a value refuses.
fn refuses_in_words(value: &Value) -> bool {
    match value {
        Value::String(text) => text_refuses(text) == Some(true),
        Value::Array(many) => many.iter().any(refuses_in_words),
        Value::Object(members) => {
            members.iter().any(|(name, value)| refuses_in_words(value) || is_refusing_value(name, value))
        }
        _ => false,
    }
}

/// Whether something in a value states a success, or denies an error: `"created"`, `true`, and `false` as an error.
fn states_success(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::String(text) => text_refuses(text) == Some(false),
        Value::Array(many) => many.iter().any(states_success),
        Value::Object(members) => members.values().any(states_success),
        _ => false,
    }
}

/// Words, or their beginnings, of texts that refuse. A blank at the end means the whole word.
const REFUSALS: [&str; 51] = [
    "0 ",
    "401 ",
    "429 ",
    "abgelaufen ",
    "abgelehnt ",
    "access ",
    "authen",
    "authori",
    "ban",
    "block",
    "busy ",
    "cannot ",
    "denied ",
    "error",
    "exceed",
    "expired ",
    "fail",
    "falsch",
    "false ",
    "fehl",
    "forbidden ",
    "gesperrt ",
    "gueltig ",
    "incorrect ",
    "invalid",
    "kein",
    "later ",
    "limit",
    "missing ",
    "nicht ",
    "no ",
    "not ",
    "overload",
    "quota ",
    "rate ",
    "refus",
    "reject",
    "retry ",
    "slow ",
    "spaeter ",
    "später ",
    "temporar",
    "throttl",
    "too ",
    "unable ",
    "unauth",
    "unavailable ",
    "ungueltig ",
    "ungültig ",
    "verboten ",
    "wrong ",
];

/// Words, or their beginnings, of texts that state a success.
const SUCCESSES: [&str; 34] = [
    "accept",
    "akzeptiert ",
    "already ",
    "angelegt ",
    "angenommen ",
    "aufgenommen ",
    "bereits ",
    "completed ",
    "create ",
    "created ",
    "done ",
    "duplicate ",
    "erfolg",
    "erledigt ",
    "erstellt ",
    "erzeugt ",
    "exist",
    "finished ",
    "gespeichert ",
    "gestartet ",
    "ja ",
    "ok ",
    "okay ",
    "processed ",
    "queued ",
    "received ",
    "registered ",
    "registriert ",
    "saved ",
    "started ",
    "stored ",
    "succe",
    "vorhanden ",
    "yes ",
];

/// Words that deny what else their part of a sentence states.
const NEGATIONS: [&str; 10] =
    ["cannot ", "couldn ", "kein ", "keine ", "keinen ", "never ", "nicht ", "no ", "not ", "unable "];

/// Words after which another statement begins.
const JOINTS: [&str; 8] = ["aber", "although", "and", "but", "however", "jedoch", "obwohl", "und"];

/// Minimum length in characters of a word without a vowel that can be an id, e.g. `kxqzwvbn`.
const NO_VOWEL: usize = 8;

/// Whether a text refuses. `Some(false)` if it states a success, or has a word that is none; `None` if it does neither.
fn text_refuses(text: &str) -> Option<bool> {
    let is_one_of = |known: &[&str], word: &str| {
        let word = format!("{} ", word.to_lowercase());
        known.iter().any(|known| word.starts_with(known))
    };
    let is_no_word = |word: &&str| {
        word.chars().count() >= NO_VOWEL
            && !word.chars().any(|c| c.is_numeric() || "aeiouyäöü".contains(c.to_ascii_lowercase()))
    };
    let mut refuses = false;
    for sentence in text.split(['.', ',', ':', ';', '!', '?', '<', '>', '\n', '(', ')']) {
        let words = words(sentence);
        for statement in words.split(|word| JOINTS.contains(&word.to_lowercase().as_str())) {
            let denies = statement.iter().any(|word| is_one_of(&NEGATIONS, word));
            let succeeds = statement.iter().any(|word| is_one_of(&SUCCESSES, word));
            if (succeeds && !denies) || statement.iter().any(is_no_word) {
                return Some(false);
            }
            refuses |= statement.iter().any(|word| is_one_of(&REFUSALS, word));
        }
    }
    refuses.then_some(true)
}

/// Whether a value is texts and small numbers, none of which can be an id or a URL.
fn is_text_only(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // `"error": false` denies an error.
        Value::Bool(truth) => *truth,
        Value::Number(number) => !may_have_id(&number.to_string()),
        Value::String(text) => !may_have_id(text),
        Value::Array(many) => many.iter().all(is_text_only),
        Value::Object(members) => members.iter().all(|(name, value)| {
            is_empty(value) || (matches!(name.as_str(), "message" | "text" | "field" | "code") && is_text_only(value))
        }),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(many) => many.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Words before an id.
const LABELS: [&str; 9] = ["case", "fall", "id", "ident", "no", "nr", "num", "number", "nummer"];

/// Words with a digit that are common in error pages and are not ids.
const NO_IDS: [&str; 2] = ["identify24", "utf-8"];

/// The words of a text. Hyphens and underscores are parts of a word.
fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_'));
    words.map(|word| word.trim_matches(['-', '_'])).filter(|word| !word.is_empty()).collect()
}

fn has_digit(word: &str) -> bool {
    word.contains(char::is_numeric)
}

/// The labels directly before each word with a digit, e.g. `Ident` and `number` before `4711`.
fn labels_of_ids<'a>(words: &'a [&'a str]) -> impl Iterator<Item = &'a [&'a str]> {
    let is_part = |part: &str| LABELS.iter().any(|label| part.eq_ignore_ascii_case(label));
    let is_label = move |word: &&&str| word.split(['-', '_']).all(is_part);
    let ids = words.iter().enumerate().filter(|(_, word)| has_digit(word));
    ids.map(move |(at, _)| {
        let before = words.get(..at).unwrap_or_default();
        let count = before.iter().rev().take_while(is_label).count();
        before.get(at - count..).unwrap_or_default()
    })
}

/// Whether a text says that a word with a digit is the id of an ident, e.g. `Ident-Nr. 4711`.
fn labels_an_ident(text: &str) -> bool {
    let is_ident = |label: &&str| label.to_ascii_lowercase().contains("ident");
    labels_of_ids(&words(text)).any(|labels| labels.iter().any(is_ident))
}

/// Words after a number that is an amount.
const UNITS: [&str; 12] =
    ["anfragen", "hours", "minuten", "minutes", "ms", "px", "requests", "s", "sec", "seconds", "sekunden", "stunden"];

/// Whether a word has at least this length and a digit, or is longer than a usual word, e.g. in Base64. Amounts do not
/// count.
fn has_long_word(text: &str, shortest: usize) -> bool {
    let is_one_of = |known: &[&str], word: &str| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    let length = |word: &str| word.chars().count();
    let words = words(text);
    let next = words.iter().skip(1).copied().chain([""]);
    words.iter().zip(next).any(|(word, next)| {
        let is_amount = word.bytes().all(|byte| byte.is_ascii_digit()) && length(word) < 6 && is_one_of(&UNITS, next);
        let is_long = length(word) >= 32 || (length(word) >= shortest && has_digit(word));
        is_long && !is_amount && !is_one_of(&NO_IDS, word)
    })
}

/// Whether a text names an ident or has a word that could be an id: with a digit, if it has 4 or more characters or
/// follows a label.
fn may_have_id(text: &str) -> bool {
    names_ident(text.as_bytes())
        || has_long_word(text, 4)
        || labels_of_ids(&words(text)).any(|labels| !labels.is_empty())
}

/// Whether a text names the element `ident_id`, in any spelling, or has the URL of a person.
fn names_ident(text: &[u8]) -> bool {
    let letters: Vec<u8> =
        text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    has_url(text)
        || [&b"identid"[..], b"conferenceurl"].iter().any(|name| letters.windows(name.len()).any(|part| part == *name))
}

/// Whether the URL of a header can name an ident: by its path or by an id.
fn is_url_of_ident(url: &str) -> bool {
    url.to_ascii_lowercase().contains("ident/") || has_long_word(url, 16)
}

/// Whether a text has part of the URL that an ident has for its person.
fn has_url(text: &[u8]) -> bool {
    let text: Vec<u8> = text.iter().filter(|byte| **byte != b'\\').map(u8::to_ascii_lowercase).collect();
    text.windows(6).any(|part| part == b"apply/")
}

/// Whether the body of another refusal shows an ident, or cannot be checked.
fn shows_ident(body: &[u8]) -> bool {
    // Compressed, or in UTF-16.
    if has_url(body) || body.starts_with(b"\x1f\x8b") || body.contains(&0) {
        return true;
    }
    let text = trim_body(body);
    match text.first() {
        Some(b'{') => accepts(text),
        Some(b'[') => text != b"[]",
        _ => names_ident(text) || labels_an_ident(&String::from_utf8_lossy(text)),
    }
}

/// Whether a JSON object says something else than a refusal, or cannot be read.
fn accepts(text: &[u8]) -> bool {
    let Ok((answer, notes)) = json::read_answer::<CreateIdentResponse>(text) else { return true };
    // Other numbers, e.g. 0, are not a status.
    let differs = |status: u16| matches!(status, 100..=399 | 408 | 409 | 425 | 500..=599);
    let unclear = |name: &&str| notes.has_different(name) || notes.is_ignored(name);
    answer.result == Some(true)
        || answer.response_status.is_some_and(differs)
        || ["result", "response_status", "messages"].iter().any(unclear)
        || hints_at_an_ident(text)
}

/// Whether the body of a rejection names an ident: by an id in `data` or `ident`, by an element such as `identId`, or in
/// words, e.g. because a later step failed (AT-97).
pub(super) fn hints_at_an_ident(body: &[u8]) -> bool {
    serde_json::from_slice(trim_body(body)).is_ok_and(|value| has_ident(&value))
}

fn has_ident(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            match name.to_ascii_lowercase().as_str() {
                "identid" | "conferenceurl" => !is_empty(value),
                "data" | "ident" if value.get("id").is_some_and(|id| !is_empty(id)) => true,
                _ => has_ident(value),
            }
        }),
        Value::Array(many) => many.iter().any(has_ident),
        Value::String(text) => has_url(text.as_bytes()) || labels_an_ident(text),
        _ => false,
    }
}

/// Whether messages report an error.
pub(super) fn reports_error(messages: &Messages) -> bool {
    messages.iter().any(|text| text_refuses(text.expose()) == Some(true))
}

/// Whether a response has another id beside the ident_id: in `id`, or in the `id` of `data` or `ident`.
pub(super) fn has_another_id(answer: &CreateIdentResponse) -> bool {
    let Some(ident_id) = &answer.ident_id else { return false };
    let differs = |id: &Value| {
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        !is_empty(id) && text != ident_id.expose()
    };
    answer.extra.iter().any(|(name, value)| match name.to_ascii_lowercase().as_str() {
        "id" => differs(value),
        "data" | "ident" => value.get("id").is_some_and(differs),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ai_31_only_a_response_without_anything_is_a_sure_refusal() {
        let json = r#"{"ident_id":"FIRST"}"#;
        let escaped = serde_json::json!({ "x": serde_json::json!({ "y": json }).to_string() }).to_string();
        let base64 = identkit_wire::encode_base64(json.as_bytes());
        let in_message = serde_json::json!({ "messages": [base64] }).to_string();
        let utf_16: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xef\xbb\xbf", json.as_bytes()].concat();
        let doubtful: [&[u8]; 76] = [
            b"true",
            b"\"ok\"",
            b"OK",
            b"created",
            b"null",
            b"1",
            b"Thank you",
            b"Ident wurde angelegt",
            b"Not authorized, but the ident was created",
            b"Too many requests and ident created",
            b"Too many requests: the ident exists",
            b"Too many requests: kxqzwvbnmpqrst",
            b"<html><h1>Thank you</h1></html>",
            b"<html><h1>429</h1><p>Ident created</p></html>",
            br#"{"error":false}"#,
            br#"{"error":"ok"}"#,
            br#"{"error":true}"#,
            br#"{"messages":["ident created"]}"#,
            br#"{"message":"Ident wurde angelegt"}"#,
            br#"{"messages":["kxqzwvbnmpqrst"]}"#,
            br#"{"message":"hello"}"#,
            br#"{"result":"ok"}"#,
            br#"{"created":true}"#,
            br#"{"result":false,"messages":["ident created"]}"#,
            br#"{"messages":["Ident 482913 created"]}"#,
            br#"{"messages":["Case 77812 created"]}"#,
            br#"{"messages":["Created: A1B2"]}"#,
            br#"{"messages":["Nr. 77 angelegt"]}"#,
            br#"{"messages":["id=7"]}"#,
            br#"{"error":{"code":77812}}"#,
            b"Ident-Nr. 77812 angelegt",
            b"Ident-Nr. 77 812 angelegt",
            b"id 77812",
            b"Ident number: 4711",
            b"Case #12",
            b"Ident 4711 seconds",
            b"created a1-b2-c3",
            "angelegt: \u{0667}\u{0667}\u{0668}\u{0661}".as_bytes(),
            b"eyJpZGVudGlmaWVyIjoiQUJDREVGR0hJSktMTU5PUCJ",
            json.as_bytes(),
            b"ident_id=FIRST",
            b"ident_id: FIRST created",
            b"{'ident_id':'FIRST'}",
            b"{ident_id:\"FIRST\"}",
            b"<r><ident_id>FIRST</ident_id></r>",
            b"<a href=\"https://identify24.de/apply/FIRST\">go on</a>",
            br#"{"messages":["https://identify24.de/apply/FIRST"]}"#,
            br#"{"messages":["https:\/\/identify24.de\/apply\/FIRST"]}"#,
            br#"{"messages":["\u0061pply/FIRST"]}"#,
            br#"{"messages":["ident id FIRST"]}"#,
            br#"{"messages":["6f0a1b2c-0000-4000-8000-1234567890ab exists"]}"#,
            br#"{"messages":[{"id":"FIRST"}]}"#,
            br#"{"messages":[1234567890123456]}"#,
            br#"{"messages":["apply/FIRST"],"messages":[]}"#,
            br#"{"messages":["x"],"messages":["y"]}"#,
            escaped.as_bytes(),
            base64.as_bytes(),
            in_message.as_bytes(),
            br#"{"identId":"FIRST"}"#,
            br#"{" ident_id ":"FIRST"}"#,
            br#"{"ident_id":true}"#,
            br#"{"ident_id":0}"#,
            br#"{"id":"FIRST"}"#,
            br#"{"result":false,"data":{"id":"FIRST","status":"Unidentified"}}"#,
            br#"{"result":false,"data":[1]}"#,
            br#"{"result":true}"#,
            br#"{"result":{"id":"FIRST"}}"#,
            br#"{"response_status":201}"#,
            b"result=1&ident_id=FIRST&x=1",
            b"\x1f\x8b\x08",
            &utf_16,
            &marked,
            b")]}',\n{\"ident_id\":\"FIRST\"}",
            b"<br />\n<b>Notice</b>: x\n{\"ident_id\":\"FIRST\"}",
            b"[]",
            b"Too many requests: 6f0a1b2c-0000-4000-8000-1234567890ab",
        ];
        let sure: [&[u8]; 25] = [
            b"false",
            b"Zu viele Anfragen, bitte sp\xc3\xa4ter versuchen",
            b"Ident nicht angelegt: Token abgelaufen",
            br#"{"messages":[]}"#,
            br#"{"error":"invalid_token","message":"The token is invalid"}"#,
            br#"{"response_status":429}"#,
            br#"{"error":{"code":401}}"#,
            br#"{"message":"User does not exist"}"#,
            b"",
            b" \r\n",
            b"\xef\xbb\xbf",
            b"{}",
            br#"{"result":false,"response_status":401,"messages":["Ident not created: the token is invalid"]}"#,
            br#"{"result":"false","messages":[{"message":"x","code":7}],"data":[],"response_status":0}"#,
            br#"{"result":false,"ident_id":"","conference_url":null,"data":null}"#,
            b"\xef\xbb\xbf{\"error\":\"Unauthorized\"}",
            br#" {"message":"Too many requests"} "#,
            b"Unauthorized",
            b"<html><h1>429 Too Many Requests</h1></html>",
            b"<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<center>nginx/1.18.0</center></html>",
            b"<!DOCTYPE html><meta charset=\"utf-8\"><h2>401</h2> Apache/2.4.52 at api.identify24.de Port 443",
            br#"{"error":{"code":429,"message":"60 requests in 60 seconds"}}"#,
            br#"{"messages":["Limit: 1000 requests per hour, retry after 3600 seconds"]}"#,
            br#"{"messages":["identify24: HTTP/1.1 401 Unauthorized, retry in 30s"]}"#,
            b"No ident was created: the token expired 30 minutes ago",
        ];
        let none = HeaderMap::new();
        for status in [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS] {
            for body in doubtful {
                assert!(contradicts(status, &none, body), "{status} {}", String::from_utf8_lossy(body));
            }
            for body in sure {
                assert!(!contradicts(status, &none, body), "{status} {}", String::from_utf8_lossy(body));
            }
            for (name, value) in [
                ("location", "/"),
                ("x-ident-id", "FIRST"),
                ("link", "</apply/FIRST>"),
                ("x-ident", "FIRST"),
                ("set-cookie", "ident=6f0a1b2c-0000-4000-8000-1234567890ab; Path=/"),
                ("set-cookie", "lastIdent=A"),
                ("x-message", "Ident 4711 created"),
            ] {
                let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
                assert!(contradicts(status, &headers, b""), "{name}");
            }
            for (name, value) in [
                ("server", "identify24"),
                ("content-type", "application/json"),
                ("retry-after", "3600"),
                ("set-cookie", "PHPSESSID=6f0a1b2c00004000; Path=/"),
                ("set-cookie", "identify24_session=6f0a1b2c00004000; Path=/"),
                ("set-cookie", ".AspNetCore.Identity.Application=6f0a1b2c; Path=/"),
                ("set-cookie", "ident=; Max-Age=0"),
                ("set-cookie", "identifier=abc"),
                ("x-request-identifier", "abc"),
                ("date", "Mon, 30 Nov 2026 09:00:00 GMT"),
            ] {
                let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
                assert!(!contradicts(status, &headers, b"{}"), "{name}: {value}");
            }
        }
        for (name, value, named) in [
            ("location", "/ident/FIRST", true),
            ("content-location", "/v1/6f0a1b2c-0000-4000-8000-1234567890ab", true),
            ("link", "</ident/get/FIRST>; rel=self", true),
            ("location", "/login", false),
            ("x-request-id", "6f0a1b2c-0000-4000-8000-1234567890ab", false),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
                assert_eq!(contradicts(status, &headers, b""), named, "{name} {value}");
            }
        }
        // The other refusals are not repeated.
        for (body, expected) in [
            ("Not Found", false),
            ("<html>", false),
            ("{}", false),
            (r#"{"result":false,"messages":["Ident not created: birthday is missing"],"ident_id":null}"#, false),
            (r#"{"result":false,"messages":["custom_id 6f0a1b2c-0000-4000-8000-1234567890ab exists"]}"#, false),
            ("ident_id=FIRST", true),
            ("Ident 4711 was created", true),
            ("Ident-Nr. 4711 angelegt", true),
            ("custom_id 4711 exists, case 12, 3600 seconds", false),
            (r#"{"result":false,"messages":["Ident a1b2c3d4-5e6f was created, but the e-mail failed"]}"#, true),
            (r#"{"result":false,"messages":["Ident abc-4711 was created"]}"#, true),
            (r#"{"result":false,"identId":"FIRST"}"#, true),
            (r#"{"result":false,"ident":{"id":"FIRST"}}"#, true),
            (r#"{"error":{"data":{"id":7}}}"#, true),
        ] {
            assert_eq!(contradicts(StatusCode::NOT_FOUND, &none, body.as_bytes()), expected, "{body}");
        }
    }
}
