//! The destructive read of getAllStatus: unreported statuses.

use http::StatusCode;

use super::*;

#[tokio::test]
async fn at_06_only_the_drain_calls_read_destructively() {
    let vendor = client(vec![reply(304, ""); 2]);
    assert!(vendor.status_feed(a_day(), &options()).next().await.unwrap().is_none());
    assert_eq!(vendor.calls(), ["POST /getAllStatus/ExtendedList"; 2]);
    for request in vendor.sent() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(body["Period"]["Begin"].is_string() && body["Period"]["End"].is_string(), "{body}");
    }
    let vendor = client([reply(200, r#"[{"OrderID":"1","Status":[{"Kind":6}]}]"#)]);
    assert_eq!(vendor.drain_unreported(&options()).await.unwrap().value.0.len(), 1);
    assert_eq!(vendor.calls(), ["POST /getAllStatus/ExtendedList"]);
    assert!(vendor.sent()[0].body.is_empty());
}

#[tokio::test]
async fn at_06_the_journal_gets_the_bytes_before_they_are_decoded() {
    let text = r#"[{"OrderID":"1"}]"#;
    let vendor = client([reply(200, text)]);
    let mut journaled = Vec::new();
    let journal = |bytes: &[u8]| {
        journaled.extend_from_slice(bytes);
        Ok(())
    };
    assert_eq!(vendor.drain_unreported_to(journal, &options()).await.unwrap().value.0.len(), 1);
    assert_eq!(journaled, text.as_bytes());
    // The vendor has marked the unreadable list as reported, so only the journal has it.
    let vendor = client([reply(200, "<html>Mustermann</html>")]);
    let mut journaled = Vec::new();
    let journal = |bytes: &[u8]| {
        journaled.extend_from_slice(bytes);
        Ok(())
    };
    let error = error_of(vendor.drain_unreported_to(journal, &options()).await);
    assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile));
    assert_eq!(journaled, b"<html>Mustermann</html>");
}

#[tokio::test]
async fn at_06_a_journal_error_fails_the_read() {
    let vendor = client([reply(200, "[]")]);
    let full = |_: &[u8]| Err(Error::new(Kind::Storage, "the disk is full"));
    let error = vendor.drain_unreported_to(full, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::Storage, Advice::Reconcile));
    let vendor = client([reply(304, "")]);
    let never = |_: &[u8]| panic!("the journal was called although there is nothing new");
    assert!(vendor.drain_unreported_to(never, &options()).await.unwrap().value.0.is_empty());
}

