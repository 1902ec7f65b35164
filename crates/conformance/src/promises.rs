//! The promises, in the order in which they are checked.

mod evidence;
mod recovery;

use std::fmt::{self, Debug};
use std::sync::Arc;

use identkit_core::{
    CallOptions, Capability, CaseRef, ChangesPage, Cursor, DeletePermit, Error, Event, EvidenceKind, IdentityProvider,
    Kind, NewCase, Opened, Outcome, Purpose, Secret, Window,
};
use identkit_mock_server::TransitionError;
use jiff::{SignedDuration, Timestamp};

use crate::harness::Harness;

/// Texts that must never be printed: the person of [`example_case`](crate::example_case), in lower case.
const PERSON: [&str; 6] = ["erika", "mustermann", "heidestr", "1964", "4917112", "conformance-1"];

/// The fields of a case that a violation can name. `[0]` stands for any index.
const FIELDS: [&str; 23] = [
    "purpose",
    "reference",
    "project",
    "person.given_names",
    "person.family_name",
    "person.birth_date",
    "person.birthplace",
    "person.nationality",
    "person.gender",
    "person.email",
    "person.mobile",
    "person.address",
    "person.address.street",
    "person.address.house_number",
    "person.address.postal_code",
    "person.address.city",
    "person.address.country",
    "documents",
    "documents[0].name",
    "documents[0].pdf",
    "redirect_success",
    "redirect_abort",
    "webhook_final",
];

/// A promise of the port that a provider breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenPromise {
    /// Text of the promise.
    pub promise: &'static str,
    /// Actual behavior.
    pub actual: String,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.actual)
    }
}

