//! Text in WinAnsi for the standard fonts: encoding, width, line breaks.
//!
//! In WinAnsi one byte is one glyph, so encoded text can be cut anywhere.

use lopdf::Encoding;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::metrics;

/// WinAnsi code of the ellipsis that replaces cut text.
const ELLIPSIS: u8 = 0x85;

/// A standard font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Font {
    /// Helvetica.
    Regular,
    /// Helvetica-Bold.
    Bold,
}

impl Font {
    /// Name of the font in resource dictionaries.
    pub(crate) const fn resource(self) -> &'static [u8] {
        match self {
            Self::Regular => b"F1",
            Self::Bold => b"F2",
        }
    }

    /// The name that a viewer knows the font by.
    pub(crate) const fn base_font(self) -> &'static [u8] {
        match self {
            Self::Regular => b"Helvetica",
            Self::Bold => b"Helvetica-Bold",
        }
    }

    fn advance(self, code: u8) -> f32 {
        let table = match self {
            Self::Regular => &metrics::HELVETICA,
            Self::Bold => &metrics::HELVETICA_BOLD,
        };
        let index = usize::from(code).checked_sub(0x20);
        f32::from(index.and_then(|i| table.get(i)).copied().unwrap_or(0))
    }
}

/// Returns the width of `text` in points.
pub(crate) fn width(text: &[u8], font: Font, size: f32) -> f32 {
    text.iter().map(|&code| font.advance(code)).sum::<f32>() * size / 1000.0
}

/// Encodes text in WinAnsi.
///
/// Letters outside WinAnsi lose their marks (`ł` to `l`, `ş` to `s`). Line breaks and control characters become spaces.
/// Other characters become `?`.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    // Compose first, because some systems send `ö` as an `o` and a mark.
    for c in text.nfc() {
        if let Some(byte) = win_ansi(c) {
            bytes.push(byte);
        } else if c.is_whitespace() || c.is_control() {
            bytes.push(b' ');
        } else if !is_combining_mark(c) && !is_invisible(c) {
            bytes.extend_from_slice(&substitute(c));
        }
    }
    bytes
}

/// Returns the WinAnsi code of a character, if it has one.
fn win_ansi(c: char) -> Option<u8> {
    match c {
        // The table has other codes for these two.
        '\u{a0}' => Some(0xa0),
        '•' => Some(0x95),
        c => Encoding::SimpleEncoding(b"WinAnsiEncoding").string_to_bytes(c.encode_utf8(&mut [0; 4])).first().copied(),
    }
}

/// Whether the character is invisible: soft hyphens, joiners, direction marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Returns the closest WinAnsi text for a character outside WinAnsi.
fn substitute(c: char) -> Vec<u8> {
    // Letters with a stroke have no decomposition in Unicode.
    const FROM: &str = "łŁđĐıħĦŧŦəƏ‐‑‒―−ʹʻʼ′″";
    const TO: &[u8] = b"lLdDihHtTeE-----''''\"";
    if let Some((_, letter)) = FROM.chars().zip(TO).find(|(from, _)| *from == c) {
        return vec![*letter];
    }
    match c {
        'ŋ' => return b"ng".to_vec(),
        'Ŋ' => return b"NG".to_vec(),
        'ẞ' => return b"SS".to_vec(),
        _ => {}
    }
    let base: Vec<u8> = std::iter::once(c).nfkd().filter_map(win_ansi).collect();
    if base.is_empty() { b"?".to_vec() } else { base }
}

/// Breaks text into lines of at most `limit` points, at least one and at most `max_lines`.
///
/// A word that is too long for a line is broken. An ellipsis replaces text that does not fit on the last line.
pub(crate) fn wrap(text: &[u8], font: Font, size: f32, limit: f32, max_lines: usize) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    for word in text.split(|&code| code == b' ').filter(|word| !word.is_empty()) {
        let mut longer = line.clone();
        if !longer.is_empty() {
            longer.push(b' ');
        }
        longer.extend_from_slice(word);
        if width(&longer, font, size) <= limit {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for &code in word {
            line.push(code);
            if line.len() > 1 && width(&line, font, size) > limit {
                line.pop();
                lines.push(std::mem::replace(&mut line, vec![code]));
            }
        }
        // The rest is cut off: do not measure it.
        if lines.len() > max_lines {
            break;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    if lines.len() > max_lines.max(1) {
        lines.truncate(max_lines.max(1));
        if let Some(last) = lines.last_mut() {
            last.push(ELLIPSIS);
            *last = clip(last, font, size, limit);
        }
    }
    lines
}

/// Cuts text to `limit` points. An ellipsis replaces the rest.
pub(crate) fn clip(text: &[u8], font: Font, size: f32, limit: f32) -> Vec<u8> {
    if width(text, font, size) <= limit {
        return text.to_vec();
    }
    let available = limit - width(&[ELLIPSIS], font, size);
    let mut used = 0.0;
    let mut clipped: Vec<u8> = text
        .iter()
        .copied()
        .take_while(|&code| {
            used += font.advance(code) * size / 1000.0;
            used <= available
        })
        .collect();
    clipped.push(ELLIPSIS);
    clipped
}

/// Returns the largest size from `smallest` to `wanted` at which the text fits into `limit` points, or `smallest`.
pub(crate) fn fit(text: &[u8], font: Font, wanted: f32, smallest: f32, limit: f32) -> f32 {
    let natural = width(text, font, wanted);
    if natural <= limit { wanted } else { (wanted * limit / natural).max(smallest) }
}
