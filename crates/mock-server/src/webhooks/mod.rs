//! Webhooks: what is delivered, when it is tried again, and what counts as delivered.

mod delivery;
mod modes;
mod policy;
mod state;

pub use self::delivery::{Attempt, Delivery, RequestCopy, Schedule};
pub use self::modes::{Mode, ReleaseOrder, Webhooks};
pub use self::policy::WebhookPolicy;
pub use self::state::{Cause, Held, Impossible, State, Verb};
