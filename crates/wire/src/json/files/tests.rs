// The macro declares public types.
#![allow(unreachable_pub)]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;
use crate::encode_base64;

crate::message! {
    /// A file.
    pub struct File {
        /// Its name.
        "Filename" => name: String,
        /// Its content.
        "Base64Data" => data: String,
    }
}

/// Reads the files of a text that arrives in pieces of `size` bytes.
fn read(text: &[u8], size: usize) -> Result<Vec<(Vec<u8>, File)>, Error> {
    let mut scanner = Scanner::new("Files", "Base64Data");
    let (mut files, mut bytes) = (Vec::new(), Vec::new());
    for mut piece in text.chunks(size) {
        while !piece.is_empty() {
            let (done, token) = scanner.step(piece).map_err(|Unreadable(error)| error)?;
            piece = &piece[done..];
            match token {
                Some(Token::Bytes(more)) => bytes.extend(more),
                Some(Token::Element(text)) => files.push((std::mem::take(&mut bytes), element(&text)?)),
                None => {}
            }
        }
    }
    scanner.finish()?;
    assert!(bytes.is_empty(), "bytes without an element");
    Ok(files)
}

/// The files or the error, which must not depend on the size of the pieces.
fn outcome(text: &str) -> String {
    let read = |size| match read(text.as_bytes(), size) {
        Ok(files) => files
            .iter()
            .map(|(bytes, file)| format!("{}={} ", file.name.as_deref().unwrap_or("-"), String::from_utf8_lossy(bytes)))
            .collect(),
        Err(error) => {
            assert_eq!(error.kind(), Kind::Protocol);
            error.detail().to_owned()
        }
    };
    let whole: String = read(usize::MAX);
    for size in [1, 2, 3, 5, 7, 64] {
        assert_eq!(read(size), whole, "{text} in pieces of {size}");
    }
    whole
}

