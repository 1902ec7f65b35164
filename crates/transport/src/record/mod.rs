//! Recordings for tests: a [`Recorder`] records the exchanges of a transport, a [`Replayer`] replays them.
//!
//! A recording is JSON that you can read and edit. Version 1:
//!
//! ```json
//! {
//!   "format": "identkit recording",
//!   "version": 1,
//!   "exchanges": [
//!     {
//!       "operation": "requestSign",
//!       "method": "POST",
//!       "path": "/requestSign/{OrderID}",
//!       "request": "empty",
//!       "failure": { "delivery": "maybe sent", "kind": "unreachable" }
//!     },
//!     {
//!       "operation": "confirmSign",
//!       "method": "POST",
//!       "path": "/confirmSign/{OrderID}",
//!       "request": { "json": { "tan": "[redacted]" } },
//!       "status": 400,
//!       "content_type": "application/json",
//!       "answer": { "json": { "Error": "[redacted]" } }
//!     }
//!   ]
//! }
//! ```
//!
//! - `path` is the operation's template, never the path that was sent, whose parameters can grant access. Without an
//!   operation each segment is `*`. Queries are not recorded, and no headers except the response's content type.
//! - A body is `"empty"`, `{"json": …}` (redacted), `{"text": n}` or `{"binary": n, "starts": "<hex>"}`. `n` is the length
//!   in bytes. `starts` holds the first eight bytes of a PDF, an MP4 or a JPEG, and is otherwise empty.
//! - `"cut": true` next to `answer`: the response broke off, or was not read to its end.
//! - `failure` replaces `status` and `answer`. Its `kind` is `unreachable`, `timeout`, `protocol`, `storage`,
//!   `invalid input`, or `abandoned` if the caller dropped the call. `"lasting": true` marks a permanent failure.
//!
//! Invariants:
//! - A recording contains only values that [`Redaction`] allows: no header, parameter, other value or file name.
//! - A replayed request that differs gets no response. [`Replayer::verify`] says where it differs, by names and never by
//!   values.

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

/// The recorded kinds of a failure. Any other kind is recorded as the first. An abandoned call is replayed as a timeout.
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
