//! Webhooks, time and worlds of a sandbox as its users meet them: over real TCP, through the admin API, and in Rust.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(feature = "identify24", feature = "identity-tm", feature = "server"))]

#[path = "../common/mod.rs"]
mod common;
mod door;
mod modes;
#[path = "../net/mod.rs"]
mod net;
mod network;
mod patience;
mod schedule;
mod time;
mod verbs;
mod worlds;
mod worlds_end;
