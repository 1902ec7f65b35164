//! The samples of the vendor's document against our reader and writer: each fixture is read by a test that says what
//! becomes of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request};
use identkit_core::{Kind, Outcome, Secret};
use identkit_identity_tm::messages::{AllStatusRequest, IdentData, IdentDataAnswer, OrderStatus};
use identkit_identity_tm::{
    CheckSignmeUser, ConfirmSign, Dialect, DrainUnreported, GetAllStatus, GetAllStatusExtended, GetBankList,
    GetIdentDataInitial, GetIdentDataPdf, GetStatusExtended, GetVoiceFiles, OrderCallback, OrderFlavor, PutOrder,
    StatusKind,
};
use identkit_wire::{Callback, OneOrMany, Params, ServedOperation};
use serde_json::Value;

use crate::support::{
    ALL_STATUS_REQUEST, BANK, IDENT_DATA, LISTED_ORDER, ORDER, Objects, PUT_ORDER, PUT_ORDER_ANSWER, SIGNED_HASHES,
    SIGNED_PDFS, SIGNME_REQUEST, SIGNME_USER, STATUS, TAN, VIDEO_REQUEST, VOICE_FILES, answer, body_bytes, collect,
    decode, document_order, fault, fixture, id, json as json_answer, leaves, sent_json,
};

