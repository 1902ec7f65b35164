#![doc = include_str!("../README.md")]
//!
//! # Invariants
//! - [`messages`] mirror the vendor's JSON; [`operations`] are pure; only [`Identify24`] sends.
//! - The writer is strict and returns all violations in one error; the reader accepts every shape that the document
//!   shows.
//! - A client and its clones share one token. One login serves all waiting callers
//!   ([`TokenSession`](identkit_transport::TokenSession)); several processes can share a token through a
//!   [`TokenStore`].
//! - `ident/create` is never repeated once it may have been sent.
//! - Ident ids and conference URLs authorize anyone who has them: they are secrets and are never printed.

mod auth;
mod callback;
mod client;
mod countries;
mod dialect;
pub mod messages;
pub mod operations;
mod port;
pub mod samples;
mod writer;

pub use auth::Credentials;
pub use callback::IdentStatusCallback;
pub use client::{Builder, DEFAULT_BASE_URL, Identify24};
pub use dialect::{CasePolicy, Dialect, PdfEncoding, PhonePolicy};
pub use identkit_transport::{MemoryTokenStore, StoredToken, TokenKey, TokenStore};

/// Name of this provider.
pub const PROVIDER: &str = "identify24";
