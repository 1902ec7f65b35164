//! Tests of the program as a process: output, files, exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "processes run in real time: an upper bound against hanging")]

// Tests start in the order of their names: these wait longest, so they come first.
#[cfg(unix)]
mod autosave;
#[cfg(unix)]
mod blocked;
mod calls;
#[cfg(unix)]
mod cases;
mod completions;
mod connection;
mod demo;
mod doctor;
mod environment;
mod exit_codes;
mod explain;
mod feed;
mod fuzz;
mod help;
mod identify24;
mod ids;
mod inbox;
#[cfg(unix)]
mod interrupted;
#[cfg(unix)]
mod late;
mod levels;
#[cfg(unix)]
mod listen;
mod man;
mod media;
mod outside;
mod places;
mod progress;
mod recordings;
mod results;
mod sandbox;
mod sandbox_control;
mod signing;
mod state;
mod support;
mod tables;
mod usage;
mod with_parent;
#[cfg(unix)]
mod world_file;
