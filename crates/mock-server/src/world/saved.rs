//! Converts a world to one JSON document and back.
//!
//! The document contains the complete state except the journal, so that a restored world behaves identically, to the
//! byte. All keys of the format are required and other keys are rejected, so that nothing is lost silently. A change of
//! the format changes [`World::FORMAT`]. Only settings have defaults if they are missing: a new setting needs no new
//! format.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read as _, Write as _};
use std::path::Path;

use identkit_files::{Draft, Existing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::data::{CaseLimit, Profile, RETRY, SANDBOX, StateReader, Timer, World};
use super::error::{FORMAT, SavedError, read, to_value};
use super::messages::Messages;
use super::text;
use super::unlocked::Unlocked;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::rules::Rules;
use crate::vendor::{names_of, rules_of};
use crate::webhooks::{Cause, Delivery, Webhooks};
use crate::{MockVendor, VendorFacts, nesting};

/// Key that identifies a saved world. Its value is the version of the format.
const FORMAT_KEY: &str = "identkit_world";

/// Maximum sequence number: greater integers are not interoperable in JSON (RFC 8259, section 6).
const MAX_SEQUENCE: u64 = 1 << 53;

/// Maximum number of waiting copies of a webhook. Each copy is a request.
pub(crate) const COPIES: u32 = 100;

/// Maximum nesting depth of a document. Readers of JSON reject deeper ones.
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
    outbox: Vec<SavedAttempt>,
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
struct SavedAttempt {
    delivery: u64,
    by: Cause,
}

impl World {
    /// Version of the format that [`to_json`](Self::to_json) writes, and the only one that can be loaded.
    pub const FORMAT: u64 = FORMAT;

    /// Returns the world as one JSON document, without the journal. The same world gives the same document.
    ///
    /// The document contains everything that was sent to the sandbox, unmasked: data of orders and idents, URLs of
    /// webhooks, credentials, tokens and TANs. The sandbox should only receive synthetic data.
    ///
    /// A webhook attempt in flight is saved as one to be sent, because the restored world does not get its outcome. So
    /// the receiver can get the webhook twice.
    ///
    /// # Errors
    /// [`SavedError::NotSaved`] if the world contains something without a saved form: a state that no vendor saves, a
    /// timer that its vendor does not list, or a setting whose value has no name.
    pub fn to_json(&self, vendors: &[Box<dyn MockVendor>]) -> Result<Value, SavedError> {
        let saved_timer = |((at, sequence), timer): (&(Timestamp, u64), &Timer)| {
            let Timer { vendor, what, subject } = timer;
            if timer_name(vendors, vendor, what).is_none() {
                return Err(SavedError::not_saved(format!("the vendor does not list the timer {vendor}/{what}")));
            }
            let (vendor, what, subject) = ((*vendor).to_owned(), (*what).to_owned(), subject.clone());
            Ok(SavedTimer { at: *at, sequence: *sequence, vendor, what, subject })
        };
        if let Some(unknown) = self.deliveries.iter().find(|delivery| facts_of(vendors, &delivery.vendor).is_none()) {
            return Err(SavedError::not_saved(format!("a webhook belongs to the unknown vendor {}", unknown.vendor)));
        }
        if self.deliveries.iter().any(|delivery| !delivery.request.0.extensions().is_empty()) {
            return Err(SavedError::not_saved("the request of a webhook has extensions, which have no saved form"));
        }
        let mut states = StateReader::new(self);
        let mut saved_vendors = Map::new();
        for vendor in vendors {
            saved_vendors.insert(vendor.name().to_owned(), vendor.save(&mut states)?);
        }
        states.finish()?;
        // Attempts in flight come first.
        let attempts = self.in_flight().chain(self.outbox.iter().copied());
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
            outbox: attempts.map(|(delivery, by)| SavedAttempt { delivery, by }).collect(),
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
            return Err(SavedError::not_saved(format!("it is nested deeper than {DEPTH} levels")));
        }
        Ok(document)
    }

    /// Loads a world from a document that [`to_json`](Self::to_json) wrote for the same vendors. The document is
    /// validated completely.
    ///
    /// If a case waits for a webhook without a further attempt, e.g. after a vendor panicked, it continues.
    ///
    /// The clock of the sandbox that runs the world must start at the time of the document, [`now`](Self::now).
    ///
    /// # Errors
    /// [`SavedError::NotAWorld`], [`SavedError::Version`], [`SavedError::Damaged`].
    pub fn from_json(vendors: &[Box<dyn MockVendor>], document: &Value) -> Result<Self, SavedError> {
        let version = document.get(FORMAT_KEY).ok_or(SavedError::NotAWorld)?;
        match version.as_u64() {
            Some(Self::FORMAT) => {}
            Some(found) => return Err(SavedError::Version { found }),
            None => return Err(SavedError::damaged(format!("/{FORMAT_KEY}"), "expected the version, an integer")),
        }
        let saved: SavedWorld = read(document)?;
        if saved.sequence > MAX_SEQUENCE {
            return Err(SavedError::damaged("/sequence", "expected a number of at most 2^53"));
        }
        let mut rules = Rules::default();
        for (index, id) in saved.rules.iter().enumerate() {
            rules.switch_off(id, rules_of(vendors)).map_err(|_| {
                SavedError::damaged(format!("/rules/{index}"), "expected the id of a rule that can be switched off")
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
            case_limit: CaseLimit::default(),
            request_case: None,
            has_pages: false,
            page_origin: None,
            warnings: Vec::new(),
            messages: Messages::default(),
            deliveries: Vec::new(),
            webhooks: saved.webhooks,
            timers: BTreeMap::new(),
            sequence: saved.sequence,
            blocked: BTreeMap::new(),
            outbox: saved.outbox.iter().map(|saved| (saved.delivery, saved.by)).collect(),
            states: HashMap::new(),
            unlocked: Unlocked::default(),
        };
        let waits = |saved: &Delivery| (saved.next.is_some() && saved.held.is_none()).then_some(saved.id);
        let waiting: Vec<Option<u64>> = saved.deliveries.iter().map(waits).collect();
        let ids = world.load_deliveries(vendors, saved.deliveries)?;
        world.load_timers(vendors, saved.timers, &ids)?;
        world.check_retries(&waiting)?;
        let unknown = saved.outbox.iter().position(|saved| !ids.contains(&saved.delivery));
        let unknown = unknown.map(|index| format!("/outbox/{index}/delivery"));
        let overtaken = world.webhooks.overtaken.filter(|id| !ids.contains(id));
        if let Some(at) = unknown.or_else(|| overtaken.map(|_| "/webhooks/overtaken".to_owned())) {
            return Err(SavedError::damaged(at, "expected the id of a delivery"));
        }
        for (index, saved) in saved.blocked.into_iter().enumerate() {
            if saved.webhooks == 0 || world.blocked.insert(saved.case, saved.webhooks).is_some() {
                let message = "expected a unique case that waits for at least 1 webhook";
                return Err(SavedError::damaged(format!("/blocked/{index}"), message));
            }
        }
        world.load_states(vendors, &saved.vendors)?;
        world.limit_blocks(vendors);
        Ok(world)
    }

    /// Limits the blocks of each case to the queued first attempts, because no other attempt would unblock it. A case
    /// without any continues, as after its first attempt.
    fn limit_blocks(&mut self, vendors: &[Box<dyn MockVendor>]) {
        let attempts: HashSet<u64> = self.outbox.iter().filter(|(_, by)| !by.is_extra()).map(|(id, _)| *id).collect();
        let mut queued: HashMap<String, u32> = HashMap::new();
        for id in attempts {
            // Only a first attempt that is not held unblocks a case.
            if let Some(delivery) = self.delivery(id).filter(|delivery| delivery.blocks && delivery.is_new())
                && delivery.held.is_none()
            {
                *queued.entry(delivery.case.clone()).or_default() += 1;
            }
        }
        let mut free = Vec::new();
        for (case, webhooks) in &mut self.blocked {
            match queued.get(case) {
                Some(queued) => *webhooks = (*webhooks).min(*queued),
                None => free.push(case.clone()),
            }
        }
        for case in free {
            self.blocked.remove(&case);
            let last = self.deliveries.iter().rev().find(|delivery| delivery.case == case);
            let vendor = last.and_then(|last| vendors.iter().find(|vendor| vendor.name() == last.vendor));
            if let Some(vendor) = vendor {
                vendor.on_first_attempt(self, &case);
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
                return Err(SavedError::damaged(format!("{at}/id"), "expected a unique id, at most sequence"));
            }
            let Some(facts) = facts_of(vendors, &saved.vendor) else {
                let message = format!("expected a vendor of this sandbox: {}", names_of(vendors));
                return Err(SavedError::damaged(format!("{at}/vendor"), message));
            };
            if saved.copies > COPIES {
                return Err(SavedError::damaged(format!("{at}/copies"), "expected a number of at most 100"));
            }
            saved.facts = facts;
            self.deliveries.push(saved);
        }
        // `delivery` uses a binary search.
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
                return damaged("sequence", "expected a unique number, at most the sequence of the world");
            }
            let Some((vendor, what)) = timer_name(vendors, &saved.vendor, &saved.what) else {
                return damaged("what", "expected a timer of a vendor of this sandbox");
            };
            if vendor == SANDBOX && !saved.subject.parse().is_ok_and(|id: u64| ids.contains(&id)) {
                return damaged("subject", "expected the id of a delivery");
            }
            let released = vendor == SANDBOX && what == RELEASE;
            if released && !self.delay_until(saved.at, &saved.subject) {
                continue;
            }
            let what = if released { RETRY } else { what };
            self.timers.insert((saved.at, saved.sequence), Timer { vendor, what, subject: saved.subject });
        }
        Ok(())
    }

    /// Converts a delayed webhook of an earlier version, which saved it as held until the time of a timer. Returns `false` for
    /// any other webhook.
    fn delay_until(&mut self, at: Timestamp, id: &str) -> bool {
        let delivery = id.parse().ok().and_then(|id| self.delivery(id));
        let Some(delivery) = delivery.filter(|delivery| delivery.is_new() && delivery.held.is_some()) else {
            return false;
        };
        (delivery.held, delivery.next) = (None, Some(at));
        true
    }

    /// Checks that each delivery that waits for its next attempt has one. Otherwise it would wait forever.
    fn check_retries(&self, waiting: &[Option<u64>]) -> Result<(), SavedError> {
        let timers = self.timers.values().filter(|timer| timer.what == RETRY);
        let mut due: HashSet<u64> = timers.filter_map(|timer| timer.subject.parse().ok()).collect();
        due.extend(self.outbox.iter().map(|(id, _)| *id));
        match waiting.iter().position(|id| id.is_some_and(|id| !due.contains(&id))) {
            None => Ok(()),
            Some(index) => {
                let message = "expected a timer `retry`, or an entry in outbox, for this delivery";
                Err(SavedError::damaged(format!("/deliveries/{index}/next"), message))
            }
        }
    }

    fn load_states(&mut self, vendors: &[Box<dyn MockVendor>], saved: &Map<String, Value>) -> Result<(), SavedError> {
        if saved.keys().any(|key| facts_of(vendors, key).is_none()) {
            let message = format!("unknown field; allowed: {}", names_of(vendors));
            return Err(SavedError::damaged("/vendors/*", message));
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

/// Timer of an earlier version: the release of a webhook that a mode delays.
const RELEASE: &str = "release";

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
    /// Saves the world to a file, atomically: after an error, the file is unchanged. On Unix only its owner can read
    /// it, because it contains credentials, tokens and TANs.
    ///
    /// # Errors
    /// As in [`to_json`](Self::to_json), and [`SavedError::File`] if the file cannot be written.
    pub fn save_file(&self, vendors: &[Box<dyn MockVendor>], path: &Path) -> Result<(), SavedError> {
        let world = self.to_json(vendors)?;
        let mut draft = BufWriter::new(Draft::new(path)?);
        serde_json::to_writer(&mut draft, &world).map_err(io::Error::from)?;
        draft.write_all(b"\n")?;
        let draft = draft.into_inner().map_err(IntoInnerError::into_error)?;
        Ok(draft.commit(Existing::Replace).map_err(io::Error::from)?)
    }

    /// Loads a world from a file of at most `limit` bytes.
    ///
    /// # Errors
    /// As in [`from_json`](Self::from_json), and [`SavedError::File`], [`SavedError::TooLarge`],
    /// [`SavedError::NotJson`].
    pub fn load_file(vendors: &[Box<dyn MockVendor>], path: &Path, limit: u64) -> Result<Self, SavedError> {
        let mut bytes = Vec::new();
        // One more byte shows that the file is too large.
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(SavedError::TooLarge { limit });
        }
        let not_json = |error: serde_json::Error| SavedError::NotJson { line: error.line(), column: error.column() };
        // Without the byte order mark that some editors add.
        let text = identkit_wire::text::decode(&bytes).map_or(&*bytes, str::as_bytes);
        let document: Value = serde_json::from_slice(text).map_err(not_json)?;
        if document.as_object().is_some_and(|members| nesting::has_duplicate_name(text, members)) {
            return Err(SavedError::damaged("", "expected each name only once in an object"));
        }
        Self::from_json(vendors, &document)
    }
}
