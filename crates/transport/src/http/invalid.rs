//! What was received of a response that is not valid HTTP, has no whole head, or has bytes after its end, if the vendor
//! does not give it a second time (AT-97).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::select;
use identkit_core::{Clock, RawResponse};
use identkit_wire::Meta;
use tokio::io::AsyncReadExt as _;

use super::dial::{RETAINED, Tee};
use super::pool::PooledConnection;
use crate::AttemptContext;

/// How long the rest of such a response is awaited: it has normally arrived already.
const PATIENCE: Duration = Duration::from_secs(1);

/// Status of bytes without a status line.
const NO_STATUS: u16 = 600;

/// The response of an operation that must not be repeated, although it is not valid HTTP.
pub(super) async fn invalid_answer(
    operation: Option<&Meta>,
    pooled: PooledConnection,
    clock: &Arc<dyn Clock>,
) -> Option<Box<RawResponse>> {
    let operation = operation?;
    raw_answer(operation, &read_rest(pooled, Arc::clone(clock)).await).map(Box::new)
}

/// What was received as a response. `None` if nothing was.
fn raw_answer(operation: &Meta, received: &[u8]) -> Option<RawResponse> {
    let none = || Some((StatusCode::from_u16(NO_STATUS).ok()?, received)).filter(|_| !received.is_empty());
    let (status, response) = final_response(received).or_else(none)?;
    let raw = RawResponse::new(status, HeaderMap::new(), Bytes::copy_from_slice(response), false);
    Some(raw.with_id_names(operation.ids).with_id_urls(operation.id_urls))
}

/// Passes what was received to the context if the exchange is dropped before the head is complete.
pub(super) struct ArrivingHead<'a> {
    operation: Option<&'a Meta>,
    tee: Tee,
    context: &'a AttemptContext,
}

impl<'a> ArrivingHead<'a> {
    /// Begins to retain what is received, if an operation is given.
    pub(super) fn begin(operation: Option<&'a Meta>, tee: &Tee, context: &'a AttemptContext) -> Self {
        if operation.is_some() {
            tee.begin();
        }
        Self { operation, tee: tee.clone(), context }
    }

    /// Notes that the head is complete.
    pub(super) fn complete(mut self) {
        self.operation = None;
    }
}

impl Drop for ArrivingHead<'_> {
    fn drop(&mut self) {
        // Nothing is left if it is in the failure.
        if let Some(answer) = self.operation.and_then(|operation| raw_answer(operation, &self.tee.end())) {
            self.context.set_partial_answer(answer);
        }
    }
}

/// Reads what else arrives of a response that is not valid HTTP, and returns all that was received since the request.
pub(super) async fn read_rest(pooled: PooledConnection, clock: Arc<dyn Clock>) -> Vec<u8> {
    let PooledConnection { connection, tee, meter, .. } = pooled;
    meter.remove_limit();
    let mut stream = connection.into_parts().io.into_inner();
    let reading = async {
        let mut buffer = [0; 4096];
        while tee.has_room() && stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    };
    select(pin!(reading), clock.sleep_until(clock.now().plus(PATIENCE))).await;
    tee.end()
}

/// Returns the connection if it can be used again, otherwise what has arrived after the end of the response. Waits for
/// nothing.
pub(super) async fn bytes_after_end(
    mut pooled: Box<PooledConnection>,
    ended: bool,
) -> (Option<Box<PooledConnection>>, Bytes) {
    if ended {
        // The runtime polls sockets only between tasks.
        tokio::task::yield_now().await;
    } else if pooled.usable().await {
        return (Some(pooled), Bytes::new());
    }
    let parts = pooled.connection.into_parts();
    let (mut stream, mut received) = (parts.io.into_inner(), parts.read_buf.to_vec());
    let mut buffer = [0; 4096];
    while received.len() < RETAINED
        && let Some(Ok(count @ 1..)) = stream.read(&mut buffer).now_or_never()
    {
        received.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    (None, received.into())
}

/// The final response in what was received, from its status line on, although it is not valid HTTP. `None` without a
/// status line.
fn final_response(mut received: &[u8]) -> Option<(StatusCode, &[u8])> {
    loop {
        let after = received.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
        let status = StatusCode::from_bytes(after.get(..3)?).ok()?;
        match body_in(received).filter(|_| status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS) {
            Some(next) => received = next,
            None => return Some((status, received)),
        }
    }
}

/// What follows the first head.
fn body_in(response: &[u8]) -> Option<&[u8]> {
    // One pass: there can be thousands of heads.
    let line_ends = response.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let is_empty_line = |rest: &&[u8]| rest.starts_with(b"\n") || rest.starts_with(b"\r\n");
    let blank = line_ends.filter_map(|at| response.get(at..)).find(is_empty_line)?;
    blank.strip_prefix(b"\r").unwrap_or(blank).get(1..)
}

/// The part of a chunked body that was not passed on: the bytes after the last piece that was, as received.
pub(super) fn rest_of_body(received: &[u8], last: &[u8]) -> Bytes {
    let body = final_response(received).and_then(|(_, response)| body_in(response)).unwrap_or_default();
    let rest = match last {
        [] => Some(body),
        // Not found if the body is longer than what is retained.
        _ => body.windows(last.len()).rposition(|window| window == last).and_then(|at| body.get(at + last.len()..)),
    };
    Bytes::copy_from_slice(rest.unwrap_or_default())
}
