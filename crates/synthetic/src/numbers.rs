//! Repairs numbers that readers understand although the format does not allow them.
//!
//! Some programs write `--3`, `-`, `.`, `1.2.3` or `5-3`. Readers take such a number for the part that they understand.

use std::borrow::Cow;

/// Returns the file with such numbers replaced. Every other byte keeps its position.
///
/// Strings, comments and streams are unchanged.
pub(crate) fn repair_numbers(file: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Cow::Borrowed(file);
    let mut rest = file;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'(' => skip_string(after),
            b'<' if !after.starts_with(b"<") => skip_past(after, b">"),
            b'%' => after.get(count(after, |byte| !matches!(byte, b'\r' | b'\n'))..).unwrap_or_default(),
            b'/' => after.get(count(after, is_regular)..).unwrap_or_default(),
            _ if is_regular(first) => {
                let (token, after) = rest.split_at(count(rest, is_regular));
                if let Some(number) = repair(token) {
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
fn repair(token: &[u8]) -> Option<Vec<u8>> {
    let signs = count(token, |byte| matches!(byte, b'+' | b'-'));
    let (sign, magnitude) = token.split_at(signs);
    if !magnitude.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-')) {
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
    if has_digits && signs <= 1 && understood == magnitude.len() {
        return None;
    }
    let mut number = Vec::with_capacity(token.len());
    if has_digits {
        number.extend(sign.contains(&b'-').then_some(b'-'));
        number.extend(magnitude.iter().take(understood));
    } else {
        number.push(b'0');
    }
    number.resize(token.len(), b' ');
    Some(number)
}
