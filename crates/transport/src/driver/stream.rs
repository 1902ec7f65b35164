//! A body that was handed out: it may neither stall, nor take for ever, nor grow beyond its cap.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use identkit_core::{BoxFuture, Clock, Content, Error, Instant, Kind, WorkGuard};

use super::limits::Place;
use crate::observer::{CallObserver, StreamReport};

pub(super) struct Guard {
    pub(super) clock: Arc<dyn Clock>,
    /// So long without a byte is a stall.
    pub(super) stall: Duration,
    /// When it must have come whole.
    pub(super) deadline: Instant,
    pub(super) cap: u64,
}

struct Guarded {
    inner: Option<Content>,
    guard: Guard,
    timer: Option<BoxFuture<'static, WorkGuard>>,
    /// When the last byte came, or when more was first asked for since then: a reader that takes its time is no silence.
    moved: Instant,
    /// Whether more was asked for since the last byte.
    waiting: bool,
    read: u64,
    began: Instant,
    observer: Option<Arc<dyn CallObserver>>,
    /// Counts among the calls under way until the end.
    place: Option<Place>,
}

impl Guard {
    /// Watches over a body: that of a whole answer, which the call itself reads under its own deadline, or one that is
    /// handed out, holds a place until its end, and is told to an observer.
    pub(super) fn over(
        self,
        content: Content,
        place: Option<Place>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Content {
        let (len, began) = (content.len(), self.clock.now());
        let inner = Some(content);
        let guard = self;
        let body = Guarded { inner, guard, timer: None, moved: began, waiting: false, read: 0, began, observer, place };
        Content::new(len, body)
    }
}

impl Guarded {
    fn end(&mut self, failure: Option<Kind>, dropped: bool) {
        self.inner = None;
        self.timer = None;
        self.place = None;
        if let Some(observer) = self.observer.take() {
            let elapsed = self.guard.clock.now().since(self.began);
            observer.streamed(&StreamReport { bytes: self.read, failure, elapsed, dropped });
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.end(Some(error.kind()), false);
        Poll::Ready(Some(Err(error)))
    }

    /// Whether time is up, and why.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let due = self.moved.plus(self.guard.stall).min(self.guard.deadline);
            let timer = self.timer.get_or_insert_with(|| self.guard.clock.sleep_until(due));
            // The token is of no use: the error is made at once.
            let _ = std::task::ready!(timer.as_mut().poll(cx));
            self.timer = None;
            let now = self.guard.clock.now();
            if now >= self.guard.deadline {
                return Poll::Ready(Error::new(Kind::Timeout, "the body of the answer took longer than it may"));
            }
            if now >= self.moved.plus(self.guard.stall) {
                let seconds = self.guard.stall.as_secs();
                let detail = format!("the body of the answer stalled: nothing came for {seconds} s");
                return Poll::Ready(Error::new(Kind::Timeout, detail));
            }
            // Bytes came since the timer was set: it is set anew, once a stall and not once a frame.
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
                this.moved = this.guard.clock.now();
                this.waiting = false;
                if this.moved >= this.guard.deadline {
                    return this.fail(Error::new(Kind::Timeout, "the body of the answer took longer than it may"));
                }
                this.read = this.read.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
                if this.read > this.guard.cap {
                    let detail = format!("the answer is longer than the {} bytes allowed", this.guard.cap);
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
                    this.moved = this.guard.clock.now();
                }
                let error = std::task::ready!(this.poll_time(cx));
                this.fail(error)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.end(None, true);
    }
}
