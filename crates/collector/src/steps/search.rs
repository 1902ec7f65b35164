//! A case whose request may have been executed: the collector searches for it by its reference, and never sends the request
//! again.

use std::time::Duration;

use identkit_core::{Capability, CaseRef, Window};

use crate::state::CaseState;
use crate::work::{Failure, Next, Stored as _, Work};

/// Time by which a search begins before the request, because the vendor's clock may differ.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// Number of searches without a result after which a person must decide.
const SEARCHES: u32 = 3;

/// Time between two searches after the last one of [`Timing::searches`](crate::Timing::searches).
const LATER: Duration = Duration::from_secs(24 * 60 * 60);

impl Work<'_> {
    /// The worker that stored the intent has stopped: the request may have been sent.
    pub(crate) fn begin_search(&mut self) -> Next {
        self.enter(CaseState::Unknown);
        self.next_search()
    }

    fn next_search(&mut self) -> Next {
        let searches = &self.collector.timing.searches;
        let next = searches.get(usize::try_from(self.record.searches).unwrap_or(usize::MAX));
        if let Some(due) = next.and_then(|after| self.record.sent.checked_add(*after).ok()) {
            let due = due.max(self.now());
            self.record.next = Some(due);
            return Next::Rest(due);
        }
        // As long as the vendor has the data of the case, a later search can find it, or can be the first one that is certain.
        let age = self.since(self.record.sent).unsigned_abs();
        if age < self.setup.provider.descriptor().retention { self.rest(LATER) } else { Next::RestForever }
    }

    pub(crate) async fn search(&mut self) -> Result<Next, Failure> {
        let provider = &self.setup.provider;
        if !provider.descriptor().can(Capability::Find) {
            self.decide(
                "it is unknown whether the vendor has opened the case, and the vendor has no list to search: ask the vendor \
                 for the reference, then use `case adopt` or `case close`",
            );
            return Ok(Next::RestForever);
        }
        // An event or a person can wake the case before the next search is due.
        if let Some(due) = self.record.next
            && due > self.now()
        {
            return Ok(Next::Rest(due));
        }
        let Some(reference) = self.case.reference.clone() else { return Ok(Next::RestForever) };
        let begin = self.record.sent.checked_sub(SKEW).unwrap_or(self.record.sent);
        let end = self.now().checked_add(SKEW).unwrap_or(self.now());
        let options = self.call_options().await.stored()?;
        let found =
            provider.find(reference.expose(), self.record.purpose, Window { begin, end }, &options).await.step()?;
        self.record.searches += 1;
        match found.cases.as_slice() {
            [case] if found.is_complete() && !self.is_taken(case).await? => {
                self.case.opened = Some(self.record.expecting(case.clone()));
                self.record.candidates.clear();
                self.enter(CaseState::Open);
                self.record.next = None;
                // A case with the same id at the vendor: another intent has opened it.
                self.save().await.stored()?;
                return Ok(Next::Step);
            }
            [] => {}
            cases => self.record.candidates = cases.to_vec(),
        }
        let complete = if found.is_complete() { "" } else { ", and parts of the vendor's list could not be read" };
        match self.record.candidates.len() {
            0 if self.record.searches < SEARCHES => {}
            0 => {
                let searches = self.record.searches;
                self.decide(format!(
                    "{searches} searches did not find the case at the vendor{complete}: this does not prove that it was not \
                     opened. Open it with another reference only if two cases are acceptable"
                ));
            }
            1 => self.decide(format!(
                "one case at the vendor can be this one{complete}, or belongs to another case of the store: check it, then use \
                 `case adopt` or `case close`"
            )),
            number => self.decide(format!(
                "{number} cases at the vendor can be this one{complete}: choose one with `case adopt`, and cancel the others"
            )),
        }
        Ok(self.next_search())
    }

    /// Whether another case has this id at the vendor.
    async fn is_taken(&self, case: &CaseRef) -> Result<bool, Failure> {
        let other = self.collector.store.case_by_vendor_id(&case.provider, &case.id).await.stored()?;
        Ok(other.is_some_and(|other| other.id != self.case.id && other.version > 0))
    }
}
