//! Many worlds behind one door.
//!
//! Each has credentials of its own, and they select it: a client needs nothing else, no header and no other URL. What
//! carries credentials of no world, or none at all, goes to the default world, which judges it.
//!
//! Invariants:
//! - No two worlds answer to the same credentials.
//! - The default world is always there.
//! - The same server seed and the same verbs give the same worlds: seeds and credentials follow from them.

mod registry;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::Content;
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::registry::{check, of_its_own};
use crate::clock::Mode;
use crate::rules::Rules;
use crate::sandbox::{Plan, Sandbox, in_json, lock};
use crate::vendor::Refused;
use crate::world::{Profile, World};

/// The id of the world that is always there.
pub const DEFAULT: &str = "default";

/// The longest id of a world.
const ID: usize = 64;

/// How many snapshots a world keeps: each may be a world with a full journal.
const SNAPSHOTS: usize = 100;

/// Why a world cannot be made, copied or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorldError {
    /// No world has this id.
    Unknown,
    /// The world has no snapshot of this name.
    UnknownSnapshot,
    /// The world has as many snapshots as it keeps.
    TooManySnapshots,
    /// Another world has this id.
    Taken,
    /// Not an id: 1 to 64 of `A`-`Z`, `a`-`z`, `0`-`9`, `-`, `_` and `.`, but for `.` and `..`.
    NotAnId,
    /// The default world cannot be taken away; it can be reset.
    Default,
    /// Two worlds would answer to the same credentials.
    SameCredentials,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no world has this id",
            Self::UnknownSnapshot => "the world has no snapshot of this name",
            Self::TooManySnapshots => "a world keeps 100 snapshots; take the name of one that is needed no longer",
            Self::Taken => "another world has this id",
            Self::NotAnId => "an id has 1 to 64 of the characters A-Z, a-z, 0-9, -, _ and ., and is not . or ..",
            Self::Default => "the default world is always there; reset it instead",
            Self::SameCredentials => "another world answers to these credentials",
        })
    }
}

impl std::error::Error for WorldError {}

/// What a new world is to be like; what is left out is as in the default world.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewWorld {
    /// Its id; one that is free, unless given.
    pub id: Option<String>,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// How strictly requests are judged.
    pub profile: Option<Profile>,
    /// How its time goes on.
    pub mode: Option<Mode>,
    /// The time in it at first.
    pub start: Option<Timestamp>,
}

/// How a world began, so that it can begin again.
#[derive(Clone, Debug)]
struct Origin {
    seed: u64,
    profile: Profile,
    rules: Rules,
    mode: Mode,
    /// The time when it began; `None` for real time, which does not come again.
    start: Option<Timestamp>,
    /// The public halves of its credentials and the secret ones, by vendor; none for the vendors' own.
    minted: Vec<Credentials>,
}

/// A vendor, the public half and the secret one.
type Credentials = (&'static str, String, String);

struct Kept {
    sandbox: Sandbox,
    origin: Origin,
    snapshots: BTreeMap<String, (World, Mode)>,
}

#[derive(Default)]
struct Table {
    worlds: BTreeMap<String, Kept>,
    /// Which world a vendor's credentials select, but for the default world's.
    claimed: HashMap<(&'static str, String), String>,
    minted: u64,
}

pub(crate) struct Registry {
    plan: Plan,
    table: RwLock<Table>,
}

/// Many worlds behind one door. Cheap to clone; they end with the last clone.
#[derive(Clone)]
pub struct Worlds(Arc<Registry>);

impl fmt::Debug for Worlds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worlds").field("worlds", &self.ids()).finish_non_exhaustive()
    }
}

impl From<&Sandbox> for Worlds {
    /// The worlds of which this one is the default; the same ones each time, while anybody uses them.
    fn from(default: &Sandbox) -> Self {
        let running = default.running();
        let mut known = lock(&running.worlds);
        if let Some(registry) = known.upgrade() {
            return Self(registry);
        }
        let world = default.snapshot();
        let (seed, profile, rules, now) = (world.seed(), world.profile, world.rules, world.now);
        let mode = default.clock().mode();
        let start = (mode == Mode::Frozen).then_some(now);
        let origin = Origin { seed, profile, rules, mode, start, minted: Vec::new() };
        let kept = Kept { sandbox: default.clone(), origin, snapshots: BTreeMap::new() };
        let mut table = Table::default();
        table.worlds.insert(DEFAULT.to_owned(), kept);
        let registry = Arc::new(Registry { plan: running.plan.clone(), table: RwLock::new(table) });
        *known = Arc::downgrade(&registry);
        Self(registry)
    }
}

impl From<&Self> for Worlds {
    fn from(worlds: &Self) -> Self {
        worlds.clone()
    }
}

impl Worlds {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids, in order.
    pub fn ids(&self) -> Vec<String> {
        self.read().worlds.keys().cloned().collect()
    }

