//! The promises, in the order in which they are checked.

mod answers;
mod evidence;
mod faults;
mod outcomes;
mod recovery;
mod samples;
mod steps;
mod webhooks;
mod worlds;

use std::fmt::Debug;
use std::sync::Arc;

use identkit_core::{
    CallOptions, Capability, CaseRef, ChangesPage, Cursor, DeletePermit, Error, Event, EvidenceKind, IdentityProvider,
    Kind, NewCase, Opened, Outcome, Purpose, Secret, Window,
};
use identkit_mock_server::{Transition, TransitionError};
use jiff::{SignedDuration, Timestamp};

use crate::drive::within;
use crate::harness::{Harness, Scenario, WRONG_SECRET};
use crate::report::{BrokenPromise, Report};
use crate::secrets::Secrets;

/// Promise of every call.
const ENDS: &str = "a call ends within the limit in real time";

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

/// Sections of the page that explains the promises.
mod read {
    pub(super) const LIFE: &str = "docs/providers.md#the-life-of-a-case";
    pub(super) const RECOVERY: &str = "docs/providers.md#recovery";
    pub(super) const EVIDENCE: &str = "docs/providers.md#evidence-and-deletion";
    pub(super) const CHANGES: &str = "docs/providers.md#changes";
    pub(super) const PRINTING: &str = "docs/providers.md#printed-texts";
    pub(super) const OUTCOMES: &str = "docs/providers.md#outcomes";
    pub(super) const FAULTS: &str = "docs/providers.md#faults-of-the-connection";
    pub(super) const ANSWERS: &str = "docs/providers.md#unexpected-responses";
    pub(super) const WEBHOOKS: &str = "docs/providers.md#webhooks";
    pub(super) const WORLDS: &str = "docs/providers.md#saved-worlds";
}

/// Window of half a day before and after this time, and one before it.
fn windows(now: Timestamp) -> Option<(Window, Window)> {
    let half = SignedDuration::from_hours(12);
    let (begin, end) = (now.checked_sub(half).ok()?, now.checked_add(half).ok()?);
    let before = begin.checked_sub(SignedDuration::from_secs(1)).ok()?;
    Some((Window { begin, end }, Window { begin: begin.checked_sub(half).ok()?, end: before }))
}

