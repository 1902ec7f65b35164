//! Webhooks, time and worlds from a user's view: over TCP, through the admin API, and in Rust.

mod door;
mod modes;
mod network;
mod patience;
mod schedule;
mod time;
mod verbs;
mod worlds;
mod worlds_end;
