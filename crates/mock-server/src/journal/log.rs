//! The journal: stores entries, finds calls and near misses.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use identkit_core::Violation;
use jiff::Timestamp;

use super::filter::is_of;
use super::{Call, Difference, Entry, EntryKind, Filter};

/// Default maximum number of entries.
const LIMIT: usize = 10_000;

/// Maximum size of all entries in bytes, without the collection that holds them.
const MAX_WEIGHT: usize = 64 * 1024 * 1024;

/// Size of an entry without its texts and bodies, in bytes.
const ENTRY: usize = 512;

/// The journal of a world.
#[derive(Clone, Debug)]
pub struct Journal {
    entries: VecDeque<Entry>,
    sequence: u64,
    /// Number of the last entry that `clear` removed.
    cleared: u64,
    weight: usize,
    /// Number of calls of each operation, including evicted ones.
    calls: BTreeMap<&'static str, u64>,
    limit: usize,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: VecDeque::new(), sequence: 0, cleared: 0, weight: 0, calls: BTreeMap::new(), limit: LIMIT }
    }
}

impl EntryKind {
    fn weight(&self) -> usize {
        let more = match self {
            Self::Call(call) => {
                let headers = call.headers.0.len() + call.answer_headers.0.len();
                let path = call.path().len() + call.case.as_ref().map_or(0, String::len);
                let faults = call.refused.iter().chain(&call.warnings);
                let faults: usize =
                    faults.map(|fault| size_of::<Violation>() + fault.field.len() + fault.message.len()).sum();
                path + headers + faults + call.body.bytes.len() + call.answer.bytes.len()
            }
            Self::Fired { subject, .. } => subject.len(),
            Self::Attempt(attempt) => {
                let answer = attempt.answer.as_ref();
                let answer = answer.map_or(0, |answer| answer.headers.0.len() + answer.body.bytes.len());
                attempt.case.len() + attempt.event.len() + answer + attempt.finding.as_ref().map_or(0, String::len)
            }
            Self::Moved { case, by } => case.len() + by.len(),
            Self::Changed { how, .. } => how.len(),
        };
        ENTRY + more
    }
}

impl Journal {
    /// Returns the answers of a delivery's receiver that the journal still holds, by the number of the attempt.
    #[cfg(feature = "server")]
    pub(crate) fn answers_of(&self, delivery: u64) -> BTreeMap<usize, &super::Answer> {
        let attempts = self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Attempt(attempt) if attempt.delivery == delivery => Some(attempt),
            _ => None,
        });
        attempts.filter_map(|attempt| Some((attempt.number, attempt.answer.as_ref()?))).collect()
    }

    /// Adds an entry and returns its number.
    pub fn note(&mut self, at: Timestamp, kind: EntryKind) -> u64 {
        self.sequence += 1;
        if let EntryKind::Call(call) = &kind
            && let Some(operation) = call.operation
        {
            *self.calls.entry(operation).or_default() += 1;
        }
        self.weight += kind.weight();
        self.entries.push_back(Entry { sequence: self.sequence, at, kind });
        while self.entries.len() > self.limit || self.weight > MAX_WEIGHT {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.weight -= oldest.kind.weight();
        }
        self.sequence
    }

    /// The number of the last entry; 0 if there is none.
    pub fn last(&self) -> u64 {
        self.sequence
    }

    /// Iterates over the stored entries after the one with this number, oldest first.
    pub fn since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        let skip = usize::try_from(sequence.saturating_sub(self.before())).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }

    /// The number of the entry before the oldest stored one.
    fn before(&self) -> u64 {
        self.sequence - self.entries.len() as u64
    }

    /// Returns the entry with this number, if it is stored.
    pub fn get(&self, sequence: u64) -> Option<&Entry> {
        self.since(sequence.checked_sub(1)?).next().filter(|entry| entry.sequence == sequence)
    }

    /// Returns the number of evicted entries after the one with this number, without those that [`clear`](Self::clear)
    /// removed.
    pub fn evictions(&self, since: u64) -> u64 {
        self.before().saturating_sub(since.max(self.cleared))
    }

    /// Iterates over the stored calls, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = (&Entry, &Arc<Call>)> {
        self.calls_since(0)
    }

    /// Iterates over the stored calls after the entry with this number, oldest first.
    pub fn calls_since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = (&Entry, &Arc<Call>)> {
        self.since(sequence).filter_map(|entry| match &entry.kind {
            EntryKind::Call(call) => Some((entry, call)),
            _ => None,
        })
    }

    /// Iterates over the stored calls that match, oldest first.
    pub fn find<'a>(&'a self, filter: &'a Filter) -> impl DoubleEndedIterator<Item = (&'a Entry, &'a Arc<Call>)> {
        self.calls_since(filter.since).filter(|(_, call)| filter.fits(call))
    }

    /// Returns the number of calls of an operation and its variants, including evicted calls.
    pub fn count(&self, operation: &str) -> u64 {
        self.calls.iter().filter(|(name, _)| is_of(operation, name)).map(|(_, count)| count).sum()
    }

    /// One line of JSON for each stored entry, oldest first. The same seed and the same script give the same
    /// bytes: secrets are masked, and ports of loopback URLs, the headers `Host`, `User-Agent`, `Date`, `Connection`
    /// and `Content-Length`, and real durations are left out.
    ///
    /// This requires that the clock is frozen, that receivers respond within
    /// [`receiver_guard`](crate::SandboxBuilder::receiver_guard), and that the script makes its calls one after the
    /// other.
    pub fn canonical(&self) -> String {
        let lines = self.since(0).map(|entry| entry.canonical() + "\n");
        lines.collect()
    }

    /// Sets the maximum number of entries, at least one. It applies when the next entry is added.
    pub fn set_limit(&mut self, entries: usize) {
        self.limit = entries.max(1);
    }

    /// Removes all entries. The numbering continues.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.cleared = self.sequence;
        self.weight = 0;
        self.calls.clear();
    }
}

