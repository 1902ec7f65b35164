//! Detects a PDF by its header, and an encrypted one by the dictionary of its last cross-reference section.
//!
//! Best effort (AT-86): a PDF that cannot be parsed counts as not encrypted, and bytes elsewhere prove nothing. Reads
//! the tail of a source, then at most 1 MiB from the section on. If `startxref` leads to no section, e.g. because line ends
//! were converted, the trailer or the cross-reference stream at the end of the file decides, as in programs that repair PDFs.

use std::io::{self, Read};

use identkit_wire::Source;
use identkit_wire::json::Blob;

const HEADER: &[u8] = b"%PDF-";
const TRAILER: &[u8] = b"trailer";
/// Number of bytes in which readers look for the header (ISO 32000-1, annex H, note 13).
const HEADER_RANGE: usize = 1024;
/// Number of bytes at the end that are searched for `startxref` and its offset.
const TAIL: usize = 2 * 1024;
/// Maximum number of bytes read from the start of a cross-reference section.
const SECTION: u64 = 1024 * 1024;

/// Whether readers find the header of a PDF.
pub(crate) fn has_header(document: &Blob) -> bool {
    document.first_bytes(HEADER_RANGE + HEADER.len()).windows(HEADER.len()).any(|window| window == HEADER)
}

/// Whether the document's last trailer names an encryption dictionary. A source that is not in memory counts as not
/// encrypted: requests are written on async threads, which must not wait for a disk.
pub(crate) fn is_encrypted(document: &Blob) -> bool {
    let encrypted = match document {
        Blob::Source(source) if source.in_memory() => ends_encrypted(source.as_ref()).ok(),
        Blob::Source(_) => None,
        Blob::Text(_) => {
            document.to_bytes().ok().and_then(|bytes| ends_encrypted(&identkit_wire::MemorySource(bytes)).ok())
        }
    };
    encrypted.unwrap_or(false)
}

/// Whether the last cross-reference section of a document names an encryption dictionary.
fn ends_encrypted(source: &dyn Source) -> io::Result<bool> {
    let length = source.len();
    let read = |from: u64, most: u64| {
        let mut bytes = Vec::new();
        source.open_at(from)?.take(most).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    if let Some(offset) = start_of_section(&read(length.saturating_sub(TAIL as u64), TAIL as u64)?) {
        let head = read(0, (HEADER_RANGE + HEADER.len()) as u64)?;
        // Offsets count from the header in a file with other bytes before it.
        let before = head.windows(HEADER.len()).position(|window| window == HEADER).unwrap_or_default() as u64;
        for offset in [Some(offset), offset.checked_add(before)].into_iter().flatten().filter(|offset| *offset < length)
        {
            if let Some(encrypted) = names_encryption(&read(offset, SECTION)?) {
                return Ok(encrypted);
            }
        }
    }
    let whole = read(0, length)?;
    Ok(section_at_end(&whole).and_then(names_encryption).unwrap_or(false))
}

/// The trailer after all streams, or the last stream with its dictionary. Streams can contain other PDFs.
fn section_at_end(file: &[u8]) -> Option<&[u8]> {
    const END: &[u8] = b"endstream";
    let last = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).rposition(|window| window == word);
    let (before, after) = match last(file, END) {
        Some(at) => file.split_at_checked(at)?,
        None => (&[][..], file),
    };
    if let Some(at) = last(after, TRAILER) {
        return after.get(at..);
    }
    let stream = last(before, b"stream")?;
    let object = before.get(..stream).filter(|bytes| !bytes.ends_with(b"end"))?;
    // From the number of the object on: the number and the generation precede the keyword.
    let keyword = last(object, b" obj")?;
    let number = object.get(..keyword)?.iter().rposition(|byte| !byte.is_ascii_digit() && *byte != b' ')? + 1;
    before.get(number..)
}

