//! Masks secrets in texts, URLs, headers and JSON.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::vendors::secrets::NAME_ENDS;

pub(crate) const REDACTED: &str = "(masked)";

/// Whether secrets are masked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Credentials, tokens, TANs, PINs and cookies are replaced with `(masked)`.
    #[default]
    Masked,
    /// Nothing is replaced.
    Revealed,
}

/// Endings of the names of secrets, in lower case, letters and digits only.
const ENDS: [&str; 7] = ["authorization", "cookie", "token", "password", "passwd", "secret", "accesskey"];

/// The general endings, and those of the vendors.
fn ends() -> impl Iterator<Item = &'static str> {
    ENDS.into_iter().chain(NAME_ENDS)
}

/// Short names of secrets, which must match completely.
const NAMES: [&str; 2] = ["jwt", "pwd"];

/// Words that mark a name as that of a secret: `TAN_CODE` and `signTan`, but not `standard`.
const WORDS: [&str; 2] = ["tan", "pin"];

/// Names of secrets in URL parameters only; `code` is the key of cloud functions.
const PARAMETERS: [&str; 13] =
    ["key", "sig", "auth", "pass", "passphrase", "hmac", "code", "tok", "pw", "session", "sessionid", "sid", "nonce"];

/// Endings of such parameters, e.g. in signed URLs: `X-Amz-Signature`.
const PARAMETER_ENDS: [&str; 3] = ["signature", "credential", "credentials"];

/// Authentication schemes that are not masked. With an unknown scheme, the first word can be the secret.
const SCHEMES: [&str; 7] = ["basic", "bearer", "digest", "negotiate", "ntlm", "hoba", "mutual"];

/// Normalizes a name: `token[]`, `api.key` and a name with a trailing space are recognized too.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect()
}

/// Whether a header, an element of a body or a parameter with this name is a secret.
pub(super) fn secret_name(name: &str) -> bool {
    let plain = plain(name);
    ends().any(|end| plain.ends_with(end)) || NAMES.contains(&plain.as_str()) || has_secret_word(name)
}

/// Whether a name has a word of [`WORDS`]. Words begin at a capital letter, and end before anything but a letter.
fn has_secret_word(name: &str) -> bool {
    let (mut words, mut before, mut rest) = (String::with_capacity(name.len()), ' ', name.chars().peekable());
    while let Some(char) = rest.next() {
        // The last capital letter of several begins a word, if a small letter follows: `TANCode`.
        let last = before.is_ascii_uppercase() && rest.peek().is_some_and(char::is_ascii_lowercase);
        if char.is_ascii_uppercase() && (before.is_ascii_lowercase() || last) {
            words.push(' ');
        }
        words.push(if char.is_ascii_alphabetic() { char.to_ascii_lowercase() } else { ' ' });
        before = char;
    }
    words.split(' ').any(|word| WORDS.contains(&word))
}

fn secret_parameter(plain: &str) -> bool {
    PARAMETERS.contains(&plain) || PARAMETER_ENDS.iter().any(|end| plain.ends_with(end))
}

/// Masks the value of a header. The authentication scheme remains.
pub(super) fn header(name: &str, value: &str) -> String {
    if !secret_name(name) {
        return text(value).into_owned();
    }
    match value.split_once(' ') {
        Some((scheme, _))
            if plain(name).ends_with("authorization") && SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) =>
        {
            format!("{scheme} {REDACTED}")
        }
        _ => REDACTED.to_owned(),
    }
}

/// Masks the secrets in a text: in URLs, in JSON, and in `name=value`.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let begins = text.trim_start().chars().next();
    if matches!(begins, Some('{' | '[' | '"'))
        && let Ok(mut written) = serde_json::from_str::<Value>(text)
    {
        let before = written.clone();
        value(&mut written);
        return if written == before { text.into() } else { written.to_string().into() };
    }
    let masked = urls(text);
    if assigns(&masked) || (masked.contains('%') && assigns(&percent_decode_str(&masked).decode_utf8_lossy())) {
        return REDACTED.into();
    }
    masked
}

