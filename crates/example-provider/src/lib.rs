#![doc = include_str!("../README.md")]
//!
//! # Invariants
//! - [`messages`] mirror the vendor's JSON; [`operations`] are pure; only [`Acme`] sends.
//! - The writer is strict and returns all violations in one error; the reader accepts unknown fields and words.
//! - [`CreateCase`](messages::CreateCase) is never repeated once it may have been sent.
//! - Ids of cases, URLs of persons and credentials are secrets and are never printed.

pub mod auth;
mod callback;
mod client;
mod dialect;
pub mod messages;
#[cfg(feature = "mock")]
pub mod mock;
pub mod operations;
mod port;
mod writer;

pub use auth::Credentials;
pub use callback::FinishedCallback;
pub use client::{Acme, Builder, DEFAULT_BASE_URL};
pub use dialect::Dialect;

/// Name of this provider.
pub const PROVIDER: &str = "acme";
