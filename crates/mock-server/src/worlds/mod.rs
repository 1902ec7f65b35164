//! Many worlds behind one door.
//!
//! Each has credentials of its own, and they select it: a client needs nothing else, no header and no other URL. What
//! carries credentials of no world, or none at all, goes to the default world, which judges it.
//!
//! Invariants:
//! - No two worlds answer to the same credentials.
//! - The default world is always there.
//! - The same server seed and the same verbs give the same worlds: seeds and credentials follow from them.

mod error;
mod lives;
mod registry;
mod settings;
mod snapshots;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::Content;
use jiff::Timestamp;

pub use self::error::WorldError;

use crate::clock::Mode;
use crate::rules::Rules;
use crate::sandbox::{Plan, Sandbox, lock};
use crate::world::{Profile, World};

/// The id of the world that is always there.
pub const DEFAULT: &str = "default";

/// The longest id of a world.
const ID: usize = 64;

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
            let vendor = self.0.plan.vendor_of(request.uri().path())?;
            let id = table.claimed.get(&(vendor.name(), (vendor.facts().claims)(request)?))?;
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
}
