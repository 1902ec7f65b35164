//! Client for the identify24 VideoIdent API 1.0.1.
//!
//! Creates idents, reads their status and the account's projects, and reads the vendor's webhook. identify24 hands
//! out no results, cancels nothing, deletes nothing and lists no idents (`[I]` has no such calls).
//!
//! ```no_run
//! use std::sync::Arc;
//! use identkit_core::CallOptions;
//! use identkit_identify24::{Credentials, Identify24, messages::{CreateIdent, Gender}};
//!
//! # async fn example(transport: Arc<dyn identkit_transport::Transport>) -> Result<(), identkit_core::Error> {
//! let client = Identify24::builder(Credentials::new("example-partner", "example-key")).transport(transport).build()?;
//! let ident = CreateIdent::default().project_id("6").gender(Gender::Female).birthday("1964-08-12").nationality("DE")
//!     .person_first_name("Erika").person_last_name("Mustermann").birth_place("Berlin").email("erika@example.com")
//!     .mobile_phone("+491701234567").zip_code("51147").city("Köln").country("DE");
//! let created = client.create_ident(&ident, &CallOptions::new()).await?.value;
//! let ident_id = created.ident_id.ok_or_else(|| identkit_core::Error::unsupported("ident/create"))?;
//! assert!(client.get_ident(&ident_id, &CallOptions::new()).await?.value.status.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! Invariants:
//! - [`messages`] mirror the vendor's JSON; [`operations`] are pure; only [`Identify24`] sends.
//! - The writer is strict and tells every fault at once; the reader accepts every shape the document shows.
//! - One token per client and its clones, got by one login however many callers wait
//!   ([`TokenSession`](identkit_transport::TokenSession));
//!   several processes may share it through a [`TokenStore`].
//! - `ident/create` is never repeated once it may have been sent.
//! - Ident ids and conference URLs let their bearer act: they are secrets and are never printed.
//!
//! The points on which the document is ambiguous are switches of [`Dialect`].

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
