//! What a person can do with a case.

use std::time::Duration;

use identkit_core::{Capability, Error, EvidenceKind, Kind, Secret};
use identkit_store::{CaseId, Claim, Finish, HeldClaim};

use crate::collector::Collector;
use crate::fault;
use crate::incident::Incident;
use crate::state::CaseState;
use crate::work::{Failure, Work};

/// Longest time for which a command waits until the worker that has the case ends its step, in lease times. The claim of a
/// worker that has stopped is taken over after one.
const LEASES: u32 = 2;

/// Time after which a command reports that it waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pause between two attempts to claim a case.
const PAUSE: Duration = Duration::from_millis(200);

/// What a person wants.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Do the next step now, also if it is not due.
    Retry,
    /// Do nothing until [`Resume`](Self::Resume).
    Pause,
    /// Continue.
    Resume,
    /// Cancel the case at the vendor.
    Cancel,
    /// The case of unknown outcome has this id at the vendor. Also corrects an id that a person gave, as long as the case is
    /// open, and takes back that a person closed a case of unknown outcome.
    Adopt {
        /// The vendor's id.
        id: Secret,
        /// Whether the vendor may state another reference for this id than that of the case. Otherwise nothing of it is
        /// collected or deleted.
        any_reference: bool,
    },
    /// The case is given up: one of unknown outcome, or one that the vendor has lost, which its 404s must show. The text is the
    /// reason, without personal data.
    Close(String),
    /// Collect without the recording of the video.
    WithoutRecording,
    /// Collect without the audio recordings, e.g. because the vendor refuses to read them for this product. The text is the
    /// reason, without personal data: [`CaseReport::given_up`](crate::CaseReport::given_up) has it.
    WithoutAudio(String),
    /// Collect without the signed data for a later case, e.g. because the vendor has not enabled the account for them. The text
    /// is the reason, as for [`WithoutAudio`](Self::WithoutAudio).
    WithoutSignedData(String),
}

/// What must be saved before a person deletes a case at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleting {
    /// All evidence, which is read from the sink and compared again.
    WithEvidence,
    /// Nothing. Evidence that was not collected is lost.
    WithoutEvidence,
}

impl Collector {
    /// Deletes the data of a case at the vendor now, whatever the policy is. The ledger names `operator` as the actor.
    ///
    /// # Errors
    /// Like [`command`](Self::command), and those of the vendor's call, of the sink and of the store. Nothing is recorded
    /// then: repeat it.
    pub async fn delete_now(&self, case: CaseId, deleting: Deleting) -> Result<(), Error> {
        self.with_claim(case, async |held| (self.carry_out_deletion(&held, deleting).await, self.due_now())).await
    }

    async fn carry_out_deletion(&self, held: &HeldClaim, deleting: Deleting) -> Result<(), Error> {
        let mut work = self.claimed_work(held).await?;
        let (stage, allowed) = (
            work.record.stage,
            match deleting {
                Deleting::WithEvidence => &[CaseState::Collected][..],
                Deleting::WithoutEvidence => &[CaseState::Final, CaseState::Collecting, CaseState::Collected],
            },
        );
        if !allowed.contains(&stage) || work.record.contradicted {
            return Err(not_in_state(stage, "collected"));
        }
        let deleted = work.delete_for_operator(deleting).await;
        match deleted {
            Ok(_) if work.record.stage != CaseState::Deleted => {
                work.save().await?;
                let detail = format!("the deletion is not proved: the case is {}", work.record.stage);
                Err(Error::new(Kind::InvalidState, detail))
            }
            Ok(_) => work.save().await,
            Err(Failure::Store(error)) => Err(error),
            Err(Failure::Step(error)) => {
                // Whether the request may have been executed.
                work.save().await?;
                Err(error)
            }
        }
    }

    /// Carries out a command. The next step follows when a worker claims the case, normally at once.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if the store has no such case. [`Kind::InvalidState`] if the state of the case does not allow the
    /// command. [`Kind::Conflict`] if a worker has the case for longer than two leases: repeat the command. The claim of a
    /// worker that has stopped is taken over after one lease.
    pub async fn command(&self, case: CaseId, command: Command) -> Result<(), Error> {
        self.with_claim(case, async |held| (self.carry_out(&held, &command).await, self.due_now())).await
    }

    /// Does all steps of a case that are due, in this process, also if no worker runs.
    ///
    /// # Errors
    /// Like [`command`](Self::command), and those of the store.
    pub async fn work_on(&self, case: CaseId) -> Result<(), Error> {
        let advance = async |held: HeldClaim| match self.advance(&held).await {
            Ok(finish) => (Ok(()), finish),
            Err(error) => (Err(error), self.due_now()),
        };
        self.with_claim(case, advance).await
    }

    /// Claims a case, works on it, and ends the claim.
    async fn with_claim(
        &self,
        case: CaseId,
        work: impl AsyncFnOnce(HeldClaim) -> (Result<(), Error>, Finish),
    ) -> Result<(), Error> {
        let claim = self.claim(case).await?;
        let mut result = Err(fault::busy());
        let slot = &mut result;
        self.dispatcher
            .run_one(claim, async |held: HeldClaim| {
                let (done, finish) = work(held).await;
                *slot = done;
                finish
            })
            .await?;
        self.wake();
        result
    }

