//! The destructive read of getAllStatus: what was not reported yet.

use http::StatusCode;

use super::*;

#[tokio::test]
async fn at_06_the_client_reads_destructively_only_where_the_name_says_so() {
    let window =
        || Window { begin: "2018-09-05T00:00:00Z".parse().unwrap(), end: "2018-09-06T00:00:00Z".parse().unwrap() };
    let vendor = client(vec![reply(304, ""); 2]);
    assert!(vendor.status_feed(window(), &options()).next().await.unwrap().is_none());
    assert_eq!(vendor.calls(), ["POST /getAllStatus/ExtendedList"; 2]);
    for seen in vendor.sent() {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        assert!(body["Period"]["Begin"].is_string() && body["Period"]["End"].is_string(), "{body}");
    }
    let vendor = client([reply(200, r#"[{"OrderID":"1","Status":[{"Kind":6}]}]"#)]);
    assert_eq!(vendor.drain_unreported(&options()).await.unwrap().0.len(), 1);
    assert_eq!(vendor.calls(), ["POST /getAllStatus/ExtendedList"]);
    assert!(vendor.sent()[0].body.is_empty());
}

#[tokio::test]
async fn at_06_the_bytes_are_in_the_journal_before_they_are_read() {
    let text = r#"[{"OrderID":"1"}]"#;
    let vendor = client([reply(200, text)]);
    let mut kept = Vec::new();
    let journal = |bytes: &[u8]| {
        kept.extend_from_slice(bytes);
        Ok(())
    };
    assert_eq!(vendor.drain_unreported_to(journal, &options()).await.unwrap().0.len(), 1);
    assert_eq!(kept, text.as_bytes());
    // What cannot be read is marked as reported all the same: only the journal has it now.
    let vendor = client([reply(200, "<html>Mustermann</html>")]);
    let mut kept = Vec::new();
    let journal = |bytes: &[u8]| {
        kept.extend_from_slice(bytes);
        Ok(())
    };
    let error = fault(vendor.drain_unreported_to(journal, &options()).await);
    assert_eq!((error.kind(), error.advice()), (Kind::Protocol, Advice::Reconcile));
    assert_eq!(kept, b"<html>Mustermann</html>");
}

#[tokio::test]
async fn at_06_a_journal_that_fails_fails_the_read_and_one_without_news_is_left_alone() {
    let vendor = client([reply(200, "[]")]);
    let full = |_: &[u8]| Err(Error::new(Kind::Storage, "the disk is full"));
    let error = vendor.drain_unreported_to(full, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::Storage, Advice::Reconcile));
    let vendor = client([reply(304, "")]);
    let never = |_: &[u8]| panic!("there is nothing to keep");
    assert!(vendor.drain_unreported_to(never, &options()).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn at_06_a_destructive_answer_that_cannot_be_read_is_an_unknown_outcome() {
    for told in ["", "null", r#"[{"OrderID":"1""#, "<html>Mustermann</html>"] {
        let vendor = client([reply(200, told)]);
        let error = vendor.drain_unreported(&options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{told}");
    }
}

#[tokio::test]
async fn at_06_two_destructive_reads_at_once_are_one_too_many() {
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
    // The first one was given up: the next may begin.
    assert!(other.drain_unreported(&options).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn at_07_304_to_a_post_means_that_there_is_nothing_new() {
    let nothing = || reply(304, "");
    let client = client([nothing(), nothing(), nothing(), nothing()]);
    let options = options();
    assert!(client.call(&GetAllStatus::new(period()), &options).await.unwrap().value.0.is_empty());
    assert!(client.call(&GetAllStatusExtended::new(period()), &options).await.unwrap().value.0.is_empty());
    assert!(client.call(&DrainUnreported, &options).await.unwrap().value.0.is_empty());
    let answered = client.call(&DrainUnreportedExtended, &options).await.unwrap();
    assert_eq!((answered.value.0.len(), answered.status, answered.attempts), (0, StatusCode::NOT_MODIFIED, 1));
    assert!(client.sent().iter().all(|seen| !seen.headers.contains_key("if-none-match")));
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
