//! Reports of calls to an observer: an allow-list by type.
//!
//! Invariant: no type here can hold a value of a request or a response. All texts are `'static`; all other fields are
//! numbers, durations and enums. Ids, names, URLs and bodies do not fit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Delivery, Kind};

/// A call that starts.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// The provider's name, e.g. `identity-tm`.
    pub provider: &'static str,
    /// The vendor's name of the operation, e.g. `putOrder`.
    pub operation: &'static str,
    /// The caller's tag, from [`CallOptions::tag`](identkit_core::CallOptions::tag).
    pub tag: Option<&'static str>,
}

/// How one attempt ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// The attempt's number, from 1. A request that is repeated with new credentials after a 401 keeps its number.
    pub number: u32,
    /// Length of the request body in bytes.
    pub request_bytes: u64,
    /// The HTTP status, if there was a response. If its body contains a worse status, that one.
    pub status: Option<u16>,
    /// The kind of the error. `None` if the attempt succeeded.
    pub failure: Option<Kind>,
    /// How far the request got.
    pub delivery: Delivery,
    /// Duration of the attempt.
    pub elapsed: Duration,
    /// Time until the next attempt. `None` if no attempt follows.
    pub wait: Option<Duration>,
}

/// How a call ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// Number of attempts that were started.
    pub attempts: u32,
    /// The HTTP status of the last attempt, if it got a response.
    pub status: Option<u16>,
    /// The kind of the error. `None` if the call succeeded or was dropped.
    pub failure: Option<Kind>,
    /// How far the call got over all attempts: [`Delivery::MaybeSent`] if any attempt may have arrived without a
    /// complete response and the call did not end with one.
    pub delivery: Delivery,
    /// Duration of the call, waits included.
    pub elapsed: Duration,
    /// Whether the caller dropped the call before it ended. The vendor may still execute what was sent.
    pub dropped: bool,
}

/// How a body that was handed out as a stream ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// Number of bytes read.
    pub bytes: u64,
    /// The kind of the error. `None` if the stream was read to its end or dropped.
    pub failure: Option<Kind>,
    /// Time from handing out the stream to its end.
    pub elapsed: Duration,
    /// Whether the stream was dropped before its end.
    pub dropped: bool,
}

/// Receives reports of every call of a driver.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Called when a call starts. The result receives the reports of this call.
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver>;
}

/// Receives the reports of one call. The methods run on the caller's task and must not block.
pub trait CallObserver: Send + Sync {
    /// Called when an attempt ended. Not called if the call fails before it sends anything, or is dropped during the
    /// attempt.
    fn attempted(&self, attempt: &AttemptReport);

    /// Called exactly once for each call that started, when it ended or was dropped.
    fn ended(&self, report: &CallReport);

    /// Called when a body that was handed out as a stream ended. This is after the end of its call.
    fn streamed(&self, report: &StreamReport);
}
