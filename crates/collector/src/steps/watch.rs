//! An open case: its end is read from the vendor, never taken from a webhook.

use std::time::Duration;

use identkit_core::{Absence, Capability, CaseRef, Kind, Outcome};

use crate::hooks::NoticeKind;
use crate::state::CaseState;
use crate::work::{Failure, Next, Stored as _, Work};

impl Work<'_> {
    pub(crate) async fn watch(&mut self) -> Result<Next, Failure> {
        let Some(case) = self.case.opened.clone() else {
            self.enter(CaseState::Unknown);
            return Ok(Next::Step);
        };
        if self.record.cancel {
            self.cancel(&case).await?;
        }
        let options = self.call_options().await.stored()?;
        let status = self.setup.provider.status(&case, &options).await;
        let now = self.now();
        let outcome = self.record.absence.note_status(&status, now);
        match (outcome, status) {
            (Some(outcome), status) if outcome.is_final() => {
                let since = status.ok().and_then(|status| status.since);
                self.record.outcome = Some(outcome);
                self.record.ended = Some(since.map_or(now, |since| since.min(now)));
                // The person has finished.
                self.record.person_url = None;
                self.notice(NoticeKind::Outcome, "the case has ended");
                self.enter(CaseState::Final);
                Ok(Next::Step)
            }
            (Some(Outcome::Unclear), _) => {
                self.decide("the vendor's status of the case cannot be read: look into the vendor's portal");
                Ok(self.rest(self.poll()))
            }
            (Some(_), _) => {
                // What could not be read before can be read now.
                self.record.trouble = None;
                Ok(self.rest(self.poll()))
            }
            // The case has ended and may be gone: a second read decides.
            (None, Err(error)) if error.kind() == Kind::NotFound && self.record.absence.is_announced() => {
                Ok(self.rest(Absence::GONE_AFTER.try_into().unwrap_or(Duration::MAX)))
            }
            (None, Err(error)) => Err(Failure::Step(error)),
            (None, Ok(_)) => Ok(self.rest(self.poll())),
        }
    }

    /// Time until the next read without an event. A vendor with a list of changes is swept instead.
    fn poll(&self) -> Duration {
        let sweep = self.collector.timing.sweep;
        if self.setup.provider.descriptor().can(Capability::Changes) { sweep.saturating_mul(4) } else { sweep }
    }

    /// Cancels the case at the vendor. If it has ended meanwhile, that is not a failure.
    async fn cancel(&mut self, case: &CaseRef) -> Result<(), Failure> {
        let options = self.call_options().await.stored()?;
        match self.setup.provider.cancel(case, &options).await {
            // It has ended or is unknown, which the status shows, or it cannot be canceled.
            Err(error)
                if !matches!(
                    error.kind(),
                    Kind::InvalidState | Kind::NotFound | Kind::Rejected | Kind::Unsupported | Kind::Forbidden
                ) =>
            {
                return Err(Failure::Step(error));
            }
            _ => self.record.cancel = false,
        }
        self.save().await.stored()
    }
}
