//! identity.TM: the status of many orders, by a period and without one.

use crate::support::*;

impl Harness {
    async fn fed(&self, elements: u32) -> Vec<(String, u32)> {
        listed_codes(&self.list_day(elements).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_05_every_page_size_returns_each_status_once() {
    let bench = Harness::new();
    for _ in 0..5 {
        bench.ended(order(), "positive").await;
    }
    let whole: BTreeSet<_> = bench.fed(1000).await.into_iter().collect();
    // Five orders with 25, 77, 78, 71, 75, 6 and 23, and the statuses of the examples of this day.
    assert!(whole.len() >= 35, "{}", whole.len());
    for elements in [1, 2, 3, 7, 34, 35, 36, 500] {
        let paged = bench.fed(elements).await;
        assert_eq!(paged.iter().cloned().collect::<BTreeSet<_>>(), whole, "{elements} a page");
        assert_eq!(paged.len(), whole.len(), "{elements} a page: no duplicates");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_06_statuses_are_reported_once_and_periods_mark_nothing() {
    let bench = Harness::new();
    let (id, tm) = (bench.place(order()).await, bench.tm());
    assert!(!bench.fed(500).await.is_empty());
    let first = listed_codes(&tm.drain_unreported(&options()).await.unwrap().value.0);
    assert!(first.contains(&(id.expose().to_owned(), 25)), "the earlier period marked nothing: {first:?}");
    assert!(tm.drain_unreported(&options()).await.unwrap().value.0.is_empty(), "AT-07: 304 is an empty list");
    bench.play(id.expose(), "positive").await;
    let second = listed_codes(&tm.drain_unreported(&options()).await.unwrap().value.0);
    let codes: Vec<u32> = second.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [77, 78, 71, 75, 6, 23], "only what is new");
    assert!(bench.fed(500).await.contains(&(id.expose().to_owned(), 25)), "a period still returns everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_07_and_at_08_missing_and_empty_bodies_are_equal() {
    for body in ["", " ", "{}"] {
        let bench = Harness::listing_examples();
        let answer = bench.tm_call("POST", "/getAllStatus/ExtendedList", body).await;
        assert_eq!(answer.status, 200, "{body:?}");
        assert!(answer.json().is_array(), "AT-03: a root array");
        let again = bench.tm_call("POST", "/getAllStatus/ExtendedList", body).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_04_the_documents_own_request_works() {
    let bench = Harness::listing_examples();
    let body = fixture("identity-tm", "S-061-get-all-status-request.json");
    // Nothing happened in January 2016.
    assert_eq!(bench.tm_call("POST", "/getAllStatus", body).await.status, 304);
    let general = r#"{"Period":{"Begin":"2018-09-05T00:00:00+02:00","End":"2018-09-06T00:00:00+02:00"}}"#;
    let extended = general.replacen('{', r#"{"ExtendedList":true,"#, 1);
    let count = |answer: &Answer| answer.json()[0]["Status"].as_array().unwrap().len();
    let some = bench.tm_call("POST", "/getAllStatus", general).await;
    let all = bench.tm_call("POST", "/getAllStatus", extended).await;
    assert_eq!((count(&some), count(&all)), (4, 11), "25, 75, 6 and 23 are general (assumed, AT-13)");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_101_more_than_1000_elements_are_rejected() {
    let bench = Harness::new();
    let asking = |elements: u32, page: u32| {
        format!(
            r#"{{"Period":{{"Begin":"2018-01-01T00:00:00Z","End":"2030-01-01T00:00:00Z","Paging":{{"Elements":{elements},"Page":{page}}}}}}}"#
        )
    };
    for elements in [0, 1001] {
        let answer = bench.tm_call("POST", "/getAllStatus", asking(elements, 1)).await;
        answer.refused(400, "Period.Paging.Elements", "T-101", "[T] 4.2");
    }
    let (zero, one) = (
        bench.tm_call("POST", "/getAllStatus", asking(5, 0)).await,
        bench.tm_call("POST", "/getAllStatus", asking(5, 1)).await,
    );
    assert_eq!(zero.body, one.body, "page 0 is the same as page 1");
    let unreadable = r#"{"Period":{"Begin":"gestern","End":"2030-01-01T00:00:00Z"}}"#;
    bench.tm_call("POST", "/getAllStatus", unreadable).await.refused(400, "Period.Begin", "T-005", "[T] 4.2");
    let strict = Harness::strict();
    strict.tm_call("POST", "/getAllStatus", asking(5, 0)).await.refused(400, "Period.Paging.Page", "AT-05", "[T] 4.2");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_005_a_bound_is_a_date_time_with_offset() {
    let bench = Harness::listing_examples();
    let ask = |end: &str| {
        let body = json!({ "Period": { "Begin": "2018-01-01T00:00:00Z", "End": end } }).to_string();
        bench.tm_call("POST", "/getAllStatus", body)
    };
    let whole = ask("2030-01-01T00:00:00Z").await;
    for end in ["9999-12-31T23:59:59Z", "9999-12-31T00:00:00+01:00", "9999-12-30T22:00:00-23:00"] {
        assert_eq!(ask(end).await.body, whole.body, "{end}");
    }
    for end in [
        "2030-01-01T00:00:00Z[Europe/Berlin]",
        " 2030-01-01T00:00:00Z",
        "2030-01-01T00:00:00+25:30",
        "2030-01-01T00:00:00",
        "2030-01-01",
        "9999-12-31",
    ] {
        ask(end).await.refused(400, "Period.End", "T-005", "[T] 4.2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_05_only_strict_requires_both_bounds_of_a_period() {
    let begin = r#"{"Period":{"Begin":"2018-01-01T00:00:00Z"}}"#;
    let end = r#"{"Period":{"End":"2030-01-01T00:00:00Z"}}"#;
    for body in [begin, end, r#"{"Period":{}}"#] {
        let answer = Harness::listing_examples().tm_call("POST", "/getAllStatus", body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let answer = Harness::strict().tm_call("POST", "/getAllStatus", body).await;
        answer.refused(400, "Period", "AT-05", "[T] 4.2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_08_only_strict_rejects_unlisted_elements_of_a_list() {
    for body in [r#"{"period":{}}"#, r#"{"Period":{"begin":"x"}}"#, r#"{"Period":{"Paging":{"page":1}}}"#] {
        let strict = Harness::strict();
        strict.tm_call("POST", "/getAllStatus", body).await.refused(400, "", "M-08", "");
        let literal = Harness::new().tm_call("POST", "/getAllStatus", body).await;
        assert_ne!(literal.status, 400, "{body}: {}", literal.text());
    }
}
