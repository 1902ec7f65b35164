//! Webhook deliveries: which are sent, when, in what order, and what a caller does with one.

mod attempt;
mod completion;
mod control;
mod queue;
mod receivers;
mod release;

pub(super) use self::completion::CompletionOrder;
pub(super) use self::receivers::Receivers;
pub(super) use self::release::release;
