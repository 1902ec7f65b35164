//! Limits on a response body: stall, deadline, maximum size.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{BoxFuture, Clock, Content, Error, Instant, Kind, WorkGuard};

use super::limits::Slot;
use crate::observer::{CallObserver, StreamReport};

pub(super) struct Guard {
    pub(super) clock: Arc<dyn Clock>,
    /// Maximum time without a byte.
    pub(super) stall: Duration,
    /// When the body must be complete.
    pub(super) deadline: Instant,
    /// Maximum size in bytes.
    pub(super) cap: u64,
}

struct Guarded {
    inner: Option<Content>,
    guard: Guard,
    timer: Option<BoxFuture<'static, WorkGuard>>,
    /// When the last byte arrived, or when the reader first waited for more since then. A slow reader is not a stall.
    active: Instant,
    /// Whether the reader has waited since the last byte.
    waiting: bool,
    read: u64,
    began: Instant,
    observer: Option<Arc<dyn CallObserver>>,
    /// Held until the end of the body, which counts as a concurrent call.
    slot: Option<Slot>,
}

impl Guard {
    /// Applies the limits to a body that the call reads itself.
    pub(super) fn wrap(self, content: Content) -> Content {
        Content::new(content.len(), self.guard(content, 0, None, None))
    }

    /// Applies the limits to a body that is handed out as a stream. It holds a slot and is reported to an observer. `read`
    /// is the number of its bytes that were read before.
    pub(super) fn share(
        self,
        content: Content,
        read: u64,
        slot: Option<Slot>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Shared {
        Shared(Arc::new(Mutex::new(self.guard(content, read, slot, observer))))
    }

    fn guard(
        self,
        content: Content,
        read: u64,
        slot: Option<Slot>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Guarded {
        let began = self.clock.now();
        Guarded {
            inner: Some(content),
            guard: self,
            timer: None,
            active: began,
            waiting: false,
            read,
            began,
            observer,
            slot,
        }
    }
}

/// A stream of which decoding gets a clone. If decoding fails, the error retains what can be read of it (AT-97).
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Guarded>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Shared {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(cx)
    }
}

impl Guarded {
    fn end(&mut self, failure: Option<Kind>, dropped: bool) {
        self.inner = None;
        self.timer = None;
        self.slot = None;
        if let Some(observer) = self.observer.take() {
            let elapsed = self.guard.clock.now().since(self.began);
            observer.streamed(&StreamReport { bytes: self.read, failure, elapsed, dropped });
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.end(Some(error.kind()), false);
        Poll::Ready(Some(Err(error)))
    }

    /// Ready with the error when the body stalled or its deadline expired.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let due = self.active.plus(self.guard.stall).min(self.guard.deadline);
            let timer = self.timer.get_or_insert_with(|| self.guard.clock.sleep_until(due));
            // The guard can be dropped: there is nothing to wait for after this.
            let _ = std::task::ready!(timer.as_mut().poll(cx));
            self.timer = None;
            let now = self.guard.clock.now();
            if now >= self.guard.deadline {
                return Poll::Ready(Error::new(
                    Kind::Timeout,
                    "the response body was not complete in time (the setting `stream_timeout` is the limit)",
                ));
            }
            if now >= self.active.plus(self.guard.stall) {
                let seconds = self.guard.stall.as_secs();
                let detail = format!("the response body stalled: no byte arrived for {seconds} s");
                return Poll::Ready(Error::new(Kind::Timeout, detail));
            }
            // Bytes arrived since the timer was set. It is set again here, once per stall period, not for each frame.
        }
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.active = this.guard.clock.now();
                this.waiting = false;
                if this.active >= this.guard.deadline {
                    return this.fail(Error::new(
                        Kind::Timeout,
                        "the response body was not complete in time (the setting `stream_timeout` is the limit)",
                    ));
                }
                this.read = this.read.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
                if this.read > this.guard.cap {
                    let detail = format!("the response is longer than the {} bytes allowed", this.guard.cap);
                    return this.fail(Error::new(Kind::Protocol, detail));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => this.fail(error),
            Poll::Ready(None) => {
                this.end(None, false);
                Poll::Ready(None)
            }
            Poll::Pending => {
                if !std::mem::replace(&mut this.waiting, true) {
                    this.active = this.guard.clock.now();
                }
                let error = std::task::ready!(this.poll_time(cx));
                this.fail(error)
            }
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.end(None, true);
    }
}
