//! Reads the cases of a store and their deliveries.

use clap::{Args, ValueEnum};
use identkit_core::{Clock as _, Secret};
use identkit_store::{Case, CaseId, EventId, EventPage, EventState, Store, StoredEvent};
use identkit_transport::SystemClock;
use jiff::Timestamp;

use crate::case_id;
use crate::exit::Failure;
use crate::input::standard_text;
use crate::output::say;
use crate::signals::run_on_thread;

/// Number of rows that are read at once.
const PAGE: usize = 500;

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    /// It waits for work.
    Pending,
    /// A process works on it.
    Claimed,
    /// It was processed.
    Done,
    /// It was given up.
    Dead,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl From<EventState> for State {
    fn from(state: EventState) -> Self {
        match state {
            EventState::Claimed => Self::Claimed,
            EventState::Done => Self::Done,
            EventState::Dead => Self::Dead,
            _ => Self::Pending,
        }
    }
}

/// Names a case.
#[derive(Clone, Debug, Args)]
pub(super) struct CaseName {
    /// The vendor's id of the case; `-` reads it from standard input.
    #[arg(value_name = "ID")]
    pub(super) id: Option<String>,

    /// The provider, if several have a case with this id.
    #[arg(long, value_name = "NAME", requires = "id")]
    pub(super) provider: Option<String>,
}

/// Finds the case with the vendor's id.
///
/// # Errors
/// If there is none, or if several providers have one.
pub(super) async fn find(store: &Store, id: &str, provider: Option<&str>) -> Result<Case, Failure> {
    let id = match id {
        "-" => run_on_thread(|| standard_text("ID")).await??,
        id => Secret::new(id),
    };
    let known: Vec<&str> = case_id::providers().collect();
    let mut cases = Vec::new();
    for name in provider.map_or(known, |name| vec![name]) {
        cases.extend(store.case_by_vendor_id(name, &id).await?);
    }
    match <[Case; 1]>::try_from(cases) {
        Ok([case]) => Ok(case),
        Err(cases) if cases.is_empty() => {
            Err(Failure::usage("the store has no case with this id: identkit inbox list"))
        }
        Err(cases) => {
            let names: Vec<&str> = cases.iter().map(|case| case.provider.as_str()).collect();
            let names = names.join(" or ");
            Err(Failure::usage(format!("several providers have a case with this id: add --provider {names}")))
        }
    }
}

/// Reads the cases of a store in the order of creation, a page at a time.
pub(super) struct Cases<'a> {
    store: &'a Store,
    after: CaseId,
}

impl<'a> Cases<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, after: CaseId::default() }
    }

    /// The next cases; empty at the end.
    pub(super) async fn page(&mut self) -> Result<Vec<Case>, Failure> {
        let page = self.store.cases(None, self.after, PAGE).await?;
        self.after = page.last().map_or(self.after, |case| case.id);
        Ok(page)
    }
}

/// Reads the deliveries of a case in the order of acceptance, a page at a time, and calls `each` with every one. Warns about
/// those that cannot be read.
pub(super) async fn each_of(store: &Store, case: CaseId, mut each: impl FnMut(StoredEvent)) -> Result<(), Failure> {
    each_page_of(store, case, |page| {
        for event in page.unreadable {
            let (id, why) = (event.id.0, event.error.detail());
            say(&format!("warning: delivery {id} of the store cannot be read: {why}"));
        }
        page.events.into_iter().for_each(&mut each);
    })
    .await
}

async fn each_page_of(store: &Store, case: CaseId, mut each: impl FnMut(EventPage)) -> Result<(), Failure> {
    let mut after = EventId::default();
    loop {
        let page = store.event_page_of(case, after, PAGE).await?;
        let Some(last) = page.last else { return Ok(()) };
        after = last;
        let is_last = page.events.len() + page.unreadable.len() < PAGE;
        each(page);
        if is_last {
            return Ok(());
        }
    }
}

/// Number of deliveries of a case by their state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) total: u64,
    pub(super) pending: u64,
    pub(super) done: u64,
    pub(super) dead: u64,
}

/// Counts the deliveries of a case.
pub(super) async fn tally(store: &Store, case: CaseId) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    each_page_of(store, case, |page| {
        let readable = page.events.iter().map(|event| event.state);
        for state in readable.chain(page.unreadable.iter().map(|event| event.state)) {
            tally.total += 1;
            tally.pending += u64::from(state == EventState::Pending);
            tally.done += u64::from(state == EventState::Done);
            tally.dead += u64::from(state == EventState::Dead);
        }
    })
    .await?;
    Ok(tally)
}

/// The present time.
pub(super) fn now() -> Timestamp {
    SystemClock::new().wall()
}

/// A number with its noun.
pub(super) fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}
