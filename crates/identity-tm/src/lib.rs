#![doc = include_str!("../README.md")]

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

/// Name of this provider in identkit.
pub const PROVIDER: &str = "identity-tm";
