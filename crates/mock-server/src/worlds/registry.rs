//! What the worlds of one server have in common: who is which, and how one begins.

use std::sync::Arc;

use identkit_core::Clock as _;

use super::{Credentials, DEFAULT, ID, Kept, Origin, Registry, Table, WorldError};
use crate::clock::{Mode, VirtualClock};
use crate::sandbox::{Sandbox, lock};
use crate::vendor::MockVendor;
use crate::world::World;

impl Table {
    /// The wanted id, or one that is free.
    pub(super) fn free(&mut self, wanted: Option<&str>) -> Result<String, WorldError> {
        if let Some(id) = wanted {
            check(id)?;
            return match self.worlds.contains_key(id) {
                true => Err(WorldError::Taken),
                false => Ok(id.to_owned()),
            };
        }
        loop {
            self.minted += 1;
            let id = format!("w{}", self.minted);
            if !self.worlds.contains_key(&id) {
                return Ok(id);
            }
        }
    }
}

impl Registry {
    /// Credentials that follow from the seed and the id.
    pub(super) fn credentials(&self, seed: u64, id: &str) -> Vec<Credentials> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut secret = || std::iter::repeat_with(|| random.alphanumeric()).take(32).collect::<String>();
        self.plan.vendors.iter().map(|vendor| (vendor.name(), format!("sandbox-{id}"), secret())).collect()
    }

    pub(super) fn set_credentials(&self, world: &mut World, minted: &[Credentials]) {
        for (name, identity, secret) in minted {
            if let Some(account) = self.plan.vendor(name).and_then(MockVendor::account) {
                account.set_credentials(world, identity, secret);
            }
        }
    }

    /// A world as it was in the beginning.
    pub(super) fn create_world(&self, origin: &Origin) -> World {
        let now = origin.start.unwrap_or_else(|| identkit_transport::SystemClock::new().wall());
        let mut world = self.plan.create_world(now, origin.seed, origin.profile, origin.rules.clone());
        self.set_credentials(&mut world, &origin.minted);
        world
    }

    pub(super) fn begin(&self, origin: &Origin) -> Sandbox {
        self.go_on(self.create_world(origin), origin.mode)
    }

    pub(super) fn go_on(&self, world: World, mode: Mode) -> Sandbox {
        let clock = VirtualClock::new(world.now);
        clock.set_mode(mode);
        self.plan.start(clock, world)
    }

    /// Puts a sandbox in the place of the one of this id.
    pub(super) fn take_the_place(
        self: &Arc<Self>,
        table: &mut Table,
        id: &str,
        begin: impl FnOnce(&Origin) -> Sandbox,
    ) -> Result<Sandbox, WorldError> {
        let kept = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        let sandbox = begin(&kept.origin);
        let before = std::mem::replace(&mut kept.sandbox, sandbox.clone());
        before.running().close();
        if id == DEFAULT {
            *lock(&sandbox.running().worlds) = Arc::downgrade(self);
        }
        Ok(sandbox)
    }

    /// What selects a world.
    pub(super) fn identities(&self, world: &mut World) -> Vec<(&'static str, String)> {
        self.all_credentials(world).into_iter().map(|(vendor, identity, _)| (vendor, identity)).collect()
    }

    /// The credentials of a world, by vendor.
    fn all_credentials(&self, world: &mut World) -> Vec<Credentials> {
        let of = |vendor: &dyn MockVendor, world: &mut World| {
            let [identity, secret] = vendor.account()?.credentials(world);
            Some((vendor.name(), identity, secret))
        };
        self.plan.vendors.iter().filter_map(|vendor| of(&**vendor, world)).collect()
    }

    /// Whether these select another world than the one of this id.
    pub(super) fn is_taken(&self, table: &Table, identity: &(&'static str, String), id: &str) -> bool {
        let others = table.claimed.get(identity).is_some_and(|other| other != id);
        let of_default = |default: &Kept| default.sandbox.with_world(|world| self.identities(world).contains(identity));
        others || (id != DEFAULT && table.worlds.get(DEFAULT).is_some_and(of_default))
    }

    /// Refuses credentials for the default world that select another one.
    pub(super) fn unclaimed(&self, table: &Table, identities: &[(&'static str, String)]) -> Result<(), WorldError> {
        match identities.iter().any(|identity| self.is_taken(table, identity, DEFAULT)) {
            true => Err(WorldError::SameCredentials),
            false => Ok(()),
        }
    }

    /// Lets credentials select a world.
    pub(super) fn claim(&self, table: &mut Table, id: &str, minted: &[Credentials]) -> Result<(), WorldError> {
        let identities = || minted.iter().map(|(vendor, identity, _)| (*vendor, identity.clone()));
        if identities().any(|identity| self.is_taken(table, &identity, id)) {
            return Err(WorldError::SameCredentials);
        }
        table.claimed.extend(identities().map(|identity| (identity, id.to_owned())));
        Ok(())
    }

    /// Notes the credentials that a world has now, which settings may have changed, so that whoever knows them still
    /// reaches what takes its place.
    pub(super) fn keep_credentials(&self, table: &mut Table, id: &str) -> Result<(), WorldError> {
        let kept = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        if id != DEFAULT {
            kept.origin.minted = kept.sandbox.with_world(|world| self.all_credentials(world));
        }
        Ok(())
    }
}

/// A seed for one of many worlds, small enough for JavaScript to read it as it is.
pub(super) fn of_its_own(seed: u64, id: &str) -> u64 {
    // FNV-1a over the id; it must only differ, and be the same tomorrow.
    let seed = id
        .bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    seed % (1 << 53)
}

pub(super) fn check(id: &str) -> Result<(), WorldError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // Clients take those two out of a path.
    match (1..=ID).contains(&id.len()) && id.bytes().all(fits) && !matches!(id, "." | "..") {
        true => Ok(()),
        false => Err(WorldError::NotAnId),
    }
}
