//! The traps of the vendor's document (AT-xx of the contract) that this crate decides, one test or more each.
//!
//! Calls run over a scripted transport, so that the number of requests made is part of what is tested.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use identkit_core::{
    Advice, CallOptions, CaseRef, Delivery, Error, IdentityProvider, Kind, NewCase, Outcome, Purpose, Secret,
};
use identkit_identity_tm::messages::{
    Additional, IdCard, IdCardImages, IdentDataAnswer, IdentifyMethod, Image, LegitimationDocument, MultiSignOptions,
    OrderIdentData, OrderStatus, PutOrder, SignHash, SignParameters, SignPdf, WebhookUrl,
};
use identkit_identity_tm::{
    Account, DOCUMENTED_BASE, DelIdentData, Dialect, GetESignPdf, GetIdentData, GetIdentDataInitial,
    GetIdentDataMethod, GetIdentDataPdf, GetStatus, GetStatusExtended, IdentityTm, OrderFlavour, OrderId, ServerStatus,
    SignedPdfs, StatusKind,
};
use identkit_transport::SystemClock;
use identkit_wire::json::Blob;
use identkit_wire::{OneOrMany, Operation, Reply, Warning, encode_base64};
use serde_json::{Value, json};

mod support;
use support::{
    ORDER, PDF, Script, Step, answer, block_on, client, collect, decode, document_order, fixture, json as json_answer,
    plain_order, sent_json,
};

fn id() -> OrderId {
    OrderId::received(ORDER)
}

fn options() -> CallOptions {
    CallOptions::new()
}

/// What getIdentData makes of this text.
fn ident_data(text: &Value) -> IdentDataAnswer {
    ident_data_answer(text).unwrap_or_else(|error| panic!("{text}: {error}")).0
}

fn ident_data_answer(text: &Value) -> Result<(IdentDataAnswer, Vec<Warning>), Error> {
    let decoded = decode(&GetIdentData::new(id()), &json_answer(200, text.to_string()))?;
    Ok((decoded.value, decoded.warnings))
}

fn rules(warnings: &[Warning]) -> Vec<&'static str> {
    warnings.iter().map(|warning| warning.rule).collect()
}

fn faults(order: &PutOrder, dialect: &Dialect) -> Vec<(String, &'static str)> {
    match order.encode(dialect) {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
            error.faults().iter().map(|fault| (fault.field.clone().into_owned(), fault.rule)).collect()
        }
    }
}

fn rejects(order: &PutOrder, field: &str, rule: &'static str) {
    assert_eq!(faults(order, &Dialect::default()), [(field.to_owned(), rule)]);
}

fn accepts(order: &PutOrder) {
    assert_eq!(faults(order, &Dialect::default()), []);
}

fn warnings(order: &PutOrder) -> Vec<&'static str> {
    rules(&order.check(&Dialect::default()).unwrap())
}

