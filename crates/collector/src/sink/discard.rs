//! Artifacts that are hashed and discarded.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use identkit_core::{Content, Error};

use crate::sink::location::{candidates, check_folder, conflict, differs, not_found, split};
use crate::sink::port::{ArtifactName, ArtifactSink, SavedArtifact};
use crate::sink::tally::{Sum, Tally};

/// Maximum number of artifacts whose lengths and digests are remembered.
const REMEMBERED: usize = 16 * 1024;

/// Hashes artifacts, reads them back from memory and discards them, for tests of scale.
///
/// **Not durable: the evidence is lost.** The newest artifacts can be read, up to a number of bytes in total. The lengths
/// and digests of the newest 16,384 are remembered. An older artifact is as if it was never stored.
pub struct DiscardSink {
    capacity: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    artifacts: BTreeMap<String, Remembered>,
    /// Locations, oldest first. Locations that were removed can be among them.
    order: VecDeque<(u64, String)>,
    /// Locations with bytes, oldest first.
    filled: VecDeque<(u64, String)>,
    /// Number of bytes in memory.
    held: u64,
    next: u64,
}

struct Remembered {
    number: u64,
    sum: Sum,
    bytes: Option<Bytes>,
}

impl DiscardSink {
    /// Creates a sink that retains at most `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DiscardSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiscardSink").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl State {
    fn insert(&mut self, location: &str, sum: Sum, bytes: Option<Bytes>, capacity: u64) {
        let number = self.next;
        self.next += 1;
        self.order.push_back((number, location.to_owned()));
        if bytes.is_some() {
            self.held += sum.length;
            self.filled.push_back((number, location.to_owned()));
        }
        self.artifacts.insert(location.to_owned(), Remembered { number, sum, bytes });
        while self.held > capacity {
            let Some((number, location)) = self.filled.pop_front() else { break };
            self.empty(number, &location);
        }
        while self.order.len() > REMEMBERED {
            let Some((number, location)) = self.order.pop_front() else { break };
            self.empty(number, &location);
            if self.artifacts.get(&location).is_some_and(|found| found.number == number) {
                self.artifacts.remove(&location);
            }
        }
        while self
            .filled
            .front()
            .is_some_and(|(number, _)| self.order.front().is_some_and(|(oldest, _)| number < oldest))
        {
            self.filled.pop_front();
        }
    }

    /// Discards the bytes of an artifact.
    fn empty(&mut self, number: u64, location: &str) {
        let found = self.artifacts.get_mut(location).filter(|found| found.number == number);
        if let Some(Remembered { sum, bytes, .. }) = found
            && bytes.take().is_some()
        {
            self.held = self.held.saturating_sub(sum.length);
        }
    }
}

#[async_trait]
impl ArtifactSink for DiscardSink {
    async fn store(&self, name: &ArtifactName, mut content: Content) -> Result<SavedArtifact, Error> {
        let locations = candidates(name)?;
        let [plain, _] = &locations;
        let (mut written, mut read) = (Tally::default(), Tally::default());
        let mut bytes = Some(BytesMut::new());
        while let Some(piece) = content.next().await.transpose()? {
            written.add(&piece);
            match &mut bytes {
                Some(kept) if written.length() <= self.capacity => {
                    let before = kept.len();
                    kept.extend_from_slice(&piece);
                    read.add(kept.get(before..).unwrap_or_default());
                }
                // Too large to be retained: each piece is copied, read and discarded.
                _ => {
                    bytes = None;
                    read.add(&BytesMut::from(&*piece));
                }
            }
        }
        let sum = read.sum();
        if written.sum() != sum {
            return Err(differs(plain));
        }
        let mut state = self.lock();
        for location in &locations {
            match state.artifacts.get(location) {
                Some(found) if found.sum == sum => return Ok(sum.at(location)),
                Some(_) => {}
                None => {
                    state.insert(location, sum, bytes.map(BytesMut::freeze), self.capacity);
                    return Ok(sum.at(location));
                }
            }
        }
        Err(conflict(plain))
    }

    async fn read(&self, location: &str) -> Result<Content, Error> {
        split(location)?;
        let bytes = self.lock().artifacts.get(location).and_then(|found| found.bytes.clone());
        bytes.map(Content::from_bytes).ok_or_else(|| not_found(location))
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        check_folder(folder)?;
        let prefix = format!("{folder}/");
        let state = self.lock();
        let inside = state.artifacts.range(prefix.clone()..).map(|(location, _)| location);
        let inside = inside.take_while(|location| location.starts_with(&prefix));
        Ok(inside.filter(|location| split(location).is_ok_and(|(of, _)| of == folder)).cloned().collect())
    }

    async fn remove(&self, location: &str) -> Result<(), Error> {
        split(location)?;
        let mut state = self.lock();
        if let Some(removed) = state.artifacts.remove(location) {
            state.held = state.held.saturating_sub(removed.bytes.map_or(0, |_| removed.sum.length));
        }
        Ok(())
    }

    /// Succeeds: there is nothing that can fail.
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the digest that is remembered, also if the bytes were discarded.
    async fn digest(&self, location: &str) -> Result<(u64, [u8; 32]), Error> {
        split(location)?;
        let sum = self.lock().artifacts.get(location).map(|found| found.sum);
        sum.map(|sum| (sum.length, sum.sha256)).ok_or_else(|| not_found(location))
    }
}
