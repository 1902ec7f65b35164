//! Dispatches due webhooks: sends, holds, duplicates or drops them, by the mode of their case or world.

use std::sync::Arc;

use identkit_core::Clock as _;

use super::release::{Chain, begin_attempts, block_for_first, cancel_timers, delay, start, take_overtaken};
use crate::World;
use crate::sandbox::Runner;
use crate::webhooks::{Cause, HoldReason, Mode};

impl Runner {
    pub(in crate::sandbox) fn send_webhooks(self: &Arc<Self>) {
        let mut chains = Vec::new();
        {
            let mut world = self.world();
            // If the order does not wait for a webhook, its story continues and may add another one.
            loop {
                let outbox = world.take_outbox();
                if outbox.is_empty() {
                    break;
                }
                for (id, by) in outbox {
                    self.dispatch(&mut world, id, by, &mut chains);
                }
            }
        }
        for chain in chains {
            self.send(chain);
        }
    }

    /// Spawns a task that makes these attempts one after the other.
    pub(super) fn send(self: &Arc<Self>, chain: Chain) {
        let (runner, mut busy, position) = (Arc::clone(self), self.clock.hold(), self.completion.next());
        self.spawn(async move {
            let mut position = Some(position);
            for (id, by) in chain {
                busy = runner.attempt(id, by, busy, &mut position).await;
            }
        });
    }

    fn dispatch(&self, world: &mut World, id: u64, by: Cause, chains: &mut Vec<Chain>) {
        let now = world.now;
        let Some(delivery) = world.delivery(id) else { return };
        let (case, new, held) = (delivery.case.clone(), delivery.is_new(), delivery.held.is_some());
        let (delayed, blocks) = (delivery.is_delayed(), delivery.blocks);
        let mode = match by {
            Cause::Schedule if held => Mode::Hold,
            // The time of the delay is over.
            Cause::Schedule if delayed => {
                block_for_first(world, id);
                Mode::Deliver
            }
            Cause::Schedule => world.webhooks.of(&case),
            _ => Mode::Deliver,
        };
        match mode {
            Mode::Hold => self.hold_due(world, id),
            Mode::Late(later) if new => {
                delay(world, id, later);
                self.unblock(world, blocks, id);
            }
            Mode::Reorder if new => match take_overtaken(world) {
                Some(first) => {
                    let mut chain = vec![(id, by)];
                    chain.extend(start(world, first, Cause::Schedule));
                    cancel_timers(world, first);
                    begin_attempts(world, &chain);
                    chains.push(chain);
                }
                None => {
                    world.webhooks.overtaken = Some(id);
                    delay(world, id, Mode::ALONE);
                    self.unblock(world, blocks, id);
                }
            },
            Mode::Drop => {
                let waits = world.delivery(id).is_some_and(|delivery| {
                    delivery.mark_dropped(now);
                    new && blocks
                });
                self.note_attempt(world, id, None);
                self.unblock(world, waits, id);
            }
            mode => {
                let copies = world.delivery(id).map_or(0, |delivery| match by {
                    Cause::Schedule | Cause::Release => std::mem::take(&mut delivery.copies),
                    Cause::Resend | Cause::Duplicate => 0,
                });
                let copies = copies.saturating_add(u32::from(mode == Mode::Duplicate));
                let attempts = std::iter::once(by).chain((0..copies).map(|_| Cause::Duplicate));
                for by in attempts {
                    let chain = vec![(id, by)];
                    begin_attempts(world, &chain);
                    chains.push(chain);
                }
            }
        }
    }

    /// Holds a due webhook until its release. It has not started, so the order does not wait for it.
    fn hold_due(&self, world: &mut World, id: u64) {
        let Some(delivery) = world.delivery(id) else { return };
        let before = delivery.held.replace(HoldReason::Due);
        delivery.next = None;
        let waits = before.is_none() && delivery.blocks && delivery.is_new();
        self.unblock(world, waits, id);
    }

    /// Continues the case if it waited for this webhook.
    pub(super) fn unblock(&self, world: &mut World, waits: bool, id: u64) {
        let Some((vendor, case)) = world.delivery(id).map(|delivery| (delivery.facts.name, delivery.case.clone()))
        else {
            return;
        };
        if waits && let Some(vendor) = self.plan.vendor(vendor) {
            vendor.on_first_attempt(world, &case);
        }
    }
}
