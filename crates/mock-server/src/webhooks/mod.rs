//! Webhooks: deliveries, their schedule and their state.

mod delivery;
mod state;

#[cfg(feature = "server")]
pub(crate) use self::delivery::DROPPED;
pub(crate) use self::delivery::outcome;
pub use self::delivery::{Attempt, Delivery, RequestCopy, Schedule};
pub use self::state::{Cause, HoldReason, Impossible, Mode, ReleaseOrder, State, Verb, Webhooks};
pub use crate::facts::WebhookPolicy;
