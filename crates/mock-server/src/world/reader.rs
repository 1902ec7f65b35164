//! Reads the vendors' state of a world that is being saved.

use std::any::{Any, TypeId};
use std::collections::HashSet;

use super::data::World;
use super::error::SavedError;
use super::state::VendorState;

/// Reads the vendors' state of a world that is being saved, and notes what was read.
#[derive(Debug)]
pub struct StateReader<'a> {
    world: &'a World,
    read: HashSet<TypeId>,
}

impl<'a> StateReader<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, read: HashSet::new() }
    }

    /// A state, which thereby counts as saved; `None` if the world has none.
    pub fn get<T: VendorState>(&mut self) -> Option<&'a T> {
        self.read.insert(TypeId::of::<T>());
        let state: &dyn Any = &**self.world.states.get(&TypeId::of::<T>())?;
        state.downcast_ref()
    }

    /// The world itself.
    pub fn world(&self) -> &'a World {
        self.world
    }

    /// An error if there is a state that no vendor has read.
    pub(super) fn finish(self) -> Result<(), SavedError> {
        match self.world.states.iter().find(|(key, _)| !self.read.contains(key)) {
            Some((_, state)) => {
                Err(SavedError::not_saved(format!("no vendor saves its share {}", (**state).type_name())))
            }
            None => Ok(()),
        }
    }
}
