//! What a caller needs after an unknown outcome or a restart: finding and adopting cases, and their stored state.

use identkit_core::{Capability, CaseRef, Kind, Opened, Purpose, Window};

use super::{Suite, windows};

/// A state that no provider writes.
const UNREADABLE: &str = "not a state";

impl Suite<'_> {
    /// Finds the opened cases by their reference.
    pub(super) async fn find(&mut self, opened: &[CaseRef]) {
        let Some(reference) = self.harness.case.reference.as_ref().filter(|_| self.can(Capability::Find)) else {
            return;
        };
        let (reference, purpose) = (reference.expose().clone(), self.harness.case.purpose);
        let provider = self.provider.clone();
        let Some((window, earlier)) = windows(self.harness.sandbox.now()) else { return };

        let found = provider.find(&reference, purpose, window, &self.options).await;
        if let Some(found) = self.succeeds("cases can be found by their reference", found) {
            self.check_debug(&found);
            let missing = opened.iter().filter(|case| !found.cases.iter().any(|other| is_same(case, other))).count();
            let all = missing == 0 && found.cases.len() == opened.len() && found.is_complete();
            let actual =
                || format!("{} of {} found, complete: {}", found.cases.len(), opened.len(), found.is_complete());
            self.check("all cases with a reference are found as they were opened", all, actual);
        }
        for (promise, reference, window) in [
            ("another reference finds nothing", "another-reference", window),
            ("a part of the reference finds nothing", reference.get(1..).unwrap_or_default(), window),
            ("a window before the case finds nothing", &reference, earlier),
        ] {
            let found = provider.find(reference, purpose, window, &self.options).await;
            let none = found.as_ref().is_ok_and(|found| found.cases.is_empty());
            self.check(promise, none, || format!("{found:?}"));
        }
        let reversed = Window { begin: window.end, end: window.begin };
        for (promise, reference, window) in [
            ("an empty reference is rejected", "", window),
            ("finding in a window that ends before it begins is rejected", &reference, reversed),
        ] {
            let result = provider.find(reference, purpose, window, &self.options).await;
            self.fails(promise, Kind::InvalidInput, result);
        }
    }

    /// Adopts the case by the vendor's id.
    pub(super) async fn adopt(&mut self, opened: &Opened) {
        let (provider, purpose) = (self.provider.clone(), self.harness.case.purpose);
        let before = self.calls();
        let id = opened.case.id.expose();
        let adopted = provider.adopt(id, purpose);
        if let Some(adopted) = self.succeeds("a case can be adopted by its id", adopted) {
            self.check("an adopted case is the opened one", is_same(&opened.case, &adopted), || "it differs".into());
        }
        // AT-22, AI-15: the vendor's document need not be right about the shape.
        for odd in ["9992/..//odd", "ä b", "0"] {
            let adopted = provider.adopt(odd, Purpose::Identification);
            let kept = adopted.as_ref().is_ok_and(|case| case.id.expose() == odd);
            self.check("an id of any shape can be adopted", kept, || format!("{adopted:?} for {odd:?}"));
        }
        for text in ["", " "] {
            let result = provider.adopt(text, purpose);
            self.fails("an empty id is rejected", Kind::InvalidInput, result);
        }
        self.check_calls("adopting a case sends nothing", before, 0);
    }

    /// Calls every method with a state that cannot be read.
    pub(super) async fn unreadable_state(&mut self, case: &CaseRef) {
        let (provider, options) = (self.provider.clone(), self.options.clone());
        let case = case.clone().with_state(UNREADABLE);
        let before = self.calls();
        let mut results = vec![provider.status(&case, &options).await.map(drop)];
        if self.can(Capability::Evidence) {
            results.push(provider.evidence_plan(&case, &options).await.map(drop));
            results.push(provider.evidence(&case, identkit_core::EvidenceKind::IdentData, &options).await.map(drop));
        }
        if self.can(Capability::Cancel) {
            results.push(provider.cancel(&case, &options).await);
        }
        if self.can(Capability::Delete) {
            results.push(provider.delete(&case, &identkit_core::DeletePermit::Operator, &options).await);
        }
        for result in results {
            self.fails("a state that cannot be read is rejected", Kind::InvalidInput, result);
        }
        self.check_calls("a state that cannot be read is rejected before anything is sent", before, 0);
    }
}

/// Whether a reference that was found or adopted is the opened one. The state of an opened case can have more members, e.g.
/// which documents were sent.
fn is_same(opened: &CaseRef, other: &CaseRef) -> bool {
    let members = |case: &CaseRef| -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_str(case.state.as_ref()?.expose()).ok()
    };
    let agrees = || match (members(opened), members(other)) {
        (Some(all), Some(some)) => some.iter().all(|(name, value)| all.get(name) == Some(value)),
        _ => false,
    };
    (&opened.provider, &opened.id) == (&other.provider, &other.id) && (opened.state == other.state || agrees())
}
