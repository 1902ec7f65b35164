//! Webhooks: what is delivered, when it is tried again, and what counts as delivered.

mod delivery;
mod modes;
mod policy;
mod request;
mod state;

pub use self::delivery::{Attempt, Delivery, Schedule};
pub use self::modes::{Mode, ReleaseOrder, Webhooks};
pub use self::policy::WebhookPolicy;
pub use self::request::RequestCopy;
pub use self::state::{Cause, HoldReason, Impossible, State, Verb};
