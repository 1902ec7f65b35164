//! The promises, in the order of a case's life.

use std::fmt::{self, Debug};
use std::sync::Arc;

use identkit_core::{
    CallOptions, Capability, CaseRef, ChangesPage, Cursor, DeletePermit, Error, EvidenceItem, EvidenceKind,
    IdentityProvider, Kind, Opened, Outcome, Window,
};
use identkit_mock_server::{Rejection, Transition};
use jiff::{SignedDuration, Timestamp};

use crate::harness::Harness;

/// What must never be printed: the person of [`example_case`](crate::example_case), in small letters.
const PERSON: [&str; 6] = ["erika", "mustermann", "heidestr", "1964", "4917112", "conformance-1"];

/// A promise that a provider does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// What happened instead.
    pub found: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.found)
    }
}

pub(crate) struct Suite<'a> {
    harness: &'a Harness,
    provider: Arc<dyn IdentityProvider>,
    options: CallOptions,
    pub(crate) broken: Vec<Broken>,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(harness: &'a Harness) -> Self {
        let provider = Arc::clone(&harness.provider);
        Self { harness, provider, options: CallOptions::new(), broken: Vec::new() }
    }

    fn check(&mut self, promise: &'static str, kept: bool, found: impl FnOnce() -> String) {
        if !kept {
            self.broken.push(Broken { promise, found: found() });
        }
    }

    /// The value of a call that must succeed.
    fn succeeds<T>(&mut self, promise: &'static str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.check(promise, false, || error.to_string())).ok()
    }

    fn fails<T: Debug>(&mut self, promise: &'static str, kind: Kind, result: Result<T, Error>) {
        match result {
            Ok(_) => self.check(promise, false, || "it succeeded".into()),
            Err(error) => {
                self.silent(&error);
                self.check(promise, error.kind() == kind, || format!("{:?} instead of {kind:?}", error.kind()));
            }
        }
    }

    /// Nothing that is printed may tell who the person is.
    fn silent(&mut self, shown: &dyn Debug) {
        let text = format!("{shown:?} {shown:#?}").to_lowercase();
        let told = PERSON.iter().find(|word| text.contains(**word));
        self.check("what is printed never tells who the person is", told.is_none(), || {
            format!("Debug shows {:?}", told.copied().unwrap_or_default())
        });
    }

    fn can(&self, capability: Capability) -> bool {
        self.provider.descriptor().can(capability)
    }

    pub(crate) async fn run(&mut self) {
        self.descriptor();
        self.strangers().await;
        let opened = self.provider.open(&self.harness.case, &self.options).await;
        let Some(opened) = self.succeeds("a good case can be opened", opened) else { return };
        self.opened(&opened).await;
        let Some(case) = self.stored(&opened.case) else { return };
        self.before_the_end(&case).await;
        self.cancelled().await;
        let played = self.play(&case);
        self.check("the sandbox's twin plays the story", matches!(played, Some(Ok(()))), || format!("{played:?}"));
        self.at_the_end(&case).await;
        self.changed(&case).await;
        self.lacking(&case).await;
        self.deleted(&case).await;
    }

    fn descriptor(&mut self) {
        let provider = Arc::clone(&self.provider);
        let (name, capabilities) = (provider.descriptor().name, provider.descriptor().capabilities);
        self.check("a provider has a name", !name.is_empty(), || "it is empty".into());
        let mut sorted = capabilities.to_vec();
        sorted.sort();
        sorted.dedup();
        self.check("a capability is listed once", sorted.len() == capabilities.len(), || format!("{capabilities:?}"));
        let basic = self.can(Capability::Open) && self.can(Capability::Status);
        self.check("every provider opens cases and tells their status", basic, || format!("{capabilities:?}"));
        self.silent(&provider);
        self.silent(&self.harness.case);
    }

    async fn strangers(&mut self) {
        let result = self.provider.status(&self.harness.unknown, &self.options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let result = self.harness.intruder.open(&self.harness.case, &self.options).await;
        self.fails("wrong credentials are refused", Kind::Authentication, result);
        let foreign = CaseRef { provider: "another".into(), ..self.harness.unknown.clone() };
        let result = self.provider.status(&foreign, &self.options).await;
        self.fails("a case of another provider is refused before anything is sent", Kind::InvalidInput, result);
    }

    async fn opened(&mut self, opened: &Opened) {
        self.silent(opened);
        let named = opened.case.provider == self.provider.descriptor().name;
        self.check("a case names its provider", named, || opened.case.provider.clone());
        self.check("a case has an id", !opened.case.id.is_empty(), || "it is empty".into());
        let again = self.provider.open(&self.harness.case, &self.options).await;
        let differs = again.as_ref().is_ok_and(|again| again.case.id != opened.case.id);
        self.check("opening twice makes two cases", differs, || "the second is the first, or failed".into());
    }

    /// A case comes back from where an integrator stores it.
    fn stored(&mut self, case: &CaseRef) -> Option<CaseRef> {
        let back = serde_json::to_vec(case).ok().and_then(|stored| serde_json::from_slice(&stored).ok());
        self.check("a case can be stored and read back", back.as_ref() == Some(case), || "it changed".into());
        back
    }

    async fn before_the_end(&mut self, case: &CaseRef) {
        let status = self.provider.status(case, &self.options).await;
        if let Some(status) = self.succeeds("an open case has a status", status) {
            self.silent(&status);
            let pending = !status.outcome.is_final();
            self.check("a fresh case is not final", pending, || format!("{:?}", status.outcome));
            self.check("a status carries the vendor's own word", !status.vendor_codes.is_empty(), || "none".into());
        }
        if self.can(Capability::Evidence) {
            let listed = self.provider.evidence_list(case, &self.options).await;
            let none = listed.as_ref().is_ok_and(Vec::is_empty);
            self.check("an open case promises no evidence", none, || format!("{listed:?}"));
        }
    }

    /// Plays the story that ends a case.
    fn play(&self, case: &CaseRef) -> Option<Result<(), Rejection>> {
        let story = Transition::Scenario(self.harness.story.to_owned());
        self.harness.sandbox.transition(case.id.expose(), &story)
    }

    /// A case of its own, cancelled.
    async fn cancelled(&mut self) {
        if !self.can(Capability::Cancel) {
            return;
        }
        let result = self.provider.cancel(&self.harness.unknown, &self.options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let Ok(Opened { case, .. }) = self.provider.open(&self.harness.case, &self.options).await else { return };
        let cancelled = self.provider.cancel(&case, &self.options).await;
        self.succeeds("an open case can be cancelled", cancelled);
        let status = self.provider.status(&case, &self.options).await;
        let ended = status.as_ref().is_ok_and(|status| status.outcome == Outcome::Terminated);
        self.check("a cancelled case ends as terminated", ended, || format!("{status:?}"));
        let refused = matches!(self.play(&case), Some(Err(_)));
        self.check("a cancelled case can no longer be identified", refused, || "the twin played on".into());
    }

    /// What changed in a day round now.
    async fn changed(&mut self, case: &CaseRef) {
        if !self.can(Capability::Changes) {
            return;
        }
        let (now, half) = (self.harness.sandbox.now(), SignedDuration::from_hours(12));
        let (Ok(begin), Ok(end)) = (now.checked_sub(half), now.checked_add(half)) else { return };
        let window = Window { begin, end };
        let first = self.pages(window).await;
        let told = first.iter().flatten().any(|page| page.cases.iter().any(|(id, _)| *id == case.id));
        self.check("what changed in a window holds a case that was opened in it", told, || "it is missing".into());
        let again = self.pages(window).await;
        self.check("reading what changed takes nothing away", first == again, || "another read tells others".into());
        let earlier = Window { begin: window.begin - half, end: window.begin - SignedDuration::from_secs(1) };
        let none = self.pages(earlier).await.iter().flatten().all(|page| page.cases.is_empty());
        self.check("what changed in another window holds no case of this one", none, || "it does".into());

        let turned = Window { begin: window.end, end: window.begin };
        let made_up = Cursor("made up".into());
        let foreign = first.iter().flatten().find_map(|page| page.next.clone());
        for (promise, window, cursor) in [
            ("a window that ends before it begins is refused", turned, None),
            ("a cursor that was made up is refused", window, Some(made_up)),
            ("a cursor is good for its own window only", earlier, foreign),
        ] {
            if cursor.is_some() || window == turned {
                let result = self.provider.changes(window, cursor.as_ref(), &self.options).await;
                self.fails(promise, Kind::InvalidInput, result);
            }
        }
    }

    /// All pages of a window; each cursor goes through a store.
    async fn pages(&mut self, window: Window) -> Option<Vec<ChangesPage>> {
        const MOST: usize = 100;
        let (mut pages, mut cursor): (Vec<ChangesPage>, Option<Cursor>) = (Vec::new(), None);
        while pages.len() < MOST {
            let page = self.provider.changes(window, cursor.as_ref(), &self.options).await;
            let page = self.succeeds("what changed in a window can be read", page)?;
            self.silent(&page);
            cursor = page.next.as_ref().map(|Cursor(text)| Cursor(text.clone()));
            pages.push(page);
            if cursor.is_none() {
                return Some(pages);
            }
        }
        self.check("the pages of a window end", false, || format!("there are more than {MOST}"));
        None
    }

    async fn at_the_end(&mut self, case: &CaseRef) {
        let status = self.provider.status(case, &self.options).await;
        if let Some(status) = self.succeeds("an ended case has a status", status) {
            let fits = status.outcome == self.harness.outcome && status.outcome.is_final();
            self.check("the story ends the case as it says", fits, || format!("{:?}", status.outcome));
        }
        if self.can(Capability::Cancel) {
            let result = self.provider.cancel(case, &self.options).await;
            self.fails("a case that has ended cannot be cancelled", Kind::InvalidState, result);
        }
        if !self.can(Capability::Evidence) {
            return;
        }
        let items = self.provider.evidence_list(case, &self.options).await;
        let Some(items) = self.succeeds("an ended case lists its evidence", items) else { return };
        self.check("a positive case has evidence", !items.is_empty(), || "none is listed".into());
        for item in &items {
            let read = match self.provider.evidence(case, item, &self.options).await {
                Ok(evidence) => evidence.content.collect(64 * 1024 * 1024).await,
                Err(error) => Err(error),
            };
            let whole = read.as_ref().is_ok_and(|bytes| fits(item, bytes));
            self.check("listed evidence can be read and is what it says", whole, || format!("{item:?}"));
        }
        let beyond = EvidenceItem { kind: EvidenceKind::IdentData, index: 99 };
        let result = self.provider.evidence(case, &beyond, &self.options).await;
        self.fails("evidence that does not exist is not found", Kind::NotFound, result);
    }

    /// What a vendor lacks is `Unsupported`, and what it has is not.
    async fn lacking(&mut self, case: &CaseRef) {
        let (provider, options) = (Arc::clone(&self.provider), self.options.clone());
        let item = EvidenceItem { kind: EvidenceKind::IdentData, index: 0 };
        let mut results = Vec::new();
        if !self.can(Capability::Evidence) {
            results.push(provider.evidence_list(case, &options).await.map(drop));
            results.push(provider.evidence(case, &item, &options).await.map(drop));
        }
        if !self.can(Capability::Cancel) {
            results.push(provider.cancel(case, &options).await);
        }
        if !self.can(Capability::Delete) {
            results.push(provider.delete(case, &DeletePermit::Operator, &options).await);
        }
        if !self.can(Capability::Changes) {
            let window = Window { begin: Timestamp::UNIX_EPOCH, end: Timestamp::MAX };
            results.push(provider.changes(window, None, &options).await.map(drop));
        }
        for result in results {
            self.fails("what the descriptor does not list is unsupported", Kind::Unsupported, result);
        }
    }

    async fn deleted(&mut self, case: &CaseRef) {
        if !self.can(Capability::Delete) {
            return;
        }
        let deleted = self.provider.delete(case, &DeletePermit::Operator, &self.options).await;
        self.succeeds("an ended case can be deleted", deleted);
        let item = EvidenceItem { kind: EvidenceKind::IdentData, index: 0 };
        let gone = self.provider.evidence(case, &item, &self.options).await;
        self.fails("deleted data is gone", Kind::NotFound, gone);
        let twice = self.provider.delete(case, &DeletePermit::Operator, &self.options).await;
        self.fails("deleting twice is never taken for success", Kind::NotFound, twice);
    }
}

fn fits(item: &EvidenceItem, bytes: &[u8]) -> bool {
    match item.kind {
        EvidenceKind::Report | EvidenceKind::SignedDocument => bytes.starts_with(b"%PDF-"),
        _ => !bytes.is_empty(),
    }
}
