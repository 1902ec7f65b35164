//! The neutral port: finding and adopting orders, the plan of the evidence, and its downloads.

use identkit_core::{Advice, DeletePermit, Document, Evidence, EvidenceKind, EvidencePlan, Found, NewCase, Person};

use super::*;

const IDENTIFICATION: &str = r#"{"flavour":"ident-only"}"#;
const SIGNATURE: &str = r#"{"flavour":"qes","signed":["signed-document"]}"#;

fn case(state: &str) -> CaseRef {
    CaseRef::new(PROVIDER, ORDER).with_state(state)
}

fn window() -> Window {
    Window { begin: "2026-01-01T00:00:00Z".parse().unwrap(), end: "2026-01-01T01:00:00Z".parse().unwrap() }
}

/// Returns what the port finds in pages from page 1 on, and the number of requests.
async fn found(pages: &[Value]) -> Result<Found, Error> {
    let nothing = || Step::Answer(Reply::new(304, ""));
    let pages = pages.iter().map(|page| reply(200, page.to_string()));
    let client = client([nothing()].into_iter().chain(pages).chain([nothing()]));
    client.find("case-1", Purpose::Signature, window(), &options()).await
}

/// An order of a list, with these elements.
fn listed(id: Value, reference: Value) -> Value {
    json!({"OrderID": id, "Ref": reference, "Status": [{"Kind": 25}]})
}

#[tokio::test]
async fn find_returns_every_order_with_the_ref_of_all_pages() {
    let pages = [
        json!([listed("1".into(), "case-1".into()), listed("2".into(), "case-10".into())]),
        json!([listed("3".into(), "".into()), listed("1".into(), "case-1".into())]),
        json!([listed("4".into(), "case-1".into()), {"OrderID": "1", "Ref": "case-1", "Status": [{"Kind": 75}]}]),
    ];
    let read = found(&pages).await.unwrap();
    let cases = ["1", "4"].map(|id| CaseRef::new(PROVIDER, id).with_state(SIGNATURE));
    assert_eq!((read.cases.as_slice(), read.is_complete()), (&cases[..], true));
    assert_eq!(found(&[]).await.unwrap(), Found::default());
}

