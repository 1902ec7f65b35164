//! The status feed: everything that happened in a window of time, [T 4.2].
//!
//! Where the document leaves paging open (AT-05) this reads so that nothing can be lost: page 0 is asked as well as
//! page 1, a short page is never taken for the last one, and a vendor that does not honour paging is met with smaller
//! windows. What comes twice is told once.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::lock::MutexGuard;
use http::StatusCode;
use identkit_core::{Advice, CallOptions, Delivery, Error, Instant, Kind, ShortPii, Window};
use identkit_wire::{Dts, Operation, Warning, json, operation};
use jiff::SignedDuration;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::IdentityTm;
use crate::Dialect;
use crate::messages::{ListedOrder, OrderList, Paging, Period, StatusEntry};
use crate::operations::{DrainUnreportedExtended, GetAllStatus, GetAllStatusExtended};

/// Entries of a page, unless told otherwise.
const ELEMENTS: u32 = 500;

/// A window smaller than this is not halved further.
const SMALLEST: SignedDuration = SignedDuration::from_secs(1);

/// So many pages of a window may hold nothing new to it before paging counts as not honoured.
const STALE: u32 = 8;

/// So many pages of a window are read by a feed that is taken up again from its position, which cannot know what is
/// new: whoever pages for ever is then met with smaller windows too.
const MOST_PAGES: u32 = 64;

/// Reads a window of time page by page.
#[derive(Debug)]
pub struct StatusFeed {
    client: IdentityTm,
    options: CallOptions,
    elements: u32,
    general: bool,
    windows: VecDeque<Window>,
    progress: Progress,
    told: HashSet<u64>,
    pages: u32,
    warnings: Vec<Warning>,
    /// When the call is over by which the pages are told one each.
    deadline: Option<Instant>,
}

/// How far a window was read.
#[derive(Clone, Debug, Default)]
struct Progress {
    page: u32,
    /// What the page before held, in whatever order: to be compared.
    before: u64,
    /// What the window held so far, from page 1 on.
    seen: HashSet<u64>,
    /// Pages without anything new to the window since the last one with something.
    stale: u32,
}

impl StatusFeed {
    /// Asks for so many entries a page: 1 to 1000.
    #[must_use]
    pub fn elements(mut self, elements: u32) -> Self {
        self.elements = elements.clamp(1, 1000);
        self
    }

    /// Asks for the general codes only, which may hide a suspicion of fraud; all codes otherwise.
    #[must_use]
    pub fn general(mut self) -> Self {
        self.general = true;
        self
    }

    /// How many pages were read so far.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// What was odd about the answers so far, each once.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The next orders that were not told before, `None` at the end. An order may come again with further entries.
    ///
    /// # Errors
    /// As any call; [`Kind::Protocol`] when the vendor does not honour paging and the window cannot be made smaller:
    /// what was told so far is then not everything.
    pub async fn next(&mut self) -> Result<Option<Vec<ListedOrder>>, Error> {
        while let Some(window) = self.windows.front().copied() {
            // The feed moves on only after a page was read: an error, or a dropped future, leaves it where it was.
            let page = self.progress.page;
            let list = match self.page(window, page).await {
                Ok(list) => list,
                // With base 0, beginning at 1 would lose the first page; with base 1 this may be refused.
                Err(error) if page == 0 && matches!(error.kind(), Kind::Rejected | Kind::NotFound) => {
                    OrderList::default()
                }
                Err(error) => return Err(error),
            };
            match self.judge(&list) {
                Page::News => {
                    let fresh = self.fresh(list);
                    if !fresh.is_empty() {
                        return Ok(Some(fresh));
                    }
                }
                Page::Known => {}
                Page::Last => {
                    self.windows.pop_front();
                    self.progress = Progress::default();
                }
                Page::NotHonoured => self.halve(window)?,
            }
        }
        Ok(None)
    }

    /// What the page that was read means, told by what the window held before it.
    fn judge(&mut self, list: &OrderList) -> Page {
        let progress = &mut self.progress;
        if list.0.is_empty() && progress.page > 0 {
            return Page::Last;
        }
        let keys = keys(list);
        let now = key(&keys);
        let repeated = now == progress.before;
        let page = progress.page;
        (progress.page, progress.before) = (page.saturating_add(1), now);
        if page == 0 {
            return Page::News;
        }
        let news = keys.into_iter().filter(|key| progress.seen.insert(*key)).count();
        if page == 1 {
            // Pages that are counted from 1: page 0 was this one, and is told.
            return if repeated { Page::Known } else { Page::News };
        }
        progress.stale = if news == 0 { progress.stale.saturating_add(1) } else { 0 };
        if repeated {
            // Fewer than asked for: the last page, repeated. A full one: paging is not honoured.
            return if entries(list) < u64::from(self.elements) { Page::Last } else { Page::NotHonoured };
        }
        // The same entries in ever other portions would be read for ever.
        let endless = self.deadline.is_some() && progress.page > MOST_PAGES;
        if progress.stale >= STALE || endless { Page::NotHonoured } else { Page::News }
    }

