//! The status feed with vendors that implement paging in every way that the document allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::StreamExt;

use super::*;

/// A status entry: seconds since the begin of the window, number of the order, code.
pub(super) type Entry = (i64, u32, u32);

/// A request of the feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) begin: i64,
    pub(super) end: i64,
    pub(super) elements: usize,
    pub(super) page: usize,
}

pub(super) type Respond = dyn Fn(&Query, usize) -> Step + Send + Sync;

/// A vendor that responds to getAllStatus by a function of the request and the number of earlier requests.
pub(super) struct Vendor {
    pub(super) respond: Box<Respond>,
    pub(super) requests: Mutex<Vec<Query>>,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vendor")
    }
}

pub(super) const BEGIN: i64 = 1_536_100_000;

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        assert!(request.uri().path().ends_with("/getAllStatus/ExtendedList"));
        let body: Value = serde_json::from_slice(&body_bytes(request.body())).unwrap();
        let at = |end: &str| Dts::parse(body["Period"][end].as_str().unwrap()).timestamp().unwrap().as_second() - BEGIN;
        let number = |key: &str| usize::try_from(body["Period"]["Paging"][key].as_u64().unwrap()).unwrap();
        let page = Query { begin: at("Begin"), end: at("End"), elements: number("Elements"), page: number("Page") };
        let before = {
            let mut all = self.requests.lock().unwrap();
            all.push(page);
            assert!(all.len() < 5_000, "the feed does not end");
            all.len() - 1
        };
        let script = Script::new([(self.respond)(&page, before)]);
        script.send(request, context).await
    }
}

/// Returns a client of a vendor with these responses, and a window of `length` seconds.
pub(super) fn vendor(
    length: i64,
    respond: impl Fn(&Query, usize) -> Step + Send + Sync + 'static,
) -> (IdentityTm, Window, Arc<Vendor>) {
    let vendor = Arc::new(Vendor { respond: Box::new(respond), requests: Mutex::default() });
    let client = client_over(|builder| builder, Arc::clone(&vendor) as _);
    let at = |second: i64| jiff::Timestamp::from_second(BEGIN + second).unwrap();
    (client, Window { begin: at(0), end: at(length) }, vendor)
}

/// Returns a feed with pages of 10 entries from such a vendor.
fn feed(length: i64, respond: impl Fn(&Query, usize) -> Step + Send + Sync + 'static) -> (StatusFeed, Arc<Vendor>) {
    let (client, window, vendor) = vendor(length, respond);
    (client.status_feed(window, &options().attempts(1)).elements(10), vendor)
}

pub(super) fn listed(entries: &[Entry]) -> Step {
    let mut orders: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for (second, order, kind) in entries {
        let time = jiff::Timestamp::from_second(BEGIN + second).unwrap().to_string();
        orders.entry(*order).or_default().push(json!({"Kind": kind, "Time": time}));
    }
    let list: Vec<_> =
        orders.into_iter().map(|(order, status)| json!({"OrderID": format!("999{order}"), "Status": status})).collect();
    reply(200, Value::from(list).to_string())
}

pub(super) fn nothing() -> Step {
    reply(304, "")
}

/// Returns the entries of `orders` orders: two codes each, one order per second.
pub(super) fn history(orders: u32) -> Vec<Entry> {
    (0..orders).flat_map(|order| [(i64::from(order), order, 25), (i64::from(order), order, 6)]).collect()
}

pub(super) fn within(all: &[Entry], request: &Query) -> Vec<Entry> {
    all.iter().filter(|(second, ..)| (request.begin..=request.end).contains(second)).copied().collect()
}

/// Returns a page of entries; `base` is the number of the first page.
pub(super) fn page_of(all: &[Entry], request: &Query, base: usize) -> Step {
    let entries = within(all, request);
    let page = request.page.checked_sub(base).and_then(|page| entries.chunks(request.elements).nth(page));
    page.map_or_else(nothing, listed)
}

pub(super) fn entries_of(orders: &[ListedOrder]) -> Vec<Entry> {
    let mut all = Vec::new();
    for order in orders {
        let id = order.order_id.as_ref().unwrap().expose().strip_prefix("999").unwrap().parse().unwrap();
        for entry in order.status.iter().flatten() {
            let second = entry.time.as_ref().unwrap().timestamp().unwrap().as_second() - BEGIN;
            all.push((second, id, entry.kind.unwrap().0));
        }
    }
    all
}

