//! Rows of the contract whose behavior is not built yet.

use std::collections::BTreeSet;

use super::evidence::{Evidence, Status};

/// Rows of `docs/contract/contract.md` whose decision is not implemented yet.
pub(super) struct Open<'a> {
    /// New rows. They have no test yet; a row with a test must be removed.
    pub(super) new: &'a [&'a str],
    /// Rows with an amended decision, whose tests still assert the previous one.
    pub(super) amended: &'a [&'a str],
}

/// All such rows. A commit that implements a row removes it. All other rows need a test named after them.
pub(super) const OPEN: Open<'_> = Open { new: &[], amended: &[] };

/// Returns the list as text, and its findings. `rows` are the ids of the contract.
pub(super) fn review(open: &Open<'_>, rows: &BTreeSet<String>, evidence: &Evidence) -> (String, Vec<String>) {
    const REMOVE: &str = "remove it from xtask/src/coverage/open.rs";
    let mut findings = Vec::new();
    for row in open.new.iter().chain(open.amended).filter(|row| !rows.contains(**row)) {
        findings.push(format!("{row} is listed as open, but is not a row of docs/contract/contract.md: {REMOVE}"));
    }
    for row in open.new {
        if let Some(Status::Shown(path)) = evidence.get("trap", row) {
            findings.push(format!("{row} is listed as open and new, but {path} has a test named after it: {REMOVE}"));
        }
    }
    let list = |rows: &[&str]| format!("{} ({})", rows.len(), rows.join(", "));
    (format!("open rows: new {}, amended {}\n", list(open.new), list(open.amended)), findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_rows_and_new_rows_with_a_test_are_found() {
        for (rows, tested, expected) in [
            (&["AT-01", "AT-02", "5"][..], "5", None),
            (&["AT-01", "5"], "5", Some("AT-02 is listed as open, but is not a row")),
            (
                &["AT-01", "AT-02", "5"],
                "AT-01",
                Some("AT-01 is listed as open and new, but crates/x/a.rs has a test named"),
            ),
        ] {
            let mut evidence = Evidence::default();
            evidence.add_traps([(tested.to_owned(), "crates/x/a.rs".to_owned())]);
            let rows = rows.iter().map(|row| (*row).to_owned()).collect();
            let (report, findings) = review(&Open { new: &["AT-01", "AT-02"], amended: &["5"] }, &rows, &evidence);
            assert_eq!(report, "open rows: new 2 (AT-01, AT-02), amended 1 (5)\n");
            assert_eq!(findings.len(), usize::from(expected.is_some()), "{findings:?}");
            assert!(
                findings.iter().zip(expected).all(|(finding, expected)| finding.starts_with(expected)),
                "{findings:?}"
            );
        }
    }
}
