//! Records of requests that must not be repeated, see `docs/cli.md`.
//!
//! Invariants:
//! - Before such a request is sent, its intent is in a file: operation, time, reference, nothing personal.
//! - Each piece of the response is on disk before the client can parse it.
//! - A record is closed only after the result was written to standard output, or after the vendor surely did nothing.

mod entry;
mod format;
mod options;
mod recorder;
mod transport;

pub(crate) use self::entry::Entry;
pub(crate) use self::format::{Phase, can_hold_id};
pub(crate) use self::options::{StateDirectory, StateOptions};
pub(crate) use self::recorder::Recorder;
pub(crate) use self::transport::record;
