//! Malformed responses, times, methods, documents to sign, redirects and credentials.

use super::*;

#[tokio::test]
async fn at_53_a_202_without_an_order_id_is_outcome_unknown() {
    for text in [
        "",
        "{}",
        "null",
        "[]",
        r#"{"OrderID":null}"#,
        r#"{"OrderID":""}"#,
        r#"{"OrderID":0}"#,
        r#"{"OrderID":false}"#,
        r#"{"OrderID":" "}"#,
        r#"{"OrderID":"null"}"#,
        r#"{"OrderID":"error"}"#,
        r#"{"OrderID":"rejected"}"#,
        r#"{"OrderID":"the order 4711 was not accepted"}"#,
        r#"{"OrderID":1.50}"#,
        r#"{"OrderID":-99921269855041}"#,
        r#"{"Error":"Mustermann"}"#,
        r#"{"Ref":"case-4711","Error":"Mustermann"}"#,
        r#"{"OrderID":["99921269855041"]}"#,
        "<html>Mustermann</html>",
        r#"{"OrderID":"999212"#,
    ] {
        let client = client([reply(202, text)]);
        let error = error_of(client.put_order(&plain_order(), &options()).await);
        let actual = (error.kind(), error.advice(), error.delivery());
        assert_eq!(actual, (Kind::OutcomeUnknown, Advice::Reconcile, Some(Delivery::MaybeSent)), "{text}");
        assert_eq!(client.calls(), ["PUT /putOrder"], "{text}");
        if text.contains("Error") {
            assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann", "the vendor's text is preserved");
        }
    }
}

