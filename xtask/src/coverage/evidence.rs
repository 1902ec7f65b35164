//! What the tests have shown: one line each of sort, id, how it stands, and a word on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How something stands, and a word on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    Shown(String),
    NotApplicable(String),
    Missing(String),
}

/// By sort (`typed`, `sandbox-request`, `status`, …) and id.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence(pub(super) BTreeMap<(String, String), Stand>);

impl Evidence {
    /// Reads every file of the folder.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let unreadable = |error| format!("reading the evidence in {}: {error}", folder.display());
        let mut evidence = Self::default();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            evidence.add(&fs::read_to_string(entry.map_err(unreadable)?.path()).map_err(unreadable)?)?;
        }
        Ok(evidence)
    }

    /// Adds the lines of a file. Where two tell of the same thing, one that misses it outweighs one that shows it.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        for line in text.lines() {
            let broken = || format!("the evidence is not understood: {line}");
            let cells: Vec<&str> = line.splitn(4, '\t').collect();
            let (sort, id, stand) = match cells[..] {
                // Named after in the sources, and never told by a test.
                ["trap", ..] => return Err(broken()),
                [sort, id, "shown", how] => (sort, id, Stand::Shown(how.to_owned())),
                [sort, id, "not-applicable", why] => (sort, id, Stand::NotApplicable(why.to_owned())),
                [sort, id, "missing", why] => (sort, id, Stand::Missing(why.to_owned())),
                _ => return Err(broken()),
            };
            let known = self.0.entry((sort.to_owned(), id.to_owned())).or_insert_with(|| stand.clone());
            if !matches!(known, Stand::Missing(_)) {
                *known = stand;
            }
        }
        Ok(())
    }

    pub(super) fn of(&self, sort: &str, id: &str) -> Option<&Stand> {
        self.0.get(&(sort.to_owned(), id.to_owned()))
    }

    /// Adds traps that have a test named after them, each with its file.
    pub(super) fn add_traps(&mut self, tested: impl IntoIterator<Item = (String, String)>) {
        self.0.extend(tested.into_iter().map(|(trap, path)| (("trap".to_owned(), trap), Stand::Shown(path))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_outweighs_what_is_shown_in_whatever_order_it_is_told() {
        for lines in
            ["typed\tF-1\tshown\ta\ntyped\tF-1\tmissing\tb\n", "typed\tF-1\tmissing\tb\ntyped\tF-1\tshown\ta\n"]
        {
            let mut evidence = Evidence::default();
            evidence.add(lines).unwrap();
            assert_eq!(evidence.of("typed", "F-1"), Some(&Stand::Missing("b".into())));
            assert_eq!(evidence.of("test", "F-1"), None);
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_broken() {
        for line in ["typed", "typed\tF-1\tshown", "typed\tF-1\tperhaps\tx", "trap\tAT-01\tshown\tx"] {
            assert!(Evidence::default().add(line).is_err(), "{line}");
        }
        assert!(Evidence::read(Path::new("nowhere")).is_err());
    }
}
