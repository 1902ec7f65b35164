//! identity.TM: states, codes, documents, and the rejections of each profile.

use crate::support::*;
use identkit_identity_tm::order::Placement;
use identkit_synthetic::page_count;

fn pdf(name: &str, bytes: impl Into<Bytes>) -> SignPdf {
    // As a string, because these orders are written without the client.
    let text = encode_base64(&bytes.into());
    SignPdf::default().data(Blob::Text(text.into())).filename(name)
}

fn signing(pdfs: Vec<SignPdf>) -> PutOrder {
    order().product(15_u32).sign_pdf(OneOrMany::Many(pdfs))
}

impl Harness {
    async fn put(&self, order: &impl serde::Serialize) -> Answer {
        self.tm_call("PUT", "/putOrder", serde_json::to_vec(order).unwrap()).await
    }

    /// Places an order and returns its id.
    async fn placed(&self, order: &impl serde::Serialize) -> String {
        let answer = self.put(order).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["OrderID"].as_str().unwrap().to_owned()
    }

    /// Places an order and plays a story with it.
    async fn played(&self, order: &impl serde::Serialize, story: &str) -> String {
        let id = self.placed(order).await;
        self.play(&id, story).await;
        id
    }

    async fn get(&self, path: &str) -> Answer {
        self.tm_call("GET", path, "").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_003_only_the_accounts_credentials_are_accepted() {
    let bench = Harness::new();
    let path = format!("{TM}/getStatus/{EXAMPLE_ORDER}");
    for (given, status) in [
        (format!("Basic {}", encode_base64(b"somebody:sandbox-code")), 401),
        (format!("Bearer {}", encode_base64(b"sandbox-customer:sandbox-code")), 401),
        ("Basic".to_owned(), 401),
        ("Basic \u{e4}".to_owned(), 401),
        // The name of the scheme is case-insensitive (RFC 9110).
        (format!("basic {}", encode_base64(b"sandbox-customer:sandbox-code")), 200),
    ] {
        for (path, status) in [(&*path, status), ("/api/2.10/nonsense", if status == 200 { 404 } else { status })] {
            let answer = bench.bare("GET", path, &[("authorization", &given)]).await;
            assert_eq!(answer.status, status, "{}", answer.text());
            if status == 401 {
                answer.refused(401, "Authorization", "T-003", "[T] 2.6");
                assert!(answer.headers[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic realm="));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_80_server_status_needs_no_credentials() {
    let bench = Harness::new();
    assert_eq!(bench.get("/serverStatus").await.status, 200);
    for path in ["/api/2.10/serverStatus", "/api/2.10/serverstatus", "/api/1/serverStatus"] {
        let answer = bench.bare("GET", path, &[]).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
    bench.tm().server_status(&options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_deletion_keeps_the_status_and_works_once() {
    let bench = Harness::new();
    let id = bench.played(&signing(vec![pdf("a.pdf", sample_contract())]), "signed").await;
    assert_eq!(bench.get(&format!("/getESignPDF/{id}")).await.status, 200);
    let deleted = bench.tm_call("DELETE", &format!("/delIdentdata/{id}"), "").await;
    assert_eq!(deleted.status, 202);
    assert_eq!(bench.get(&format!("/getStatus/{id}")).await.json()["Ref"], "ref-1", "the status stays readable");
    assert_eq!(bench.sandbox.inspect(&id).unwrap()["data_deleted"], true);
    assert!(!bench.sandbox.with_world(|world| format!("{world:?}")).contains("Blob("), "the documents are dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_only_strict_compares_paths_exactly() {
    let bench = Harness::new();
    let strict = Harness::strict();
    for path in ["/delIdentData/", "/DELIDENTDATA/", "/delidentdata/"] {
        let id = bench.played(&order(), "positive").await;
        assert_eq!(bench.tm_call("DELETE", &format!("{path}{id}"), "").await.status, 202, "{path}");
        assert_eq!(bench.get(&format!("/getIdentData/{id}")).await.status, 404);

        let answer = strict.tm_call("DELETE", &format!("{path}{OTHER_EXAMPLE_ORDER}"), "").await;
        answer.refused(404, "/delIdentdata/{OrderID}", "T-001", "[T] 3.10");
    }
    assert_eq!(strict.tm_call("DELETE", &format!("/delIdentdata/{OTHER_EXAMPLE_ORDER}"), "").await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_calls_are_404() {
    let bench = Harness::new();
    bench.get("/getShops").await.refused(404, "path", "T-001", "[T]");
    bench.get("/getStatus").await.refused(404, "/getStatus/{OrderID}", "T-001", "[T] 3.2");
    bench.get("/getStatus/1/Other").await.refused(404, "/getStatus", "T-001", "[T] 3.2");
    bench.get("/getStatus/1/").await.refused(404, "getStatus must be called at /getStatus/{OrderID}", "T-001", "3.2");
    let wrong_method = bench.tm_call("POST", "/getStatus/1", "").await;
    assert!(wrong_method.text().contains("getStatus must be called with GET"), "{}", wrong_method.text());
    // An id that is not UTF-8 is the id of no order.
    let (unknown, odd) = (bench.get("/getStatus/1").await, bench.get("/getStatus/%ff").await);
    assert_eq!((odd.status, odd.text()), (404, unknown.text()));
    let nowhere = bench.bare("GET", "/elsewhere", &[]).await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.text().contains("/api/{version}/"), "{}", nowhere.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_own_order_is_accepted_as_printed() {
    let bench = Harness::new();
    let answer = bench.tm_call("PUT", "/putOrder", fixture("identity-tm", "S-035-put-order-request.json")).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let output = answer.json();
    let sample = json_fixture("identity-tm", "S-036-put-order-response.json");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&output), keys(&sample));
    assert_eq!(keys(&output["VideoHashes"]), keys(&sample["VideoHashes"]));
    // AT-18: the Ref of the request, unlike in the document's response.
    assert_eq!(output["Ref"], "Sign-me_Account_Creation_Test");
    let length = |path: &str| output.pointer(path).unwrap().as_str().unwrap().chars().count();
    assert!(length("/OrderID") <= 20 && length("/TargetURL") <= 100);
    assert!(length("/VideoHashes/ShortCode") <= 5 && length("/VideoHashes/LongCode") <= 20);
    // AT-47: the document's own e-mail address has a blank; strict rejects it.
    let strict = Harness::strict();
    let answer = strict.tm_call("PUT", "/putOrder", fixture("identity-tm", "S-035-put-order-request.json")).await;
    answer.refused(400, "Email", "AT-47", "[T] 3.1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn put_order_returns_link_and_hashes_on_request_only() {
    let bench = Harness::new();
    let plain = bench.put(&order()).await.json();
    assert!(plain.get("TargetURL").is_none() && plain.get("VideoHashes").is_none());
    let id = plain["OrderID"].as_str().unwrap();
    let status = bench.get(&format!("/getStatus/{id}/ExtendedList")).await.text();
    assert!(status.contains("\"Kind\":7"), "AT-84: without the link an e-mail is sent");
    let linked = bench.put(&order().get_target_link(true).get_video_hashes(true)).await.json();
    assert!(linked.get("TargetURL").is_some() && linked.get("VideoHashes").is_some());
    let id = linked["OrderID"].as_str().unwrap();
    assert!(!bench.get(&format!("/getStatus/{id}/ExtendedList")).await.text().contains("\"Kind\":7"));
    let courier = bench.put(&order().product(0_u32).get_video_hashes(true)).await.json();
    assert!(courier.get("VideoHashes").is_none(), "T-054: with Product 12 and 15 only");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_20_any_text_is_a_valid_ref() {
    let bench = Harness::new();
    for reference in ["Just a test", "Größe/1?", "", "[Ref]"] {
        let answer = bench.put(&order().reference(reference)).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.json()["Ref"], reference);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_002_invalid_json_is_400_with_its_position() {
    let bench = Harness::new();
    for body in ["", "{", "nonsense", "[]", "\"x\"", "{\"Product\":\"twelve\"}", "\u{feff}{,}"] {
        let answer = bench.tm_call("PUT", "/putOrder", body).await;
        answer.refused(400, "body", "T-002", "[T] 3.1");
    }
    assert!(bench.tm_call("PUT", "/putOrder", "{\"Product\":\"twelve\"}").await.text().contains("Product"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_86_protected_and_invalid_pdfs_are_rejected() {
    let bench = Harness::new();
    let mut document = lopdf::Document::load_mem(&sample_contract()).unwrap();
    let id = lopdf::Object::String(b"0123456789abcdef".to_vec(), lopdf::StringFormat::Literal);
    document.trailer.set("ID", vec![id.clone(), id]);
    let version = lopdf::EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: "",
        key_length: 128,
        permissions: lopdf::Permissions::all(),
    };
    let state = lopdf::EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut encrypted = Vec::new();
    document.save_to(&mut encrypted).unwrap();

    for (bytes, what) in [
        (encrypted, "encrypted"),
        (b"%PDF-1.7\nand nothing else".to_vec(), "cannot be read"),
        (b"no PDF at all".to_vec(), "not a PDF"),
        (Vec::new(), "not a PDF"),
    ] {
        let answer = bench.put(&signing(vec![pdf("a.pdf", bytes)])).await;
        answer.refused(400, "eSignPDF.Data", "AT-86", "[T] 3.1.3");
        assert!(answer.text().contains(what), "{what}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_33_one_signed_pdf_is_the_pdf_itself() {
    let bench = Harness::new();
    let contract = sample_contract();
    for many in [false, true] {
        // AT-33: an object, or an array of one, is one document.
        let document = pdf("contract.pdf", contract.clone());
        let documents = if many { OneOrMany::Many(vec![document]) } else { OneOrMany::One(document) };
        let id = bench.played(&order().product(15_u32).sign_pdf(documents), "identified").await;
        bench.get(&format!("/getESignPDF/{id}")).await.refused(400, "OrderID", "T-060", "[T] 3.5.1");
        bench.play(&id, "signed").await;
        let answer = bench.get(&format!("/getESignPDF/{id}")).await;
        assert_eq!((answer.status, answer.content_type()), (200, "application/pdf"));
        assert!(answer.body.starts_with(&contract) && answer.body.len() > contract.len());
        assert_eq!(page_count(&answer.body), page_count(&contract));
    }
}

/// A file of the crate that signs PDFs.
fn fixture_pdf(name: &str) -> Vec<u8> {
    std::fs::read(identkit_testkit::workspace("crates/synthetic/tests/fixtures").join(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_85_signature_stands_in_the_named_field() {
    let bench = Harness::new();
    let original = fixture_pdf("empty-fields.pdf");
    let named = |name: &str| pdf("a.pdf", original.clone()).placement(Placement::Field(name.into()));
    // The field replaces a position beside it.
    let mut beside = named("Customer");
    (beside.signature_pos_x, beside.signature_pos_y, beside.signature_page) = (Some(1.0), Some(2.0), Some(9));
    let id = bench.played(&signing(vec![named("Bank"), beside]), "signed").await;
    let read = bench.tm().signed_pdfs(&OrderId::new(&*id), &options()).await.unwrap().value;
    let SignedPdfs::Many(signed) = read else { panic!("not several") };
    for (signed, filled) in signed.into_iter().zip(["Bank", "Customer"]) {
        let bytes = signed.to_bytes().unwrap();
        assert!(bytes.starts_with(&original));
        let document = lopdf::Document::load_mem(&bytes).unwrap();
        let page = document.page_iter().next().unwrap();
        for field in document.get_page_annotations(page).unwrap() {
            let is_filled = field.get(b"T").and_then(lopdf::Object::as_str).unwrap() == filled.as_bytes();
            assert_eq!(field.has(b"V"), is_filled, "{filled}");
        }
    }
    for (file, field) in
        [("empty-fields.pdf", "bank"), ("signed-by-others.pdf", "Approval"), ("linearized.pdf", "Bank")]
    {
        let order = signing(vec![pdf("a.pdf", fixture_pdf(file)).placement(Placement::Field(field.into()))]);
        bench.put(&order).await.refused(400, "eSignPDF.SignatureFieldName", "AT-85", "[T] 3.1.3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_86_pdfs_that_readers_open_are_signed() {
    let bench = Harness::new();
    let names =
        ["bytes-before-header.pdf", "double-minus-in-page.pdf", "page-direct-in-kids.pdf", "signed-by-others.pdf"];
    let id = bench.played(&signing(names.map(|name| pdf(name, fixture_pdf(name))).to_vec()), "signed").await;
    let SignedPdfs::Many(signed) = bench.tm().signed_pdfs(&OrderId::new(&*id), &options()).await.unwrap().value else {
        panic!("not several")
    };
    for (name, signed) in names.into_iter().zip(signed) {
        let signed = signed.to_bytes().unwrap();
        assert!(signed.starts_with(&fixture_pdf(name)) && page_count(&signed) == Some(1), "{name}");
    }
    // The document forbids every change.
    let answer = bench.put(&signing(vec![pdf("a.pdf", fixture_pdf("certified-1.pdf"))])).await;
    answer.refused(400, "eSignPDF.Data", "AT-86", "[T] 3.1.3");
    assert!(answer.text().contains("forbids changes"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_35_signed_pdfs_are_in_the_order_of_the_request() {
    let bench = Harness::new();
    // No document starts like another one.
    let numbered = |name: &str| [sample_contract(), format!("% the {name} one\n").into_bytes()].concat();
    let originals = [numbered("first"), numbered("second"), sample_contract()];
    let pdfs = originals.iter().enumerate().map(|(at, bytes)| pdf(&format!("{at}.pdf"), bytes.clone()));
    let id = bench.played(&signing(pdfs.collect()), "signed").await;
    let answer = bench.get(&format!("/getESignPDF/{id}")).await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/json"));
    assert_eq!(answer.json()["PDFs"].as_array().unwrap().len(), 3);
    let read = bench.tm().signed_pdfs(&OrderId::new(&*id), &options()).await.unwrap().value;
    let SignedPdfs::Many(signed) = read else { panic!("not several") };
    for (original, signed) in originals.iter().zip(signed) {
        assert!(signed.to_bytes().unwrap().starts_with(original));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_35_only_several_hashes_need_unique_names() {
    let bench = Harness::new();
    // PDFs need no name; results are in the order of the request.
    let same = vec![pdf("a.pdf", sample_contract()), pdf("a.pdf", sample_contract())];
    let id = bench.played(&signing(same), "signed").await;
    assert_eq!(bench.get(&format!("/getESignPDF/{id}")).await.json()["PDFs"].as_array().unwrap().len(), 2);

    let hash = || json!({ "Hash": encode_base64(b"a hash") });
    let mut hashes = serde_json::to_value(order().product(15_u32)).unwrap();
    for alone in [hash(), json!([hash()])] {
        hashes["eSignHash"] = alone;
        let id = bench.played(&hashes, "signed").await;
        let read = bench.tm().signed_hashes(&OrderId::new(&*id), &options()).await.unwrap().value;
        assert_eq!(read.hashes.unwrap().names().collect::<Vec<_>>(), [""]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_status_is_returned_as_printed() {
    let bench = Harness::new();
    let answer = bench.get(&format!("/getStatus/{EXAMPLE_ORDER}/ExtendedList")).await;
    assert_eq!(answer.json(), json_fixture("identity-tm", "S-040-get-status-response.json"));
    assert_eq!(answer.content_type(), "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_13_the_default_variant_has_the_general_codes_only() {
    let bench = Harness::new();
    let answer = bench.get(&format!("/getStatus/{EXAMPLE_ORDER}")).await.json();
    let kinds: Vec<_> = answer["Status"].as_array().unwrap().iter().map(|entry| entry["Kind"].clone()).collect();
    assert_eq!(kinds, [25, 75, 6, 23]);
    let id = bench.played(&order(), "fraud").await;
    assert!(bench.get(&format!("/getStatus/{id}")).await.text().contains("\"Kind\":89"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_23_the_documents_data_is_returned_with_order_and_ref() {
    let bench = Harness::new();
    let mut expected = json_fixture("identity-tm", "S-046-get-ident-data-response.json");
    expected["OrderID"] = EXAMPLE_ORDER.into();
    expected["Ref"] = "Sign-me_Account_Creation_Test".into();
    let answer = bench.get(&format!("/getIdentData/{EXAMPLE_ORDER}/IncludeInitialData")).await;
    assert_eq!(answer.json(), expected);
    let plain = bench.get(&format!("/getIdentData/{EXAMPLE_ORDER}")).await.json();
    assert_eq!(plain["IdentData"], expected["IdentData"][0], "an object, and the checked data only");
    assert!(plain.get("IdentifyMethod").is_none());
    let method = bench.get(&format!("/getIdentData/{EXAMPLE_ORDER}/IncludeIdentifyMethod")).await.json();
    assert_eq!(method["IdentifyMethod"], "Video");
    assert_eq!(method["IdentData"], plain["IdentData"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_25_missing_initial_data_is_null_or_the_epoch() {
    let bench = Harness::new();
    let given = OrderIdentData::default().firstname("Erika").surname("Mustermann").birthdate("1964-08-12");
    let id = bench.played(&order().ident_data(given), "positive").await;
    let answer = bench.get(&format!("/getIdentData/{id}/IncludeInitialData")).await.json();
    let expected = json!({ "CardNo": null, "PlaceOfIssue": null, "ValidUntil": "1970-01-01" });
    assert_eq!(answer["IdentData"][1]["IDCard"], expected);
    assert_eq!((&answer["IdentData"][0]["Type"], &answer["IdentData"][1]["Type"]), (&json!(1), &json!(2)));
    assert_eq!(answer["IdentData"][0]["Firstname"], "Erika");
    let read = bench.tm().ident_data_with_initial(&OrderId::new(&*id), &options()).await.unwrap().value;
    assert_eq!(read.initial().unwrap().firstname.as_ref().unwrap().expose(), "Erika");
    let report = bench.get(&format!("/getIdentDataPDF/{id}")).await;
    assert_eq!((report.status, report.content_type()), (200, "application/pdf"));
    assert!(page_count(&report.body).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_25_initial_data_is_as_given() {
    let bench = Harness::new();
    let text = json!({
        "Firstname": "Erika", "Surname": "Mustermann", "Street": "Heidestr. 17", "ZipCode": "51147", "City": "Köln",
        "Country": "DE", "Birthdate": "1964-08-12", "Birthplace": "Berlin", "Birthname": "Gabler", "Nationality": "DE",
        "Title": "Dr.", "Artistname": "E.", "Gender": "female", "Mobile": "+491701234567", "Email": "erika@example.com",
        "IDCard": { "CardNo": "T22000129", "PlaceOfIssue": "Köln", "DateOfIssue": "2010-11-01", "ValidUntil": "2020-10-31" },
        "DriverLicence": { "LicenceNo": "B072RRE2I55", "Classes": "B", "DateOfIssue": "1984-08-12" },
    });
    let mut given = text.clone();
    given["Additional"] = json!({ "Profession": { "Type": 1, "Label": "Profession", "Value": "Engineer" } });
    let id = bench.ordered(json!({ "IdentData": given })).await;
    bench.play(&id, "positive").await;
    let answer = bench.get(&format!("/getIdentData/{id}/IncludeInitialData")).await.json();
    let mut expected = text;
    expected["Type"] = 2.into();
    expected["Additional"] = json!({ "Profession": "Engineer" });
    assert_eq!(answer["IdentData"][1], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_48_a_birth_name_is_determined_only_on_request() {
    let bench = Harness::new();
    for (given, found) in [(None, Value::Null), (Some(""), json!("Mustermann")), (Some("Gabler"), json!("Gabler"))] {
        let mut data = OrderIdentData::default();
        if let Some(given) = given {
            data = data.birthname(given);
        }
        let id = bench.played(&order().ident_data(data), "positive").await;
        let answer = bench.get(&format!("/getIdentData/{id}")).await.json();
        assert_eq!(answer["IdentData"]["Birthname"], found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_no_setting_of_the_client() {
    let bench = Harness::new();
    let body = r#"{"Address":{"Firstname":"Erika","Surname":"Mustermann","Country":"DE","ZipCode":"123456"}}"#;
    let text = bench.tm_call("PUT", "/putOrder", body).await.text();
    assert!(text.contains("the vendor's table allows 5") && !text.contains("setting"), "{text}");
}
