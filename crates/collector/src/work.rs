//! The work of a claimed case: its record, and the loop over its steps.

use std::time::Duration;

use identkit_core::{CallOptions, Error, Event, EvidenceKind};
use identkit_store::{Case, Deletion, Entry, EventId, EventState, Finish, HeldClaim};
use jiff::{SignedDuration, Timestamp};

use crate::collector::Collector;
use crate::hooks::{Notice, NoticeKind, NoticedCase};
use crate::incident::Incident;
use crate::random;
use crate::record::Record;
use crate::setup::ProviderSetup;
use crate::state::CaseState;
use crate::trouble::{self, Trouble};

/// Number of events that are read at once.
const PAGE: usize = 100;

/// Part of the lease that must be left when a call begins. The claim is renewed before if it is not.
const FRESH: f64 = 0.6;

/// Time that a call must end before the lease.
const MARGIN: Duration = Duration::from_secs(1);

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
        Ok(Self { collector, held, setup, before: record.state(), record, case, stored })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.collector.now()
    }

    pub(crate) fn enter(&mut self, stage: CaseState) {
        self.record.stage = stage;
        self.record.trouble = None;
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
        let opened = self.case.opened.is_some() != self.case.vendor_id.is_some();
        if *data.expose() == self.stored && entries.is_empty() && deletion.is_none() && !opened {
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

    /// Gives the notices to the service after they are stored. Returns whether it has confirmed all of them: one that it
    /// does not confirm stays, and those after it.
    async fn publish(&mut self) -> Result<bool, Error> {
        if self.record.outbox.is_empty() && self.record.state() == self.before {
            return Ok(true);
        }
        self.save().await?;
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
                NoticeKind::Outcome => hooks.on_outcome(&noticed, notice).await,
                NoticeKind::Collected => hooks.on_collected(&noticed, notice).await,
                NoticeKind::Stuck | NoticeKind::Retention => hooks.on_stuck(&noticed, notice).await,
            };
            if let Err(error) = confirmed {
                (self.collector.report)(Incident::Unconfirmed { case: self.case.id, error });
                return Ok(false);
            }
            self.record.outbox.remove(0);
        }
        Ok(true)
    }

    /// Takes note of the events that arrived since the last claim.
    async fn read_events(&mut self) -> Result<(), Error> {
        loop {
            let after = EventId(self.record.last_event);
            let page = self.collector.store.events_of(self.case.id, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            for stored in &page {
                // What arrives after the claim opens a unit of its own.
                if stored.state != EventState::Pending {
                    self.take_note(&stored.delivery.event);
                }
            }
            if page.iter().any(|stored| stored.state == EventState::Pending) {
                let read = page.iter().take_while(|stored| stored.state != EventState::Pending).last();
                self.record.last_event = read.map_or(self.record.last_event, |stored| stored.id.0);
                return Ok(());
            }
            self.record.last_event = last.id.0;
        }
    }

    fn take_note(&mut self, event: &Event) {
        if self.setup.provider.announces_end(event) {
            self.record.absence.note_final_event();
        }
        let wants_recording = self.record.wishes.video
            && !self.record.saved.contains(&EvidenceKind::Video)
            && !self.record.stage.is_end();
        let is_recording = self.setup.on_recording.as_ref().is_some_and(|webhook| webhook.event == event.name);
        if wants_recording && is_recording && !self.record.announcements.contains(event) {
            self.record.announcements.push(event.clone());
        }
    }

    async fn step(&mut self) -> Result<Next, Failure> {
        match self.record.stage {
            CaseState::Intended => Ok(self.doubt()),
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
            return self.stranger(&case).await;
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
                return Ok(work.record.next.map_or(Finish::Done, |due| Finish::Wait { due }));
            }
            let before = work.record.trouble.clone();
            let next = match work.step().await {
                Ok(next) => {
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
            let confirmed = work.publish().await?;
            if let Next::Step = next
                && !self.dispatcher.is_stopping()
            {
                continue;
            }
            let mut due = work.due(&next);
            if !confirmed {
                let again = work.now() + trouble::wait(6, random::number());
                due = Some(due.map_or(again, |due| due.min(again)));
            }
            work.save().await?;
            return Ok(match due {
                Some(due) => Finish::Wait { due },
                None => Finish::Done,
            });
        }
    }
}

impl Work<'_> {
    /// Records a failure of a step.
    fn fail(&mut self, error: Error) -> Next {
        let trouble = Trouble::add(self.record.trouble.take(), &error, self.now());
        let failures = trouble.failures;
        self.record.trouble = Some(trouble);
        (self.collector.report)(Incident::Failed { case: self.case.id, failures, error });
        let wait = trouble::wait(failures, random::number());
        self.rest(wait.try_into().unwrap_or(Duration::ZERO))
    }

    /// Records that a person must decide.
    pub(crate) fn decide(&mut self, text: impl Into<String>) {
        if self.record.trouble.as_ref().is_none_or(|trouble| trouble.failures > 0) {
            self.record.trouble = Some(Trouble::decision(text, self.now()));
        }
    }

    /// The time between now and an earlier time.
    pub(crate) fn since(&self, earlier: Timestamp) -> SignedDuration {
        self.now().duration_since(earlier)
    }
}