/// Reads the feed to its end.
async fn read_all(feed: &mut StatusFeed) -> Vec<Entry> {
    let mut all = Vec::new();
    while let Some(orders) = feed.next().await.unwrap_or_else(|error| panic!("{error}")) {
        assert!(!orders.is_empty(), "an empty page was returned");
        all.extend(entries_of(&orders));
    }
    all
}

/// Asserts that every entry was returned exactly once.
#[track_caller]
fn exactly_once(mut entries: Vec<Entry>, mut expected: Vec<Entry>) {
    entries.sort_unstable();
    expected.sort_unstable();
    assert_eq!(entries, expected);
}

#[tokio::test]
async fn at_13_an_increment_is_judged_with_earlier_entries() {
    let pages = |request: &Query, _: usize| match request.page {
        0 | 1 => listed(&[(1, 1, 89)]),
        2 => listed(&[(2, 1, 6)]),
        _ => nothing(),
    };
    let (mut feed, _) = feed(100, pages);
    let mut kept = Vec::new();
    let (mut alone, mut with_earlier) = (Vec::new(), Vec::new());
    while let Some(orders) = feed.next().await.unwrap() {
        for order in orders {
            kept.extend(order.status.iter().flatten().map(|entry| entry.kind));
            alone.push(order.finality(OrderFlavor::IdentOnly).outcome);
            with_earlier.push(Finality::judge_entries(OrderFlavor::IdentOnly, kept.iter().copied()).outcome);
        }
    }
    assert_eq!(alone, [Outcome::FraudSuspicion, Outcome::Positive], "each entry is returned once");
    assert_eq!(with_earlier, [Outcome::FraudSuspicion; 2]);
}

#[tokio::test]
async fn at_05_pages_numbered_from_0_are_read_completely() {
    for orders in [0, 1, 4, 5, 6, 23, 50] {
        let (mut feed, vendor) = feed(3600, move |request, _| page_of(&history(orders), request, 0));
        exactly_once(read_all(&mut feed).await, history(orders));
        let requests = vendor.requests.lock().unwrap();
        assert_eq!(requests[0], Query { begin: 0, end: 3600, elements: 10, page: 0 });
        let pages: Vec<_> = requests.iter().map(|request| request.page).collect();
        let last = usize::try_from(orders * 2).unwrap().div_ceil(10).max(1);
        assert_eq!(pages, (0..=last).collect::<Vec<_>>(), "{orders} orders: no window is halved");
    }
}

