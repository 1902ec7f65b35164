//! Runs a future until a deadline.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use identkit_core::{Clock, Instant};

/// Runs `work`. Returns `None` if the deadline expires first.
pub(crate) async fn within<T>(clock: &dyn Clock, deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut end = clock.sleep_until(deadline);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(cx).map(|_| None),
    })
    .await
}