#[tokio::test]
async fn at_93_an_entry_without_ref_or_id_is_not_an_absence() {
    for (page, cases, unreadable) in [
        (json!([{"OrderID": "1", "Status": [{"Kind": 25}]}]), 0, 1),
        (json!([listed("1".into(), Value::Null)]), 0, 1),
        (json!([listed(Value::Null, "case-1".into())]), 0, 1),
        (json!([listed("".into(), "case-1".into()), listed("2".into(), "case-1".into())]), 1, 1),
        // Another entry of the same order has the reference.
        (json!([{"OrderID": "1", "Status": [{"Kind": 75}]}, listed("1".into(), "case-1".into())]), 1, 0),
    ] {
        let read = found(std::slice::from_ref(&page)).await.unwrap();
        assert_eq!((read.cases.len(), read.unreadable), (cases, unreadable), "{page}");
        assert_eq!(read.is_complete(), unreadable == 0);
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_not_an_empty_list() {
    let nothing = || Step::Answer(Reply::new(304, ""));
    for page in [
        reply(400, "{}"),
        Step::Answer(Reply::new(404, "<html></html>")),
        reply(200, "{}x"),
        reply(200, r#"{"Result":"none"}"#),
        reply(401, ""),
    ] {
        let client = client([nothing(), page]);
        let read = client.find("case-1", Purpose::Signature, window(), &options().attempts(1)).await;
        error_of(read);
    }
}

#[tokio::test]
async fn at_22_the_port_adopts_any_id() {
    let client = client([]);
    for odd in ["99921269855041", "9992/..//odd", "123456789012345678901", "ä b"] {
        let adopted = client.adopt(odd, Purpose::Identification).unwrap();
        assert_eq!(adopted, CaseRef::new(PROVIDER, odd).with_state(IDENTIFICATION));
    }
    assert_eq!(client.adopt(ORDER, Purpose::Signature).unwrap(), case(SIGNATURE));
    for text in ["", "  ", ".", ".."] {
        assert_eq!(error_of(client.adopt(text, Purpose::Signature)).kind(), Kind::InvalidInput, "{text}");
    }
}

#[tokio::test]
async fn a_placed_order_goes_on_as_a_case() {
    let hash = json!({"Filename": "a", "Hash": "AAAA"});
    let pdf = json!({"Filename": "a", "Data": encode_base64(PDF)});
    for (extra, state) in [
        (json!({}), IDENTIFICATION.to_owned()),
        (
            json!({"Product": 15, "eSignPDF": pdf}),
            r#"{"flavour":"qes","signed":["signed-document"],"ordered":{"documents":1}}"#.to_owned(),
        ),
        (
            json!({"Product": 15, "eSignHash": hash}),
            r#"{"flavour":"qes","signed":["signed-hash"],"ordered":{"hashes":["a"]}}"#.to_owned(),
        ),
        (
            json!({"Product": 15, "eSignPDF": pdf, "eSignHash": hash}),
            r#"{"flavour":"qes","signed":["signed-document","signed-hash"],"ordered":{"documents":1,"hashes":["a"]}}"#
                .to_owned(),
        ),
        (json!({"Product": 15, "Add": 8}), r#"{"flavour":"sign-account-only"}"#.to_owned()),
    ] {
        let mut order = serde_json::to_value(plain_order()).unwrap();
        order.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let client = client([reply(202, json!({"OrderID": ORDER}).to_string())]);
        let placed = client.put_order(&order_of(&order), &options()).await.unwrap().value;
        assert_eq!(placed.case_ref(), case(&state), "{extra}");
    }
}

/// Returns the plan of an order with these codes.
async fn plan(state: &str, codes: &[u32]) -> EvidencePlan {
    let status: Vec<_> = codes.iter().map(|code| json!({"Kind": code})).collect();
    let client = client([reply(200, json!({"OrderID": ORDER, "Ref": "x", "Status": status}).to_string())]);
    let plan = client.evidence_plan(&case(state), &options()).await.unwrap();
    // AT-13: never from the general codes only.
    assert_eq!(client.calls(), [format!("GET /getStatus/{ORDER}/ExtendedList")]);
    plan
}

#[tokio::test]
async fn at_63_the_plan_follows_the_outcome_and_the_order() {
    use EvidenceKind::{IdentData, Report, SignedDocument, SignedHash};
    let hashes = r#"{"flavour":"qes","signed":["signed-hash"]}"#;
    let old = r#"{"flavour":"qes"}"#;
    let data = || EvidencePlan::new([IdentData, Report]);
    let none = EvidencePlan::default;
    for (state, codes, expected) in [
        (IDENTIFICATION, &[25][..], none()),
        (IDENTIFICATION, &[25, 6], data()),
        (IDENTIFICATION, &[25, 6, 89], data()),
        (IDENTIFICATION, &[89], data()),
        (IDENTIFICATION, &[17], none()),
        (IDENTIFICATION, &[22], none()),
        (IDENTIFICATION, &[99], none()),
        (IDENTIFICATION, &[6, 22], data()),
        (SIGNATURE, &[25, 6], none()),
        (SIGNATURE, &[6, 84], data().require(SignedDocument)),
        (old, &[6, 84], data().require(SignedDocument)),
        (hashes, &[6, 84], data().require(SignedHash)),
        (SIGNATURE, &[6, 84, 89], data().allow(SignedDocument)),
        (SIGNATURE, &[6, 89], data()),
        (SIGNATURE, &[6, 100], none().allow(IdentData).allow(Report)),
    ] {
        assert_eq!(plan(state, codes).await, expected, "{state} {codes:?}");
    }
}

#[tokio::test]
async fn at_19_a_status_states_the_reference_of_the_order() {
    for (reference, stated) in
        [(r#""Ref":"case-1","#, Some("case-1")), (r#""Ref":"","#, None), (r#""Ref":null,"#, None), ("", None)]
    {
        let body = format!(r#"{{"OrderID":"{ORDER}",{reference}"Status":[{{"Kind":25}}]}}"#);
        let client = client([reply(200, body)]);
        let status = IdentityProvider::status(&*client, &case(SIGNATURE), &options()).await.unwrap();
        assert_eq!(status.reference.as_ref().map(|reference| reference.expose().as_str()), stated, "{reference}");
    }
}

#[tokio::test]
async fn at_13_the_port_reads_all_codes_of_a_status() {
    let client = client([reply(200, r#"{"Status":[{"Kind":6},{"Kind":89}]}"#)]);
    let port: &dyn IdentityProvider = &*client;
    assert_eq!(port.status(&case(IDENTIFICATION), &options()).await.unwrap().outcome, Outcome::FraudSuspicion);
    assert_eq!(client.calls(), [format!("GET /getStatus/{ORDER}/ExtendedList")]);
}

#[tokio::test]
async fn at_59_a_404_page_of_another_server_is_no_absence() {
    for (body, kind) in [("", Kind::NotFound), ("{}", Kind::NotFound), ("<html>no</html>", Kind::Protocol)] {
        let client = client([Step::Answer(Reply::new(404, body))]);
        let port: &dyn IdentityProvider = &*client;
        let error = error_of(port.status(&case(IDENTIFICATION), &options()).await);
        assert_eq!((error.kind(), error.status()), (kind, Some(404)), "{body}");
    }
}

/// Reads a kind with one call and returns the pieces.
async fn read(kind: EvidenceKind, answer: Step) -> Vec<Evidence> {
    let client = client([answer]);
    client.evidence(&case(SIGNATURE), kind, &options()).await.unwrap()
}

/// Reads the contents of all pieces.
async fn contents(pieces: Vec<Evidence>) -> Vec<Bytes> {
    let mut contents = Vec::new();
    for piece in pieces {
        contents.push(piece.content.collect(1000).await.unwrap());
    }
    contents
}

#[tokio::test]
async fn at_63_identification_data_has_the_vendors_bytes() {
    // Read and written again, the number would lose digits, and the repeated member its first value.
    let body = r#"{ "x": 12345678901234567890123456789, "IdentData": {"Surname": "Mustermann", "y": 1, "y": 2}, "a": 1e400 }
"#;
    let pieces = read(EvidenceKind::IdentData, reply(200, body)).await;
    assert_eq!(pieces[0].file_name(), "ident-data-0.json");
    assert_eq!(contents(pieces).await, [body.as_bytes()]);
}

fn pdfs(files: &[&[u8]]) -> Step {
    let files: Vec<_> = files.iter().map(|file| json!({"Base64Data": encode_base64(file)})).collect();
    reply(200, json!({ "PDFs": files }).to_string())
}

#[tokio::test]
async fn at_35_several_documents_take_one_download() {
    let second = b"%PDF-1.4\nsecond\n%%EOF\n";
    let pieces = read(EvidenceKind::SignedDocument, pdfs(&[PDF, second, PDF])).await;
    let names: Vec<_> = pieces.iter().map(Evidence::file_name).collect();
    assert_eq!(names, ["signed-document-0.pdf", "signed-document-1.pdf", "signed-document-2.pdf"]);
    assert!(pieces.iter().all(|piece| piece.item.count == 3 && piece.item.name.is_none()));
    assert_eq!(contents(pieces).await, [PDF, second, PDF]);

    let single = read(EvidenceKind::SignedDocument, Step::Answer(answer(200, "application/pdf", PDF))).await;
    assert_eq!(single.len(), 1);
    assert!(single[0].content.as_bytes().is_none(), "a single document is a stream");
    let list_of_one = read(EvidenceKind::SignedDocument, pdfs(&[PDF])).await;
    for pieces in [single, list_of_one] {
        assert_eq!(pieces[0].item, identkit_core::EvidenceItem::new(EvidenceKind::SignedDocument, 0, 1));
        assert_eq!(contents(pieces).await, [PDF]);
    }
}

#[tokio::test]
async fn at_96_a_damaged_document_fails_when_it_is_read() {
    let pieces = read(EvidenceKind::SignedDocument, pdfs(&[PDF, b"%PDF-1.7 cut off", PDF])).await;
    let mut kinds = Vec::new();
    for piece in pieces {
        kinds.push(piece.content.collect(1000).await.err().map(|error| error.kind()));
    }
    assert_eq!(kinds, [None, Some(Kind::Integrity), None]);
    // An entry without content shifts the others.
    for body in [json!({"PDFs": [{"Base64Data": encode_base64(PDF)}, {}]}), json!({"PDFs": []})] {
        let client = client([reply(200, body.to_string())]);
        let read = client.evidence(&case(SIGNATURE), EvidenceKind::SignedDocument, &options()).await;
        assert_eq!(error_of(read).kind(), Kind::Protocol, "{body}");
    }
}

#[tokio::test]
async fn at_36_signed_hashes_have_their_names() {
    let body =
        json!({"Hashes": [{"b.pdf": encode_base64(&[66; 20])}, {"a.pdf": encode_base64(&[65; 20])}]}).to_string();
    let pieces = read(EvidenceKind::SignedHash, reply(200, body)).await;
    let names: Vec<_> = pieces.iter().map(|piece| piece.item.name.as_ref().unwrap().expose().clone()).collect();
    assert_eq!(names, ["b.pdf", "a.pdf"], "the sequence of the response");
    assert!(!format!("{pieces:?}").contains("pdf"), "a file name may be personal data");
    assert_eq!(contents(pieces).await, [66, 65].map(|byte| encode_base64(&[byte; 20])));
}

/// Places an order, reads a kind of its signed results from this response, and returns the names or the error.
async fn signed_of(order: &Value, kind: EvidenceKind, answer: &Step) -> Result<Vec<Option<String>>, Error> {
    let mut all = serde_json::to_value(plain_order()).unwrap();
    all.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
    let client = client([reply(202, json!({"OrderID": ORDER}).to_string()), answer.clone()]);
    let placed = client.put_order(&order_of(&all), &options()).await.unwrap().value;
    let pieces = client.evidence(&placed.case_ref(), kind, &options()).await?;
    Ok(pieces.iter().map(|piece| piece.item.name.as_ref().map(|name| name.expose().clone())).collect())
}

#[tokio::test]
async fn at_35_every_ordered_document_must_return() {
    let pdf = |name: &str| json!({"Filename": name, "Data": encode_base64(PDF)});
    let two = json!({"Product": 15, "eSignPDF": [pdf("a.pdf"), pdf("b.pdf")]});
    let one = json!({"Product": 15, "eSignPDF": pdf("a.pdf")});
    let binary = || Step::Answer(answer(200, "application/pdf", PDF));
    for (order, response, expected) in [
        (&two, pdfs(&[PDF, PDF]), None),
        (&two, pdfs(&[PDF]), Some("is 1, but the order has 2")),
        (&two, binary(), Some("is 1, but the order has 2")),
        (&two, pdfs(&[PDF, PDF, PDF]), Some("is 3, but the order has 2")),
        (&one, binary(), None),
        (&one, pdfs(&[PDF, PDF]), Some("is 2, but the order has 1")),
    ] {
        let read = signed_of(order, EvidenceKind::SignedDocument, &response).await;
        let error = read.err().map(|error| (error.kind(), error.detail().to_owned()));
        assert_eq!(error.as_ref().map(|(kind, _)| *kind), expected.map(|_| Kind::Integrity), "{error:?}");
        assert!(error.is_none_or(|(_, detail)| detail.contains(expected.unwrap())));
    }
}

#[tokio::test]
async fn at_35_the_hashes_are_those_of_the_order() {
    let hash = |name: &str| json!({"Filename": name, "Hash": encode_base64(&[1; 32])});
    let two = json!({"Product": 15, "eSignHash": [hash("z.pdf"), hash("a.pdf")]});
    let unnamed = json!({"Product": 15, "eSignHash": {"Hash": encode_base64(&[1; 32])}});
    for (order, names, expected) in [
        (&two, &["z.pdf", "a.pdf"][..], None),
        (&two, &["a.pdf", "z.pdf"], None),
        (&two, &["a.pdf"], Some("is 1, but the order has 2")),
        (&two, &["a.pdf", "z.pdf", "b.pdf"], Some("is 3, but the order has 2")),
        (&two, &["A.PDF", "z.pdf"], Some("1 of 2 signed hashes have a name")),
        (&two, &["x.pdf", "../y"], Some("2 of 2 signed hashes have a name")),
        (&unnamed, &["any"], None),
        (&unnamed, &["any", "other"], Some("is 2, but the order has 1")),
    ] {
        let hashes: Vec<_> = names.iter().map(|name| json!({*name: encode_base64(&[66; 20])})).collect();
        let response = reply(200, json!({ "Hashes": hashes }).to_string());
        match (signed_of(order, EvidenceKind::SignedHash, &response).await, expected) {
            (Ok(read), None) => assert_eq!(read, names.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>()),
            (Err(error), Some(detail)) => {
                assert_eq!(error.kind(), Kind::Integrity);
                assert!(error.detail().contains(detail), "{error}");
                assert!(!format!("{error} {error:?}").contains("x.pdf"), "a file name may be personal data");
            }
            (read, _) => panic!("{names:?}: {read:?}"),
        }
    }
}

#[tokio::test]
async fn recordings_of_audio_have_names_and_extensions() {
    let wav = encode_base64(&[&b"RIFF\x28\0\0\0WAVEfmt "[..], &[0; 32]].concat());
    let file = |name: &str| json!({"Filename": name, "Base64Data": wav});
    let files = json!([file("agent.WAV"), file("Erika.Mustermann"), {"Base64Data": wav}]);
    let pieces = read(EvidenceKind::Audio, reply(200, json!({ "Voicefiles": files }).to_string())).await;
    let names: Vec<_> = pieces.iter().map(Evidence::file_name).collect();
    assert_eq!(names, ["audio-0.wav", "audio-1.bin", "audio-2.bin"]);
    assert_eq!(pieces[1].item.name.as_ref().unwrap().expose(), "Erika.Mustermann");
    assert!(!format!("{pieces:?}").contains("Mustermann"));
    assert!(contents(pieces).await.iter().all(|bytes| bytes.starts_with(b"RIFF")));
    assert!(read(EvidenceKind::Audio, reply(200, r#"{"Voicefiles":[]}"#)).await.is_empty());
}

#[tokio::test]
async fn at_71_data_for_reuse_is_read_byte_for_byte() {
    let text = "\"opaque-identification\\u0041\" ";
    let pieces = read(EvidenceKind::SignedIdentData, reply(200, text)).await;
    assert_eq!(pieces[0].file_name(), "signed-ident-data-0.txt");
    assert_eq!(contents(pieces).await, [text]);
}

#[tokio::test]
async fn at_38_a_recording_needs_the_event_of_its_callback() {
    let event = |name: &str, id: &str| {
        let mut event = Event::new(PROVIDER, name, "key");
        event.case_id = Some(id.into());
        event
    };
    let idle = client([]);
    let early = idle.evidence(&case(IDENTIFICATION), EvidenceKind::Video, &options()).await;
    assert_eq!(error_of(early).kind(), Kind::InvalidState);
    let other = idle.evidence_after(&case(IDENTIFICATION), &event("Video", "1"), &options()).await;
    assert_eq!(error_of(other).kind(), Kind::InvalidInput);
    for name in ["OnFinal", "AfterVideo", "AfterIdent"] {
        let read = idle.evidence_after(&case(IDENTIFICATION), &event(name, ORDER), &options()).await;
        assert!(read.unwrap().is_empty(), "{name}");
    }
    let webm = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x1f\x43\xb6\x75";
    for (media, file, name) in [
        ("video/webm", Some(&webm[..]), "video-0.webm"),
        ("video/mp4", None, "video-0.mp4"),
        ("application/octet-stream", None, "video-0.mp4"),
    ] {
        let client = client([Step::Answer(answer(200, media, file.unwrap_or(b"not a video").to_vec()))]);
        let read = client.evidence_after(&case(IDENTIFICATION), &event("Video", ORDER), &options()).await;
        let [piece] = read.unwrap().try_into().unwrap();
        assert_eq!(piece.file_name(), name);
        // AT-96: what is not a whole video ends with an error.
        assert_eq!(piece.content.collect(1000).await.is_ok(), file.is_some(), "{media}");
    }
}

#[tokio::test]
async fn the_port_requests_recordings_only() {
    let client = client([Step::Answer(Reply::new(202, ""))]);
    let url = Secret::new("https://shop.example/video");
    let wrong = client.request_evidence(&case(IDENTIFICATION), EvidenceKind::Audio, &url, &options()).await;
    assert_eq!(error_of(wrong).kind(), Kind::InvalidInput);
    client.request_evidence(&case(IDENTIFICATION), EvidenceKind::Video, &url, &options()).await.unwrap();
    assert_eq!(client.calls(), [format!("POST /getVideoFileBinaryAsync/{ORDER}")]);
}

#[tokio::test]
async fn at_72_the_port_reads_what_decides_about_reuse() {
    let client = client([]);
    let sample = include_bytes!("../../../fixtures/S-046-get-ident-data-response.json");
    // That of the checked data: the initial data have 1970-01-01, which means that it is unknown (AT-25).
    assert_eq!(client.document_expires(sample), Some("2020-10-31".parse().unwrap()));
    for other in ["", "{}", r#"{"IdentData":[{"Type":1,"IDCard":{"ValidUntil":"soon"}}]}"#] {
        assert_eq!(client.document_expires(other.as_bytes()), None, "{other}");
    }
    for (codes, again) in [(["25", "6", "84"], false), (["25", "75", "84"], true), (["25", "77", "6"], true)] {
        let status = identkit_core::CaseStatus::new(Outcome::Signed, codes.map(str::to_owned).to_vec());
        assert_eq!(client.was_identified_again(&status), Some(again), "{codes:?}");
    }
}

#[tokio::test]
async fn at_35_an_order_found_by_its_id_has_its_expectation() {
    let pdf = |name: &str| json!({"Filename": name, "Data": encode_base64(PDF)});
    let mut all = serde_json::to_value(plain_order()).unwrap();
    let two = json!({"Product": 15, "eSignPDF": [pdf("a.pdf"), pdf("b.pdf")]});
    all.as_object_mut().unwrap().extend(two.as_object().unwrap().clone());
    let order = order_of(&all);
    let client = client([reply(202, json!({"OrderID": ORDER}).to_string()), pdfs(&[PDF])]);
    let placed = client.put_order(&order, &options()).await.unwrap().value;
    let found = client.adopt(ORDER, Purpose::Signature).unwrap().with_state(order.case_state());
    assert_eq!(found, placed.case_ref());
    let error = client.evidence(&found, EvidenceKind::SignedDocument, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().contains("is 1, but the order has 2")), (Kind::Integrity, true));
    // The neutral form.
    let document = |name: &str| Document { name: name.into(), pdf: PDF.into() };
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        address: identkit_core::Address { country: Some("DE".into()), ..Default::default() },
        ..Person::default()
    };
    let documents = vec![document("a.pdf"), document("b.pdf")];
    let case = NewCase { purpose: Purpose::Signature, person, documents, ..NewCase::default() };
    let state = client.expected_state(&case).unwrap();
    assert!(state.expose().contains("\"documents\":2"), "{}", state.expose());
}

#[tokio::test]
async fn at_89_another_success_status_of_a_deletion_needs_reads() {
    let permit = DeletePermit::Operator;
    for status in [200, 203, 204] {
        let client = client([reply(status, ""), reply(404, "")]);
        let error = client.delete(&case(IDENTIFICATION), &permit, &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{status}");
    }
    client([reply(202, "")]).delete(&case(IDENTIFICATION), &permit, &options()).await.unwrap();
}