    /// The world of this id.
    pub fn get(&self, id: &str) -> Option<Sandbox> {
        self.read().worlds.get(id).map(|kept| kept.sandbox.clone())
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
            let vendor = self.0.plan.vendors.iter().find(|vendor| vendor.owns(request.uri().path()))?;
            let id = table.claimed.get(&(vendor.name(), vendor.claims(request)?))?;
            table.worlds.get(id)
        };
        let kept = if table.claimed.is_empty() { None } else { selected() };
        match kept {
            Some(kept) => kept.sandbox.clone(),
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

    /// Makes a world with credentials of its own, and returns its id.
    ///
    /// # Errors
    /// [`WorldError::NotAnId`], [`WorldError::Taken`], [`WorldError::SameCredentials`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn create(&self, wanted: &NewWorld) -> Result<(String, Sandbox), WorldError> {
        let mut table = self.write();
        let id = table.free(wanted.id.as_deref())?;
        let default = match table.worlds.get(DEFAULT) {
            Some(kept) => kept.origin.clone(),
            None => return Err(WorldError::Unknown),
        };
        let seed = wanted.seed.unwrap_or_else(|| of_its_own(default.seed, &id));
        let mode = wanted.mode.unwrap_or(default.mode);
        let origin = Origin {
            seed,
            profile: wanted.profile.unwrap_or(default.profile),
            rules: default.rules,
            mode,
            start: wanted.start.or(if mode == Mode::Frozen { default.start } else { None }),
            minted: self.0.credentials(of_its_own(default.seed, &id), &id),
        };
        self.0.claim(&mut table, &id, &origin.minted)?;
        let sandbox = self.0.begin(&origin);
        table.worlds.insert(id.clone(), Kept { sandbox: sandbox.clone(), origin, snapshots: BTreeMap::new() });
        Ok((id, sandbox))
    }

    /// Makes a copy of a world as it is now, with credentials and a clock of its own, and returns its id. What is under
    /// way in the original begins anew in the copy.
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
        let id = table.free(id)?;
        origin.minted = self.0.credentials(of_its_own(origin.seed, &id), &id);
        self.0.claim(&mut table, &id, &origin.minted)?;
        self.0.mint(&mut world, &origin.minted);
        let sandbox = self.0.go_on(world, mode);
        table.worlds.insert(id.clone(), Kept { sandbox: sandbox.clone(), origin, snapshots: BTreeMap::new() });
        Ok((id, sandbox))
    }

    /// Keeps a copy of a world as it is now under a name, in place of one of that name.
    ///
    /// # Errors
    /// [`WorldError::Unknown`], [`WorldError::NotAnId`] of the name; [`WorldError::TooManySnapshots`] when it is a new
    /// one and the world has 100.
    pub fn keep_snapshot(&self, id: &str, name: &str) -> Result<Timestamp, WorldError> {
        check(name)?;
        let mut table = self.write();
        let kept = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        if kept.snapshots.len() >= SNAPSHOTS && !kept.snapshots.contains_key(name) {
            return Err(WorldError::TooManySnapshots);
        }
        let (world, mode) = (kept.sandbox.snapshot(), kept.sandbox.clock().mode());
        let now = world.now;
        kept.snapshots.insert(name.to_owned(), (world, mode));
        Ok(now)
    }

    /// The names of a world's snapshots.
    ///
    /// # Errors
    /// [`WorldError::Unknown`].
    pub fn snapshots(&self, id: &str) -> Result<Vec<String>, WorldError> {
        let table = self.read();
        let kept = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        Ok(kept.snapshots.keys().cloned().collect())
    }

    /// Puts a world back to a snapshot: all of it, its time and its journal included. Handles to the world as it was before stay with
    /// what it was. The credentials are those it has now; the default world's are those of the snapshot.
    ///
    /// # Errors
    /// [`WorldError::Unknown`], [`WorldError::UnknownSnapshot`]; [`WorldError::SameCredentials`] when another world
    /// has taken the default world's.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn restore(&self, id: &str, name: &str) -> Result<Sandbox, WorldError> {
        let mut table = self.write();
        let kept = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        let (world, mode) = kept.snapshots.get(name).cloned().ok_or(WorldError::UnknownSnapshot)?;
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
        let kept = table.worlds.get(id).ok_or(WorldError::Unknown)?;
        self.0.mint(&mut world, &kept.origin.minted);
        if id == DEFAULT {
            self.0.unclaimed(table, &self.0.identities(&mut world))?;
        }
        self.0.take_the_place(table, id, |_| self.0.go_on(world, mode))
    }

    /// Lets a world begin anew as it began: same seed, nothing in it, and nothing in its journal. Its snapshots are kept, and its credentials are
    /// those it has now; the default world's are the vendors' own again.
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
            let mut anew = self.0.found(&origin);
            self.0.unclaimed(&table, &self.0.identities(&mut anew))?;
        }
        self.0.take_the_place(&mut table, id, |origin| self.0.begin(origin))
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
        let kept = table.worlds.remove(id).ok_or(WorldError::Unknown)?;
        table.claimed.retain(|_, world| world != id);
        drop(table);
        kept.sandbox.running().close();
        drop(kept);
        Ok(())
    }

    /// Sets up the accounts of a world, as [`Sandbox::set_up`] does. The public half of the credentials may change only
    /// to one that selects no other world.
    ///
    /// # Errors
    /// All that cannot be set; `Err(None)` when there is no such world.
    pub fn set_up(&self, id: &str, wanted: &Map<String, Value>) -> Result<(), Option<Refused>> {
        let mut table = self.write();
        let kept = table.worlds.get(id).ok_or(None)?;
        let (sandbox, before) = (kept.sandbox.clone(), kept.sandbox.settings());
        sandbox.set_up(wanted).map_err(Some)?;
        let identities = sandbox.with_world(|world| self.0.identities(world));
        let taken = identities.iter().find(|identity| self.0.is_taken(&table, identity, id));
        if let Some((vendor, _)) = taken {
            let fault = identkit_core::Fault::new(
                in_json(vendor),
                WorldError::SameCredentials.to_string(),
                "sandbox",
                "docs/sandbox.md",
            );
            let undo: Map<String, Value> = match before {
                Value::Object(all) => all.into_iter().filter(|(name, _)| wanted.contains_key(name)).collect(),
                _ => Map::new(),
            };
            sandbox.set_up(&undo).map_err(Some)?;
            return Err(Some(Refused::new(409, fault)));
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
