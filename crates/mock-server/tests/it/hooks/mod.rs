//! Webhooks, time and worlds of a sandbox as its users meet them: over real TCP, through the admin API, and in Rust.

mod door;
mod modes;
mod network;
mod patience;
mod schedule;
mod time;
mod verbs;
mod worlds;
mod worlds_end;
