//! The sandbox as its users meet it: the vendors' calls, its own doors, and what it keeps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]
#![cfg(all(feature = "identify24", feature = "identity-tm"))]
// For the object with every setting.
#![recursion_limit = "256"]

#[cfg(feature = "server")]
mod admin_callers;
#[cfg(feature = "server")]
mod admin_contract;
#[cfg(feature = "server")]
mod admin_events;
#[cfg(feature = "server")]
mod admin_nested;
#[cfg(feature = "server")]
mod admin_secrets;
#[cfg(feature = "server")]
mod admin_strict;
mod bound;
#[cfg(feature = "server")]
mod canonical;
mod chaos;
mod determinism;
mod expectations;
#[cfg(feature = "server")]
mod fault_matrix;
#[cfg(feature = "server")]
mod faults;
mod feed;
#[cfg(feature = "server")]
mod hooks;
mod identify24;
#[cfg(feature = "server")]
mod identify24_partners;
mod identify24_settings;
mod identity_tm;
#[cfg(feature = "server")]
mod isolation;
#[cfg(feature = "server")]
mod journal;
mod matrix;
mod media;
mod multi_sign;
#[cfg(feature = "server")]
mod network;
mod put_order_rules;
mod reuse;
mod rules;
mod saved_waiting;
mod saved_worlds;
mod settings;
mod settings_by_name;
mod signing;
mod silence;
#[cfg(feature = "server")]
mod simulation;
#[cfg(feature = "server")]
mod snapshot_limit;
mod stories;
mod support;
mod traps;
mod virtual_time;
mod webhooks;
