//! How the accounts of a world are set up.

use serde_json::{Map, Value};

use super::registry::DEFAULT;
use super::{WorldError, Worlds};
use crate::rejection::Rejection;
use crate::sandbox::in_json;

impl Worlds {
    /// Sets up the accounts of a world, as [`Sandbox::set_up`](crate::Sandbox::set_up) does. The public half of the
    /// credentials may change only to one that selects no other world.
    ///
    /// # Errors
    /// All that cannot be set; `Err(None)` when there is no such world.
    pub fn set_up(&self, id: &str, wanted: &Map<String, Value>) -> Result<(), Option<Rejection>> {
        let mut table = self.write();
        let slot = table.worlds.get(id).ok_or(None)?;
        let (sandbox, before) = (slot.sandbox.clone(), slot.sandbox.settings());
        sandbox.set_up(wanted).map_err(Some)?;
        let identities = sandbox.with_world(|world| self.0.identities(world));
        let taken = identities.iter().find(|identity| self.0.is_taken(&table, identity, id));
        if let Some((vendor, _)) = taken {
            let fault = identkit_core::Violation::new(
                in_json(vendor),
                WorldError::SameCredentials.to_string(),
                "sandbox",
                "docs/sandbox-control.md",
            );
            let undo: Map<String, Value> = match before {
                Value::Object(all) => all.into_iter().filter(|(name, _)| wanted.contains_key(name)).collect(),
                _ => Map::new(),
            };
            sandbox.set_up(&undo).map_err(Some)?;
            return Err(Some(Rejection::new(409, fault)));
        }
        if id != DEFAULT {
            table.claimed.retain(|_, world| world != id);
            for (vendor, identity) in identities {
                table.claimed.insert((vendor, identity), id.to_owned());
            }
        }
        Ok(())
    }
}
