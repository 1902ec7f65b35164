//! Evidence that both sides of the contract are there, row by row of `docs/contract/`: what is told of
//! the sandbox of identify24, and its codes and samples, stands in a folder of its own.
//!
//! Nothing here lists fields: what is tried is generated from each row, and what came of it is told, good or bad, to
//! `cargo xtask coverage`, which compares it with the rows. A new row is covered by what is generated from it, or it is
//! a gap. These tests fail by themselves where something is wrong rather than missing.

#![allow(clippy::print_stdout)]

mod calls;
mod catalogue;
mod document;
mod evidence;
mod harness;
mod identify24;
mod refused;
mod rows;
mod seen;
mod typed;