fn order_of(value: &Value) -> PutOrder {
    PutOrder::from_json(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn pdf(name: &str) -> SignPdf {
    SignPdf::default().data(Blob::from_bytes(PDF)).filename(name)
}

fn hash(name: &str) -> SignHash {
    SignHash::default().hash("c2hhMjU2").filename(name)
}

// ---- Reading -------------------------------------------------------------------------------------------------

#[test]
fn at_01_the_name_said_to_hold_a_typo_is_found_in_every_spelling() {
    let time = "2018-09-05T11:06:21+02:00";
    for key in ["Identified", "Identifed", "Identfied", "Indentified", "Identifid"] {
        let (answer, warnings) = ident_data_answer(&json!({ key: time })).unwrap();
        assert_eq!(answer.identified.unwrap().as_str(), time, "{key}");
        assert_eq!(rules(&warnings), [] as [&str; 0], "{key}");
    }
    for key in ["identified", "IDENTIFIED", "IdentificationTime"] {
        let (answer, warnings) = ident_data_answer(&json!({ key: time })).unwrap();
        assert_eq!(answer.identified.unwrap().as_str(), time, "{key}");
        assert_eq!(rules(&warnings), ["AT-01"], "{key}");
        assert!(answer.extra.0.is_empty(), "{key}");
    }
    // Two candidates, or one that is no date-time: nothing is guessed, everything is kept.
    for odd in [json!({"identA": time, "identB": time}), json!({"Identity": "Erika"}), json!({"identX": 7})] {
        let (answer, warnings) = ident_data_answer(&odd).unwrap();
        assert!(answer.identified.is_none() && warnings.is_empty(), "{odd}");
        assert_eq!(answer.extra.0.len(), odd.as_object().unwrap().len());
    }
}

#[test]
fn at_02_executed_and_delivered_mean_the_same_and_executed_wins() {
    let status = |text: Value| -> OrderStatus {
        decode(&GetStatus::new(id()), &json_answer(200, text.to_string())).unwrap().value
    };
    let (early, late) = ("2018-09-05T10:00:00+02:00", "2018-09-05T11:00:00+02:00");
    for (text, expected) in [
        (json!({ "Executed": early }), Some(early)),
        (json!({ "Delivered": late }), Some(late)),
        (json!({ "Executed": early, "Delivered": late }), Some(early)),
        (json!({ "Delivered": late, "Executed": early }), Some(early)),
        (json!({}), None),
    ] {
        let read = status(text.clone());
        assert_eq!(read.executed.as_ref().map(|at| at.as_str()), expected, "{text}");
        assert!(read.extra.0.is_empty());
    }
}

#[tokio::test]
async fn at_09_a_404_on_delete_is_no_success_and_says_what_it_may_mean() {
    let (client, script) = client([Step::Answer(json_answer(404, ""))]);
    let error = client.delete_ident_data(&id(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice(), error.status()), (Kind::NotFound, Advice::ReadStatus, Some(404)));
    assert!(error.detail().contains("deleted already"), "{error}");
    assert_eq!(script.calls(), [format!("DELETE /delIdentdata/{ORDER}")], "the documented spelling, sent once");
}

#[tokio::test]
async fn at_09_a_delete_whose_answer_was_lost_is_repeated_and_its_404_still_proves_nothing() {
    let (client, script) = client([Step::Reset, Step::Answer(json_answer(404, ""))]);
    let error = client.delete_ident_data(&id(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::NotFound, Advice::ReadStatus));
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn at_09_only_a_404_of_get_ident_data_proves_that_the_data_is_gone() {
    let (vendor, script) = client([Step::Answer(json_answer(404, ""))]);
    assert!(vendor.data_is_gone(&id(), &options()).await.unwrap());
    assert_eq!(script.calls(), [format!("GET /getIdentData/{ORDER}")]);
    let (vendor, _) = client([Step::Answer(json_answer(200, "{}"))]);
    assert!(!vendor.data_is_gone(&id(), &options()).await.unwrap());
    for (status, kind) in [(400, Kind::Rejected), (401, Kind::Authentication), (403, Kind::Forbidden)] {
        let (vendor, _) = client([Step::Answer(json_answer(status, ""))]);
        assert_eq!(vendor.data_is_gone(&id(), &options()).await.unwrap_err().kind(), kind);
    }
}

#[test]
fn at_09_the_sandboxs_side_takes_either_case_of_the_path() {
    for path in ["/delIdentdata/1", "/delIdentData/1", "/DELIDENTDATA/1"] {
        assert_eq!(DelIdentData::META.match_path(path, true).unwrap().get("OrderID"), "1", "{path}");
    }
    assert!(DelIdentData::META.match_path("/delIdentData/1", false).is_none());
}

#[tokio::test]
async fn at_11_the_version_of_the_url_is_2_10() {
    assert_eq!(DOCUMENTED_BASE, "https://customer.identity.tm/api/2.10");
    let (client, script) = client([Step::Answer(json_answer(200, "{}"))]);
    client.status_general(&id(), &options()).await.unwrap();
    let uri = format!("https://customer.identity.tm/api/2.10/getStatus/{ORDER}");
    assert_eq!(script.sent()[0].uri.to_string(), uri);
}

#[tokio::test]
async fn at_13_status_asks_for_the_extended_list_since_the_general_codes_may_hide_a_fraud() {
    let told = r#"{"Status":[{"Kind":6},{"Kind":89}]}"#;
    let (client, script) = client([Step::Answer(json_answer(200, told)), Step::Answer(json_answer(200, told))]);
    let status = client.status(&id(), &options()).await.unwrap().value;
    assert_eq!(status.finality(OrderFlavour::IdentOnly).outcome, Outcome::FraudSuspicion);
    let case = CaseRef { provider: "identity-tm".to_owned(), id: Secret::new(ORDER), state: None };
    let neutral = IdentityProvider::status(&client, &case, &options()).await.unwrap();
    assert_eq!(neutral.outcome, Outcome::FraudSuspicion);
    let path = format!("GET /getStatus/{ORDER}/ExtendedList");
    assert_eq!(script.calls(), [path.clone(), path]);
}

#[test]
fn at_14_the_flavour_of_an_order_follows_from_what_it_asks_for() {
    for (order, flavour) in [
        (plain_order(), OrderFlavour::IdentOnly),
        (plain_order().product(0_u32), OrderFlavour::IdentOnly),
        (plain_order().product(16_u32).add(8_u64), OrderFlavour::IdentOnly),
        (plain_order().product(15_u32).sign_pdf(OneOrMany::One(pdf("a"))), OrderFlavour::Qes),
        (plain_order().product(15_u32).add(16_u64).sign_hash(OneOrMany::One(hash("a"))), OrderFlavour::Qes),
        (plain_order().product(15_u32).add(8_u64), OrderFlavour::SignAccountOnly),
        (plain_order().product(15_u32).add(8_u64 | 131_072), OrderFlavour::SignAccountOnly),
        (plain_order().multi_sign_options(MultiSignOptions::default()), OrderFlavour::Qes),
        // An empty array is nothing to sign: judged as QES, its 6 would never end the order.
        (plain_order().sign_pdf(OneOrMany::Many(Vec::new())), OrderFlavour::IdentOnly),
        (plain_order().sign_hash(OneOrMany::Many(Vec::new())), OrderFlavour::IdentOnly),
        (PutOrder::default(), OrderFlavour::Unknown),
    ] {
        assert_eq!(order.flavour(), flavour, "{order:?}");
    }
    assert_eq!(document_order().flavour(), OrderFlavour::SignAccountOnly);
}

#[test]
fn at_17_the_timeline_is_sorted_without_duplicates_and_the_raw_order_is_kept() {
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
    assert_eq!(sorted, [25, 71, 71, 6, 99], "a repeated 71 with and without its text are two");
}

#[tokio::test]
async fn at_18_another_ref_in_the_answer_is_a_warning_and_the_order_is_placed() {
    let (vendor, _) = client([Step::Answer(json_answer(202, fixture("S-036-put-order-response.json")))]);
    let answered = vendor.put_order(document_order(), &options()).await.unwrap();
    assert_eq!(answered.value.order_id, id());
    assert_eq!(rules(&answered.warnings), ["AT-18"]);
    let echo = format!(r#"{{"OrderID":"{ORDER}","Ref":"Sign-me_Account_Creation_Test"}}"#);
    let (vendor, _) = client([Step::Answer(json_answer(202, echo))]);
    assert!(vendor.put_order(document_order(), &options()).await.unwrap().warnings.is_empty());
}

#[tokio::test]
async fn at_19_an_order_without_a_ref_gets_a_random_one_and_no_ref_in_the_answer_is_fine() {
    for told in [json!({"OrderID": "1"}), json!({"OrderID": "1", "Ref": null}), json!({"OrderID": "1", "Ref": ""})] {
        let mut order = plain_order();
        order.reference = None;
        let (client, script) = client([Step::Answer(json_answer(202, told.to_string()))]);
        let answered = client.put_order(order, &options()).await.unwrap();
        assert!(answered.warnings.is_empty(), "{told}");
        let sent: Value = serde_json::from_slice(&script.sent()[0].body).unwrap();
        let reference = sent["Ref"].as_str().unwrap();
        assert!(reference.starts_with("identkit-") && reference.len() <= 100, "{reference}");
    }
    let mut order = plain_order();
    order.reference = None;
    assert_eq!(warnings(&order), ["AT-19"]);
}

// ---- References, URLs, ids -----------------------------------------------------------------------------------

#[test]
fn at_20_a_ref_holds_only_what_a_url_carries_unchanged_unless_the_dialect_says_otherwise() {
    accepts(&plain_order().reference("Az09._~-"));
    accepts(&plain_order().reference("r".repeat(100)));
    rejects(&plain_order().reference("r".repeat(101)), "Ref", "T-005");
    let any = allowing(|dialect| dialect.any_reference = true);
    for odd in ["Shop GWG", "a/b", "a%20b", "a&b", "ä", "a?b"] {
        let order = plain_order().reference(odd);
        rejects(&order, "Ref", "AT-20");
        assert_eq!(faults(&order, &any), []);
        assert_eq!(sent_json(&order, &any)["Ref"], odd, "written as it is");
    }
}

fn dialect() -> Dialect {
    Dialect::default()
}

fn allowing(change: impl FnOnce(&mut Dialect)) -> Dialect {
    let mut dialect = Dialect::default();
    change(&mut dialect);
    dialect
}

#[test]
fn at_21_a_url_is_measured_as_a_template_and_a_longer_expansion_is_a_warning() {
    let url = |length: usize, end: &str| {
        let start = "https://www.example.com/";
        format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()))
    };
    let order = |url: String| plain_order().webhook_url(WebhookUrl::default().on_final(url));
    accepts(&order(url(150, "")));
    assert!(warnings(&order(url(150, ""))).is_empty());
    rejects(&order(url(151, "")), "WebhookURL.OnFinal", "T-005");
    // [OrderID] grows from 9 to 20 characters, [Ref] from 5 to the 9 of case-4711.
    assert!(warnings(&order(url(139, "[OrderID]"))).is_empty());
    assert_eq!(warnings(&order(url(140, "[OrderID]"))), ["AT-21"]);
    assert!(warnings(&order(url(135, "[OrderID][Ref]"))).is_empty());
    assert_eq!(warnings(&order(url(136, "[OrderID][Ref]"))), ["AT-21"]);
    let longest = order(url(56, "[Ref]")).reference("r".repeat(100));
    assert_eq!(warnings(&longest), ["AT-21"]);
    assert!(warnings(&order(url(55, "[Ref]")).reference("r".repeat(100))).is_empty());
}

#[test]
fn at_22_an_order_id_is_text_is_never_lost_and_is_one_segment_of_a_path() {
    let put = |told: &str| decode(&plain_order(), &json_answer(202, told.to_owned()));
    for (told, kept, odd) in [
        (r#"{"OrderID":"99920006C38842"}"#, "99920006C38842", false),
        (r#"{"OrderID":"00012"}"#, "00012", false),
        (r#"{"OrderID":"9992/..//odd id"}"#, "9992/..//odd id", true),
        (r#"{"OrderID":"123456789012345678901"}"#, "123456789012345678901", true),
        (r#"{"OrderID":99921269855041}"#, "99921269855041", false),
    ] {
        let decoded = put(told).unwrap();
        assert_eq!(decoded.value.order_id.unwrap().expose(), kept, "{told}");
        assert_eq!(rules(&decoded.warnings), if odd { vec!["AT-22"] } else { vec![] }, "{told}");
    }
    // Beyond 64 bits a JSON number could only be rounded to the id of another order.
    assert!(put(r#"{"OrderID":99999999999999999999}"#).is_err());
    let operation = GetStatus::new(OrderId::received("9992/..//odd id"));
    let path = GetStatus::META.path(&operation.path_params()).unwrap();
    assert_eq!(path, "/getStatus/9992%2F..%2F%2Fodd%20id");
    for nothing in ["", ".", ".."] {
        let operation = GetStatus::new(OrderId::received(nothing));
        assert_eq!(GetStatus::META.path(&operation.path_params()).unwrap_err().kind(), Kind::InvalidInput);
    }
}

#[tokio::test]
async fn at_22_an_id_that_would_address_another_resource_is_refused_before_anything_is_sent() {
    let (client, script) = client([]);
    let error = client.delete_ident_data(&OrderId::received(".."), &options()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput);
    assert!(script.sent().is_empty());
}

#[test]
fn at_22_a_first_order_id_has_14_characters_unless_the_dialect_says_otherwise() {
    let order = |id: &str| {
        let options = MultiSignOptions::default().first_order_id(OrderId::received(id));
        plain_order().product(15_u32).multi_sign_options(options)
    };
    accepts(&order("99920006C38842"));
    let long = order("99920006C388421");
    rejects(&long, "MultiSignOptions.FirstOrderID", "AT-22");
    assert_eq!(faults(&long, &allowing(|dialect| dialect.long_first_order_ids = true)), []);
}

// ---- Results -------------------------------------------------------------------------------------------------

#[test]
fn at_23_ident_data_comes_as_an_object_or_as_an_array() {
    let erika = |kind: Option<u32>| json!({"Type": kind, "Firstname": "Erika"});
    for (data, checked, initial) in [
        (erika(None), true, false),
        (erika(Some(1)), true, false),
        (erika(Some(2)), false, true),
        (json!([erika(None)]), true, false),
        (json!([erika(Some(1)), erika(Some(2))]), true, true),
        (json!([erika(Some(2)), erika(Some(1))]), true, true),
        (json!([erika(Some(2))]), false, true),
        (json!([]), false, false),
        (json!(null), false, false),
    ] {
        let answer = ident_data(&json!({ "IdentData": data }));
        let seen = (answer.checked().is_some(), answer.initial().is_some());
        assert_eq!(seen, (checked, initial), "{data}");
        assert!(answer.checked().is_none_or(|data| data.kind != Some(2)));
    }
}

#[test]
fn at_24_an_answer_about_another_order_is_refused_and_one_about_none_is_read() {
    for told in [json!({}), json!({"OrderID": null}), json!({"OrderID": ""}), json!({ "OrderID": ORDER })] {
        ident_data(&told);
    }
    let other = json_answer(200, r#"{"OrderID":"99920006C38842"}"#);
    for error in [
        decode(&GetIdentData::new(id()), &other).map(drop).unwrap_err(),
        decode(&GetIdentDataInitial::new(id()), &other).map(drop).unwrap_err(),
        decode(&GetIdentDataMethod::new(id()), &other).map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Integrity);
        assert!(!format!("{error} {error:?}").contains("99920006C38842"));
    }
}

#[test]
fn at_25_nulls_are_nothing_and_1970_is_unset_only_in_the_initial_document() {
    let data = |kind: u32| {
        json!({"Type": kind, "Surname": null, "Birthdate": "1970-01-01",
            "IDCard": {"CardNo": null, "ValidUntil": "1970-01-01", "DateOfIssue": "1970-01-01"}})
    };
    let (answer, warnings) = ident_data_answer(&json!({"IdentData": [data(1), data(2)]})).unwrap();
    assert_eq!(rules(&warnings), ["AT-25"]);
    let (checked, initial) = (answer.checked().unwrap(), answer.initial().unwrap());
    for part in [checked, initial] {
        assert!(part.surname.is_none() && part.id_card.as_ref().unwrap().card_no.is_none());
        assert_eq!(part.birthdate.as_ref().unwrap().expose(), "1970-01-01", "a real birthday");
    }
    assert!(checked.card_valid_until().is_some() && checked.card_date_of_issue().is_some());
    assert!(initial.card_valid_until().is_none() && initial.card_date_of_issue().is_none());
    let (answer, warnings) = ident_data_answer(&json!({"IdentData": [data(1)]})).unwrap();
    assert!(warnings.is_empty() && answer.initial().is_none());
    // The message itself stays what the vendor sent.
    let literal = fixture("S-046-get-ident-data-response.json");
    let decoded = decode(&GetIdentDataInitial::new(id()), &json_answer(200, literal)).unwrap();
    let initial = decoded.value.initial().unwrap();
    assert_eq!(initial.id_card.as_ref().unwrap().valid_until.as_ref().unwrap().expose(), "1970-01-01");
    assert!(initial.card_valid_until().is_none());
}

#[test]
fn at_26_the_date_of_issue_of_the_id_card_is_read_and_written() {
    let answer = ident_data(&json!({"IdentData": {"IDCard": {"DateOfIssue": "2010-01-11"}}}));
    let card = answer.checked().unwrap().id_card.as_ref().unwrap();
    assert_eq!(card.date_of_issue.as_ref().unwrap().expose(), "2010-01-11");
    let data = OrderIdentData::default().id_card(IdCard::default().date_of_issue("2010-01-11"));
    let sent = sent_json(&plain_order().ident_data(data), &dialect());
    assert_eq!(sent["IdentData"]["IDCard"]["DateOfIssue"], "2010-01-11");
}

#[test]
fn at_27_a_special_attribute_comes_back_as_text_number_truth_or_object() {
    for (told, text) in [
        (json!("2010-01-11"), Some("2010-01-11")),
        (json!(7), Some("7")),
        (json!(true), Some("true")),
        (json!({"Type": 2, "Label": "Date of Issue", "Value": "2010-01-11"}), Some("2010-01-11")),
        (json!({"Type": 1, "Value": 7}), Some("7")),
        (json!({"Type": 1}), None),
        (json!(null), None),
        (json!([1]), None),
    ] {
        let answer = ident_data(&json!({"IdentData": {"Additional": {"detail": told}}}));
        let detail = &answer.checked().unwrap().additional.as_ref().unwrap()["detail"];
        assert_eq!(detail.text().as_deref(), text, "{told}");
        assert_eq!(serde_json::to_value(detail).unwrap(), told, "kept as it came");
    }
}

#[test]
fn at_28_an_image_is_found_in_every_reading_of_the_impossible_nesting() {
    let front = || Blob::Text("/9j/".into());
    for told in [
        json!({"Image": "/9j/", "Filename": "front.jpg"}),
        json!({"Filename": "front.jpg", "Base64Data": "/9j/"}),
        json!({"Image": {"Data": "/9j/", "Filename": "front.jpg"}}),
        json!({"Image": {"Base64": "/9j/", "Filename": "front.jpg"}}),
        json!({"Image": {"Base64Data": "/9j/", "Filename": "front.jpg"}}),
        json!({"Image": {"Data": "/9j/"}, "Filename": "front.jpg"}),
    ] {
        let answer = ident_data(&json!({"IdentData": {"Images": [told]}}));
        let images = answer.checked().unwrap().images.as_ref().unwrap();
        assert_eq!(images.as_slice(), [Image::default().image(front()).filename("front.jpg")], "{told}");
        assert_eq!(serde_json::to_value(&images[0]).unwrap(), json!({"Image": "/9j/", "Filename": "front.jpg"}));
    }
    let answer = ident_data(&json!({"IdentData": {"Images": ["/9j/", {"Image": null, "Pages": 2}]}}));
    let images = answer.checked().unwrap().images.as_ref().unwrap();
    assert_eq!(images[0], Image::default().image(front()));
    assert!(images[1].image.is_none() && images[1].extra.0.contains_key("Pages"));
    let error = ident_data_answer(&json!({"IdentData": {"Images": [{"Image": 7}]}})).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert!(error.to_string().contains("IdentData"), "{error}");
}

#[test]
fn at_29_a_legitimation_document_is_written_as_an_object_or_by_the_dialect_as_a_text() {
    let documents = vec![LegitimationDocument::default().document("Aufenthaltstitel")];
    let order = plain_order().legitimation_document(documents);
    let objects = sent_json(&order, &dialect());
    assert_eq!(objects["LegitimationDocument"], json!([{"Document": "Aufenthaltstitel"}]));
    let bare = sent_json(&order, &allowing(|dialect| dialect.bare_legitimation_documents = true));
    assert_eq!(bare["LegitimationDocument"], json!(["Aufenthaltstitel"]));
    assert_eq!(order_of(&objects), order);
    assert_eq!(order_of(&bare), order, "the sandbox's side reads both");
}

#[test]
fn at_30_email_and_mobile_of_ident_data_follow_their_names_and_not_their_descriptions() {
    let swapped = OrderIdentData::default().email("+491711234567").mobile("e.mustermann@example.com");
    let expected = [("IdentData.Email".to_owned(), "AT-47"), ("IdentData.Mobile".to_owned(), "AT-51")];
    assert_eq!(faults(&plain_order().ident_data(swapped), &dialect()), expected);
    let named = OrderIdentData::default().mobile("+491711234567").email("e.mustermann@example.com");
    accepts(&plain_order().ident_data(named));
}

#[test]
fn at_31_back_is_the_back() {
    let images = IdCardImages::default().front(Blob::from_bytes("front")).back(Blob::from_bytes("back"));
    let data = OrderIdentData::default().id_card(IdCard::default().images(images));
    let sent = sent_json(&plain_order().add(4_194_304_u64).ident_data(data), &dialect());
    let images = &sent["IdentData"]["IDCard"]["Images"];
    assert_eq!(images["Front"], encode_base64(b"front"));
    assert_eq!(images["Back"], encode_base64(b"back"));
}

#[test]
fn at_32_the_signature_parameters_belong_to_the_files_of_the_master_order() {
    let parameters = SignParameters::default().filename("a.pdf").signature_field_name("field 1");
    let options =
        MultiSignOptions::default().first_order_id(OrderId::received(ORDER)).sign_parameters(vec![parameters]);
    let sent = sent_json(&plain_order().product(15_u32).multi_sign_options(options), &dialect());
    let expected = json!([{"Filename": "a.pdf", "SignatureFieldName": "field 1"}]);
    assert_eq!(sent["MultiSignOptions"]["SignParameters"], expected);
    assert!(sent.get("eSignPDF").is_none());
}

// ---- Documents to be signed ----------------------------------------------------------------------------------

#[test]
fn at_33_one_document_is_an_object_and_several_are_an_array() {
    let order = |pdfs| plain_order().product(15_u32).sign_pdf(pdfs);
    let data = encode_base64(PDF);
    let one = json!({"Data": data, "Filename": "a.pdf"});
    for pdfs in [OneOrMany::One(pdf("a.pdf")), OneOrMany::Many(vec![pdf("a.pdf")])] {
        assert_eq!(sent_json(&order(pdfs), &dialect())["eSignPDF"], one);
    }
    let two = sent_json(&order(OneOrMany::Many(vec![pdf("a.pdf"), pdf("b.pdf")])), &dialect());
    assert_eq!(two["eSignPDF"], json!([one, {"Data": data, "Filename": "b.pdf"}]));
    let hashes = plain_order().product(15_u32).sign_hash(OneOrMany::Many(vec![hash("a.pdf")]));
    assert_eq!(sent_json(&hashes, &dialect())["eSignHash"], json!({"Hash": "c2hhMjU2", "Filename": "a.pdf"}));
    rejects(&order(OneOrMany::One(SignPdf::default())), "eSignPDF.Data", "AT-33");
    let empty = SignHash::default().filename("a.pdf");
    rejects(&plain_order().product(15_u32).sign_hash(OneOrMany::One(empty)), "eSignHash.Hash", "AT-33");
}

#[test]
fn at_34_documents_and_hashes_in_one_order_are_refused_unless_the_dialect_says_otherwise() {
    let order =
        plain_order().product(15_u32).sign_pdf(OneOrMany::One(pdf("a.pdf"))).sign_hash(OneOrMany::One(hash("b.pdf")));
    rejects(&order, "eSignHash", "AT-34");
    assert_eq!(faults(&order, &allowing(|dialect| dialect.pdf_and_hash_together = true)), []);
}

#[test]
fn at_35_hashes_need_a_name_and_no_two_files_share_one() {
    let nameless = SignHash::default().hash("c2hhMjU2");
    let order = |hashes| plain_order().product(15_u32).sign_hash(hashes);
    rejects(&order(OneOrMany::One(nameless.clone())), "eSignHash.Filename", "AT-35");
    rejects(&order(OneOrMany::One(nameless.filename(""))), "eSignHash.Filename", "AT-35");
    rejects(&order(OneOrMany::Many(vec![hash("a"), hash("a")])), "eSignHash", "AT-35");
    accepts(&order(OneOrMany::Many(vec![hash("a"), hash("b")])));
    let pdfs = OneOrMany::Many(vec![pdf("a"), pdf("a")]);
    rejects(&plain_order().product(15_u32).sign_pdf(pdfs), "eSignPDF", "AT-35");
}

#[test]
fn at_35_a_signed_document_without_content_is_an_error_and_never_shifts_the_others() {
    let told = |pdfs: Value| json_answer(200, json!({ "PDFs": pdfs }).to_string());
    let data = encode_base64(b"%PDF-1.7 two");
    for pdfs in [
        json!([{"Base64Data": null}, {"Base64Data": data}]),
        json!([{}, {"Base64Data": data}]),
        json!([{"Base64Data": data}, {"Data": data}]),
        json!([]),
        json!(null),
    ] {
        let error = decode(&GetESignPdf::new(id()), &told(pdfs)).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
    }
}

#[test]
fn at_37_the_first_bytes_tell_a_pdf_from_json_whatever_the_content_type_says() {
    let list = json!({"PDFs": [{"Base64Data": encode_base64(PDF)}]}).to_string();
    for media in [
        "application/pdf",
        "application/json",
        "application/json; charset=utf-8",
        "application/octet-stream",
        "text/html",
    ] {
        let one = decode(&GetESignPdf::new(id()), &answer(200, media, PDF)).unwrap().value;
        let SignedPdfs::One(content) = one else { panic!("{media}: a PDF was taken for JSON") };
        assert_eq!(collect(content), PDF);
        let many = decode(&GetESignPdf::new(id()), &answer(200, media, list.clone())).unwrap().value;
        let SignedPdfs::Many(many) = many else { panic!("{media}: JSON was taken for a PDF") };
        assert_eq!(many[0].to_bytes().unwrap(), PDF);
    }
    for nothing in ["", "<html>Mustermann</html>", "%PDF", "null", "[]"] {
        let error = decode(&GetESignPdf::new(id()), &answer(200, "application/pdf", nothing)).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{nothing}");
        assert!(!error.to_string().contains("Mustermann"));
    }
}

#[test]
fn at_37_a_pdf_is_streamed_by_its_first_bytes_and_a_list_is_read_whole() {
    let Reply::Sniff { stream, .. } = GetESignPdf::META.reply else { panic!("not decided by the first bytes") };
    for media in ["application/pdf", "application/json; charset=utf-8", "text/html"] {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]);
        assert!(stream(&headers, PDF), "{media}");
        assert!(!stream(&headers, b"{\"PDFs\":[]}"), "{media}");
    }
    assert!(stream(&HeaderMap::new(), PDF), "no Content-Type at all");
}

#[tokio::test]
async fn at_37_both_forms_arrive_through_the_client() {
    let list = json!({"PDFs": [{"Base64Data": encode_base64(PDF)}]}).to_string();
    let (client, script) = client([
        Step::Answer(answer(200, "application/json; charset=utf-8", PDF)),
        Step::Answer(answer(200, "application/json; charset=utf-8", list)),
    ]);
    let one = client.signed_pdfs(&id(), &options()).await.unwrap().value;
    let SignedPdfs::One(content) = one else { panic!("a PDF was taken for JSON") };
    assert_eq!(content.collect(1000).await.unwrap(), PDF);
    let many = client.signed_pdfs(&id(), &options()).await.unwrap().value;
    assert!(matches!(many, SignedPdfs::Many(many) if many.len() == 1));
    assert_eq!(script.sent().len(), 2);
}

#[test]
fn at_42_elements_that_are_not_listed_survive_in_orders_and_answers() {
    let mut text = serde_json::from_slice::<Value>(&fixture("S-035-put-order-request.json")).unwrap();
    text["Email"] = "e.mustermann@example.com".into();
    text["AllowedProductSet"] = json!([1, {"a": null}]);
    text["Address"]["Floor"] = json!("3");
    text["IdentData"]["Additional"]["idCardDateOfIssue"]["Hint"] = json!(false);
    assert_eq!(sent_json(&order_of(&text), &dialect()), text);
    let mut order = plain_order();
    order.extra.0.insert("AllowedProductSet".to_owned(), json!("all"));
    assert_eq!(sent_json(&order, &dialect())["AllowedProductSet"], "all");
    let told = r#"{"OrderID":"1","GiroURL":"https://www.example.com/giro"}"#;
    let giro = decode(&plain_order(), &json_answer(202, told)).unwrap().value;
    assert_eq!(giro.extra.0["GiroURL"], "https://www.example.com/giro", "AT-41: the giro link has no documented field");
}

// ---- The strict writer ---------------------------------------------------------------------------------------

#[test]
fn at_44_countries_are_two_capital_letters_in_both_places() {
    let both = |country: &str| {
        let address = plain_order().address.unwrap().country(country);
        plain_order().address(address).ident_data(OrderIdentData::default().country(country))
    };
    accepts(&both("AT"));
    for odd in ["de", "DEU", "D", "276", "Ö1", "D ", "Deutschland"] {
        let expected = [("Address.Country".to_owned(), "AT-44"), ("IdentData.Country".to_owned(), "AT-44")];
        assert_eq!(faults(&both(odd), &dialect()), expected, "{odd}");
    }
    assert_eq!(ident_data(&json!({"IdentData": {"Country": "DEU"}})).checked().unwrap().country, Some("DEU".into()));
}

#[test]
fn at_45_a_postal_code_is_never_cut_and_a_longer_one_needs_the_dialect() {
    let both = |zip: &str| {
        let address = plain_order().address.unwrap().zip_code(zip);
        plain_order().address(address).ident_data(OrderIdentData::default().zip_code(zip))
    };
    accepts(&both("43000"));
    let dutch = both("1012 AB");
    let expected = [("Address.ZipCode".to_owned(), "AT-45"), ("IdentData.ZipCode".to_owned(), "AT-45")];
    assert_eq!(faults(&dutch, &dialect()), expected);
    let sent = sent_json(&dutch, &allowing(|dialect| dialect.long_zip_codes = true));
    assert_eq!(sent["Address"]["ZipCode"], "1012 AB");
    let read = ident_data(&json!({"IdentData": {"ZipCode": "1012 AB"}}));
    assert_eq!(read.checked().unwrap().zip_code, Some("1012 AB".into()));
}

#[test]
fn at_46_the_same_field_has_another_length_elsewhere_and_lengths_count_characters() {
    let street = "ö".repeat(51);
    let address = plain_order().address.unwrap().street(street.clone());
    rejects(&plain_order().address(address), "Address.Street", "T-005");
    accepts(&plain_order().ident_data(OrderIdentData::default().street(street)));
    let fifty = plain_order().address.unwrap().street("ö".repeat(50));
    accepts(&plain_order().address(fifty));
    let long = "x".repeat(1000);
    let read = ident_data(&json!({"IdentData": {"Street": long, "Email": long}}));
    assert_eq!(read.checked().unwrap().street.as_ref().unwrap().expose().len(), 1000, "the reader has no limits");
}

#[test]
fn at_47_a_mail_address_is_trimmed_outside_and_refused_with_blanks_inside() {
    let order = plain_order().email(" \te.mustermann@example.com ");
    accepts(&order);
    assert!(order.check(&dialect()).is_ok(), "check judges what will be sent");
    assert_eq!(sent_json(&order, &dialect())["Email"], "e.mustermann@example.com");
    for odd in ["e mustermann@example.com", "e@exam ple.com", "e.example.com", "@example.com", "e@", "e@@x.de", "e@.de"]
    {
        rejects(&plain_order().email(odd), "Email", "AT-47");
    }
}

#[test]
fn at_48_the_name_at_birth_has_three_states() {
    let order = |data| sent_json(&plain_order().ident_data(data), &dialect())["IdentData"].clone();
    assert_eq!(order(OrderIdentData::default().surname("M")), json!({"Surname": "M"}), "not determined");
    assert_eq!(order(OrderIdentData::default().birthname("")), json!({"Birthname": ""}), "determined");
    assert_eq!(order(OrderIdentData::default().birthname("Gabler")), json!({"Birthname": "Gabler"}), "checked");
    let null = order_of(&json!({"IdentData": {"Birthname": null}}));
    assert!(null.ident_data.unwrap().birthname.is_none(), "null means the same as absent");
}

#[test]
fn at_49_an_empty_field_is_sent_and_an_absent_one_is_not() {
    let empty = OrderIdentData::default().firstname("").birthdate("").country("").gender("").mobile("").email("");
    let order = plain_order().ident_data(empty);
    accepts(&order);
    let expected = json!({"Firstname": "", "Country": "", "Birthdate": "", "Gender": "", "Email": "", "Mobile": ""});
    assert_eq!(sent_json(&order, &dialect())["IdentData"], expected);
}

#[test]
fn at_50_gender_is_written_in_small_letters_and_the_port_leaves_a_third_one_out() {
    use identkit_core::Gender;
    for (gender, good) in [("female", true), ("male", true), ("FEMALE", false), ("m", false), ("diverse", false)] {
        let order = plain_order().ident_data(OrderIdentData::default().gender(gender));
        if good {
            accepts(&order);
        } else {
            rejects(&order, "IdentData.Gender", "AT-50");
        }
    }
    let read = ident_data(&json!({"IdentData": {"Gender": "diverse"}}));
    assert_eq!(read.checked().unwrap().gender, Some("diverse".into()), "the reader keeps what comes");
    for (gender, sent) in
        [(Gender::Female, json!("female")), (Gender::Male, json!("male")), (Gender::Other, Value::Null)]
    {
        let (client, script) = client([Step::Answer(json_answer(202, r#"{"OrderID":"1"}"#))]);
        let mut case = neutral_case();
        case.person.gender = Some(gender);
        block_on(client.open(&case, &options())).unwrap();
        let body: Value = serde_json::from_slice(&script.sent()[0].body).unwrap();
        assert_eq!(body["IdentData"]["Gender"], sent);
    }
}

fn neutral_case() -> NewCase {
    let mut case =
        NewCase { purpose: Purpose::Identification, reference: Some("case-4711".into()), ..Default::default() };
    case.person.given_names = "Erika".into();
    case.person.family_name = "Mustermann".into();
    case.person.email = Some("e.mustermann@example.com".into());
    case.person.address.country = Some("DE".into());
    case
}

#[test]
fn at_51_phone_numbers_are_international_with_a_plus_and_7_to_15_digits() {
    for good in ["+4917012", "+491701234567", "+123456789012345", " +491701234567 "] {
        accepts(&plain_order().phone(good).mobile(good));
    }
    for odd in ["491701234567", "00491701234567", "+49 170 1234567", "+491701", "+1234567890123456", "+49170123456x"] {
        let expected = [("Phone".to_owned(), "AT-51"), ("Mobile".to_owned(), "AT-51")];
        assert_eq!(faults(&plain_order().phone(odd).mobile(odd), &dialect()), expected, "{odd}");
    }
}

#[test]
fn at_52_add_is_a_sum_that_is_always_written_and_keeps_bits_of_later_versions() {
    for add in [0_u64, 8, 4096 | 8192, 131_072 | 32, 8_388_608 | 256, 1 << 40] {
        let order = plain_order().add(add);
        accepts(&order);
        assert_eq!(sent_json(&order, &dialect())["Add"], add);
        assert_eq!(order_of(&json!({ "Add": add })).add, Some(add));
    }
    let mut order = plain_order();
    order.add = None;
    rejects(&order, "Add", "T-056");
    rejects(&plain_order().product(15_u32).add(8_u64 | 16), "Add", "T-052");
}

// ---- Answers that are none -----------------------------------------------------------------------------------

#[tokio::test]
async fn at_53_a_202_without_an_order_id_is_an_unknown_outcome_and_the_order_is_sent_once() {
    for told in [
        "",
        "{}",
        "null",
        "[]",
        r#"{"OrderID":null}"#,
        r#"{"OrderID":""}"#,
        r#"{"Error":"Mustermann"}"#,
        r#"{"Ref":"case-4711","Error":"Mustermann"}"#,
        r#"{"OrderID":99999999999999999999}"#,
        "<html>Mustermann</html>",
        r#"{"OrderID":"999212"#,
    ] {
        let (client, script) = client([Step::Answer(json_answer(202, told))]);
        let error = client.put_order(plain_order(), &options()).await.unwrap_err();
        let told_by_us = (error.kind(), error.advice(), error.delivery());
        assert_eq!(told_by_us, (Kind::OutcomeUnknown, Advice::Reconcile, Some(Delivery::MaybeSent)), "{told}");
        assert!(!format!("{error} {error:?}").contains("Mustermann"));
        assert_eq!(script.calls(), ["PUT /putOrder"], "{told}");
        if told.contains("Error") {
            assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann", "what the vendor wrote is not lost");
        }
    }
}

#[tokio::test]
async fn at_53_an_error_beside_an_order_id_is_a_warning() {
    let told = r#"{"OrderID":"99921269855041","Error":"Mustermann could not be mailed"}"#;
    let (client, script) = client([Step::Answer(json_answer(202, told))]);
    let answered = client.put_order(plain_order(), &options()).await.unwrap();
    assert_eq!(answered.value.order_id, id());
    assert_eq!(rules(&answered.warnings), ["AT-53"]);
    assert!(!format!("{answered:?}").contains("Mustermann"));
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn at_53_the_vendors_words_are_found_in_every_shape_of_a_400_and_never_printed() {
    for (body, told) in [
        (r#"{"Error":"Mustermann"}"#, Some("Mustermann")),
        (r#"{"error":"Mustermann"}"#, Some("Mustermann")),
        (r#"{"message":"Mustermann"}"#, Some("Mustermann")),
        (r#"{"Message":"Mustermann"}"#, Some("Mustermann")),
        (r#"{"messages":["Mustermann","Erika"]}"#, Some("Mustermann; Erika")),
        (r#""Mustermann""#, Some("Mustermann")),
        (" Mustermann is not known\r\n", Some("Mustermann is not known")),
        ("<html>Mustermann</html>", Some("<html>Mustermann</html>")),
        (r#"{"Error":null}"#, None),
        ("{}", None),
        ("", None),
    ] {
        let (client, script) = client([Step::Answer(json_answer(400, body))]);
        let error = client.put_order(plain_order(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::Rejected, Advice::FixInput), "{body}");
        assert_eq!(error.vendor_text().map(|text| text.expose().as_str()), told, "{body}");
        assert!(!format!("{error} {error:?}").contains("Mustermann"));
        assert_eq!(script.sent().len(), 1);
    }
    let (client, _) = client([Step::Answer(json_answer(400, "x".repeat(100_000)))]);
    let error = client.put_order(plain_order(), &options()).await.unwrap_err();
    assert!(error.vendor_text().is_none_or(|text| text.expose().len() <= 2_000), "capped");
}

#[test]
fn at_74_times_are_read_in_every_form_and_kept_as_they_came() {
    for told in ["2018-09-05T11:06:21+02:00", "2018-09-05T09:06:21Z", "2018-09-05 11:06:21.000+02:00"] {
        let at = ident_data(&json!({ "Identified": told })).identified.unwrap();
        assert_eq!((at.as_str(), at.timestamp().unwrap().as_second()), (told, 1_536_138_381));
    }
    let odd = ident_data(&json!({"Identified": "gestern"})).identified.unwrap();
    assert_eq!((odd.as_str(), odd.timestamp()), ("gestern", None));
}

#[tokio::test]
async fn at_76_the_report_is_handed_on_and_never_parsed() {
    let (vendor, _) = client([Step::Answer(answer(200, "text/html", PDF))]);
    let report = vendor.ident_data_pdf(&id(), &options()).await.unwrap().value;
    assert_eq!(report.collect(1000).await.unwrap(), PDF);
    let (vendor, script) = client([Step::Answer(answer(200, "application/pdf", "<html>Mustermann</html>"))]);
    let error = vendor.ident_data_pdf(&id(), &options()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert!(!format!("{error} {error:?}").contains("Mustermann"));
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn at_77_a_put_that_may_have_arrived_is_never_repeated() {
    for step in [
        Step::Reset,
        Step::Truncated,
        Step::Answer(json_answer(500, "")),
        Step::Answer(json_answer(502, "")),
        Step::Answer(json_answer(503, "").header("retry-after", "0")),
        Step::Answer(json_answer(504, "")),
    ] {
        let (client, script) = client([step.clone()]);
        let error = client.put_order(plain_order(), &options().attempts(9)).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{step:?}");
        assert_eq!(script.calls(), ["PUT /putOrder"], "{step:?}");
    }
}

#[tokio::test]
async fn at_77_a_put_that_was_proved_not_to_have_been_sent_is_tried_again_with_the_same_ref() {
    let (client, script) = client([Step::NotSent, Step::Answer(json_answer(202, r#"{"OrderID":"99921269855041"}"#))]);
    let answered = client.put_order(plain_order(), &options()).await.unwrap();
    assert_eq!(answered.attempts, 2);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn at_80_server_status_is_asked_once_whatever_comes() {
    for (step, kind) in [
        (Step::Answer(json_answer(500, "")), Kind::Unavailable),
        (Step::Answer(json_answer(503, "")), Kind::Unavailable),
        (Step::Reset, Kind::Unreachable),
        (Step::NotSent, Kind::Unreachable),
        (Step::Answer(json_answer(404, "")), Kind::NotFound),
    ] {
        let (client, _) = client([step]);
        assert_eq!(client.server_status(&options().attempts(9)).await.unwrap_err().kind(), kind);
    }
    let (client, script) = client([Step::Answer(answer(200, "text/html", "<p>up"))]);
    client.server_status(&options()).await.unwrap();
    assert!(script.sent()[0].headers.contains_key("authorization"), "the account's credentials go along");
}

#[test]
fn at_81_notifications_hold_mail_addresses_and_no_events() {
    use identkit_identity_tm::messages::EmailNotifications;
    let order = |mails| plain_order().email_notifications(mails);
    accepts(&order(EmailNotifications::default().on_leave("e@example.com").on_time_out("e@example.com")));
    let name = "EmailNotifications.OnPositiveIdent";
    rejects(&order(EmailNotifications::default().on_positive_ident("true")), name, "AT-47");
}

#[test]
fn at_82_the_method_is_known_in_any_case_and_an_unknown_one_is_kept() {
    for (told, method) in [
        ("Courier", Some(IdentifyMethod::Courier)),
        ("Shop", Some(IdentifyMethod::Shop)),
        ("video", Some(IdentifyMethod::Video)),
        ("eID", Some(IdentifyMethod::Eid)),
        ("EID", Some(IdentifyMethod::Eid)),
        ("Giro", Some(IdentifyMethod::Giro)),
        ("SmartID", Some(IdentifyMethod::SmartId)),
        ("autoID", Some(IdentifyMethod::AutoId)),
        ("AutoID", Some(IdentifyMethod::AutoId)),
        ("Wallet", None),
    ] {
        let answer = ident_data(&json!({ "IdentifyMethod": told }));
        assert_eq!(answer.method(), method, "{told}");
        assert_eq!(answer.identify_method.as_deref(), Some(told));
    }
    assert_eq!(IdentDataAnswer::default().method(), None);
}

#[test]
fn at_83_special_attributes_are_2_without_video_and_up_to_10_where_the_person_chooses() {
    let order = |product: u32, count: usize| {
        let details = (0..count).map(|at| (format!("d{at}"), Additional::default().kind(1_u32).label("l").value("v")));
        let data = OrderIdentData::default().additional(details.collect::<std::collections::BTreeMap<_, _>>());
        plain_order().product(product).add(8_u64).ident_data(data)
    };
    let about = |order: &PutOrder| warnings(order).into_iter().filter(|rule| *rule == "AT-83").count();
    assert_eq!(about(&order(0, 2)), 0);
    rejects(&order(0, 3), "IdentData.Additional", "AT-83");
    for product in [12, 15, 16] {
        assert_eq!(about(&order(product, 2)), 0);
        assert_eq!(about(&order(product, 3)), 1);
        assert_eq!(about(&order(product, 10)), 1);
        rejects(&order(product, 11), "IdentData.Additional", "AT-83");
    }
}

#[test]
fn at_85_a_signature_goes_to_a_position_a_page_or_a_field_and_never_to_two_of_them() {
    let (x, w) = ("SignaturePosX", "SignatureWidth");
    let field = "SignatureFieldName";
    for (place, fault) in [
        (json!({}), None),
        (json!({"SignaturePage": 2}), None),
        (json!({"SignaturePosX": 0, "SignaturePosY": 1.5}), None),
        (json!({"SignaturePosX": 0, "SignaturePosY": 1.5, "SignaturePage": 2}), None),
        (json!({"SignaturePosX": 0, "SignaturePosY": 0, "SignatureHeight": 5, "SignatureWidth": 9}), None),
        (json!({"SignatureFieldName": "field 1"}), None),
        (json!({"SignaturePosX": 1}), Some(x)),
        (json!({"SignaturePosY": 1}), Some(x)),
        (json!({"SignatureHeight": 5, "SignatureWidth": 9}), Some(w)),
        (json!({"SignatureHeight": 5}), Some(w)),
        (json!({"SignatureFieldName": "field 1", "SignaturePosX": 1, "SignaturePosY": 1}), Some(field)),
        (json!({"SignatureFieldName": "field 1", "SignaturePage": 1}), Some(field)),
        (json!({"SignaturePosX": -1, "SignaturePosY": 1}), Some(x)),
    ] {
        let with = |other: Value| {
            let mut object = place.as_object().unwrap().clone();
            object.extend(other.as_object().unwrap().clone());
            Value::Object(object)
        };
        let mut orders = vec![
            ("eSignPDF", json!({"eSignPDF": with(json!({"Data": encode_base64(PDF)}))})),
            (
                "MultiSignOptions.SignParameters[0]",
                json!({"MultiSignOptions": {
                "FirstOrderID": ORDER, "SignParameters": [place]}}),
            ),
        ];
        if place.get(field).is_none() && place.get("SignaturePage").is_none() {
            orders.push(("eSignHash", json!({"eSignHash": with(json!({"Hash": "c2hh", "Filename": "a"}))})));
        }
        for (at, text) in orders {
            let mut order = order_of(&text).product(15_u32).add(0_u64).email("e@example.com").reference("r");
            order.address = plain_order().address;
            let expected: Vec<_> = fault.map(|field| (format!("{at}.{field}"), "AT-85")).into_iter().collect();
            assert_eq!(faults(&order, &dialect()), expected, "{text}");
        }
    }
    let infinite = pdf("a.pdf").signature_pos_x(f64::INFINITY).signature_pos_y(f64::NAN);
    let told = faults(&plain_order().product(15_u32).sign_pdf(OneOrMany::One(infinite)), &dialect());
    let expected = [("eSignPDF.SignaturePosX".to_owned(), "AT-85"), ("eSignPDF.SignaturePosY".to_owned(), "AT-85")];
    assert_eq!(told, expected);
}

#[test]
fn at_86_what_is_signed_begins_like_a_pdf() {
    let order = |blob: Blob| plain_order().product(15_u32).sign_pdf(OneOrMany::One(SignPdf::default().data(blob)));
    accepts(&order(Blob::from_bytes(PDF)));
    accepts(&order(Blob::Text(encode_base64(PDF).into())));
    for bytes in ["", "PK", "%PDF", " %PDF-1.7", "{\"a\":1}"] {
        rejects(&order(Blob::from_bytes(bytes)), "eSignPDF.Data", "AT-86");
        rejects(&order(Blob::Text(encode_base64(bytes.as_bytes()).into())), "eSignPDF.Data", "AT-86");
    }
    rejects(&order(Blob::Text("%PDF-1.7".into())), "eSignPDF.Data", "AT-86");
}

#[test]
fn at_86_an_encrypted_pdf_is_refused_unless_the_dialect_says_otherwise() {
    let before = "%PDF-1.7\n";
    let document = format!("{before}xref\n0 0\ntrailer\n<< /Encrypt 5 0 R >>\nstartxref\n{}\n%%EOF\n", before.len());
    let signed = SignPdf::default().data(Blob::from_bytes(document));
    let order = plain_order().product(15_u32).sign_pdf(OneOrMany::One(signed));
    rejects(&order, "eSignPDF.Data", "AT-86");
    assert_eq!(faults(&order, &allowing(|dialect| dialect.encrypted_pdfs = true)), []);
}

#[tokio::test]
async fn at_87_a_redirect_is_an_error_and_is_never_followed() {
    for status in [301, 302, 303, 304, 307, 308] {
        let moved = || Step::Answer(json_answer(status, "").header("location", "https://www.example.com/"));
        let (client, script) = client([moved(), moved(), moved()]);
        let errors = [
            client.put_order(plain_order(), &options()).await.unwrap_err(),
            client.ident_data(&id(), &options()).await.unwrap_err(),
            client.delete_ident_data(&id(), &options()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.status()), (Kind::Protocol, Some(status)), "{error}");
        }
        let hosts: Vec<_> = script.sent().iter().map(|seen| seen.uri.host().unwrap().to_owned()).collect();
        assert_eq!(hosts, ["customer.identity.tm"; 3], "each was sent once, to the vendor");
    }
}

#[tokio::test]
async fn at_88_credentials_go_out_as_utf_8_and_those_that_cannot_be_written_are_refused() {
    let build = |user: &str, code: &str| {
        let script = Arc::new(Script::default());
        IdentityTm::builder(Account::new(user, Secret::new(code))).build(script, Arc::new(SystemClock::new()))
    };
    for (user, code) in [("", "x"), ("a:b", "x"), ("a\u{7f}", "x"), ("a", "x\n")] {
        assert_eq!(build(user, code).unwrap_err().kind(), Kind::InvalidInput, "{user:?}");
    }
    build("Köln", "a:b").unwrap();
    let (client, script) = client([Step::Answer(json_answer(200, "{}"))]);
    client.ident_data(&id(), &options()).await.unwrap();
    assert_eq!(script.sent()[0].headers["authorization"], format!("Basic {}", encode_base64(b"4711:code")));
    assert!(!format!("{client:?} {:?}", Account::new("4711", Secret::new("c0de"))).contains("c0de"));
}

// ---- The matrix of chapter 4 ---------------------------------------------------------------------------------

/// What a call answers with, whatever the operation.
async fn call(client: &IdentityTm, name: &str) -> Error {
    let (id, options) = (id(), options());
    let error = match name {
        "putOrder" => client.put_order(plain_order(), &options).await.map(drop),
        "getStatus" => client.status_general(&id, &options).await.map(drop),
        "getStatus/ExtendedList" => client.status(&id, &options).await.map(drop),
        "getIdentData" => client.ident_data(&id, &options).await.map(drop),
        "getIdentData/IncludeInitialData" => client.ident_data_with_initial(&id, &options).await.map(drop),
        "getIdentData/IncludeIdentifyMethod" => client.ident_data_with_method(&id, &options).await.map(drop),
        "getIdentDataPDF" => client.ident_data_pdf(&id, &options).await.map(drop),
        "getESignPDF" => client.signed_pdfs(&id, &options).await.map(drop),
        "delIdentdata" => client.delete_ident_data(&id, &options).await.map(drop),
        "serverStatus" => client.server_status(&options).await.map(drop),
        other => panic!("{other} is no operation of this crate"),
    };
    error.unwrap_err()
}

const READS: &[&str] = &[
    "getStatus",
    "getStatus/ExtendedList",
    "getIdentData",
    "getIdentData/IncludeInitialData",
    "getIdentData/IncludeIdentifyMethod",
    "getIdentDataPDF",
    "getESignPDF",
];

/// The documented error codes of every operation of this crate: contract, chapter 4.
fn matrix() -> Vec<(&'static str, u16, Kind, Advice)> {
    let bad = (400, Kind::Rejected, Advice::FixInput);
    let unauthorized = (401, Kind::Authentication, Advice::CheckCredentials);
    let unknown = (404, Kind::NotFound, Advice::DoNotRetry);
    let mut cells = vec![
        ("putOrder", bad),
        ("putOrder", unauthorized),
        ("delIdentdata", bad),
        ("delIdentdata", unauthorized),
        ("delIdentdata", (404, Kind::NotFound, Advice::ReadStatus)),
        ("delIdentdata", (406, Kind::InvalidState, Advice::ReadStatus)),
        ("serverStatus", (500, Kind::Unavailable, Advice::RetryLater)),
    ];
    for name in READS {
        cells.extend([(*name, bad), (*name, unauthorized), (*name, unknown)]);
    }
    cells.into_iter().map(|(name, (status, kind, advice))| (name, status, kind, advice)).collect()
}

#[tokio::test]
async fn every_documented_code_of_every_operation_has_its_kind_and_advice_and_is_final() {
    for (name, status, kind, advice) in matrix() {
        let (client, script) = client([Step::Answer(json_answer(status, r#"{"Error":"Mustermann"}"#))]);
        let error = call(&client, name).await;
        assert_eq!((error.kind(), error.advice(), error.status()), (kind, advice, Some(status)), "{name} {status}");
        assert_eq!((error.operation(), error.delivery()), (Some(name), Some(Delivery::Answered)), "{name} {status}");
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann");
        assert_eq!(script.sent().len(), 1, "{name} {status}");
    }
}

#[tokio::test]
async fn codes_that_are_not_documented_have_a_kind_of_their_own_too() {
    for (status, kind, advice) in [
        (403, Kind::Forbidden, Advice::DoNotRetry),
        (405, Kind::Rejected, Advice::DoNotRetry),
        (409, Kind::Conflict, Advice::DoNotRetry),
        (413, Kind::Rejected, Advice::DoNotRetry),
        (415, Kind::Rejected, Advice::DoNotRetry),
    ] {
        for name in ["putOrder", "getStatus", "getESignPDF", "delIdentdata"] {
            let (client, script) = client([Step::Answer(json_answer(status, ""))]);
            let error = call(&client, name).await;
            assert_eq!((error.kind(), error.advice()), (kind, advice), "{name} {status}");
            assert_eq!(script.sent().len(), 1, "{name} {status}");
        }
    }
}

#[tokio::test]
async fn reads_and_the_delete_are_repeated_while_the_vendor_is_down_or_busy() {
    for name in READS.iter().chain(&["delIdentdata"]) {
        for (status, kind) in [(500, Kind::Unavailable), (503, Kind::Unavailable), (429, Kind::RateLimited)] {
            let (client, script) = client(vec![Step::Answer(json_answer(status, "")); 4]);
            let error = call(&client, name).await;
            assert_eq!((error.kind(), error.advice()), (kind, Advice::RetryLater), "{name} {status}");
            assert_eq!(script.sent().len(), 4, "{name} {status}");
        }
    }
}

#[tokio::test]
async fn after_a_401_nothing_more_is_sent_with_these_credentials() {
    let (client, script) = client([Step::Answer(json_answer(401, ""))]);
    for _ in 0..3 {
        let error = client.status(&id(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::Authentication, Advice::CheckCredentials));
    }
    assert_eq!(script.sent().len(), 1);
}

#[test]
fn the_matrix_names_every_documented_code_of_the_descriptions() {
    fn listed<Op: Operation>() -> Vec<(&'static str, u16)> {
        Op::META.refusals.iter().map(|refusal| (Op::META.name, refusal.status)).collect()
    }
    let mut described = [
        listed::<PutOrder>(),
        listed::<GetStatus>(),
        listed::<GetStatusExtended>(),
        listed::<GetIdentData>(),
        listed::<GetIdentDataInitial>(),
        listed::<GetIdentDataMethod>(),
        listed::<GetIdentDataPdf>(),
        listed::<GetESignPdf>(),
        listed::<DelIdentData>(),
        listed::<ServerStatus>(),
    ]
    .concat();
    // 500 means for serverStatus what it means anywhere.
    described.push(("serverStatus", 500));
    let mut tested: Vec<_> = matrix().into_iter().map(|(name, status, ..)| (name, status)).collect();
    described.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, described);
}

#[test]
fn unknown_status_codes_survive_a_round_trip() {
    let text = json!({"Status": [{"Kind": 4711, "Time": "2018-09-05T11:06:21+02:00"}]});
    let status: OrderStatus = decode(&GetStatus::new(id()), &json_answer(200, text.to_string())).unwrap().value;
    assert_eq!(status.kinds().collect::<Vec<_>>(), [StatusKind(4711)]);
    assert_eq!(serde_json::to_value(&status).unwrap(), text);
}
