//! Results of an identification, and signed documents.

use super::*;

#[test]
fn at_23_ident_data_is_an_object_or_an_array() {
    let erika = |kind: Option<u32>| json!({"Type": kind, "Firstname": "Erika"});
    for (data, checked, initial) in [
        (erika(None), true, false),
        (erika(Some(1)), true, false),
        (erika(Some(2)), false, true),
        (json!([erika(None)]), true, false),
        (json!([erika(Some(1)), erika(Some(2))]), true, true),
        (json!([erika(Some(2)), erika(Some(1))]), true, true),
        (json!([erika(Some(2))]), false, true),
    ] {
        let answer = ident_data(&json!({ "IdentData": data }));
        let actual = (answer.checked().is_some(), answer.initial().is_some());
        assert_eq!(actual, (checked, initial), "{data}");
        assert!(answer.checked().is_none_or(|data| data.kind != Some(2)));
    }
}

#[test]
fn at_25_1970_means_unknown_in_initial_id_card_dates_only() {
    let data = |kind: u32| {
        json!({"Type": kind, "Surname": null, "Birthdate": "1970-01-01",
            "IDCard": {"CardNo": null, "ValidUntil": "1970-01-01", "DateOfIssue": "1970-01-01"}})
    };
    let (answer, warnings) =
        ident_data_answer(&json!({"OrderID": id().expose(), "IdentData": [data(1), data(2)]})).unwrap();
    assert_eq!(rules(&warnings), ["AT-25"]);
    let (checked, initial) = (answer.checked().unwrap(), answer.initial().unwrap());
    for part in [checked, initial] {
        assert!(part.surname.is_none() && part.id_card.as_ref().unwrap().card_no.is_none());
        assert_eq!(part.birthdate.as_ref().unwrap().expose(), "1970-01-01", "a real date of birth");
    }
    assert!(checked.card_valid_until().is_some() && checked.card_date_of_issue().is_some());
    assert!(initial.card_valid_until().is_none() && initial.card_date_of_issue().is_none());
    let (answer, warnings) = ident_data_answer(&json!({"OrderID": id().expose(), "IdentData": [data(1)]})).unwrap();
    assert!(warnings.is_empty() && answer.initial().is_none());
    // The message itself is unchanged.
    let literal = fixture("S-046-get-ident-data-response.json");
    let decoded = decode(&GetIdentDataInitial::new(id()), &json_answer(200, literal)).unwrap();
    let initial = decoded.value.initial().unwrap();
    assert_eq!(initial.id_card.as_ref().unwrap().valid_until.as_ref().unwrap().expose(), "1970-01-01");
    assert!(initial.card_valid_until().is_none());
}

#[test]
fn at_27_a_special_attribute_is_read_as_any_json_value() {
    for (value, text) in [
        (json!("2010-01-11"), Some("2010-01-11")),
        (json!(7), Some("7")),
        (json!(true), Some("true")),
        (json!({"Type": 2, "Label": "Date of Issue", "Value": "2010-01-11"}), Some("2010-01-11")),
        (json!({"Type": 1, "Value": 7}), Some("7")),
        (json!({"Type": 1}), None),
        (json!(null), None),
        (json!([1]), None),
    ] {
        let answer = ident_data(&json!({"IdentData": {"Surname": "x", "Additional": {"detail": value}}}));
        let detail = &answer.checked().unwrap().additional.as_ref().unwrap()["detail"];
        assert_eq!(detail.text().as_deref(), text, "{value}");
        assert_eq!(serde_json::to_value(detail).unwrap(), value, "preserved");
    }
}

#[test]
fn at_31_the_back_image_is_sent_as_back() {
    let images = IdCardImages::default().front(Blob::from_bytes("front")).back(Blob::from_bytes("back"));
    let data = OrderIdentData::default().id_card(IdCard::default().images(images));
    let sent = sent_json(&plain_order().add(4_194_304_u64).ident_data(data), &dialect());
    let images = &sent["IdentData"]["IDCard"]["Images"];
    assert_eq!(images["Front"], encode_base64(b"front"));
    assert_eq!(images["Back"], encode_base64(b"back"));
}

#[test]
fn at_32_sign_parameters_are_sent_for_the_master_order() {
    let parameters = SignParameters::default().filename("a.pdf").signature_field_name("field 1");
    let options = MultiSignOptions::default().first_order_id(OrderId::new(ORDER)).sign_parameters(vec![parameters]);
    let sent = sent_json(&plain_order().product(15_u32).multi_sign_options(options), &dialect());
    let expected = json!([{"Filename": "a.pdf", "SignatureFieldName": "field 1"}]);
    assert_eq!(sent["MultiSignOptions"]["SignParameters"], expected);
    assert!(sent.get("eSignPDF").is_none());
}
