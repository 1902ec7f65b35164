//! The builder of orders: exclusive options replace each other, errors list all violations, the result is the vendor's
//! JSON.

use identkit_identity_tm::order::{
    Add, Birthname, Gender, HashPlacement, Pick, Placement, Product, Progress, Size, ToSign,
};

use crate::support::*;

const EMAIL: &str = "e.mustermann@example.com";

fn address() -> Address {
    Address::default().firstname("Erika").surname("Mustermann").country("DE")
}

fn identification() -> NewOrder {
    NewOrder::identification(EMAIL, address())
}

fn signature() -> NewOrder {
    NewOrder::signature(EMAIL, address())
}

fn sent(order: NewOrder) -> Value {
    sent_json(&order.build().unwrap(), &Dialect::default())
}

fn violations(error: &Error) -> Vec<(&str, &'static str)> {
    assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
    assert!(error.violations().iter().all(|violation| violation.section == "[T] 3.1.3"));
    error.violations().iter().map(|violation| (&*violation.field, violation.rule)).collect()
}

fn pdf(name: &str) -> ToSign {
    ToSign::pdf(name, Blob::from_bytes(PDF))
}

#[test]
fn t_056_required_elements_are_always_written() {
    let expected = json!({
        "Product": 12, "Add": 0, "Email": EMAIL,
        "Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": "DE"},
    });
    assert_eq!(sent(identification()), expected);
}

#[test]
fn each_constructor_sets_product_add_and_flavor() {
    let build = |order: NewOrder| {
        let order = order.build().unwrap();
        (order.product, order.add, order.flavor())
    };
    let ident = OrderFlavor::IdentOnly;
    assert_eq!(build(identification()), (Some(12), Some(0), ident));
    assert_eq!(build(NewOrder::identification_without_video(EMAIL, address())), (Some(0), Some(0), ident));
    assert_eq!(build(NewOrder::auto_id(EMAIL, address())), (Some(16), Some(0), ident));
    assert_eq!(build(signature().sign(pdf("a.pdf"))), (Some(15), Some(0), OrderFlavor::Qes));
    let by_account = NewOrder::signature_by_account(EMAIL, address()).sign(pdf("a.pdf"));
    assert_eq!(build(by_account), (Some(15), Some(16), OrderFlavor::Qes));
    let account = NewOrder::sign_me_account(EMAIL, address());
    assert_eq!(build(account), (Some(15), Some(8), OrderFlavor::SignAccountOnly));
    let unlisted =
        NewOrder::new(Product(17), EMAIL, address()).with_add(Add(256) | Add::RECORD_VIDEO).with_add(Add::NO_PHONE);
    // What ends an order of an unlisted product is not known (AT-14).
    assert_eq!(build(unlisted), (Some(17), Some(256 + 131_072 + 32), OrderFlavor::Unknown));
}

#[test]
fn t_052_signing_needs_a_document_and_at_most_one_account_bit() {
    assert_eq!(violations(&signature().build().unwrap_err()), [("eSignPDF", "T-052")]);
    let both = NewOrder::sign_me_account(EMAIL, address()).with_add(Add::USE_ACCOUNT);
    assert_eq!(violations(&both.build().unwrap_err()), [("Add", "T-052")]);
}

#[test]
fn all_violations_are_reported_at_once() {
    let nowhere = Address::default().surname("Mustermann").country("Germany");
    let order = NewOrder::signature("no address", nowhere).phone("0170").reference("Shop GWG");
    let expected = [
        ("Email", "AT-47"),
        ("Phone", "AT-51"),
        ("Address.Firstname", "T-056"),
        ("Address.Country", "AT-44"),
        ("eSignPDF", "T-052"),
    ];
    assert_eq!(violations(&order.build().unwrap_err()), expected);
}

#[test]
fn build_for_applies_the_dialect() {
    let order = || signature().sign(ToSign::hash("a", b"one")).sign(ToSign::hash("a", b"two"));
    assert_eq!(violations(&order().build().unwrap_err()), [("eSignHash", "AT-35")]);
    let mut dialect = Dialect::default();
    dialect.same_file_names = true;
    assert!(order().build_for(&dialect).is_ok());
}

#[test]
fn t_050_a_later_progress_webhook_replaces_the_earlier() {
    let order = || identification().on_final("https://www.example.com/final");
    let video = Progress::AfterVideo(Secret::new("https://www.example.com/v"));
    let ident = Progress::AfterIdent(Secret::new("https://www.example.com/i"));
    assert_eq!((video.callback().name(), ident.callback().name()), ("AfterVideo", "AfterIdent"));
    let expected = json!({"AfterVideo": "https://www.example.com/v", "OnFinal": "https://www.example.com/final"});
    assert_eq!(sent(order().on_progress(ident.clone()).on_progress(video.clone()))["WebhookURL"], expected);
    let expected = json!({"AfterIdent": "https://www.example.com/i", "OnFinal": "https://www.example.com/final"});
    assert_eq!(sent(order().on_progress(video).on_progress(ident))["WebhookURL"], expected);
}

#[test]
fn at_48_at_49_at_50_types_select_what_is_checked() {
    let data = OrderIdentData::default()
        .firstname("Erika")
        .street(Pick)
        .gender(Gender::Female)
        .born(jiff::civil::date(1964, 8, 12));
    let ident_data = |name| sent(identification().ident_data(data.clone().name_at_birth(name)))["IdentData"].clone();
    let mut expected = json!({"Firstname": "Erika", "Street": "", "Birthdate": "1964-08-12", "Gender": "female"});
    assert_eq!(ident_data(Birthname::Skip), expected);
    expected["Birthname"] = "".into();
    assert_eq!(ident_data(Birthname::Determine), expected);
    expected["Birthname"] = "Mustermann".into();
    assert_eq!(ident_data(Birthname::Check("Mustermann".into())), expected);
}