    /// The same as a stream; it ends with the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Vec<ListedOrder>, Error>> {
        futures_util::stream::try_unfold(
            self,
            |mut feed| async move { Ok(feed.next().await?.map(|orders| (orders, feed))) },
        )
    }

    fn halve(&mut self, window: Window) -> Result<(), Error> {
        let length = window.end.duration_since(window.begin);
        if length < SMALLEST * 2 {
            let detail = "the vendor does not honour paging, and the window cannot be made smaller: orders are missing";
            let operation = if self.general { GetAllStatus::META.name } else { GetAllStatusExtended::META.name };
            return Err(Error::new(Kind::Protocol, detail).with_operation(operation));
        }
        self.note(Warning::new("the vendor does not honour paging: smaller windows were read instead", "AT-05"));
        let half = SignedDuration::from_secs(length.as_secs() / 2);
        let middle = window.begin.checked_add(half).unwrap_or(window.end);
        self.windows.pop_front();
        // Overlapping at the middle: whether bounds are inclusive is not documented.
        self.windows.push_front(Window { begin: middle, end: window.end });
        self.windows.push_front(Window { begin: window.begin, end: middle });
        self.progress = Progress::default();
        Ok(())
    }

    fn note(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    async fn page(&mut self, window: Window, page: u32) -> Result<OrderList, Error> {
        let paging = Paging::default().elements(self.elements).page(page);
        // Written in whole seconds: an end cut short would leave out what happened within its last one.
        let end = match window.end.subsec_nanosecond() {
            0 => window.end,
            _ => window.end.checked_add(SignedDuration::from_secs(1)).unwrap_or(window.end),
        };
        let period =
            Period::default().begin(Dts::new(window.begin, Offset::UTC)).end(Dts::new(end, Offset::UTC)).paging(paging);
        let options = match self.deadline {
            Some(deadline) => self.client.rest_of(deadline, &self.options)?,
            None => self.options.clone(),
        };
        let answered = if self.general {
            self.client.call(&GetAllStatus::new(period), &options).await?
        } else {
            self.client.call(&GetAllStatusExtended::new(period), &options).await?
        };
        self.pages = self.pages.saturating_add(1);
        answered.warnings.into_iter().for_each(|warning| self.note(warning));
        Ok(answered.value)
    }

    /// Where the feed stands, to be taken up again by [`IdentityTm::status_pages_from`]; `None` at its end.
    pub(crate) fn position(&self) -> Result<Option<String>, Error> {
        if self.windows.is_empty() {
            return Ok(None);
        }
        let windows = self.windows.iter().map(|window| (window.begin.to_string(), window.end.to_string())).collect();
        let written = json::write(&Position { windows, page: self.progress.page, before: self.progress.before })?;
        Ok(Some(String::from_utf8_lossy(&written).into_owned()))
    }

    /// What was not told before, by order, code, time and text (AT-17).
    fn fresh(&mut self, list: OrderList) -> Vec<ListedOrder> {
        let mut fresh = Vec::new();
        for mut order in list.0 {
            let id = identity(&order);
            let known = !self.told.insert(key(&(&id, "order")));
            if let Some(entries) = &mut order.status {
                entries.retain(|entry| self.told.insert(entry_key(&id, entry)));
            }
            if !known || order.status.as_ref().is_some_and(|entries| !entries.is_empty()) {
                fresh.push(order);
            }
        }
        fresh
    }
}

/// [`StatusFeed::position`] as text.
#[derive(Serialize, Deserialize)]
struct Position {
    /// What is left to be read, from and until, in order.
    windows: Vec<(String, String)>,
    page: u32,
    before: u64,
}

impl Position {
    /// The windows and how far the first was read, `None` unless it is a position within this window.
    fn within(self, whole: Window) -> Option<(VecDeque<Window>, Progress)> {
        let read = |(begin, end): (String, String)| {
            let window = Window { begin: begin.parse().ok()?, end: end.parse().ok()? };
            (whole.begin <= window.begin && window.begin <= window.end && window.end <= whole.end).then_some(window)
        };
        let windows: VecDeque<Window> = self.windows.into_iter().map(read).collect::<Option<_>>()?;
        let progress = Progress { page: self.page, before: self.before, ..Progress::default() };
        (!windows.is_empty()).then_some((windows, progress))
    }
}

enum Page {
    News,
    /// It was told as page 0.
    Known,
    Last,
    NotHonoured,
}

/// What an order is told apart by: its id; all of it where the vendor gave none, so that no two are taken for one.
fn identity(order: &ListedOrder) -> String {
    match &order.order_id {
        Some(id) if !id.expose().is_empty() => id.expose().to_owned(),
        _ => json::write(order).map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned()),
    }
}

fn keys(list: &OrderList) -> BTreeSet<u64> {
    let mut keys = BTreeSet::new();
    for order in &list.0 {
        let id = identity(order);
        keys.insert(key(&(&id, "order")));
        keys.extend(order.status.iter().flatten().map(|entry| entry_key(&id, entry)));
    }
    keys
}

