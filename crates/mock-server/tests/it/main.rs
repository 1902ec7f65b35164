//! The sandbox from a user's view: the vendors' calls, its listeners, and saved worlds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]
#![cfg(all(feature = "identify24", feature = "identity-tm", feature = "server"))]

mod account_urls;
mod admin_contract;
mod admin_details;
mod admin_events;
mod admin_lists;
mod admin_secrets;
mod admin_strict;
mod bound;
mod canonical;
mod chaos;
mod expectations;
mod fault_matrix;
mod faults;
mod feed;
mod hooks;
mod identify24;
mod identify24_partners;
mod identify24_settings;
mod identity_tm;
mod inputs;
mod isolation;
mod journal;
mod listeners;
mod matrix;
mod media;
mod multi_sign;
mod network;
mod person;
mod put_order_rules;
mod reference;
mod required;
mod reuse;
mod rules;
mod saved_waiting;
mod saved_worlds;
mod settings;
mod settings_by_name;
mod signing;
mod silence;
mod simulation;
mod stories;
mod support;
mod virtual_time;
mod webhooks;
