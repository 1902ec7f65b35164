//! The persons of the cases: they act at the vendor, and it is noted which files the vendor has for each of them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use identkit_synthetic::sample_contract;
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use super::vendor::{Admin, Call, Files};
use crate::support::{ident, order};

/// Kinds of cases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CaseKind {
    Video,
    Signature,
    Ident,
}

/// How often each kind is opened, relative to the others.
pub(super) const KINDS: [CaseKind; 10] = {
    use CaseKind::{Ident, Signature, Video};
    [Video, Video, Video, Video, Video, Video, Signature, Signature, Signature, Ident]
};

/// Pause between two looks for new orders.
const PAUSE: Duration = Duration::from_millis(150);

/// Number of the newest orders that are looked at.
const NEWEST: usize = 60;

/// Pause between two reads of the journal, which keeps a limited number of entries.
const JOURNAL: Duration = Duration::from_secs(5);

/// How long a story may take: it waits for the first attempt of each webhook.
const STORY: Duration = Duration::from_millis(500);

impl CaseKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Signature => "signature",
            Self::Ident => "ident",
        }
    }

    fn of(reference: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| reference.split('-').next() == Some(kind.word()))
    }

    pub(super) fn provider(self) -> &'static str {
        if self == Self::Ident { "identify24" } else { "tm" }
    }

    /// The input of `identkit case open`.
    pub(super) fn case(self, reference: &str) -> String {
        match self {
            Self::Video => order(&json!({ "Ref": reference, "Product": 12, "Add": 0 })),
            Self::Signature => {
                let contract = json!({ "Data": encode_base64(&sample_contract()), "Filename": "contract.pdf" });
                order(&json!({ "Ref": reference, "Add": 0, "eSignPDF": contract }))
            }
            Self::Ident => ident(&json!({ "custom_id": reference })),
        }
    }

    fn story(self, rng: &mut Rng) -> &'static str {
        let stories: &[&str] = match self {
            Self::Video => &["positive", "positive", "positive", "negative", "fraud", "timeout", "cancelled"],
            Self::Signature => &["signed", "signed", "signed", "signed", "timeout-after-ident", "negative"],
            Self::Ident => &["positive", "positive", "negative"],
        };
        rng.choice(stories).unwrap()
    }
}

/// What a person has done, and what the vendor had then.
pub(super) struct Person {
    pub(super) order: String,
    pub(super) story: &'static str,
    /// `None` if the collector was faster, and the data were deleted.
    pub(super) files: Option<Files>,
}

/// All persons, and the calls that the vendor has received.
pub(super) struct People<'a> {
    admin: &'a Admin,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// By the reference of the order.
    persons: BTreeMap<String, Person>,
    seen: HashSet<String>,
    calls: Vec<Call>,
    /// Time of the last read of the journal.
    last_read: Option<Instant>,
}

impl<'a> People<'a> {
    pub(super) fn new(admin: &'a Admin) -> Self {
        Self { admin, notes: Mutex::default() }
    }

    /// Acts for the persons of new orders until the end.
    pub(super) fn act(&self, is_over: &AtomicBool) {
        let mut rng = Rng::with_seed(3);
        while !is_over.load(Ordering::Relaxed) {
            for list in ["orders", "idents"] {
                let page = self.admin.json(&format!("{list}?limit={NEWEST}"), None);
                self.act_for(page[list].as_array().unwrap(), &mut rng);
            }
            self.read_journal_if_due();
            std::thread::sleep(PAUSE);
        }
    }

    fn act_for(&self, cases: &[Value], rng: &mut Rng) {
        let mut notes = self.notes.lock().unwrap();
        for case in cases {
            let (Some(id), Some(reference)) = (case["id"].as_str(), case["reference"].as_str()) else { continue };
            let Some(kind) = CaseKind::of(reference) else { continue };
            // Some persons take their time.
            if notes.seen.contains(id) || rng.u8(..4) == 0 {
                continue;
            }
            let story = kind.story(rng);
            if self.admin.play(id, story) {
                notes.seen.insert(id.to_owned());
                let files = if kind == CaseKind::Ident { None } else { self.files(id) };
                notes.persons.insert(reference.to_owned(), Person { order: id.to_owned(), story, files });
            }
        }
    }

    /// The files that the vendor has at the end of a story.
    fn files(&self, order: &str) -> Option<Files> {
        let began = Instant::now();
        while began.elapsed() < STORY {
            let state = self.admin.json(&format!("orders/{order}"), None);
            if state["data_deleted"] == true {
                return None;
            }
            if !state["result"].is_null() && state["result"] != "open" && state["blocked"] == false {
                return self.admin.files(order);
            }
        }
        None
    }

    /// Notes the calls since the last read, if it was some time ago.
    pub(super) fn read_journal_if_due(&self) {
        let last = self.notes.lock().unwrap().last_read;
        if last.is_none_or(|last| last.elapsed() > JOURNAL) {
            self.read_journal();
        }
    }

    /// Notes the calls since the last read.
    pub(super) fn read_journal(&self) {
        let mut notes = self.notes.lock().unwrap();
        notes.last_read = Some(Instant::now());
        let since = notes.calls.last().map_or(0, |call| call.sequence);
        notes.calls.extend(self.admin.calls_since(since));
    }

    /// Acts for the persons that have not acted yet, and returns all.
    pub(super) fn end(&self) {
        let mut rng = Rng::with_seed(4);
        for list in ["orders", "idents"] {
            let all = self.admin.all(list);
            // Each person is skipped at random, so that all have acted after a few passes.
            for _ in 0..20 {
                self.act_for(&all, &mut rng);
            }
        }
    }

    pub(super) fn into_notes(self) -> (BTreeMap<String, Person>, Vec<Call>) {
        let notes = self.notes.into_inner().unwrap();
        (notes.persons, notes.calls)
    }
}
