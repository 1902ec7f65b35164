//! Ids of orders.

use super::*;

#[test]
fn at_22_an_order_id_is_one_path_segment() {
    let operation = GetStatus::new(OrderId::new("9992/..//odd id"));
    let path = GetStatus::META.path(&operation.path_params()).unwrap();
    assert_eq!(path, "/getStatus/9992%2F..%2F%2Fodd%20id");
    for nothing in ["", ".", ".."] {
        let operation = GetStatus::new(OrderId::new(nothing));
        assert_eq!(GetStatus::META.path(&operation.path_params()).unwrap_err().kind(), Kind::InvalidInput);
    }
}

#[tokio::test]
async fn at_22_an_id_that_is_a_dot_segment_is_rejected() {
    let client = client([]);
    let error = client.delete_ident_data(&OrderId::new(".."), &options()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput);
}

#[tokio::test]
async fn at_22_malformed_elements_do_not_lose_the_order_id() {
    for (malformed, key) in [
        (json!({"Error": {"message": "Mustermann"}}), "Error"),
        (json!({"Error": ["Mustermann"]}), "Error"),
        (json!({"VideoHashes": [12345]}), "VideoHashes"),
        (json!({"TargetURL": {"URL": "x"}}), "TargetURL"),
    ] {
        let mut text = json!({"OrderID": ORDER, "Later": [1]});
        text.as_object_mut().unwrap().extend(malformed.as_object().unwrap().clone());
        let client = client([reply(202, text.to_string())]);
        let placed =
            client.put_order(&plain_order(), &options()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(placed.value.order_id, id(), "{text}");
        let expected: &[_] = if key == "Error" { &["AT-22", "AT-53"] } else { &["AT-22"] };
        assert_eq!(rules(&placed.warnings), expected, "{text}");
        assert_eq!(placed.value.answer.extra.get(key), malformed.get(key), "preserved");
        assert!(placed.value.answer.extra.contains_key("Later"), "{text}");
        assert!(!format!("{placed:?}").contains("Mustermann"), "{text}");
    }
    // Digits as printed are an id; another number is none (AT-92).
    let placed = client([reply(202, r#"{"OrderID":99921269855041}"#)]).put_order(&plain_order(), &options()).await;
    assert_eq!(placed.unwrap().value.order_id.expose(), "99921269855041");
    for text in [
        r#"{"OrderID":1e15,"Ref":"r"}"#,
        r#"{"OrderID":99921269855041e0}"#,
        r#"{"OrderID":99921269855041.0}"#,
        r#"{"OrderID":-99921269855041}"#,
    ] {
        let error = client([reply(202, text)]).put_order(&plain_order(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{text}");
    }
    for text in [r#"{"OrderID":["99921269855041"]}"#, r#"{"Ref":4711}"#, r#"[{"OrderID":"99921269855041"}]"#] {
        let client = client([reply(202, text)]);
        let error = client.put_order(&plain_order(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{text}");
    }
}

#[tokio::test]
async fn at_24_a_success_about_another_order_is_unknown() {
    let own = id().expose().to_owned();
    for (body, is_own) in [
        (format!(r#"{{"OrderID":"{own}"}}"#), true),
        (format!(r#"{{"order_id":"{own}","Ref":"my-ref"}}"#), true),
        (r#"{"OrderID":""}"#.to_owned(), true),
        (r#"{"OrderID":null}"#.to_owned(), true),
        ("accepted".to_owned(), true),
        (r#"{"OrderID":"4711"}"#.to_owned(), false),
        (r#"{"orderId":4711}"#.to_owned(), false),
        (r#"{"order_id":"4711"}"#.to_owned(), false),
        (r#"{"Order-ID":"4711"}"#.to_owned(), false),
        (r#"{"result":{"OrderID":"4711"}}"#.to_owned(), false),
        (format!(r#"{{"OrderID":"{own}","OrderID":"4711"}}"#), false),
        ("order_id=99921269855047".to_owned(), false),
    ] {
        let answer = |status: u16| client([reply(status, body.clone())]);
        let then_404 = |status: u16| client([reply(status, body.clone()), reply(404, "")]);
        let cancel = if is_own { answer(202) } else { then_404(202) };
        let secret = |text: &str| Secret::new(text);
        for result in [
            answer(202).confirm_sign(&id(), &secret("123456"), &options()).await,
            answer(202).request_sign(&id(), &options()).await,
            answer(202).resend_tan(&id(), &options()).await,
            cancel.cancel_order(&id(), &options()).await,
            answer(202).delete_ident_data(&id(), &options()).await,
            answer(200).request_video(&id(), &secret("https://example.com/hook"), &options()).await,
        ] {
            match is_own {
                true => assert!(result.is_ok(), "{body}"),
                false => assert_eq!(error_of(result).kind(), Kind::OutcomeUnknown, "{body}"),
            }
        }
        // It proves nothing about this order, so its data is not read.
        if body.starts_with('{') {
            let delete = if is_own { then_404(200) } else { answer(200) };
            assert_eq!(delete.delete_ident_data(&id(), &options()).await.is_ok(), is_own, "{body}");
        }
    }
    let other =
        |more: &str| answer(200, "application/json", format!(r#"{{"order_id":"4711","Status":[{{"Kind":6}}]{more}}}"#));
    for read in [
        decode(&GetStatus::new(id()), &other("")).map(drop),
        decode(&GetIdentData::new(id()), &other(r#","IdentData":{"Surname":"Mustermann"}"#)).map(drop),
        decode(&GetVoiceFiles::new(id()), &other(r#","Voicefiles":[]"#)).map(drop),
    ] {
        assert_eq!(error_of(read).kind(), Kind::Integrity);
    }
}

#[tokio::test]
async fn at_24_at_94_a_body_about_something_else_is_unknown() {
    let other = "99920006C38843";
    let own = id().expose().to_owned();
    for (body, is_good) in [
        (format!("Order {own} cancelled"), true),
        (format!("Order {own} deleted, request 6f0a1b2c-0000-4000-8000-1234567890ab"), true),
        (format!(r#"{{"message":"Order {own}: accepted","requestId":"1234567890ab","time":1536137639000}}"#), true),
        (r#"{"result":true,"data":{"order_id":null},"Ref":"order1234567890"}"#.to_owned(), true),
        (format!("Order {other} cancelled"), false),
        (format!("Order-{other} cancelled"), false),
        (format!("Orders {own}, {other}: cancelled"), false),
        (format!(r#"{{"Order":"{other}"}}"#), false),
        (format!(r#"{{"Id":"{other}"}}"#), false),
        (format!(r#"{{"message":"accepted","data":"{other}"}}"#), false),
        (format!(r#"{{"message":"Order {other}: accepted"}}"#), false),
        (r#"["accepted",99920006388431]"#.to_owned(), false),
        (format!(r#"{{"data":{{"{other}":true}}}}"#), false),
        (r#"{"Fehler":true}"#.to_owned(), false),
        (r#"{"fehler":1}"#.to_owned(), false),
        (r#"{"State":"open"}"#.to_owned(), false),
        ("%PDF-1.4".to_owned(), false),
        ("\u{1}\u{2}OK".to_owned(), false),
    ] {
        let answer = |status: u16| client([reply(status, body.clone())]);
        let cancel = if is_good { answer(202) } else { client([reply(202, body.clone()), reply(404, "")]) };
        let tan = Secret::new("123456");
        for result in [
            answer(202).confirm_sign(&id(), &tan, &options()).await,
            answer(202).request_sign(&id(), &options()).await,
            answer(202).resend_tan(&id(), &options()).await,
            cancel.cancel_order(&id(), &options()).await,
            answer(202).delete_ident_data(&id(), &options()).await,
            answer(200).request_video(&id(), &Secret::new("https://example.com/hook"), &options()).await,
        ] {
            assert_eq!(
                result.map(drop).map_err(|error| error.kind()).err(),
                (!is_good).then_some(Kind::OutcomeUnknown),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn at_24_a_status_with_two_order_ids_proves_nothing() {
    let own = id().expose().to_owned();
    for order_ids in
        [format!(r#""OrderID":"99920006C38843","OrderID":"{own}""#), format!(r#""OrderID":"{own}","OrderID":"8""#)]
    {
        let status = format!(r#"{{{order_ids},"Status":[{{"Kind":22}}]}}"#);
        // The read is repeated, because another server may answer the next time.
        let read = || reply(200, status.clone());
        let vendor = client([reply(205, "x"), read(), read(), read(), read()]);
        let error = error_of(vendor.cancel_order(&id(), &options()).await);
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{status}");
        let read = decode(&GetStatusExtended::new(id()), &answer(200, "application/json", status));
        assert_eq!(error_of(read).kind(), Kind::Integrity);
        let data = format!(r#"{{{order_ids},"IdentData":{{"Surname":"Mustermann"}}}}"#);
        let read = decode(&GetIdentData::new(id()), &answer(200, "application/json", data));
        assert_eq!(error_of(read).kind(), Kind::Integrity);
    }
}
