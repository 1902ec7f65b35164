//! The tests for identify24 that differ from those for identity.TM.

mod codes;
mod harness;
mod requests;
mod responses;
pub(crate) mod samples;
