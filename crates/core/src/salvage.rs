//! Finds ids in a response that cannot be read.
//!
//! A response that the vendor does not repeat can hold the only copy of an id. Its body may be anything: JSON after a
//! notice, a number that is too large, half an object. So the bytes are searched without parsing them (AT-97).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

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

/// Minimum length of a value without quotes in a plain text, in bytes. A shorter one is a word or a number of the text.
const SHORTEST: usize = 6;

/// Finds the values of these elements anywhere in a body, each value once: JSON first, in the order of the body, then
/// XML, form data and plain text, then URLs. The case of names is ignored, and a name may have escapes. Of a list the first
/// value counts. Empty values, `null` and objects are not ids.
///
/// `urls` are elements with a part of the path of their URLs, which are found without the name too. `complete`: whether
/// nothing of the body is missing, so that a value at its end is whole. A body in JSON or XML that ends within a value is cut
/// in any case: a gateway may have cut it and set the length.
pub(crate) fn find_ids(
    body: &[u8],
    names: &[&'static str],
    urls: &[(&'static str, &'static str)],
    complete: bool,
) -> Vec<FoundId> {
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let mut add = |name: &'static str, value: String| {
        // A body can have many ids, so each is looked up by its hash.
        if known.insert((name, value.clone())) {
            found.push(FoundId { name, value: Secret::new(value) });
        }
    };
    // UTF-16: the names and ids of the vendors are ASCII.
    let narrow: Vec<u8>;
    let mut body = body;
    if body.contains(&0) {
        narrow = body.iter().copied().filter(|byte| *byte != 0).collect();
        body = &narrow;
    }
    let complete = complete && !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"' | b'<'));
    let after = |at: usize| body.get(at + 1..).unwrap_or_default();
    let quotes = body.iter().enumerate().filter(|(_, byte)| **byte == b'"').map(|(at, _)| after(at));
    for rest in quotes {
        names.iter().filter_map(|name| Some((*name, value_of(name, rest)?))).for_each(|(name, value)| add(name, value));
    }
    for name in names {
        let mut text = Text::new(body, complete);
        for at in places(body, name.as_bytes()) {
            if let Some(value) = text.value(at, at + name.len()) {
                add(name, value);
            }
        }
    }
    if urls.is_empty() {
        return found;
    }
    let plain = match body.contains(&b'\\') {
        true => Cow::Owned(body.iter().copied().filter(|byte| *byte != b'\\').collect()),
        false => Cow::Borrowed(body),
    };
    for (name, part) in urls {
        let mut word_end = 0;
        let mut word = Ahead::new(|byte| is_delimiter(byte) || byte == b'=');
        let mut url_end = Ahead::new(|byte| is_delimiter(byte) && byte != b'&');
        for at in places(&plain, part.as_bytes()) {
            // The URL was found at an earlier place.
            if at < word_end {
                continue;
            }
            word_end = word.find(&plain, at).unwrap_or(plain.len());
            let end = url_end.find(&plain, at + part.len());
            if let Some(url) = url_around(&plain, at..at + part.len(), end, complete) {
                add(name, url);
            }
        }
    }
    found
}

/// The places of a text in a body, in any case.
fn places<'a>(body: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = text.first().copied().unwrap_or_default();
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    // Most bytes are not the first one: comparing the whole text at each would take several times as long.
    let begins = body.iter().enumerate().filter(move |(_, byte)| **byte == lower || **byte == upper);
    let is_here = move |at: &usize| {
        body.get(*at..*at + text.len()).is_some_and(|part| !text.is_empty() && part.eq_ignore_ascii_case(text))
    };
    begins.map(|(at, _)| at).filter(is_here)
}

/// Finds the next byte of a kind. Places are asked for in rising order, so that each byte is read once, whatever the body
/// contains.
struct Ahead {
    is_wanted: fn(u8) -> bool,
    /// No byte from `from` to before `found` is wanted.
    from: usize,
    found: usize,
}

impl Ahead {
    fn new(is_wanted: fn(u8) -> bool) -> Self {
        Self { is_wanted, from: 0, found: 0 }
    }

    /// The place of the next wanted byte at `from` or later.
    fn find(&mut self, body: &[u8], from: usize) -> Option<usize> {
        let is_known = (self.from..self.found).contains(&from);
        if !is_known {
            let rest = body.get(from..)?;
            let distance = rest.iter().position(|byte| (self.is_wanted)(*byte));
            (self.from, self.found) = (from, from + distance.unwrap_or(rest.len()));
        }
        (self.found < body.len()).then_some(self.found)
    }
}

/// Whether a byte ends a value without quotes, or a URL.
fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'&' | b',' | b';' | b'(' | b')' | b'{' | b'}')
}

/// A body in which values of XML, form data and plain text are searched.
struct Text<'a> {
    body: &'a [u8],
    /// Whether a value at the end of the body is whole.
    complete: bool,
    content: Ahead,
    tag_end: Ahead,
    content_end: Ahead,
    single_quote: Ahead,
    double_quote: Ahead,
    delimiter: Ahead,
}

