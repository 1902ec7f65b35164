//! The work of a claimed case: its record, and the loop over its steps.

use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{Absence, CallOptions, Error, Event, EvidenceKind, Kind};
use identkit_store::{Case, Deletion, Entry, EventId, EventState, Finish, HeldClaim, UnreadableEvent};
use jiff::{SignedDuration, Timestamp};

use crate::collector::Collector;
use crate::fault;
use crate::hooks::{Notice, NoticeKind, NoticedCase};
use crate::incident::Incident;
use crate::random;
use crate::record::{NotFoundSpan, Record};
use crate::setup::ProviderSetup;
use crate::state::CaseState;
use crate::trouble::{self, Trouble};

/// Number of events that are read at once.
const PAGE: usize = 100;

/// Part of the lease that must be left when a call begins. The claim is renewed before if it is not.
const FRESH: f64 = 0.6;

/// Time that a call must end before the lease.
const MARGIN: Duration = Duration::from_secs(1);

/// A notice that was not confirmed is given again after the wait of this number of failures: about a minute.
const NOTICE_WAIT: u32 = 6;

/// Why a step ended.
pub(crate) enum Failure {
    /// The store failed, or the claim was lost. Nothing of the step counts.
    Store(Error),
    /// The vendor or the sink failed. The case records it and is due again later.
    Step(Error),
}

/// What happens after a step.
pub(crate) enum Next {
    /// The next step can begin.
    Step,
    /// The case rests until this time, or until an event arrives.
    Rest(Timestamp),
    /// The case rests until an event arrives or a person acts.
    RestForever,
}

impl Next {
    /// The one of two waits that ends first.
    pub(crate) fn earlier(self, other: Self) -> Self {
        match (self, other) {
            (Self::Step, _) | (_, Self::Step) => Self::Step,
            (Self::RestForever, next) | (next, Self::RestForever) => next,
            (Self::Rest(one), Self::Rest(other)) => Self::Rest(one.min(other)),
        }
    }
}

/// Passes errors of the store on, apart from those of a step.
pub(crate) trait Stored<T> {
    fn stored(self) -> Result<T, Failure>;
    fn step(self) -> Result<T, Failure>;
}

impl<T> Stored<T> for Result<T, Error> {
    fn stored(self) -> Result<T, Failure> {
        self.map_err(Failure::Store)
    }

    fn step(self) -> Result<T, Failure> {
        self.map_err(Failure::Step)
    }
}

