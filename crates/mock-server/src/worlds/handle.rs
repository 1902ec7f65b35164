//! The handle of a set of worlds: creates, copies, saves, restores and deletes worlds.

#[cfg(feature = "server")]
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::Content;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::WorldError;
use super::registry::{DEFAULT, NewWorld, Origin, Registry, Slot, Table, check_id, derive_seed};
use crate::clock::Mode;
use crate::sandbox::json_key;
use crate::{Rejection, Sandbox, World};

/// A set of worlds, selected by credentials. Cheap to clone; the worlds end with the last clone.
#[derive(Clone)]
pub struct Worlds(pub(super) Arc<Registry>);

impl fmt::Debug for Worlds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worlds").field("worlds", &self.ids()).finish_non_exhaustive()
    }
}

impl From<&Sandbox> for Worlds {
    /// Creates a set of worlds with this sandbox as the default world. Two sets of one sandbox share no other world.
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

    /// The ids, sorted.
    pub fn ids(&self) -> Vec<String> {
        self.read().worlds.keys().cloned().collect()
    }

    /// Returns the world with this id.
    pub fn get(&self, id: &str) -> Option<Sandbox> {
        self.read().worlds.get(id).map(|slot| slot.sandbox.clone())
    }

    /// The default world.
    pub fn default_world(&self) -> Sandbox {
        match self.get(DEFAULT) {
            Some(sandbox) => sandbox,
            None => unreachable!("the default world is never deleted"),
        }
    }

    /// Returns the world that the request's credentials select.
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

    /// Handles a request in the world that its credentials select.
    ///
    /// # Panics
    /// See [`Sandbox::handle`].
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Content> {
        self.selected_by(&request).handle(request).await
    }

    /// The web pages of this sandbox, of a type that the listeners know.
    #[cfg(feature = "server")]
    pub(crate) fn mounted(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.0.plan.pages.as_deref()
    }

    /// Whether a path of the vendors' listener is that of a landing page, or below one.
    pub fn has_landing_page_at(&self, path: &str) -> bool {
        self.landing_link(path).is_some()
    }

    /// Returns the world and the case of the landing page at this path, or above it. `None` if the path is not that of a
    /// landing page, or if no world has its case.
    pub fn landing_page(&self, path: &str) -> Option<(String, String)> {
        let (vendor, link) = self.landing_link(path)?;
        let sandboxes: Vec<(String, Sandbox)> =
            self.read().worlds.iter().map(|(id, slot)| (id.clone(), slot.sandbox.clone())).collect();
        sandboxes.into_iter().find_map(|(id, sandbox)| Some((id, sandbox.landing_case(vendor, link)?)))
    }

