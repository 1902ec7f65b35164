//! Delivers webhooks: one try at a time.

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

use super::completion::Place;
use crate::journal::{DeliveryAttempt, What};
use crate::sandbox::Runner;
use crate::webhooks::{Cause, Mode};
use crate::world::{RETRY, SANDBOX};
use crate::{Timer, World, clock};

type Answered = Result<u16, Cow<'static, str>>;

#[derive(Clone, Copy)]
struct How {
    /// Its answer is read slowly.
    slowly: bool,
    /// How long it may take in the world's time, if it is cut off at all.
    cut_off: Option<Duration>,
}

impl Runner {
    /// The receiver's status; an error when it cannot be reached or breaks down.
    async fn call_receiver(&self, request: Request<Body>, slowly: bool) -> Answered {
        let receiver = self.plan.receiver.clone().ok_or("the sandbox was given no way to deliver webhooks")?;
        let context = AttemptContext::new(true, Instant::NEVER);
        // A receiver that panics in this process is one that fails: the order must not stay blocked for ever.
        let call = AssertUnwindSafe(receiver.send(request, &context)).catch_unwind();
        let answer = call.await.map_err(|_| "the receiver broke down")?.map_err(|failure| failure.detail)?;
        let status = answer.status().as_u16();
        if slowly {
            let mut body = answer.into_body();
            while let Some(piece) = body.next().await {
                piece.map_err(|_| "the answer broke off")?;
                self.receivers.until(self.receivers.now().plus(Mode::PAUSE)).await;
            }
        }
        Ok(status)
    }

    /// As [`call_receiver`](Self::call_receiver), an error also when it takes too long; and what holds time from now on.
    ///
    /// A receiver is somebody's real program. It is given real seconds, whatever the clock of the world; but time that
    /// stands still is held by it for a moment only, and when it is then advanced past the limit, it is cut off.
    async fn call_in_time(
        &self,
        request: Request<Body>,
        how: How,
        busy: WorkGuard,
        place: &mut Option<Place>,
    ) -> (Answered, WorkGuard) {
        let Some(cut_off) = how.cut_off else { return (self.call_receiver(request, how.slowly).await, busy) };
        let receiver = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        // Whoever waits for a lane holds time. One that hangs is not waited for by others that will hang as well.
        let mut lane = self.lanes.acquire().await.ok().filter(|_| !self.receivers.hangs(&receiver));
        // Registered before time can move.
        let mut cut = self.clock.sleep_until(self.clock.now().plus(cut_off));
        let (began, timeout) = (self.receivers.now(), self.plan.receiver_timeout);
        let too_long = |limit: Duration| (Err(Cow::from(format!("no answer within {} s", limit.as_secs_f64()))), None);
        let (answered, busy) = {
            let mut call = std::pin::pin!(self.call_receiver(request, how.slowly));
            let held = std::pin::pin!(self.receivers.held_long_enough(&receiver, began, timeout));
            match select(&mut call, held).await {
                Either::Left((answered, _)) => (answered, Some(busy)),
                Either::Right(_) if self.receivers.now() >= began.plus(timeout) => {
                    let (answered, _) = too_long(timeout);
                    (answered, Some(busy))
                }
                Either::Right(_) => {
                    self.receivers.learn(&receiver, None);
                    drop((busy, place.take(), lane.take()));
                    let mut enough = std::pin::pin!(self.receivers.until(began.plus(timeout)));
                    loop {
                        match select(&mut call, select(&mut enough, &mut cut)).await {
                            Either::Left((answered, _)) => break (answered, None),
                            Either::Right((Either::Left(_), _)) => break too_long(timeout),
                            Either::Right((Either::Right((wake, _)), _)) => match self.clock.mode() {
                                clock::Mode::Frozen => break (too_long(cut_off).0, Some(wake)),
                                // Time that goes on faster than real time says nothing of how long the receiver took.
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
        self.receivers.learn(&receiver, answered.is_ok().then_some(took));
        (answered, busy.unwrap_or_else(|| self.clock.hold()))
    }

    /// One try to deliver a webhook. Returns what holds time until something else does.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        id: u64,
        by: Cause,
        busy: WorkGuard,
        place: &mut Option<Place>,
    ) -> WorkGuard {
        let (request, at, how) = {
            let mut world = self.world();
            let Some(delivery) = world.delivery(id) else { return busy };
            let (request, case, policy) = (delivery.request.0.clone(), delivery.case.clone(), &delivery.facts.webhooks);
            let slowly = world.webhooks.of(&case) == Mode::SlowRead;
            (request, world.now, How { slowly, cut_off: (policy.cut_off)(&world.rules) })
        };
        let (answered, busy) = self.call_in_time(request.map(Body::from), how, busy, place).await;
        if let Some(place) = place.as_mut().filter(|_| self.clock.mode() == clock::Mode::Frozen) {
            place.wait().await;
        }
        let mut world = self.world();
        let rules = world.rules.clone();
        let Some(delivery) = world.delivery(id) else { return busy };
        if let Some(place) = delivery.under_way.iter().position(|cause| *cause == by) {
            delivery.under_way.remove(place);
        }
        // What waits for another webhook is not set free by this one.
        let waits = !by.is_extra() && delivery.blocks && delivery.is_new();
        let status = answered.as_ref().ok().copied();
        let next = match by.is_extra() {
            true => {
                delivery.record_extra_attempt(at, status, by, &rules);
                None
            }
            false => delivery.record_attempt(at, status, &rules),
        };
        if let Some(attempt) = delivery.attempts.last_mut() {
            attempt.by = by;
            attempt.error = answered.err();
        }
        self.note_try(&mut world, id);
        if let Some(next) = next {
            world.after(next, Timer { vendor: SANDBOX, what: RETRY, subject: id.to_string() });
        }
        self.unblock(&mut world, waits, id);
        drop(world);
        self.proceed();
        busy
    }

    pub(super) fn note_try(&self, world: &mut World, id: u64) {
        if let Some(tried) = world.delivery(id).and_then(|delivery| DeliveryAttempt::last_of(delivery)) {
            self.note(world, What::Attempt(Arc::new(tried)));
        }
    }
}
