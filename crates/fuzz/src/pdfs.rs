//! PDF files that the sandbox signs.

use identkit_synthetic::{Placement, SignatureMark, page_count, sign};

pub(crate) fn run(input: &[u8]) {
    for field in [None, Some("Bank")] {
        let mark = SignatureMark {
            signer: "Erika Mustermann",
            order_id: "99921269855041",
            time: "01.01.2026 12:00",
            unix_time: 1_767_265_200,
            placement: Placement::default(),
            field,
        };
        if let Ok(signed) = sign(input, &mark) {
            assert!(signed.starts_with(input), "the original is unchanged");
            assert_eq!(page_count(&signed), page_count(input));
        }
    }
}
