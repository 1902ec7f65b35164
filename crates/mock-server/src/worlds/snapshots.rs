//! Worlds kept as they are, and put back.

use jiff::Timestamp;

use super::registry::{DEFAULT, Table, check_id};
use super::{WorldError, Worlds};
use crate::clock::Mode;
use crate::sandbox::Sandbox;
use crate::world::World;

/// How many snapshots a world keeps: each may be a world with a full journal.
const SNAPSHOTS: usize = 100;

impl Worlds {
    /// Keeps a copy of a world as it is now under a name, in place of one of that name.
    ///
    /// # Errors
    /// [`WorldError::Unknown`], [`WorldError::NotAnId`] of the name; [`WorldError::TooManySnapshots`] when it is a new
    /// one and the world has 100.
    pub fn keep_snapshot(&self, id: &str, name: &str) -> Result<Timestamp, WorldError> {
        check_id(name)?;
        let mut table = self.write();
        let slot = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        if slot.snapshots.len() >= SNAPSHOTS && !slot.snapshots.contains_key(name) {
            return Err(WorldError::TooManySnapshots);
        }
        let (world, mode) = (slot.sandbox.snapshot(), slot.sandbox.clock().mode());
        let now = world.now;
        slot.snapshots.insert(name.to_owned(), (world, mode));
        Ok(now)
    }

    /// The names of a world's snapshots.
    ///
    /// # Errors
    /// [`WorldError::Unknown`].
    pub fn snapshots(&self, id: &str) -> Result<Vec<String>, WorldError> {
        let table = self.read();
        let slot = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        Ok(slot.snapshots.keys().cloned().collect())
    }

    /// Puts a world back to a snapshot: all of it, its time and its journal included. Handles to the world as it was
    /// before stay with what it was. The credentials are those it has now; the default world's are those of the
    /// snapshot.
    ///
    /// # Errors
    /// [`WorldError::Unknown`], [`WorldError::UnknownSnapshot`]; [`WorldError::SameCredentials`] when another world
    /// has taken the default world's.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn restore(&self, id: &str, name: &str) -> Result<Sandbox, WorldError> {
        let mut table = self.write();
        let slot = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        let (world, mode) = slot.snapshots.get(name).cloned().ok_or(WorldError::UnknownSnapshot)?;
        self.replace(&mut table, id, world, mode)
    }

    /// Puts another world in the place of the one of this id, which keeps its snapshots and, unless it is the default
    /// one, its credentials.
    ///
    /// # Errors
    /// [`WorldError::Unknown`]; [`WorldError::SameCredentials`] as [`restore`](Self::restore).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn put(&self, id: &str, world: World, mode: Mode) -> Result<Sandbox, WorldError> {
        self.replace(&mut self.write(), id, world, mode)
    }

    fn replace(&self, table: &mut Table, id: &str, mut world: World, mode: Mode) -> Result<Sandbox, WorldError> {
        self.0.keep_credentials(table, id)?;
        let slot = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        self.0.set_credentials(&mut world, &slot.origin.credentials);
        if id == DEFAULT {
            self.0.unclaimed(table, &self.0.identities(&mut world))?;
        }
        self.0.replace_sandbox(table, id, |_| self.0.resume(world, mode))
    }
}
