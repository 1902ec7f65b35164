//! Calls of a vendor, and tries to deliver webhooks.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{Method, Uri};
use identkit_core::Violation;
use jiff::Timestamp;

use super::{Headers, StoredBody};
use crate::facts::VendorFacts;
use crate::webhooks::Cause;

/// A call of a vendor and its answer.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// Name of the vendor; `None` when the path belongs to none.
    pub vendor: Option<&'static str>,
    /// The operation as the client names it; `None` when no operation has this path.
    pub operation: Option<&'static str>,
    /// The case it is about, when the request or the answer tells it.
    pub case: Option<String>,
    /// What the sandbox has to know of the vendor.
    pub(crate) facts: Option<&'static VendorFacts>,
    /// The request's method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The request's headers.
    pub headers: Headers,
    /// The request's body.
    pub body: StoredBody,
    /// The answer's status; `None` when none was given. A fault may have kept it from arriving.
    pub status: Option<u16>,
    /// The answer's headers.
    pub answer_headers: Headers,
    /// The answer's body.
    pub answer: StoredBody,
    /// The fault that was injected, if one was.
    pub fault: Option<&'static str>,
    /// Why it was refused, when it was.
    pub refused: Vec<Violation>,
}

impl Call {
    /// Path and query, without a host.
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// Shares equal parts with an earlier call, so that a client that repeats a call takes little memory.
    pub(crate) fn share(&mut self, earlier: &Self) {
        let share = |part: &mut Bytes, earlier: &Bytes| {
            if part == earlier {
                part.clone_from(earlier);
            }
        };
        share(&mut self.headers.0, &earlier.headers.0);
        share(&mut self.body.bytes, &earlier.body.bytes);
        share(&mut self.answer_headers.0, &earlier.answer_headers.0);
        share(&mut self.answer.bytes, &earlier.answer.bytes);
        if self.uri == earlier.uri {
            self.uri.clone_from(&earlier.uri);
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Path, headers and bodies hold ids, credentials and persons' data.
        f.debug_struct("Call").field("operation", &self.operation).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A try to deliver a webhook.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeliveryAttempt {
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
    /// What made the vendor, or somebody else, send it.
    pub by: Cause,
    /// Why there is no answer.
    pub error: Option<Cow<'static, str>>,
    /// When it is tried next.
    pub next: Option<Timestamp>,
}

impl fmt::Debug for DeliveryAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryAttempt")
            .field("event", &self.event)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
