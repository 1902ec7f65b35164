//! The `identkit` command line.
fn main() {}