pub(super) fn value(json: &mut Value) {
    match json {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::Null => {}
                    _ if secret_name(name) => *member = REDACTED.into(),
                    member => value(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(value),
        Value::String(given) => {
            let masked = text(given);
            if masked != given.as_str() {
                *given = masked.into_owned();
            }
        }
        _ => {}
    }
}

/// Masks the strings and numbers that have no name, because secrets are recognized by name. JSON in a string has names.
pub(super) fn unnamed(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(unnamed),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {}
        Value::String(_) | Value::Number(_) => *json = REDACTED.into(),
        _ => {}
    }
}

/// Masks all strings and numbers of JSON, except under the names in `visible`: in a login, any value can be a secret.
pub(super) fn shape(json: &mut Value, visible: &[&str]) {
    match json {
        Value::Object(members) => {
            for (name, member) in members {
                if member.is_array() || member.is_object() || !visible.contains(&name.as_str()) {
                    shape(member, visible);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shape(item, visible)),
        Value::String(_) | Value::Number(_) => *json = REDACTED.into(),
        _ => {}
    }
}

/// Whether a text contains the name of a secret. A body that cannot be parsed is hidden then.
pub(super) fn names_a_secret(text: &str) -> bool {
    let names = |text: &str| {
        let parts = text.chars().filter(|char| !matches!(char, '-' | '_' | '.' | ' '));
        let joined: String = parts.map(|char| char.to_ascii_lowercase()).collect();
        ends().any(|end| joined.contains(end)) || assigns(text)
    };
    names(text) || (text.contains('%') && names(&percent_decode_str(text).decode_utf8_lossy()))
}

/// Whether a text assigns a value to the name of a secret: `token=…`, `"passwd": "…"`.
fn assigns(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
        let around: &[char] = &[' ', '\t', '"', '\'', '\\'];
        let name = before.trim_end_matches(around);
        let begin = name.rfind(|char: char| !char.is_ascii_alphanumeric() && !matches!(char, '-' | '_'));
        let name = name.get(begin.map_or(0, |begin| begin + 1)..).unwrap_or(name);
        let given = after.trim_start_matches(around);
        if !given.is_empty() && !given.starts_with(REDACTED) && secret_name(name) {
            return true;
        }
        rest = after;
    }
    false
}

pub(super) fn path(path: &str) -> String {
    match path.split_once('?') {
        Some((path, query)) => format!("{}?{}", text(path), parameters(query)),
        None => text(path).into_owned(),
    }
}

fn parameters(query: &str) -> String {
    pairs(query, ['&', ';'])
}

/// Masks the secrets in a text of `name=value` pairs with these separators.
fn pairs(text_of_pairs: &str, separators: [char; 2]) -> String {
    let pairs = text_of_pairs.split_inclusive(separators).map(|pair| {
        let end = pair.trim_end_matches(separators);
        let Some((name, given)) = end.split_once('=') else { return Cow::from(pair) };
        let decoded = percent_decode_str(name).decode_utf8_lossy();
        let is_secret = secret_name(&decoded) || secret_parameter(&plain(&decoded));
        let given = percent_decode_str(given).decode_utf8_lossy();
        if (is_secret && !given.is_empty()) || text(&given) != given {
            return format!("{name}={REDACTED}{}", pair.get(end.len()..).unwrap_or_default()).into();
        }
        Cow::from(pair)
    });
    pairs.collect()
}

fn urls(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "://";
    if !text.contains(BEGIN) {
        return text.into();
    }
    let (mut masked, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(BEGIN) {
        let (before, after) = rest.split_at(at + BEGIN.len());
        masked.push_str(before);
        let end = after.find(|char: char| char.is_whitespace() || matches!(char, '"' | '<' | '>' | '\\'));
        let (url, behind) = after.split_at(end.unwrap_or(after.len()));
        masked.push_str(&mask_url(url));
        rest = behind;
    }
    masked.push_str(rest);
    if masked == text { text.into() } else { masked.into() }
}

#[cfg(feature = "server")]
fn urls_in(json: &mut Value) {
    match json {
        Value::Object(members) => members.values_mut().for_each(urls_in),
        Value::Array(items) => items.iter_mut().for_each(urls_in),
        Value::String(given) => {
            let masked = urls(given);
            if masked != given.as_str() {
                *given = masked.into_owned();
            }
        }
        _ => {}
    }
}

#[cfg(feature = "server")]
pub(crate) fn is_redacted(json: &Value) -> bool {
    match json {
        Value::Object(members) => members.values().any(is_redacted),
        Value::Array(items) => items.iter().any(is_redacted),
        Value::String(given) => {
            given.contains(REDACTED) || percent_decode_str(given).decode_utf8_lossy().contains(REDACTED)
        }
        _ => false,
    }
}

fn mask_url(url: &str) -> String {
    let (authority, rest) = url.split_at(url.find(['/', '?', '#']).unwrap_or(url.len()));
    let mut masked = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{REDACTED}@{host}"),
        None => authority.to_owned(),
    };
    let (place, parts) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    // Path segments can have parameters too (RFC 3986, 3.3).
    masked.push_str(&pairs(place, ['/', ';']));
    for part in parts.split_inclusive(['?', '#']) {
        masked.push_str(&match part.strip_suffix(['?', '#']) {
            Some(query) => parameters(query) + part.get(query.len()..).unwrap_or_default(),
            None => parameters(part),
        });
    }
    masked
}

impl Secrets {
    pub(super) fn header(self, name: &str, value: &str) -> String {
        if self == Self::Masked { header(name, value) } else { value.to_owned() }
    }

    pub(super) fn path(self, given: &str) -> String {
        if self == Self::Masked { path(given) } else { given.to_owned() }
    }

    /// Masks the secrets of a text that is not a valid URL, including everything before `@`.
    #[cfg(feature = "server")]
    pub(crate) fn invalid_url(self, given: &str) -> String {
        match (self, given.rsplit_once('@')) {
            (Self::Masked, Some((_, rest))) => format!("{REDACTED}@{}", path(rest)),
            (Self::Masked, None) => path(given),
            (Self::Revealed, _) => given.to_owned(),
        }
    }

    /// Masks the secrets in a URL.
    #[cfg(feature = "server")]
    pub(crate) fn url(self, url: &str) -> String {
        if self == Self::Masked { urls(url).into_owned() } else { url.to_owned() }
    }

    /// Masks only the secrets in URLs of JSON.
    #[cfg(feature = "server")]
    pub(crate) fn urls(self, json: Value) -> Value {
        self.change(json, urls_in)
    }

    pub(crate) fn value(self, json: Value) -> Value {
        self.change(json, value)
    }

    fn change(self, mut json: Value, mask: fn(&mut Value)) -> Value {
        if self == Self::Masked {
            mask(&mut json);
        }
        json
    }

    pub(crate) fn text(self, given: &str) -> Cow<'_, str> {
        if self == Self::Masked { text(given) } else { given.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_and_everything_else_remains() {
        for (given, expected) in [
            ("http://hooks.example/h?token=S&id=1", "http://hooks.example/h?token=(masked)&id=1"),
            ("see http://user:S@hooks.example/h now", "see http://(masked)@hooks.example/h now"),
            (
                "http://hooks.example/?t%6Fken=S#access_token=S",
                "http://hooks.example/?t%6Fken=(masked)#access_token=(masked)",
            ),
            ("http://a.example/?b=http%3A%2F%2Fc.example%2F%3Fapi-key%3DS", "http://a.example/?b=(masked)"),
            (r#""{\"APIKEY\":\"S\",\"a\":1}""#, r#""{\"APIKEY\":\"(masked)\",\"a\":1}""#),
            ("APIKEY=S", REDACTED),
            ("TAN : S", REDACTED),
            (r#"{"apikey": "S", broken"#, REDACTED),
            ("APIKEY%3DS", REDACTED),
            ("http://hooks.example/h?id=1&n=2#top", "http://hooks.example/h?id=1&n=2#top"),
            // Lists in forms, signed URLs, keys of cloud functions.
            ("http://a.example/?token%5B%5D=S&x[token]=S", "http://a.example/?token%5B%5D=(masked)&x[token]=(masked)"),
            (
                "http://a.example/?X-Amz-Signature=S&X-Amz-Credential=S",
                "http://a.example/?X-Amz-Signature=(masked)&X-Amz-Credential=(masked)",
            ),
            (
                "http://a.example/?code=S&passphrase=S&zipcode=1",
                "http://a.example/?code=(masked)&passphrase=(masked)&zipcode=1",
            ),
            ("http://a.example/x;token=S/y;id=1?b=1", "http://a.example/x;token=(masked)/y;id=1?b=1"),
            ("the tan is wrong: try again", "the tan is wrong: try again"),
            (r#"[1,  {"a": 2}]"#, r#"[1,  {"a": 2}]"#),
        ] {
            assert_eq!(text(given), expected, "{given}");
        }
        for (name, given, expected) in [
            ("Authorization", "Basic S", "Basic (masked)"),
            ("Authorization", "S x", REDACTED),
            ("X-Auth-Token", "S", REDACTED),
            ("api-key", "S", REDACTED),
            ("x-apikey", "S", REDACTED),
            ("accept", "text/plain", "text/plain"),
        ] {
            assert_eq!(header(name, given), expected, "{name}");
        }
        for (given, expected) in [
            (json!({ "api-key": "S", "a": ["APIKEY=S"] }), json!({ "api-key": REDACTED, "a": [REDACTED] })),
            (json!({ "X-API-TOKEN ": "S", "api.key": "S" }), json!({ "X-API-TOKEN ": REDACTED, "api.key": REDACTED })),
            (json!({ "tan": "S", "Title": "S", "tans": 1 }), json!({ "tan": REDACTED, "Title": "S", "tans": 1 })),
        ] {
            let mut masked = given;
            value(&mut masked);
            assert_eq!(masked, expected);
        }
        assert_eq!(path("/a?t%6Fken=S&b=1"), "/a?t%6Fken=(masked)&b=1");
    }

    #[test]
    fn each_name_of_a_secret_is_recognized() {
        let names = "Authorization Proxy-Authorization Cookie Set-Cookie X-API-TOKEN access_token APIKEY customer_code \
                     Password passwd client_secret accessKey TAN jwt PWD TAN_CODE tan-code tanCode TANCode signTan \
                     SMSTan mTAN tan1 x.tan PIN pin_code userPin";
        for name in names.split_whitespace() {
            let expected = json!({ name: "S" });
            assert_eq!(Secrets::Masked.value(expected), json!({ name: REDACTED }));
            assert_eq!(header(name, "S"), REDACTED);
            assert_eq!(path(&format!("/?{name}=S&a=1")), format!("/?{name}={REDACTED}&a=1"));
        }
        for name in [
            "key",
            "sig",
            "signature",
            "X-Goog-Signature",
            "auth",
            "pass",
            "passphrase",
            "hmac",
            "code",
            "credentials",
            "tok",
            "pw",
            "session_id",
            "nonce",
        ] {
            assert_eq!(path(&format!("/?{name}=S;a=1")), format!("/?{name}={REDACTED};a=1"));
            assert_eq!(Secrets::Masked.value(json!({ name: "S" })), json!({ name: "S" }), "in URLs only");
        }
        for name in
            ["standard", "Standard", "STANDARD", "distance", "tango", "Titan", "tans", "pins", "pinned", "spin", "type"]
        {
            assert!(!secret_name(name), "{name}");
        }
        for scheme in ["Basic", "Bearer", "Digest", "Negotiate", "NTLM", "HOBA", "Mutual"] {
            assert_eq!(header("authorization", &format!("{scheme} S")), format!("{scheme} {REDACTED}"));
        }
    }
}
