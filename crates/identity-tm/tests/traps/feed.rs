//! getAllStatus: the shapes of its answer, its two requests, and the status feed against vendors that read paging in
//! every way that the document leaves open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;

use http::{Request, Response, StatusCode};
use identkit_core::{Content, Cursor, Window, async_trait};
use identkit_identity_tm::StatusFeed;
use identkit_identity_tm::messages::ListedOrder;
use identkit_transport::{Failure, Hop, Transport};
use identkit_wire::Body;

use super::*;

fn list(text: &str) -> OrderList {
    decode(&GetAllStatus::new(period()), &json_answer(200, text.to_owned()))
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .value
}

#[test]
fn at_02_a_listed_order_is_executed_or_delivered_and_executed_wins() {
    let (early, late) = ("2018-09-05T10:00:00+02:00", "2018-09-05T11:00:00+02:00");
    for (text, expected) in [
        (json!([{ "Executed": early }]), early),
        (json!([{ "Delivered": early }]), early),
        (json!([{ "Executed": early, "Delivered": late }]), early),
        (json!([{ "Delivered": late, "Executed": early }]), early),
    ] {
        let read = list(&text.to_string());
        assert_eq!(read.0[0].executed.as_ref().unwrap().as_str(), expected, "{text}");
        assert!(read.0[0].extra.0.is_empty());
        assert_eq!(serde_json::to_value(&read).unwrap(), json!([{ "Executed": expected }]), "as the example has it");
    }
}

#[test]
fn at_03_the_list_is_found_in_every_shape_and_written_as_an_array() {
    let (one, two) = (json!({"OrderID": "1", "Status": [{"Kind": 25}]}), json!({"OrderID": "2"}));
    for (text, expected) in [
        (json!([one, two]), json!([one, two])),
        (json!({"Order": [one, two]}), json!([one, two])),
        (json!({ "Order": one }), json!([one])),
        (json!([{ "Order": one }, { "Order": two }]), json!([one, two])),
        (json!([{"Order": [one, two]}]), json!([one, two])),
        (one.clone(), json!([one])),
        (json!([]), json!([])),
        (json!({"Order": []}), json!([])),
        (json!({"Order": null}), json!([])),
        (json!({}), json!([])),
    ] {
        let read = list(&text.to_string());
        assert_eq!(serde_json::to_value(&read).unwrap(), expected, "{text}");
    }
    let read = list(r#"[{"OrderID":"1","Status":null,"Colour":"blue"},{"OrderID":7}]"#);
    assert_eq!(read.0[0].kinds().count(), 0, "no status is no fault");
    assert_eq!(read.0[0].extra.0["Colour"], "blue");
    assert_eq!(read.0[1].order_id.as_ref().unwrap().expose(), "7");
    for text in ["", "null", "7", "[1]", "<html>Mustermann</html>", r#"{"Order":"Mustermann"}"#] {
        let error = decode(&GetAllStatus::new(period()), &json_answer(200, text)).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{text}");
        assert!(!format!("{error} {error:?}").contains("Mustermann"), "{error}");
    }
}

#[test]
fn at_04_the_extended_list_is_asked_for_by_the_url_and_never_in_the_body() {
    assert_eq!(GetAllStatus::META.path, "/getAllStatus");
    assert_eq!(GetAllStatusExtended::META.path, "/getAllStatus/ExtendedList");
    assert_eq!(DrainUnreportedExtended::META.path, "/getAllStatus/ExtendedList");
    let body: Value = serde_json::from_slice(&body_of(&GetAllStatusExtended::new(period()), &dialect())).unwrap();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["Period"]);
    for switch in [true, false] {
        let mut operation = GetAllStatus::new(period());
        operation.request.extended_list = Some(switch);
        assert_eq!(refused(&operation, &dialect()), [("ExtendedList".to_owned(), "AT-04")]);
    }
}