/// A claimed case.
pub(crate) struct Work<'a> {
    pub(crate) collector: &'a Collector,
    pub(crate) held: &'a HeldClaim,
    pub(crate) setup: &'a ProviderSetup,
    pub(crate) case: Case,
    pub(crate) record: Record,
    /// State in the store.
    before: CaseState,
    /// The record as it is in the store.
    stored: Vec<u8>,
    /// Whether the service has not confirmed a notice since the claim.
    is_refused: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        collector: &'a Collector,
        held: &'a HeldClaim,
        setup: &'a ProviderSetup,
        case: Case,
    ) -> Result<Self, Error> {
        let record = Record::decode(&case)?;
        let stored = case.data.expose().clone();
        Ok(Self { collector, held, setup, before: record.state(), record, case, stored, is_refused: false })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.collector.now()
    }

    pub(crate) fn enter(&mut self, stage: CaseState) {
        self.record.stage = stage;
        self.record.trouble = None;
        self.record.not_found = None;
    }

    /// The case begins again: its end at the vendor must be read again.
    pub(crate) fn reopen(&mut self) {
        (self.record.outcome, self.record.ended, self.record.plan) = (None, None, None);
        (self.record.collected, self.record.absence) = (None, Absence::new());
        self.record.saved.clear();
        self.enter(CaseState::Open);
    }

    /// Records when the case is due, and returns it.
    pub(crate) fn rest_until(&mut self, after: Duration) -> Timestamp {
        let due = self.now().checked_add(after).unwrap_or(Timestamp::MAX);
        self.record.next = Some(due);
        due
    }

    pub(crate) fn rest(&mut self, after: Duration) -> Next {
        Next::Rest(self.rest_until(after))
    }

    /// Options of a call that ends before the lease. Renews the claim if too little of the lease is left.
    pub(crate) async fn call_options(&self) -> Result<CallOptions, Error> {
        let lease = self.collector.lease;
        if self.held.time_left() < lease.mul_f64(FRESH) {
            self.held.renew().await?;
        }
        let left = self.held.time_left();
        Ok(CallOptions::new().timeout(left.saturating_sub(MARGIN.min(left / 4))))
    }

    /// Stores the record, if it has changed.
    pub(crate) async fn save(&mut self) -> Result<(), Error> {
        self.save_with(&[], None).await
    }

    /// Stores the record with entries of the case's list.
    pub(crate) async fn save_entries(&mut self, entries: &[Entry]) -> Result<(), Error> {
        self.save_with(entries, None).await
    }

    pub(crate) async fn save_deletion(&mut self, deletion: &Deletion) -> Result<(), Error> {
        self.save_with(&[], Some(deletion)).await
    }

    async fn save_with(&mut self, entries: &[Entry], deletion: Option<&Deletion>) -> Result<(), Error> {
        let state = self.record.state();
        if state == CaseState::Stuck && self.before != CaseState::Stuck {
            let text = self.record.trouble.as_ref().map_or_else(String::new, |trouble| trouble.text.clone());
            self.notice(NoticeKind::Stuck, text);
        }
        let data = self.record.encode()?;
        let has_new_id = self.case.opened.as_ref().map(|opened| &opened.id) != self.case.vendor_id.as_ref();
        if *data.expose() == self.stored && entries.is_empty() && deletion.is_none() && !has_new_id {
            return Ok(());
        }
        let stored = data.expose().clone();
        self.case.data = data;
        state.as_str().clone_into(&mut self.case.status);
        let (store, claim, now) = (&self.collector.store, self.held.claim(), self.now());
        match deletion {
            Some(deletion) => store.save_deletion(claim, &mut self.case, deletion, now).await?,
            None => store.save(claim, &mut self.case, entries, now).await?,
        }
        self.stored = stored;
        let from = std::mem::replace(&mut self.before, state);
        if from != state {
            (self.collector.report)(Incident::Changed { case: self.case.id, from, to: state });
        }
        Ok(())
    }

    /// Adds a notice to the service.
    pub(crate) fn notice(&mut self, kind: NoticeKind, text: impl Into<String>) {
        self.record.notices += 1;
        // The folder has 128 random bits, so the key is unique in all stores.
        let name = self.record.folder.rsplit('/').next().unwrap_or_default();
        let idempotency_key = format!("{name}-{}", self.record.notices);
        self.record.outbox.push(Notice { kind, idempotency_key, at: self.now(), text: text.into() });
    }

    /// Gives the notices to the service after they are stored. One that it does not confirm stays, and those after it, until
    /// the next claim: the case must not wait for a service that is down after each of its steps.
    async fn publish(&mut self) -> Result<(), Error> {
        if self.record.outbox.is_empty() && self.record.state() == self.before {
            return Ok(());
        }
        self.save().await?;
        if self.is_refused {
            return Ok(());
        }
        let noticed = NoticedCase {
            case: self.case.id,
            provider: self.case.provider.clone(),
            reference: self.case.reference.clone(),
            vendor_id: self.case.vendor_id.clone(),
            outcome: self.record.outcome,
        };
        let hooks = &self.collector.hooks;
        while let Some(notice) = self.record.outbox.first() {
            let confirmed = match notice.kind {
                NoticeKind::Outcome => hooks.on_outcome(&noticed, notice),
                NoticeKind::Collected => hooks.on_collected(&noticed, notice),
                NoticeKind::Stuck | NoticeKind::Retention => hooks.on_stuck(&noticed, notice),
            };
            if let Err(error) = self.within_limit(confirmed).await {
                (self.collector.report)(Incident::Unconfirmed { case: self.case.id, error });
                self.is_refused = true;
                return Ok(());
            }
            self.record.outbox.remove(0);
        }
        Ok(())
    }

    /// Time at which the notices are given again, if the service has not confirmed one.
    fn next_notice(&self) -> Option<Timestamp> {
        self.is_refused.then(|| self.now() + trouble::wait(NOTICE_WAIT, random::number()))
    }

    /// Waits for a hook, but not longer than its time limit: it holds one of the collector's places.
    async fn within_limit(&self, hook: impl Future<Output = Result<(), Error>> + Unpin) -> Result<(), Error> {
        let limit = self.collector.timing.hook;
        let clock = &self.collector.clock;
        match select(hook, clock.sleep_until(clock.now().plus(limit))).await {
            Either::Left((confirmed, _)) => confirmed,
            Either::Right(_) => Err(fault::slow_hook(limit)),
        }
    }

    /// Takes note of the events that arrived since the last claim.
    async fn read_events(&mut self) -> Result<(), Error> {
        loop {
            let after = EventId(self.record.last_event);
            let page = self.collector.store.event_page_of(self.case.id, after, PAGE).await?;
            let Some(last) = page.last else { return Ok(()) };
            // What arrives after the claim opens a unit of its own.
            let pending = page.events.iter().map(|stored| (stored.id, stored.state));
            let pending = pending.chain(page.unreadable.iter().map(|event| (event.id, event.state)));
            let pending = pending.filter(|(_, state)| *state == EventState::Pending).map(|(id, _)| id).min();
            for stored in page.events {
                if stored.state != EventState::Pending {
                    self.take_note(&stored.delivery.event);
                }
            }
            for UnreadableEvent { id, case, error, .. } in page.unreadable {
                if pending.is_none_or(|pending| id < pending) {
                    (self.collector.report)(Incident::UnreadableEvent { case, event: id, error });
                }
            }
            if let Some(pending) = pending {
                self.record.last_event = self.record.last_event.max(pending.0.saturating_sub(1));
                return Ok(());
            }
            self.record.last_event = last.0;
        }
    }

    fn take_note(&mut self, event: &Event) {
        if self.setup.provider.announces_end(event) {
            self.record.absence.note_final_event();
        }
        // An announcement that nobody has asked for, e.g. with the token of another case, says nothing.
        let wants_recording = self.record.wishes.video
            && !self.record.recording_requests.is_empty()
            && !self.record.saved.contains(&EvidenceKind::Video)
            && !self.record.stage.is_end();
        let is_recording = self.setup.on_recording.as_ref().is_some_and(|webhook| webhook.event == event.name);
        if wants_recording && is_recording && !self.record.announcements.contains(event) {
            self.record.announcements.push(event.clone());
        }
    }

    async fn step(&mut self) -> Result<Next, Failure> {
        match self.record.stage {
            CaseState::Intended => Ok(self.begin_search()),
            CaseState::Unknown => self.search().await,
            CaseState::Open => self.watch().await,
            CaseState::Final => self.plan().await,
            CaseState::Collecting => self.collect().await,
            CaseState::Collected => self.delete().await,
            _ => self.tidy().await,
        }
    }

    /// The time after which the case must be looked at for the alarms about the vendor's retention.
    fn due(&mut self, next: &Next) -> Option<Timestamp> {
        let due = match next {
            Next::Rest(due) => Some(*due),
            Next::Step => Some(self.now()),
            Next::RestForever => None,
        };
        let earliest = [due, self.next_alarm()].into_iter().flatten().min();
        self.record.next = earliest;
        earliest
    }
}

