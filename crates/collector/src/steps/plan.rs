//! A case that has ended: what there is to collect.

use identkit_core::{Capability, EvidencePlan, NothingToCollect, Outcome};

use crate::state::CaseState;
use crate::work::{Failure, Next, Stored as _, Work};

impl Work<'_> {
    pub(crate) async fn plan(&mut self) -> Result<Next, Failure> {
        let (Some(case), Some(outcome)) = (self.case.opened.clone(), self.record.outcome) else {
            self.enter(CaseState::Open);
            return Ok(Next::Step);
        };
        if outcome == Outcome::Gone {
            self.enter(CaseState::Closed);
            return Ok(Next::Step);
        }
        if !self.setup.provider.descriptor().can(Capability::Evidence) {
            self.record.plan = Some(EvidencePlan::default());
            self.enter(CaseState::Collecting);
            return Ok(Next::Step);
        }
        let options = self.call_options().await.stored()?;
        let (status, plan) = self.setup.provider.planned(&case, &options).await.step()?;
        if self.is_of_another(status.reference.as_ref()) {
            return Ok(self.rest(self.poll()));
        }
        let plan = if plan.is_empty() {
            NothingToCollect::new(outcome, &plan).step()?;
            plan
        } else {
            self.record.wishes.add_to(plan)
        };
        self.record.plan = Some(plan);
        self.enter(CaseState::Collecting);
        self.save().await.stored()?;
        Ok(Next::Step)
    }
}
