//! What a caller can do with webhooks.

use std::collections::HashSet;

use identkit_core::Clock as _;

use super::release::{Chain, begin_attempts, cancel_timers, remove_hold};
use crate::journal::What;
use crate::webhooks::{Cause, Delivery, HoldReason, Impossible, Mode, ReleaseOrder, Verb, Webhooks};
use crate::world::COPIES;
use crate::{Sandbox, World};

impl Sandbox {
    /// What becomes of webhooks that set out.
    pub fn webhooks(&self) -> Webhooks {
        self.runner.world().webhooks.clone()
    }

    /// Says what becomes of webhooks that set out from now on: of this case's, or of all whose case has no mode of its
    /// own. What is held already stays held.
    pub fn set_webhooks(&self, case: Option<&str>, mode: Mode) {
        self.with_world(|world| {
            match case {
                Some(case) => drop(world.webhooks.orders.insert(case.to_owned(), mode)),
                None => world.webhooks.mode = mode,
            }
            world.note(What::Changed { what: "webhooks", how: mode.name().to_owned() });
        });
    }

    /// Lets the world's mode count for this case again.
    pub fn unset_webhooks(&self, case: &str) {
        self.with_world(|world| {
            world.webhooks.orders.remove(case);
            world.note(What::Changed { what: "webhooks", how: "as in the world".to_owned() });
        });
    }

    /// A delivery by its id.
    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.runner.world().delivery(id).cloned()
    }

    /// Sends a webhook once more now, whatever became of it, and whatever the mode. Its schedule goes on as if that had
    /// not been, whatever the receiver answers, and the order does not wait for it.
    ///
    /// # Errors
    /// [`Impossible`] while it is held: then it can be released.
    pub fn resend(&self, delivery: u64) -> Result<Delivery, Impossible> {
        self.by_hand(delivery, Verb::Resend)
    }

    /// Sends a webhook that is held, also when its order was cancelled or deleted in the meantime. If it is its first
    /// try, its schedule begins now, and the order waits for it; tries that fell due since are not made up for but
    /// for one.
    ///
    /// # Errors
    /// [`Impossible`] when it is not held.
    pub fn release(&self, delivery: u64) -> Result<Delivery, Impossible> {
        self.by_hand(delivery, Verb::Release)
    }

    /// Sends a copy of a webhook now, as a network may that delivers something twice; of one that is held, after it was
    /// released. What comes of the copy is nothing to the vendor.
    ///
    /// # Errors
    /// [`Impossible::Unknown`].
    pub fn duplicate(&self, delivery: u64) -> Result<Delivery, Impossible> {
        self.by_hand(delivery, Verb::Duplicate)
    }

    /// Does one of these things with a delivery, and returns how it is then.
    ///
    /// # Errors
    /// [`Impossible`] when the world has no such delivery, or not as far as it is.
    pub fn by_hand(&self, id: u64, verb: Verb) -> Result<Delivery, Impossible> {
        let _busy = self.runner.clock.hold();
        let (told, tries) = {
            let mut world = self.runner.world();
            let now = world.now;
            let delivery = world.delivery(id).ok_or(Impossible::Unknown(id))?;
            if !delivery.can(verb) {
                return Err(Impossible::new(delivery, verb));
            }
            let mut tries = Chain::new();
            match verb {
                Verb::Resend => tries.push((id, Cause::Resend)),
                Verb::Duplicate if delivery.held.is_some() => {
                    delivery.copies = delivery.copies.saturating_add(1).min(COPIES)
                }
                Verb::Duplicate => tries.push((id, Cause::Duplicate)),
                Verb::Hold => drop(delivery.held.get_or_insert(HoldReason::Later)),
                Verb::Release => tries = release_now(&mut world, id),
                Verb::Drop => {
                    delivery.mark_dropped(now);
                    cancel_timers(&mut world, id);
                    self.runner.note_try(&mut world, id);
                }
            }
            begin_attempts(&mut world, &tries);
            world.note(What::Changed { what: "delivery", how: format!("{} {id}", verb.name()) });
            (world.delivery(id).cloned().ok_or(Impossible::Unknown(id))?, tries)
        };
        // At the same time.
        tries.into_iter().for_each(|one| self.runner.send(vec![one]));
        self.runner.settle();
        Ok(told)
    }

    /// Releases webhooks that are held, each when the one before it is over, and returns them in that order. Whose next
    /// try is not due yet goes on by its schedule.
    ///
    /// # Errors
    /// [`Impossible`] when one of those that are named is not held; then none is released.
    pub fn release_all(&self, order: &ReleaseOrder) -> Result<Vec<Delivery>, Impossible> {
        let _busy = self.runner.clock.hold();
        let (released, chain) = {
            let mut world = self.runner.world();
            let held = world.deliveries.iter().filter(|delivery| delivery.held.is_some());
            let mut held: Vec<u64> = held.map(|delivery| delivery.id).collect();
            match order {
                ReleaseOrder::AsMeant => {}
                ReleaseOrder::Reversed => held.reverse(),
                ReleaseOrder::Shuffled => world.random.shuffle(&mut held),
                ReleaseOrder::These(wanted) => {
                    for id in wanted {
                        let delivery = world.delivery(*id).ok_or(Impossible::Unknown(*id))?;
                        if !delivery.can(Verb::Release) {
                            return Err(Impossible::new(delivery, Verb::Release));
                        }
                    }
                    // One that is named twice is released once, in its first place.
                    let mut named = HashSet::new();
                    held = wanted.iter().copied().filter(|id| named.insert(*id)).collect();
                }
            }
            let chain: Chain = held.iter().flat_map(|id| release_now(&mut world, *id)).collect();
            begin_attempts(&mut world, &chain);
            world.note(What::Changed { what: "deliveries", how: format!("{} released", held.len()) });
            let released: Vec<Delivery> = held.iter().filter_map(|id| world.delivery(*id).cloned()).collect();
            (released, chain)
        };
        if !chain.is_empty() {
            self.runner.send(chain);
        }
        self.runner.settle();
        Ok(released)
    }
}

/// Holds a webhook no longer, and takes away the timer that would have released it, where it is due.
fn release_now(world: &mut World, id: u64) -> Chain {
    let chain = remove_hold(world, id);
    if !chain.is_empty() {
        cancel_timers(world, id);
    }
    chain
}