impl<'a> Text<'a> {
    fn new(body: &'a [u8], complete: bool) -> Self {
        Self {
            body,
            complete,
            content: Ahead::new(|byte| !byte.is_ascii_whitespace()),
            tag_end: Ahead::new(|byte| byte == b'>'),
            content_end: Ahead::new(|byte| matches!(byte, b'<' | b']')),
            single_quote: Ahead::new(|byte| byte == b'\''),
            double_quote: Ahead::new(|byte| byte == b'"'),
            delimiter: Ahead::new(is_delimiter),
        }
    }

    /// The value of an element whose name is at these bytes.
    fn value(&mut self, from: usize, to: usize) -> Option<String> {
        let body = self.body;
        let before = from.checked_sub(1).and_then(|at| body.get(at)).copied();
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'"' | b'\\' | b'/')) {
            return None;
        }
        let first = body.get(to).copied();
        // The attributes of an element follow a blank.
        let ends_name = first.is_some_and(|byte| byte == b'>' || byte.is_ascii_whitespace());
        if matches!(before, Some(b'<' | b':'))
            && ends_name
            && let Some(tag) = self.tag_end.find(body, to)
        {
            let value = body.get(tag + 1..).unwrap_or_default();
            let marker = if value.starts_with(b"<![CDATA[") { b"<![CDATA[".len() } else { 0 };
            let begin = tag + 1 + marker;
            if let Some(end) = self.content_end.find(body, begin) {
                return word(body.get(begin..end)?, 1);
            }
        }
        let separator = self.content.find(body, to).filter(|at| matches!(body.get(*at), Some(b'=' | b':')))?;
        let begin = self.content.find(body, separator + 1).unwrap_or(body.len());
        let quote = match body.get(begin) {
            Some(b'\'') => Some(&mut self.single_quote),
            Some(b'"') => Some(&mut self.double_quote),
            _ => None,
        };
        if let Some(quote) = quote {
            let end = quote.find(body, begin + 1)?;
            let value = body.get(begin + 1..end)?;
            return word(value, 1).filter(|word| word.len() == value.len());
        }
        let end = self.delimiter.find(body, begin).or_else(|| self.complete.then_some(body.len()))?;
        let value = word(body.get(begin..end)?, SHORTEST)?;
        value.contains(|c: char| c.is_ascii_digit()).then(|| value.trim_end_matches('.').to_owned())
    }
}

/// A value that is one word of at least this length, without the blanks around it.
fn word(value: &[u8], shortest: usize) -> Option<String> {
    if value.len() > 2 * LONGEST {
        return None;
    }
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    let is_word =
        (shortest..=LONGEST).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_word.then(|| text.to_owned())
}

