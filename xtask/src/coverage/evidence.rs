//! Evidence of the tests: lines of kind, id, status and remark.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Status of a demand, with a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    Shown(String),
    NotApplicable(String),
    Missing(String),
}

/// Statuses by kind (`typed`, `sandbox-request`, `status`, …) and id.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence(pub(super) BTreeMap<(String, String), Status>);

impl Evidence {
    /// Reads all files of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let unreadable = |error| format!("reading the evidence in {}: {error}", folder.display());
        let mut evidence = Self::default();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            evidence.add(&fs::read_to_string(entry.map_err(unreadable)?.path()).map_err(unreadable)?)?;
        }
        Ok(evidence)
    }

    /// Adds the lines of a file. If two lines are about the same demand, `missing` takes precedence over `shown`.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        for line in text.lines() {
            let broken = || format!("invalid line of evidence: {line}");
            let cells: Vec<&str> = line.splitn(4, '\t').collect();
            let (sort, id, status) = match cells[..] {
                // Evidence of traps is the names of tests.
                ["trap", ..] => return Err(broken()),
                [sort, id, "shown", how] => (sort, id, Status::Shown(how.to_owned())),
                [sort, id, "not-applicable", why] => (sort, id, Status::NotApplicable(why.to_owned())),
                [sort, id, "missing", why] => (sort, id, Status::Missing(why.to_owned())),
                _ => return Err(broken()),
            };
            let known = self.0.entry((sort.to_owned(), id.to_owned())).or_insert_with(|| status.clone());
            if !matches!(known, Status::Missing(_)) {
                *known = status;
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, sort: &str, id: &str) -> Option<&Status> {
        self.0.get(&(sort.to_owned(), id.to_owned()))
    }

    /// Adds traps that have a test named after them, each with the file of the test.
    pub(super) fn add_traps(&mut self, tested: impl IntoIterator<Item = (String, String)>) {
        self.0.extend(tested.into_iter().map(|(trap, path)| (("trap".to_owned(), trap), Status::Shown(path))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_takes_precedence_over_shown_in_any_order() {
        for lines in
            ["typed\tF-1\tshown\ta\ntyped\tF-1\tmissing\tb\n", "typed\tF-1\tmissing\tb\ntyped\tF-1\tshown\ta\n"]
        {
            let mut evidence = Evidence::default();
            evidence.add(lines).unwrap();
            assert_eq!(evidence.get("typed", "F-1"), Some(&Status::Missing("b".into())));
            assert_eq!(evidence.get("test", "F-1"), None);
        }
    }

    #[test]
    fn an_invalid_line_is_an_error() {
        for line in ["typed", "typed\tF-1\tshown", "typed\tF-1\tperhaps\tx", "trap\tAT-01\tshown\tx"] {
            assert!(Evidence::default().add(line).is_err(), "{line}");
        }
        assert!(Evidence::read(Path::new("nowhere")).is_err());
    }
}
