//! The end of a response: bytes after it, and whether its connection can be used again.

use std::pin::pin;
use std::time::Duration;

use ::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use ::http::{StatusCode, response};
use bytes::Bytes;
use futures_util::future::{Either, select};
use identkit_core::{Clock as _, Error, Kind};
use identkit_wire::Meta;
use tokio::io::AsyncReadExt as _;

use super::dial::RETAINED;
use super::pool::PooledConnection;
use crate::transport::ends_connection;
use crate::{AttemptContext, SystemClock};

/// How long bytes after the end of a response are awaited, if the server does not close the connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// What bytes after the end of a response mean.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// Nothing, except that the connection is not used again.
    Ignored,
    /// The response cannot be used, e.g. because its length counts characters.
    Checked,
    /// The outcome of the operation is unknown. The bytes are part of the body, before an error.
    Kept,
}

impl Ending {
    pub(super) fn of(operation: Option<&'static Meta>) -> Self {
        match operation {
            None => Self::Ignored,
            Some(operation) if ends_connection(operation) => Self::Kept,
            Some(_) => Self::Checked,
        }
    }

    /// The error because of these bytes.
    pub(super) fn error(self, after: &[u8]) -> Option<Error> {
        let detail = "bytes follow the end of the response: its length may be wrong";
        match self {
            Self::Kept if !after.is_empty() => Some(Error::new(Kind::Integrity, detail)),
            // A line end is harmless.
            Self::Checked if !after.trim_ascii().is_empty() => Some(Error::new(Kind::Protocol, detail)),
            _ => None,
        }
    }
}

/// How long bytes after the end of a response are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Not: only what has arrived is read.
    No,
    /// Until the server closes the connection, or for a short time.
    ForClose,
    /// Until this number of bytes has arrived.
    ForBytes(usize),
}

/// The bytes that a response declares although its status allows no body (RFC 9110, sections 15.3.5 and 15.4.5).
pub(super) fn forbidden_body(head: &response::Parts) -> Option<Wait> {
    if !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return None;
    }
    if head.headers.contains_key(TRANSFER_ENCODING) {
        return Some(Wait::ForClose);
    }
    let length = head.headers.get(CONTENT_LENGTH)?.to_str().ok().and_then(|length| length.trim().parse().ok());
    match length {
        Some(0) => None,
        Some(length) => Some(Wait::ForBytes(length)),
        None => Some(Wait::ForClose),
    }
}

/// Returns the connection if it can be used again, otherwise what has arrived after the end of the response. Waits for
/// nothing.
pub(super) async fn reuse(mut pooled: Box<PooledConnection>, ended: bool) -> Result<Box<PooledConnection>, Bytes> {
    if ended {
        // The runtime polls sockets only between tasks.
        tokio::task::yield_now().await;
    } else if pooled.usable().await {
        return Ok(pooled);
    }
    Err(read(pooled, Wait::No, None).await)
}

/// Reads what follows the end of a response, at most 1 MiB, and closes the connection.
pub(super) async fn read(pooled: Box<PooledConnection>, wait: Wait, context: Option<AttemptContext>) -> Bytes {
    let parts = pooled.connection.into_parts();
    let (mut stream, mut received) = (parts.io.into_inner(), parts.read_buf.to_vec());
    let limit = match wait {
        Wait::ForBytes(count) => count.min(RETAINED),
        Wait::No | Wait::ForClose => RETAINED,
    };
    let mut over = pin!(async {
        let clock = SystemClock::new();
        let expired = async {
            match &context {
                Some(context) => context.expired().await,
                None => std::future::pending().await,
            }
        };
        match wait {
            Wait::No => {}
            Wait::ForClose => drop(select(pin!(expired), clock.sleep_until(clock.now().plus(PATIENCE))).await),
            Wait::ForBytes(_) => expired.await,
        }
    });
    let mut buffer = [0; 4096];
    while received.len() < limit {
        // What has arrived is read first.
        match select(pin!(stream.read(&mut buffer)), &mut over).await {
            Either::Left((Ok(count @ 1..), _)) => received.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Either::Left(_) | Either::Right(_) => break,
        }
    }
    received.into()
}
