//! Client for the identity Trust Management Customer Services API, document 2.10c, called identity.TM.
//!
//! `[T 3.1]` in the documentation means chapter 3.1 of that document; AT-xx and T-xxx are traps and requirements of
//! the contract in `docs/contract/`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use identkit_core::{CallOptions, Secret};
//! use identkit_identity_tm::messages::Address;
//! use identkit_identity_tm::{Credentials, IdentityTm, NewOrder, OrderId};
//! # use identkit_transport::{SystemClock, Transport};
//! # async fn example(transport: Arc<dyn Transport>) -> Result<(), identkit_core::Error> {
//! let account = Credentials::new("4711", Secret::new("customer code"));
//! let vendor = IdentityTm::builder(account).transport(transport).clock(Arc::new(SystemClock::new())).build()?;
//! let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
//! let order = NewOrder::identification("e.mustermann@example.com", address).target_link().build()?;
//! let answer = vendor.put_order(&order, &CallOptions::new()).await?;
//! println!("HTTP {}, {} attempt(s)", answer.status, answer.attempts);
//! let id: &OrderId = &answer.value.order_id;
//! let status = vendor.status(id, &CallOptions::new()).await?.value;
//! println!("final: {}", status.finality(answer.value.flavour).is_final());
//! # Ok(()) }
//! ```

mod callback;
mod client;
mod dialect;
mod id;
pub mod messages;
mod operations;
pub mod order;
mod pdf;
mod port;
pub mod samples;
mod status;
mod validate;

pub use callback::{DOCUMENTED_NETWORKS, OrderCallback, VideoCallback, callbacks};
#[cfg(feature = "save")]
pub use client::VideoDownload;
pub use client::{
    AgentAvailability, Builder, Credentials, DEFAULT_BASE_URL, Health, IdentityTm, PlacedOrder, PlaceholderRule,
    StatusFeed, VideoReady,
};
pub use dialect::Dialect;
pub use id::{OrderId, random_reference};
pub use messages::PutOrder;
pub use operations::*;
pub use order::NewOrder;
pub use status::{CATALOGUE, Finality, OrderFlavor, StatusKind, StatusText};

/// Name of the provider in the project.
pub const PROVIDER: &str = "identity-tm";
