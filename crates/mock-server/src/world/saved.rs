//! A world as one JSON document, and back.
//!
//! The document holds everything, so that what happens afterwards is the same to the byte. Its own keys are all
//! required, and other ones are refused: a file that says more than is understood here would lose that in silence, so
//! what is added to the format goes with another [`World::FORMAT`]. Settings alone are read by name, and have their
//! defaults where the document does not name them: a new setting needs no new format.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::deliveries::SavedDelivery;
use super::error::SavedError;
use super::read::{Fields, items, read, written};
use super::text::{self, AsText};
use super::{Part, RELEASE, RETRY, SANDBOX, Timer, World};
use crate::faults::Faults;
use crate::journal::Journal;
use crate::vendor::MockVendor;
use crate::webhooks::{Cause, Webhooks};

/// The key that tells a world from any other JSON, and its version.
const FORMAT_KEY: &str = "identkit_world";

/// All keys of the document.
const KEYS: [&str; 14] = [
    FORMAT_KEY,
    "now",
    "profile",
    "rules",
    "seed",
    "random",
    "sequence",
    "timers",
    "deliveries",
    "webhooks",
    "outbox",
    "blocked",
    "faults",
    "vendors",
];

/// Beyond this a number is not kept by every reader of JSON (RFC 8259, section 6), and counting on would overflow.
const MOST: u64 = 1 << 53;

/// Each copy is a request: more than this at once is no test of anything.
pub(crate) const COPIES: u32 = 100;

/// How deep a document may be nested: its readers refuse what is deeper.
const DEPTH: usize = 127;

/// The vendors' shares of a world that is being saved.
#[derive(Debug)]
pub struct Shares<'a> {
    world: &'a World,
    asked: HashSet<TypeId>,
}

impl<'a> Shares<'a> {
    /// A share, which thereby counts as saved; `None` when the world has none.
    pub fn get<T: Part>(&mut self) -> Option<&'a T> {
        self.asked.insert(TypeId::of::<T>());
        let part: &dyn Any = &**self.world.parts.get(&TypeId::of::<T>())?;
        part.downcast_ref()
    }

    /// The world itself.
    pub fn world(&self) -> &'a World {
        self.world
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTimer {
    #[serde(with = "text")]
    at: Timestamp,
    sequence: u64,
    vendor: String,
    what: String,
    subject: String,
}

/// A case that waits for webhooks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedBlocked {
    case: String,
    webhooks: u32,
}

/// A webhook that is to be sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTry {
    delivery: u64,
    by: Cause,
}

impl World {
    /// The version of the format that [`to_json`](Self::to_json) writes, and the only one that is read.
    pub const FORMAT: u64 = 2;