#[tokio::test]
async fn at_22_a_word_is_not_the_id_of_a_new_order() {
    for word in ["Fehler", "abgelehnt", "unbekannt", "duplicate", "KEINE-NUMMER", "000000", "0"] {
        let client = client([reply(202, format!(r#"{{"OrderID":"{word}"}}"#))]);
        let error = error_of(client.put_order(&plain_order(), &options()).await);
        let ids: Vec<_> = error.salvaged_ids().iter().map(|id| id.value.expose().to_owned()).collect();
        assert_eq!((error.kind(), ids), (Kind::OutcomeUnknown, vec![word.to_owned()]));
    }
}

#[tokio::test]
async fn at_53_an_error_together_with_an_order_id_is_a_warning() {
    let text = r#"{"OrderID":"99921269855041","Error":"Mustermann could not be mailed"}"#;
    let client = client([reply(202, text)]);
    let response = client.put_order(&plain_order(), &options()).await.unwrap();
    assert_eq!(response.value.order_id, id());
    assert_eq!(rules(&response.warnings), ["AT-53"]);
    assert!(!format!("{response:?}").contains("Mustermann"));
}

#[tokio::test]
async fn at_99_a_target_url_that_is_invalid_is_a_warning() {
    for (url, warned) in [("https://identity.tm/x", false), ("https://identity.tm:99999/ä", true), ("", false)] {
        let client = client([reply(202, format!(r#"{{"OrderID":"99921269855041","TargetURL":"{url}"}}"#))]);
        let response = client.put_order(&plain_order(), &options()).await.unwrap();
        assert_eq!(rules(&response.warnings), if warned { vec!["AT-99"] } else { vec![] }, "{url}");
        assert_eq!(response.value.answer.target_url.unwrap().expose(), url);
    }
}

#[tokio::test]
async fn at_95_two_order_ids_are_unknown_beside_an_odd_element() {
    for odd in ["", r#","VideoHashes":"x""#] {
        let client = client([reply(202, format!(r#"{{"OrderID":"1","OrderID":"2"{odd}}}"#))]);
        let error = error_of(client.put_order(&plain_order(), &options()).await);
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{odd}");
        let ids: Vec<_> = error.salvaged_ids().into_iter().map(|id| id.value.expose().to_owned()).collect();
        assert_eq!(ids, ["1", "2"], "{odd}");
    }
}

#[tokio::test]
async fn at_53_vendor_text_is_read_from_any_shape_of_a_400() {
    for (body, text) in [
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
        let error = error_of(client.put_order(&plain_order(), &options()).await);
        assert_eq!((error.kind(), error.advice()), (Kind::Rejected, Advice::FixInput), "{body}");
        assert_eq!(error.vendor_text().map(|text| text.expose().as_str()), text, "{body}");
    }
    let client = client([reply(400, "x".repeat(100_000))]);
    let error = client.put_order(&plain_order(), &options()).await.unwrap_err();
    assert!(error.vendor_text().is_none_or(|text| text.expose().len() <= 2_000), "capped");
}

#[test]
fn at_74_times_are_read_in_every_form_and_preserved() {
    for text in ["2018-09-05T11:06:21+02:00", "2018-09-05T09:06:21Z", "2018-09-05 11:06:21.000+02:00"] {
        let at = ident_data(&json!({ "Identified": text, "IdentData": {"Firstname": "Erika"} })).identified.unwrap();
        assert_eq!((at.as_str(), at.timestamp().unwrap().as_second()), (text, 1_536_138_381));
    }
    let odd = ident_data(&json!({"Identified": "gestern", "IdentData": {"Firstname": "Erika"}})).identified.unwrap();
    assert_eq!((odd.as_str(), odd.timestamp()), ("gestern", None));
}

#[tokio::test]
async fn at_76_the_report_is_returned_unparsed() {
    let vendor = client([Step::Answer(answer(200, "text/html", PDF))]);
    let report = vendor.ident_data_pdf(&id(), &options()).await.unwrap().value;
    assert_eq!(report.collect(1000).await.unwrap(), PDF);
    let vendor = client([Step::Answer(answer(200, "application/pdf", "<html>Mustermann</html>"))]);
    let error = error_of(vendor.ident_data_pdf(&id(), &options()).await);
    assert_eq!(error.kind(), Kind::Protocol);
}

#[test]
fn at_82_the_method_ignores_case_and_preserves_unknown_ones() {
    for (text, method) in [
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
        let answer = ident_data(&json!({ "IdentifyMethod": text, "IdentData": {"Firstname": "Erika"} }));
        assert_eq!(answer.method(), method, "{text}");
        assert_eq!(answer.identify_method.as_deref(), Some(text));
    }
    assert_eq!(IdentDataAnswer::default().method(), None);
}

#[test]
fn at_85_positions_must_be_finite() {
    let infinite = pdf("a.pdf").signature_pos_x(f64::INFINITY).signature_pos_y(f64::NAN);
    let violations = violations_of(&plain_order().product(15_u32).sign_pdf(OneOrMany::One(infinite)), &dialect());
    let expected = [("eSignPDF.SignaturePosX".to_owned(), "AT-85"), ("eSignPDF.SignaturePosY".to_owned(), "AT-85")];
    assert_eq!(violations, expected);
}

#[test]
fn at_86_a_document_to_sign_must_have_a_pdf_header() {
    let order = |blob: Blob| plain_order().product(15_u32).sign_pdf(OneOrMany::One(SignPdf::default().data(blob)));
    accepts(&order(Blob::from_bytes(PDF)));
    accepts(&order(Blob::Text(encode_base64(PDF).into())));
    // Readers accept other bytes before the header.
    accepts(&order(Blob::from_bytes([b"\xef\xbb\xbf", PDF].concat())));
    for bytes in ["", "PK", "%PDF", " %PDF1.7", "{\"a\":1}"] {
        rejects(&order(Blob::from_bytes(bytes)), "eSignPDF.Data", "AT-86");
        rejects(&order(Blob::Text(encode_base64(bytes.as_bytes()).into())), "eSignPDF.Data", "AT-86");
    }
    rejects(&order(Blob::Text("%PDF-1.7".into())), "eSignPDF.Data", "AT-86");
}

#[test]
fn at_86_the_dialect_allows_encrypted_pdfs() {
    let before = "%PDF-1.7\n";
    let document = format!("{before}xref\n0 0\ntrailer\n<< /Encrypt 5 0 R >>\nstartxref\n{}\n%%EOF\n", before.len());
    let signed = SignPdf::default().data(Blob::from_bytes(document));
    let order = plain_order().product(15_u32).sign_pdf(OneOrMany::One(signed));
    rejects(&order, "eSignPDF.Data", "AT-86");
    assert_eq!(violations_of(&order, &allowing(|dialect| dialect.encrypted_pdfs = true)), []);
}

#[tokio::test]
async fn at_87_redirects_are_errors_and_never_followed() {
    for status in [301, 302, 303, 304, 307, 308] {
        let moved = || Step::Answer(json_answer(status, "").header("location", "https://www.example.com/"));
        let client = client([moved(), moved(), moved()]);
        let errors = [
            // Whether the vendor executed the call is not known (AT-97).
            (client.put_order(&plain_order(), &options()).await.unwrap_err(), Kind::OutcomeUnknown),
            (client.ident_data(&id(), &options()).await.unwrap_err(), Kind::Protocol),
            (client.delete_ident_data(&id(), &options()).await.unwrap_err(), Kind::OutcomeUnknown),
        ];
        for (error, kind) in errors {
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{error}");
        }
        let hosts: Vec<_> = client.sent().iter().map(|request| request.uri.host().unwrap().to_owned()).collect();
        assert_eq!(hosts, ["customer.identity.tm"; 3], "each request was sent once, to the vendor");
    }
}

#[tokio::test]
async fn at_88_credentials_are_utf_8_and_invalid_ones_are_rejected() {
    let build = |user: &str, code: &str| {
        let builder = IdentityTm::builder(Credentials::new(user, Secret::new(code)));
        builder.transport(Arc::new(Script::default())).clock(Arc::new(SystemClock::new())).build()
    };
    for (user, code) in [("", "x"), ("a:b", "x"), ("a\u{7f}", "x"), ("a", "x\n")] {
        assert_eq!(build(user, code).unwrap_err().kind(), Kind::InvalidInput, "{user:?}");
    }
    build("Köln", "a:b").unwrap();
    let client = client([reply(200, r#"{"IdentData":{"Firstname":"Erika"}}"#)]);
    client.ident_data(&id(), &options()).await.unwrap();
    assert_eq!(client.sent()[0].headers["authorization"], format!("Basic {}", encode_base64(b"4711:code")));
    assert!(!format!("{:?} {:?}", *client, Credentials::new("4711", Secret::new("c0de"))).contains("c0de"));
}
