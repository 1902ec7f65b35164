//! Every input of the corpora runs without a fault.

use std::fs;
use std::path::Path;

use identkit_fuzz::TARGETS;

#[test]
fn no_input_of_a_corpus_shows_a_fault() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut folders = Vec::new();
    for target in TARGETS {
        let mut count = 0;
        for entry in fs::read_dir(corpora.join(target.name)).unwrap() {
            (target.run)(&fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{} has no input", target.name);
        folders.push(target.name.to_owned());
    }
    let mut found: Vec<_> =
        fs::read_dir(corpora).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    folders.sort();
    assert_eq!(found, folders, "a folder without a target");
}
