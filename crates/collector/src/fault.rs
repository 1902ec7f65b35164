//! Errors of the collector itself.

use identkit_core::{Advice, Error, Kind};

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
        .with_advice(Advice::FixInput)
}

pub(crate) fn busy() -> Error {
    let detail = "a worker has the case and renews its claim: nothing was changed, repeat the command";
    Error::new(Kind::Conflict, detail).with_advice(Advice::RetryLater)
}
