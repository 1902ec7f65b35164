//! The promises, in the order of a case's life.

use std::fmt::{self, Debug};

use identkit_core::{
    CallOptions, Capability, CaseRef, ChangesPage, Cursor, DeletePermit, Error, EvidenceItem, EvidenceKind, Kind,
    Opened, Outcome, Window,
};
use identkit_mock_server::Transition;
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
    options: CallOptions,
    pub(crate) broken: Vec<Broken>,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(harness: &'a Harness) -> Self {
        Self { harness, options: CallOptions::new(), broken: Vec::new() }
    }

    fn check(&mut self, promise: &'static str, kept: bool, found: impl FnOnce() -> String) {
        if !kept {
            self.broken.push(Broken { promise, found: found() });
        }
    }

    fn fails<T: Debug>(&mut self, promise: &'static str, kind: Kind, result: Result<T, Error>) {
        match result {
            Ok(_) => self.broken.push(Broken { promise, found: "it succeeded".into() }),
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
        self.harness.provider.descriptor().can(capability)
    }

    pub(crate) async fn run(&mut self) {
        self.descriptor();
        self.strangers().await;
        let opened = match self.harness.provider.open(&self.harness.case, &self.options).await {
            Ok(opened) => opened,
            Err(error) => {
                self.broken.push(Broken { promise: "a good case can be opened", found: error.to_string() });
                return;
            }
        };
        self.opened(&opened).await;
        let Some(case) = self.stored(&opened.case) else { return };
        self.before_the_end(&case).await;
        self.cancelled().await;
        self.play(&case);
        self.at_the_end(&case).await;
        self.changed(&case).await;
        self.lacking(&case).await;
        self.deleted(&case).await;
    }

    fn descriptor(&mut self) {
        let provider = &self.harness.provider;
        let (name, capabilities) = (provider.descriptor().name, provider.descriptor().capabilities);
        self.check("a provider has a name", !name.is_empty(), || "it is empty".into());
        let mut sorted = capabilities.to_vec();
        sorted.sort();
        sorted.dedup();
        self.check("a capability is listed once", sorted.len() == capabilities.len(), || format!("{capabilities:?}"));
        let basic = self.can(Capability::Open) && self.can(Capability::Status);
        self.check("every provider opens cases and tells their status", basic, || format!("{capabilities:?}"));
        let provider = std::sync::Arc::clone(provider);
        self.silent(&provider);
        self.silent(&self.harness.case);
    }

    async fn strangers(&mut self) {
        let (harness, options) = (self.harness, self.options.clone());
        let result = harness.provider.status(&harness.unknown, &options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let result = harness.intruder.open(&harness.case, &options).await;
        self.fails("wrong credentials are refused", Kind::Authentication, result);
        let foreign = CaseRef { provider: "another".into(), ..harness.unknown.clone() };
        let result = harness.provider.status(&foreign, &options).await;
        self.fails("a case of another provider is refused before anything is sent", Kind::InvalidInput, result);
    }

    async fn opened(&mut self, opened: &Opened) {
        self.silent(opened);
        let named = opened.case.provider == self.harness.provider.descriptor().name;
        self.check("a case names its provider", named, || opened.case.provider.clone());
        self.check("a case has an id", !opened.case.id.is_empty(), || "it is empty".into());
        let again = self.harness.provider.open(&self.harness.case, &self.options).await;
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
        let (harness, options) = (self.harness, self.options.clone());
        match harness.provider.status(case, &options).await {
            Ok(status) => {
                self.silent(&status);
                let pending = !status.outcome.is_final();
                self.check("a fresh case is not final", pending, || format!("{:?}", status.outcome));
                self.check("a status carries the vendor's own word", !status.vendor_codes.is_empty(), || "none".into());
            }
            Err(error) => self.broken.push(Broken { promise: "an open case has a status", found: error.to_string() }),
        }
        if self.can(Capability::Evidence) {
            let listed = harness.provider.evidence_list(case, &options).await;
            let none = listed.as_ref().is_ok_and(Vec::is_empty);
            self.check("an open case promises no evidence", none, || format!("{listed:?}"));
        }
    }

    /// A case of its own, cancelled.
    async fn cancelled(&mut self) {
        if !self.can(Capability::Cancel) {
            return;
        }
        let (harness, options) = (self.harness, self.options.clone());
        let result = harness.provider.cancel(&harness.unknown, &options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let Ok(Opened { case, .. }) = harness.provider.open(&harness.case, &options).await else { return };
        let cancelled = harness.provider.cancel(&case, &options).await;
        self.check("an open case can be cancelled", cancelled.is_ok(), || format!("{cancelled:?}"));
        let status = harness.provider.status(&case, &options).await;
        let ended = status.as_ref().is_ok_and(|status| status.outcome == Outcome::Terminated);
        self.check("a cancelled case ends as terminated", ended, || format!("{status:?}"));
        let story = Transition::Scenario(harness.story.to_owned());
        let played = harness.sandbox.transition(case.id.expose(), &story);
        let refused = matches!(played, Some(Err(_)));
        self.check("a cancelled case can no longer be identified", refused, || "the twin played on".into());
    }

    /// What changed in a day round now.
    async fn changed(&mut self, case: &CaseRef) {
        if !self.can(Capability::Changes) {
            return;
        }
        let (harness, options) = (self.harness, self.options.clone());
        let (now, half) = (harness.sandbox.now(), SignedDuration::from_hours(12));
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
        let result = harness.provider.changes(turned, None, &options).await;
        self.fails("a window that ends before it begins is refused", Kind::InvalidInput, result);
        let made_up = Cursor("made up".into());
        let result = harness.provider.changes(window, Some(&made_up), &options).await;
        self.fails("a cursor that was made up is refused", Kind::InvalidInput, result);
        if let Some(cursor) = first.iter().flatten().find_map(|page| page.next.clone()) {
            let result = harness.provider.changes(earlier, Some(&cursor), &options).await;
            self.fails("a cursor is good for its own window only", Kind::InvalidInput, result);
        }
    }

    /// All pages of a window; each cursor goes through a store.
    async fn pages(&mut self, window: Window) -> Option<Vec<ChangesPage>> {
        const MOST: usize = 100;
        let (harness, options) = (self.harness, self.options.clone());
        let (mut pages, mut cursor): (Vec<ChangesPage>, Option<Cursor>) = (Vec::new(), None);
        while pages.len() < MOST {
            let page = match harness.provider.changes(window, cursor.as_ref(), &options).await {
                Ok(page) => page,
                Err(error) => {
                    let promise = "what changed in a window can be read";
                    self.broken.push(Broken { promise, found: error.to_string() });
                    return None;
                }
            };
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

    fn play(&mut self, case: &CaseRef) {
        let story = Transition::Scenario(self.harness.story.to_owned());
        let played = self.harness.sandbox.transition(case.id.expose(), &story);
        let well = matches!(played, Some(Ok(())));
        self.check("the sandbox's twin plays the story", well, || format!("{played:?}"));
    }

    async fn at_the_end(&mut self, case: &CaseRef) {
        let (harness, options) = (self.harness, self.options.clone());
        match harness.provider.status(case, &options).await {
            Ok(status) => {
                let fits = status.outcome == harness.outcome && status.outcome.is_final();
                self.check("the story ends the case as it says", fits, || format!("{:?}", status.outcome));
            }
            Err(error) => self.broken.push(Broken { promise: "an ended case has a status", found: error.to_string() }),
        }
        if self.can(Capability::Cancel) {
            let result = harness.provider.cancel(case, &options).await;
            self.fails("a case that has ended cannot be cancelled", Kind::InvalidState, result);
        }
        if !self.can(Capability::Evidence) {
            return;
        }
        let items = match harness.provider.evidence_list(case, &options).await {
            Ok(items) => items,
            Err(error) => {
                self.broken.push(Broken { promise: "an ended case lists its evidence", found: error.to_string() });
                return;
            }
        };
        self.check("a positive case has evidence", !items.is_empty(), || "none is listed".into());
        for item in &items {
            let read = match harness.provider.evidence(case, item, &options).await {
                Ok(evidence) => evidence.content.collect(64 * 1024 * 1024).await,
                Err(error) => Err(error),
            };
            let whole = read.as_ref().is_ok_and(|bytes| fits(item, bytes));
            self.check("listed evidence can be read and is what it says", whole, || format!("{item:?}"));
        }
        let beyond = EvidenceItem { kind: EvidenceKind::IdentData, index: 99 };
        let result = harness.provider.evidence(case, &beyond, &options).await;
        self.fails("evidence that does not exist is not found", Kind::NotFound, result);
    }

    /// What a vendor lacks is `Unsupported`, and what it has is not.
    async fn lacking(&mut self, case: &CaseRef) {
        const PROMISE: &str = "what the descriptor does not list is unsupported";
        let (provider, options) = (&self.harness.provider, self.options.clone());
        let item = EvidenceItem { kind: EvidenceKind::IdentData, index: 0 };
        if !self.can(Capability::Evidence) {
            let (list, one) =
                (provider.evidence_list(case, &options).await, provider.evidence(case, &item, &options).await);
            self.fails(PROMISE, Kind::Unsupported, list);
            self.fails(PROMISE, Kind::Unsupported, one);
        }
        if !self.can(Capability::Cancel) {
            let result = provider.cancel(case, &options).await;
            self.fails(PROMISE, Kind::Unsupported, result);
        }
        if !self.can(Capability::Delete) {
            let result = provider.delete(case, &DeletePermit::Operator, &options).await;
            self.fails(PROMISE, Kind::Unsupported, result);
        }
        let window = Window { begin: Timestamp::UNIX_EPOCH, end: Timestamp::MAX };
        if !self.can(Capability::Changes) {
            let result = provider.changes(window, None, &options).await;
            self.fails(PROMISE, Kind::Unsupported, result);
        }
    }

    async fn deleted(&mut self, case: &CaseRef) {
        if !self.can(Capability::Delete) {
            return;
        }
        let (provider, options) = (&self.harness.provider, self.options.clone());
        let deleted = provider.delete(case, &DeletePermit::Operator, &options).await;
        self.check("an ended case can be deleted", deleted.is_ok(), || format!("{deleted:?}"));
        let item = EvidenceItem { kind: EvidenceKind::IdentData, index: 0 };
        let gone = provider.evidence(case, &item, &options).await;
        self.fails("deleted data is gone", Kind::NotFound, gone);
        let twice = provider.delete(case, &DeletePermit::Operator, &options).await;
        self.fails("deleting twice is never taken for success", Kind::NotFound, twice);
    }
}

fn fits(item: &EvidenceItem, bytes: &[u8]) -> bool {
    match item.kind {
        EvidenceKind::Report | EvidenceKind::SignedDocument => bytes.starts_with(b"%PDF-"),
        _ => !bytes.is_empty(),
    }
}