fn start_of_section(tail: &[u8]) -> Option<u64> {
    const KEYWORD: &[u8] = b"startxref";
    let at = tail.windows(KEYWORD.len()).rposition(|window| window == KEYWORD)? + KEYWORD.len();
    let digits = tail.get(at..)?.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

/// Whether the dictionary of the trailer or of the cross-reference stream has the key `Encrypt`. `None` if the bytes are
/// neither a table with a trailer, nor a trailer, nor a cross-reference stream.
fn names_encryption(section: &[u8]) -> Option<bool> {
    let section = section.trim_ascii_start();
    let is_table = section.starts_with(b"xref") || section.starts_with(TRAILER);
    let mut rest = match is_table {
        true => {
            let at = section.windows(TRAILER.len()).position(|window| window == TRAILER)?;
            section.get(at + TRAILER.len()..)?
        }
        false => after_object_number(section)?,
    };
    let (mut depth, mut is_stream, mut encrypted) = (0_u32, false, None);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'<' if rest.starts_with(b"<") => {
                depth += 1;
                rest = rest.get(1..).unwrap_or_default();
            }
            b'>' if rest.starts_with(b">") => {
                depth = depth.saturating_sub(1);
                rest = rest.get(1..).unwrap_or_default();
                if depth == 0 {
                    break;
                }
            }
            b'(' => rest = after_string(rest),
            b'%' => rest = after_comment(rest),
            b'/' => {
                let (name, after) = split_token(rest);
                let is = |expected: &[u8]| depth == 1 && decoded_name(name).eq(expected.iter().copied());
                if is(b"Encrypt") {
                    encrypted.get_or_insert(!is_null(after));
                }
                is_stream |= is(b"Type") && is_name(after, b"XRef");
                rest = after;
            }
            // The content of a stream is arbitrary, and its dictionary precedes it.
            b's' if depth == 0 && rest.starts_with(b"tream") => break,
            _ => {}
        }
    }
    (is_table || is_stream).then(|| encrypted.unwrap_or(false))
}

/// Returns the bytes after `7 0 obj`.
fn after_object_number(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    for _ in 0..2 {
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).filter(|digits| *digits > 0)?;
        rest = rest.get(digits..)?.trim_ascii_start();
    }
    rest.strip_prefix(b"obj")
}

/// Whether the value of an entry is this name.
fn is_name(value: &[u8], expected: &[u8]) -> bool {
    let value = value.trim_ascii_start().strip_prefix(b"/");
    value.is_some_and(|name| decoded_name(split_token(name).0).eq(expected.iter().copied()))
}

/// Whether the value of an entry is `null`, which is the same as no entry (ISO 32000-1, 7.3.7).
fn is_null(value: &[u8]) -> bool {
    let mut rest = value;
    loop {
        rest = match rest {
            [b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b'\0', after @ ..] => after,
            [b'%', after @ ..] => after_comment(after),
            _ => return split_token(rest).0 == b"null",
        }
    }
}

/// Returns the bytes after a comment, which ends with its line (ISO 32000-1, 7.2.4).
fn after_comment(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}

/// The bytes of a name. `#` and two hexadecimal digits are one byte (ISO 32000-1, 7.3.5).
fn decoded_name(mut name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    std::iter::from_fn(move || {
        let (byte, after) = match name {
            [b'#', high, low, after @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                match (digit(high), digit(low)) {
                    (Some(high), Some(low)) => (high * 16 + low, after),
                    _ => (b'#', name.get(1..)?),
                }
            }
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        name = after;
        Some(byte)
    })
}

/// Splits after the regular characters at the start.
fn split_token(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| b" \t\r\n\x0c\0()<>[]{}/%".contains(byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, b""))
}

