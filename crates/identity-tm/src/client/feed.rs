//! The status feed: all status changes in a time window, [T 4.2].
//!
//! The document does not define paging (AT-05), so the feed reads in a way that loses nothing. It requests page 0 and
//! page 1, never treats a short page as the last one, and halves the window if the vendor ignores paging. Duplicates
//! are removed.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::lock::MutexGuard;
use http::StatusCode;
use identkit_core::{Advice, CallOptions, Delivery, Error, Instant, Kind, ShortPii, Window};
use identkit_transport::Response;
use identkit_wire::{Decoded, Dts, Operation, Warning, is_empty_or_json, json, operation, trim_body};
use jiff::SignedDuration;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::IdentityTm;
use crate::Dialect;
use crate::messages::{ListedOrder, OrderList, Paging, Period, StatusEntry};
use crate::operations::{DrainUnreportedExtended, GetAllStatus, GetAllStatusExtended, read_list};

/// Default number of entries of a page.
const ELEMENTS: u32 = 500;

/// Minimum length of a halved window, larger than `OVERLAP`: a half must be shorter than its window.
const SMALLEST: SignedDuration = SignedDuration::from_secs(2);

/// Overlap of two halves: the bounds may be exclusive (AT-05).
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// Number of consecutive pages without a new entry after which the vendor is assumed to ignore paging.
const STALE: u32 = 8;

/// Maximum number of pages of a window for a feed with a deadline. A resumed feed does not know which entries are new,
/// so without this limit it would never end if the vendor's pages never end.
const MOST_PAGES: u32 = 64;

/// Reads the status changes of a time window page by page.
///
/// Each entry is returned once. So a returned order can lack its earlier entries, and its own verdict can be wrong: a
/// suspicion of fraud may have been returned before, or in an earlier window. Judge an order by
/// [`IdentityTm::status`], or keep the codes of all its entries, also across feeds, and judge these:
///
/// ```
/// # use std::collections::BTreeMap;
/// # use identkit_identity_tm::messages::StatusEntry;
/// # use identkit_identity_tm::{Finality, OrderFlavor, OrderId, StatusFeed, StatusKind};
/// # async fn read(mut feed: StatusFeed) -> Result<(), identkit_core::Error> {
/// // An entry whose code cannot be read is `None`, and must be kept too.
/// let mut codes: BTreeMap<String, Vec<Option<StatusKind>>> = BTreeMap::new();
/// while let Some(orders) = feed.next().await? {
///     for order in orders {
///         let Some(id) = &order.order_id else { continue };
///         let kept = codes.entry(id.expose().to_owned()).or_default();
///         match &order.status {
///             Some(entries) => kept.extend(entries.iter().map(StatusEntry::code)),
///             None => kept.push(None),
///         }
///         let verdict = Finality::judge_entries(OrderFlavor::IdentOnly, kept.iter().copied());
///         println!("{:?}", verdict.outcome);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StatusFeed {
    client: IdentityTm,
    options: CallOptions,
    elements: u32,
    general: bool,
    windows: VecDeque<Window>,
    progress: Progress,
    /// Keys of the orders and entries returned so far.
    returned: HashSet<u64>,
    pages: u32,
    warnings: Vec<Warning>,
    /// Deadline of a call that reads one page. `None`: each request has its own timeout.
    deadline: Option<Instant>,
}

/// Progress in the current window.
#[derive(Clone, Debug, Default)]
struct Progress {
    page: u32,
    /// Key of the previous page's content, regardless of its sequence.
    before: u64,
    /// Keys of the window's entries, from page 1 on.
    entries: HashSet<u64>,
    /// Number of consecutive pages without a new entry.
    stale: u32,
}

impl StatusFeed {
    /// Sets the number of entries of a page, clamped to 1 to 1000. The default is 500.
    #[must_use]
    pub fn elements(mut self, elements: u32) -> Self {
        self.elements = elements.clamp(1, 1000);
        self
    }

    /// Reads the general codes only, which may hide a suspicion of fraud: judge the orders by
    /// [`ListedOrder::general_finality`] (AT-13). By default the feed reads all codes.
    #[must_use]
    pub fn general(mut self) -> Self {
        self.general = true;
        self
    }

