//! identify24: the same questions as for identity.TM, where its sandbox and its document differ.

mod codes;
mod harness;
mod refused;
pub(crate) mod samples;
mod seen;
