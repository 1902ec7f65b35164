//! Rows of the contract whose behavior is not built yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;

/// What is open about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// The row is new: it has no test, and leaves the list with its first one.
    New,
    /// The row's decision was amended: its tests still assert the earlier one.
    Amended,
}

/// Every row of `docs/contract/contract.md` whose decision, or amended decision, the code does not follow yet.
///
/// Whoever builds a row removes it here. A row that is not listed needs a test named after it, as ever.
pub(super) const OPEN: &[(&str, Open)] = &[
    ("AT-89", Open::New),
    ("AT-90", Open::New),
    ("AT-91", Open::New),
    ("AT-92", Open::New),
    ("AT-93", Open::New),
    ("AT-94", Open::New),
    ("AT-95", Open::New),
    ("AT-96", Open::New),
    ("AT-97", Open::New),
    ("AT-98", Open::New),
    ("AT-99", Open::New),
    ("AI-31", Open::New),
    ("AI-32", Open::New),
    ("AI-33", Open::New),
    ("M-15", Open::New),
    ("M-16", Open::New),
    ("M-17", Open::New),
    ("M-18", Open::New),
    ("AT-20", Open::Amended),
    ("AT-22", Open::Amended),
    ("AT-34", Open::Amended),
    ("AT-35", Open::Amended),
    ("AT-37", Open::Amended),
    ("AT-53", Open::Amended),
    ("AT-80", Open::Amended),
    ("AT-85", Open::Amended),
    ("5", Open::Amended),
];

/// The list for people, and what is wrong with it: rows of the contract by their ids, and the tests named after them.
pub(super) fn review(
    open: &[(&str, Open)],
    rows: &BTreeSet<String>,
    tested: &BTreeMap<String, String>,
) -> (String, Vec<Finding>) {
    let mut findings = Vec::new();
    for (row, what) in open {
        if !rows.contains(*row) {
            findings.push(Finding::new(format!(
                "{row} is listed as open, but is no row of docs/contract/contract.md: remove it from xtask/src/coverage/open.rs"
            )));
        }
        if let Some(path) = tested.get(*row).filter(|_| *what == Open::New) {
            findings.push(Finding::new(format!(
                "{row} is listed as open and new, but {path} has a test named after it: remove it from xtask/src/coverage/open.rs"
            )));
        }
    }
    let list = |wanted| {
        let rows: Vec<&str> = open.iter().filter(|(_, what)| *what == wanted).map(|(row, _)| *row).collect();
        format!("{} ({})", rows.len(), rows.join(", "))
    };
    (format!("open rows: new {}, amended {}\n", list(Open::New), list(Open::Amended)), findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &[(&str, Open)] = &[("AT-01", Open::New), ("AT-02", Open::New), ("5", Open::Amended)];

    fn said(rows: &[&str], tested: &[&str]) -> (String, Vec<String>) {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        let tested = tested.iter().map(|row| ((*row).to_owned(), "crates/x/a.rs".to_owned())).collect();
        let (report, findings) = review(LIST, &rows, &tested);
        (report, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_list_is_shown_and_counted() {
        let (report, findings) = said(&["AT-01", "AT-02", "5"], &["5"]);
        assert_eq!(report, "open rows: new 2 (AT-01, AT-02), amended 1 (5)\n");
        assert_eq!(findings, [""; 0]);
    }

    #[test]
    fn a_row_that_does_not_exist_or_has_a_test_is_found() {
        let (_, findings) = said(&["AT-01", "5"], &[]);
        assert!(
            matches!(&findings[..], [one] if one.starts_with("AT-02 is listed as open, but is no row")),
            "{findings:?}"
        );
        let (_, findings) = said(&["AT-01", "AT-02", "5"], &["AT-01"]);
        assert!(matches!(&findings[..], [one] if one.contains("crates/x/a.rs has a test named")), "{findings:?}");
    }
}
