//! The worlds of one server: the credentials that select each, and how a world starts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::RwLock;

use identkit_core::Clock as _;
use jiff::Timestamp;

use crate::clock::Mode;
use crate::rules::Rules;
use crate::sandbox::Plan;
use crate::{MockVendor, Profile, Sandbox, VirtualClock, World};

/// Id of the default world, which always exists.
pub const DEFAULT: &str = "default";

const MAX_ID: usize = 64;

/// Options of a new world. The defaults are those of the default world.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewWorld {
    /// Id. The default is an unused one.
    pub id: Option<String>,
    /// Seed of all random values.
    pub seed: Option<u64>,
    /// Profile: which requests the vendors accept.
    pub profile: Option<Profile>,
    /// Mode of the clock.
    pub mode: Option<Mode>,
    /// Initial time.
    pub start: Option<Timestamp>,
}

/// The initial state of a world, to which it can be reset.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) seed: u64,
    pub(super) profile: Profile,
    pub(super) rules: Rules,
    pub(super) mode: Mode,
    /// Initial time; `None` for the current real time.
    pub(super) start: Option<Timestamp>,
    /// Credentials by vendor; empty for the vendors' defaults.
    pub(super) credentials: Vec<Credentials>,
}

/// Vendor, public half and secret half of credentials.
pub(super) type Credentials = (&'static str, String, String);

pub(super) struct Slot {
    pub(super) sandbox: Sandbox,
    pub(super) origin: Origin,
    pub(super) snapshots: BTreeMap<String, (World, Mode)>,
}

#[derive(Default)]
pub(super) struct Table {
    pub(super) worlds: BTreeMap<String, Slot>,
    /// Ids of the worlds by vendor and public half of the credentials, without the default world.
    pub(super) claimed: HashMap<(&'static str, String), String>,
    pub(super) generated: u64,
}

pub(super) struct Registry {
    pub(super) plan: Plan,
    pub(super) table: RwLock<Table>,
}

impl Table {
    pub(super) fn free_id(&mut self, wanted: Option<&str>) -> Result<String, WorldError> {
        if let Some(id) = wanted {
            check_id(id)?;
            return match self.worlds.contains_key(id) {
                true => Err(WorldError::DuplicateId),
                false => Ok(id.to_owned()),
            };
        }
        loop {
            self.generated += 1;
            let id = format!("w{}", self.generated);
            if !self.worlds.contains_key(&id) {
                return Ok(id);
            }
        }
    }
}

impl Registry {
    pub(super) fn new(default: &Sandbox) -> Self {
        let world = default.snapshot();
        let (seed, profile, rules, now) = (world.seed(), world.profile, world.rules, world.now);
        let mode = default.clock().mode();
        let start = (mode == Mode::Frozen).then_some(now);
        let origin = Origin { seed, profile, rules, mode, start, credentials: Vec::new() };
        let slot = Slot { sandbox: default.clone(), origin, snapshots: BTreeMap::new() };
        let mut table = Table::default();
        table.worlds.insert(DEFAULT.to_owned(), slot);
        Self { plan: default.runner().plan.clone(), table: RwLock::new(table) }
    }

    pub(super) fn credentials(&self, seed: u64, id: &str) -> Vec<Credentials> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut secret = || std::iter::repeat_with(|| random.alphanumeric()).take(32).collect::<String>();
        self.plan.vendors.iter().map(|vendor| (vendor.name(), format!("sandbox-{id}"), secret())).collect()
    }

    pub(super) fn set_credentials(&self, world: &mut World, credentials: &[Credentials]) {
        for (name, identity, secret) in credentials {
            if let Some(account) = self.plan.vendor(name).and_then(MockVendor::account) {
                account.set_credentials(world, identity, secret);
            }
        }
    }

    pub(super) fn create_world(&self, origin: &Origin) -> World {
        let now = origin.start.unwrap_or_else(|| identkit_transport::SystemClock::new().wall());
        let mut world = self.plan.create_world(now, origin.seed, origin.profile, origin.rules.clone());
        self.set_credentials(&mut world, &origin.credentials);
        world
    }

    pub(super) fn start(&self, origin: &Origin) -> Sandbox {
        self.resume(self.create_world(origin), origin.mode)
    }

    pub(super) fn resume(&self, world: World, mode: Mode) -> Sandbox {
        let clock = VirtualClock::new(world.now);
        clock.set_mode(mode);
        Sandbox::run(&self.plan, clock, world)
    }

    pub(super) fn replace_sandbox(
        &self,
        table: &mut Table,
        id: &str,
        start: impl FnOnce(&Origin) -> Sandbox,
    ) -> Result<Sandbox, WorldError> {
        let slot = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        let sandbox = start(&slot.origin);
        let before = std::mem::replace(&mut slot.sandbox, sandbox.clone());
        before.runner().close();
        Ok(sandbox)
    }

    pub(super) fn identities(&self, world: &mut World) -> Vec<(&'static str, String)> {
        self.all_credentials(world).into_iter().map(|(vendor, identity, _)| (vendor, identity)).collect()
    }

    fn all_credentials(&self, world: &mut World) -> Vec<Credentials> {
        let of = |vendor: &dyn MockVendor, world: &mut World| {
            let [identity, secret] = vendor.account()?.credentials(world);
            Some((vendor.name(), identity, secret))
        };
        self.plan.vendors.iter().filter_map(|vendor| of(&**vendor, world)).collect()
    }

    pub(super) fn is_taken(&self, table: &Table, identity: &(&'static str, String), id: &str) -> bool {
        let others = table.claimed.get(identity).is_some_and(|other| other != id);
        let of_default = |default: &Slot| default.sandbox.with_world(|world| self.identities(world).contains(identity));
        others || (id != DEFAULT && table.worlds.get(DEFAULT).is_some_and(of_default))
    }

    pub(super) fn unclaimed(&self, table: &Table, identities: &[(&'static str, String)]) -> Result<(), WorldError> {
        match identities.iter().any(|identity| self.is_taken(table, identity, DEFAULT)) {
            true => Err(WorldError::SameCredentials),
            false => Ok(()),
        }
    }

    pub(super) fn claim(&self, table: &mut Table, id: &str, credentials: &[Credentials]) -> Result<(), WorldError> {
        let identities = || credentials.iter().map(|(vendor, identity, _)| (*vendor, identity.clone()));
        if identities().any(|identity| self.is_taken(table, &identity, id)) {
            return Err(WorldError::SameCredentials);
        }
        table.claimed.extend(identities().map(|identity| (identity, id.to_owned())));
        Ok(())
    }

    /// Records the current credentials of a world, which settings may have changed, for the world that replaces it.
    pub(super) fn record_credentials(&self, table: &mut Table, id: &str) -> Result<(), WorldError> {
        let slot = table.worlds.get_mut(id).ok_or(WorldError::Unknown)?;
        if id != DEFAULT {
            slot.origin.credentials = slot.sandbox.with_world(|world| self.all_credentials(world));
        }
        Ok(())
    }
}

/// Derives the seed of a world. It is below 2^53, so that JavaScript reads it exactly.
pub(super) fn derive_seed(seed: u64, id: &str) -> u64 {
    // FNV-1a over the id: it must differ between ids, and be the same in every run.
    let seed = id
        .bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    seed % (1 << 53)
}

pub(super) fn check_id(id: &str) -> Result<(), WorldError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // Clients remove `.` and `..` from paths.
    match (1..=MAX_ID).contains(&id.len()) && id.bytes().all(fits) && !matches!(id, "." | "..") {
        true => Ok(()),
        false => Err(WorldError::InvalidId),
    }
}

/// Why a world cannot be created, copied, restored or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorldError {
    /// No world has this id.
    Unknown,
    /// The world has no snapshot with this name.
    UnknownSnapshot,
    /// The world has the maximum number of snapshots.
    TooManySnapshots,
    /// Another world has this id.
    DuplicateId,
    /// The id is invalid. An id has 1 to 64 of `A`-`Z`, `a`-`z`, `0`-`9`, `-`, `_` and `.`, and is not `.` or `..`.
    InvalidId,
    /// The default world cannot be deleted; it can be reset.
    Default,
    /// Two worlds would have the same credentials.
    SameCredentials,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no world has this id",
            Self::UnknownSnapshot => "the world has no snapshot with this name",
            Self::TooManySnapshots => "a world has at most 100 snapshots; reuse the name of one of them",
            Self::DuplicateId => "another world has this id",
            Self::InvalidId => "an id has 1 to 64 of the characters A-Z, a-z, 0-9, -, _ and ., and is not . or ..",
            Self::Default => "the default world cannot be deleted; reset it instead",
            Self::SameCredentials => "another world has these credentials",
        })
    }
}

impl std::error::Error for WorldError {}
