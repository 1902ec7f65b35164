//! Follows one call for the observer, whatever becomes of it.
//!
//! Invariant: what began ends exactly once, also when the caller drops the call: that it may have been sent must not be
//! known to nobody.

use std::sync::Arc;

use identkit_core::{Clock, Delivery, Error, Kind, Mono};

use crate::observer::{AttemptReport, CallObserver, CallReport};
use crate::{Answered, Hop};

/// The progress of one call.
pub(super) struct Watch<'a> {
    observer: Option<Arc<dyn CallObserver>>,
    clock: &'a dyn Clock,
    began: Mono,
    attempts: u32,
    attempt_began: Mono,
    hop: Option<Hop>,
    /// Whether an attempt may have arrived without a complete answer.
    pub(super) doubtful: bool,
    /// Whether an attempt was answered.
    answered: bool,
    ended: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn begin(observer: Option<Arc<dyn CallObserver>>, clock: &'a dyn Clock) -> Self {
        let began = clock.mono();
        Self {
            observer,
            clock,
            began,
            attempts: 0,
            attempt_began: began,
            hop: None,
            doubtful: false,
            answered: false,
            ended: false,
        }
    }

    pub(super) fn observer(&self) -> Option<Arc<dyn CallObserver>> {
        self.observer.clone()
    }

    pub(super) fn began(&self) -> Mono {
        self.began
    }

    /// An attempt begins: number, and what it knows about how far it gets.
    pub(super) fn attempt(&mut self, number: u32, hop: &Hop) {
        self.attempts = number;
        self.hop = Some(hop.clone());
        if self.observer.is_some() {
            self.attempt_began = self.clock.mono();
        }
    }

    /// An attempt ended.
    pub(super) fn attempted(&mut self, bytes: u64, outcome: Result<u16, &Error>, wait: Option<std::time::Duration>) {
        self.hop = None;
        let (status, failure, delivery) = match outcome {
            Ok(status) => (Some(status), None, Delivery::Answered),
            Err(error) => (error.status(), Some(error.kind()), error.delivery().unwrap_or(Delivery::NotSent)),
        };
        self.answered |= delivery == Delivery::Answered;
        let Some(observer) = &self.observer else { return };
        let elapsed = self.clock.mono().since(self.attempt_began);
        let number = self.attempts;
        observer.attempted(&AttemptReport { number, request_bytes: bytes, status, failure, delivery, elapsed, wait });
    }

    /// The call ended.
    pub(super) fn end<T>(mut self, called: &Result<Answered<T>, Error>) {
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
        let elapsed = self.clock.mono().since(self.began);
        let attempts = self.attempts;
        observer.ended(&CallReport { attempts, status, failure, delivery, elapsed, dropped });
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let reached = match &self.hop {
            Some(hop) => hop.delivery(),
            None if self.answered => Delivery::Answered,
            None => Delivery::NotSent,
        };
        let delivery = if self.doubtful { Delivery::MaybeSent } else { reached };
        self.tell(None, None, Some(delivery), true);
    }
}
