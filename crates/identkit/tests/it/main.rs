//! identkit as its users meet it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod examples;
