//! The log itself, what it keeps, and which calls come closest to what is looked for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use identkit_core::Violation;
use jiff::Timestamp;

use super::filter::is_of;
use super::{Call, Difference, Entry, Filter, What};

/// How many entries are kept unless said otherwise.
const KEPT: usize = 10_000;

/// How many bytes they may take in all, but for what holds them together.
const WEIGHT: usize = 64 * 1024 * 1024;

const ENTRY: usize = 512;

/// The journal of a world.
#[derive(Clone, Debug)]
pub struct Journal {
    entries: VecDeque<Entry>,
    sequence: u64,
    /// The number of the last entry that was taken away on purpose.
    cleared: u64,
    weight: usize,
    /// How often each operation was called, also by calls that are no longer kept.
    calls: BTreeMap<&'static str, u64>,
    limit: usize,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: VecDeque::new(), sequence: 0, cleared: 0, weight: 0, calls: BTreeMap::new(), limit: KEPT }
    }
}

impl What {
    fn weight(&self) -> usize {
        let more = match self {
            Self::Call(call) => {
                let headers = call.headers.0.len() + call.answer_headers.0.len();
                let path = call.path().len() + call.case.as_ref().map_or(0, String::len);
                let faults = call.refused.iter();
                let faults: usize =
                    faults.map(|fault| size_of::<Violation>() + fault.field.len() + fault.message.len()).sum();
                path + headers + faults + call.body.bytes.len() + call.answer.bytes.len()
            }
            Self::Fired { subject, .. } => subject.len(),
            Self::Attempt(tried) => tried.case.len() + tried.event.len(),
            Self::Moved { case, by } => case.len() + by.len(),
            Self::Changed { how, .. } => how.len(),
        };
        ENTRY + more
    }
}

impl Journal {
    /// Notes what happened at this time, and returns its number.
    pub fn note(&mut self, at: Timestamp, what: What) -> u64 {
        self.sequence += 1;
        if let What::Call(call) = &what
            && let Some(operation) = call.operation
        {
            *self.calls.entry(operation).or_default() += 1;
        }
        self.weight += what.weight();
        self.entries.push_back(Entry { sequence: self.sequence, at, what });
        while self.entries.len() > self.limit || self.weight > WEIGHT {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.weight -= oldest.what.weight();
        }
        self.sequence
    }

    /// The number of the last entry; 0 when nothing has happened.
    pub fn last(&self) -> u64 {
        self.sequence
    }

    /// The entries that are kept, after the one of this number, oldest first.
    pub fn since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        let skip = usize::try_from(sequence.saturating_sub(self.before())).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }

    /// The number of the entry before the oldest that is kept.
    fn before(&self) -> u64 {
        self.sequence - self.entries.len() as u64
    }

    /// The entry of this number, if it is kept.
    pub fn get(&self, sequence: u64) -> Option<&Entry> {
        self.since(sequence.checked_sub(1)?).next().filter(|entry| entry.sequence == sequence)
    }

    /// How many entries after the one of this number had to go for newer ones. Those that [`clear`](Self::clear) took
    /// away are not meant.
    pub fn forgotten(&self, since: u64) -> u64 {
        self.before().saturating_sub(since.max(self.cleared))
    }

    /// The calls that are kept, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = (&Entry, &Arc<Call>)> {
        self.calls_since(0)
    }

    /// The calls that are kept, after the entry of this number, oldest first.
    pub fn calls_since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = (&Entry, &Arc<Call>)> {
        self.since(sequence).filter_map(|entry| match &entry.what {
            What::Call(call) => Some((entry, call)),
            _ => None,
        })
    }

    /// The calls that are kept and fit, oldest first.
    pub fn find<'a>(&'a self, filter: &'a Filter) -> impl DoubleEndedIterator<Item = (&'a Entry, &'a Arc<Call>)> {
        self.calls_since(filter.since).filter(|(_, call)| filter.fits(call))
    }

    /// How often this operation was called in all, in all its variants.
    pub fn count(&self, operation: &str) -> u64 {
        self.calls.iter().filter(|(name, _)| is_of(operation, name)).map(|(_, count)| count).sum()
    }

    /// One line of JSON for each entry that is kept, oldest first. It has no ports of loopback URLs, no `Host`,
    /// `User-Agent`, `Date`, `Connection` and `Content-Length`, and no real durations, and secrets are masked: the same
    /// seed and the same script give the same bytes.
    ///
    /// That holds while time stands still or is moved by the script, receivers answer within the sandbox's patience
    /// ([`receiver_guard`](crate::SandboxBuilder::receiver_guard)), and the script itself does one thing after the other.
    pub fn canonical(&self) -> String {
        let lines = self.since(0).map(|entry| entry.canonical() + "\n");
        lines.collect()
    }

    /// Keeps at most so many entries.
    pub fn keep(&mut self, entries: usize) {
        self.limit = entries.max(1);
    }

    /// Takes everything away; the numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.cleared = self.sequence;
        self.weight = 0;
        self.calls.clear();
    }
}