    /// Everything in this world as one JSON document. The same world gives the same document.
    ///
    /// It is as confidential as what was sent to the sandbox: orders and idents with all their data, webhooks with
    /// their URLs, credentials, tokens and TANs stand in it as they are. That is synthetic data, if it is used as it
    /// is meant to be.
    ///
    /// A webhook that is being delivered at this moment is saved as one that is still to be sent, since nobody hears
    /// the end of that try in the restored world: its receiver may get it twice.
    ///
    /// # Errors
    /// [`SavedError::NotSaved`] when it holds something that has no saved form: a share that no vendor saves, a timer
    /// that its vendor does not name, a setting made in Rust with a value that no name says.
    pub fn to_json(&self, vendors: &[Box<dyn MockVendor>]) -> Result<Value, SavedError> {
        // Named one by one, so that a new field is not forgotten here.
        let Self {
            now,
            random,
            seed,
            profile,
            rules,
            deliveries,
            webhooks,
            // What happened is no part of what is: the journal of a restored world begins anew.
            journal: _,
            faults,
            // How much may be kept is said to each process.
            bound: _,
            concerned: _,
            timers,
            sequence,
            blocked,
            outbox: _,
            parts,
        } = self;
        let mut saved_timers = Vec::with_capacity(timers.len());
        for ((at, sequence), Timer { vendor, what, subject }) in timers {
            if timer_name(vendors, vendor, what).is_none() {
                return Err(SavedError::not_saved(format!("its vendor does not name the timer {vendor}/{what}")));
            }
            let (vendor, what, subject) = ((*vendor).to_owned(), (*what).to_owned(), subject.clone());
            saved_timers.push(SavedTimer { at: *at, sequence: *sequence, vendor, what, subject });
        }
        let mut saved_deliveries = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            if vendor_name(vendors, delivery.vendor).is_none() {
                return Err(SavedError::not_saved(format!("no vendor {} has this webhook", delivery.vendor)));
            }
            saved_deliveries.push(written(&SavedDelivery::of(delivery)?, "a webhook")?);
        }
        let mut shares = Shares { world: self, asked: HashSet::new() };
        let mut saved_vendors = Map::new();
        for vendor in vendors {
            saved_vendors.insert(vendor.name().to_owned(), vendor.save(&mut shares)?);
        }
        if let Some((_, part)) = parts.iter().find(|(key, _)| !shares.asked.contains(key)) {
            return Err(SavedError::not_saved(format!("no vendor saves its share {}", (**part).type_name())));
        }
        let blocked_case = |(case, webhooks): (&String, &u32)| SavedBlocked { case: case.clone(), webhooks: *webhooks };
        let blocked_cases: Vec<_> = blocked.iter().map(blocked_case).collect();
        let document = Value::from_iter([
            (FORMAT_KEY, Self::FORMAT.into()),
            ("now", written(&AsText(*now), "the time")?),
            ("profile", written(profile, "the profile")?),
            ("rules", written(rules, "the rules")?),
            ("seed", written(&AsText(*seed), "the seed")?),
            ("random", written(&AsText(random.get_seed()), "the random generator")?),
            ("sequence", (*sequence).into()),
            ("timers", written(&saved_timers, "a timer")?),
            ("deliveries", saved_deliveries.into()),
            ("webhooks", written(webhooks, "the mode of webhooks")?),
            ("outbox", written(&self.unsent(), "the outbox")?),
            ("blocked", written(&blocked_cases, "the blocked cases")?),
            ("faults", faults.saved()?),
            ("vendors", saved_vendors.into()),
        ]);
        if is_deeper(&document, DEPTH) {
            return Err(SavedError::not_saved(format!("what was sent to it is nested deeper than {DEPTH} levels")));
        }
        Ok(document)
    }

    /// The webhooks that are to be sent: those on their way first.
    fn unsent(&self) -> Vec<SavedTry> {
        let tries = self.under_way().chain(self.outbox.iter().copied());
        tries.map(|(delivery, by)| SavedTry { delivery, by }).collect()
    }

    /// The world of a document that [`to_json`](Self::to_json) wrote, for the same vendors. Nothing is taken on trust;
    /// whatever does not fit is an error that says where.
    ///
    /// A case that waits for a webhook of which no try is to come, as a vendor that breaks down in the middle may leave
    /// it, waits no longer.
    ///
    /// Its time is that of the document: whoever moves it along has a clock that begins there.
    ///
    /// # Errors
    /// [`SavedError::NotAWorld`], [`SavedError::Version`], [`SavedError::Damaged`].
    pub fn from_json(vendors: &[Box<dyn MockVendor>], document: &Value) -> Result<Self, SavedError> {
        let version = document.get(FORMAT_KEY).ok_or(SavedError::NotAWorld)?;
        match version.as_u64() {
            Some(Self::FORMAT) => {}
            Some(found) => return Err(SavedError::Version { found }),
            None => return Err(SavedError::damaged(format!("/{FORMAT_KEY}"), "expected a version, a whole number")),
        }
        let fields = Fields::of(document, "", &KEYS)?;
        let now = fields.read::<AsText<Timestamp>>("now")?.0;
        let random = fields.read::<AsText<u64>>("random")?.0;
        let sequence = fields.read::<u64>("sequence")?;
        if sequence > MOST {
            return Err(SavedError::damaged(fields.at("sequence"), "expected a number of at most 2^53"));
        }
        let mut world = Self {
            now,
            random: fastrand::Rng::with_seed(random),
            seed: fields.read::<AsText<u64>>("seed")?.0,
            profile: fields.read("profile")?,
            rules: fields.read("rules")?,
            journal: Journal::default(),
            faults: Faults::restored(fields.get("faults")?, &fields.at("faults"))?,
            bound: super::bound::Bound::default(),
            concerned: None,
            deliveries: Vec::new(),
            webhooks: Webhooks::default(),
            timers: BTreeMap::new(),
            sequence,
            blocked: BTreeMap::new(),
            outbox: Vec::new(),
            parts: HashMap::new(),
        };
        let ids = world.load_deliveries(vendors, fields)?;
        world.load_timers(vendors, fields, &ids)?;
        let unsent: Vec<SavedTry> = fields.list("outbox")?;
        if let Some(index) = unsent.iter().position(|saved| !ids.contains(&saved.delivery)) {
            let at = format!("{}/{index}/delivery", fields.at("outbox"));
            return Err(SavedError::damaged(at, "expected the id of a delivery"));
        }
        world.outbox = unsent.into_iter().map(|saved| (saved.delivery, saved.by)).collect();
        world.webhooks = fields.read("webhooks")?;
        if world.webhooks.overtaken.is_some_and(|id| !ids.contains(&id)) {
            let at = format!("{}/overtaken", fields.at("webhooks"));
            return Err(SavedError::damaged(at, "expected the id of a delivery"));
        }
        for (index, saved) in fields.list::<SavedBlocked>("blocked")?.into_iter().enumerate() {
            if saved.webhooks == 0 || world.blocked.insert(saved.case, saved.webhooks).is_some() {
                let at = format!("{}/{index}", fields.at("blocked"));
                return Err(SavedError::damaged(at, "expected a case of its own that waits for webhooks, 1 or more"));
            }
        }
        world.load_shares(vendors, fields)?;
        world.wait_for_what_comes(vendors);
        Ok(world)
    }

    /// Lets cases wait for no more webhooks than are to come: nobody would ever hear that another one is over. One that
    /// would wait for none goes on, as after the first try.
    fn wait_for_what_comes(&mut self, vendors: &[Box<dyn MockVendor>]) {
        let tries: HashSet<u64> = self.outbox.iter().filter(|(_, by)| !by.is_extra()).map(|(id, _)| *id).collect();
        let mut to_come: HashMap<String, u32> = HashMap::new();
        for id in tries {
            // What is held, or was tried before, sets nothing free.
            if let Some(delivery) = self.delivery(id).filter(|delivery| delivery.blocks && delivery.is_new())
                && delivery.held.is_none()
            {
                *to_come.entry(delivery.case.clone()).or_default() += 1;
            }
        }
        let mut free = Vec::new();
        for (case, webhooks) in &mut self.blocked {
            match to_come.get(case) {
                Some(to_come) => *webhooks = (*webhooks).min(*to_come),
                None => free.push(case.clone()),
            }
        }
        for case in free {
            self.blocked.remove(&case);
            let last = self.deliveries.iter().rev().find(|delivery| delivery.case == case);
            let vendor = last.and_then(|last| vendors.iter().find(|vendor| vendor.name() == last.vendor));
            if let Some(vendor) = vendor {
                vendor.delivered(self, &case);
            }
        }
    }

    /// Puts the deliveries back, and returns their ids.
    fn load_deliveries(
        &mut self,
        vendors: &[Box<dyn MockVendor>],
        fields: Fields<'_>,
    ) -> Result<HashSet<u64>, SavedError> {
        let (all, place) = (fields.get("deliveries")?, fields.at("deliveries"));
        let mut ids = HashSet::new();
        for (item, at) in items(all, &place)? {
            let saved: SavedDelivery = read(item, &at)?;
            if saved.id > self.sequence || !ids.insert(saved.id) {
                return Err(SavedError::damaged(format!("{at}/id"), "expected an id of its own, up to sequence"));
            }
            let Some(vendor) = vendor_name(vendors, &saved.vendor) else {
                return Err(SavedError::damaged(format!("{at}/vendor"), known(vendors)));
            };
            if saved.copies > COPIES {
                return Err(SavedError::damaged(format!("{at}/copies"), "expected a number of at most 100"));
            }
            self.deliveries.push(saved.restore(vendor, &at)?);
        }
        // They are looked for by their ids.
        self.deliveries.sort_by_key(|delivery| delivery.id);
        Ok(ids)
    }

    fn load_timers(
        &mut self,
        vendors: &[Box<dyn MockVendor>],
        fields: Fields<'_>,
        ids: &HashSet<u64>,
    ) -> Result<(), SavedError> {
        let (all, place) = (fields.get("timers")?, fields.at("timers"));
        let mut sequences = HashSet::new();
        for (item, at) in items(all, &place)? {
            let saved: SavedTimer = read(item, &at)?;
            if saved.sequence > self.sequence || !sequences.insert(saved.sequence) {
                let message = "expected a number of its own, up to the sequence of the world";
                return Err(SavedError::damaged(format!("{at}/sequence"), message));
            }
            let Some((vendor, what)) = timer_name(vendors, &saved.vendor, &saved.what) else {
                return Err(SavedError::damaged(format!("{at}/what"), "expected a timer of a vendor of this sandbox"));
            };
            if vendor == SANDBOX && !saved.subject.parse().is_ok_and(|id: u64| ids.contains(&id)) {
                return Err(SavedError::damaged(format!("{at}/subject"), "expected the id of a delivery"));
            }
            self.timers.insert((saved.at, saved.sequence), Timer { vendor, what, subject: saved.subject });
        }
        Ok(())
    }

    fn load_shares(&mut self, vendors: &[Box<dyn MockVendor>], fields: Fields<'_>) -> Result<(), SavedError> {
        let names: Vec<&str> = vendors.iter().map(|vendor| vendor.name()).collect();
        let place = fields.at("vendors");
        let shares = Fields::of(fields.get("vendors")?, &place, &names)?;
        for vendor in vendors {
            vendor.load(self, shares.get(vendor.name())?).map_err(|error| error.below(&shares.at(vendor.name())))?;
        }
        Ok(())
    }
}

fn vendor_name(vendors: &[Box<dyn MockVendor>], name: &str) -> Option<&'static str> {
    vendors.iter().map(|vendor| vendor.name()).find(|known| *known == name)
}

fn timer_name(vendors: &[Box<dyn MockVendor>], vendor: &str, what: &str) -> Option<(&'static str, &'static str)> {
    if vendor == SANDBOX {
        return [RETRY, RELEASE].into_iter().find(|known| *known == what).map(|what| (SANDBOX, what));
    }
    let vendor = vendors.iter().find(|known| known.name() == vendor)?;
    Some((vendor.name(), vendor.timers().iter().find(|known| **known == what)?))
}

fn known(vendors: &[Box<dyn MockVendor>]) -> String {
    let names: Vec<&str> = vendors.iter().map(|vendor| vendor.name()).collect();
    format!("expected a vendor of this sandbox, which has: {}", names.join(", "))
}

/// Whether lists and objects are nested deeper than this.
fn is_deeper(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if most == 0 => true,
        Value::Array(items) => items.iter().any(|item| is_deeper(item, most - 1)),
        Value::Object(entries) => entries.values().any(|item| is_deeper(item, most - 1)),
        _ => false,
    }
}
