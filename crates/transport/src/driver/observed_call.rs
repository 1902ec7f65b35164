//! Reports one call to the observer.
//!
//! Invariant: each call that starts ends exactly once, even if the caller drops it: the observer must learn that the
//! request may have been sent.

use std::sync::Arc;

use identkit_core::{Clock, Delivery, Error, Instant, Kind};

use crate::observer::{AttemptReport, CallObserver, CallReport};
use crate::{AttemptContext, Response};

pub(super) struct ObservedCall<'a> {
    pub(super) observer: Option<Arc<dyn CallObserver>>,
    clock: &'a dyn Clock,
    pub(super) began: Instant,
    attempts: u32,
    attempt_began: Instant,
    context: Option<AttemptContext>,
    /// Whether an attempt may have arrived without a complete response.
    pub(super) ambiguous: bool,
    answered: bool,
    ended: bool,
}

impl<'a> ObservedCall<'a> {
    pub(super) fn begin(observer: Option<Arc<dyn CallObserver>>, clock: &'a dyn Clock) -> Self {
        let began = clock.now();
        Self {
            observer,
            clock,
            began,
            attempts: 0,
            attempt_began: began,
            context: None,
            ambiguous: false,
            answered: false,
            ended: false,
        }
    }

    /// Called when an attempt starts. `context` knows how far it gets.
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
        self.report(status, failure, delivery, false);
    }

    fn report(&mut self, status: Option<u16>, failure: Option<Kind>, delivery: Option<Delivery>, dropped: bool) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let Some(observer) = &self.observer else { return };
        let known = delivery.unwrap_or(Delivery::NotSent);
        let delivery = if self.ambiguous && known != Delivery::Answered { Delivery::MaybeSent } else { known };
        let elapsed = self.clock.now().since(self.began);
        let attempts = self.attempts;
        observer.ended(&CallReport { attempts, status, failure, delivery, elapsed, dropped });
    }
}

impl Drop for ObservedCall<'_> {
    fn drop(&mut self) {
        let delivery = match &self.context {
            Some(context) => context.delivery(),
            None if self.answered => Delivery::Answered,
            None => Delivery::NotSent,
        };
        let delivery = if self.ambiguous { Delivery::MaybeSent } else { delivery };
        self.report(None, None, Some(delivery), true);
    }
}