/// A call that was made, but does not fit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NearMiss {
    /// The call.
    pub entry: Entry,
    /// All in which it differs.
    pub differences: Vec<Difference>,
}

impl Journal {
    /// Of the calls that are kept and do not fit, those that come closest: the closest first, and of those that are as
    /// close the latest first.
    pub fn near_misses(&self, filter: &Filter, most: usize) -> Vec<NearMiss> {
        let mut all: Vec<_> = self
            .calls_since(filter.since)
            .map(|(entry, call)| (entry, filter.differences(call)))
            .filter(|(_, differences)| !differences.is_empty())
            .collect();
        all.sort_by_cached_key(|(entry, differences)| {
            (differences.iter().map(|difference| difference.weight).sum::<u32>(), Reverse(entry.sequence))
        });
        let nearest = all.into_iter().take(most);
        nearest.map(|(entry, differences)| NearMiss { entry: entry.clone(), differences }).collect()
    }
}

/// A call that comes close to a filter.
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

    fn call(body: &StoredBody, header: usize) -> What {
        let mut headers = HeaderMap::new();
        headers.insert("x-long", "a".repeat(header).parse().unwrap());
        What::Call(Arc::new(Call {
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
        }))
    }

    /// What the entries really hold.
    fn held(journal: &Journal) -> usize {
        let of = |call: &Call| call.body.bytes.len() + call.headers.iter().map(|(_, value)| value.len()).sum::<usize>();
        journal.calls().map(|(_, call)| of(call)).sum()
    }

    #[test]
    fn the_journal_of_days_stays_within_its_bounds() {
        for (body, header) in [(1, 1), (1024 * 1024, 1), (1, 60_000)] {
            let mut journal = Journal::default();
            let body = StoredBody::of(&Bytes::from(vec![b'%'; body]));
            for noted in 1..=25_000 {
                assert_eq!(journal.note(Timestamp::UNIX_EPOCH, call(&body, header)), noted);
            }
            assert!(journal.entries.len() <= KEPT && !journal.entries.is_empty());
            assert!(held(&journal) <= WEIGHT, "{} bytes", held(&journal));
            assert_eq!(journal.forgotten(0), 25_000 - journal.entries.len() as u64);
            assert_eq!(journal.count("o"), 25_000, "what is forgotten is counted still");
            journal.clear();
            assert_eq!((journal.weight, journal.forgotten(0)), (0, 0));
        }
    }

    #[test]
    fn the_reasons_of_refusals_count_as_much_as_what_was_refused() {
        let mut journal = Journal::default();
        let What::Call(plain) = call(&StoredBody::default(), 1) else { panic!("a call") };
        let fault = Violation::new("eSignHash[0].Hash", "m".repeat(1_000), "T-056", "[T] 3.1.3");
        let refused = Call { refused: vec![fault; 100], ..Call::clone(&plain) };
        for _ in 0..2_000 {
            journal.note(Timestamp::UNIX_EPOCH, What::Call(Arc::new(refused.clone())));
        }
        let texts = |call: &Call| call.refused.iter().map(|fault| fault.message.len()).sum::<usize>();
        let held: usize = journal.calls().map(|(_, call)| texts(call)).sum();
        assert!(held <= WEIGHT, "{held} bytes");
        assert_eq!(journal.weight, journal.entries.iter().map(|entry| entry.what.weight()).sum::<usize>());
    }

    #[test]
    fn entries_are_found_by_their_numbers_while_they_are_kept() {
        let mut journal = Journal::default();
        journal.keep(3);
        for _ in 0..5 {
            journal.note(Timestamp::UNIX_EPOCH, call(&StoredBody::default(), 1));
        }
        let found: Vec<_> = (0..8).map(|number| journal.get(number).map(|entry| entry.sequence)).collect();
        assert_eq!(found, [None, None, None, Some(3), Some(4), Some(5), None, None]);
        assert_eq!((journal.forgotten(0), journal.forgotten(1), journal.forgotten(2)), (2, 1, 0));
        assert_eq!((journal.since(0).count(), journal.since(4).count(), journal.since(99).count()), (3, 1, 0));
    }
}
