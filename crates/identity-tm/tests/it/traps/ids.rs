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
    for text in [r#"{"OrderID":["99921269855041"]}"#, r#"{"Ref":4711}"#, r#"[{"OrderID":"99921269855041"}]"#] {
        let client = client([reply(202, text)]);
        let error = client.put_order(&plain_order(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{text}");
    }
}