    /// Number of pages read so far.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Distinct warnings about the responses so far.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the next new orders, or `None` at the end. An order may be returned again with further entries.
    ///
    /// After an error, or if the future was dropped, the next call continues at the same page.
    ///
    /// # Errors
    /// As any call; [`Kind::Protocol`] if the vendor ignores paging and the window cannot be halved further. The orders
    /// returned so far are then incomplete.
    pub async fn next(&mut self) -> Result<Option<Vec<ListedOrder>>, Error> {
        while let Some(window) = self.windows.front().copied() {
            let page = self.progress.page;
            let list = match self.page(window, page).await {
                Ok(list) => list,
                Err(error) if page == 0 && is_without_page_0(&error) => OrderList::default(),
                Err(error) => return Err(error),
            };
            match self.judge(&list) {
                Page::New => {
                    let new = self.retain_new(list);
                    if !new.is_empty() {
                        return Ok(Some(new));
                    }
                }
                Page::Repeated => {}
                Page::Last => {
                    self.windows.pop_front();
                    self.progress = Progress::default();
                }
                Page::Ignored => self.halve(window)?,
            }
        }
        Ok(None)
    }

    /// Classifies a page by the window's earlier pages.
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
            return Page::New;
        }
        let new = keys.into_iter().filter(|key| progress.entries.insert(*key)).count();
        if page == 1 {
            // The vendor counts pages from 1: page 0 returned the same page.
            return if repeated { Page::Repeated } else { Page::New };
        }
        progress.stale = if new == 0 { progress.stale.saturating_add(1) } else { 0 };
        if repeated {
            // A short page is the last one, repeated. A full one means that the vendor ignores paging.
            let (count, limit) = (entries(list), self.elements);
            if count >= u64::from(limit) {
                return Page::Ignored;
            }
            if page == 2 && !self.warnings.iter().any(|warning| warning.rule == "AT-05") {
                // No page after page 1 differed from it.
                let why = "if the vendor returns fewer entries than requested and ignores paging, orders are missing";
                let what =
                    format!("a page of fewer than {limit} entries was repeated and taken as the last one; {why}");
                self.note(Warning::new(what, "AT-05"));
            }
            return Page::Last;
        }
        // Otherwise a vendor that returns the same entries in other portions would be read forever.
        let endless = self.deadline.is_some() && progress.page > MOST_PAGES;
        if progress.stale >= STALE || endless { Page::Ignored } else { Page::New }
    }

    /// Turns the feed into a stream, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Vec<ListedOrder>, Error>> {
        futures_util::stream::try_unfold(
            self,
            |mut feed| async move { Ok(feed.next().await?.map(|orders| (orders, feed))) },
        )
    }

    fn halve(&mut self, window: Window) -> Result<(), Error> {
        let length = window.end.duration_since(window.begin);
        if length < SMALLEST * 2 {
            let detail = "the vendor ignores paging, and the window cannot be halved further: orders are missing";
            let operation = if self.general { GetAllStatus::META.name } else { GetAllStatusExtended::META.name };
            return Err(Error::new(Kind::Protocol, detail).with_operation(operation));
        }
        self.note(Warning::new("the vendor ignores paging: smaller windows were read instead", "AT-05"));
        let half = SignedDuration::from_secs(length.as_secs() / 2);
        let middle = window.begin.checked_add(half).unwrap_or(window.end);
        self.windows.pop_front();
        let begin = middle.checked_sub(OVERLAP).unwrap_or(middle);
        self.windows.push_front(Window { begin, end: window.end });
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
        // Times are sent in whole seconds. The end is rounded up, so that nothing in its last second is lost.
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
        let response = if self.general {
            self.client.call(&GetAllStatus::new(period), &options).await?
        } else {
            self.client.call(&GetAllStatusExtended::new(period), &options).await?
        };
        self.pages = self.pages.saturating_add(1);
        response.warnings.into_iter().for_each(|warning| self.note(warning));
        Ok(response.value)
    }

    /// Serializes the position for [`IdentityTm::status_pages_from`]; `None` at the end of the feed.
    pub(crate) fn position(&self) -> Result<Option<String>, Error> {
        if self.windows.is_empty() {
            return Ok(None);
        }
        let windows = self.windows.iter().map(|window| (window.begin.to_string(), window.end.to_string())).collect();
        let written = json::write(&Position { windows, page: self.progress.page, before: self.progress.before })?;
        Ok(Some(String::from_utf8_lossy(&written).into_owned()))
    }

    /// Removes orders and entries that were returned before, by order, code, time and text (AT-17).
    fn retain_new(&mut self, list: OrderList) -> Vec<ListedOrder> {
        let mut new = Vec::new();
        for mut order in list.0 {
            let id = identity(&order);
            let known = !self.returned.insert(key(&(&id, "order")));
            if let Some(entries) = &mut order.status {
                entries.retain(|entry| self.returned.insert(entry_key(&id, entry)));
            }
            if !known || order.status.as_ref().is_some_and(|entries| !entries.is_empty()) {
                new.push(order);
            }
        }
        new
    }
}

