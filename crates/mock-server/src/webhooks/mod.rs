//! Webhooks: what is delivered, when it is tried again, and what counts as delivered.

mod delivery;
mod state;

pub(crate) use self::delivery::outcome;
pub use self::delivery::{Attempt, Delivery, RequestCopy, Schedule};
pub use self::state::{Cause, HoldReason, Impossible, Mode, ReleaseOrder, State, Verb, Webhooks};
pub use crate::facts::WebhookPolicy;
