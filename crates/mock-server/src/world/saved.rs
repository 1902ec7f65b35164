//! A world as one JSON document, and back.
//!
//! The document holds everything, so that what happens afterwards is the same to the byte. Its own keys are all
//! required, and other ones are refused: a file that says more than is understood here would lose that in silence, so
//! what is added to the format goes with another [`World::FORMAT`]. Settings alone are read by name, and have their
//! defaults where the document does not name them: a new setting needs no new format.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read as _, Write as _};
use std::path::Path;

use identkit_files::{Draft, Existing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::data::Bound;
use super::data::Profile;
use super::data::{RELEASE, RETRY, SANDBOX, StateReader, Timer, World};
use super::error::{FORMAT, SavedError, read, to_value};
use super::text;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::rules::Rules;
use crate::vendor::{names_of, rules_of};
use crate::webhooks::{Cause, Delivery, Webhooks};
use crate::{MockVendor, VendorFacts};

/// The key that tells a world from any other JSON, and its version.
const FORMAT_KEY: &str = "identkit_world";

/// Beyond this a number is not kept by every reader of JSON (RFC 8259, section 6), and counting on would overflow.
const MAX_SEQUENCE: u64 = 1 << 53;

/// Each copy is a request: more than this at once is no test of anything.
pub(crate) const COPIES: u32 = 100;

/// How deep a document may be nested: its readers refuse what is deeper.
const DEPTH: usize = 127;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedWorld {
    identkit_world: u64,
    #[serde(with = "text")]
    now: Timestamp,
    profile: Profile,
    /// Ids of the rules that are switched off.
    rules: Vec<String>,
    #[serde(with = "text")]
    seed: u64,
    #[serde(with = "text")]
    random: fastrand::Rng,
    sequence: u64,
    timers: Vec<SavedTimer>,
    deliveries: Vec<Delivery>,
    webhooks: Webhooks,
    outbox: Vec<SavedTry>,
    blocked: Vec<SavedBlocked>,
    faults: Faults,
    vendors: Map<String, Value>,
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedBlocked {
    case: String,
    webhooks: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTry {
    delivery: u64,
    by: Cause,
}

impl World {
    /// The version of the format that [`to_json`](Self::to_json) writes, and the only one that is read.
    pub const FORMAT: u64 = FORMAT;

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
        let saved_timer = |((at, sequence), timer): (&(Timestamp, u64), &Timer)| {
            let Timer { vendor, what, subject } = timer;
            if timer_name(vendors, vendor, what).is_none() {
                return Err(SavedError::not_saved(format!("its vendor does not name the timer {vendor}/{what}")));
            }
            let (vendor, what, subject) = ((*vendor).to_owned(), (*what).to_owned(), subject.clone());
            Ok(SavedTimer { at: *at, sequence: *sequence, vendor, what, subject })
        };
        if let Some(alien) = self.deliveries.iter().find(|delivery| facts_of(vendors, &delivery.vendor).is_none()) {
            return Err(SavedError::not_saved(format!("no vendor {} has this webhook", alien.vendor)));
        }
        if self.deliveries.iter().any(|delivery| !delivery.request.0.extensions().is_empty()) {
            return Err(SavedError::not_saved("the request of a webhook carries extensions, which have no saved form"));
        }
        let mut states = StateReader::new(self);
        let mut saved_vendors = Map::new();
        for vendor in vendors {
            saved_vendors.insert(vendor.name().to_owned(), vendor.save(&mut states)?);
        }
        states.finish()?;
        // Those on their way first.
        let tries = self.under_way().chain(self.outbox.iter().copied());
        let saved = SavedWorld {
            identkit_world: Self::FORMAT,
            now: self.now,
            profile: self.profile,
            rules: self.rules.without().map(str::to_owned).collect(),
            seed: self.seed,
            random: self.random.clone(),
            sequence: self.sequence,
            timers: self.timers.iter().map(saved_timer).collect::<Result<_, _>>()?,
            deliveries: self.deliveries.clone(),
            webhooks: self.webhooks.clone(),
            outbox: tries.map(|(delivery, by)| SavedTry { delivery, by }).collect(),
            blocked: self
                .blocked
                .iter()
                .map(|(case, count)| SavedBlocked { case: case.clone(), webhooks: *count })
                .collect(),
            faults: self.faults.clone(),
            vendors: saved_vendors,
        };
        let document = to_value(&saved, "the world")?;
        if is_deeper(&document, DEPTH) {
            return Err(SavedError::not_saved(format!("what was sent to it is nested deeper than {DEPTH} levels")));
        }
        Ok(document)
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
        let saved: SavedWorld = read(document)?;
        if saved.sequence > MAX_SEQUENCE {
            return Err(SavedError::damaged("/sequence", "expected a number of at most 2^53"));
        }
        let mut rules = Rules::default();
        for (index, id) in saved.rules.iter().enumerate() {
            rules.switch_off(id, rules_of(vendors)).map_err(|_| {
                SavedError::damaged(format!("/rules/{index}"), "expected the id of a rule that can be off")
            })?;
        }
        let mut world = Self {
            now: saved.now,
            random: saved.random,
            seed: saved.seed,
            profile: saved.profile,
            rules,
            journal: Journal::default(),
            faults: saved.faults.checked()?,
            bound: Bound::default(),
            concerned: None,
            deliveries: Vec::new(),
            webhooks: saved.webhooks,
            timers: BTreeMap::new(),
            sequence: saved.sequence,
            blocked: BTreeMap::new(),
            outbox: saved.outbox.iter().map(|saved| (saved.delivery, saved.by)).collect(),
            states: HashMap::new(),
        };
        let ids = world.load_deliveries(vendors, saved.deliveries)?;
        world.load_timers(vendors, saved.timers, &ids)?;
        let stray = saved.outbox.iter().position(|saved| !ids.contains(&saved.delivery));
        let stray = stray.map(|index| format!("/outbox/{index}/delivery"));
        let overtaken = world.webhooks.overtaken.filter(|id| !ids.contains(id));
        if let Some(at) = stray.or_else(|| overtaken.map(|_| "/webhooks/overtaken".to_owned())) {
            return Err(SavedError::damaged(at, "expected the id of a delivery"));
        }
        for (index, saved) in saved.blocked.into_iter().enumerate() {
            if saved.webhooks == 0 || world.blocked.insert(saved.case, saved.webhooks).is_some() {
                let message = "expected a case of its own that waits for webhooks, 1 or more";
                return Err(SavedError::damaged(format!("/blocked/{index}"), message));
            }
        }
        world.load_states(vendors, &saved.vendors)?;
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

    fn load_deliveries(
        &mut self,
        vendors: &[Box<dyn MockVendor>],
        all: Vec<Delivery>,
    ) -> Result<HashSet<u64>, SavedError> {
        let mut ids = HashSet::new();
        for (index, mut saved) in all.into_iter().enumerate() {
            let at = format!("/deliveries/{index}");
            if saved.id > self.sequence || !ids.insert(saved.id) {
                return Err(SavedError::damaged(format!("{at}/id"), "expected an id of its own, up to sequence"));
            }
            let Some(facts) = facts_of(vendors, &saved.vendor) else {
                let message = format!("expected a vendor of this sandbox, which has: {}", names_of(vendors));
                return Err(SavedError::damaged(format!("{at}/vendor"), message));
            };
            if saved.copies > COPIES {
                return Err(SavedError::damaged(format!("{at}/copies"), "expected a number of at most 100"));
            }
            saved.facts = facts;
            self.deliveries.push(saved);
        }
        // They are looked for by their ids.
        self.deliveries.sort_by_key(|delivery| delivery.id);
        Ok(ids)
    }

    fn load_timers(
        &mut self,
        vendors: &[Box<dyn MockVendor>],
        all: Vec<SavedTimer>,
        ids: &HashSet<u64>,
    ) -> Result<(), SavedError> {
        let mut sequences = HashSet::new();
        for (index, saved) in all.into_iter().enumerate() {
            let damaged =
                |key: &str, message: &str| Err(SavedError::damaged(format!("/timers/{index}/{key}"), message));
            if saved.sequence > self.sequence || !sequences.insert(saved.sequence) {
                return damaged("sequence", "expected a number of its own, up to the sequence of the world");
            }
            let Some((vendor, what)) = timer_name(vendors, &saved.vendor, &saved.what) else {
                return damaged("what", "expected a timer of a vendor of this sandbox");
            };
            if vendor == SANDBOX && !saved.subject.parse().is_ok_and(|id: u64| ids.contains(&id)) {
                return damaged("subject", "expected the id of a delivery");
            }
            self.timers.insert((saved.at, saved.sequence), Timer { vendor, what, subject: saved.subject });
        }
        Ok(())
    }

    fn load_states(&mut self, vendors: &[Box<dyn MockVendor>], saved: &Map<String, Value>) -> Result<(), SavedError> {
        if saved.keys().any(|key| facts_of(vendors, key).is_none()) {
            let message = format!("there is a field other than: {}", names_of(vendors));
            return Err(SavedError::damaged("/vendors", message));
        }
        for vendor in vendors {
            let name = vendor.name();
            let missing = || SavedError::damaged("/vendors", format!("the field {name} is missing"));
            let state = saved.get(name).ok_or_else(missing)?;
            vendor.load(self, state).map_err(|error| error.below(&format!("/vendors/{name}")))?;
        }
        Ok(())
    }
}

fn facts_of(vendors: &[Box<dyn MockVendor>], name: &str) -> Option<&'static VendorFacts> {
    vendors.iter().map(|vendor| vendor.facts()).find(|known| known.name == name)
}

fn timer_name(vendors: &[Box<dyn MockVendor>], vendor: &str, what: &str) -> Option<(&'static str, &'static str)> {
    let (vendor, timers) = match vendor {
        SANDBOX => (SANDBOX, &[RETRY, RELEASE][..]),
        _ => facts_of(vendors, vendor).map(|facts| (facts.name, facts.timers))?,
    };
    Some((vendor, timers.iter().find(|known| **known == what)?))
}

fn is_deeper(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if most == 0 => true,
        Value::Array(items) => items.iter().any(|item| is_deeper(item, most - 1)),
        Value::Object(entries) => entries.values().any(|item| is_deeper(item, most - 1)),
        _ => false,
    }
}

impl World {
    /// Saves the world into a file, which is the whole world or, after an error, what it was before. On Unix its owner
    /// alone may read it: it holds whatever was sent to the sandbox, with credentials, tokens and TANs.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json), and [`SavedError::File`].
    pub fn save_file(&self, vendors: &[Box<dyn MockVendor>], path: &Path) -> Result<(), SavedError> {
        let world = self.to_json(vendors)?;
        let mut draft = BufWriter::new(Draft::new(path)?);
        serde_json::to_writer(&mut draft, &world).map_err(io::Error::from)?;
        draft.write_all(b"\n")?;
        let draft = draft.into_inner().map_err(IntoInnerError::into_error)?;
        Ok(draft.commit(Existing::Replace).map_err(io::Error::from)?)
    }

    /// The world that was saved into a file of at most so many bytes.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json), and [`SavedError::File`], [`SavedError::TooLarge`], [`SavedError::NotJson`].
    pub fn load_file(vendors: &[Box<dyn MockVendor>], path: &Path, limit: u64) -> Result<Self, SavedError> {
        let mut bytes = Vec::new();
        // One byte more tells a file that is too large from one that just fits.
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(SavedError::TooLarge { limit });
        }
        let not_json = |error: serde_json::Error| SavedError::NotJson { line: error.line(), column: error.column() };
        Self::from_json(vendors, &serde_json::from_slice(&bytes).map_err(not_json)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_in_place_of_an_object_is_refused() {
        let vendors = crate::vendors::all();
        let document = World::new(Timestamp::UNIX_EPOCH, 1, Profile::Literal).to_json(&vendors).unwrap();
        let states = vendors.iter().map(|vendor| format!("/vendors/{}", vendor.name()));
        for pointer in states.chain(["/faults".to_owned()]) {
            let mut damaged = document.clone();
            let place = damaged.pointer_mut(&pointer).unwrap();
            *place = place.as_object().unwrap().values().cloned().collect();
            let error = World::from_json(&vendors, &damaged).unwrap_err();
            assert_eq!(error, SavedError::damaged(pointer, "expected an object"));
        }
        let mut damaged = document;
        damaged["webhooks"] = 7.into();
        let error = World::from_json(&vendors, &damaged).unwrap_err();
        assert_eq!(error, SavedError::damaged("/webhooks", "expected an object"), "no name of a type");
    }
}
