//! The example programs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod examples;
#[cfg(unix)]
mod service;
