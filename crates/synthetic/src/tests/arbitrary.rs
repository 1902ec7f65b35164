//! No input causes a panic.

use proptest::prelude::*;

use super::super::{
    Error, Placement, Report, Row, SignatureMark, is_encrypted, page_count, report, sample_contract, sign,
};
use super::{example, mark};

fn number() -> impl Strategy<Value = Option<f32>> {
    proptest::option::of(prop_oneof![any::<f32>(), -100.0_f32..900.0])
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
        object_streams in any::<bool>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = if object_streams { super::with_object_streams(&sample_contract()) } else { sample_contract() };
        for (index, byte) in edits {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(signed) = sign(&bytes, &mark()) {
            prop_assert!(signed.starts_with(&bytes));
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
