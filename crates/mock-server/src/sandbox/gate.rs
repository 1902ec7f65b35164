//! What becomes of a webhook when it sets out: the mode of its world, and what was done with it by hand.

use std::sync::Arc;

use identkit_core::Clock as _;
use jiff::{SignedDuration, Timestamp};

use super::running::Running;
use crate::webhooks::{Cause, Held, Mode};
use crate::world::{RELEASE, SANDBOX, Timer, World};

/// Tries that are made one after the other.
pub(super) type Chain = Vec<(u64, Cause)>;

impl Running {
    /// Sends the webhooks that are to be sent now, each in a task of its own.
    pub(super) fn send_webhooks(self: &Arc<Self>) {
        let mut chains = Vec::new();
        {
            let mut world = self.world();
            // Where the order does not wait for a webhook, the story goes on, and may come to the next one.
            loop {
                let outbox = world.take_outbox();
                if outbox.is_empty() {
                    break;
                }
                for (id, by) in outbox {
                    self.set_out(&mut world, id, by, &mut chains);
                }
            }
        }
        for chain in chains {
            self.send(chain);
        }
    }

    /// Makes tries, one after the other, in a task of its own.
    pub(super) fn send(self: &Arc<Self>, chain: Chain) {
        let (running, mut busy, turn) = (Arc::clone(self), self.clock.hold(), self.turns.next());
        self.spawn(async move {
            let mut turn = Some(turn);
            for (id, by) in chain {
                busy = running.attempt(id, by, busy, &mut turn).await;
            }
        });
    }

    fn set_out(&self, world: &mut World, id: u64, by: Cause, chains: &mut Vec<Chain>) {
        let now = world.now;
        let Some(delivery) = world.delivery(id) else { return };
        let (case, new, held) = (delivery.case.clone(), delivery.is_new(), delivery.held.is_some());
        let mode = match by {
            Cause::Schedule if held => Mode::Hold,
            Cause::Schedule => world.webhooks.of(&case),
            _ => Mode::Deliver,
        };
        match mode {
            Mode::Hold => self.keep_back(world, id),
            Mode::Late(later) if new => {
                self.keep_back(world, id);
                release_at(world, id, after(now, later));
            }
            Mode::Reorder if new => match overtaken(world) {
                Some(first) => {
                    let mut chain = vec![(id, by)];
                    chain.extend(let_go(world, first));
                    world.forget(|timer| is_release_of(timer, first));
                    under_way(world, &chain);
                    chains.push(chain);
                }
                None => {
                    self.keep_back(world, id);
                    world.webhooks.overtaken = Some(id);
                    release_at(world, id, after(now, Mode::ALONE));
                }
            },
            Mode::Drop => {
                let waits = world.delivery(id).is_some_and(|delivery| {
                    delivery.drop_it(now);
                    new && delivery.blocks
                });
                self.note_try(world, id);
                self.go_on(world, waits, id);
            }
            mode => {
                let copies = world.delivery(id).map_or(0, |delivery| match by {
                    Cause::Schedule | Cause::Release => std::mem::take(&mut delivery.copies),
                    Cause::Resend | Cause::Duplicate => 0,
                });
                let copies = copies.saturating_add(u32::from(mode == Mode::Duplicate));
                let tries = std::iter::once(by).chain((0..copies).map(|_| Cause::Duplicate));
                for by in tries {
                    let chain = vec![(id, by)];
                    under_way(world, &chain);
                    chains.push(chain);
                }
            }
        }
    }

    /// A webhook waits to be released. It has not begun, and so the order does not wait for it.
    fn keep_back(&self, world: &mut World, id: u64) {
        let Some(delivery) = world.delivery(id) else { return };
        let before = delivery.held.replace(Held::Due);
        let waits = before.is_none() && delivery.blocks && delivery.is_new();
        self.go_on(world, waits, id);
    }

    /// Lets the case go on, if it waited for this webhook.
    pub(super) fn go_on(&self, world: &mut World, waits: bool, id: u64) {
        let Some((vendor, case)) = world.delivery(id).map(|delivery| (delivery.facts.name, delivery.case.clone()))
        else {
            return;
        };
        if waits && let Some(vendor) = self.plan.vendor(vendor) {
            vendor.delivered(world, &case);
        }
    }
}

fn after(now: Timestamp, later: std::time::Duration) -> Timestamp {
    let later = SignedDuration::try_from(later).unwrap_or(SignedDuration::MAX);
    now.saturating_add(later).unwrap_or(Timestamp::MAX)
}

fn release_at(world: &mut World, id: u64, at: Timestamp) {
    world.after(at, Timer { vendor: SANDBOX, what: RELEASE, subject: id.to_string() });
}

fn is_release_of(timer: &Timer, id: u64) -> bool {
    timer.vendor == SANDBOX && timer.what == RELEASE && timer.subject == id.to_string()
}

/// The webhook that waits to be overtaken, if it still does.
fn overtaken(world: &mut World) -> Option<u64> {
    let id = world.webhooks.overtaken.take()?;
    world.delivery(id)?.held.map(|_| id)
}

/// Says of tries that they are under way.
pub(super) fn under_way(world: &mut World, chain: &Chain) {
    for (id, by) in chain {
        if let Some(delivery) = world.delivery(*id) {
            delivery.under_way.push(*by);
        }
    }
}

/// Holds a webhook no longer, and returns the tries that set out thereby: none when it is not due yet. From now on the
/// case waits for it, if it waits for its first try.
pub(super) fn let_go(world: &mut World, id: u64) -> Chain {
    let Some(delivery) = world.delivery(id) else { return Chain::new() };
    if delivery.held.take() != Some(Held::Due) {
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

/// As [`let_go`], and sends them; the timer that would have released it is no longer needed.
pub(super) fn release(world: &mut World, id: u64) {
    world.forget(|timer| is_release_of(timer, id));
    for (id, by) in let_go(world, id) {
        world.deliver_again(id, by);
    }
}

/// Takes away what the sandbox itself has set for a webhook.
pub(super) fn forget(world: &mut World, id: u64) {
    let id = id.to_string();
    world.forget(|timer| timer.vendor == SANDBOX && timer.subject == id);
}
