//! The samples of the vendor's document: a test decodes and encodes each fixture.

use std::collections::BTreeSet;

use crate::support::*;

fn value(name: &str) -> Value {
    identkit_wire::json::read(&fixture(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// Removes `null` elements, which mean the same as absent ones (AT-25).
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(many) => many.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Decodes a response sample, encodes it on the server side and compares it with the sample, except for nulls. The
/// snapshots of `operations.rs` show the decoded value.
fn round_trip<Op>(operation: &Op, name: &str) -> Op::Output
where
    Op: ServedOperation<Dialect = Dialect>,
    Op::Output: Clone,
{
    let status = Op::META.expect[0];
    let read = decode(operation, &json_answer(status, fixture(name))).unwrap_or_else(|error| panic!("{error}"));
    let answer = Op::encode_response(read.value.clone()).unwrap();
    assert_eq!(answer.status(), status, "{name}");
    let sent: Value = serde_json::from_slice(&collect(answer.into_body())).unwrap();
    assert_eq!(sent, without_nulls(value(name)), "{name}");
    read.value
}

/// Decodes a request sample on the server side.
fn receive<Op: ServedOperation>(name: &str) -> Op {
    let request = Request::new(Bytes::from(fixture(name)));
    Op::decode_request(&Params::default(), &request).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the sent body of a request.
fn sent<Op: ServedOperation<Dialect = Dialect>>(operation: &Op) -> Value {
    let encoded = operation.encode(&Dialect::default()).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&body_bytes(&encoded.body)).unwrap()
}

#[test]
fn s_031_and_s_032_templates_are_parsed_as_events() {
    for (name, callback) in [
        ("S-031-after-video-webhook.url.txt", OrderCallback::AfterVideo),
        ("S-032-on-final-webhook.url.txt", OrderCallback::OnFinal),
    ] {
        let template = String::from_utf8(fixture(name)).unwrap();
        let mut event =
            identkit_core::Event::new("identity-tm", callback.name(), format!("{ORDER}/{}", callback.name()));
        event.case_id = Some(Secret::new(ORDER));
        event.reference = Some("Just_a_test".into());
        let request = callback.emit(&template, &Method::GET, &event).unwrap();
        let url =
            format!("https://www.example.com/identity/callback/{}?orderId={ORDER}&ref=Just_a_test", callback.name());
        assert_eq!(request.uri().to_string(), url, "{name}");
        assert_eq!(callback.parse(&request).unwrap(), event, "{name}");
    }
}

#[test]
fn s_035_is_written_as_it_was_read_with_the_email_trimmed() {
    let mut expected = value("S-035-put-order-request.json");
    assert_eq!(expected["Email"], "e.mustermann@example.com ", "the document has a blank here");
    expected["Email"] = "e.mustermann@example.com".into();
    let order = document_order();
    assert_eq!(sent_json(&order, &Dialect::default()), expected);
    assert!(order.check(&Dialect::default()).unwrap().is_empty(), "the document's example has no warnings");
    assert_eq!(order.flavor(), OrderFlavor::SignAccountOnly);
    assert_eq!(receive::<PutOrder>("S-035-put-order-request.json"), order);
}

#[test]
fn every_response_sample_is_read_and_written_unchanged() {
    round_trip(&document_order(), "S-036-put-order-response.json");
    let status = round_trip(&GetStatusExtended::new(id()), "S-040-get-status-response.json");
    assert_eq!(status.finality(OrderFlavor::SignAccountOnly).outcome, Outcome::Positive);
    assert_eq!(status.finality(OrderFlavor::Qes).outcome, Outcome::Identified);
    assert_eq!(status.timeline().last().unwrap().kind, Some(StatusKind::ACCOUNT_VERIFIED));
    let data = round_trip(&GetIdentDataInitial::new(id()), "S-046-get-ident-data-response.json");
    assert_eq!(data.checked().unwrap().mobile.as_ref().unwrap().expose(), "+4915114084205");
    assert_eq!(data.initial().unwrap().id_card.as_ref().unwrap().card_no, None);
    let voices = round_trip(&GetVoiceFiles::new(id()), "S-056-get-voice-files-response.repaired.json");
    let [file] = voices.voicefiles.as_deref().unwrap() else { panic!("the sample has one recording") };
    assert_eq!(file.audio().unwrap(), [0xff, 0xfb, 0x90, 0, 0, 0, 0, 0].as_slice(), "starts like an MP3 frame");
    round_trip(&DrainUnreported, "S-062-get-all-status-response.json");
    round_trip(&GetBankList, "S-075-get-bank-list-response.json");
    let user = round_trip(&CheckSignmeUser::default(), "S-079-check-signme-user-response.json");
    assert!(!user.can_sign_at_once());
}

#[test]
fn every_request_sample_is_read_and_written_unchanged() {
    let name = "S-069-confirm-sign-request.json";
    assert_eq!(sent(&ConfirmSign::new(id(), Secret::new("123456"))), value(name));
    assert_eq!(sent(&receive::<ConfirmSign>(name)), value(name));
    let name = "S-078-check-signme-user-request.json";
    assert_eq!(sent(&receive::<CheckSignmeUser>(name)), value(name));
    // Except for `ExtendedList`, which is in the URL.
    let name = "S-061-get-all-status-request.json";
    let read: AllStatusRequest = identkit_wire::json::read(&fixture(name)).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), value(name));
    assert_eq!(receive::<GetAllStatusExtended>(name).request, read);
    assert_eq!(receive::<GetAllStatus>(name).request, read);
    let mut expected = value(name);
    expected.as_object_mut().unwrap().remove("ExtendedList");
    let period = read.period.unwrap();
    assert_eq!(sent(&GetAllStatusExtended::new(period.clone())), expected);
    assert_eq!(sent(&GetAllStatus::new(period)), expected);
}

/// AT-76: the sample is the text of a picture of a report about another order. It is never parsed.
#[test]
fn s_049_is_not_a_pdf_response() {
    let text = fixture("S-049-get-ident-data-pdf-response.txt");
    assert!(!text.starts_with(b"%PDF-"));
    let operation = GetIdentDataPdf::new(id());
    let error = error_of(decode(&operation, &answer(200, "application/pdf", text)));
    assert_eq!(error.kind(), Kind::Protocol);
}

#[test]
fn s_056_is_rejected_with_line_and_column_unquoted() {
    let fault = identkit_wire::json::read::<Value>(&fixture("S-056-get-voice-files-response.json")).unwrap_err();
    assert_eq!((fault.line, fault.column, fault.well_formed), (1, 1, false));
    for shown in
        [fault.to_string(), format!("{fault:?}"), fault.clone().answer().to_string(), format!("{:?}", fault.answer())]
    {
        for quoted in ["|", "Voicefiles", "sound_4348", "uQBA"] {
            assert!(!shown.contains(quoted), "{shown}");
        }
    }
}

/// Without its bar the sample is valid JSON with an invalid recording.
#[test]
fn s_056_without_its_bar_has_invalid_base64() {
    let printed = fixture("S-056-get-voice-files-response.json");
    let json = printed.strip_prefix(b"| ").unwrap();
    let operation = GetVoiceFiles::new(id());
    let read = decode(&operation, &json_answer(200, json.to_vec())).unwrap().value;
    let file = &read.voicefiles.as_ref().unwrap()[0];
    assert_eq!(file.filename.as_ref().unwrap().expose(), "sound_4348.mp3");
    let error = file.audio().unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    for shown in [error.to_string(), format!("{error:?}"), format!("{file:?}")] {
        for quoted in ["sound_4348", "uQBA", "\\"] {
            assert!(!shown.contains(quoted), "{shown}");
        }
    }
    // The value is unchanged (AT-40).
    assert_eq!(serde_json::to_value(file).unwrap()["Base64Data"], "\\uQBAAAAA.....");
}

/// The contract's table of fields and the keys of the types must match.
#[test]
fn keys_match_the_documented_elements() {
    let table = include_str!("../../../../docs/contract/fields.tsv");
    let rows = |endpoint: &str, direction: &str| -> BTreeSet<String> {
        table
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|row| row[2].starts_with(endpoint) && row[3] == direction)
            .map(|row| row[4].replace("[]", "").replace("<detail>", "detail").replace("<Name>", "name"))
            .map(|path| path.trim_start_matches('.').to_owned())
            // `Delivered` is read as `Executed` (AT-02); the wrapper `Order` is read but never written (AT-03).
            .filter(|path| !matches!(path.as_str(), "Delivered" | "Order"))
            .collect()
    };
    let messages: [(&str, &str, Objects); 14] = [
        ("PUT /putOrder", "req", PUT_ORDER),
        ("PUT /putOrder", "resp", PUT_ORDER_ANSWER),
        ("GET /getStatus/", "resp", STATUS),
        ("GET /getIdentData/", "resp", IDENT_DATA),
        ("GET /getESignPDF/", "resp", SIGNED_PDFS),
        ("GET /getESignHash/", "resp", SIGNED_HASHES),
        ("POST /getVideoFileBinaryAsync/", "req", VIDEO_REQUEST),
        ("GET /getVoiceFiles/", "resp", VOICE_FILES),
        ("POST /getAllStatus", "req", ALL_STATUS_REQUEST),
        ("POST /getAllStatus", "resp", LISTED_ORDER),
        ("POST /confirmSign/", "req", TAN),
        ("GET /getBankList", "resp", BANK),
        ("POST /checkSignmeUser", "req", SIGNME_REQUEST),
        ("POST /checkSignmeUser", "resp", SIGNME_USER),
    ];
    for (endpoint, direction, objects) in messages {
        let mut keys = BTreeSet::new();
        for path in leaves(objects) {
            // The table has rows for objects too.
            let steps: Vec<&str> = path.split('.').collect();
            keys.extend((1..=steps.len()).map(|count| steps[..count].join(".")));
        }
        assert_eq!(keys, rows(endpoint, direction), "{endpoint} {direction}");
        assert!(!keys.is_empty());
    }
    // The messages above cover every row of the table.
    let covered: usize = messages.iter().map(|(endpoint, direction, _)| rows(endpoint, direction).len()).sum();
    let all = table.lines().skip(1).filter(|line| line.split('\t').nth(1) == Some("identity.TM")).count();
    assert_eq!(covered + ["Delivered", "Order"].len(), all);
}
