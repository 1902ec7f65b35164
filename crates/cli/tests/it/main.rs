//! The program as its users run it: what it prints, what it leaves on the disk, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "real processes live in real time: an upper bound against hanging")]

mod connection;
mod demo;
mod exit_codes;
mod feed;
mod fuzz;
mod help;
mod identify24;
#[cfg(unix)]
mod interrupted;
mod media;
mod outside;
mod places;
mod progress;
mod recordings;
mod results;
mod sandbox;
mod signing;
mod support;
#[cfg(unix)]
mod world_file;
#[cfg(unix)]
mod world_file_on_the_way;
