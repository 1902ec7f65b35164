//! The handle of a set of worlds.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::Content;

use super::registry::{DEFAULT, Registry, Table};
use crate::sandbox::Sandbox;

/// Many worlds behind one door. Cheap to clone; they end with the last clone.
#[derive(Clone)]
pub struct Worlds(pub(super) Arc<Registry>);

impl fmt::Debug for Worlds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worlds").field("worlds", &self.ids()).finish_non_exhaustive()
    }
}

impl From<&Sandbox> for Worlds {
    /// Starts a set of worlds with this sandbox as its default. Two sets of one sandbox share no other world.
    fn from(default: &Sandbox) -> Self {
        Self(Arc::new(Registry::new(default)))
    }
}

impl From<&Self> for Worlds {
    fn from(worlds: &Self) -> Self {
        worlds.clone()
    }
}

impl Worlds {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids, in order.
    pub fn ids(&self) -> Vec<String> {
        self.read().worlds.keys().cloned().collect()
    }

    /// The world of this id.
    pub fn get(&self, id: &str) -> Option<Sandbox> {
        self.read().worlds.get(id).map(|slot| slot.sandbox.clone())
    }

    /// The default world.
    pub fn default_world(&self) -> Sandbox {
        match self.get(DEFAULT) {
            Some(sandbox) => sandbox,
            None => unreachable!("the default world is never taken away"),
        }
    }

    /// The world that a request's credentials select.
    pub fn selected_by(&self, request: &Request<Bytes>) -> Sandbox {
        let table = self.read();
        let selected = || {
            let vendor = self.0.plan.owner_of(request.uri().path())?;
            let id = table.claimed.get(&(vendor.name(), (vendor.facts().claims)(request)?))?;
            table.worlds.get(id)
        };
        let slot = if table.claimed.is_empty() { None } else { selected() };
        match slot {
            Some(slot) => slot.sandbox.clone(),
            None => {
                drop(table);
                self.default_world()
            }
        }
    }

    /// Answers a request in the world that its credentials select.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Content> {
        self.selected_by(&request).handle(request).await
    }

    /// Whether this request, of which the body was not read, is to be broken off now.
    #[cfg(feature = "server")]
    pub(crate) fn interrupts(&self, request: &Request<Bytes>) -> bool {
        self.selected_by(request).interrupts(request)
    }
}