/// The URL that has a part of a path at these bytes. `end` is the place of the next byte that ends a URL.
fn url_around(body: &[u8], part: Range<usize>, end: Option<usize>, complete: bool) -> Option<String> {
    // A longer text is not a URL.
    let from = part.start.saturating_sub(LONGEST);
    let begin = body.get(from..part.start)?.iter().rposition(|byte| is_delimiter(*byte) || *byte == b'=');
    let begin = begin.map_or(from, |at| from + at + 1);
    let quoted = begin.checked_sub(1).and_then(|at| body.get(at)).is_some_and(|byte| matches!(byte, b'"' | b'\''));
    let end = end.or_else(|| (complete && !quoted).then_some(body.len()))?;
    if end - begin > LONGEST {
        return None;
    }
    let url = std::str::from_utf8(body.get(begin..end)?).ok()?.trim_end_matches('.');
    let is_url = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    let is_url = is_url && end > part.end && url.len() < LONGEST;
    is_url.then(|| url.to_owned())
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
        // With its fraction, without which it would be another id.
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'.' | b'+' | b'-');
        let digits = rest.iter().take_while(is_part).count();
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
            (br#"{"OrderID":1.50,"ident_id":1e+5}"#, &["OrderID=1.50", "ident_id=1e+5"]),
            (b"OrderID: 99", &[]),
            (b"OrderID: 99921269855041.", &["OrderID=99921269855041"]),
            (b"OrderID = '99'", &["OrderID=99"]),
            (b"OrderID = '9 9', OrderID = '9\x079'", &[]),
            (b"state=1&OrderID=99921269855041&x=1", &["OrderID=99921269855041"]),
            (b"state=1&orderid=99921269855041", &["OrderID=99921269855041"]),
            (b"<r><OrderID>99</OrderID></r>", &["OrderID=99"]),
            (b"<n:OrderID a=\"b\"> 99\n</n:OrderID><OrderID/>", &["OrderID=99"]),
            (b"<o OrderID=\"99\"/><OrderID><![CDATA[98]]></OrderID>", &["OrderID=99", "OrderID=98"]),
            (b"O\0r\0d\0e\0r\0I\0D\0=\099921269855041", &["OrderID=99921269855041"]),
            (b"{\0\"\0O\0r\0d\0e\0r\0I\0D\0\"\0:\0\"\099\"\0}\0", &["OrderID=99"]),
            (b"OrderID: must have 20 characters", &[]),
            (b"the OrderID is required; XOrderID=99921269855041 OrderIDs=99921269855041", &[]),
            (br#"{"Error":"OrderID: 20 characters"}"#, &[]),
            (b"<a href='https://x/apply/a-b'>go on</a>", &["url=https://x/apply/a-b"]),
            (b"see https://x/v1/APPLY/a-b?c=d&e=f.", &["url=https://x/v1/APPLY/a-b?c=d&e=f"]),
            (br#"{"x":"https:\/\/x\/apply\/a-b"}"#, &["url=https://x/apply/a-b"]),
            (br#"{"conference_url":"https:\/\/x\/apply\/a-b"}"#, &["url=https://x/apply/a-b"]),
            (b"to apply/ or /apply/ or https://x/apply/", &[]),
            (b"\"OrderID\":\"99", &[]),
            (b"\"OrderID\":99", &[]),
            (b"\xff\xfe\"OrderID\":\"99\"\xff", &["OrderID=99"]),
            (b"", &[]),
        ] {
            let found =
                find_ids(body, &["OrderID", "ident_id", "conference_url"], &[("conference_url", "/apply/")], true);
            let shown: Vec<_> = found.iter().map(|id| format!("{}={}", id.name, id.value.expose())).collect();
            let shown: Vec<_> = shown.iter().map(|text| text.replace("conference_url", "url")).collect();
            assert_eq!(shown, expected, "{}", String::from_utf8_lossy(body));
            assert!(!format!("{found:?}").contains("99"), "{found:?}");
        }
    }

    #[test]
    fn at_97_many_ids_take_linear_time() {
        const COUNT: usize = 200_000;
        let members: Vec<String> = (0..COUNT).map(|index| format!(r#""{index}":{{"OrderID":"x{index}"}}"#)).collect();
        let body = format!("{{{},{}}}", members.join(","), members.join(","));
        // Comparing each id with all others would take minutes, which is longer than a test may run.
        assert_eq!(find_ids(body.as_bytes(), &["OrderID"], &[], true).len(), COUNT);
        let urls = format!("https://x{}\"", "/apply/".repeat(COUNT));
        assert!(find_ids(urls.as_bytes(), &[], &[("url", "/apply/")], true).is_empty());
    }

    #[test]
    fn at_97_no_text_takes_more_than_linear_time() {
        const COUNT: usize = 200_000;
        // Each has many begins of a value without an end.
        for part in [
            "<OrderID ",
            "OrderID=",
            "OrderID='\"",
            "OrderID=x",
            "OrderID:\n\n",
            "http://x/apply/=",
            "x/apply/&",
            "\"OrderID\":[",
        ] {
            let body = part.repeat(COUNT);
            for complete in [false, true] {
                // Reading on from each of them would take minutes, which is longer than a test may run.
                drop(find_ids(body.as_bytes(), &["OrderID"], &[("url", "/apply/")], complete));
            }
        }
        let blanks = format!(r#"{{"a":"{}","OrderID":"99"}}"#, " ".repeat(10 << 20));
        assert_eq!(find_ids(blanks.as_bytes(), &["OrderID"], &[("url", "/apply/")], true).len(), 1);
    }

    #[test]
    fn at_97_each_url_of_a_query_is_found() {
        let body = b"x=https://a/apply/1&y=https://b/apply/2 https://c/apply/3/apply/4";
        let found = find_ids(body, &[], &[("url", "/apply/")], true);
        let shown: Vec<_> = found.iter().map(|id| id.value.expose()).collect();
        let first = "https://a/apply/1&y=https://b/apply/2";
        assert_eq!(shown, [first, "https://b/apply/2", "https://c/apply/3/apply/4"]);
    }

    #[test]
    fn at_97_a_text_that_is_too_long_is_not_an_id() {
        for (length, is_id) in [(LONGEST - 1, true), (LONGEST + 1, false)] {
            let body = format!(r#"{{"OrderID":"{}"}}"#, "9".repeat(length));
            assert_eq!(find_ids(body.as_bytes(), &["OrderID"], &[], true).len(), usize::from(is_id), "{length}");
        }
    }

    #[test]
    fn at_97_a_value_that_may_be_cut_off_is_not_an_id() {
        for body in ["OrderID=99921269855041", "https://x/apply/a-b", "<OrderID>99", "OrderID='99"] {
            assert!(find_ids(body.as_bytes(), &["OrderID"], &[("url", "/apply/")], false).is_empty(), "{body}");
        }
        // The length of the response can be that of the cut body.
        for body in [
            r#"{"OrderID":"","TargetURL":"https://x/apply/a-b"#,
            "Notice {\"url\":\"https://x/apply/a-b",
            r#"{"a":"OrderID=99921269855041"#,
            "<a href='https://x/apply/a-b",
            "<p>https://x/apply/a-b",
        ] {
            assert!(find_ids(body.as_bytes(), &["OrderID"], &[("url", "/apply/")], true).is_empty(), "{body}");
        }
    }
}