#[test]
fn at_05_a_period_has_both_ends_in_order_and_pages_of_1_to_1000() {
    let told = |period: Period| refused(&GetAllStatusExtended::new(period), &dialect());
    assert_eq!(told(period()), []);
    let day = |text: &str| Dts::parse(text);
    let (begin, end) = (day("2018-09-05T00:00:00+02:00"), day("2018-09-06T00:00:00+02:00"));
    let fault = |field: &str, rule| vec![(field.to_owned(), rule)];
    assert_eq!(told(Period::default().begin(begin.clone())), fault("Period.End", "AT-05"));
    assert_eq!(told(Period::default().end(end.clone())), fault("Period.Begin", "AT-05"));
    let both = [("Period.Begin".to_owned(), "AT-05"), ("Period.End".to_owned(), "AT-05")];
    assert_eq!(told(Period::default()), both, "all faults at once");
    assert_eq!(told(period().begin(day("2018-09-05T00:00:00"))), fault("Period.Begin", "AT-05"), "no offset");
    assert_eq!(told(period().begin(end.clone()).end(begin.clone())), fault("Period", "AT-05"));
    assert_eq!(told(period().begin(end.clone()).end(end)), []);
    for (elements, good) in [(0_u32, false), (1, true), (1000, true), (1001, false)] {
        let paged = period().paging(Paging::default().elements(elements).page(0_u32));
        let expected = if good { Vec::new() } else { fault("Period.Paging.Elements", "T-101") };
        assert_eq!(told(paged), expected, "{elements}");
    }
    assert_eq!(refused(&GetAllStatus::default(), &dialect()), fault("Period", "T-100"), "without one it is a drain");
}

#[test]
fn elements_that_the_document_lists_are_refused_among_the_unlisted_ones() {
    let mut operation = GetAllStatus::new(period().paging(Paging::default().elements(1_u32)));
    operation.request.extra.0.insert("Period".to_owned(), json!({}));
    let period = operation.request.period.as_mut().unwrap();
    period.extra.0.insert("End".to_owned(), json!("x"));
    period.extra.0.insert("Kind".to_owned(), json!("unlisted, and let through"));
    period.paging.as_mut().unwrap().extra.0.insert("Page".to_owned(), json!(1));
    let fields = ["Period", "Period.End", "Period.Paging.Page"];
    assert_eq!(refused(&operation, &dialect()), fields.map(|field| (field.to_owned(), "AT-42")));
}

// ---- The destructive read ------------------------------------------------------------------------------------

