//! What a person can do with a case.

use std::time::Duration;

use identkit_core::{Capability, Error, Kind, Secret};
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
    /// The case of unknown outcome has this id at the vendor.
    Adopt(Secret),
    /// The case of unknown outcome does not exist at the vendor, or is given up.
    Close,
    /// Collect without the recording of the video.
    WithoutRecording,
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
        let claim = self.claim(case).await?;
        let mut result = Err(fault::busy());
        let slot = &mut result;
        self.dispatcher
            .run_one(claim, async |held: HeldClaim| {
                *slot = self.carry_out_deletion(&held, deleting).await;
                Finish::Retry { due: self.now() }
            })
            .await?;
        self.wake();
        result
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
        if !allowed.contains(&stage) {
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
            Err(Failure::Store(error) | Failure::Step(error)) => Err(error),
        }
    }

    /// Carries out a command. The next step follows when a worker claims the case, normally at once.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if the store has no such case. [`Kind::InvalidState`] if the state of the case does not allow the
    /// command. [`Kind::Conflict`] if a worker has the case for longer than two leases: repeat the command. The claim of a
    /// worker that has stopped is taken over after one lease.
    pub async fn command(&self, case: CaseId, command: Command) -> Result<(), Error> {
        let claim = self.claim(case).await?;
        let mut result = Err(fault::busy());
        let slot = &mut result;
        self.dispatcher
            .run_one(claim, async |held: HeldClaim| {
                *slot = self.carry_out(&held, &command).await;
                Finish::Retry { due: self.now() }
            })
            .await?;
        self.wake();
        result
    }

    /// Does all steps of a case that are due, in this process, also if no worker runs.
    ///
    /// # Errors
    /// Like [`command`](Self::command), and those of the store.
    pub async fn work_on(&self, case: CaseId) -> Result<(), Error> {
        let claim = self.claim(case).await?;
        let mut result = Ok(());
        let slot = &mut result;
        self.dispatcher
            .run_one(claim, async |held: HeldClaim| match self.advance(&held).await {
                Ok(finish) => finish,
                Err(error) => {
                    *slot = Err(error);
                    Finish::Retry { due: self.now() }
                }
            })
            .await?;
        result
    }

    /// Claims a case. Waits for the worker that has it, and takes the claim over if that worker has stopped.
    async fn claim(&self, case: CaseId) -> Result<Claim, Error> {
        let begin = self.clock.now();
        let limit = self.lease * LEASES;
        let mut is_reported = false;
        loop {
            if let Some(claim) = self.dispatcher.claim_case(case).await? {
                return Ok(claim);
            }
            match self.store.case(case).await? {
                Some(found) if found.version > 0 => {}
                _ => return Err(fault::no_case()),
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
                return Err(Error::unsupported("cancel"));
            }
            Command::Cancel if stage == CaseState::Open => work.record.cancel = true,
            Command::Cancel => return not_in_state("open"),
            Command::Adopt(id) if stage == CaseState::Unknown => {
                work.case.opened = Some(setup.provider.adopt(id.expose(), work.record.purpose)?);
                work.record.candidates.clear();
                work.enter(CaseState::Open);
            }
            Command::Adopt(_) => return not_in_state("unknown"),
            Command::Close if stage == CaseState::Unknown => {
                work.record.not_opened = Some("a person has closed the case".to_owned());
                work.enter(CaseState::Closed);
            }
            Command::Close => return not_in_state("unknown"),
            Command::WithoutRecording if !stage.is_end() => {
                work.record.wishes.video = false;
                if stage == CaseState::Collecting {
                    // The plan is made again, without the recording.
                    work.enter(CaseState::Final);
                }
            }
            Command::WithoutRecording => return not_in_state("not at its end"),
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

fn not_in_state(stage: CaseState, allowed: &str) -> Error {
    Error::new(Kind::InvalidState, format!("the case is {stage}: this needs a case that is {allowed}"))
}
