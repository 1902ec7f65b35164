//! What the worlds of one server have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use identkit_transport::Transport;
use jiff::Timestamp;

use crate::rules::Rules;
use crate::vendor::MockVendor;
use crate::world::{Profile, World};

/// What the worlds of one server have in common.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) vendors: Arc<[Box<dyn MockVendor>]>,
    pub(super) receiver: Option<Arc<dyn Transport>>,
    /// How long a receiver may take, in real time.
    pub(super) receiver_timeout: Duration,
    /// How long a receiver holds time that stands still, in real time.
    pub(super) guard: Duration,
    /// How many cases of each vendor a world keeps, if limited.
    pub(super) cases: Option<usize>,
    /// How many worlds were started with this plan.
    pub(super) generations: Arc<AtomicU64>,
}

impl Plan {
    /// The names of all operations.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.vendors.iter().flat_map(|vendor| vendor.routes()).map(|route| route.meta().name).collect()
    }

    /// The vendor of this name.
    pub(crate) fn vendor(&self, name: &str) -> Option<&dyn MockVendor> {
        self.vendors.iter().find(|vendor| vendor.name() == name).map(|vendor| &**vendor)
    }

    /// The vendor that this path belongs to.
    pub(crate) fn owner_of(&self, path: &str) -> Option<&dyn MockVendor> {
        self.vendors.iter().find(|vendor| (vendor.facts().owns)(path)).map(|vendor| &**vendor)
    }

    /// A new world.
    pub(crate) fn create_world(&self, now: Timestamp, seed: u64, profile: Profile, rules: Rules) -> World {
        let mut world = World::new(now, seed, profile);
        world.rules = rules;
        for vendor in &*self.vendors {
            vendor.seed(&mut world);
        }
        world
    }
}
