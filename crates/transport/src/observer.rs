//! What may be told of a call to whoever watches: an allow-list by type.
//!
//! Invariant: nothing here can hold a value of a request or an answer. All texts are `'static`, everything else is a
//! number or an enumeration; ids, names, URLs and bodies have no place to stand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Delivery, Kind};

/// A call under way.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// Name of the provider, e.g. `identity-tm`.
    pub provider: &'static str,
    /// The vendor's name of the operation, e.g. `putOrder`.
    pub operation: &'static str,
    /// The caller's own word for it, from [`CallOptions::tag`](identkit_core::CallOptions::tag).
    pub tag: Option<&'static str>,
}

/// How one attempt ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// Which one, from 1. A request that is repeated with new credentials after a 401 keeps its number.
    pub number: u32,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// The HTTP status, if a head came; where its body tells a worse one, that.
    pub status: Option<u16>,
    /// What went wrong; `None` for a good answer.
    pub failure: Option<Kind>,
    /// How far the request got.
    pub delivery: Delivery,
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// How long is waited before the next attempt; `None` when there is none.
    pub wait: Option<Duration>,
}

/// How a call ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// Attempts that were begun.
    pub attempts: u32,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// What went wrong; `None` for a good answer, and for a call that was dropped.
    pub failure: Option<Kind>,
    /// How far the call got over all attempts: [`Delivery::MaybeSent`] when any of them may have arrived without a
    /// complete answer.
    pub delivery: Delivery,
    /// From the call to its end, waits included.
    pub elapsed: Duration,
    /// Whether the caller dropped it before it ended. What was sent may be carried out all the same.
    pub dropped: bool,
}

/// How a body that was handed out as a stream ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// Bytes that were read.
    pub bytes: u64,
    /// What went wrong; `None` for a stream that came to its end, and for one that was dropped.
    pub failure: Option<Kind>,
    /// From the handing out to the end.
    pub elapsed: Duration,
    /// Whether it was dropped before its end.
    pub dropped: bool,
}

/// Hears of every call of a driver.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A call begins; what is returned hears how it goes on.
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver>;
}

/// Hears of one call. It is called on the caller's own task: be quick, and never wait.
pub trait CallObserver: Send + Sync {
    /// An attempt ended. A call that is refused before anything is sent, or dropped in the middle of an attempt, has
    /// no report of it.
    fn attempted(&self, attempt: &AttemptReport);

    /// The call ended: each that began does so exactly once.
    fn ended(&self, report: &CallReport);

    /// A body that the call handed out ended, after the call did.
    fn streamed(&self, report: &StreamReport);
}
