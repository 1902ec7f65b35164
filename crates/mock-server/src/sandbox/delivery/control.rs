//! Controls webhooks: their modes and single deliveries.

use std::collections::HashSet;

use identkit_core::Clock as _;

use super::release::{Chain, begin_attempts, cancel_timers, release};
use crate::Sandbox;
use crate::journal::EntryKind;
use crate::webhooks::{Cause, Delivery, HoldReason, Impossible, Mode, ReleaseOrder, Verb, Webhooks};
use crate::world::COPIES;

impl Sandbox {
    /// The modes of webhooks.
    pub fn webhooks(&self) -> Webhooks {
        self.runner.world().webhooks.clone()
    }

    /// Sets the mode of webhooks: of one case, or of all cases without a mode of their own. The mode applies when an
    /// attempt starts; a held webhook stays held.
    pub fn set_webhooks(&self, case: Option<&str>, mode: Mode) {
        self.with_world(|world| {
            match case {
                Some(case) => drop(world.webhooks.orders.insert(case.to_owned(), mode)),
                None => world.webhooks.mode = mode,
            }
            world.note(EntryKind::Changed { what: "webhooks", how: mode.name().to_owned() });
        });
    }

    /// Removes the mode of a case, so that the world's mode applies again.
    pub fn unset_webhooks(&self, case: &str) {
        self.with_world(|world| {
            world.webhooks.orders.remove(case);
            world.note(EntryKind::Changed { what: "webhooks", how: "mode of the world".to_owned() });
        });
    }

    /// Returns a delivery by its id.
    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.runner.world().delivery(id).cloned()
    }

    /// Sends a webhook again now, in every mode, even if it was delivered or has failed. Its schedule continues
    /// unchanged, and the order does not wait.
    ///
    /// # Errors
    /// [`Impossible`] if the delivery does not exist, it is held (release it instead), or it was sent too often.
    pub fn resend(&self, delivery: u64) -> Result<Delivery, Impossible> {
        self.control_delivery(delivery, Verb::Resend)
    }

    /// Releases a held webhook, even if its order was canceled or deleted. If an attempt became due while it was held,
    /// it is sent now; further missed attempts are skipped. So is a webhook that a mode delays, unless it is also held: its release only ends the hold. On the first
    /// attempt, the schedule starts now and the order waits.
    ///
    /// # Errors
    /// [`Impossible`] if the delivery does not exist, or is neither held nor delayed.
    pub fn release(&self, delivery: u64) -> Result<Delivery, Impossible> {
        self.control_delivery(delivery, Verb::Release)
    }

    /// Sends a copy of a webhook now, like a network that delivers a request twice. If the webhook is held, the copy is
    /// sent on its release. The response to the copy changes nothing.
    ///
    /// # Errors
    /// [`Impossible`] if the delivery does not exist, or it was sent too often.
    pub fn duplicate(&self, delivery: u64) -> Result<Delivery, Impossible> {
        self.control_delivery(delivery, Verb::Duplicate)
    }

    /// Applies a verb to a delivery and returns its new state.
    ///
    /// # Errors
    /// [`Impossible`] if the delivery does not exist, or its state does not allow the verb.
    pub fn control_delivery(&self, id: u64, verb: Verb) -> Result<Delivery, Impossible> {
        let _busy = self.runner.clock.hold();
        let (delivery, attempts) = {
            let mut world = self.runner.world();
            let now = world.now;
            let delivery = world.delivery(id).ok_or(Impossible::Unknown(id))?;
            if !delivery.can(verb) {
                return Err(Impossible::new(delivery, verb));
            }
            let mut attempts = Chain::new();
            match verb {
                Verb::Resend => attempts.push((id, Cause::Resend)),
                Verb::Duplicate if delivery.held.is_some() => {
                    delivery.copies = delivery.copies.saturating_add(1).min(COPIES)
                }
                Verb::Duplicate => attempts.push((id, Cause::Duplicate)),
                Verb::Hold => drop(delivery.held.get_or_insert(HoldReason::Later)),
                Verb::Release => attempts = release(&mut world, id),
                Verb::Drop => {
                    delivery.mark_dropped(now);
                    cancel_timers(&mut world, id);
                    self.runner.note_attempt(&mut world, id, None);
                }
            }
            begin_attempts(&mut world, &attempts);
            world.note(EntryKind::Changed { what: "delivery", how: format!("{} {id}", verb.name()) });
            (world.delivery(id).cloned().ok_or(Impossible::Unknown(id))?, attempts)
        };
        // Each in its own task, so that they run at the same time.
        attempts.into_iter().for_each(|attempt| self.runner.send(vec![attempt]));
        self.runner.settle();
        Ok(delivery)
    }

    /// Releases held webhooks, each after the attempt of the previous one has ended, and returns them in that order. If
    /// the next attempt of a webhook is not due yet, its schedule continues.
    ///
    /// # Errors
    /// [`Impossible`] if one of the named deliveries does not exist, or is neither held nor delayed; then none is released.
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
                ReleaseOrder::These(ids) => {
                    for id in ids {
                        let delivery = world.delivery(*id).ok_or(Impossible::Unknown(*id))?;
                        if !delivery.can(Verb::Release) {
                            return Err(Impossible::new(delivery, Verb::Release));
                        }
                    }
                    // A duplicate id counts once, at its first position.
                    let mut unique = HashSet::new();
                    held = ids.iter().copied().filter(|id| unique.insert(*id)).collect();
                }
            }
            let chain: Chain = held.iter().flat_map(|id| release(&mut world, *id)).collect();
            begin_attempts(&mut world, &chain);
            world.note(EntryKind::Changed { what: "deliveries", how: format!("{} released", held.len()) });
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