pub(crate) struct Suite<'a> {
    harness: &'a Harness,
    provider: Arc<dyn IdentityProvider>,
    options: CallOptions,
    secrets: Secrets,
    /// Section that explains the promises that are being checked.
    read: &'static str,
    pub(crate) report: Report,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(harness: &'a Harness) -> Self {
        let provider = harness.provider(&harness.sandbox);
        let [_, secret] = harness.sandbox.credentials(harness.name);
        let secrets = Secrets::new(&harness.case, [&*secret, WRONG_SECRET]);
        Self { harness, provider, options: CallOptions::new(), secrets, read: read::LIFE, report: Report::default() }
    }

    fn check(&mut self, promise: &'static str, holds: bool, actual: impl FnOnce() -> String) {
        let broken = (!holds).then(|| BrokenPromise { promise, actual: actual(), read: self.read });
        self.report.note(promise, broken);
    }

    /// Returns the value of a call that must succeed.
    fn succeeds<T>(&mut self, promise: &'static str, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => {
                self.check(promise, true, String::new);
                Some(value)
            }
            Err(error) => {
                self.check_error(&error);
                self.check(promise, false, || error.to_string());
                None
            }
        }
    }

    fn fails<T: Debug>(&mut self, promise: &'static str, kind: Kind, result: Result<T, Error>) {
        match result {
            Ok(_) => self.check(promise, false, || "the call succeeded".into()),
            Err(error) => {
                self.check_error(&error);
                self.check(promise, error.kind() == kind, || format!("{:?} instead of {kind:?}", error.kind()));
            }
        }
    }

    /// Checks that the `Debug` output contains no personal data.
    fn check_debug(&mut self, shown: &dyn Debug) {
        self.check_text("Debug output contains no personal data", &format!("{shown:?} {shown:#?}"));
    }

    /// Checks every text of an error.
    fn check_error(&mut self, error: &Error) {
        self.check_debug(error);
        let violations: String = error.violations().iter().map(|one| format!("; {one}")).collect();
        self.check_text("an error text contains no personal data", &format!("{error} {error:#}{violations}"));
    }

    fn check_text(&mut self, promise: &'static str, text: &str) {
        let found = self.secrets.find(text).map(str::to_owned);
        let section = std::mem::replace(&mut self.read, read::PRINTING);
        self.check(promise, found.is_none(), || format!("the text contains {:?}", found.unwrap_or_default()));
        self.read = section;
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

    /// Starts the promises of a section. The provider is printed in between, because it may remember a case.
    fn begin(&mut self, read: &'static str) {
        let provider = Arc::clone(&self.provider);
        self.check_debug(&provider);
        self.read = read;
    }

    /// Adopts the id that the vendor does not know.
    fn unknown(&mut self) -> Option<CaseRef> {
        let adopted = self.provider.adopt(&self.harness.unknown, self.harness.case.purpose);
        self.succeeds("a case can be adopted by its id", adopted)
    }

    pub(crate) async fn run(&mut self) {
        // Copied first: the main run deletes and cancels cases.
        let fresh = self.harness.sandbox.fork();
        let sandbox = self.harness.sandbox.clone();
        let ended = within(self.harness.limit, &sandbox, self.main_run()).await;
        self.check(ENDS, ended.is_some(), || "the main run does not end".into());
        self.begin(read::OUTCOMES);
        self.outcomes(&fresh).await;
        self.begin(read::FAULTS);
        self.faults(&fresh).await;
        self.begin(read::ANSWERS);
        self.answers(&fresh).await;
        self.begin(read::WEBHOOKS);
        self.webhooks(&fresh).await;
        self.begin(read::WORLDS);
        self.worlds(&fresh).await;
        self.begin(read::PRINTING);
        self.samples();
    }

    async fn main_run(&mut self) {
        self.descriptor();
        self.rejections().await;
        let before = self.harness.sandbox.cases(self.harness.name).len();
        let opened = self.provider.open(&self.harness.case, &self.options).await;
        let Some(opened) = self.succeeds("a valid case can be opened", opened) else { return };
        self.secrets.add(&opened);
        let made = self.harness.sandbox.cases(self.harness.name).len().saturating_sub(before);
        self.check("opening a case creates one case at the mock vendor", made == 1, || format!("it created {made}"));
        let again = self.check_opened(&opened).await;
        let Some(case) = self.store(&opened.case) else { return };
        let both: Vec<_> = [Some(case.clone()), again].into_iter().flatten().collect();
        self.begin(read::RECOVERY);
        self.find(&both).await;
        self.adopt(&opened).await;
        self.unreadable_state(&case).await;
        self.begin(read::LIFE);
        self.violations().await;
        self.before_the_end(&case).await;
        self.cancel().await;
        let played = self.play(&case);
        self.check("the mock vendor plays the story", played.is_ok(), || format!("{played:?}"));
        self.at_the_end(&case).await;
        self.begin(read::CHANGES);
        self.changes(&case).await;
        self.begin(read::LIFE);
        self.unsupported(&case).await;
        self.begin(read::EVIDENCE);
        self.delete(&case).await;
        self.begin(read::LIFE);
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
        let Some(unknown) = self.unknown() else { return };
        let result = self.provider.status(&unknown, &self.options).await;
        self.fails("an unknown case is not found", Kind::NotFound, result);
        let intruder = self.harness.intruder();
        let result = intruder.open(&self.harness.case, &self.options).await;
        self.fails("wrong credentials are rejected", Kind::Authentication, result);
        self.check_debug(&intruder);
        let foreign = CaseRef { provider: "another".into(), ..unknown };
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
        let mut cases = vec![NewCase::default(), without_name, wrong_country];
        if self.can(Capability::Sign) {
            cases.push(wrong_document);
        } else {
            let (before, opened) = (self.calls(), self.provider.open(&wrong_document, &self.options).await);
            self.fails("a case that needs a capability that is not listed is unsupported", Kind::Unsupported, opened);
            self.check_calls("a case that breaks a rule is rejected before anything is sent", before, 0);
        }
        for case in cases {
            let before = self.calls();
            let Err(error) = self.provider.open(&case, &self.options).await else { continue };
            self.check_error(&error);
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

    /// Applies the scenario of the main run.
    fn play(&self, case: &CaseRef) -> Result<(), TransitionError> {
        self.harness.sandbox.transition(case.id.expose(), &self.main().transition)
    }

    /// Scenario of the main run.
    fn main(&self) -> &'a Scenario {
        static NONE: Scenario = Scenario {
            transition: Transition::Scenario(String::new()),
            outcome: Outcome::Unknown,
            has_evidence: false,
        };
        self.harness.scenarios.first().unwrap_or(&NONE)
    }

    /// Opens and cancels another case.
    async fn cancel(&mut self) {
        if !self.can(Capability::Cancel) {
            return;
        }
        let Some(unknown) = self.unknown() else { return };
        let result = self.provider.cancel(&unknown, &self.options).await;
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
        let Some((window, earlier)) = windows(self.harness.sandbox.now()) else { return };
        let first = self.pages(window).await;
        let listed = first.iter().flatten().any(|page| page.cases.iter().any(|(id, _)| *id == case.id));
        self.check("the changes in a window contain a case that was opened in it", listed, || "it is missing".into());
        let again = self.pages(window).await;
        self.check("reading changes removes nothing", first == again, || "the second read differs".into());
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
                let fits = status.outcome == self.main().outcome && status.outcome.is_final();
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
        self.begin(read::EVIDENCE);
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
