//! Delivers webhooks: one try after the other, each in a task of its own.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use http::Request;
use identkit_core::{Clock as _, Mono, Wake};
use identkit_transport::{Hop, SystemClock};
use identkit_wire::Body;

use super::running::Running;
use super::turns::Turn;
use crate::clock::Mode;
use crate::journal::{Tried, What};
use crate::world::{RETRY, SANDBOX, Timer};

/// How long a receiver may take in the world's time, [T 2.5.1].
const CUT: std::time::Duration = std::time::Duration::from_secs(10);

impl Running {
    /// The receiver's status; `None` when it cannot be reached or breaks down.
    async fn call(&self, request: Request<Body>) -> Option<u16> {
        let receiver = self.plan.receiver.clone()?;
        let hop = Hop::new(true, Mono::NEVER);
        // A receiver that panics in this process is one that fails: the order must not stay blocked for ever.
        let call = AssertUnwindSafe(receiver.send(request, &hop)).catch_unwind();
        Some(call.await.ok()?.ok()?.status().as_u16())
    }

    /// As [`call`](Self::call), `None` also when it takes too long; and what holds time from now on.
    ///
    /// A receiver is somebody's real program. It is given real seconds, whatever the clock of the world; but time that
    /// stands still is held by it for a moment only, and when it is then advanced past the limit, it is cut off.
    async fn call_in_time(
        &self,
        request: Request<Body>,
        busy: Wake,
        is_cut: bool,
        turn: &mut Option<Turn>,
    ) -> (Option<u16>, Wake) {
        if !is_cut {
            return (self.call(request).await, busy);
        }
        // Registered before time can move.
        let mut cut = self.clock.sleep_until(self.clock.mono().plus(CUT));
        let real = SystemClock::new();
        let mut call = std::pin::pin!(self.call(request));
        let guard = self.plan.guard.min(self.plan.patience);
        match select(&mut call, real.sleep_until(Mono(guard))).await {
            Either::Left((status, _)) => return (status, busy),
            Either::Right(_) if guard == self.plan.patience => return (None, busy),
            Either::Right(_) => drop((busy, turn.take())),
        }
        let mut patience = real.sleep_until(Mono(self.plan.patience));
        loop {
            match select(&mut call, select(&mut patience, &mut cut)).await {
                Either::Left((status, _)) => return (status, self.clock.busy()),
                Either::Right((Either::Left(_), _)) => return (None, self.clock.busy()),
                Either::Right((Either::Right((wake, _)), _)) if self.clock.mode() == Mode::Frozen => {
                    return (None, wake);
                }
                // Time that goes on faster than real time says nothing of how long the receiver took.
                Either::Right((Either::Right((wake, _)), _)) => {
                    drop(wake);
                    cut = Box::pin(std::future::pending());
                }
            }
        }
    }

    /// One try to deliver a webhook.
    pub(super) async fn attempt(self: &Arc<Self>, id: u64, busy: Wake, turn: Turn) {
        let (request, at, is_cut) = {
            let mut world = self.world();
            let (now, is_cut) = (world.now, world.enforces("T-033/10s"));
            let Some(delivery) = world.delivery(id) else { return };
            (delivery.request.0.clone(), now, is_cut)
        };
        let mut turn = Some(turn);
        let (status, _busy) = self.call_in_time(request.map(Body::from), busy, is_cut, &mut turn).await;
        if let Some(turn) = turn.as_mut().filter(|_| self.clock.mode() == Mode::Frozen) {
            turn.come().await;
        }
        let mut world = self.world();
        let rules = world.rules.clone();
        let Some(delivery) = world.delivery(id) else { return };
        delivery.on_its_way = false;
        // What waits for another webhook is not set free by this one.
        let waited_for = delivery.blocks && delivery.attempts.is_empty();
        let next = delivery.tried(at, status, &rules);
        let (vendor, case) = (delivery.vendor, delivery.case.clone());
        let tried = Tried {
            delivery: id,
            vendor,
            case: case.clone(),
            event: delivery.event.name.to_string(),
            number: delivery.attempts.len(),
            status,
            delivered: delivery.is_delivered(),
            next,
        };
        world.note(What::Attempt(Arc::new(tried)));
        if let Some(next) = next {
            world.after(next, Timer { vendor: SANDBOX, what: RETRY, subject: id.to_string() });
        }
        if waited_for && let Some(vendor) = self.plan.vendor(vendor) {
            vendor.delivered(&mut world, &case);
        }
        drop(world);
        self.go_on();
    }
}
