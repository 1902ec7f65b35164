//! Releases held webhooks, as changes of the world.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::webhooks::{Cause, HoldReason};
use crate::world::{RELEASE, SANDBOX};
use crate::{Timer, World};

/// Attempts that run one after the other.
pub(super) type Chain = Vec<(u64, Cause)>;

pub(super) fn schedule_release(world: &mut World, id: u64, later: Duration) {
    let later = SignedDuration::try_from(later).unwrap_or(SignedDuration::MAX);
    let at = world.now.saturating_add(later).unwrap_or(Timestamp::MAX);
    world.set_timer(at, Timer { vendor: SANDBOX, what: RELEASE, subject: id.to_string() });
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

/// Removes the hold of a webhook. Returns the attempts to make: none if no attempt is due. If the case must wait for
/// the first attempt, it is blocked from now on.
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

/// Like [`remove_hold`], and queues the attempts. Removes the timer of the release.
pub(in crate::sandbox) fn release(world: &mut World, id: u64) {
    world.remove_timers(|timer| is_release_of(timer, id));
    for (id, by) in remove_hold(world, id) {
        world.deliver_again(id, by);
    }
}

/// Removes the sandbox's own timers for a webhook.
pub(super) fn cancel_timers(world: &mut World, id: u64) {
    let id = id.to_string();
    world.remove_timers(|timer| timer.vendor == SANDBOX && timer.subject == id);
}
