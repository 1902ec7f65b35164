//! Meaning of responses: status, deletion, references.

use super::*;

#[tokio::test]
async fn at_09_a_404_to_a_retried_delete_proves_nothing() {
    let client = client([Step::Reset, reply(404, "")]);
    let error = client.delete_ident_data(&id(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::NotFound, Advice::Reconcile));
}

#[tokio::test]
async fn at_09_only_a_404_of_get_ident_data_proves_deletion() {
    let vendor = client([reply(404, "")]);
    assert!(vendor.data_is_gone(&id(), &options()).await.unwrap());
    assert_eq!(vendor.calls(), [format!("GET /getIdentData/{ORDER}")]);
    let vendor = client([reply(200, r#"{"IdentData":{"Firstname":"Erika"}}"#)]);
    assert!(!vendor.data_is_gone(&id(), &options()).await.unwrap());
    for (status, kind) in [(400, Kind::Rejected), (401, Kind::Authentication), (403, Kind::Forbidden)] {
        let vendor = client([reply(status, "")]);
        assert_eq!(vendor.data_is_gone(&id(), &options()).await.unwrap_err().kind(), kind);
    }
}

#[test]
fn at_09_the_server_side_ignores_the_case_of_the_path() {
    for path in ["/delIdentdata/1", "/delIdentData/1", "/DELIDENTDATA/1"] {
        assert_eq!(DelIdentData::META.match_path(path, true).unwrap().get("OrderID"), "1", "{path}");
    }
    assert!(DelIdentData::META.match_path("/delIdentData/1", false).is_none());
}

#[tokio::test]
async fn at_13_status_reads_the_extended_list() {
    let body = r#"{"Status":[{"Kind":6},{"Kind":89}]}"#;
    let client = client([reply(200, body), reply(200, body)]);
    let status = client.status(&id(), &options()).await.unwrap().value;
    assert_eq!(status.finality(OrderFlavor::IdentOnly).outcome, Outcome::FraudSuspicion);
    let case = CaseRef { provider: "identity-tm".to_owned(), id: Secret::new(ORDER), state: None };
    let neutral = IdentityProvider::status(&*client, &case, &options()).await.unwrap();
    assert_eq!(neutral.outcome, Outcome::FraudSuspicion);
    let path = format!("GET /getStatus/{ORDER}/ExtendedList");
    assert_eq!(client.calls(), [path.clone(), path]);
}

#[test]
fn at_13_general_codes_decide_only_a_suspicion_of_fraud() {
    for (kinds, outcome, because) in [
        ("[]", Outcome::Unknown, vec![]),
        (r#"[{"Kind":6}]"#, Outcome::Unknown, vec![StatusKind::POSITIVE]),
        (r#"[{"Kind":17}]"#, Outcome::Unknown, vec![StatusKind::NEGATIVE]),
        (r#"[{"Kind":6},{"Kind":"x"}]"#, Outcome::Unclear, vec![]),
        (r#"[{"Kind":6},{"Kind":89}]"#, Outcome::FraudSuspicion, vec![StatusKind::FRAUD]),
    ] {
        let text = format!(r#"{{"OrderID":"{ORDER}","Status":{kinds}}}"#);
        let status: OrderStatus = decode(&GetStatus::new(id()), &json_answer(200, text.clone())).unwrap().value;
        let verdict = status.general_finality(OrderFlavor::IdentOnly);
        assert_eq!((verdict.outcome, &verdict.because), (outcome, &because), "{kinds}");
        assert!(!verdict.is_final() || outcome == Outcome::FraudSuspicion);
        assert_eq!(status.finality(OrderFlavor::IdentOnly), verdict, "the response says which codes it has");
        let list = decode(&GetAllStatus::new(period()), &json_answer(200, format!("[{text}]"))).unwrap().value;
        assert_eq!(list.0[0].general_finality(OrderFlavor::IdentOnly), verdict, "{kinds}");
        assert_eq!(list.0[0].finality(OrderFlavor::IdentOnly), verdict, "{kinds}");
        let drained = decode(&DrainUnreported, &json_answer(200, format!("[{text}]"))).unwrap().value;
        assert_eq!(drained.0[0].finality(OrderFlavor::IdentOnly), verdict, "{kinds}");
        let unread =
            decode(&Unread(GetAllStatus::new(period())), &json_answer(200, format!("[{text}]"))).unwrap().value;
        unread.for_each(|order| assert_eq!(order.finality(OrderFlavor::IdentOnly), verdict, "{kinds}")).unwrap();
    }
}

#[test]
fn at_14_the_flavor_follows_from_the_order() {
    for (order, flavor) in [
        (plain_order(), OrderFlavor::IdentOnly),
        (plain_order().product(0_u32), OrderFlavor::IdentOnly),
        (plain_order().product(16_u32).add(8_u64), OrderFlavor::IdentOnly),
        (plain_order().product(15_u32).sign_pdf(OneOrMany::One(pdf("a"))), OrderFlavor::Qes),
        (plain_order().product(15_u32).add(16_u64).sign_hash(OneOrMany::One(hash("a"))), OrderFlavor::Qes),
        (plain_order().product(15_u32).add(8_u64), OrderFlavor::SignAccountOnly),
        (plain_order().product(15_u32).add(8_u64 | 131_072), OrderFlavor::SignAccountOnly),
        (plain_order().multi_sign_options(MultiSignOptions::default()), OrderFlavor::Qes),
        // An empty array means that there is nothing to sign. With the flavor QES, 6 would never end the order.
        (plain_order().sign_pdf(OneOrMany::Many(Vec::new())), OrderFlavor::IdentOnly),
        (plain_order().sign_hash(OneOrMany::Many(Vec::new())), OrderFlavor::IdentOnly),
        (PutOrder::default(), OrderFlavor::Unknown),
    ] {
        assert_eq!(order.flavor(), flavor, "{order:?}");
    }
    assert_eq!(document_order().flavor(), OrderFlavor::SignAccountOnly);
}

#[test]
fn at_17_the_timeline_is_sorted_without_duplicates() {
    let at = |minute: u32| format!("2018-09-05T10:{minute:02}:00+02:00");
    let text = json!({"Status": [
        {"Kind": 6, "Time": at(30)},
        {"Kind": 71, "Time": at(10), "Text": "TAN"},
        {"Kind": 99, "Time": "no time"},
        {"Kind": 71, "Time": at(10), "Text": "TAN"},
        {"Kind": 25, "Time": at(0)},
        {"Kind": 71, "Time": at(10)},
    ]});
    let status: OrderStatus = decode(&GetStatusExtended::new(id()), &json_answer(200, text.to_string())).unwrap().value;
    let raw: Vec<u32> = status.kinds().map(|kind| kind.0).collect();
    assert_eq!(raw, [6, 71, 99, 71, 25, 71]);
    let sorted: Vec<u32> = status.timeline().iter().map(|entry| entry.kind.unwrap().0).collect();
    assert_eq!(sorted, [25, 71, 71, 6, 99], "entries with different texts are not duplicates");
}

#[tokio::test]
async fn at_18_a_different_ref_in_the_response_is_a_warning() {
    let vendor = client([reply(202, fixture("S-036-put-order-response.json"))]);
    let response = vendor.put_order(&document_order(), &options()).await.unwrap();
    assert_eq!(response.value.order_id, id());
    assert_eq!(rules(&response.warnings), ["AT-18"]);
    let echo = format!(r#"{{"OrderID":"{ORDER}","Ref":"Sign-me_Account_Creation_Test"}}"#);
    let vendor = client([reply(202, echo)]);
    assert!(vendor.put_order(&document_order(), &options()).await.unwrap().warnings.is_empty());
}

#[tokio::test]
async fn at_19_an_order_without_a_ref_gets_a_random_one() {
    for body in [json!({"OrderID": "1"}), json!({"OrderID": "1", "Ref": null}), json!({"OrderID": "1", "Ref": ""})] {
        let mut order = plain_order();
        order.reference = None;
        let client = client([reply(202, body.to_string())]);
        let response = client.put_order(&order, &options()).await.unwrap();
        assert!(response.warnings.is_empty(), "{body}");
        let sent: Value = serde_json::from_slice(&client.sent()[0].body).unwrap();
        let reference = sent["Ref"].as_str().unwrap();
        assert!(reference.starts_with("identkit-") && reference.len() <= 100, "{reference}");
    }
    let mut order = plain_order();
    order.reference = None;
    assert_eq!(warnings(&order), ["AT-19"]);
}

#[tokio::test]
async fn at_94_a_failure_beside_a_result_is_a_warning() {
    let placed = r#""OrderID":"99921269855041","TargetURL":"https://www.identity.tm/status/1""#;
    let read = r#""OrderID":"99921269855041","Status":[{"Kind":6}],"IdentData":{"Surname":"Mustermann"}"#;
    for (failure, expected) in [
        (r#""Error":"x""#, 1),
        (r#""error":"x""#, 1),
        (r#""ErrorMessage":"x""#, 1),
        (r#""success":false"#, 1),
        (r#""errors":[],"success":true"#, 0),
    ] {
        let answer = |status, text: &str| client([reply(status, format!("{{{failure},{text}}}"))]);
        let count = |warnings: &[Warning], rule: &str| warnings.iter().filter(|warning| warning.rule == rule).count();
        let order = answer(202, placed).put_order(&plain_order(), &options()).await.unwrap();
        assert_eq!(count(&order.warnings, "AT-53"), expected, "{failure}");
        let status = answer(200, read).status(&id(), &options()).await.unwrap();
        assert_eq!(count(&status.warnings, "AT-94"), expected, "{failure}");
        let data = answer(200, read).ident_data(&id(), &options()).await.unwrap();
        assert_eq!(count(&data.warnings, "AT-94"), expected, "{failure}");
    }
}

#[tokio::test]
async fn at_94_an_empty_list_beside_an_error_is_not_a_result() {
    let body = r#"{"Status":[],"Voicefiles":[],"Order":[],"Error":"database not available"}"#;
    let client = || client([reply(200, body)]);
    let options = options();
    assert_eq!(client().status(&id(), &options).await.unwrap_err().kind(), Kind::Rejected);
    assert_eq!(client().voice_files(&id(), &options).await.unwrap_err().kind(), Kind::Rejected);
    // What a destructive read has marked is not known.
    assert_eq!(client().drain_unreported(&options).await.unwrap_err().kind(), Kind::OutcomeUnknown);
    let other = r#"{"Voicefiles":[],"message":"try again"}"#;
    assert_eq!(
        super::client([reply(200, other)]).voice_files(&id(), &options).await.unwrap_err().kind(),
        Kind::Protocol
    );
    let user = r#"{"UserExists":false,"UserIsAbleToSign":false,"Error":"database not available"}"#;
    let user = super::client([reply(200, user)]).signme_user(&"e.mustermann@example.com".into(), &options).await;
    assert_eq!(user.unwrap_err().kind(), Kind::Rejected);
    // In other words: the list of names is tested in `wire`.
    for failure in
        [r#""success":false"#, r#""ErrorMessage":"x""#, r#""ErrorCode":7"#, r#""status":"error""#, r#""status":500"#]
    {
        let client = || super::client([reply(200, format!(r#"{{"Status":[],"Voicefiles":[],"Order":[],{failure}}}"#))]);
        let kind = |error: Error| error.kind();
        assert_eq!(client().status(&id(), &options).await.map_err(kind), Err(Kind::Protocol), "{failure}");
        assert_eq!(client().voice_files(&id(), &options).await.map_err(kind), Err(Kind::Protocol), "{failure}");
        let list = client().call(&GetAllStatus::new(period()), &options).await;
        assert_eq!(list.map_err(kind), Err(Kind::Protocol), "{failure}");
        let unread = client().call(&Unread(GetAllStatus::new(period())), &options).await.unwrap().value;
        assert_eq!(unread.for_each(|_| ()).map_err(kind), Err(Kind::Protocol), "{failure}");
        assert_eq!(client().drain_unreported(&options).await.map_err(kind), Err(Kind::OutcomeUnknown), "{failure}");
        let mut files = client().voice_files_streamed(&id(), &options).await.unwrap().value;
        assert_eq!(files.next().await.map_err(kind), Err(Kind::Protocol), "{failure}");
    }
    for result in [r#"{"Status":[],"Error":""}"#, r#"{"Status":[{"Kind":25}],"Error":"x"}"#] {
        assert!(super::client([reply(200, result)]).status(&id(), &options).await.is_ok(), "{result}");
    }
}
