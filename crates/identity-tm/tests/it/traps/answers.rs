//! Answers that are none, and what the transport does.

use super::*;

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
        let client = client([reply(202, told)]);
        let error = fault(client.put_order(&plain_order(), &options()).await);
        let told_by_us = (error.kind(), error.advice(), error.delivery());
        assert_eq!(told_by_us, (Kind::OutcomeUnknown, Advice::Reconcile, Some(Delivery::MaybeSent)), "{told}");
        assert_eq!(client.calls(), ["PUT /putOrder"], "{told}");
        if told.contains("Error") {
            assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann", "what the vendor wrote is not lost");
        }
    }
}

#[tokio::test]
async fn at_53_an_error_beside_an_order_id_is_a_warning() {
    let told = r#"{"OrderID":"99921269855041","Error":"Mustermann could not be mailed"}"#;
    let client = client([reply(202, told)]);
    let answered = client.put_order(&plain_order(), &options()).await.unwrap();
    assert_eq!(answered.value.order_id, id());
    assert_eq!(rules(&answered.warnings), ["AT-53"]);
    assert!(!format!("{answered:?}").contains("Mustermann"));
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
        let client = client([reply(400, body)]);
        let error = fault(client.put_order(&plain_order(), &options()).await);
        assert_eq!((error.kind(), error.advice()), (Kind::Rejected, Advice::FixInput), "{body}");
        assert_eq!(error.vendor_text().map(|text| text.expose().as_str()), told, "{body}");
    }
    let client = client([reply(400, "x".repeat(100_000))]);
    let error = client.put_order(&plain_order(), &options()).await.unwrap_err();
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
    let vendor = client([Step::Answer(answer(200, "text/html", PDF))]);
    let report = vendor.ident_data_pdf(&id(), &options()).await.unwrap().value;
    assert_eq!(report.collect(1000).await.unwrap(), PDF);
    let vendor = client([Step::Answer(answer(200, "application/pdf", "<html>Mustermann</html>"))]);
    let error = fault(vendor.ident_data_pdf(&id(), &options()).await);
    assert_eq!(error.kind(), Kind::Protocol);
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
fn at_85_a_place_that_is_no_number_is_refused() {
    let infinite = pdf("a.pdf").signature_pos_x(f64::INFINITY).signature_pos_y(f64::NAN);
    let told = refused(&plain_order().product(15_u32).sign_pdf(OneOrMany::One(infinite)), &dialect());
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
    assert_eq!(refused(&order, &allowing(|dialect| dialect.encrypted_pdfs = true)), []);
}

#[tokio::test]
async fn at_87_a_redirect_is_an_error_and_is_never_followed() {
    for status in [301, 302, 303, 304, 307, 308] {
        let moved = || Step::Answer(json_answer(status, "").header("location", "https://www.example.com/"));
        let client = client([moved(), moved(), moved()]);
        let errors = [
            client.put_order(&plain_order(), &options()).await.unwrap_err(),
            client.ident_data(&id(), &options()).await.unwrap_err(),
            client.delete_ident_data(&id(), &options()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.status()), (Kind::Protocol, Some(status)), "{error}");
        }
        let hosts: Vec<_> = client.sent().iter().map(|seen| seen.uri.host().unwrap().to_owned()).collect();
        assert_eq!(hosts, ["customer.identity.tm"; 3], "each was sent once, to the vendor");
    }
}

#[tokio::test]
async fn at_88_credentials_go_out_as_utf_8_and_those_that_cannot_be_written_are_refused() {
    let build = |user: &str, code: &str| {
        let builder = IdentityTm::builder(Credentials::new(user, Secret::new(code)));
        builder.transport(Arc::new(Script::default())).clock(Arc::new(SystemClock::new())).build()
    };
    for (user, code) in [("", "x"), ("a:b", "x"), ("a\u{7f}", "x"), ("a", "x\n")] {
        assert_eq!(build(user, code).unwrap_err().kind(), Kind::InvalidInput, "{user:?}");
    }
    build("Köln", "a:b").unwrap();
    let client = client([reply(200, "{}")]);
    client.ident_data(&id(), &options()).await.unwrap();
    assert_eq!(client.sent()[0].headers["authorization"], format!("Basic {}", encode_base64(b"4711:code")));
    assert!(!format!("{:?} {:?}", *client, Credentials::new("4711", Secret::new("c0de"))).contains("c0de"));
}
