//! What was received of a response that is not valid HTTP or has no whole head, if it is the response to a call that must
//! not be repeated, or that changes something and has no documented body (AT-97).

use std::pin::pin;
use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::future::{Either, select};
use identkit_core::{Clock as _, RawResponse};
use identkit_wire::Meta;
use tokio::io::AsyncReadExt as _;

use super::dial::Tee;
use super::pool::PooledConnection;
use crate::{AttemptContext, SystemClock};

/// How long the next byte of such a response is awaited.
const PATIENCE: Duration = Duration::from_secs(1);

/// Status of bytes without a status line.
const NO_STATUS: u16 = 600;

/// The response of this operation, although it is not valid HTTP.
pub(super) async fn invalid_answer(
    operation: Option<&Meta>,
    pooled: PooledConnection,
    context: &AttemptContext,
) -> Option<Box<RawResponse>> {
    let operation = operation?;
    raw_answer(operation, &read_rest(pooled, context.clone()).await).map(Box::new)
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

/// Reads what else arrives of a response that is not valid HTTP, up to its end, a pause or the deadline. Returns all that was
/// received since the request.
pub(super) async fn read_rest(pooled: PooledConnection, context: AttemptContext) -> Vec<u8> {
    let PooledConnection { connection, tee, meter, .. } = pooled;
    meter.remove_limit();
    let mut stream = connection.into_parts().io.into_inner();
    let clock = SystemClock::new();
    let mut expired = pin!(context.expired());
    let mut buffer = [0; 4096];
    while tee.has_room() {
        let over = select(&mut expired, clock.sleep_until(clock.now().plus(PATIENCE)));
        // What has arrived is read first.
        match select(pin!(stream.read(&mut buffer)), over).await {
            Either::Left((Ok(1..), _)) => {}
            Either::Left(_) | Either::Right(_) => break,
        }
    }
    tee.end()
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