/// A call that does not match a filter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NearMiss {
    /// The call.
    pub entry: Entry,
    /// All differences from the filter.
    pub differences: Vec<Difference>,
}

impl Journal {
    /// Returns the `limit` stored calls that come closest to matching without matching, the closest first. Of equally
    /// close calls, the latest comes first.
    pub fn near_misses(&self, filter: &Filter, limit: usize) -> Vec<NearMiss> {
        let mut all: Vec<_> = self
            .calls_since(filter.since)
            .map(|(entry, call)| (entry, filter.differences(call)))
            .filter(|(_, differences)| !differences.is_empty())
            .collect();
        all.sort_by_cached_key(|(entry, differences)| {
            (differences.iter().map(|difference| difference.weight).sum::<u32>(), Reverse(entry.sequence))
        });
        let nearest = all.into_iter().take(limit);
        nearest.map(|(entry, differences)| NearMiss { entry: entry.clone(), differences }).collect()
    }
}

/// A call that comes close to matching a filter.
#[cfg(feature = "server")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "NearMiss")]
pub(crate) struct NearMissView {
    request: super::EntryView,
    #[schemars(length(min = 1))]
    differences: Vec<Difference>,
}

#[cfg(feature = "server")]
impl NearMiss {
    pub(crate) fn view(self, secrets: super::Secrets) -> NearMissView {
        NearMissView { request: self.entry.view(secrets), differences: self.differences }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;
    use crate::journal::{Headers, StoredBody};

    fn call(body: &StoredBody, header: usize) -> EntryKind {
        let mut headers = HeaderMap::new();
        headers.insert("x-long", "a".repeat(header).parse().unwrap());
        EntryKind::Call(Arc::new(Call {
            vendor: Some("v"),
            facts: None,
            operation: Some("o"),
            case: None,
            method: Method::GET,
            uri: "/o".parse().unwrap(),
            headers: (&headers).into(),
            body: body.clone(),
            status: Some(200),
            answer_headers: Headers::default(),
            answer: StoredBody::default(),
            fault: None,
            refused: Vec::new(),
            warnings: Vec::new(),
        }))
    }

    /// Actual size of the entries.
    fn held(journal: &Journal) -> usize {
        let of = |call: &Call| call.body.bytes.len() + call.headers.iter().map(|(_, value)| value.len()).sum::<usize>();
        journal.calls().map(|(_, call)| of(call)).sum()
    }

    #[test]
    fn the_journal_stays_within_its_limits() {
        for (body, header) in [(1, 1), (1024 * 1024, 1), (1, 60_000)] {
            let mut journal = Journal::default();
            let body = StoredBody::new(&Bytes::from(vec![b'%'; body]));
            for noted in 1..=25_000 {
                assert_eq!(journal.note(Timestamp::UNIX_EPOCH, call(&body, header)), noted);
            }
            assert!(journal.entries.len() <= LIMIT && !journal.entries.is_empty());
            assert!(held(&journal) <= MAX_WEIGHT, "{} bytes", held(&journal));
            assert_eq!(journal.evictions(0), 25_000 - journal.entries.len() as u64);
            assert_eq!(journal.count("o"), 25_000, "evicted calls are counted");
            journal.clear();
            assert_eq!((journal.weight, journal.evictions(0)), (0, 0));
        }
    }

    #[test]
    fn the_weight_includes_the_reasons_of_rejections() {
        let mut journal = Journal::default();
        let EntryKind::Call(plain) = call(&StoredBody::default(), 1) else { panic!("a call") };
        let fault = Violation::new("eSignHash[0].Hash", "m".repeat(1_000), "T-056", "[T] 3.1.3");
        let refused = Call { refused: vec![fault; 100], ..Call::clone(&plain) };
        for _ in 0..2_000 {
            journal.note(Timestamp::UNIX_EPOCH, EntryKind::Call(Arc::new(refused.clone())));
        }
        let texts = |call: &Call| call.refused.iter().map(|fault| fault.message.len()).sum::<usize>();
        let held: usize = journal.calls().map(|(_, call)| texts(call)).sum();
        assert!(held <= MAX_WEIGHT, "{held} bytes");
        assert_eq!(journal.weight, journal.entries.iter().map(|entry| entry.kind.weight()).sum::<usize>());
    }

    #[test]
    fn stored_entries_are_found_by_number() {
        let mut journal = Journal::default();
        journal.set_limit(3);
        for _ in 0..5 {
            journal.note(Timestamp::UNIX_EPOCH, call(&StoredBody::default(), 1));
        }
        let found: Vec<_> = (0..8).map(|number| journal.get(number).map(|entry| entry.sequence)).collect();
        assert_eq!(found, [None, None, None, Some(3), Some(4), Some(5), None, None]);
        assert_eq!((journal.evictions(0), journal.evictions(1), journal.evictions(2)), (2, 1, 0));
        assert_eq!((journal.since(0).count(), journal.since(4).count(), journal.since(99).count()), (3, 1, 0));
    }
}
