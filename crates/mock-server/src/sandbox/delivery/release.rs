//! Holding and releasing webhooks, as changes of the world.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::webhooks::{Cause, HoldReason};
use crate::world::{RELEASE, SANDBOX};
use crate::{Timer, World};

pub(super) type Chain = Vec<(u64, Cause)>;

pub(super) fn schedule_release(world: &mut World, id: u64, later: Duration) {
    let later = SignedDuration::try_from(later).unwrap_or(SignedDuration::MAX);
    let at = world.now.saturating_add(later).unwrap_or(Timestamp::MAX);
    world.after(at, Timer { vendor: SANDBOX, what: RELEASE, subject: id.to_string() });
}

pub(super) fn is_release_of(timer: &Timer, id: u64) -> bool {
    timer.vendor == SANDBOX && timer.what == RELEASE && timer.subject == id.to_string()
}

pub(super) fn take_overtaken(world: &mut World) -> Option<u64> {
    let id = world.webhooks.overtaken.take()?;
    world.delivery(id)?.held.map(|_| id)
}

pub(super) fn begin_attempts(world: &mut World, chain: &Chain) {
    for (id, by) in chain {
        if let Some(delivery) = world.delivery(*id) {
            delivery.under_way.push(*by);
        }
    }
}

/// Holds a webhook no longer, and returns the tries that set out thereby: none when it is not due yet. From now on the
/// case waits for it, if it waits for its first try.
pub(super) fn remove_hold(world: &mut World, id: u64) -> Chain {
    let Some(delivery) = world.delivery(id) else { return Chain::new() };
    if delivery.held.take() != Some(HoldReason::Due) {
        return Chain::new();
    }
    let copies = std::mem::take(&mut delivery.copies);
    let case = (delivery.blocks && delivery.is_new()).then(|| delivery.case.clone());
    if let Some(case) = case {
        world.block(&case);
    }
    let mut chain = vec![(id, Cause::Release)];
    chain.extend((0..copies).map(|_| (id, Cause::Duplicate)));
    chain
}

/// As [`remove_hold`], and sends them; the timer that would have released it is no longer needed.
pub(in crate::sandbox) fn release(world: &mut World, id: u64) {
    world.forget(|timer| is_release_of(timer, id));
    for (id, by) in remove_hold(world, id) {
        world.deliver_again(id, by);
    }
}

/// Takes away what the sandbox itself has set for a webhook.
pub(super) fn cancel_timers(world: &mut World, id: u64) {
    let id = id.to_string();
    world.forget(|timer| timer.vendor == SANDBOX && timer.subject == id);
}
