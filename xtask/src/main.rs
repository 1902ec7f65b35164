//! The checks of the identkit workspace.
fn main() {}