    fn due_now(&self) -> Finish {
        Finish::Retry { due: self.now() }
    }

    /// Claims a case. Waits for the worker that has it, and takes the claim over if that worker has stopped.
    async fn claim(&self, case: CaseId) -> Result<Claim, Error> {
        let found = self.store.case(case).await?.filter(|found| found.version > 0).ok_or_else(fault::no_case)?;
        self.provider(&found.provider)?;
        let begin = self.clock.now();
        let limit = self.lease * LEASES;
        let mut is_reported = false;
        loop {
            if let Some(claim) = self.dispatcher.claim_case(case).await? {
                return Ok(claim);
            }
            let waited = self.clock.now().since(begin);
            if waited >= limit {
                return Err(fault::busy());
            }
            if waited >= PATIENCE && !is_reported {
                is_reported = true;
                (self.report)(Incident::Waiting { case, limit });
            }
            drop(self.clock.sleep_until(self.clock.now().plus(PAUSE)).await);
        }
    }

    async fn carry_out(&self, held: &HeldClaim, command: &Command) -> Result<(), Error> {
        let mut work = self.claimed_work(held).await?;
        let (setup, stage) = (work.setup, work.record.stage);
        let not_in_state = |allowed: &str| Err(not_in_state(stage, allowed));
        match command {
            Command::Retry if stage.is_end() => return not_in_state("not at its end"),
            Command::Retry => (work.record.trouble, work.record.next) = (None, None),
            Command::Pause => work.record.paused = true,
            Command::Resume => work.record.paused = false,
            Command::Cancel if !setup.provider.descriptor().can(Capability::Cancel) => {
                return Err(fault::unsent(Error::unsupported("cancel")));
            }
            Command::Cancel if work.record.contradicted => return not_in_state("open with the id of its own order"),
            Command::Cancel if stage == CaseState::Open => {
                (work.record.cancel, work.record.not_canceled) = (true, None)
            }
            Command::Cancel => return not_in_state("open"),
            Command::Adopt { id, any_reference } if work.can_be_adopted() => {
                let adopted = setup.provider.adopt(id.expose(), work.record.purpose)?;
                work.case.opened = Some(work.record.expecting(adopted));
                (work.record.adopted, work.record.any_reference, work.record.contradicted) =
                    (true, *any_reference, false);
                // A cancellation was meant for the case with the former id.
                (work.record.cancel, work.record.not_canceled, work.record.closed_because) = (false, None, None);
                work.record.candidates.clear();
                work.reopen();
            }
            Command::Adopt { .. } => {
                return not_in_state("unknown, open with an id that a person gave, or closed by a person as unknown");
            }
            Command::Close(reason) if stage != CaseState::Closed && work.can_be_adopted() => {
                work.record.closed_because = Some(format!("a person has closed the case: {reason}"));
                (work.record.cancel, work.record.outcome) = (false, None);
                work.enter(CaseState::Closed);
            }
            Command::Close(reason) => work.close_lost(reason)?,
            Command::WithoutRecording if !stage.is_end() => {
                if std::mem::take(&mut work.record.wishes.video) {
                    work.give_up(EvidenceKind::Video, "the vendor does not announce the recording");
                }
            }
            Command::WithoutRecording => return not_in_state("not at its end"),
            Command::WithoutAudio(reason) => work.do_without(EvidenceKind::Audio, reason)?,
            Command::WithoutSignedData(reason) => work.do_without(EvidenceKind::SignedIdentData, reason)?,
        }
        work.save().await
    }

    /// The claimed case, if a collector has opened it.
    async fn claimed_work<'a>(&'a self, held: &'a HeldClaim) -> Result<Work<'a>, Error> {
        let case = self.store.case(held.claim().case()).await?.filter(|case| case.version > 0);
        let case = case.ok_or_else(fault::no_case)?;
        let setup = self.provider(&case.provider)?;
        Work::new(self, held, setup, case)
    }
}

impl Work<'_> {
    /// Gives up evidence that was wished and is still to be read.
    fn do_without(&mut self, kind: EvidenceKind, reason: &str) -> Result<(), Error> {
        let stage = self.record.stage;
        let is_saved = matches!(stage, CaseState::Collected | CaseState::Deleted | CaseState::Closed)
            || self.record.saved.contains(&kind);
        let wish = match kind {
            EvidenceKind::Audio => &mut self.record.wishes.audio,
            _ => &mut self.record.wishes.signed_ident_data,
        };
        if is_saved || !std::mem::take(wish) {
            return Err(not_in_state(stage, &format!("waiting for its evidence of kind {}", kind.as_str())));
        }
        self.give_up(kind, reason);
        Ok(())
    }

    /// Records that a person gave up a kind of evidence. The plan is made again, without it.
    fn give_up(&mut self, kind: EvidenceKind, reason: &str) {
        self.record.given_up.retain(|(other, _)| *other != kind);
        self.record.given_up.push((kind, reason.to_owned()));
        if self.record.stage == CaseState::Collecting {
            self.enter(CaseState::Final);
        }
    }
}

fn not_in_state(stage: CaseState, allowed: &str) -> Error {
    let detail = format!("the case is {stage}: this needs a case that is {allowed}");
    fault::unsent(Error::new(Kind::InvalidState, detail))
}
