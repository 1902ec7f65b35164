//! What came of each row, handed to `cargo xtask coverage`.

use std::fmt::Write as _;
use std::path::Path;

use crate::coverage::rows::Row;

/// Where the evidence goes; without it the tests only test.
const FOLDER: &str = "IDENTKIT_COVERAGE_DIR";

/// How a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It was shown; how.
    Shown(String),
    /// There is nothing to be shown; why.
    NotApplicable(String),
    /// It could not be shown; what happened instead, and what to do.
    Missing(String),
}

/// Evidence of one sort.
#[derive(Debug)]
pub(crate) struct Evidence {
    vendor: &'static str,
    sort: &'static str,
    rows: Vec<(String, Stand)>,
}

impl Evidence {
    /// Evidence of a vendor's rows, which stands in a file of its own.
    pub(crate) fn of(vendor: &'static str, sort: &'static str) -> Self {
        Self { vendor, sort, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, id: &str, stand: Stand) {
        self.rows.push((id.to_owned(), stand));
    }

    /// What `show` says of each of the rows.
    pub(crate) fn of_rows<'a>(
        vendor: &'static str,
        sort: &'static str,
        rows: impl IntoIterator<Item = &'a Row>,
        show: impl Fn(&Row) -> Stand,
    ) -> Self {
        let rows = rows.into_iter().map(|row| (row.id.clone(), show(row))).collect();
        Self { vendor, sort, rows }
    }

    /// Tells it, and fails if a row could not be shown.
    pub(crate) fn assert_complete(&self) {
        self.tell();
        assert_eq!(self.missing(), Vec::<String>::new());
    }

    /// The rows that could not be shown.
    pub(crate) fn missing(&self) -> Vec<String> {
        let gap = |(id, stand): &(String, Stand)| match stand {
            Stand::Missing(why) => Some(format!("{id}: {why}")),
            _ => None,
        };
        self.rows.iter().filter_map(gap).collect()
    }

    /// Writes it where it was asked for.
    pub(crate) fn tell(&self) {
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
