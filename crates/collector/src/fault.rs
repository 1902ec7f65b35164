//! Errors of the collector itself.

use std::time::Duration;

use identkit_core::{Advice, Delivery, Error, Kind};

use crate::state::CaseState;

/// Marks an error as the collector's own: the vendor has rejected nothing, and reading its status does not help.
pub(crate) fn unsent(error: Error) -> Error {
    error.with_delivery(Delivery::NotSent).with_advice(Advice::FixInput)
}

pub(crate) fn unreadable() -> Error {
    Error::new(Kind::Integrity, "the stored state of the case cannot be read: another program has written it")
}

pub(crate) fn newer() -> Error {
    Error::new(Kind::Unsupported, "a later release has written the state of the case: use that release")
}

pub(crate) fn no_provider() -> Error {
    let detail = "no provider of this name is configured: add it with CollectorBuilder::provider";
    Error::new(Kind::InvalidInput, detail).with_advice(Advice::FixInput)
}

pub(crate) fn no_vendor_id() -> Error {
    let detail = "the URL of this webhook needs the vendor's id, which is not known yet: use CaseWebhook::new";
    Error::new(Kind::InvalidInput, detail).with_advice(Advice::FixInput)
}

pub(crate) fn empty_reference() -> Error {
    let detail = "the reference is empty: every case without one would be found by it";
    Error::new(Kind::InvalidInput, detail).with_advice(Advice::FixInput)
}

pub(crate) fn no_case() -> Error {
    Error::new(Kind::NotFound, "the store has no such case, or knows it from webhooks only")
        .with_delivery(Delivery::NotSent)
        .with_advice(Advice::FixInput)
}

pub(crate) fn lost_turn() -> Error {
    let detail = "another worker has begun the same sweep: this one was paused for too long";
    Error::new(Kind::Conflict, detail).with_advice(Advice::RetryLater)
}

pub(crate) fn not_lost(stage: CaseState) -> Error {
    let detail = format!(
        "the case is {stage}: only a case of unknown outcome can be closed, or one of which nothing is saved and that the \
         vendor has lost, which two reads at least 5 minutes apart must show"
    );
    unsent(Error::new(Kind::InvalidState, detail))
}

pub(crate) fn slow_hook(limit: Duration) -> Error {
    let detail = format!("the hook did not return within {} s: make it faster, or raise Timing::hook", limit.as_secs());
    Error::new(Kind::Timeout, detail).with_advice(Advice::RetryLater)
}

pub(crate) fn busy() -> Error {
    let detail = "a worker has the case and renews its claim: nothing was changed, repeat the command";
    Error::new(Kind::Conflict, detail).with_advice(Advice::RetryLater)
}
