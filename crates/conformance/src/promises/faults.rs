//! Faults of the connection: each fault in each operation of each call.
//!
//! The mock vendor, not the client, says what really happened.

use std::collections::BTreeSet;

use identkit_core::{CaseRef, Delivery, Error, EvidenceKind, Kind, Outcome};
use identkit_mock_server::Sandbox;
use identkit_mock_server::faults::{Fault, Rule};
use identkit_mock_server::journal::Form;
use identkit_wire::{AmbiguityPolicy, Meta};

use super::steps::{Step, Value};
use super::{Suite, windows};

/// The calls that are tried, apart from the evidence, whose kinds the plan lists.
const STEPS: [Step; 7] = [Step::Open, Step::Status, Step::Plan, Step::Find, Step::Changes, Step::Cancel, Step::Delete];

/// A call that ran without a fault.
struct Baseline<'a> {
    step: Step,
    /// Sandbox in which the call can run.
    before: &'a Sandbox,
    case: &'a CaseRef,
    value: Value,
    /// Names of the vendor's operations that the call made.
    operations: BTreeSet<&'static str>,
}

impl Suite<'_> {
    pub(super) async fn faults(&mut self, fresh: &Sandbox) {
        let open = fresh.fork();
        let Some((_, case)) = self.opened(&open).await else { return };
        let ended = open.fork();
        let moved = ended.transition(case.id.expose(), &self.main().transition);
        self.check("the mock vendor plays the story", moved.is_ok(), || format!("{moved:?}"));
        let (provider, options) = (self.harness.provider(&ended), self.options.clone());
        let kinds = match self.limited(&ended, provider.evidence_plan(&case, &options)).await {
            Some(Ok(plan)) if self.can(Step::Plan.needs()) => plan.kinds(),
            _ => Vec::new(),
        };
        let steps = STEPS.into_iter().chain(kinds.into_iter().map(Step::Evidence));
        for step in steps.filter(|step| self.can(step.needs())).collect::<Vec<_>>() {
            let before = match step {
                Step::Open => fresh,
                step if step.after_the_end() => &ended,
                _ => &open,
            };
            let Some(baseline) = self.baseline(step, before, &case).await else { continue };
            for operation in &baseline.operations {
                for fault in self.harness.faults.clone() {
                    self.fault(&baseline, Rule::new(fault.clone()).operation(*operation)).await;
                    self.fault(&baseline, Rule::new(fault).operation(*operation).always()).await;
                }
            }
        }
    }

    /// Runs a call without a fault. `None` if it fails, which the main run reports.
    async fn baseline<'s>(&mut self, step: Step, before: &'s Sandbox, case: &'s CaseRef) -> Option<Baseline<'s>> {
        let sandbox = before.fork();
        let (name, last) = (self.harness.name, sandbox.journal().last());
        let provider = self.harness.provider(&sandbox);
        let (window, _) = windows(sandbox.now())?;
        let value = self.limited(&sandbox, step.run(&*provider, &self.harness.case, case, window)).await?.ok()?;
        let journal = sandbox.journal();
        let calls: Vec<_> = journal.calls_since(last).map(|(_, call)| call).collect();
        for call in &calls {
            let known = call.operation.filter(|_| call.vendor == Some(name));
            self.check("each call of the provider is an operation of its vendor", known.is_some(), || {
                format!("{step:?} sends a request that is none")
            });
        }
        let operations: BTreeSet<_> = calls.iter().filter_map(|call| call.operation).collect();
        if !self.harness.operations.is_empty() {
            for operation in &operations {
                let declared = self.declared(operation).is_some();
                self.check("each operation is declared in the harness", declared, || (*operation).to_owned());
            }
        }
        if let Value::Opened(opened) = &value {
            let id = opened.case.id.expose();
            let creating = calls.iter().find(|call| call.case.as_deref() == Some(id)).and_then(|call| call.operation);
            if let Some(meta) = creating.and_then(|operation| self.declared(operation)) {
                let never = meta.safety.forbids_repeat() && !matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
                self.check("an operation that creates a case is declared as creating", never, || {
                    format!("{} is declared as {:?}, {:?}", meta.name, meta.safety, meta.ambiguity)
                });
            }
        }
        Some(Baseline { step, before, case, value, operations })
    }

    fn declared(&self, operation: &str) -> Option<&'static Meta> {
        self.harness.operations.iter().find(|meta| meta.name == operation).copied()
    }

    /// Runs a call with a fault in one of its operations, once or each time that it is sent.
    async fn fault(&mut self, baseline: &Baseline<'_>, rule: Rule) {
        let Baseline { step, before, case, .. } = *baseline;
        let sandbox = before.fork();
        let name = self.harness.name;
        // A fault that cannot occur at this vendor is rejected.
        let Ok(injected) = sandbox.inject(rule.vendor(name)) else { return };
        let Rule { fault, operation, times, .. } = injected.rule;
        let cases: BTreeSet<_> = sandbox.cases(name).into_iter().collect();
        let (state, last) = (sandbox.inspect(case.id.expose()), sandbox.journal().last());
        let provider = self.harness.provider(&sandbox);
        let Some((window, _)) = windows(sandbox.now()) else { return };
        let result = self.limited(&sandbox, step.run(&*provider, &self.harness.case, case, window)).await;
        sandbox.clear_faults();
        let often = if times.is_some() { "once" } else { "always" };
        let place = || format!("{step:?} with {} {often} in {}", fault.name(), operation.as_deref().unwrap_or("any"));
        let Some(result) = result else { return };
        let journal = sandbox.journal();
        let calls: Vec<_> = journal.calls_since(last).map(|(_, call)| call).collect();
        match &result {
            Ok(value) => {
                self.check_debug(value);
                // Evidence in another shape is archived as it was sent.
                let archived = matches!(fault, Fault::ShapeVariant { .. })
                    && calls.iter().any(|call| {
                        call.answer.form == Form::Whole && value.is_archived(&baseline.value, &call.answer.bytes)
                    });
                let same = *value == baseline.value || archived || matches!(value, Value::Opened(_));
                self.check("a disturbed response is read completely or is an error", same, place);
            }
            Err(error) => self.check_error(error),
        }
        self.check_debug(&provider);

        let sent: Vec<_> = calls.iter().filter_map(|call| call.operation).collect();
        let unsent = result.as_ref().err().filter(|error| error.delivery() == Some(Delivery::NotSent));
        let honest = unsent.and_then(Error::operation).is_none_or(|operation| !sent.contains(&operation));
        self.check("a request that was sent is not reported as not sent", honest, place);
        if may_have_been_processed(&fault) {
            for meta in self.harness.operations.iter().filter(|meta| meta.safety.forbids_repeat()) {
                let count = sent.iter().filter(|one| **one == meta.name).count();
                let promise = "an operation that must not be repeated is sent once";
                self.check(promise, count <= 1, || format!("{} was sent {count} times: {}", meta.name, place()));
            }
        }
        match step {
            Step::Open => {
                let now = sandbox.cases(name).into_iter().filter(|id| !cases.contains(id));
                let created: Vec<_> = now.collect();
                self.opening(&sandbox, &result, &created, &place()).await;
            }
            Step::Delete if result.is_ok() => {
                let changed = sandbox.inspect(case.id.expose()) != state;
                self.check("a deletion that succeeds changed the case at the mock vendor", changed, place);
                let other = self.harness.provider(&sandbox);
                if self.can(Step::Plan.needs()) {
                    let options = self.options.clone();
                    let read = other.evidence(case, EvidenceKind::IdentData, &options);
                    let Some(read) = self.limited(&sandbox, read).await else { return };
                    self.fails("deleted data is gone for every client", Kind::NotFound, read);
                }
            }
            Step::Cancel if result.is_ok() => {
                let (other, options) = (self.harness.provider(&sandbox), self.options.clone());
                let Some(status) = self.limited(&sandbox, other.status(case, &options)).await else { return };
                let ended = status.is_ok_and(|status| status.outcome == Outcome::Terminated);
                self.check("a case that was canceled has ended at the vendor", ended, place);
            }
            _ => {}
        }
    }

    /// Compares the result of `open` with the cases that the mock vendor created.
    async fn opening(&mut self, sandbox: &Sandbox, result: &Result<Value, Error>, created: &[String], place: &str) {
        let count = created.len();
        self.check("a disturbed call never creates a second case", count <= 1, || {
            format!("{count} cases were created: {place}")
        });
        match result {
            Ok(Value::Opened(opened)) => {
                let exists = created.iter().any(|id| id == opened.case.id.expose());
                self.check("an opened case exists at the mock vendor", exists, || place.to_owned());
            }
            Err(error) if count > 0 => {
                let unknown = error.kind() == Kind::OutcomeUnknown;
                self.check("a case that was created is not reported as failed", unknown, || {
                    format!("{:?}: {place}", error.kind())
                });
                self.lost(sandbox, created, place).await;
            }
            _ => {}
        }
    }

    /// Finds cases whose response was lost, as another process would.
    async fn lost(&mut self, sandbox: &Sandbox, created: &[String], place: &str) {
        let (Some((window, _)), true) = (windows(sandbox.now()), self.can(Step::Find.needs())) else { return };
        let Some(reference) = &self.harness.case.reference else { return };
        let provider = self.harness.provider(sandbox);
        let purpose = self.harness.case.purpose;
        let options = self.options.clone();
        let found = provider.find(reference.expose(), purpose, window, &options);
        let Some(found) = self.limited(sandbox, found).await else { return };
        let ids: Vec<_> = found.iter().flat_map(|found| &found.cases).map(|case| case.id.expose()).collect();
        let all = created.iter().all(|id| ids.contains(&id.as_str()));
        self.check("a case whose response was lost is found by its reference", all, || {
            format!("{} of {} found: {place}", ids.len(), created.len())
        });
    }
}

/// Whether the vendor may have processed a call with this fault, as the client sees it.
fn may_have_been_processed(fault: &Fault) -> bool {
    !matches!(fault, Fault::RateLimit { .. } | Fault::Redirect { .. } | Fault::Status { committed: false, .. })
}