#[tokio::test]
async fn at_05_pages_numbered_from_1_are_read_completely() {
    type Zero = fn(&[Entry], &Query) -> Step;
    let zeros: [(&str, Zero); 7] = [
        ("400", |_, _| reply(400, r#"{"Error":"Page"}"#)),
        ("404", |_, _| reply(404, "")),
        ("304", |_, _| nothing()),
        ("empty", |_, _| reply(200, "[]")),
        ("empty under Order", |_, _| reply(200, r#"{"Order":[]}"#)),
        ("as page 1", |all, request| page_of(all, &Query { page: 1, ..*request }, 1)),
        ("as page 1, in another sequence", |all, request| {
            let mut entries = within(all, request);
            entries.truncate(request.elements);
            entries.reverse();
            listed(&entries)
        }),
    ];
    for (name, zero) in zeros {
        for orders in [0, 3, 5, 23] {
            let (mut feed, vendor) = feed(3600, move |request, _| {
                let all = history(orders);
                if request.page == 0 { zero(&all, request) } else { page_of(&all, request, 1) }
            });
            if name.starts_with("as page 1") && orders == 0 {
                continue;
            }
            exactly_once(read_all(&mut feed).await, history(orders));
            let pages: Vec<_> = vendor.requests.lock().unwrap().iter().map(|request| request.page).collect();
            assert_eq!(pages, (0..pages.len()).collect::<Vec<_>>(), "{name}: no window is halved");
        }
    }
}

#[tokio::test]
async fn at_05_only_400_or_404_without_orders_is_no_page_0() {
    let orders = format!(r#"[{{"OrderID":"{ORDER}","Status":[]}}]"#);
    for (status, body, begins_with_1) in [
        (400, r#"{"Error":"page 0"}"#, true),
        (400, "", true),
        (400, "no such page", true),
        (404, "{}", true),
        (404, "", true),
        (400, "<html></html>", false),
        (404, "<html></html>", false),
        (404, "no such page", false),
        (400, &orders, false),
        (404, &orders, false),
        (400, r#"[{"Ref":"a"}]"#, false),
        (200, r#"{"Error":"page 0"}"#, false),
        (204, "", false),
        (206, &orders, false),
    ]
    .into_iter()
    .chain([402, 403, 405, 406, 410, 412, 413, 415, 416, 418, 422, 451, 501].map(|status| (status, "{}", false)))
    {
        let body = body.to_owned();
        let (mut feed, vendor) = feed(60, move |request, _| match request.page {
            0 => reply(status, body.clone()),
            _ => nothing(),
        });
        let first = feed.next().await;
        assert_eq!(first.is_ok(), begins_with_1, "{status}: {first:?}");
        let pages = vendor.requests.lock().unwrap().iter().filter(|request| request.page > 0).count();
        assert_eq!(pages > 0, begins_with_1, "{status}");
    }
}

#[tokio::test]
async fn at_05_a_repeated_short_first_page_has_a_warning() {
    for (last, warned) in [(1, true), (3, false)] {
        let (mut feed, _) = feed(60, move |request, _| listed(&[(1, request.page.clamp(1, last) as u32, 25)]));
        while feed.next().await.unwrap().is_some() {}
        let rules: Vec<_> = feed.warnings().iter().map(|warning| warning.rule).collect();
        assert_eq!(rules.contains(&"AT-05"), warned, "{rules:?}");
    }
}

#[tokio::test]
async fn at_03_an_entry_that_cannot_be_read_passes_the_feed() {
    let page = r#"[{"OrderID":"1","Status":[{"Kind":6}]},{},{"OrderID":"1","Status":7},null,{"OrderID":"1","Status":7},
            {"OrderID":"2","Status":[{"Kind":"x"}]},{"OrderID":"3","Status":[{"Kind":89,"OrderID":"4"}]}]"#;
    let (mut feed, _) = feed(60, move |request, _| if request.page < 3 { reply(200, page) } else { nothing() });
    let orders = feed.next().await.unwrap().unwrap();
    assert_eq!(orders.iter().filter(|order| !order.is_whole()).count(), 4, "{orders:?}");
    assert_eq!(orders.len(), 6, "each once");
    assert!(feed.next().await.unwrap().is_none());
    assert_eq!(feed.warnings().iter().filter(|warning| warning.rule == "AT-93").count(), 1);
}

#[tokio::test]
async fn at_05_a_short_page_in_the_middle_is_not_the_last() {
    for base in [0, 1] {
        let sizes = [10_usize, 3, 10, 1, 1, 7];
        let all = history(16);
        let (mut feed, _) = feed(3600, move |request, _| {
            let Some(page) = request.page.checked_sub(base).filter(|page| *page < sizes.len()) else {
                return nothing();
            };
            let from: usize = sizes[..page].iter().sum();
            listed(&history(16)[from..from + sizes[page]])
        });
        exactly_once(read_all(&mut feed).await, all);
    }
}

#[tokio::test]
async fn at_05_a_short_last_page_may_repeat_forever() {
    for orders in [1, 3, 7, 23] {
        let (mut feed, vendor) = feed(3600, move |request, _| {
            let all = history(orders);
            let last = (all.len() - 1) / request.elements;
            page_of(&all, &Query { page: request.page.min(last), ..*request }, 0)
        });
        exactly_once(read_all(&mut feed).await, history(orders));
        assert!(
            vendor.requests.lock().unwrap().iter().all(|request| request.end - request.begin == 3600),
            "nothing is halved"
        );
    }
}

/// A repeated full last page looks as if the vendor ignored paging; halving the window still finds every entry.
#[tokio::test]
async fn at_05_a_repeated_full_last_page_loses_no_entry() {
    let (mut feed, vendor) = feed(3600, |request, _| {
        let entries = within(&history(20), request);
        let last = entries.len().saturating_sub(1) / request.elements;
        page_of(&history(20), &Query { page: request.page.min(last), ..*request }, 0)
    });
    exactly_once(read_all(&mut feed).await, history(20));
    assert!(vendor.requests.lock().unwrap().iter().any(|request| request.end - request.begin < 3600));
}

/// Returns the first `cap` entries of the window for any page.
fn without_paging(all: &[Entry], request: &Query, cap: usize) -> Step {
    let mut entries = within(all, request);
    entries.truncate(cap);
    if entries.is_empty() { nothing() } else { listed(&entries) }
}

#[tokio::test]
async fn at_05_if_paging_is_ignored_windows_are_halved() {
    for cap in [10, 17] {
        let (mut feed, vendor) = feed(120, move |request, _| without_paging(&history(60), request, cap));
        exactly_once(read_all(&mut feed).await, history(60));
        let rules: Vec<_> = feed.warnings().iter().map(|warning| warning.rule).collect();
        assert_eq!(rules, ["AT-05"], "one warning for any number of halvings");
        let requests = vendor.requests.lock().unwrap();
        assert_eq!(usize::try_from(feed.pages()).unwrap(), requests.len());
        let smallest = requests.iter().map(|request| request.end - request.begin).min().unwrap();
        assert!((1..=5).contains(&smallest), "{smallest}");
        // Neighboring windows overlap by a second.
        let bounds: BTreeSet<_> = requests.iter().map(|request| request.begin + 1).collect();
        assert!(requests.iter().all(|request| request.end == 120 || bounds.contains(&request.end)));
    }
}

#[tokio::test]
async fn at_05_halves_lose_no_entry_if_bounds_are_exclusive() {
    let entry = |second: i64| (second, u32::try_from(second).unwrap(), 6);
    let (mut feed, _) = feed(120, move |request, _| {
        let mut entries: Vec<Entry> = (request.begin + 1..request.end).map(entry).collect();
        entries.truncate(request.elements);
        if entries.is_empty() { nothing() } else { listed(&entries) }
    });
    exactly_once(read_all(&mut feed).await, (1..120).map(entry).collect());
}

/// Changing sequences and portions must neither run forever nor succeed with missing entries.
#[tokio::test]
async fn at_05_a_vendor_that_shuffles_instead_of_paging_is_detected() {
    let (mut feed, _) = feed(64, |request, before| {
        let mut entries = within(&history(40), request);
        entries.truncate(14);
        if entries.is_empty() {
            return nothing();
        }
        let length = entries.len();
        entries.rotate_left(before % length);
        entries.truncate(length.max(11) - (before % 2).min(length - 1));
        listed(&entries)
    });
    exactly_once(read_all(&mut feed).await, history(40));
}

#[tokio::test]
async fn at_05_a_window_that_cannot_be_halved_is_an_error() {
    // All entries are in one second.
    let busy: Vec<Entry> = (0..40).map(|order| (7, order, 6)).collect();
    let (mut feed, _) = feed(16, move |request, _| without_paging(&busy, request, 10));
    let mut entries = 0;
    let error = loop {
        match feed.next().await {
            Ok(Some(orders)) => entries += entries_of(&orders).len(),
            Ok(None) => panic!("the feed ended without an error although entries are missing"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("getAllStatus/ExtendedList")));
    assert_eq!(entries, 10);
    // A further call fails too.
    assert_eq!(feed.next().await.unwrap_err().kind(), Kind::Protocol);
}

#[tokio::test]
async fn at_05_duplicates_across_pages_are_removed() {
    let pages: [&[Entry]; 4] =
        [&[(0, 1, 25), (0, 2, 25)], &[(0, 2, 25), (5, 1, 6), (5, 1, 6)], &[(0, 1, 25), (9, 2, 17)], &[(9, 2, 17)]];
    let (mut feed, _) = feed(60, move |request, _| pages.get(request.page).map_or_else(nothing, |page| listed(page)));
    let mut batches = Vec::new();
    while let Some(orders) = feed.next().await.unwrap() {
        batches.push(entries_of(&orders));
    }
    assert_eq!(batches, [vec![(0, 1, 25), (0, 2, 25)], vec![(5, 1, 6)], vec![(9, 2, 17)]]);
}

#[tokio::test]
async fn at_05_orders_without_status_or_id_are_returned_once() {
    let page = r#"[{"OrderID":"1"},{"Ref":"a"},{"Ref":"b"},{"Ref":"a"},{"OrderID":"1","Status":[]}]"#;
    let (mut feed, _) = feed(60, move |request, _| if request.page < 3 { reply(200, page) } else { nothing() });
    let orders = feed.next().await.unwrap().unwrap();
    let actual: Vec<_> = orders
        .iter()
        .map(|order| {
            let id = order.order_id.as_ref().map(OrderId::expose);
            (id, order.reference.as_ref().map(|reference| reference.expose().as_str()))
        })
        .collect();
    assert_eq!(actual, [(Some("1"), None), (None, Some("a")), (None, Some("b"))]);
    assert!(feed.next().await.unwrap().is_none());
}

#[tokio::test]
async fn at_05_after_an_error_the_feed_continues_at_the_same_page() {
    for failing in 0..6 {
        for broken in [Step::Reset, reply(500, ""), reply(200, "[{"), reply(403, "")] {
            let (mut feed, vendor) =
                feed(
                    3600,
                    move |request, before| {
                        if before == failing { broken.clone() } else { page_of(&history(23), request, 0) }
                    },
                );
            let (mut entries, mut errors) = (Vec::new(), 0);
            loop {
                match feed.next().await {
                    Ok(Some(orders)) => entries.extend(entries_of(&orders)),
                    Ok(None) => break,
                    Err(_) => errors += 1,
                }
            }
            assert_eq!(errors, 1, "request {failing}");
            exactly_once(entries, history(23));
            let pages: Vec<_> = vendor.requests.lock().unwrap().iter().map(|request| request.page).collect();
            let mut expected: Vec<usize> = (0..6).collect();
            expected.insert(failing, failing);
            assert_eq!(pages, expected, "only the failed page is repeated");
        }
    }
}

#[tokio::test]
async fn at_05_dropping_the_future_loses_nothing() {
    let (mut feed, _) =
        feed(3600, |request, before| if before % 2 == 1 { Step::Hang } else { page_of(&history(23), request, 0) });
    let mut entries = Vec::new();
    loop {
        tokio::select! {
            biased;
            next = feed.next() => match next.unwrap() {
                Some(orders) => entries.extend(entries_of(&orders)),
                None => break,
            },
            () = tokio::task::yield_now() => {}
        }
    }
    exactly_once(entries, history(23));
}

#[tokio::test]
async fn at_05_the_end_is_rounded_up_to_whole_seconds() {
    let (client, _, vendor) = vendor(0, |_, _| nothing());
    let at = |millis: i64| jiff::Timestamp::from_millisecond(BEGIN * 1000 + millis).unwrap();
    for (begin, end, expected) in [(0, 5000, (0, 5)), (900, 5001, (0, 6)), (1, 5999, (0, 6))] {
        client.status_feed(Window { begin: at(begin), end: at(end) }, &options()).next().await.unwrap();
        let last = *vendor.requests.lock().unwrap().last().unwrap();
        assert_eq!((last.begin, last.end), expected);
        assert_eq!(last.elements, 500, "the default");
    }
    for (elements, sent) in [(0, 1), (1, 1), (1000, 1000), (5000, 1000)] {
        let window = Window { begin: at(0), end: at(1000) };
        client.status_feed(window, &options()).elements(elements).next().await.unwrap();
        assert_eq!(vendor.requests.lock().unwrap().last().unwrap().elements, sent);
    }
}

#[tokio::test]
async fn at_05_a_window_that_ends_before_it_begins_is_rejected() {
    let (mut feed, vendor) = feed(-1, |_, _| nothing());
    assert_eq!(feed.next().await.unwrap_err().kind(), Kind::InvalidInput);
    assert!(vendor.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn at_05_the_stream_ends_after_its_first_error() {
    let (feed, _) =
        feed(3600, |request, before| if before == 2 { Step::Reset } else { page_of(&history(23), request, 0) });
    let results: Vec<_> = feed.into_stream().map(|step| step.is_ok()).collect().await;
    assert_eq!(results, [true, true, false]);
}