fn value(name: &str) -> Value {
    identkit_wire::json::read(&fixture(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// Elements that are `null` and elements that are absent mean the same (AT-25).
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

fn written<T: serde::Serialize>(message: &T) -> Value {
    serde_json::to_value(message).unwrap()
}

#[test]
fn s_031_and_s_032_are_webhook_templates_that_come_back_as_events() {
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
fn s_035_comes_out_of_the_writer_as_it_went_into_the_reader_but_for_the_blank_after_the_mail_address() {
    let mut expected = value("S-035-put-order-request.json");
    assert_eq!(expected["Email"], "e.mustermann@example.com ", "the document's own blank");
    expected["Email"] = "e.mustermann@example.com".into();
    let order = document_order();
    assert_eq!(sent_json(&order, &Dialect::default()), expected);
    assert!(order.check(&Dialect::default()).unwrap().is_empty(), "the document's own example draws no warning");
    assert_eq!(order.flavour(), OrderFlavor::SignAccountOnly);
    assert!(order.extra.is_empty() && order.ident_data.as_ref().unwrap().extra.is_empty());
    assert!(order.address.as_ref().unwrap().extra.is_empty());
    assert_eq!(sandbox_reads::<PutOrder>("S-035-put-order-request.json"), order);
}

#[test]
fn s_036_is_read_whole_and_written_as_it_came() {
    let bytes = fixture("S-036-put-order-response.json");
    let decoded = decode(&document_order(), &json_answer(202, bytes.clone())).unwrap();
    assert_eq!(decoded.warnings, []);
    let answer = decoded.value;
    assert_eq!(answer.order_id, Some(id()));
    assert_eq!(answer.reference.as_ref().unwrap().expose(), "Just_a_test");
    let url = "https://www.identity.tm/status/37C4B60A72A1C6C74FC038282CED500B";
    assert_eq!(answer.target_url.as_ref().unwrap().expose(), url);
    let hashes = answer.video_hashes.as_ref().unwrap();
    assert_eq!(hashes.short_code.as_ref().unwrap().expose(), "SHU8T");
    assert_eq!(hashes.long_code.as_ref().unwrap().expose(), "a9PPz-eFcNBifsk--bNJ");
    assert!(answer.error.is_none() && answer.extra.is_empty() && hashes.extra.is_empty());
    assert_eq!(written(&answer), value("S-036-put-order-response.json"));
    by_the_sandbox::<PutOrder>(answer, 202, "S-036-put-order-response.json");
}

#[test]
fn s_040_keeps_the_order_of_its_entries_and_is_judged_by_the_flavour() {
    let operation = GetStatusExtended::new(id());
    let bytes = fixture("S-040-get-status-response.json");
    let status: OrderStatus = decode(&operation, &json_answer(200, bytes)).unwrap().value;
    let kinds: Vec<u32> = status.kinds().map(|kind| kind.0).collect();
    assert_eq!(kinds, [25, 71, 94, 77, 78, 71, 75, 6, 23, 71, 95]);
    assert_eq!(status.finality(OrderFlavor::SignAccountOnly).outcome, Outcome::Positive);
    assert_eq!(status.finality(OrderFlavor::Qes).outcome, Outcome::Identified);
    assert_eq!(status.timeline().last().unwrap().kind, Some(StatusKind::ACCOUNT_VERIFIED));
    assert_eq!(status.executed.as_ref().unwrap().as_str(), "2018-09-05T11:06:21+02:00");
    assert_eq!(written(&status), value("S-040-get-status-response.json"));
    assert!(status.extra.is_empty() && status.status.iter().flatten().all(|entry| entry.extra.is_empty()));
}

#[test]
fn s_046_is_read_whole_and_loses_only_its_nulls() {
    let operation = GetIdentDataInitial::new(id());
    let bytes = fixture("S-046-get-ident-data-response.json");
    let decoded = decode(&operation, &json_answer(200, bytes)).unwrap();
    let answer: IdentDataAnswer = decoded.value;
    assert!(matches!(&answer.ident_data, Some(OneOrMany::Many(many)) if many.len() == 2));
    let (checked, initial) = (answer.checked().unwrap(), answer.initial().unwrap());
    assert_eq!(checked.mobile.as_ref().unwrap().expose(), "+4915114084205");
    assert_eq!(checked.id_card.as_ref().unwrap().card_no.as_ref().unwrap().expose(), "T22000129");
    assert_eq!(initial.id_card.as_ref().unwrap().card_no, None);
    assert_eq!(written(&answer), without_nulls(value("S-046-get-ident-data-response.json")));
    let no_extra = |part: &IdentData| part.extra.is_empty() && part.id_card.as_ref().unwrap().extra.is_empty();
    assert!(answer.extra.is_empty() && answer.ident_data.as_ref().unwrap().as_slice().iter().all(no_extra));
}

/// AT-76: the text of the report's picture belongs to another order and is never parsed; nothing of ours reads it.
#[test]
fn s_049_is_a_picture_of_a_report_and_no_answer() {
    let text = fixture("S-049-get-ident-data-pdf-response.txt");
    assert!(!text.starts_with(b"%PDF-"));
    let operation = GetIdentDataPdf::new(id());
    let error = fault(decode(&operation, &answer(200, "application/pdf", text)));
    assert_eq!(error.kind(), Kind::Protocol);
}

#[test]
fn s_056_as_printed_is_refused_by_line_and_column_and_quoted_nowhere() {
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

/// Only the bar removed: then the text is JSON, and the recording is what cannot be read.
#[test]
fn s_056_without_its_bar_names_a_file_whose_base64_is_refused_and_quoted_nowhere() {
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
    // Nothing was dropped from it on the way (AT-40).
    assert_eq!(written(&read)["Voicefiles"][0]["Base64Data"], "\\uQBAAAAA.....");
}

#[test]
fn s_056_repaired_is_read_whole_and_begins_like_an_mp3_frame() {
    let operation = GetVoiceFiles::new(id());
    let answer = json_answer(200, fixture("S-056-get-voice-files-response.repaired.json"));
    let read = decode(&operation, &answer).unwrap().value;
    let [file] = read.voicefiles.as_deref().unwrap() else { panic!("one recording is printed") };
    assert_eq!(file.filename.as_ref().unwrap().expose(), "sound_4348.mp3");
    assert_eq!(file.audio().unwrap(), [0xff, 0xfb, 0x90, 0, 0, 0, 0, 0].as_slice());
    assert!(read.extra.is_empty() && file.extra.is_empty());
    assert_eq!(written(&read), value("S-056-get-voice-files-response.repaired.json"));
    by_the_sandbox::<GetVoiceFiles>(read, 200, "S-056-get-voice-files-response.repaired.json");
}

/// What the sandbox's side writes is the document's text again.
fn by_the_sandbox<Op: ServedOperation>(output: Op::Output, status: u16, name: &str) {
    let answer = Op::encode_response(output).unwrap();
    assert_eq!(answer.status(), status);
    let sent: Value = serde_json::from_slice(&collect(answer.into_body())).unwrap();
    assert_eq!(sent, value(name));
}

/// The body of the request as it goes out.
fn sent<Op: ServedOperation<Dialect = Dialect>>(operation: &Op) -> Value {
    let encoded = operation.encode(&Dialect::default()).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&body_bytes(&encoded.body)).unwrap()
}

fn sandbox_reads<Op: ServedOperation>(name: &str) -> Op {
    let request = Request::new(Bytes::from(fixture(name)));
    Op::decode_request(&Params::default(), &request).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn s_061_is_read_whole_and_sent_but_for_the_switch_that_the_url_carries() {
    let name = "S-061-get-all-status-request.json";
    let read: AllStatusRequest = identkit_wire::json::read(&fixture(name)).unwrap();
    assert_eq!(read.extended_list, Some(true));
    let period = read.period.clone().unwrap();
    assert_eq!(period.begin.as_ref().unwrap().as_str(), "2016-01-01T00:00:00+01:00");
    assert_eq!(period.end.as_ref().unwrap().as_str(), "2016-01-15T00:00:00+01:00");
    let paging = period.paging.as_ref().unwrap();
    assert_eq!((paging.elements, paging.page), (Some(200), Some(2)));
    assert_eq!(written(&read), value(name));
    assert_eq!(sandbox_reads::<GetAllStatusExtended>(name).request, read);
    assert_eq!(sandbox_reads::<GetAllStatus>(name).request, read);
    let mut expected = value(name);
    expected.as_object_mut().unwrap().remove("ExtendedList");
    assert_eq!(sent(&GetAllStatusExtended::new(period.clone())), expected);
    assert_eq!(sent(&GetAllStatus::new(period)), expected);
}

#[test]
fn s_062_is_read_whole_without_the_status_that_it_lacks() {
    let name = "S-062-get-all-status-response.json";
    let read = decode(&DrainUnreported, &json_answer(200, fixture(name))).unwrap().value;
    let ids: Vec<&str> = read.0.iter().map(|order| order.order_id.as_ref().unwrap().expose()).collect();
    assert_eq!(ids, ["9992120505XXXX", "9992000BE9XXXX", "9992121170XXXX", "9992121171XXXX", "9992000BEBXXXX"]);
    let executed: Vec<_> = read.0.iter().map(|order| order.executed.as_ref().map(|at| at.as_str())).collect();
    assert_eq!((executed[0], executed[4]), (None, Some("2018-06-01T09:01:00+02:00")));
    assert_eq!(read.0[4].reference.as_ref().unwrap().expose(), "ReferenceNo.12345");
    assert!(read.0.iter().all(|order| order.status.is_none() && order.extra.is_empty()));
    assert_eq!(written(&read), value(name));
    by_the_sandbox::<DrainUnreported>(read, 200, name);
}

#[test]
fn s_069_is_sent_by_our_type_as_it_is_printed() {
    let name = "S-069-confirm-sign-request.json";
    assert_eq!(sent(&ConfirmSign::new(id(), Secret::new("123456"))), value(name));
    let read: ConfirmSign = sandbox_reads(name);
    assert_eq!(read.request.tan.as_ref().unwrap().expose(), "123456");
    assert!(read.request.extra.is_empty());
    assert_eq!(written(&read.request), value(name));
}

#[test]
fn s_075_is_read_whole_and_written_as_it_came() {
    let name = "S-075-get-bank-list-response.json";
    let banks = decode(&GetBankList, &json_answer(200, fixture(name))).unwrap().value;
    let told: Vec<_> = banks
        .iter()
        .map(|bank| {
            assert!(bank.extra.is_empty());
            let blz = bank.blz.unwrap().to_string();
            (bank.bic.as_ref().unwrap().as_str(), blz, bank.name.as_deref().unwrap())
        })
        .collect();
    assert_eq!(told[0], ("WELADED1OPR", "16050202".to_owned(), "Spk Ostprignitz-Ruppin"));
    assert_eq!(told[2], ("NOLADE21WHO", "22250020".to_owned(), "Spk Westholstein"));
    assert_eq!(written(&banks), value(name));
    by_the_sandbox::<GetBankList>(banks, 200, name);
}

#[test]
fn s_078_and_s_079_ask_for_a_user_and_tell_of_one() {
    let (asked, told) = ("S-078-check-signme-user-request.json", "S-079-check-signme-user-response.json");
    let operation: CheckSignmeUser = sandbox_reads(asked);
    assert_eq!(operation.0.email.as_ref().unwrap().expose(), "e.mustermann@example.com");
    assert_eq!(sent(&operation), value(asked));
    let user = decode(&operation, &json_answer(200, fixture(told))).unwrap().value;
    assert_eq!((user.user_exists, user.user_is_able_to_sign), (Some(false), Some(false)));
    assert!(user.extra.is_empty() && operation.0.extra.is_empty() && !user.can_sign_at_once());
    by_the_sandbox::<CheckSignmeUser>(user, 200, told);
}

/// The contract's table of fields and the keys of our types: neither has one that the other lacks.
#[test]
fn every_documented_element_has_a_key_and_no_key_is_invented() {
    let table = include_str!("../../../../docs/contract/fields.tsv");
    let rows = |endpoint: &str, direction: &str| -> BTreeSet<String> {
        table
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|row| row[2].starts_with(endpoint) && row[3] == direction)
            .map(|row| row[4].replace("[]", "").replace("<detail>", "detail").replace("<Name>", "name"))
            .map(|path| path.trim_start_matches('.').to_owned())
            // Read as `Executed` (AT-02), and a wrapper that is read and never written (AT-03).
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
            // The objects around an element are rows of the table too.
            let steps: Vec<&str> = path.split('.').collect();
            keys.extend((1..=steps.len()).map(|count| steps[..count].join(".")));
        }
        assert_eq!(keys, rows(endpoint, direction), "{endpoint} {direction}");
        assert!(!keys.is_empty());
    }
    // No row of the table is left out above.
    let covered: usize = messages.iter().map(|(endpoint, direction, _)| rows(endpoint, direction).len()).sum();
    let all = table.lines().skip(1).filter(|line| line.split('\t').nth(1) == Some("identity.TM")).count();
    assert_eq!(covered + ["Delivered", "Order"].len(), all);
}