#[test]
fn files_are_found_at_any_position_in_their_element() {
    for (text, files) in [
        (r#"{"Files":[{"Filename":"a","Base64Data":"b25l"},{"Base64Data":"dHdv","Filename":"b"}]}"#, "a=one b=two "),
        (r#" { "Files" : [ { "Base64Data" : "b25l" } ] , "More" : [1, {"Base64Data":"x"}] } "#, "-=one "),
        (r#"{"Before":{"Files":[{"Base64Data":"b25l"}]},"Files":[{"Base64Data":"dHdv"}]}"#, "-=two "),
        (r#"{"Files":[{"Base64Data":"b25l","Preview":{"Base64Data":"x"},"Pages":[{"Base64Data":"x"}]}]}"#, "-=one "),
        (r#"{"Files":[{"Filename":"Base64Data","x\"\\":":{[","Base64\u0044ata":"b25l"}]}"#, "Base64Data=one "),
        (r#"{"Files":[{"Base64Data":"b25\u006c"}]}"#, "-=one "),
        (r#"{"Files":[{"Filename":"a"},{"Base64Data":null},{"Base64Data":""},{}]}"#, "a= -= -= -= "),
        (r#"{"Files":[]}"#, ""),
        (r#"{"Files":null}"#, ""),
        ("{}", ""),
    ] {
        assert_eq!(outcome(text), files, "{text}");
    }
}

#[test]
fn the_text_beside_the_list_is_retained() {
    let mut scanner = Scanner::new("Files", "Base64Data");
    let text = br#"{"a":1,"Files":[],"b":2}"#;
    assert_eq!(scanner.step(text).map_err(|Unreadable(error)| error).unwrap().0, text.len());
    assert_eq!(scanner.outside(), text);
}

#[test]
fn at_40_lenient_base64_drops_no_character() {
    let file = |text: &str| {
        read(format!(r#"{{"Files":[{{"Base64Data":"{text}"}}]}}"#).as_bytes(), 3).map(|mut files| files.remove(0).0)
    };
    for text in [r"\/\/uQ", "//uQ", "__uQ", r"/\u002fuQ", r"\/ /u\r\nQ", r"\t//uQ\u000a"] {
        assert_eq!(file(text).unwrap(), [0xff, 0xfb, 0x90], "{text}");
    }
    assert_eq!(file("TQ").unwrap(), b"M");
    assert_eq!(file("TQ==").unwrap(), b"M");
    for text in [
        r"\\uQBAAAAA.....",
        r"\uQBA",
        "//u*Q",
        "T",
        "TQ=",
        "TQ=Q",
        "TQ===",
        "TWE==",
        r"\b",
        "//uQ\n",
        r"\u00e4",
        "ä",
        r"TQ\",
    ] {
        assert_eq!(file(text).unwrap_err().kind(), Kind::Protocol, "{text}");
    }
}

#[test]
fn another_form_is_an_error() {
    let prefix = "the vendor's response cannot be read: ";
    for (text, why) in [
        ("", "not valid JSON"),
        (r#"[{"Base64Data":"b25l"}]"#, "expected an object"),
        (r#"{"Files":{"Base64Data":"b25l"}}"#, "Files: expected an array"),
        (r#"{"Files":"b25l"}"#, "Files: expected an array"),
        (r#"{"Files":[],"Files":[]}"#, "the field Files occurs twice"),
        (r#"{"Files":[{"Base64Data":"b25l","Base64Data":"b25l"}]}"#, "the field Base64Data occurs twice"),
        (r#"{"Files":[{"Base64Data":4711}]}"#, "Base64Data: expected a string"),
        (r#"{"Files":[{"Filename":4711}]}"#, "Filename: expected a string"),
        (r#"{"Files":[{"Base64Data":"b25l"}]"#, "its JSON is incomplete"),
        (r#"{"Files":[{"Base64Data":"b25l"#, "its JSON is incomplete"),
        (r#"{"Files":[{"Base64Data":"b25l"}]} {}"#, "not valid JSON"),
        (r#"{"Files":[{"Base64Data":"b25l"},]}"#, "not valid JSON"),
        (r#"{"Files":[{"Base64Data":"b25l"]]}"#, "not valid JSON"),
        (r#"{"Files":[{"Base64Data" "b25l"}]}"#, "not valid JSON"),
        (r#"{"Files":[1}]"#, "not valid JSON"),
        ("]", "not valid JSON"),
    ] {
        assert_eq!(outcome(text), format!("{prefix}{why}"), "{text}");
    }
}

#[test]
fn depth_and_text_beside_the_files_are_limited() {
    let deep = format!(r#"{{"More":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert!(outcome(&deep).contains("it is nested more than 128 levels deep"));
    let deep = format!(r#"{{"Files":[{{"More":{}{}}}]}}"#, "[".repeat(200), "]".repeat(200));
    assert!(outcome(&deep).contains("it is nested more than 128 levels deep"));
    for text in [
        format!(r#"{{"More":"{}"}}"#, "x".repeat(300 * 1024)),
        format!(r#"{{"Files":[{{"Filename":"{}"}}]}}"#, "x".repeat(300 * 1024)),
        format!(r#"{{"Files":[{}]}}"#, "{},".repeat(100 * 1024)),
    ] {
        assert_eq!(read(text.as_bytes(), 1000).unwrap_err().kind(), Kind::Protocol);
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => ready,
        Poll::Pending => panic!("bytes in memory never wait"),
    }
}

fn files(text: &'static str, cap: u64) -> Files<File> {
    Files::new(Content::from_bytes(text), "Files", "Base64Data", cap)
}

#[test]
fn only_the_end_confirms_a_complete_text() {
    let text = r#"{"Files":[{"Filename":"a","Base64Data":"b25l"}]}"#;
    let mut whole = files(text, 1000);
    assert_eq!(File::KEYS, ["Filename", "Base64Data"]);
    assert_eq!(now(whole.next()).unwrap(), Some(Piece::Bytes("one".into())));
    assert_eq!(now(whole.next()).unwrap(), Some(Piece::End(File::default().name("a").data(""))));
    assert_eq!(now(whole.next()).unwrap(), None);
    assert_eq!(now(whole.next()).unwrap(), None);

    let mut cut = files(r#"{"Files":[{"Base64Data":"b25l"}"#, 1000);
    assert!(now(cut.next()).unwrap().is_some() && now(cut.next()).unwrap().is_some());
    assert_eq!(now(cut.next()).unwrap_err().kind(), Kind::Protocol);
    assert_eq!(now(cut.next()).unwrap_err().kind(), Kind::Protocol, "the end never follows an error");

    assert_eq!(now(files(text, text.len() as u64 - 1).next()).unwrap_err().kind(), Kind::Protocol);
    assert_eq!(now(files(text, 1000).into_content().collect(1000)).unwrap(), text);
}

proptest! {
    #[test]
    fn files_survive_a_round_trip_in_pieces_of_any_size(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
        size in 1_usize..400,
    ) {
        let elements: Vec<String> =
            contents.iter().map(|content| format!(r#"{{"Base64Data":"{}"}}"#, encode_base64(content))).collect();
        let text = format!(r#"{{"Files":[{}]}}"#, elements.join(", "));
        let read: Vec<_> = read(text.as_bytes(), size).unwrap().into_iter().map(|(bytes, _)| bytes).collect();
        prop_assert_eq!(read, contents);
        for cut in 0..text.len() {
            prop_assert!(super::tests::read(&text.as_bytes()[..cut], size).is_err(), "cut after {}", cut);
        }
    }

    #[test]
    fn any_text_is_read_without_panic_and_only_json_is_accepted(text in r#"[\[\]{}:,"a1 \\]{0,30}|\PC*"#, size in 1_usize..9) {
        let read = read(text.as_bytes(), size);
        prop_assert!(read.is_err() || serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
    }
}

#[test]
fn skipped_white_space_never_makes_invalid_json_valid() {
    for text in [
        r#"{"More":1 2,"Files":[]}"#,
        r#"{"More":tr ue}"#,
        r#"{"More":- 1}"#,
        r#"{"Files":[{"Pages":1 2,"Base64Data":"b25l"}]}"#,
        r#"{"Files":n ull}"#,
        "{\"Files\":[\u{c}]}",
    ] {
        assert_eq!(outcome(text), "the vendor's response cannot be read: not valid JSON", "{text}");
    }
}
