//! getAllStatus: the shapes of its answer, and its two requests.

use super::*;

fn list(text: &str) -> OrderList {
    decode(&GetAllStatus::new(period()), &json_answer(200, text.to_owned()))
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .value
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
    assert_eq!(read.0[0].extra["Colour"], "blue");
    assert_eq!(read.0[1].order_id.as_ref().unwrap().expose(), "7");
    for text in ["", "null", "7", "[1]", "<html>Mustermann</html>", r#"{"Order":"Mustermann"}"#] {
        let error = fault(decode(&GetAllStatus::new(period()), &json_answer(200, text)));
        assert_eq!(error.kind(), Kind::Protocol, "{text}");
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
    operation.request.extra.insert("Period".to_owned(), json!({}));
    let period = operation.request.period.as_mut().unwrap();
    period.extra.insert("End".to_owned(), json!("x"));
    period.extra.insert("Kind".to_owned(), json!("unlisted, and let through"));
    period.paging.as_mut().unwrap().extra.insert("Page".to_owned(), json!(1));
    let fields = ["Period", "Period.End", "Period.Paging.Page"];
    assert_eq!(refused(&operation, &dialect()), fields.map(|field| (field.to_owned(), "AT-42")));
}

#[tokio::test]
async fn at_04_the_general_codes_are_asked_for_by_the_url_and_with_a_period_too() {
    let window =
        Window { begin: "2018-09-05T00:00:00Z".parse().unwrap(), end: "2018-09-06T00:00:00Z".parse().unwrap() };
    let vendor = client(vec![reply(304, ""); 2]);
    let mut feed = vendor.status_feed(window, &options()).general();
    assert!(feed.next().await.unwrap().is_none());
    assert_eq!((vendor.calls(), feed.pages()), (vec!["POST /getAllStatus".to_owned(); 2], 2));
    assert!(vendor.sent().iter().all(|seen| String::from_utf8_lossy(&seen.body).contains("\"Begin\"")));
    assert!(feed.warnings().is_empty());
}
