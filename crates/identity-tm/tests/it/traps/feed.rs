//! The status feed against vendors that read paging in every way that the document leaves open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::StreamExt;

use super::*;

/// An entry of the vendor: when it happened (seconds from the begin of the window), whose it is, its code.
pub(super) type Entry = (i64, u32, u32);

/// What the feed asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) begin: i64,
    pub(super) end: i64,
    pub(super) elements: usize,
    pub(super) page: usize,
}

pub(super) type Answers = dyn Fn(&Asked, usize) -> Step + Send + Sync;

/// A vendor that answers getAllStatus by a function of what is asked and of how many requests came before.
pub(super) struct Vendor {
    pub(super) answers: Box<Answers>,
    pub(super) asked: Mutex<Vec<Asked>>,
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
        let asked = Asked { begin: at("Begin"), end: at("End"), elements: number("Elements"), page: number("Page") };
        let before = {
            let mut all = self.asked.lock().unwrap();
            all.push(asked);
            assert!(all.len() < 5_000, "the feed asks for ever");
            all.len() - 1
        };
        let script = Script::new([(self.answers)(&asked, before)]);
        script.send(request, context).await
    }
}

/// A client of a vendor that answers so, and a window of so many seconds.
pub(super) fn vendor(
    length: i64,
    answers: impl Fn(&Asked, usize) -> Step + Send + Sync + 'static,
) -> (IdentityTm, Window, Arc<Vendor>) {
    let vendor = Arc::new(Vendor { answers: Box::new(answers), asked: Mutex::default() });
    let client = client_over(|builder| builder, Arc::clone(&vendor) as _);
    let at = |second: i64| jiff::Timestamp::from_second(BEGIN + second).unwrap();
    (client, Window { begin: at(0), end: at(length) }, vendor)
}

