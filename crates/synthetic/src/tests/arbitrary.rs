//! No input causes a panic.

use lopdf::{Document, Stream};
use proptest::prelude::*;

use super::super::{
    Error, Placement, Report, Row, SignatureMark, is_encrypted, page_count, report, sample_contract, sign,
};
use super::files::readable;
use super::{example, mark, save};

fn number() -> impl Strategy<Value = Option<f32>> {
    proptest::option::of(prop_oneof![any::<f32>(), -100.0_f32..900.0])
}

/// Bytes that replace a number of others.
fn edit() -> impl Strategy<Value = (Vec<u8>, usize)> {
    const WORDS: &[&str] = &[
        "<<",
        ">>",
        "[",
        "]",
        "(",
        "/Kids",
        "/Parent 3 0 R",
        "/Kids[2 0 R]",
        "/Length 99999",
        "stream",
        "endstream",
        "endobj",
        "obj",
        "R",
        "2 0 R",
        "-",
        "99999999999999999999",
        "4294967295 0 R",
        "/Type/ObjStm",
        "/Prev 9",
        "/W[9 9 9]",
        "%",
        "\n",
    ];
    let word = prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec());
    let text = prop_oneof![proptest::collection::vec(any::<u8>(), 0..3), word];
    (text, prop_oneof![Just(1_usize), 0_usize..40])
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let with_header = [b"%PDF-1.7\n".as_slice(), &bytes].concat();
        for bytes in [bytes, with_header] {
            prop_assert!(sign(&bytes, &mark()).is_err());
            let _ = (page_count(&bytes), is_encrypted(&bytes));
        }
    }

    #[test]
    fn damaged_files_do_not_panic(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), edit()), 1..12),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        field in proptest::option::of("Bank|place"),
    ) {
        let mut bytes = file.get(readable()).1.clone();
        for (index, (text, removed)) in edits {
            let at = index.index(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, text);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len().max(1)));
        }
        if let Ok(signed) = sign(&bytes, &SignatureMark { field: field.as_deref(), ..mark() }) {
            prop_assert!(signed.starts_with(&bytes));
            prop_assert!(page_count(&signed).is_some());
        }
    }

    #[test]
    fn texts_and_positions_do_not_panic(
        texts in proptest::collection::vec("\\PC{0,60}|[\\x00-\\x20öłŞ中]{0,9}", 3),
        page in proptest::option::of(0_usize..3),
        x in number(),
        y in number(),
        width in number(),
        height in number(),
    ) {
        let mark = SignatureMark {
            signer: &texts[0],
            order_id: &texts[1],
            time: &texts[2],
            placement: Placement { page, x, y, width, height },
            ..mark()
        };
        match sign(&sample_contract(), &mark) {
            Ok(signed) => prop_assert_eq!(page_count(&signed), Some(1)),
            Err(error) => prop_assert!(
                matches!(error, Error::NoSuchPage | Error::Placement)
            ),
        }
        let row = Row { label: &texts[0], supplied: Some(&texts[1]), checked: Some(&texts[2]) };
        let filled = Report { rows: vec![row; 3], reference: &texts[0], examiner: &texts[1], ..example() };
        prop_assert!(page_count(&report(&filled).unwrap()).is_some_and(|pages| pages >= 2));
    }
}

#[test]
fn stream_that_fills_the_memory_is_rejected() {
    let mut bomb = Document::load_mem(&sample_contract()).unwrap();
    let dictionary = lopdf::dictionary! { "Type" => "ObjStm", "N" => 1, "First" => 4 };
    let mut stream = Stream::new(dictionary, [b"9 0 ".as_slice(), &vec![b' '; 17 * 1024 * 1024]].concat());
    stream.compress().unwrap();
    // Its type would keep it from being written.
    stream.dict.set("Type", "AnyStm");
    bomb.add_object(stream);
    let file = save(&mut bomb);
    let at = file.windows(7).position(|window| window == b"/AnyStm").unwrap();
    let file = [&file[..at], b"/ObjStm", &file[at + 7..]].concat();
    assert!(file.len() < 100_000);
    assert_eq!(sign(&file, &mark()), Err(Error::Unreadable));
}