/// Returns the bytes after a string in parentheses, which may contain balanced or escaped parentheses.
fn after_string(mut rest: &[u8]) -> &[u8] {
    let mut open = 1_u32;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => rest = rest.get(1..).unwrap_or_default(),
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            break;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pdf(before: &str, section: &str) -> Blob {
        let offset = before.len();
        Blob::from_bytes(format!("{before}{section}\nstartxref\n{offset}\n%%EOF\n").into_bytes())
    }

    #[test]
    fn at_86_header_may_follow_other_bytes() {
        for (before, found) in [(0, true), (3, true), (1024, true), (1025, false)] {
            let bytes = [&vec![b' '; before], b"%PDF-1.7\n".as_slice()].concat();
            for blob in [Blob::from_bytes(bytes.clone()), Blob::Text(identkit_wire::encode_base64(&bytes).into())] {
                assert_eq!(has_header(&blob), found, "{before}");
            }
        }
    }

    #[test]
    fn at_86_only_the_last_trailer_makes_a_pdf_encrypted() {
        let table = "xref\n0 1\n0000000000 65535 f \ntrailer\n";
        for (before, section, encrypted) in [
            ("%PDF-1.7\n", format!("{table}<< /Size 1 /Root 1 0 R /Encrypt 5 0 R >>"), true),
            ("%PDF-1.7\n", format!("{table}<</Size 1/Encrypt<</Filter/Standard>>>>"), true),
            ("%PDF-1.7\n", format!("{table}<</Size 1/Encrypt null/Root 1 0 R>>"), false),
            ("%PDF-1.7\n", format!("{table}<</Size 1/Encrypt\r\nnull>>"), false),
            ("%PDF-1.7\n", format!("{table}<</Size 1/Encrypt nullable>>"), true),
            ("%PDF-1.7\n", "7 0 obj\n<< /Type /XRef /Encrypt 5 0 R >>\nstream\nx".to_owned(), true),
            ("%PDF-1.7\n", format!("{table}<< /Size 1 /Root 1 0 R >>"), false),
            ("%PDF-1.7\n", format!("{table}<< /Info << /Encrypt 5 0 R >> >>"), false),
            ("%PDF-1.7\n", format!("{table}<< /A (\\(/Encrypt) /B (()/Encrypt) >>"), false),
            ("%PDF-1.7\n", format!("{table}<< /EncryptMetadata true >>"), false),
            ("%PDF-1.7\n", format!("{table}<< /#45ncr#79pt 5 0 R >>"), true),
            ("%PDF-1.7\n", format!("{table}<< /#45ncrypt#20 5 0 R >>"), false),
            ("%PDF-1.7\n", format!("{table}<< /#4Encrypt 5 0 R /#4 1 /# 1 >>"), false),
            ("%PDF-1.7\n", format!("{table}<< % << /Encrypt 5 0 R >>\n/Size 1 >>"), false),
            ("%PDF-1.7\n", format!("{table}<< % >>\r/Encrypt 5 0 R >>"), true),
            ("%PDF-1.7\n", format!("{table}<< /Encrypt % 5 0 R\n null >>"), false),
            ("%PDF-1.7\n", format!("{table}<< /Size 1 >> << /Encrypt 5 0 R >>"), false),
            ("%PDF-1.7\n", "7 0 obj\n<< /Type /XRef >>\nstream\n<</Encrypt 1 0 R>>".to_owned(), false),
            ("%PDF-1.7\n<< /Encrypt 5 0 R >>\n", format!("{table}<< /Size 1 >>"), false),
        ] {
            let document = pdf(before, &section);
            assert_eq!(is_encrypted(&document), encrypted, "{section}");
            let text = identkit_wire::encode_base64(&document.to_bytes().unwrap());
            assert_eq!(is_encrypted(&Blob::Text(text.into())), encrypted, "{section}");
        }
        assert!(!is_encrypted(&Blob::from_bytes("%PDF-1.7\n%%EOF\n")));
        assert!(!is_encrypted(&Blob::from_bytes("%PDF-1.7 startxref 99999999999999999999")));
        assert!(!is_encrypted(&Blob::from_bytes("%PDF-1.7 startxref 4000")));
    }

    #[test]
    fn at_86_an_encrypted_pdf_with_wrong_offsets_is_found() {
        let table = |entries: &str| format!("xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 {entries} >>\n");
        let stream = |entries: &str| format!("7 0 obj\n<< /Type /XRef {entries} >>\nstream\nx\nendstream\nendobj\n");
        let object = |content: &str| format!("8 0 obj\n<< >>\nstream\n{content}\nendstream\nendobj\n");
        let encrypt = "/Encrypt 5 0 R";
        for (body, encrypted) in [
            (table(encrypt), true),
            (stream(encrypt), true),
            (table(""), false),
            (stream(""), false),
            (object("x") + &table(encrypt), true),
            (object(&table(encrypt)) + &table(""), false),
            (object(&table(encrypt)) + &stream(""), false),
            // Of another PDF inside a stream.
            (object(&table(encrypt)), false),
            (object(&stream(encrypt)), false),
            (object("/Encrypt 5 0 R") + "9 0 obj << /Encrypt 5 0 R >> endobj\n", false),
        ] {
            let end = |offset: usize| format!("{body}startxref\n{offset}\n%%EOF\n");
            for (name, document) in [
                ("too large", format!("%PDF-1.7\n{}", end(90_000))),
                ("off by one", format!("%PDF-1.7\n{}", end(8))),
                ("no startxref", format!("%PDF-1.7\n{body}%%EOF\n")),
                ("bytes before", format!("{}%PDF-1.7\n{}", "x".repeat(20), end(9))),
                ("line ends", format!("%PDF-1.7\n%\n{}", end(11)).replace('\n', "\r\n")),
            ] {
                assert_eq!(is_encrypted(&Blob::from_bytes(document)), encrypted, "{name}: {body}");
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>, section: Vec<u8>) {
            let _ = is_encrypted(&Blob::from_bytes([&bytes[..], b"startxref 0"].concat()));
            let _ = names_encryption(&section);
        }

        #[test]
        fn a_document_longer_than_the_tail_is_read(padding in 0_usize..5000) {
            let before = format!("%PDF-1.7\n{}\n", "x".repeat(padding));
            prop_assert!(is_encrypted(&pdf(&before, "xref\ntrailer<</Encrypt 5 0 R>>")));
        }
    }
}
