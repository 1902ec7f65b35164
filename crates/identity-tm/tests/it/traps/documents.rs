//! Documents to be signed, and elements that are not listed.

use super::*;

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
fn at_35_hashes_need_a_name_of_their_own_and_pdfs_should_have_one() {
    let nameless = SignHash::default().hash("c2hhMjU2");
    let order = |hashes| plain_order().product(15_u32).sign_hash(hashes);
    rejects(&order(OneOrMany::One(nameless.clone())), "eSignHash.Filename", "AT-35");
    rejects(&order(OneOrMany::One(nameless.filename(""))), "eSignHash.Filename", "AT-35");
    rejects(&order(OneOrMany::Many(vec![hash("a"), hash("a")])), "eSignHash", "AT-35");
    accepts(&order(OneOrMany::Many(vec![hash("a"), hash("b")])));
    let nameless = || SignHash::default().hash("c2hhMjU2");
    let told = faults(&order(OneOrMany::Many(vec![nameless(), hash("a"), hash("a"), nameless()])), &dialect());
    let expected = [("eSignHash[0].Filename", "AT-35"), ("eSignHash[3].Filename", "AT-35"), ("eSignHash", "AT-35")];
    assert_eq!(told, expected.map(|(field, rule)| (field.to_owned(), rule)));

    let lenient = allowing(|dialect| dialect.same_file_names = true);
    for hashes in [vec![hash("a"), hash("a")], vec![nameless()], vec![nameless().filename("")]] {
        assert_eq!(rules(&order(OneOrMany::Many(hashes)).check(&lenient).unwrap()), ["AT-35"]);
    }
    assert_eq!(order(OneOrMany::Many(vec![hash("a"), hash("b")])).check(&lenient).unwrap(), []);

    let pdf_order = |pdfs| plain_order().product(15_u32).sign_pdf(OneOrMany::Many(pdfs));
    let nameless = || SignPdf::default().data(Blob::from_bytes(PDF));
    for pdfs in [vec![pdf("a"), pdf("a")], vec![nameless()], vec![pdf(""), pdf("a")]] {
        assert_eq!(warnings(&pdf_order(pdfs)), ["AT-35"]);
    }
    assert_eq!(warnings(&pdf_order(vec![pdf("a"), pdf("b")])), Vec::<&str>::new());
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
    let BodyMode::Sniff { stream, .. } = GetESignPdf::META.body_mode else { panic!("not decided by the first bytes") };
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
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]);
        assert!(
            stream(&headers, PDF) && !stream(&headers, b"{\"PDFs\":[]}"),
            "{media}: a PDF is streamed, a list is not"
        );
    }
    assert!(stream(&HeaderMap::new(), PDF), "no Content-Type at all");
    for nothing in ["", "<html>Mustermann</html>", "%PDF", "null", "[]"] {
        let error = decode(&GetESignPdf::new(id()), &answer(200, "application/pdf", nothing)).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{nothing}");
        assert!(!error.to_string().contains("Mustermann"));
    }
}

#[tokio::test]
async fn at_37_both_forms_arrive_through_the_client() {
    let list = json!({"PDFs": [{"Base64Data": encode_base64(PDF)}]}).to_string();
    let client = client([
        Step::Answer(answer(200, "application/json; charset=utf-8", PDF)),
        Step::Answer(answer(200, "application/json; charset=utf-8", list)),
    ]);
    let one = client.signed_pdfs(&id(), &options()).await.unwrap().value;
    let SignedPdfs::One(content) = one else { panic!("a PDF was taken for JSON") };
    assert_eq!(content.collect(1000).await.unwrap(), PDF);
    let many = client.signed_pdfs(&id(), &options()).await.unwrap().value;
    assert!(matches!(many, SignedPdfs::Many(many) if many.len() == 1));
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
    order.extra.insert("AllowedProductSet".to_owned(), json!("all"));
    assert_eq!(sent_json(&order, &dialect())["AllowedProductSet"], "all");
    let told = r#"{"OrderID":"1","GiroURL":"https://www.example.com/giro"}"#;
    let giro = decode(&plain_order(), &json_answer(202, told)).unwrap().value;
    assert_eq!(giro.extra["GiroURL"], "https://www.example.com/giro", "AT-41: the giro link has no documented field");
}
