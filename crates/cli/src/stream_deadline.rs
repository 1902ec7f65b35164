//! The deadline of a stream.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{BoxFuture, Clock, Content, Error, Instant, Kind, WorkGuard};
use identkit_transport::SystemClock;

/// The `--timeout` of a call, extended to the stream of its response body.
#[derive(Debug)]
pub(crate) struct StreamDeadline {
    clock: SystemClock,
    deadline: Option<Instant>,
}

impl StreamDeadline {
    /// Starts now. Without `--timeout`, a stream has only the limits of the driver.
    pub(crate) fn start(timeout: Option<Duration>) -> Self {
        let clock = SystemClock::new();
        let deadline = timeout.map(|timeout| clock.now().plus(timeout));
        Self { clock, deadline }
    }

    /// Adds the deadline to a stream.
    pub(crate) fn limit(&self, content: Content) -> Content {
        match self.deadline {
            Some(at) => Content::new(content.len(), LimitedContent { content, end: self.clock.sleep_until(at) }),
            None => content,
        }
    }
}

struct LimitedContent {
    content: Content,
    end: BoxFuture<'static, WorkGuard>,
}

impl Body for LimitedContent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // The deadline first: a stream that always has more data would otherwise never end.
        if self.end.as_mut().poll(cx).is_ready() {
            let error = Error::new(Kind::Timeout, "the response was not complete before the deadline (--timeout)");
            return Poll::Ready(Some(Err(error)));
        }
        Pin::new(&mut self.content).poll_frame(cx)
    }
}
