//! Text of files, which editors and other programs can save in several encodings.

use std::fmt;

/// Why bytes are not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// They are UTF-16 or UTF-32.
    Utf16,
    /// They are not UTF-8.
    NotUtf8,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "is UTF-16: save it as UTF-8",
            Self::NotUtf8 => "is not UTF-8",
        })
    }
}

/// Returns the text of a file without the byte order mark (BOM) that some editors add.
///
/// # Errors
/// If the bytes are not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, TextFault> {
    // Without a mark, text in UTF-16 has a zero byte in its first character, unless that is not ASCII.
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]) {
        return Err(TextFault::Utf16);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| TextFault::NotUtf8)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_removed_and_utf_16_is_rejected() {
        for (bytes, text) in [
            (&b""[..], Ok("")),
            (b"{}", Ok("{}")),
            (b"\xef\xbb\xbf{}", Ok("{}")),
            (b"\xef\xbb\xbf", Ok("")),
            (b"{\xef\xbb\xbf}", Ok("{\u{feff}}")),
            (b"\xff\xfe{\0}\0", Err(TextFault::Utf16)),
            (b"\xfe\xff\0{\0}", Err(TextFault::Utf16)),
            (b"{\0}\0", Err(TextFault::Utf16)),
            (b"\0{\0}", Err(TextFault::Utf16)),
            (b"caf\xe9", Err(TextFault::NotUtf8)),
        ] {
            assert_eq!(decode(bytes), text, "{bytes:?}");
        }
    }
}