#[tokio::test]
async fn at_06_an_unreadable_drain_response_is_outcome_unknown() {
    for body in ["", "null", r#"[{"OrderID":"1""#, "<html>Mustermann</html>"] {
        let vendor = client([reply(200, body)]);
        let error = vendor.drain_unreported(&options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{body}");
    }
}

#[tokio::test]
async fn at_06_concurrent_destructive_reads_conflict() {
    let vendor = client([Step::Hang, reply(304, "")]);
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
    // After the first read was dropped, the next one may start.
    assert!(other.drain_unreported(&options).await.unwrap().value.0.is_empty());
}

#[tokio::test]
async fn at_07_304_to_a_post_means_that_there_is_nothing_new() {
    let nothing = || reply(304, "");
    let client = client([nothing(), nothing(), nothing(), nothing()]);
    let options = options();
    assert!(client.call(&GetAllStatus::new(period()), &options).await.unwrap().value.0.is_empty());
    assert!(client.call(&GetAllStatusExtended::new(period()), &options).await.unwrap().value.0.is_empty());
    assert!(client.call(&DrainUnreported, &options).await.unwrap().value.0.is_empty());
    let response = client.call(&DrainUnreportedExtended, &options).await.unwrap();
    assert_eq!((response.value.0.len(), response.status, response.attempts), (0, StatusCode::NOT_MODIFIED, 1));
    assert!(client.sent().iter().all(|request| !request.headers.contains_key("if-none-match")));
    // The server side responds with 304 and no body too.
    let response = DrainUnreported::encode_response(OrderList::default()).unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert!(response.into_body().collect(0).await.unwrap().is_empty());
}

#[test]
fn at_08_the_dialect_selects_no_body_or_an_empty_object() {
    assert_eq!(body_of(&DrainUnreported, &dialect()), b"");
    assert_eq!(body_of(&DrainUnreportedExtended, &dialect()), b"");
    let object = allowing(|dialect| dialect.empty_object_for_unreported = true);
    assert_eq!(body_of(&DrainUnreported, &object), b"{}");
    assert_eq!(body_of(&DrainUnreportedExtended, &object), b"{}");
    // The server side accepts all of them, without a Content-Type.
    for text in ["", " \r\n", "{}"] {
        let request = Request::new(bytes::Bytes::from(text));
        let read = GetAllStatus::decode_request(&identkit_wire::Params::default(), &request).unwrap();
        assert_eq!(read.request, AllStatusRequest::default(), "{text:?}");
    }
}

fn a_day() -> Window {
    Window { begin: "2018-09-05T00:00:00Z".parse().unwrap(), end: "2018-09-06T00:00:00Z".parse().unwrap() }
}

#[tokio::test]
async fn at_93_a_code_that_cannot_be_read_in_a_list_is_unclear() {
    use identkit_core::Outcome::{FraudSuspicion, Pending, Positive, Unclear};
    for (order, outcome) in [
        (r#""Status":[{"Kind":6},{"Kind":"x"}]"#, Unclear),
        (r#""Status":[{"Kind":"x"}]"#, Unclear),
        (r#""Status":[{"Time":"2018-09-05T11:06:21Z"}]"#, Unclear),
        (r#""Status":[{"Kind":6,"Kind":89}]"#, Unclear),
        (r#""Status":[{"Kind":6},null]"#, Unclear),
        (r#""Status":null"#, Unclear),
        (r#""Ref":"a""#, Unclear),
        (r#""Status":[{"Kind":"x"},{"Kind":89}]"#, FraudSuspicion),
        (r#""Status":[{"Kind":"4294967302"},{"Kind":89}]"#, FraudSuspicion),
        (r#""Status":[{"Kind":99999999999999999999},{"Kind":6}]"#, Unclear),
        (r#""Status":[{"Kind":1e400},{"Kind":6}]"#, Unclear),
        (r#""Status":[{"Kind":1e400},{"Kind":89}]"#, FraudSuspicion),
        (r#""Status":[{"Kind":6}],"status":[{"Kind":89}]"#, Unclear),
        (r#""Status":[{"Kind":6,"kind":89}]"#, Unclear),
        (r#""Status":[{"Kind":89},"x"]"#, FraudSuspicion),
        (r#""Status":[{"Kind":6},"x"]"#, Unclear),
        (r#""Status":"x""#, Unclear),
        (r#""Status":[]"#, Pending),
        (r#""Status":[{"Kind":6}]"#, Positive),
    ] {
        let text = format!(r#"[{{"OrderID":"1",{order}}}]"#);
        let list = client([reply(200, text.clone())]).drain_unreported(&options()).await.unwrap().value.0;
        assert_eq!(list[0].finality(OrderFlavor::IdentOnly).outcome, outcome, "{order}");
        let vendor = client([reply(200, text)]);
        let listed = vendor.status_feed(a_day(), &options()).next().await.unwrap().unwrap();
        assert_eq!(listed, list, "{order}");
    }
}

#[tokio::test]
async fn at_89_at_94_at_95_a_list_has_its_warnings() {
    for (status, text, rule) in [
        (201, r#"[{"OrderID":"1","Status":[]}]"#, "AT-89"),
        (200, r#"[{"OrderID":"1","Status":[null]}]"#, "AT-92"),
        (200, r#"[{"OrderID":"1","Status":[]},{"OrderID":"2","Status":[null]}]"#, "AT-92"),
        (200, r#"{"Error":"x","Order":[{"OrderID":"1","Status":[]}]}"#, "AT-94"),
        (200, r#"[{"OrderID":"1","Status":[],"Error":"x"}]"#, "AT-94"),
        (200, r#"{"success":false,"Order":[{"OrderID":"1","Status":[]}]}"#, "AT-94"),
        (200, r#"[{"OrderID":"1","Status":[],"error_message":"x"}]"#, "AT-94"),
        (200, r#"[{"OrderID":"1","Ref":"a","Ref":"b","Status":[]}]"#, "AT-95"),
        (200, r#"[{"OrderID":"1","Status":[]},{"Order":{"OrderID":"1","Status":[]},"Order":null}]"#, "AT-95"),
        (200, r#"[{"OrderID":"1","status":[],"Status":[]},{"Ref":"Status"}]"#, "AT-93"),
    ] {
        let drained = client([reply(status, text)]).drain_unreported(&options()).await.unwrap();
        assert_eq!(drained.value.0.len(), text.matches("Status").count());
        assert_eq!(rules(&drained.warnings), [rule], "{text}");
        let journaled = client([reply(status, text)]).drain_unreported_to(|_| Ok(()), &options()).await.unwrap();
        assert_eq!((&journaled.value, &journaled.warnings), (&drained.value, &drained.warnings), "{text}");
        let vendor = client([reply(status, text)]);
        let mut feed = vendor.status_feed(a_day(), &options());
        feed.next().await.unwrap();
        assert_eq!(feed.warnings(), drained.warnings, "{text}");
        // The streaming form has the same warnings; that of the status comes with the response.
        let vendor = client([reply(status, text)]);
        let unread = vendor.call(&Unread(GetAllStatusExtended::new(period())), &options()).await.unwrap();
        let mut orders = Vec::new();
        let mut warnings = unread.value.for_each(|order| orders.push(order)).unwrap();
        warnings.extend(unread.warnings);
        assert_eq!((orders, warnings), (drained.value.0, drained.warnings), "{text}");
    }
}

#[tokio::test]
async fn at_94_a_streamed_list_must_be_a_list() {
    for text in [r#"{"Error":"x"}"#, r#"{"Ref":"a"}"#, "{}"] {
        let unread = client([reply(200, text)]).call(&Unread(GetAllStatusExtended::new(period())), &options()).await;
        assert_eq!(unread.unwrap().value.for_each(|_| ()).unwrap_err().kind(), Kind::Protocol, "{text}");
    }
    let unread = client([reply(200, "[]")]).call(&Unread(GetAllStatusExtended::new(period())), &options()).await;
    assert_eq!(unread.unwrap().value.for_each(|_| panic!("unexpected order")).unwrap(), []);
}

#[tokio::test]
async fn at_95_a_repeated_kind_is_named_in_the_warning() {
    let text = r#"[{"OrderID":"1","Status":[{"Kind":6,"Kind":89}]}]"#;
    let drained = client([reply(200, text)]).drain_unreported(&options()).await.unwrap();
    let warnings: Vec<_> = drained.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["Kind: it occurs more than once; no value was used (AT-95)"]);
    let text = r#"[{"OrderID":"1","Ref":"a","Ref":"b","Status":[{"Kind":"x"}]}]"#;
    let drained = client([reply(200, text)]).drain_unreported(&options()).await.unwrap();
    let warnings: Vec<_> = drained.warnings.iter().map(ToString::to_string).collect();
    let unreadable = "Kind: the value cannot be read as the documented type and was ignored (AT-92)";
    assert_eq!(warnings, [unreadable, "Ref: it occurs more than once; the last value was used (AT-95)"]);
}