    /// Returns the vendor and the link in the path of a landing page.
    fn landing_link<'a>(&self, path: &'a str) -> Option<(&'static str, &'a str)> {
        let vendors = self.0.plan.vendors.iter().map(|vendor| vendor.facts());
        vendors.into_iter().find_map(|facts| {
            let link = path.strip_prefix(facts.landing_path?)?.split('/').next()?;
            (!link.is_empty()).then_some((facts.name, link))
        })
    }

    /// Whether the public half of a request's credentials belongs to a world.
    #[cfg(feature = "server")]
    pub(crate) fn knows(&self, request: &Request<Bytes>) -> bool {
        let identity = || {
            let vendor = self.0.plan.owner_of(request.uri().path())?;
            Some((vendor.name(), (vendor.facts().claims)(request)?))
        };
        identity().is_some_and(|identity| self.0.is_taken(&self.read(), &identity, ""))
    }

    /// Whether a fault resets the connection before the body of this request is read.
    #[cfg(feature = "server")]
    pub(crate) fn interrupts(&self, request: &Request<Bytes>) -> bool {
        self.selected_by(request).interrupts(request)
    }

    /// Changes the settings of a world's accounts, like [`Sandbox::set_up`](crate::Sandbox::set_up). The public half of
    /// the credentials must not select another world.
    ///
    /// # Errors
    /// All invalid settings, with what would be valid; `Err(None)` if no world has this id.
    pub fn set_up(&self, id: &str, changes: &Map<String, Value>) -> Result<(), Option<Rejection>> {
        let mut table = self.write();
        let slot = table.worlds.get(id).ok_or(None)?;
        let (sandbox, before) = (slot.sandbox.clone(), slot.sandbox.settings());
        sandbox.set_up(changes).map_err(Some)?;
        let identities = sandbox.with_world(|world| self.0.identities(world));
        let taken = identities.iter().find(|identity| self.0.is_taken(&table, identity, id));
        if let Some((vendor, _)) = taken {
            let fault = identkit_core::Violation::new(
                json_key(vendor),
                WorldError::SameCredentials.to_string(),
                "sandbox",
                "docs/sandbox-control.md",
            );
            let undo: Map<String, Value> = match before {
                Value::Object(all) => all.into_iter().filter(|(name, _)| changes.contains_key(name)).collect(),
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

/// Maximum number of snapshots of a world. Each can have a full journal.
const MAX_SNAPSHOTS: usize = 100;

impl Worlds {
    /// Saves a copy of a world under a name, and replaces a snapshot of the same name.
    ///
    /// # Errors
    /// [`WorldError::Unknown`]; [`WorldError::InvalidId`] if the name is invalid; [`WorldError::TooManySnapshots`] if
    /// the name is new and the world has 100 snapshots.
    pub fn keep_snapshot(&self, id: &str, name: &str) -> Result<Timestamp, WorldError> {
        check_id(name)?;
        let mut table = self.write();
        let slot = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        if slot.snapshots.len() >= MAX_SNAPSHOTS && !slot.snapshots.contains_key(name) {
            return Err(WorldError::TooManySnapshots);
        }
        let (world, mode) = (slot.sandbox.snapshot(), slot.sandbox.clock().mode());
        let now = world.now;
        slot.snapshots.insert(name.to_owned(), (world, mode));
        Ok(now)
    }

    /// Returns the names of a world's snapshots.
    ///
    /// # Errors
    /// [`WorldError::Unknown`] if no world has this id.
    pub fn snapshots(&self, id: &str) -> Result<Vec<String>, WorldError> {
        let table = self.read();
        let slot = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        Ok(slot.snapshots.keys().cloned().collect())
    }

    /// Restores a snapshot of a world, including its time and its journal. Existing handles stay with the replaced
    /// world. The world keeps its current credentials; the default world gets those of the snapshot.
    ///
    /// # Errors
    /// [`WorldError::Unknown`], [`WorldError::UnknownSnapshot`]; [`WorldError::SameCredentials`] if another world now
    /// has the credentials that the default world would get.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn restore(&self, id: &str, name: &str) -> Result<Sandbox, WorldError> {
        let mut table = self.write();
        let slot = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        let (world, mode) = slot.snapshots.get(name).cloned().ok_or(WorldError::UnknownSnapshot)?;
        self.replace(&mut table, id, world, mode)
    }

    /// Replaces the world with this id. Its snapshots remain and, unless it is the default world, its credentials.
    ///
    /// # Errors
    /// [`WorldError::Unknown`]; [`WorldError::SameCredentials`] as in [`restore`](Self::restore).
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn put(&self, id: &str, world: World, mode: Mode) -> Result<Sandbox, WorldError> {
        self.replace(&mut self.write(), id, world, mode)
    }

    fn replace(&self, table: &mut Table, id: &str, mut world: World, mode: Mode) -> Result<Sandbox, WorldError> {
        self.0.record_credentials(table, id)?;
        let slot = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        self.0.set_credentials(&mut world, &slot.origin.credentials);
        if id == DEFAULT {
            self.0.unclaimed(table, &self.0.identities(&mut world))?;
        }
        self.0.replace_sandbox(table, id, |_| self.0.resume(world, mode))
    }

    /// Creates a world with its own credentials, and returns its id.
    ///
    /// # Errors
    /// [`WorldError::InvalidId`], [`WorldError::DuplicateId`], [`WorldError::SameCredentials`].
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn create(&self, options: &NewWorld) -> Result<(String, Sandbox), WorldError> {
        let mut table = self.write();
        let id = table.free_id(options.id.as_deref())?;
        let default = match table.worlds.get(DEFAULT) {
            Some(slot) => slot.origin.clone(),
            None => return Err(WorldError::Unknown),
        };
        let seed = options.seed.unwrap_or_else(|| derive_seed(default.seed, &id));
        let mode = options.mode.unwrap_or(default.mode);
        let origin = Origin {
            seed,
            profile: options.profile.unwrap_or(default.profile),
            rules: default.rules,
            mode,
            start: options.start.or(if mode == Mode::Frozen { default.start } else { None }),
            credentials: self.0.credentials(derive_seed(default.seed, &id), &id),
        };
        self.0.claim(&mut table, &id, &origin.credentials)?;
        let sandbox = self.0.start(&origin);
        table.worlds.insert(id.clone(), Slot { sandbox: sandbox.clone(), origin, snapshots: BTreeMap::new() });
        Ok((id, sandbox))
    }

    /// Copies a world, with its own credentials and clock, and returns the id of the copy. Webhook attempts in flight
    /// are sent again in the copy.
    ///
    /// # Errors
    /// As in [`create`](Self::create), and [`WorldError::Unknown`].
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
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

    /// Resets a world to its initial state: same seed, no cases, empty journal. Its snapshots and current credentials
    /// remain; the default world gets the vendors' default credentials.
    ///
    /// # Errors
    /// [`WorldError::Unknown`]; [`WorldError::SameCredentials`] as in [`restore`](Self::restore).
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn reset(&self, id: &str) -> Result<Sandbox, WorldError> {
        let mut table = self.write();
        self.0.record_credentials(&mut table, id)?;
        if id == DEFAULT {
            let origin = table.worlds.get(id).ok_or(WorldError::Unknown)?.origin.clone();
            let mut initial = self.0.create_world(&origin);
            self.0.unclaimed(&table, &self.0.identities(&mut initial))?;
        }
        self.0.replace_sandbox(&mut table, id, |origin| self.0.start(origin))
    }

    /// Deletes a world. Calls in progress still get their response; streams of its events end.
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
