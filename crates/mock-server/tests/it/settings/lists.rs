//! getAllStatus: shapes, pages, and content.

use super::ALL_TIME;
use crate::support::*;
use identkit_mock_server::vendors::identity_tm::{ListShape, Unit};

fn paged(elements: u32, page: u32) -> String {
    ALL_TIME.replace("}}", &format!(r#","Paging":{{"Elements":{elements},"Page":{page}}}}}}}"#))
}

#[tokio::test(flavor = "multi_thread")]
async fn at_13_general_codes_are_a_setting_and_can_hide_fraud() {
    let bench = Harness::configured(|settings| {
        settings.general.remove(&89);
    });
    let id = bench.ended(order(), "fraud").await;
    let tm = bench.tm();
    let general = tm.status_general(&id, &options()).await.unwrap().value;
    assert_eq!(
        general.finality(OrderFlavor::IdentOnly).outcome,
        Outcome::Unknown,
        "nothing is decided without all codes"
    );
    let all = tm.status(&id, &options()).await.unwrap().value;
    assert_eq!(all.finality(OrderFlavor::IdentOnly).outcome, Outcome::FraudSuspicion);
    let listed = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.text();
    assert!(!listed.contains("\"Kind\":89"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_02_delivered_in_addition_to_executed_is_a_setting() {
    for besides in [false, true] {
        let bench = Harness::configured(|settings| settings.delivered_besides = besides);
        let id = bench.ended(order(), "positive").await;
        let all = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.json();
        let listed = all.as_array().unwrap().iter().find(|order| order["OrderID"] == id.expose()).unwrap();
        assert!(listed["Executed"].is_string());
        assert_eq!(listed.get("Delivered"), besides.then_some(&listed["Executed"]));
        let read = bench.list_day(3).await.into_iter().find(|order| order.order_id.as_ref() == Some(&id)).unwrap();
        assert_eq!(read.executed.unwrap().as_str(), listed["Executed"].as_str().unwrap());
        let status = bench.get_order("/getStatus/{}", &id).await.json();
        assert!(status["Executed"].is_string() && status.get("Delivered").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_03_the_client_reads_every_shape_of_the_list() {
    // One order in this hour, to test the shape for a single order.
    for (shape, pointer, many) in [
        (ListShape::Array, "/0", "/1"),
        (ListShape::Example, "/0", "/1"),
        (ListShape::UnderOrder, "/Order", "/Order/1"),
        (ListShape::EachUnderOrder, "/0/Order", "/1/Order"),
        (ListShape::BareWhenOne, "", "/1"),
    ] {
        let bench = Harness::listing_examples();
        bench.set_up(|settings| settings.list_shape = shape);
        bench.clock.advance(HOUR * 5).await;
        let id = bench.ended(order(), "positive").await;
        let now = bench.sandbox.now();
        let one = format!(r#"{{"Period":{{"Begin":"{now}","End":"{now}"}}}}"#);
        let answer = bench.tm_call("POST", "/getAllStatus", one).await.json();
        let output = answer.pointer(pointer).unwrap_or_else(|| panic!("{shape:?}: {answer}"));
        assert_eq!(output["OrderID"], id.expose(), "{shape:?}");
        assert_eq!(output.get("Status").is_some(), shape != ListShape::Example, "{shape:?}");
        let all = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.json();
        assert!(all.pointer(many).is_some_and(|order| order["OrderID"].is_string()), "{shape:?}: {all}");
        let empty = r#"{"Period":{"Begin":"2016-01-01T00:00:00Z","End":"2016-01-02T00:00:00Z"}}"#;
        assert_eq!(bench.tm_call("POST", "/getAllStatus", empty).await.status, 304, "{shape:?}");
        if shape != ListShape::Example {
            assert!(listed_codes(&bench.list_day(3).await).contains(&(id.expose().to_owned(), 6)), "{shape:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_04_extended_list_in_the_body_is_a_setting() {
    for counts in [true, false] {
        let bench = Harness::configured(|settings| settings.extended_list_in_body = counts);
        bench.ended(order(), "positive").await;
        let body = ALL_TIME.replacen('{', r#"{"ExtendedList":true,"#, 1);
        let output = bench.tm_call("POST", "/getAllStatus", body).await.text();
        assert_eq!(output.contains("\"Kind\":77"), counts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_05_the_client_handles_every_kind_of_paging() {
    for first in [0, 1] {
        for unit in [Unit::Statuses, Unit::Orders] {
            let bench = Harness::configured(|settings| (settings.first_page, settings.page_unit) = (first, unit));
            for _ in 0..4 {
                bench.ended(order(), "positive").await;
            }
            let whole = bench.tm_call("POST", "/getAllStatus/ExtendedList", ALL_TIME).await.json();
            let page = async |number: u32| {
                let answer = bench.tm_call("POST", "/getAllStatus/ExtendedList", paged(2, number)).await;
                if answer.status == 304 { Vec::new() } else { answer.json().as_array().unwrap().clone() }
            };
            let (zero, one, two) = (page(0).await, page(1).await, page(2).await);
            assert_eq!(zero == one, first == 1, "AT-05: page 0 is the same as page 1 if that is the first");
            let beginning = if first == 0 { &zero } else { &one };
            assert_eq!(beginning[0]["OrderID"], whole[0]["OrderID"]);
            assert!(if first == 0 { zero != one && one != two } else { one != two });
            let statuses =
                |page: &[Value]| -> usize { page.iter().map(|order| order["Status"].as_array().unwrap().len()).sum() };
            match unit {
                Unit::Statuses => assert_eq!(statuses(&one), 2),
                Unit::Orders => {
                    assert_eq!(one.len(), 2);
                    assert!(statuses(&one) > 2, "whole orders");
                }
            }
            // With any setting, the client finds everything of the day.
            let orders: Vec<ListedOrder> = serde_json::from_value(whole).unwrap();
            let codes = listed_codes(&orders).into_iter().filter(|(order, _)| order != EXAMPLE_ORDER);
            let expected: BTreeSet<_> = codes.collect();
            assert_eq!(
                listed_codes(&bench.list_day(3).await).into_iter().collect::<BTreeSet<_>>(),
                expected,
                "first page {first}, {unit:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_101_a_page_of_orders_has_at_most_1000_statuses() {
    let bench = Harness::configured(|settings| settings.page_unit = Unit::Orders);
    for _ in 0..3 {
        let id = bench.place(order()).await;
        for _ in 0..400 {
            bench.sandbox.transition(id.expose(), &Transition::Status(71.into())).unwrap();
        }
    }
    let page = async |elements: u32, number: u32| {
        let answer = bench.tm_call("POST", "/getAllStatus/ExtendedList", paged(elements, number)).await;
        let orders = if answer.status == 304 { Vec::new() } else { answer.json().as_array().unwrap().clone() };
        orders.iter().map(|order| order["Status"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    // No order is split, and none is lost between two pages.
    assert_eq!([page(1000, 1).await, page(1000, 2).await, page(1000, 3).await], [vec![402, 402], vec![402], vec![]]);
    assert_eq!([page(1, 1).await, page(1, 3).await, page(1, 4).await], [vec![402], vec![402], vec![]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_06_by_orders_a_reported_order_is_never_repeated() {
    let bench = Harness::configured(|settings| settings.reported_unit = Unit::Orders);
    let tm = bench.tm();
    let id = bench.place(order()).await;
    let first = tm.drain_unreported(&options()).await.unwrap().value.0;
    assert!(listed_codes(&first).contains(&(id.expose().to_owned(), 25)));
    bench.play(id.expose(), "positive").await;
    assert!(tm.drain_unreported(&options()).await.unwrap().value.0.is_empty(), "its end is never reported");
    let other = bench.ended(order(), "positive").await;
    let second = listed_codes(&tm.drain_unreported(&options()).await.unwrap().value.0);
    assert!(second.contains(&(other.expose().to_owned(), 6)));
    assert!(second.iter().all(|(order, _)| *order == other.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_101_unreported_orders_are_whole_and_limited_to_1000() {
    for unit in [Unit::Statuses, Unit::Orders] {
        let bench = Harness::configured(|settings| settings.reported_unit = unit);
        let tm = bench.tm();
        tm.drain_unreported(&options()).await.unwrap();
        for _ in 0..3 {
            let id = bench.place(order()).await;
            for _ in 0..400 {
                bench.sandbox.transition(id.expose(), &Transition::Status(71.into())).unwrap();
            }
        }
        let mut counts = Vec::new();
        loop {
            let answer = bench.tm_call("POST", "/getAllStatus/ExtendedList", "").await;
            if answer.status == 304 {
                break;
            }
            let orders = answer.json();
            let statuses = |order: &Value| order["Status"].as_array().unwrap().len();
            counts.push(orders.as_array().unwrap().iter().map(statuses).sum::<usize>());
        }
        // 25, 7 and 400 times 71 each; the examples come first if their extended codes were not reported yet.
        let sum: usize = counts.iter().sum();
        assert!(counts.iter().all(|count| *count <= 1000) && sum >= 3 * 402, "{unit:?}: {counts:?}");
        assert_eq!(counts[0] == 1000, unit == Unit::Statuses, "{unit:?}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_08_the_body_may_be_missing_with_its_content_type() {
    for (content_type, body) in [(None, ""), (None, "{}"), (Some("application/json"), ""), (Some("text/plain"), "{}")] {
        let bench = Harness::listing_examples();
        let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
        let mut request =
            Request::builder().method("POST").uri(format!("{TM}/getAllStatus")).header(AUTHORIZATION, code);
        if let Some(output) = content_type {
            request = request.header("content-type", output);
        }
        assert_eq!(bench.raw(request.body(Bytes::from(body)).unwrap()).await.status, 200, "{content_type:?} {body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_are_in_lists_only_if_a_setting_adds_them() {
    for (examples_in_lists, status) in [(false, 304), (true, 200)] {
        let bench = Harness::configured(|settings| settings.examples_in_lists = examples_in_lists);
        for body in [ALL_TIME, ""] {
            assert_eq!(bench.tm_call("POST", "/getAllStatus", body).await.status, status, "{body}");
        }
        for id in [EXAMPLE_ORDER, OTHER_EXAMPLE_ORDER] {
            assert_eq!(bench.tm_call("GET", &format!("/getStatus/{id}"), "").await.status, 200);
        }
    }
}