fn entry_key(id: &str, entry: &StatusEntry) -> u64 {
    let time = entry.time.as_ref().map_or("", Dts::as_str);
    let text = entry.text.as_ref().map_or("", ShortPii::expose);
    key(&(id, entry.kind, time, text))
}

fn key(of: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(of)
}

/// Orders or status entries, whichever are more: which of them a page counts is not documented.
fn entries(list: &OrderList) -> u64 {
    let statuses: usize = list.0.iter().map(|order| order.status.as_ref().map_or(0, Vec::len)).sum();
    statuses.max(list.0.len()) as u64
}

impl IdentityTm {
    /// Everything that happened in a window of time, all codes. Marks nothing as reported. Let windows overlap: the
    /// bounds may be exclusive (AT-05).
    pub fn status_feed(&self, window: Window, options: &CallOptions) -> StatusFeed {
        StatusFeed {
            client: self.clone(),
            options: options.clone(),
            elements: ELEMENTS,
            general: false,
            windows: VecDeque::from([window]),
            progress: Progress::default(),
            told: HashSet::new(),
            pages: 0,
            warnings: Vec::new(),
            deadline: None,
        }
    }

    /// As [`status_feed`](Self::status_feed), for one call that reads one page: the deadline is one over all requests
    /// of it, and where it then stands can be written down.
    pub(crate) fn status_pages(&self, window: Window, options: &CallOptions) -> StatusFeed {
        StatusFeed { deadline: Some(self.deadline(options)), ..self.status_feed(window, options) }
    }

    /// As [`status_pages`](Self::status_pages), from where an earlier call stood. What it was told is not known any
    /// more, so that an order at the edge of two pages may come again.
    pub(crate) fn status_pages_from(
        &self,
        window: Window,
        position: &str,
        options: &CallOptions,
    ) -> Result<StatusFeed, Error> {
        let position = json::read::<Position>(position.as_bytes()).ok().and_then(|position| position.within(window));
        let Some((windows, progress)) = position else {
            return Err(Error::new(Kind::InvalidInput, "the cursor is not one of this window")
                .with_operation(GetAllStatusExtended::META.name)
                .with_delivery(Delivery::NotSent));
        };
        Ok(StatusFeed { windows, progress, ..self.status_pages(window, options) })
    }

    /// Makes sure that no other destructive read of this client is under way until the guard is dropped.
    fn drain_alone(&self) -> Result<MutexGuard<'_, ()>, Error> {
        self.draining.try_lock().ok_or_else(|| {
            let detail = "another destructive read is under way: each would take away what the other is to be told";
            let error = Error::new(Kind::Conflict, detail).with_delivery(Delivery::NotSent);
            error.with_operation(DrainUnreportedExtended::META.name)
        })
    }

    /// What was not reported before, all codes. **Destructive**: the vendor never tells it again, also when the answer
    /// is lost on its way, so that it must never be the only source (AT-06). Sent once, and one at a time.
    ///
    /// # Errors
    /// [`Kind::OutcomeUnknown`] when no complete answer came, or one that cannot be read: read the same time again by
    /// [`status_feed`](Self::status_feed). [`Kind::Conflict`] while another one of this client is under way.
    pub async fn drain_unreported(&self, options: &CallOptions) -> Result<OrderList, Error> {
        let _alone = self.drain_alone()?;
        Ok(self.call(&DrainUnreportedExtended, options).await?.value)
    }

    /// As [`drain_unreported`](Self::drain_unreported), but `journal` is given the bytes as they came, before they are
    /// read, and must have them on disk when it returns: so nothing is lost when they turn out to be unreadable, or
    /// when the process ends. Not called when there is nothing new.
    ///
    /// # Errors
    /// As [`drain_unreported`](Self::drain_unreported), and the journal's; [`Kind::Protocol`] when what is now in the
    /// journal cannot be read.
    pub async fn drain_unreported_to(
        &self,
        journal: impl FnOnce(&[u8]) -> Result<(), Error>,
        options: &CallOptions,
    ) -> Result<OrderList, Error> {
        let _alone = self.drain_alone()?;
        let bytes = self.call(&AsItCame, options).await?.value;
        let Some(bytes) = bytes else { return Ok(OrderList::default()) };
        let failed = |error: Error| error.with_operation(AsItCame::META.name).with_advice(Advice::Reconcile);
        journal(&bytes).map_err(failed)?;
        json::read(&bytes).map_err(|fault| failed(fault.answer()))
    }
}

/// [`DrainUnreportedExtended`] whose answer is not read; `None` when there is nothing new.
#[derive(Debug)]
struct AsItCame;

operation! {
    impl AsItCame;
    meta: *DrainUnreportedExtended::META, output: Option<Bytes>, dialect: Dialect,
    encode: |_, dialect| DrainUnreportedExtended.encode(dialect),
    decode: |_, head, body, _| {
        let told = if head.status == StatusCode::NOT_MODIFIED { None } else { Some(body.whole()?) };
        Ok(told.into())
    },
}
