//! identify24: the same questions as for identity.TM, where its messages, its sandbox and its document differ.

mod calls;
mod codes;
mod document;
mod harness;
mod refused;
pub(crate) mod samples;
mod seen;
mod typed;

use std::sync::OnceLock;

use crate::coverage::rows::{Row, of};

const VENDOR: &str = "identify24";

/// Every row of identify24.
fn all() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| of(VENDOR))
}

/// The rows of the same endpoint and direction, in their order.
fn beside(row: &Row) -> impl Iterator<Item = &'static Row> {
    let (endpoint, request) = (row.endpoint.clone(), row.request);
    all().iter().filter(move |other| other.endpoint == endpoint && other.request == request)
}

/// The row with this number.
#[cfg(test)]
fn row(id: &str) -> &'static Row {
    all().iter().find(|row| row.id == id).unwrap()
}