/// Serialized form of [`StatusFeed::position`].
#[derive(Serialize, Deserialize)]
struct Position {
    /// Remaining windows (begin, end), in sequence.
    windows: Vec<(String, String)>,
    page: u32,
    before: u64,
}

impl Position {
    /// Returns the remaining windows and the progress in the first one; `None` if they are not within `whole`.
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
    New,
    /// The same as page 0.
    Repeated,
    Last,
    /// The vendor ignores paging.
    Ignored,
}

/// Whether a response to page 0 means that pages begin with 1: 400 or 404 without orders (AT-05). An HTML page comes from
/// another server.
fn is_without_page_0(error: &Error) -> bool {
    error.answer().is_some_and(|answer| {
        let body = answer.body();
        let is_page = trim_body(body).starts_with(b"<") || read_list(body).is_ok_and(|list| !list.value.0.is_empty());
        match answer.status().as_u16() {
            400 => !is_page && answer.ids().is_empty(),
            404 => !is_page && answer.ids().is_empty() && is_empty_or_json(body),
            _ => false,
        }
    })
}

/// Returns what identifies an order: its id, or the whole entry if it is not whole.
fn identity(order: &ListedOrder) -> String {
    match &order.order_id {
        Some(id) if order.is_whole() => id.expose().to_owned(),
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
    key(&(id, entry.code(), time, text))
}

fn key(value: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// Number of orders or of status entries, whichever is larger: the document does not say which of them a page counts.
fn entries(list: &OrderList) -> u64 {
    let statuses: usize = list.0.iter().map(|order| order.status.as_ref().map_or(0, Vec::len)).sum();
    statuses.max(list.0.len()) as u64
}

impl IdentityTm {
    /// Returns a feed of all status changes in a time window. It marks nothing as reported. Windows should overlap: the
    /// bounds may be exclusive (AT-05).
    pub fn status_feed(&self, window: Window, options: &CallOptions) -> StatusFeed {
        StatusFeed {
            client: self.clone(),
            options: options.clone(),
            elements: ELEMENTS,
            general: false,
            windows: VecDeque::from([window]),
            progress: Progress::default(),
            returned: HashSet::new(),
            pages: 0,
            warnings: Vec::new(),
            deadline: None,
        }
    }

    /// As [`status_feed`](Self::status_feed), but with one deadline for all requests, for a call that reads one page.
    pub(crate) fn status_pages(&self, window: Window, options: &CallOptions) -> StatusFeed {
        StatusFeed { deadline: Some(self.deadline(options)), ..self.status_feed(window, options) }
    }

    /// As [`status_pages`](Self::status_pages), from the position of an earlier call. Orders that the earlier call
    /// returned are not removed, so an order may be returned again.
    pub(crate) fn status_pages_from(
        &self,
        window: Window,
        position: &str,
        options: &CallOptions,
    ) -> Result<StatusFeed, Error> {
        let position = json::read::<Position>(position.as_bytes()).ok().and_then(|position| position.within(window));
        let Some((windows, progress)) = position else {
            return Err(Error::new(Kind::InvalidInput, "the cursor does not belong to this window")
                .with_operation(GetAllStatusExtended::META.name)
                .with_delivery(Delivery::NotSent));
        };
        Ok(StatusFeed { windows, progress, ..self.status_pages(window, options) })
    }

    /// Excludes other destructive reads of this client until the guard is dropped.
    fn drain_lock(&self) -> Result<MutexGuard<'_, ()>, Error> {
        self.draining.try_lock().ok_or_else(|| {
            let detail = "another destructive read is running on this client; concurrent reads would split the results";
            let error = Error::new(Kind::Conflict, detail).with_delivery(Delivery::NotSent);
            error.with_operation(DrainUnreportedExtended::META.name)
        })
    }

    /// Reads all status changes that were not reported before. **Destructive**: the vendor does not report them again,
    /// even if the response is lost, so this must never be the only source (AT-06). Sent at most once.
    ///
    /// # Errors
    /// [`Kind::OutcomeUnknown`] if no complete response arrived or it cannot be read: read the same period with
    /// [`status_feed`](Self::status_feed). [`Kind::Conflict`] if another destructive read is running on this client.
    pub async fn drain_unreported(&self, options: &CallOptions) -> Result<Response<OrderList>, Error> {
        let _lock = self.drain_lock()?;
        self.call(&DrainUnreportedExtended, options).await
    }

    /// As [`drain_unreported`](Self::drain_unreported), but first passes the response body, whatever its status, to
    /// `journal`, which must have it on disk when it returns. Nothing is lost then if the body cannot be decoded or the
    /// process ends. Without a body, `journal` is not called.
    ///
    /// # Errors
    /// As [`drain_unreported`](Self::drain_unreported); the error of `journal`.
    pub async fn drain_unreported_to(
        &self,
        journal: impl FnOnce(&[u8]) -> Result<(), Error>,
        options: &CallOptions,
    ) -> Result<Response<OrderList>, Error> {
        let _lock = self.drain_lock()?;
        let failed = |error: Error| error.with_operation(DrainRaw::META.name).with_advice(Advice::Reconcile);
        let (bytes, mut response) = match self.call(&DrainRaw, options).await {
            Ok(response) => response.split(),
            Err(error) => {
                // Whatever the status, the body may be the only copy of the list.
                if let Some(answer) = error.answer().filter(|answer| !answer.body().is_empty()) {
                    journal(answer.body()).map_err(failed)?;
                }
                return Err(error);
            }
        };
        let Some(bytes) = bytes else { return Ok(response.map(|()| OrderList::default())) };
        journal(&bytes).map_err(failed)?;
        let Decoded { value, warnings, .. } = read_list(&bytes).map_err(|error| {
            let detail = format!("{}; the body is in the journal", error.detail());
            failed(error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent))
        })?;
        if value.0.is_empty() && has_more(&bytes) {
            let detail = "the list is empty, but the response has other elements, so that entries cannot be excluded; the \
                          body is in the journal";
            let error = Error::new(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent);
            return Err(failed(error));
        }
        response.warnings.extend(warnings);
        Ok(response.map(|()| value))
    }
}

/// Whether an empty list is an object with elements other than `Order` that have a value, e.g. a number of entries.
fn has_more(bytes: &[u8]) -> bool {
    let elements = json::read::<BTreeMap<String, Value>>(bytes).unwrap_or_default();
    elements.into_iter().any(|(name, value)| match value {
        _ if name == "Order" => false,
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(many) => !many.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_u64() != Some(0),
        Value::Bool(_) => true,
    })
}

/// [`DrainUnreportedExtended`] without decoding the body; `None` if there is nothing new.
#[derive(Debug)]
struct DrainRaw;

operation! {
    impl DrainRaw;
    meta: *DrainUnreportedExtended::META, output: Option<Bytes>, dialect: Dialect,
    encode: |_, dialect| DrainUnreportedExtended.encode(dialect),
    decode: |_, head, body, _| {
        let bytes = if head.status == StatusCode::NOT_MODIFIED { None } else { Some(body.whole()?) };
        Ok(bytes.into())
    },
}
