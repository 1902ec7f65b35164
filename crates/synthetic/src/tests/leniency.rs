//! Files that readers open are signed, although they are damaged or unusual.

use lopdf::Document;

use super::super::{page_count, sign};
use super::files::readable;
use super::mark;

#[test]
fn files_that_readers_open_are_signed() {
    let mut failures = Vec::new();
    for (name, original) in readable() {
        match sign(original, &mark()) {
            Err(error) => failures.push(format!("{name}: {error}")),
            Ok(signed) => {
                assert!(signed.starts_with(original), "{name}");
                if page_count(original) != Some(1) || page_count(&signed) != Some(1) {
                    failures.push(format!("{name}: {:?}, {:?} pages", page_count(original), page_count(&signed)));
                }
                if Document::load_mem(&signed).unwrap().xref_recovery.is_some() {
                    failures.push(format!("{name}: the cross-references of the result are wrong"));
                }
            }
        }
    }
    assert_eq!(failures, [""; 0]);
}
