//! Recordings for tests: a [`Recorder`] writes down what went over a transport, a [`Replayer`] plays it back.
//!
//! A recording is JSON for people to read and to edit. Version 1:
//!
//! ```json
//! {
//!   "format": "identkit recording",
//!   "version": 1,
//!   "exchanges": [
//!     {
//!       "operation": "getStatus",
//!       "method": "POST",
//!       "path": "/getStatus/{OrderID}",
//!       "request": { "json": { "CustomerID": "[redacted]" } },
//!       "status": 200,
//!       "content_type": "application/json",
//!       "answer": { "json": { "Status": 15 } }
//!     },
//!     {
//!       "operation": "getPDF",
//!       "method": "GET",
//!       "path": "/getPDF/{OrderID}",
//!       "request": "empty",
//!       "failure": { "delivery": "maybe sent", "kind": "unreachable" }
//!     }
//!   ]
//! }
//! ```
//!
//! - `path` is the operation's template, never the path that was sent: its parameters let a bearer act. Without an
//!   operation each segment is `*`. Queries, and headers other than the type of the answer, are not kept.
//! - A body is `"empty"`; `{"json": …}`, redacted; `{"text": n}` or `{"binary": n, "starts": "<hex>"}`, of which only
//!   the length in bytes is kept and, of a PDF, an MP4 or a JPEG, the first eight bytes, which say that it is one.
//! - `"cut": true` beside `answer` says that the answer broke off, or that nobody read it to its end.
//! - `failure` stands in the place of `status` and `answer`; `kind` is `unreachable`, `timeout`, `protocol`, `storage`
//!   or `invalid input`, or `abandoned` when the caller gave up.
//!
//! Invariants:
//! - What is not on the allow-list of [`Redaction`] is not in a recording: no header, no parameter, no value, no name
//!   of a file.
//! - A replayed request that does not fit is not answered, and [`Replayer::verify`] says where it differs, by names
//!   and never by values.

mod body;
mod exchange;
mod recorder;
mod redaction;
mod replayer;

pub use self::recorder::Recorder;
pub use self::redaction::Redaction;
pub use self::replayer::{Mismatch, Replayer};

use identkit_core::Kind;

const FORMAT: &str = "identkit recording";
const VERSION: u64 = 1;

/// The kinds of a failure and their names; any other is recorded by the first. A call that was given up reads as one whose
/// time ran out.
const KINDS: [(Kind, &str); 6] = [
    (Kind::Unreachable, "unreachable"),
    (Kind::Timeout, "timeout"),
    (Kind::Protocol, "protocol"),
    (Kind::Storage, "storage"),
    (Kind::InvalidInput, "invalid input"),
    (Kind::Timeout, ABANDONED),
];
const ABANDONED: &str = "abandoned";
const NOT_SENT: &str = "not sent";
const MAYBE_SENT: &str = "maybe sent";

#[cfg(test)]
mod tests;
