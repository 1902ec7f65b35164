//! Evidence that client and sandbox implement every row of `docs/contract/`. The folder `identify24` tests the mock
//! vendor identify24, its codes and its samples.
//!
//! The tests generate requests and responses from the rows, and write a result for each row. `cargo xtask coverage`
//! compares the results with the rows: a row without a result is a gap. Wrong behavior fails here.

#![allow(clippy::print_stdout)]

mod calls;
mod catalogue;
mod document;
mod evidence;
mod harness;
mod identify24;
mod requests;
mod responses;
mod rows;
mod types;
