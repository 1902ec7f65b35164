//! One delivery attempt of a webhook.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use http::Request;
use identkit_core::{Clock as _, Instant, WorkGuard};
use identkit_transport::AttemptContext;
use identkit_wire::Body;

use super::completion::Position;
use crate::journal::{Answer, DeliveryAttempt, EntryKind};
use crate::sandbox::Runner;
use crate::webhooks::{Cause, Mode};
use crate::world::{RETRY, SANDBOX};
use crate::{Timer, World, clock};

type Outcome = Result<Answer, Cow<'static, str>>;

/// Real time in which the body of an answer must arrive to be recorded. The status alone decides the attempt.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy)]
struct Limits {
    /// Whether the response is read slowly.
    slow: bool,
    /// The vendor's timeout in the world's time; `None` without one.
    cut_off: Option<Duration>,
}

impl Runner {
    /// Returns the receiver's answer, or an error if it cannot be reached or panics.
    async fn call_receiver(&self, request: Request<Body>, slow: bool) -> Outcome {
        let receiver = self.plan.receiver.clone().ok_or("no webhook_transport is set (SandboxBuilder)")?;
        let context = AttemptContext::new(true, Instant::NEVER);
        // If a receiver in this process panics, the attempt fails, so that the order does not stay blocked.
        let call = AssertUnwindSafe(receiver.send(request, &context)).catch_unwind();
        let response = call.await.map_err(|_| "the receiver panicked")?.map_err(|failure| failure.detail)?;
        let (head, mut body) = response.into_parts();
        let mut answer = Answer::new(head.status.as_u16(), &head.headers);
        if slow {
            while let Some(piece) = body.next().await {
                answer.add(&piece.map_err(|_| "the response is incomplete")?);
                self.receivers.until(self.receivers.now().plus(Mode::PAUSE)).await;
            }
            return Ok(answer);
        }
        let late = self.receivers.until(self.receivers.now().plus(PATIENCE));
        let rest = async {
            while !answer.is_full()
                && let Some(Ok(piece)) = body.next().await
            {
                answer.add(&piece);
            }
        };
        select(std::pin::pin!(rest), std::pin::pin!(late)).await;
        Ok(answer)
    }

    /// Calls the receiver with a timeout. Returns the token that holds time from now on, too.
    ///
    /// A receiver is a real program, so its timeout is in real time, in every mode of the clock. It holds frozen time
    /// only for a moment. If time is then advanced past the vendor's timeout, the call is cut off.
    async fn call_in_time(
        &self,
        request: Request<Body>,
        limits: Limits,
        busy: WorkGuard,
        position: &mut Option<Position>,
    ) -> (Outcome, WorkGuard) {
        let Some(cut_off) = limits.cut_off else { return (self.call_receiver(request, limits.slow).await, busy) };
        let receiver = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        // An attempt that waits for a slot holds time. Calls to a receiver that hangs do not occupy a slot.
        let mut slot = self.slots.acquire().await.ok().filter(|_| !self.receivers.hangs(&receiver));
        // Registered while time cannot move.
        let mut cut = self.clock.sleep_until(self.clock.now().plus(cut_off));
        let (began, timeout) = (self.receivers.now(), self.plan.receiver_timeout);
        let too_long = |limit: Duration| (Err(format!("no response within {} s", limit.as_secs_f64()).into()), None);
        let (outcome, busy) = {
            let mut call = std::pin::pin!(self.call_receiver(request, limits.slow));
            let held = std::pin::pin!(self.receivers.held_long_enough(&receiver, began, timeout));
            match select(&mut call, held).await {
                Either::Left((outcome, _)) => (outcome, Some(busy)),
                Either::Right(_) if self.receivers.now() >= began.plus(timeout) => {
                    let (outcome, _) = too_long(timeout);
                    (outcome, Some(busy))
                }
                Either::Right(_) => {
                    self.receivers.learn(&receiver, None);
                    drop((busy, position.take(), slot.take()));
                    let mut expired = std::pin::pin!(self.receivers.until(began.plus(timeout)));
                    loop {
                        match select(&mut call, select(&mut expired, &mut cut)).await {
                            Either::Left((outcome, _)) => break (outcome, None),
                            Either::Right((Either::Left(_), _)) => break too_long(timeout),
                            Either::Right((Either::Right((wake, _)), _)) => match self.clock.mode() {
                                clock::Mode::Frozen => break (too_long(cut_off).0, Some(wake)),
                                // The clock runs by itself again: the world's time says nothing about the receiver.
                                _ => {
                                    drop(wake);
                                    cut = Box::pin(std::future::pending());
                                }
                            },
                        }
                    }
                }
            }
        };
        let took = self.receivers.now().since(began);
        self.receivers.learn(&receiver, outcome.is_ok().then_some(took));
        (outcome, busy.unwrap_or_else(|| self.clock.hold()))
    }

    /// Makes a delivery attempt. Returns the token that holds time from now on.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        id: u64,
        by: Cause,
        busy: WorkGuard,
        position: &mut Option<Position>,
    ) -> WorkGuard {
        let (request, at, limits, watch) = {
            let mut world = self.world();
            let Some(delivery) = world.delivery(id) else { return busy };
            let (request, case, policy) = (delivery.request.0.clone(), delivery.case.clone(), &delivery.facts.webhooks);
            let slow = world.webhooks.of(&case) == Mode::SlowRead;
            let cut_off = (policy.cut_off)(&world.rules);
            (request, world.now, Limits { slow, cut_off }, self.unanswered.begin(&case))
        };
        let (outcome, busy) = self.call_in_time(request.map(Body::from), limits, busy, position).await;
        if let Some(position) = position.as_mut().filter(|_| self.clock.mode() == clock::Mode::Frozen) {
            position.wait().await;
        }
        let mut world = self.world();
        let rules = world.rules.clone();
        let Some(delivery) = world.delivery(id) else { return busy };
        if let Some(index) = delivery.under_way.iter().position(|cause| *cause == by) {
            delivery.under_way.remove(index);
        }
        // Only the first attempt of a blocking webhook releases the case.
        let waits = !by.is_extra() && delivery.blocks && delivery.is_new();
        let (answer, error) = match outcome {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(error)),
        };
        let status = answer.as_ref().map(|answer| answer.status);
        let next = match by.is_extra() {
            true => {
                delivery.record_extra_attempt(at, status, by, &rules);
                None
            }
            false => delivery.record_attempt(at, status, &rules),
        };
        if let Some(attempt) = delivery.attempts.last_mut() {
            attempt.by = by;
            attempt.error = error;
            attempt.calls = watch.finish().into_iter().map(Cow::Borrowed).collect();
        }
        self.note_attempt(&mut world, id, answer);
        if let Some(next) = next {
            world.set_timer(next, Timer { vendor: SANDBOX, what: RETRY, subject: id.to_string() });
        }
        self.unblock(&mut world, waits, id);
        drop(world);
        self.proceed();
        busy
    }

    pub(super) fn note_attempt(&self, world: &mut World, id: u64, answer: Option<Answer>) {
        if let Some(attempt) = world.delivery(id).and_then(|delivery| DeliveryAttempt::last_of(delivery, answer)) {
            self.note(world, EntryKind::Attempt(Arc::new(attempt)));
        }
    }
}
