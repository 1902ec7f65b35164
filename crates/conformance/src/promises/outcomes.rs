//! The outcome of each declared scenario, and a status that the vendor's document does not contain.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Capability, CaseRef, IdentityProvider, NothingToCollect, Outcome};
use identkit_mock_server::{Sandbox, Transition};

use super::{ENDS, Suite};
use crate::drive::within;

impl Suite<'_> {
    pub(super) async fn outcomes(&mut self, fresh: &Sandbox) {
        if !self.can(Capability::Judge) {
            return;
        }
        for scenario in &self.harness.scenarios {
            let sandbox = fresh.fork();
            let Some((provider, case)) = self.moved(&sandbox, &scenario.transition).await else { continue };
            self.scenario(&sandbox, &*provider, &case, scenario.outcome, scenario.has_evidence).await;
        }
        if let Some(status) = &self.harness.unknown_status {
            let sandbox = fresh.fork();
            let Some((provider, case)) = self.moved(&sandbox, &Transition::Status(status.clone())).await else {
                return;
            };
            let read = self.limited(&sandbox, provider.status(&case, &self.options.clone())).await;
            let Some(Some(status)) = read.map(|read| self.succeeds("an unknown status is not an error", read)) else {
                return;
            };
            self.check_debug(&status);
            let open = !status.outcome.is_final();
            self.check("an unknown status does not end a case", open, || format!("{:?}", status.outcome));
        }
    }

    async fn scenario(
        &mut self,
        sandbox: &Sandbox,
        provider: &dyn IdentityProvider,
        case: &CaseRef,
        expected: Outcome,
        has_evidence: bool,
    ) {
        let options = self.options.clone();
        let read = self.limited(sandbox, provider.status(case, &options)).await;
        let Some(Some(status)) = read.map(|read| self.succeeds("the status of a scenario can be read", read)) else {
            return;
        };
        self.check_debug(&status);
        let promise = "each scenario has its declared outcome";
        self.check(promise, status.outcome == expected, || format!("{:?} instead of {expected:?}", status.outcome));
        sandbox.advance(Duration::from_secs(60)).await;
        let later = self.limited(sandbox, provider.status(case, &options)).await;
        let same = matches!(&later, Some(Ok(later)) if later.outcome == status.outcome);
        self.check("the outcome stays the same a minute later", same, || format!("{later:?} after {status:?}"));
        if !self.can(Capability::Evidence) {
            return;
        }
        let plan = self.limited(sandbox, provider.evidence_plan(case, &options)).await;
        let Some(Some(plan)) = plan.map(|plan| self.succeeds("the plan of a scenario can be read", plan)) else {
            return;
        };
        let promise = "the plan has evidence only if the scenario has";
        self.check(promise, plan.is_empty() != has_evidence, || format!("{plan:?} after {expected:?}"));
        if expected.is_final() && !has_evidence {
            let proof = NothingToCollect::new(status.outcome, &plan);
            self.succeeds("an end without evidence can be proved", proof);
        }
    }

    /// Opens a case in a sandbox and applies a transition to it.
    pub(super) async fn moved(
        &mut self,
        sandbox: &Sandbox,
        transition: &Transition,
    ) -> Option<(Arc<dyn IdentityProvider>, CaseRef)> {
        let (provider, case) = self.opened(sandbox).await?;
        let moved = sandbox.transition(case.id.expose(), transition);
        self.check("the mock vendor plays each scenario", moved.is_ok(), || format!("{moved:?}"));
        moved.ok().map(|()| (provider, case))
    }

    /// Opens a case in a sandbox.
    pub(super) async fn opened(&mut self, sandbox: &Sandbox) -> Option<(Arc<dyn IdentityProvider>, CaseRef)> {
        let provider = self.harness.provider(sandbox);
        let opened = self.limited(sandbox, provider.open(&self.harness.case, &self.options.clone())).await?;
        let opened = self.succeeds("a valid case can be opened", opened)?;
        self.secrets.add(&opened);
        self.check_debug(&provider);
        Some((provider, opened.case))
    }

    /// Runs a call that must end.
    pub(super) async fn limited<T>(&mut self, sandbox: &Sandbox, call: impl Future<Output = T>) -> Option<T> {
        let value = within(self.harness.limit, sandbox, call).await;
        self.check(ENDS, value.is_some(), || "it does not end".into());
        value
    }
}
