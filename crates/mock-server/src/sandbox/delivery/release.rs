//! Delays and releases webhooks, as changes of the world.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::webhooks::{Cause, HoldReason};
use crate::world::{RETRY, SANDBOX};
use crate::{Timer, World};

/// Attempts that run one after the other.
pub(super) type Chain = Vec<(u64, Cause)>;

/// Delays the first attempt of a webhook.
pub(super) fn delay(world: &mut World, id: u64, by: Duration) {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    let at = world.now.saturating_add(by).unwrap_or(Timestamp::MAX);
    if let Some(delivery) = world.delivery(id) {
        delivery.next = Some(at);
    }
    world.set_timer(at, Timer { vendor: SANDBOX, what: RETRY, subject: id.to_string() });
}

/// Returns the webhook that waits for the next one, unless it was sent or held meanwhile.
pub(super) fn take_overtaken(world: &mut World) -> Option<u64> {
    let id = world.webhooks.overtaken.take()?;
    world.delivery(id).filter(|delivery| delivery.is_delayed() && delivery.held.is_none()).map(|_| id)
}

pub(super) fn begin_attempts(world: &mut World, chain: &Chain) {
    for (id, by) in chain {
        if let Some(delivery) = world.delivery(*id) {
            delivery.under_way.push(*by);
            if !by.is_extra() {
                delivery.next = None;
            }
        }
    }
}

/// Blocks the case of a webhook, if it must wait for the first attempt.
pub(super) fn block_for_first(world: &mut World, id: u64) {
    let first = world.delivery(id).filter(|delivery| delivery.blocks && delivery.is_new());
    if let Some(case) = first.map(|delivery| delivery.case.clone()) {
        world.block(&case);
    }
}

/// Returns the attempts to make now: one with this cause, and the copies. If the case must wait for the first attempt, it
/// is blocked from now on.
pub(super) fn start(world: &mut World, id: u64, by: Cause) -> Chain {
    block_for_first(world, id);
    let copies = world.delivery(id).map_or(0, |delivery| std::mem::take(&mut delivery.copies));
    std::iter::once(by).chain((0..copies).map(|_| Cause::Duplicate)).map(|by| (id, by)).collect()
}

/// Releases a webhook, and returns the attempts to make: none if it was held before an attempt was due. Otherwise its
/// timers are removed.
pub(super) fn release(world: &mut World, id: u64) -> Chain {
    let Some(delivery) = world.delivery(id) else { return Chain::new() };
    let starts = delivery.held.take().map_or(delivery.is_delayed(), |reason| reason == HoldReason::Due);
    if !starts {
        return Chain::new();
    }
    cancel_timers(world, id);
    start(world, id, Cause::Release)
}

/// Removes the sandbox's own timers for a webhook.
pub(super) fn cancel_timers(world: &mut World, id: u64) {
    let id = id.to_string();
    world.remove_timers(|timer| timer.vendor == SANDBOX && timer.subject == id);
}
