//! Repairs tokens that readers understand and `lopdf` does not.
//!
//! - Some programs write the numbers `--3`, `-`, `.`, `1.2.3`, `5-3` or `1e3`. Readers take such a number for the part
//!   that they understand.
//! - A number of more than 18 digits does not fit `lopdf`'s integers. Readers take it for a very large number.
//! - `/Encrypt null` is the same as no entry (ISO 32000-1, 7.3.7). `lopdf` takes the file for an encrypted one.

use std::borrow::Cow;

/// Number of digits that always fit an integer of 64 bits.
const MAX_DIGITS: usize = 18;

/// Returns the file with such tokens replaced. Every other byte keeps its position.
///
/// Strings, comments and streams are unchanged.
pub(crate) fn repair_tokens(file: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Cow::Borrowed(file);
    let mut rest = file;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'(' => skip_string(after),
            b'<' => after.strip_prefix(b"<").unwrap_or_else(|| skip_past(after, b">")),
            b'%' => after.get(count(after, |byte| !matches!(byte, b'\r' | b'\n'))..).unwrap_or_default(),
            b'/' => {
                let (name, after) = after.split_at(count(after, is_regular));
                let end = if name == b"Encrypt" { after_null(after) } else { None };
                if let Some(end) = end {
                    let entry = file.len() - rest.len()..file.len() - end.len();
                    repaired.to_mut().get_mut(entry).unwrap_or_default().fill(b' ');
                }
                after
            }
            _ if is_regular(first) => {
                let (token, after) = rest.split_at(count(rest, is_regular));
                if let Some(number) = repair_number(token) {
                    let start = file.len() - rest.len();
                    for (to, from) in repaired.to_mut().iter_mut().skip(start).zip(number) {
                        *to = from;
                    }
                }
                if token == b"stream" { skip_past(after, b"endstream") } else { after }
            }
            _ => after,
        };
    }
    repaired
}

/// Whether a byte is neither white space nor a delimiter (ISO 32000-1, 7.2.2).
fn is_regular(byte: u8) -> bool {
    !b"\0\t\n\x0c\r ()<>[]{}/%".contains(&byte)
}

/// Returns the bytes after white space and the token `null`.
fn after_null(bytes: &[u8]) -> Option<&[u8]> {
    let is_space = |byte| !is_regular(byte) && !b"()<>[]{}/%".contains(&byte);
    let value = bytes.get(count(bytes, is_space)..)?;
    let (token, after) = value.split_at(count(value, is_regular));
    (token == b"null").then_some(after)
}

fn count(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !is_wanted(byte)).unwrap_or(bytes.len())
}

fn skip_past<'a>(bytes: &'a [u8], end: &[u8]) -> &'a [u8] {
    let found = bytes.windows(end.len()).position(|window| window == end);
    found.and_then(|at| bytes.get(at + end.len()..)).unwrap_or_default()
}

/// Skips a string whose opening parenthesis was read.
fn skip_string(mut bytes: &[u8]) -> &[u8] {
    let mut depth = 1_usize;
    while let Some((&byte, after)) = bytes.split_first() {
        bytes = after;
        match byte {
            b'\\' => bytes = after.get(1..).unwrap_or_default(),
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    bytes
}

/// Returns the bytes that replace a token, if it is an unusual number.
fn repair_number(token: &[u8]) -> Option<Vec<u8>> {
    let signs = count(token, |byte| matches!(byte, b'+' | b'-'));
    let (sign, magnitude) = token.split_at(signs);
    let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E');
    if !magnitude.iter().all(is_number) || magnitude.first().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    let whole = count(magnitude, |byte| byte.is_ascii_digit());
    let rest = magnitude.get(whole..).unwrap_or_default();
    let fraction = match rest.split_first() {
        Some((b'.', digits)) => digits.get(..count(digits, |byte| byte.is_ascii_digit())).unwrap_or_default(),
        _ => &[],
    };
    let dot = rest.starts_with(b".");
    let understood = whole + usize::from(dot) + fraction.len();
    let has_digits = whole + fraction.len() > 0;
    let leading_zeros = count(magnitude, |byte| byte == b'0').min(whole.saturating_sub(1));
    let is_long = whole > MAX_DIGITS;
    if has_digits && signs <= 1 && understood == magnitude.len() && !is_long {
        return None;
    }
    let mut number = Vec::with_capacity(token.len());
    if has_digits {
        number.extend(sign.contains(&b'-').then_some(b'-'));
        if is_long && whole - leading_zeros > MAX_DIGITS {
            number.extend([b'9'; MAX_DIGITS]);
        } else {
            number.extend(magnitude.iter().take(understood).skip(if is_long { leading_zeros } else { 0 }));
        }
    } else {
        number.push(b'0');
    }
    number.resize(token.len(), b' ');
    Some(number)
}