impl Collector {
    /// Does the steps of a claimed case, and returns how its claim ends.
    pub(crate) async fn advance(&self, held: &HeldClaim) -> Result<Finish, Error> {
        let id = held.claim().case();
        let Some(case) = self.store.case(id).await? else {
            // It is from a backup that is older than its purge.
            self.store.purge(id).await?;
            return Ok(Finish::Done);
        };
        if case.version == 0 {
            return self.attend_unmatched(&case).await;
        }
        let setup = self.provider(&case.provider)?;
        let mut work = Work::new(self, held, setup, case)?;
        work.read_events().await?;
        loop {
            work.raise_alarms();
            if work.record.paused {
                work.publish().await?;
                work.record.next = work.next_alarm();
                work.save().await?;
                let due = [work.record.next, work.next_notice()].into_iter().flatten().min();
                return Ok(due.map_or(Finish::Done, |due| Finish::Wait { due }));
            }
            let before = work.record.trouble.clone();
            let next = match work.step().await {
                Ok(next) => {
                    work.record.not_found = None;
                    // A failure has passed. A decision that a person must make stays until the state changes.
                    if before
                        .is_some_and(|trouble| trouble.failures > 0 && Some(&trouble) == work.record.trouble.as_ref())
                    {
                        work.record.trouble = None;
                    }
                    next
                }
                Err(Failure::Store(error)) => return Err(error),
                Err(Failure::Step(error)) => work.fail(error),
            };
            work.publish().await?;
            if let Next::Step = next
                && !self.dispatcher.is_stopping()
            {
                continue;
            }
            let due = [work.due(&next), work.next_notice()].into_iter().flatten().min();
            work.save().await?;
            return Ok(due.map_or(Finish::Done, |due| Finish::Wait { due }));
        }
    }
}

impl Work<'_> {
    /// Records a failure of a step.
    fn fail(&mut self, error: Error) -> Next {
        // Only the vendor's errors have a status.
        if error.kind() == Kind::NotFound && error.status().is_some() {
            let now = self.now();
            let first = self.record.not_found.map_or(now, |span| span.first);
            self.record.not_found = Some(NotFoundSpan { first, last: now });
        }
        let trouble = Trouble::add(self.record.trouble.take(), &error, self.now());
        let failures = trouble.failures;
        self.record.trouble = Some(trouble);
        (self.collector.report)(Incident::Failed { case: self.case.id, failures, error });
        let wait = trouble::wait(failures, random::number());
        self.rest(wait.try_into().unwrap_or(Duration::ZERO))
    }

    /// Records that a person must decide. A later text replaces an earlier one: what must be decided can change.
    pub(crate) fn decide(&mut self, text: impl Into<String>) {
        let since = self.record.trouble.as_ref().filter(|trouble| trouble.failures == 0).map(|trouble| trouble.since);
        self.record.trouble = Some(Trouble::decision(text, since.unwrap_or(self.now())));
    }

    /// The time between now and an earlier time.
    pub(crate) fn since(&self, earlier: Timestamp) -> SignedDuration {
        self.now().duration_since(earlier)
    }
}