#[test]
fn at_85_every_placement_is_written_as_documented() {
    let data = encode_base64(PDF);
    let at = |page| Placement::At { x: 1.5, y: 2.0, page, size: Size { width: None, height: Some(20.0) } };
    for (placement, mut expected) in [
        (Placement::Default, json!({})),
        (Placement::Page(3), json!({"SignaturePage": 3})),
        (at(None), json!({"SignaturePosX": 1.5, "SignaturePosY": 2.0, "SignatureHeight": 20.0})),
        (at(Some(3)), json!({"SignaturePosX": 1.5, "SignaturePosY": 2.0, "SignatureHeight": 20.0, "SignaturePage": 3})),
        (Placement::Field("sig".into()), json!({"SignatureFieldName": "sig"})),
    ] {
        let master = OrderId::new("99920006C38842");
        let parameters = SignParameters::default().filename("m.pdf").placement(placement.clone());
        let order = signature()
            .sign(ToSign::pdf_at("a.pdf", Blob::from_bytes(PDF), placement))
            .sign_of_order(master, vec![parameters]);
        let body = sent(order);
        expected["Filename"] = "m.pdf".into();
        assert_eq!(body["MultiSignOptions"]["SignParameters"], json!([expected]));
        assert_eq!(body["MultiSignOptions"]["FirstOrderID"], "99920006C38842");
        expected["Filename"] = "a.pdf".into();
        expected["Data"] = data.clone().into();
        assert_eq!(body["eSignPDF"], expected);
    }
    let placement = HashPlacement::At { x: 1.5, y: 2.0, size: Size::new(40.0, 20.0) };
    let body = sent(signature().sign(ToSign::hash_at("a", b"hash", placement)).sign(ToSign::hash("b", b"hash")));
    let hash = encode_base64(b"hash");
    let expected = json!([
        {"Hash": hash, "Filename": "a", "SignaturePosX": 1.5, "SignaturePosY": 2.0,
            "SignatureWidth": 40.0, "SignatureHeight": 20.0},
        {"Hash": hash, "Filename": "b"},
    ]);
    assert_eq!(body["eSignHash"], expected);
    let nowhere = Placement::At { x: f64::NAN, y: -1.0, page: None, size: Size::default() };
    let error = signature().sign(ToSign::pdf_at("a.pdf", Blob::from_bytes(PDF), nowhere)).build().unwrap_err();
    assert_eq!(violations(&error), [("eSignPDF.SignaturePosX", "AT-85"), ("eSignPDF.SignaturePosY", "AT-85")]);
}

#[test]
fn at_33_one_document_is_an_object_several_are_an_array() {
    assert!(sent(signature().sign(pdf("a.pdf")))["eSignPDF"].is_object());
    let body = sent(signature().sign(pdf("b.pdf")).sign(pdf("a.pdf")));
    let names: Vec<_> = body["eSignPDF"].as_array().unwrap().iter().map(|pdf| pdf["Filename"].clone()).collect();
    assert_eq!(names, ["b.pdf", "a.pdf"]);
}

#[test]
fn other_setters_write_their_documented_element() {
    let order = identification()
        .reference("case-4711")
        .phone("+49301234567")
        .mobile("+491701234567")
        .target_link()
        .video_hashes()
        .giro_link("DE12500105170648489890")
        .redirect(Some(Secret::new("https://www.example.com/s")), None)
        .accept_document("passport")
        .accept_document("ID card")
        .notify(EmailNotifications::default().on_leave("n@example.com"))
        .reuse(&SignedIdentData("b3BhcXVlLXNpZ25lZA==".into()))
        .unwrap()
        .unlisted("AllowedProductSet", json!([1]));
    let expected = json!({
        "Ref": "case-4711", "Product": 12, "Add": 0, "getTargetLink": true, "getVideoHashes": true,
        "getGiroLink": "DE12500105170648489890",
        "RedirectURL": {"Success": "https://www.example.com/s"},
        "Phone": "+49301234567", "Mobile": "+491701234567", "Email": EMAIL,
        "Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": "DE"},
        "LegitimationDocument": [{"Document": "passport"}, {"Document": "ID card"}],
        "IdentDataSigned": "b3BhcXVlLXNpZ25lZA==",
        "EmailNotifications": {"OnLeave": "n@example.com"},
        "AllowedProductSet": [1],
    });
    assert_eq!(sent(order), expected);
    assert!(sent(identification().redirect(None, None)).get("RedirectURL").is_none());
    let listed = identification().unlisted("Email", json!("x")).build().unwrap_err();
    assert_eq!(violations(&listed), [("Email", "AT-42")]);
}

#[test]
fn debug_of_the_builder_redacts_personal_data() {
    let order = identification().reference("Mustermann-1").ident_data(OrderIdentData::default().firstname("Erika"));
    let shown = format!("{order:?}{:?}", signature().sign(pdf("Mustermann.pdf")));
    assert!(!shown.contains("Mustermann") && !shown.contains("Erika") && !shown.contains(EMAIL), "{shown}");
}

#[test]
fn a_built_order_round_trips() {
    let order = signature().sign(pdf("a.pdf")).target_link().build().unwrap();
    let text = sent_json(&order, &Dialect::default()).to_string();
    assert_eq!(PutOrder::from_json(text.as_bytes()).unwrap(), order);
}