#[tokio::test]
async fn at_06_the_client_reads_destructively_only_where_the_name_says_so() {
    let window =
        || Window { begin: "2018-09-05T00:00:00Z".parse().unwrap(), end: "2018-09-06T00:00:00Z".parse().unwrap() };
    let (vendor, script) = client(vec![Step::Answer(json_answer(304, "")); 2]);
    assert!(vendor.status_feed(window(), &options()).next().await.unwrap().is_none());
    assert_eq!(script.calls(), ["POST /getAllStatus/ExtendedList"; 2]);
    for seen in script.sent() {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        assert!(body["Period"]["Begin"].is_string() && body["Period"]["End"].is_string(), "{body}");
    }
    let (vendor, script) = client([Step::Answer(json_answer(200, r#"[{"OrderID":"1","Status":[{"Kind":6}]}]"#))]);
    assert_eq!(vendor.drain_unreported(&options()).await.unwrap().0.len(), 1);
    assert_eq!(script.calls(), ["POST /getAllStatus/ExtendedList"]);
    assert!(script.sent()[0].body.is_empty());
}

#[tokio::test]
async fn at_04_the_general_codes_are_asked_for_by_the_url_and_with_a_period_too() {
    let window =
        Window { begin: "2018-09-05T00:00:00Z".parse().unwrap(), end: "2018-09-06T00:00:00Z".parse().unwrap() };
    let (vendor, script) = client(vec![Step::Answer(json_answer(304, "")); 2]);
    let mut feed = vendor.status_feed(window, &options()).general();
    assert!(feed.next().await.unwrap().is_none());
    assert_eq!((script.calls(), feed.pages()), (vec!["POST /getAllStatus".to_owned(); 2], 2));
    assert!(script.sent().iter().all(|seen| String::from_utf8_lossy(&seen.body).contains("\"Begin\"")));
    assert!(feed.warnings().is_empty());
}

#[tokio::test]
async fn at_06_the_bytes_are_in_the_journal_before_they_are_read() {
    let text = r#"[{"OrderID":"1"}]"#;
    let (vendor, _) = client([Step::Answer(json_answer(200, text))]);
    let mut kept = Vec::new();
    let journal = |bytes: &[u8]| {
        kept.extend_from_slice(bytes);
        Ok(())
    };
    assert_eq!(vendor.drain_unreported_to(journal, &options()).await.unwrap().0.len(), 1);
    assert_eq!(kept, text.as_bytes());
    // What cannot be read is marked as reported all the same: only the journal has it now.
    let (vendor, script) = client([Step::Answer(json_answer(200, "<html>Mustermann</html>"))]);
    let mut kept = Vec::new();
    let journal = |bytes: &[u8]| {
        kept.extend_from_slice(bytes);
        Ok(())
    };
    let error = vendor.drain_unreported_to(journal, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::Protocol, Advice::Reconcile));
    assert!(!format!("{error} {error:?}").contains("Mustermann"));
    assert_eq!(kept, b"<html>Mustermann</html>");
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn at_06_a_journal_that_fails_fails_the_read_and_one_without_news_is_left_alone() {
    let (vendor, _) = client([Step::Answer(json_answer(200, "[]"))]);
    let full = |_: &[u8]| Err(Error::new(Kind::Storage, "the disk is full"));
    let error = vendor.drain_unreported_to(full, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::Storage, Advice::Reconcile));
    let (vendor, _) = client([Step::Answer(json_answer(304, ""))]);
    let never = |_: &[u8]| panic!("there is nothing to keep");
    assert!(vendor.drain_unreported_to(never, &options()).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn at_06_a_destructive_answer_that_cannot_be_read_is_an_unknown_outcome() {
    for told in ["", "null", r#"[{"OrderID":"1""#, "<html>Mustermann</html>"] {
        let (vendor, script) = client([Step::Answer(json_answer(200, told))]);
        let error = vendor.drain_unreported(&options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{told}");
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn at_06_two_destructive_reads_at_once_are_one_too_many() {
    let (vendor, script) = client([Step::Hang, Step::Answer(json_answer(304, ""))]);
    let (other, options) = (vendor.clone(), options());
    {
        let mut first = Box::pin(vendor.drain_unreported(&options));
        tokio::select! {
            biased;
            _ = &mut first => panic!("the vendor hangs"),
            () = std::future::ready(()) => {}
        }
        let error = other.drain_unreported(&options).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::Conflict, Some(Delivery::NotSent)));
        let error = other.drain_unreported_to(|_| Ok(()), &options).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
    }
    // The first one was given up: the next may begin.
    assert!(other.drain_unreported(&options).await.unwrap().0.is_empty());
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn at_07_304_to_a_post_means_that_there_is_nothing_new() {
    let nothing = || Step::Answer(json_answer(304, ""));
    let (client, script) = client([nothing(), nothing(), nothing(), nothing()]);
    let options = options();
    assert!(client.call(&GetAllStatus::new(period()), &options).await.unwrap().value.0.is_empty());
    assert!(client.call(&GetAllStatusExtended::new(period()), &options).await.unwrap().value.0.is_empty());
    assert!(client.call(&DrainUnreported, &options).await.unwrap().value.0.is_empty());
    let answered = client.call(&DrainUnreportedExtended, &options).await.unwrap();
    assert_eq!((answered.value.0.len(), answered.status, answered.attempts), (0, StatusCode::NOT_MODIFIED, 1));
    assert_eq!(script.sent().len(), 4);
    assert!(script.sent().iter().all(|seen| !seen.headers.contains_key("if-none-match")));
    // The sandbox's side says it the same way, and has nothing to add.
    let told = DrainUnreported::encode_response(OrderList::default()).unwrap();
    assert_eq!(told.status(), StatusCode::NOT_MODIFIED);
    assert!(told.into_body().collect(0).await.unwrap().is_empty());
}

#[test]
fn at_08_the_destructive_read_has_no_body_or_by_the_dialect_an_empty_object() {
    assert_eq!(body_of(&DrainUnreported, &dialect()), b"");
    assert_eq!(body_of(&DrainUnreportedExtended, &dialect()), b"");
    let object = allowing(|dialect| dialect.empty_object_for_unreported = true);
    assert_eq!(body_of(&DrainUnreported, &object), b"{}");
    assert_eq!(body_of(&DrainUnreportedExtended, &object), b"{}");
    // The sandbox's side takes all of them, and without a Content-Type.
    for text in ["", " \r\n", "{}"] {
        let request = Request::new(bytes::Bytes::from(text));
        let read = GetAllStatus::decode_request(&identkit_wire::Params::default(), &request).unwrap();
        assert_eq!(read.request, AllStatusRequest::default(), "{text:?}");
    }
}

// ---- The feed ------------------------------------------------------------------------------------------------

/// An entry of the vendor: when it happened (seconds from the begin of the window), whose it is, its code.
type Entry = (i64, u32, u32);

/// What the feed asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Asked {
    begin: i64,
    end: i64,
    elements: usize,
    page: usize,
}

type Answers = dyn Fn(&Asked, usize) -> Step + Send + Sync;

/// A vendor that answers getAllStatus by a function of what is asked and of how many requests came before.
struct Vendor {
    answers: Box<Answers>,
    asked: Mutex<Vec<Asked>>,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vendor")
    }
}

const BEGIN: i64 = 1_536_100_000;

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: Request<Body>, hop: &Hop) -> Result<Response<Content>, Failure> {
        hop.mark_sent();
        assert!(request.uri().path().ends_with("/getAllStatus/ExtendedList"));
        let body: Value = serde_json::from_slice(&sent_bytes(request.body())).unwrap();
        let at = |end: &str| Dts::parse(body["Period"][end].as_str().unwrap()).timestamp().unwrap().as_second() - BEGIN;
        let number = |key: &str| usize::try_from(body["Period"]["Paging"][key].as_u64().unwrap()).unwrap();
        let asked = Asked { begin: at("Begin"), end: at("End"), elements: number("Elements"), page: number("Page") };
        let before = {
            let mut all = self.asked.lock().unwrap();
            all.push(asked);
            assert!(all.len() < 5_000, "the feed asks for ever");
            all.len() - 1
        };
        let script = Script::of([(self.answers)(&asked, before)]);
        script.send(request, hop).await
    }
}

/// A feed of pages of 10 over this vendor, and what it was asked.
fn feed(length: i64, answers: impl Fn(&Asked, usize) -> Step + Send + Sync + 'static) -> (StatusFeed, Arc<Vendor>) {
    let vendor = Arc::new(Vendor { answers: Box::new(answers), asked: Mutex::default() });
    let client = client_over(|builder| builder, Arc::clone(&vendor) as _);
    let at = |second: i64| jiff::Timestamp::from_second(BEGIN + second).unwrap();
    let feed = client.status_feed(Window { begin: at(0), end: at(length) }, &options().attempts(1)).elements(10);
    (feed, vendor)
}

fn listed(entries: &[Entry]) -> Step {
    let mut orders: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for (second, order, kind) in entries {
        let time = jiff::Timestamp::from_second(BEGIN + second).unwrap().to_string();
        orders.entry(*order).or_default().push(json!({"Kind": kind, "Time": time}));
    }
    let list: Vec<_> =
        orders.into_iter().map(|(order, status)| json!({"OrderID": format!("999{order}"), "Status": status})).collect();
    Step::Answer(json_answer(200, Value::from(list).to_string()))
}

fn nothing() -> Step {
    Step::Answer(json_answer(304, ""))
}

/// Entries of so many orders, each with two codes, one order a second.
fn history(orders: u32) -> Vec<Entry> {
    (0..orders).flat_map(|order| [(i64::from(order), order, 25), (i64::from(order), order, 6)]).collect()
}

fn within(all: &[Entry], asked: &Asked) -> Vec<Entry> {
    all.iter().filter(|(second, ..)| (asked.begin..=asked.end).contains(second)).copied().collect()
}

/// A page of entries, `base` being the number of the first.
fn page_of(all: &[Entry], asked: &Asked, base: usize) -> Step {
    let found = within(all, asked);
    let page = asked.page.checked_sub(base).and_then(|page| found.chunks(asked.elements).nth(page));
    page.map_or_else(nothing, listed)
}

fn told(orders: &[ListedOrder]) -> Vec<Entry> {
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
        ("400", |_, _| Step::Answer(json_answer(400, r#"{"Error":"Page"}"#))),
        ("404", |_, _| Step::Answer(json_answer(404, ""))),
        ("304", |_, _| nothing()),
        ("empty", |_, _| Step::Answer(json_answer(200, "[]"))),
        ("empty under Order", |_, _| Step::Answer(json_answer(200, r#"{"Order":[]}"#))),
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
    let (mut feed, _) =
        feed(60, move |asked, _| if asked.page < 3 { Step::Answer(json_answer(200, page)) } else { nothing() });
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
        for broken in [
            Step::Reset,
            Step::Answer(json_answer(500, "")),
            Step::Answer(json_answer(200, "[{")),
            Step::Answer(json_answer(403, "")),
        ] {
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
    let vendor = Arc::new(Vendor { answers: Box::new(|_, _| nothing()), asked: Mutex::default() });
    let client = client_over(|builder| builder, Arc::clone(&vendor) as _);
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
    let mut stream = std::pin::pin!(feed.into_stream());
    let mut seen = Vec::new();
    while let Some(step) = std::future::poll_fn(|cx| futures_util::Stream::poll_next(stream.as_mut(), cx)).await {
        seen.push(step.is_ok());
    }
    assert_eq!(seen, [true, true, false]);
}

/// The port over this vendor, and a window of so many seconds.
fn port(
    length: i64,
    answers: impl Fn(&Asked, usize) -> Step + Send + Sync + 'static,
) -> (IdentityTm, Window, Arc<Vendor>) {
    let vendor = Arc::new(Vendor { answers: Box::new(answers), asked: Mutex::default() });
    let client = client_over(|builder| builder, Arc::clone(&vendor) as _);
    let at = |second: i64| jiff::Timestamp::from_second(BEGIN + second).unwrap();
    (client, Window { begin: at(0), end: at(length) }, vendor)
}

/// Every page of the port, each cursor written down and read back; the ids that were told.
async fn all_changes(client: &IdentityTm, window: Window) -> Result<(BTreeSet<u32>, usize), Error> {
    let (mut ids, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
    loop {
        let page = client.changes(window, cursor.as_ref(), &options().attempts(1)).await?;
        pages += 1;
        assert!(page.cases.iter().all(|(_, status)| !status.vendor_codes.is_empty()));
        ids.extend(page.cases.iter().map(|(id, _)| id.expose().strip_prefix("999").unwrap().parse::<u32>().unwrap()));
        let Some(Cursor(text)) = page.next else { return Ok((ids, pages)) };
        cursor = Some(Cursor(text));
    }
}

#[tokio::test]
async fn at_05_the_port_tells_every_changed_order_whatever_the_first_page_is() {
    for base in [0, 1] {
        for orders in [0, 1, 250, 251, 1100] {
            let (client, window, vendor) = port(3600, move |asked, _| match (asked.page, base) {
                (0, 1) => page_of(&history(orders), &Asked { page: 1, ..*asked }, 1),
                _ => page_of(&history(orders), asked, base),
            });
            let (ids, pages) = all_changes(&client, window).await.unwrap();
            assert_eq!(ids, (0..orders).collect(), "{orders} orders from page {base}");
            let asked = vendor.asked.lock().unwrap().len();
            assert!(pages <= asked && asked <= 7, "{pages} calls, {asked} requests");
        }
    }
}

#[tokio::test]
async fn at_05_the_port_too_meets_a_vendor_without_paging_with_smaller_windows() {
    let (client, window, vendor) = port(4096, |asked, _| page_of(&history(1500), &Asked { page: 0, ..*asked }, 0));
    let (ids, _) = all_changes(&client, window).await.unwrap();
    assert_eq!(ids, (0..1500).collect());
    assert!(vendor.asked.lock().unwrap().iter().any(|asked| asked.end - asked.begin < 1024));
}

#[tokio::test]
async fn at_05_a_vendor_that_pages_for_ever_ends_the_port_with_an_error_and_never_with_success() {
    // A thousand orders of one second, in ever other portions.
    let all: Vec<Entry> = (0..1000).map(|order| (5, order, 25)).collect();
    let (client, window, _) = port(64, move |asked, before| {
        let mut found = within(&all, asked);
        if found.is_empty() {
            return nothing();
        }
        found.rotate_left(before * 7 % 1000);
        listed(&found[..asked.elements])
    });
    let error = all_changes(&client, window).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::Protocol, Some("getAllStatus/ExtendedList")));
}

#[tokio::test]
async fn at_14_what_the_port_tells_of_a_changed_order_is_final_only_where_its_codes_alone_say_so() {
    let (client, window, _) = port(60, |asked, _| {
        let all = [(1, 1, 25), (2, 2, 25), (3, 2, 6), (4, 3, 84), (5, 4, 89), (6, 4, 6), (7, 5, 95), (8, 6, 22)];
        page_of(&all, asked, 0)
    });
    let page = client.changes(window, None, &options()).await.unwrap();
    let told: BTreeMap<&str, Outcome> = page.cases.iter().map(|(id, status)| (id.expose(), status.outcome)).collect();
    let expected = [
        ("9991", Outcome::Unknown),
        ("9992", Outcome::Unknown),
        ("9993", Outcome::Signed),
        ("9994", Outcome::FraudSuspicion),
        ("9995", Outcome::Unknown),
        ("9996", Outcome::Terminated),
    ];
    assert_eq!(told, BTreeMap::from(expected));
    let fraud = &page.cases.iter().find(|(id, _)| id.expose() == "9994").unwrap().1;
    assert_eq!(
        (fraud.since, &*fraud.vendor_codes),
        (jiff::Timestamp::from_second(BEGIN + 5).ok(), &["89".into(), "6".into()][..])
    );
}

#[tokio::test]
async fn a_cursor_is_refused_before_anything_is_sent_unless_it_is_of_this_window() {
    let (client, window, vendor) = port(3600, |asked, _| page_of(&history(600), asked, 0));
    let Some(Cursor(good)) = client.changes(window, None, &options()).await.unwrap().next else { panic!("no cursor") };
    let sent = vendor.asked.lock().unwrap().len();
    let day = jiff::SignedDuration::from_hours(24);
    let later = Window { begin: window.begin + day, end: window.end + day };
    let wider = Window { begin: window.begin - day, end: window.end + day };
    for (text, window) in [
        ("", window),
        ("2", window),
        (r#"{"windows":[],"page":2,"before":1}"#, window),
        (r#"{"windows":[["x","y"]],"page":2,"before":1}"#, window),
        (&*good, later),
    ] {
        let error = client.changes(window, Some(&Cursor(text.into())), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)), "{text}");
    }
    assert_eq!(vendor.asked.lock().unwrap().len(), sent);
    assert!(client.changes(wider, Some(&Cursor(good)), &options()).await.is_ok());
}
