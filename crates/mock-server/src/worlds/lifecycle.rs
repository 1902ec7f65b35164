//! Worlds begin, are copied, begin fresh, and end.

use std::collections::BTreeMap;

use super::registry::{DEFAULT, NewWorld, Origin, Slot, derive_seed};
use super::{WorldError, Worlds};
use crate::clock::Mode;
use crate::sandbox::Sandbox;

impl Worlds {
    /// Makes a world with credentials of its own, and returns its id.
    ///
    /// # Errors
    /// [`WorldError::NotAnId`], [`WorldError::Taken`], [`WorldError::SameCredentials`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn create(&self, wanted: &NewWorld) -> Result<(String, Sandbox), WorldError> {
        let mut table = self.write();
        let id = table.free_id(wanted.id.as_deref())?;
        let default = match table.worlds.get(DEFAULT) {
            Some(slot) => slot.origin.clone(),
            None => return Err(WorldError::Unknown),
        };
        let seed = wanted.seed.unwrap_or_else(|| derive_seed(default.seed, &id));
        let mode = wanted.mode.unwrap_or(default.mode);
        let origin = Origin {
            seed,
            profile: wanted.profile.unwrap_or(default.profile),
            rules: default.rules,
            mode,
            start: wanted.start.or(if mode == Mode::Frozen { default.start } else { None }),
            credentials: self.0.credentials(derive_seed(default.seed, &id), &id),
        };
        self.0.claim(&mut table, &id, &origin.credentials)?;
        let sandbox = self.0.start(&origin);
        table.worlds.insert(id.clone(), Slot { sandbox: sandbox.clone(), origin, snapshots: BTreeMap::new() });
        Ok((id, sandbox))
    }

    /// Makes a copy of a world as it is now, with credentials and a clock of its own, and returns its id. What is under
    /// way in the original begins fresh in the copy.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`WorldError::Unknown`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn fork(&self, from: &str, id: Option<&str>) -> Result<(String, Sandbox), WorldError> {
        let mut table = self.write();
        let origin = table.worlds.get(from).ok_or(WorldError::Unknown)?;
        let (mut world, mode) = (origin.sandbox.snapshot(), origin.sandbox.clock().mode());
        let mut origin = origin.origin.clone();
        let id = table.free_id(id)?;
        origin.credentials = self.0.credentials(derive_seed(origin.seed, &id), &id);
        self.0.claim(&mut table, &id, &origin.credentials)?;
        self.0.set_credentials(&mut world, &origin.credentials);
        let sandbox = self.0.resume(world, mode);
        table.worlds.insert(id.clone(), Slot { sandbox: sandbox.clone(), origin, snapshots: BTreeMap::new() });
        Ok((id, sandbox))
    }

    /// Lets a world begin fresh as it began: same seed, nothing in it, and nothing in its journal. Its snapshots are
    /// kept, and its credentials are those it has now; the default world's are the vendors' own again.
    ///
    /// # Errors
    /// [`WorldError::Unknown`]; [`WorldError::SameCredentials`] as [`restore`](Self::restore).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn reset(&self, id: &str) -> Result<Sandbox, WorldError> {
        let mut table = self.write();
        self.0.keep_credentials(&mut table, id)?;
        if id == DEFAULT {
            let origin = table.worlds.get(id).ok_or(WorldError::Unknown)?.origin.clone();
            let mut fresh = self.0.create_world(&origin);
            self.0.unclaimed(&table, &self.0.identities(&mut fresh))?;
        }
        self.0.replace_sandbox(&mut table, id, |origin| self.0.start(origin))
    }

    /// Takes a world away. Who is being answered by it still gets the answer; streams of its events end.
    ///
    /// # Errors
    /// [`WorldError::Unknown`], [`WorldError::Default`].
    pub fn delete(&self, id: &str) -> Result<(), WorldError> {
        if id == DEFAULT {
            return Err(WorldError::Default);
        }
        let mut table = self.write();
        let slot = table.worlds.remove(id).ok_or(WorldError::Unknown)?;
        table.claimed.retain(|_, world| world != id);
        drop(table);
        slot.sandbox.runner().close();
        drop(slot);
        Ok(())
    }
}
