//! What happened in a world, in order: requests, timers, tries to deliver webhooks, and what people did to it.
//!
//! Invariants:
//! - Entries are numbered without a gap, from 1, whether they are still kept or not.
//! - It is bounded: the oldest entries go, and of long bodies the end, so that a sandbox may run for days.
//! - Nothing in it depends on ports or on how long something really took: the same seed and the same script give the
//!   same bytes in its [canonical form](Journal::canonical).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use jiff::Timestamp;

/// How many entries are kept unless said otherwise.
const KEPT: usize = 10_000;

/// How many bytes of bodies are kept in all.
const BODIES: usize = 64 * 1024 * 1024;

/// How much of one body is kept.
const BODY: usize = 64 * 1024;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number in the world, from 1.
    pub sequence: u64,
    /// When, in the world's time.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// A vendor was called, and answered.
    Call(Arc<Call>),
    /// A timer fell due.
    Fired {
        /// Name of the vendor, or `sandbox`.
        vendor: &'static str,
        /// What was due, in the vendor's own words.
        what: &'static str,
        /// The id of the case or delivery.
        subject: String,
    },
    /// A webhook was tried.
    Attempt(Arc<Tried>),
    /// A case was moved by hand: the story or the status.
    Moved {
        /// The case.
        case: String,
        /// The story's name, or the status as it was given.
        by: String,
    },
    /// Somebody changed the world: how accounts are set up, faults, webhooks, time.
    Changed {
        /// What was changed, e.g. `settings`.
        what: &'static str,
        /// In short, how.
        how: String,
    },
}

/// A call of a vendor and its answer.
#[derive(Clone)]
pub struct Call {
    /// Name of the vendor; `None` when the path belongs to none.
    pub vendor: Option<&'static str>,
    /// The operation as the client names it; `None` when no operation has this path.
    pub operation: Option<&'static str>,
    /// The case it is about, when the request or the answer tells it.
    pub case: Option<String>,
    /// The request's method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Kept,
    /// The answer's status; `None` when none was given. A fault may have kept it from arriving.
    pub status: Option<u16>,
    /// The answer's headers.
    pub answer_headers: HeaderMap,
    /// The answer's body.
    pub answer: Kept,
    /// The fault that was injected, if one was.
    pub fault: Option<&'static str>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Path, headers and bodies hold ids, credentials and persons' data.
        f.debug_struct("Call").field("operation", &self.operation).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A try to deliver a webhook.
#[derive(Clone)]
pub struct Tried {
    /// The delivery.
    pub delivery: u64,
    /// Name of the vendor.
    pub vendor: &'static str,
    /// The case it is about.
    pub case: String,
    /// What it says.
    pub event: String,
    /// Which try it was, from 1.
    pub number: usize,
    /// The receiver's status, if it gave one.
    pub status: Option<u16>,
    /// Whether the vendor counts it as delivered.
    pub delivered: bool,
    /// When it is tried next.
    pub next: Option<Timestamp>,
}

impl fmt::Debug for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tried").field("event", &self.event).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A body, as far as it is kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its first bytes.
    pub bytes: Bytes,
    /// How many it had.
    pub len: u64,
}

impl Kept {
    /// What is kept of a body.
    pub fn of(body: &Bytes) -> Self {
        // A copy, when it is cut, so that the rest of a large body does not stay in memory with it.
        let bytes =
            if body.len() > BODY { Bytes::copy_from_slice(body.get(..BODY).unwrap_or_default()) } else { body.clone() };
        Self { bytes, len: body.len() as u64 }
    }

    /// A body that was not looked at.
    pub fn unseen(len: Option<u64>) -> Self {
        Self { bytes: Bytes::new(), len: len.unwrap_or(0) }
    }

    /// Whether all of it is kept.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.len
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

/// The journal of a world.
#[derive(Clone, Debug)]
pub struct Journal {
    entries: VecDeque<Entry>,
    sequence: u64,
    bodies: usize,
    /// How often each operation was called, also by calls that are no longer kept.
    calls: BTreeMap<&'static str, u64>,
    limit: usize,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: VecDeque::new(), sequence: 0, bodies: 0, calls: BTreeMap::new(), limit: KEPT }
    }
}

impl What {
    /// How many bytes of bodies it keeps.
    fn weight(&self) -> usize {
        match self {
            Self::Call(call) => call.body.bytes.len() + call.answer.bytes.len(),
            _ => 0,
        }
    }
}

impl Journal {
    /// Notes what happened at this time, and returns its number.
    pub fn note(&mut self, at: Timestamp, what: What) -> u64 {
        self.sequence += 1;
        if let What::Call(call) = &what
            && let Some(operation) = call.operation
        {
            *self.calls.entry(operation).or_default() += 1;
        }
        self.bodies += what.weight();
        self.entries.push_back(Entry { sequence: self.sequence, at, what });
        while self.entries.len() > self.limit || self.bodies > BODIES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bodies -= oldest.what.weight();
        }
        self.sequence
    }

    /// The number of the last entry; 0 when nothing has happened.
    pub fn last(&self) -> u64 {
        self.sequence
    }

    /// The entries that are kept, after the one of this number, oldest first.
    pub fn since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        let first = self.sequence - self.entries.len() as u64;
        let skip = usize::try_from(sequence.saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }

    /// The calls that are kept, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = (&Entry, &Arc<Call>)> {
        self.since(0).filter_map(|entry| match &entry.what {
            What::Call(call) => Some((entry, call)),
            _ => None,
        })
    }

    /// How often this operation was called in all.
    pub fn count(&self, operation: &str) -> u64 {
        self.calls.get(operation).copied().unwrap_or(0)
    }

    /// Keeps at most so many entries.
    pub fn keep(&mut self, entries: usize) {
        self.limit = entries.max(1);
    }

    /// Forgets everything; the numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bodies = 0;
        self.calls.clear();
    }
}