pub(crate) struct Suite<'a> {
    harness: &'a Harness,
    provider: Arc<dyn IdentityProvider>,
    options: CallOptions,
    pub(crate) broken: Vec<BrokenPromise>,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(harness: &'a Harness) -> Self {
        let provider = Arc::clone(&harness.provider);
        Self { harness, provider, options: CallOptions::new(), broken: Vec::new() }
    }

    fn check(&mut self, promise: &'static str, holds: bool, actual: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(BrokenPromise { promise, actual: actual() });
        }
    }

    /// Returns the value of a call that must succeed.
    fn succeeds<T>(&mut self, promise: &'static str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.check(promise, false, || error.to_string())).ok()
    }

    fn fails<T: Debug>(&mut self, promise: &'static str, kind: Kind, result: Result<T, Error>) {
        match result {
            Ok(_) => self.check(promise, false, || "the call succeeded".into()),
            Err(error) => {
                self.check_debug(&error);
                self.check(promise, error.kind() == kind, || format!("{:?} instead of {kind:?}", error.kind()));
            }
        }
    }

    /// Checks that the `Debug` output contains no personal data.
    fn check_debug(&mut self, shown: &dyn Debug) {
        let text = format!("{shown:?} {shown:#?}").to_lowercase();
        let word = PERSON.iter().find(|word| text.contains(**word));
        self.check("Debug output contains no personal data", word.is_none(), || {
            format!("Debug shows {:?}", word.copied().unwrap_or_default())
        });
    }

    /// Number of calls that the mock vendor received.
    fn calls(&self) -> usize {
        self.harness.sandbox.journal().calls().count()
    }

    /// Checks that at most this many calls were made since `before`.
    fn check_calls(&mut self, promise: &'static str, before: usize, most: usize) {
        let made = self.calls().saturating_sub(before);
        self.check(promise, made <= most, || format!("{made} calls were made"));
    }

    fn can(&self, capability: Capability) -> bool {
        self.provider.descriptor().can(capability)
    }

    pub(crate) async fn run(&mut self) {
        self.descriptor();
        self.rejections().await;
        let opened = self.provider.open(&self.harness.case, &self.options).await;
        let Some(opened) = self.succeeds("a valid case can be opened", opened) else { return };
        let again = self.check_opened(&opened).await;
        let Some(case) = self.store(&opened.case) else { return };
        let both: Vec<_> = [Some(case.clone()), again].into_iter().flatten().collect();
        self.find(&both).await;
        self.adopt(&opened).await;
        self.unreadable_state(&case).await;
        self.violations().await;
        self.before_the_end(&case).await;
        self.cancel().await;
        let played = self.play(&case);
        self.check("the mock vendor plays the story", played.is_ok(), || format!("{played:?}"));
        self.at_the_end(&case).await;
        self.changes(&case).await;
        self.unsupported(&case).await;
        self.delete(&case).await;
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
        self.check("every provider can open a case and read its status", basic, || format!("{capabilities:?}"));
        self.check_debug(&provider);
        self.check_debug(&self.harness.case);
    }

    async fn rejections(&mut self) {
        let result = self.provider.status(&self.harness.unknown, &self.options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let result = self.harness.intruder.open(&self.harness.case, &self.options).await;
        self.fails("wrong credentials are rejected", Kind::Authentication, result);
        let foreign = CaseRef { provider: "another".into(), ..self.harness.unknown.clone() };
        let result = self.provider.status(&foreign, &self.options).await;
        self.fails("a case of another provider is rejected before anything is sent", Kind::InvalidInput, result);
    }

    /// Opens cases that break rules.
    async fn violations(&mut self) {
        let valid = &self.harness.case;
        let mut without_name = valid.clone();
        without_name.person.family_name = "".into();
        let mut wrong_country = valid.clone();
        wrong_country.person.address.country = Some("Germany".into());
        let mut wrong_document = valid.clone();
        wrong_document.purpose = Purpose::Signature;
        wrong_document.documents = vec![identkit_core::Document { name: "contract.pdf".into(), pdf: "text".into() }];
        for case in [NewCase::default(), without_name, wrong_country, wrong_document] {
            let before = self.calls();
            let Err(error) = self.provider.open(&case, &self.options).await else { continue };
            self.check_debug(&error);
            let invalid = error.kind() == Kind::InvalidInput && !error.violations().is_empty();
            let actual = || format!("{:?} with {} violations", error.kind(), error.violations().len());
            self.check("a case that breaks a rule is rejected with violations", invalid, actual);
            let unnamed = error.violations().iter().find(|one| !FIELDS.contains(&general(&one.field).as_str()));
            self.check("violations name the fields of the case", unnamed.is_none(), || format!("{unnamed:?}"));
            self.check_calls("a case that breaks a rule is rejected before anything is sent", before, 0);
        }
    }

    /// Returns the second case.
    async fn check_opened(&mut self, opened: &Opened) -> Option<CaseRef> {
        self.check_debug(opened);
        let named = opened.case.provider == self.provider.descriptor().name;
        self.check("a case names its provider", named, || opened.case.provider.clone());
        self.check("a case has an id", !opened.case.id.is_empty(), || "it is empty".into());
        let again = self.provider.open(&self.harness.case, &self.options).await;
        let differs = again.as_ref().is_ok_and(|again| again.case.id != opened.case.id);
        self.check("opening twice creates two cases", differs, || "the second has the same id, or failed".into());
        Some(again.ok()?.case)
    }

    /// Stores the case as JSON and reads it back.
    fn store(&mut self, case: &CaseRef) -> Option<CaseRef> {
        let back = serde_json::to_vec(case).ok().and_then(|stored| serde_json::from_slice(&stored).ok());
        self.check("a case can be stored and read back", back.as_ref() == Some(case), || "it changed".into());
        back
    }

    async fn before_the_end(&mut self, case: &CaseRef) {
        let status = self.provider.status(case, &self.options).await;
        if let Some(status) = self.succeeds("an open case has a status", status) {
            self.check_debug(&status);
            let pending = !status.outcome.is_final();
            self.check("a fresh case is not final", pending, || format!("{:?}", status.outcome));
            self.check("a status contains the vendor's codes", !status.vendor_codes.is_empty(), || "none".into());
        }
        self.evidence_before_the_end(case).await;
    }

    /// Plays the story that ends the case.
    fn play(&self, case: &CaseRef) -> Result<(), TransitionError> {
        self.harness.sandbox.play(case.id.expose(), self.harness.story)
    }

    /// Opens and cancels another case.
    async fn cancel(&mut self) {
        if !self.can(Capability::Cancel) {
            return;
        }
        let result = self.provider.cancel(&self.harness.unknown, &self.options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let Ok(Opened { case, .. }) = self.provider.open(&self.harness.case, &self.options).await else { return };
        let canceled = self.provider.cancel(&case, &self.options).await;
        self.succeeds("an open case can be canceled", canceled);
        let status = self.provider.status(&case, &self.options).await;
        let ended = status.as_ref().is_ok_and(|status| status.outcome == Outcome::Terminated);
        self.check("a canceled case ends as terminated", ended, || format!("{status:?}"));
        let rejected = matches!(self.play(&case), Err(TransitionError::Rejected(_)));
        self.check("a canceled case can no longer be identified", rejected, || {
            "the mock vendor played the story".into()
        });
    }

    /// Reads the changes 12 hours before and after now.
    async fn changes(&mut self, case: &CaseRef) {
        if !self.can(Capability::Changes) {
            return;
        }
        let (now, half) = (self.harness.sandbox.now(), SignedDuration::from_hours(12));
        let (Ok(begin), Ok(end)) = (now.checked_sub(half), now.checked_add(half)) else { return };
        let window = Window { begin, end };
        let first = self.pages(window).await;
        let listed = first.iter().flatten().any(|page| page.cases.iter().any(|(id, _)| *id == case.id));
        self.check("the changes in a window contain a case that was opened in it", listed, || "it is missing".into());
        let again = self.pages(window).await;
        self.check("reading changes removes nothing", first == again, || "the second read differs".into());
        let earlier = Window { begin: window.begin - half, end: window.begin - SignedDuration::from_secs(1) };
        let none = self.pages(earlier).await.iter().flatten().all(|page| page.cases.is_empty());
        self.check("the changes in another window do not contain this case", none, || "they contain it".into());

        let reversed = Window { begin: window.end, end: window.begin };
        let invented = Cursor("invented".into());
        let foreign = first.iter().flatten().find_map(|page| page.next.clone());
        for (promise, window, cursor) in [
            ("a window that ends before it begins is rejected", reversed, None),
            ("an invented cursor is rejected", window, Some(invented)),
            ("a cursor is valid for its window only", earlier, foreign),
        ] {
            if cursor.is_some() || window == reversed {
                let result = self.provider.changes(window, cursor.as_ref(), &self.options).await;
                self.fails(promise, Kind::InvalidInput, result);
            }
        }
    }

    /// Reads all pages of a window. Each cursor is stored as text in between.
    async fn pages(&mut self, window: Window) -> Option<Vec<ChangesPage>> {
        const MAX: usize = 100;
        let (mut pages, mut cursor): (Vec<ChangesPage>, Option<Cursor>) = (Vec::new(), None);
        while pages.len() < MAX {
            let page = self.provider.changes(window, cursor.as_ref(), &self.options).await;
            let page = self.succeeds("the changes in a window can be read", page)?;
            self.check_debug(&page);
            cursor = page.next.as_ref().map(|Cursor(text)| Cursor(text.clone()));
            pages.push(page);
            if cursor.is_none() {
                return Some(pages);
            }
        }
        self.check("the pages of a window end", false, || format!("there are more than {MAX}"));
        None
    }

    async fn at_the_end(&mut self, case: &CaseRef) {
        let status = self.provider.status(case, &self.options).await;
        if let Some(status) = self.succeeds("an ended case has a status", status) {
            if self.can(Capability::Judge) {
                let fits = status.outcome == self.harness.outcome && status.outcome.is_final();
                self.check("the story ends the case with its outcome", fits, || format!("{:?}", status.outcome));
            } else {
                let open = !status.outcome.is_final();
                let promise = "a provider that cannot judge reports no end";
                self.check(promise, open, || format!("{:?}", status.outcome));
            }
        }
        if self.can(Capability::Cancel) {
            let result = self.provider.cancel(case, &self.options).await;
            self.fails("an ended case cannot be canceled", Kind::InvalidState, result);
        }
        self.evidence_at_the_end(case).await;
    }

    /// Checks that the calls of missing capabilities return `Kind::Unsupported`.
    async fn unsupported(&mut self, case: &CaseRef) {
        let (provider, options) = (Arc::clone(&self.provider), self.options.clone());
        let mut results = Vec::new();
        if !self.can(Capability::Find) {
            let window = Window { begin: Timestamp::UNIX_EPOCH, end: Timestamp::MAX };
            results.push(provider.find("x", Purpose::default(), window, &options).await.map(drop));
        }
        if !self.can(Capability::Evidence) {
            results.push(provider.evidence_plan(case, &options).await.map(drop));
            results.push(provider.evidence(case, EvidenceKind::IdentData, &options).await.map(drop));
        }
        if !self.can(Capability::RequestEvidence) {
            let (kind, callback) = (EvidenceKind::Video, Secret::new("https://shop.example/callback"));
            results.push(provider.request_evidence(case, kind, &callback, &options).await);
            let event = Event::new(provider.descriptor().name, "Video", "key");
            results.push(provider.evidence_after(case, &event, &options).await.map(drop));
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
            self.fails("a capability that is not listed is unsupported", Kind::Unsupported, result);
        }
    }
}

/// Replaces an index in the path of a field by 0.
fn general(field: &str) -> String {
    match field.split_once('[').and_then(|(head, rest)| Some((head, rest.split_once(']')?))) {
        Some((head, (index, tail))) if index.parse::<u32>().is_ok() => format!("{head}[0]{tail}"),
        _ => field.to_owned(),
    }
}
