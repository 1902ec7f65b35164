//! An open case: its end is read from the vendor, never taken from a webhook.

use std::time::Duration;

use identkit_core::{Absence, Capability, CaseRef, CaseStatus, Error, Kind, Outcome, Pii};

use crate::fault;
use crate::hooks::NoticeKind;
use crate::record::NotFoundSpan;
use crate::state::{CaseState, ReuseOutcome};
use crate::work::{Failure, Next, Stored as _, Work};

/// Time until the next read of a status that the configuration does not map.
const UNMAPPED: Duration = Duration::from_secs(60 * 60);

/// Longest word of a vendor's status that is shown: a longer text can contain anything.
const LONGEST_WORD: usize = 40;

/// What a person must do about a status that the configuration does not map (AI-12).
fn unmapped(status: Option<&CaseStatus>) -> String {
    let last = status.and_then(|status| status.vendor_codes.last()).filter(|word| word.len() <= LONGEST_WORD);
    let (shown, option) = match last {
        Some(word) => (format!(" {word:?}"), format!("--outcome {word:?}=…")),
        None => (String::new(), "--outcome WORD=…".to_owned()),
    };
    format!(
        "the vendor's status{shown} has no meaning in the configuration: find out what it means, and add it to the mapping \
         of statuses ({option})"
    )
}

/// What a person must do about an id that the vendor has for another case.
const OTHER_REFERENCE: &str = "the vendor states another reference for the id of this case, so nothing of it is collected or \
                               deleted: look into the vendor's portal, then use `case adopt` with the right id, or with \
                               `--any-reference` if it is the right one";

impl Work<'_> {
    /// Compares the reference that the vendor states with that of the case. If it is another one, the id is that of another
    /// case, and only a person can continue. Returns whether that is so.
    pub(crate) fn is_of_another(&mut self, stated: Option<&Pii<String>>) -> bool {
        let stated = stated.map(|reference| reference.expose().as_str());
        let own = self.case.reference.as_ref().map(|reference| reference.expose());
        let is_other = stated.is_some_and(|stated| own.is_some_and(|own| own != stated));
        self.record.contradicted = is_other && !self.record.any_reference;
        if self.record.contradicted {
            self.decide(OTHER_REFERENCE);
        }
        self.record.contradicted
    }

    /// Whether a person can give the case its id at the vendor: nothing was collected or deleted, and the vendor did not give
    /// the id, or states that it is another case's.
    pub(crate) fn can_be_adopted(&self) -> bool {
        match self.record.stage {
            CaseState::Unknown => true,
            CaseState::Open => self.record.adopted || self.record.contradicted,
            CaseState::Final => self.record.contradicted,
            CaseState::Collecting => self.record.contradicted && self.record.saved.is_empty(),
            // A case that the vendor has lost has an outcome.
            CaseState::Closed => self.record.closed_because.is_some() && self.record.outcome.is_none(),
            _ => false,
        }
    }

    pub(crate) async fn watch(&mut self) -> Result<Next, Failure> {
        let Some(case) = self.case.opened.clone() else {
            self.enter(CaseState::Unknown);
            return Ok(Next::Step);
        };
        let options = self.call_options().await.stored()?;
        let status = self.setup.provider.status(&case, &options).await;
        if let Ok(status) = &status {
            if self.is_of_another(status.reference.as_ref()) {
                return Ok(self.rest(self.poll()));
            }
            // A case that has ended needs no cancellation.
            self.record.cancel &= !status.outcome.is_final();
            if self.record.cancel {
                // The next step reads what has become of it.
                self.cancel(&case).await?;
                return Ok(Next::Step);
            }
        }
        let now = self.now();
        let outcome = self.record.absence.note_status(&status, now);
        match (outcome, status) {
            (Some(outcome), status) if outcome.is_final() => {
                let status = status.ok();
                if let (Some(status), true) = (&status, self.record.has_signed_data) {
                    self.record.reuse = self.setup.provider.was_identified_again(status).map(|again| match again {
                        true => ReuseOutcome::IdentifiedAgain,
                        false => ReuseOutcome::Reused,
                    });
                }
                let since = status.and_then(|status| status.since);
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
            (Some(Outcome::Unknown), status) => {
                self.decide(unmapped(status.ok().as_ref()));
                // The configuration can have another mapping at the next read.
                Ok(self.rest(self.poll().min(UNMAPPED)))
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

    /// Gives up a case that the vendor has lost, because a person wants it.
    ///
    /// # Errors
    /// [`Kind::InvalidState`] unless the vendor's 404s show it.
    pub(crate) fn close_lost(&mut self, reason: &str) -> Result<(), Error> {
        let Some(span) = self.record.lost() else { return Err(fault::not_lost(self.record.stage)) };
        let NotFoundSpan { first, last } = span;
        let why = format!("a person has closed the case: {reason}. The vendor answered 404 from {first} to {last}");
        if self.record.outcome.is_none() {
            (self.record.outcome, self.record.ended) = (Some(Outcome::Gone), Some(last));
            self.notice(NoticeKind::Outcome, "a person has closed the case: the vendor has lost it");
        }
        self.record.closed_because = Some(why);
        self.record.person_url = None;
        self.enter(CaseState::Closed);
        Ok(())
    }

    /// Time until the next read without an event. A vendor with a list of changes is swept instead.
    pub(crate) fn poll(&self) -> Duration {
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
            Err(error) => self.record.not_canceled = Some(error.detail().to_owned()),
            // The next status normally shows it.
            Ok(()) => {
                self.record.not_canceled = Some("it has confirmed it, but its status does not show it".to_owned())
            }
        }
        self.record.cancel = false;
        self.save().await.stored()
    }
}
