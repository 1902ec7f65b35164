//! Follows one call for the observer, whatever becomes of it.
//!
//! Invariant: what began ends exactly once, also when the caller drops the call: that it may have been sent must not be
//! known to nobody.

use std::sync::Arc;

use identkit_core::{Clock, Delivery, Error, Instant, Kind};

use crate::observer::{AttemptReport, CallObserver, CallReport};
use crate::{AttemptContext, Response};

pub(super) struct Watch<'a> {
    pub(super) observer: Option<Arc<dyn CallObserver>>,
    clock: &'a dyn Clock,
    pub(super) began: Instant,
    attempts: u32,
    attempt_began: Instant,
    context: Option<AttemptContext>,
    /// Whether an attempt may have arrived without a complete answer.
    pub(super) doubtful: bool,
    answered: bool,
    ended: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn begin(observer: Option<Arc<dyn CallObserver>>, clock: &'a dyn Clock) -> Self {
        let began = clock.now();
        Self {
            observer,
            clock,
            began,
            attempts: 0,
            attempt_began: began,
            context: None,
            doubtful: false,
            answered: false,
            ended: false,
        }
    }

    /// An attempt begins: number, and what it knows about how far it gets.
    pub(super) fn attempt(&mut self, number: u32, context: &AttemptContext) {
        self.attempts = number;
        self.context = Some(context.clone());
        if self.observer.is_some() {
            self.attempt_began = self.clock.now();
        }
    }

    pub(super) fn attempted(&mut self, bytes: u64, outcome: Result<u16, &Error>, wait: Option<std::time::Duration>) {
        self.context = None;
        let (status, failure, delivery) = match outcome {
            Ok(status) => (Some(status), None, Delivery::Answered),
            Err(error) => (error.status(), Some(error.kind()), error.delivery().unwrap_or(Delivery::NotSent)),
        };
        self.answered |= delivery == Delivery::Answered;
        let Some(observer) = &self.observer else { return };
        let elapsed = self.clock.now().since(self.attempt_began);
        let number = self.attempts;
        observer.attempted(&AttemptReport { number, request_bytes: bytes, status, failure, delivery, elapsed, wait });
    }

    pub(super) fn end<T>(mut self, called: &Result<Response<T>, Error>) {
        let (status, failure, delivery) = match called {
            Ok(answered) => (Some(answered.status.as_u16()), None, Some(Delivery::Answered)),
            Err(error) => (error.status(), Some(error.kind()), error.delivery()),
        };
        self.tell(status, failure, delivery, false);
    }

    fn tell(&mut self, status: Option<u16>, failure: Option<Kind>, delivery: Option<Delivery>, dropped: bool) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let Some(observer) = &self.observer else { return };
        let known = delivery.unwrap_or(Delivery::NotSent);
        let delivery = if self.doubtful && known != Delivery::Answered { Delivery::MaybeSent } else { known };
        let elapsed = self.clock.now().since(self.began);
        let attempts = self.attempts;
        observer.ended(&CallReport { attempts, status, failure, delivery, elapsed, dropped });
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let reached = match &self.context {
            Some(context) => context.delivery(),
            None if self.answered => Delivery::Answered,
            None => Delivery::NotSent,
        };
        let delivery = if self.doubtful { Delivery::MaybeSent } else { reached };
        self.tell(None, None, Some(delivery), true);
    }
}
