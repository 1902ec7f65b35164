//! Results by row, written for `cargo xtask coverage`.

use std::fmt::Write as _;
use std::path::Path;

use crate::coverage::rows::Row;

/// Environment variable with the output folder. If it is unset, no files are written.
const FOLDER: &str = "IDENTKIT_COVERAGE_DIR";

/// Result of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// The row is implemented; how that was shown.
    Shown(String),
    /// Nothing can be shown; why.
    NotApplicable(String),
    /// The row is not implemented: what happened, and what to do.
    Missing(String),
}

/// Results of one sort.
#[derive(Debug)]
pub(crate) struct Evidence {
    vendor: &'static str,
    sort: &'static str,
    rows: Vec<(String, Stand)>,
}

impl Evidence {
    /// Creates an empty collection for one vendor, written to its own file.
    pub(crate) fn new(vendor: &'static str, sort: &'static str) -> Self {
        Self { vendor, sort, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, id: &str, stand: Stand) {
        self.rows.push((id.to_owned(), stand));
    }

    /// Collects the result of `show` for each row.
    pub(crate) fn from_rows<'a>(
        vendor: &'static str,
        sort: &'static str,
        rows: impl IntoIterator<Item = &'a Row>,
        show: impl Fn(&Row) -> Stand,
    ) -> Self {
        let rows = rows.into_iter().map(|row| (row.id.clone(), show(row))).collect();
        Self { vendor, sort, rows }
    }

    /// Writes the results. Panics if a row is missing.
    pub(crate) fn assert_complete(&self) {
        self.write();
        assert_eq!(self.missing(), Vec::<String>::new());
    }

    /// Returns the rows that are not implemented.
    pub(crate) fn missing(&self) -> Vec<String> {
        let gap = |(id, stand): &(String, Stand)| match stand {
            Stand::Missing(why) => Some(format!("{id}: {why}")),
            _ => None,
        };
        self.rows.iter().filter_map(gap).collect()
    }

    /// Prints the gaps, and writes all results to the output folder.
    pub(crate) fn write(&self) {
        for gap in self.missing() {
            println!("{}: {gap}", self.sort);
        }
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let mut text = String::new();
        for (id, stand) in &self.rows {
            let (word, why) = match stand {
                Stand::Shown(how) => ("shown", how),
                Stand::NotApplicable(why) => ("not-applicable", why),
                Stand::Missing(why) => ("missing", why),
            };
            let why = why.replace(['\t', '\n', '\r'], " ");
            writeln!(text, "{}\t{id}\t{word}\t{why}", self.sort).unwrap();
        }
        let file = Path::new(&folder).join(format!("{}.{}.{}.tsv", env!("CARGO_PKG_NAME"), self.vendor, self.sort));
        std::fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}
