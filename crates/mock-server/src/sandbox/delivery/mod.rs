//! Webhook deliveries: dispatch, attempts, order of completion, and control by the caller.

mod attempt;
mod completion;
mod control;
mod queue;
mod receivers;
mod release;
mod unanswered;

pub(super) use self::completion::CompletionOrder;
pub(super) use self::receivers::Receivers;
pub(super) use self::unanswered::Unanswered;