/// A feed of pages of 10 over this vendor, and what it was asked.
fn feed(length: i64, answers: impl Fn(&Asked, usize) -> Step + Send + Sync + 'static) -> (StatusFeed, Arc<Vendor>) {
    let (client, window, vendor) = vendor(length, answers);
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

/// Entries of so many orders, each with two codes, one order a second.
pub(super) fn history(orders: u32) -> Vec<Entry> {
    (0..orders).flat_map(|order| [(i64::from(order), order, 25), (i64::from(order), order, 6)]).collect()
}

pub(super) fn within(all: &[Entry], asked: &Asked) -> Vec<Entry> {
    all.iter().filter(|(second, ..)| (asked.begin..=asked.end).contains(second)).copied().collect()
}

/// A page of entries, `base` being the number of the first.
pub(super) fn page_of(all: &[Entry], asked: &Asked, base: usize) -> Step {
    let found = within(all, asked);
    let page = asked.page.checked_sub(base).and_then(|page| found.chunks(asked.elements).nth(page));
    page.map_or_else(nothing, listed)
}

pub(super) fn told(orders: &[ListedOrder]) -> Vec<Entry> {
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

/// Everything that the feed tells until its end.
async fn read_all(feed: &mut StatusFeed) -> Vec<Entry> {
    let mut all = Vec::new();
    while let Some(orders) = feed.next().await.unwrap_or_else(|error| panic!("{error}")) {
        assert!(!orders.is_empty(), "nothing is told as something");
        all.extend(told(&orders));
    }
    all
}

/// All of it, and nothing twice.
#[track_caller]
fn exactly_once(mut found: Vec<Entry>, mut expected: Vec<Entry>) {
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn at_05_pages_that_count_from_0_are_read_whole() {
    for orders in [0, 1, 4, 5, 6, 23, 50] {
        let (mut feed, vendor) = feed(3600, move |asked, _| page_of(&history(orders), asked, 0));
        exactly_once(read_all(&mut feed).await, history(orders));
        let asked = vendor.asked.lock().unwrap();
        assert_eq!(asked[0], Asked { begin: 0, end: 3600, elements: 10, page: 0 });
        let pages: Vec<_> = asked.iter().map(|asked| asked.page).collect();
        let last = usize::try_from(orders * 2).unwrap().div_ceil(10).max(1);
        assert_eq!(pages, (0..=last).collect::<Vec<_>>(), "{orders} orders: no window is halved");
    }
}

#[tokio::test]
async fn at_05_pages_that_count_from_1_are_read_whole_whatever_page_0_answers() {
    type Zero = fn(&[Entry], &Asked) -> Step;
    let zeros: [(&str, Zero); 7] = [
        ("400", |_, _| reply(400, r#"{"Error":"Page"}"#)),
        ("404", |_, _| reply(404, "")),
        ("304", |_, _| nothing()),
        ("empty", |_, _| reply(200, "[]")),
        ("empty under Order", |_, _| reply(200, r#"{"Order":[]}"#)),
        ("as page 1", |all, asked| page_of(all, &Asked { page: 1, ..*asked }, 1)),
        ("as page 1, in another order", |all, asked| {
            let mut found = within(all, asked);
            found.truncate(asked.elements);
            found.reverse();
            listed(&found)
        }),
    ];
    for (name, zero) in zeros {
        for orders in [0, 3, 5, 23] {
            let (mut feed, vendor) = feed(3600, move |asked, _| {
                let all = history(orders);
                if asked.page == 0 { zero(&all, asked) } else { page_of(&all, asked, 1) }
            });
            if name.starts_with("as page 1") && orders == 0 {
                continue;
            }
            exactly_once(read_all(&mut feed).await, history(orders));
            let pages: Vec<_> = vendor.asked.lock().unwrap().iter().map(|asked| asked.page).collect();
            assert_eq!(pages, (0..pages.len()).collect::<Vec<_>>(), "{name}: no window is halved");
        }
    }
}

#[tokio::test]
async fn at_05_a_short_page_in_the_middle_is_not_the_last() {
    for base in [0, 1] {
        let sizes = [10_usize, 3, 10, 1, 1, 7];
        let all = history(16);
        let (mut feed, _) = feed(3600, move |asked, _| {
            let Some(page) = asked.page.checked_sub(base).filter(|page| *page < sizes.len()) else { return nothing() };
            let from: usize = sizes[..page].iter().sum();
            listed(&history(16)[from..from + sizes[page]])
        });
        exactly_once(read_all(&mut feed).await, all);
    }
}

#[tokio::test]
async fn at_05_the_last_page_may_be_repeated_for_ever() {
    for orders in [1, 3, 7, 23] {
        let (mut feed, vendor) = feed(3600, move |asked, _| {
            let all = history(orders);
            let last = (all.len() - 1) / asked.elements;
            page_of(&all, &Asked { page: asked.page.min(last), ..*asked }, 0)
        });
        exactly_once(read_all(&mut feed).await, history(orders));
        assert!(vendor.asked.lock().unwrap().iter().all(|asked| asked.end - asked.begin == 3600), "nothing is halved");
    }
}

/// A full last page that is repeated looks as if paging were not honoured: halving finds everything all the same.
#[tokio::test]
async fn at_05_a_full_last_page_that_is_repeated_costs_requests_and_no_entry() {
    let (mut feed, vendor) = feed(3600, |asked, _| {
        let found = within(&history(20), asked);
        let last = found.len().saturating_sub(1) / asked.elements;
        page_of(&history(20), &Asked { page: asked.page.min(last), ..*asked }, 0)
    });
    exactly_once(read_all(&mut feed).await, history(20));
    assert!(vendor.asked.lock().unwrap().iter().any(|asked| asked.end - asked.begin < 3600));
}

/// The first so many entries of the window, whatever the page.
fn without_paging(all: &[Entry], asked: &Asked, cap: usize) -> Step {
    let mut found = within(all, asked);
    found.truncate(cap);
    if found.is_empty() { nothing() } else { listed(&found) }
}

#[tokio::test]
async fn at_05_where_paging_is_not_honoured_smaller_windows_find_everything_once() {
    for cap in [10, 17] {
        let (mut feed, vendor) = feed(120, move |asked, _| without_paging(&history(60), asked, cap));
        exactly_once(read_all(&mut feed).await, history(60));
        let rules: Vec<_> = feed.warnings().iter().map(|warning| warning.rule).collect();
        assert_eq!(rules, ["AT-05"], "told once, however often it was halved");
        let asked = vendor.asked.lock().unwrap();
        assert_eq!(usize::try_from(feed.pages()).unwrap(), asked.len());
        let smallest = asked.iter().map(|asked| asked.end - asked.begin).min().unwrap();
        assert!((1..=5).contains(&smallest), "{smallest}");
        // Whether bounds are inclusive is not documented: neighbours share theirs, and no second lies between them.
        let bounds: BTreeSet<_> = asked.iter().map(|asked| asked.begin).collect();
        assert!(asked.iter().all(|asked| asked.end == 120 || bounds.contains(&asked.end)));
    }
}

/// The same, answered in ever other orders and portions: never for ever, and never as a success with less.
#[tokio::test]
async fn at_05_a_vendor_that_shuffles_instead_of_paging_is_found_out() {
    let (mut feed, _) = feed(64, |asked, before| {
        let mut found = within(&history(40), asked);
        found.truncate(14);
        if found.is_empty() {
            return nothing();
        }
        let length = found.len();
        found.rotate_left(before % length);
        found.truncate(length.max(11) - (before % 2).min(length - 1));
        listed(&found)
    });
    exactly_once(read_all(&mut feed).await, history(40));
}

#[tokio::test]
async fn at_05_a_window_that_cannot_be_made_smaller_is_an_error_and_never_a_success() {
    // All in one second.
    let busy: Vec<Entry> = (0..40).map(|order| (7, order, 6)).collect();
    let (mut feed, _) = feed(16, move |asked, _| without_paging(&busy, asked, 10));
    let mut found = 0;
    let error = loop {
        match feed.next().await {
            Ok(Some(orders)) => found += told(&orders).len(),
            Ok(None) => panic!("less than everything was told as everything"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("getAllStatus/ExtendedList")));
    assert_eq!(found, 10);
    // It does not get better by asking again.
    assert_eq!(feed.next().await.unwrap_err().kind(), Kind::Protocol);
}

#[tokio::test]
async fn at_05_what_comes_on_several_pages_is_told_once_and_an_order_again_with_what_is_new() {
    let pages: [&[Entry]; 4] =
        [&[(0, 1, 25), (0, 2, 25)], &[(0, 2, 25), (5, 1, 6), (5, 1, 6)], &[(0, 1, 25), (9, 2, 17)], &[(9, 2, 17)]];
    let (mut feed, _) = feed(60, move |asked, _| pages.get(asked.page).map_or_else(nothing, |page| listed(page)));
    let mut tellings = Vec::new();
    while let Some(orders) = feed.next().await.unwrap() {
        tellings.push(told(&orders));
    }
    assert_eq!(tellings, [vec![(0, 1, 25), (0, 2, 25)], vec![(5, 1, 6)], vec![(9, 2, 17)]]);
}

#[tokio::test]
async fn at_05_orders_without_a_status_or_an_id_are_told_once_each() {
    let page = r#"[{"OrderID":"1"},{"Ref":"a"},{"Ref":"b"},{"Ref":"a"},{"OrderID":"1","Status":[]}]"#;
    let (mut feed, _) = feed(60, move |asked, _| if asked.page < 3 { reply(200, page) } else { nothing() });
    let orders = feed.next().await.unwrap().unwrap();
    let told: Vec<_> = orders
        .iter()
        .map(|order| {
            let id = order.order_id.as_ref().map(OrderId::expose);
            (id, order.reference.as_ref().map(|reference| reference.expose().as_str()))
        })
        .collect();
    assert_eq!(told, [(Some("1"), None), (None, Some("a")), (None, Some("b"))]);
    assert!(feed.next().await.unwrap().is_none());
}

#[tokio::test]
async fn at_05_after_an_error_the_feed_goes_on_where_it_was() {
    for failing in 0..6 {
        for broken in [Step::Reset, reply(500, ""), reply(200, "[{"), reply(403, "")] {
            let (mut feed, vendor) =
                feed(
                    3600,
                    move |asked, before| {
                        if before == failing { broken.clone() } else { page_of(&history(23), asked, 0) }
                    },
                );
            let (mut found, mut errors) = (Vec::new(), 0);
            loop {
                match feed.next().await {
                    Ok(Some(orders)) => found.extend(told(&orders)),
                    Ok(None) => break,
                    Err(_) => errors += 1,
                }
            }
            assert_eq!(errors, 1, "request {failing}");
            exactly_once(found, history(23));
            let pages: Vec<_> = vendor.asked.lock().unwrap().iter().map(|asked| asked.page).collect();
            let mut expected: Vec<usize> = (0..6).collect();
            expected.insert(failing, failing);
            assert_eq!(pages, expected, "the same page again, and nothing else");
        }
    }
}

#[tokio::test]
async fn at_05_a_feed_whose_reader_gave_up_waiting_loses_nothing() {
    let (mut feed, _) =
        feed(3600, |asked, before| if before % 2 == 1 { Step::Hang } else { page_of(&history(23), asked, 0) });
    let mut found = Vec::new();
    loop {
        tokio::select! {
            biased;
            told_now = feed.next() => match told_now.unwrap() {
                Some(orders) => found.extend(told(&orders)),
                None => break,
            },
            () = tokio::task::yield_now() => {}
        }
    }
    exactly_once(found, history(23));
}

#[tokio::test]
async fn at_05_an_end_within_a_second_is_asked_for_whole() {
    let (client, _, vendor) = vendor(0, |_, _| nothing());
    let at = |millis: i64| jiff::Timestamp::from_millisecond(BEGIN * 1000 + millis).unwrap();
    for (begin, end, asked) in [(0, 5000, (0, 5)), (900, 5001, (0, 6)), (1, 5999, (0, 6))] {
        client.status_feed(Window { begin: at(begin), end: at(end) }, &options()).next().await.unwrap();
        let last = *vendor.asked.lock().unwrap().last().unwrap();
        assert_eq!((last.begin, last.end), asked);
        assert_eq!(last.elements, 500, "unless told otherwise");
    }
    for (elements, sent) in [(0, 1), (1, 1), (1000, 1000), (5000, 1000)] {
        let window = Window { begin: at(0), end: at(1000) };
        client.status_feed(window, &options()).elements(elements).next().await.unwrap();
        assert_eq!(vendor.asked.lock().unwrap().last().unwrap().elements, sent);
    }
}

#[tokio::test]
async fn at_05_a_window_that_ends_before_it_begins_is_refused_before_anything_is_sent() {
    let (mut feed, vendor) = feed(-1, |_, _| nothing());
    assert_eq!(feed.next().await.unwrap_err().kind(), Kind::InvalidInput);
    assert!(vendor.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn at_05_the_feed_is_a_stream_that_ends_with_its_first_error() {
    let (feed, _) = feed(3600, |asked, before| if before == 2 { Step::Reset } else { page_of(&history(23), asked, 0) });
    let seen: Vec<_> = feed.into_stream().map(|step| step.is_ok()).collect().await;
    assert_eq!(seen, [true, true, false]);
}
