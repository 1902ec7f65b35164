//! Signed documents and unlisted elements.

use super::*;

#[test]
fn at_35_a_signed_document_without_content_is_an_error() {
    let response = |pdfs: Value| json_answer(200, json!({ "PDFs": pdfs }).to_string());
    let data = encode_base64(b"%PDF-1.7 two");
    for pdfs in [
        json!([{"Base64Data": null}, {"Base64Data": data}]),
        json!([{}, {"Base64Data": data}]),
        json!([{"Base64Data": data}, {"Data": data}]),
        json!([]),
        json!(null),
    ] {
        let error = decode(&GetESignPdf::new(id()), &response(pdfs)).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
    }
}

#[test]
fn at_35_numbered_documents_are_read_by_number() {
    let [first, second] = ["one", "two"].map(|text| json!({ "Base64Data": encode_base64(text.as_bytes()) }));
    let read = |pdfs: Value| decode(&GetESignPdf::new(id()), &json_answer(200, json!({ "PDFs": pdfs }).to_string()));
    // As text: `json!` sorts the names.
    let swapped = format!(r#"{{"PDFs":{{"1":{second},"0":{first}}}}}"#);
    let SignedPdfs::Many(many) = decode(&GetESignPdf::new(id()), &json_answer(200, swapped)).unwrap().value else {
        panic!("a list was read as one document")
    };
    let texts: Vec<_> = many.iter().map(|blob| blob.to_bytes().unwrap()).collect();
    assert_eq!(texts, [&b"one"[..], b"two"]);
    // A document is missing, and the next one would get its number.
    for pdfs in [json!({ "0": first, "2": second }), json!({ "1": second })] {
        assert_eq!(read(pdfs).unwrap_err().kind(), Kind::Protocol);
    }
}

#[test]
fn at_37_the_first_bytes_decide_between_pdf_and_json() {
    let BodyMode::Sniff { stream, .. } = GetESignPdf::META.body_mode else { panic!("the body mode is not Sniff") };
    let list = json!({"PDFs": [{"Base64Data": encode_base64(PDF)}]}).to_string();
    for media in [
        "application/pdf",
        "application/json",
        "application/json; charset=utf-8",
        "application/octet-stream",
        "text/html",
    ] {
        let one = decode(&GetESignPdf::new(id()), &answer(200, media, PDF)).unwrap().value;
        let SignedPdfs::One(content) = one else { panic!("{media}: a PDF was read as JSON") };
        assert_eq!(collect(content), PDF);
        let many = decode(&GetESignPdf::new(id()), &answer(200, media, list.clone())).unwrap().value;
        let SignedPdfs::Many(many) = many else { panic!("{media}: JSON was read as a PDF") };
        assert_eq!(many[0].to_bytes().unwrap(), PDF);
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]);
        assert!(stream(&headers, PDF) && !stream(&headers, b"{\"PDFs\":[]}"), "{media}: only a PDF is streamed");
    }
    assert!(stream(&HeaderMap::new(), PDF), "without Content-Type");
    for nothing in ["", "<html>Mustermann</html>", "%PDF", "null", "[]"] {
        let error = decode(&GetESignPdf::new(id()), &answer(200, "application/pdf", nothing)).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{nothing}");
        assert!(!error.to_string().contains("Mustermann"));
    }
}

#[tokio::test]
async fn at_37_the_client_returns_both_forms() {
    let list = json!({"PDFs": [{"Base64Data": encode_base64(PDF)}]}).to_string();
    let client = client([
        Step::Answer(answer(200, "application/json; charset=utf-8", PDF)),
        Step::Answer(answer(200, "application/json; charset=utf-8", list)),
    ]);
    let one = client.signed_pdfs(&id(), &options()).await.unwrap().value;
    let SignedPdfs::One(content) = one else { panic!("a PDF was read as JSON") };
    assert_eq!(content.collect(1000).await.unwrap(), PDF);
    let many = client.signed_pdfs(&id(), &options()).await.unwrap().value;
    assert!(matches!(many, SignedPdfs::Many(many) if many.len() == 1));
}

#[tokio::test]
async fn at_24_a_result_of_another_order_is_an_error() {
    let hash = encode_base64(&[7; 20]);
    let body = |order: &str| {
        let file = json!([{"Base64Data": encode_base64(PDF)}]);
        let (pdfs, voices) = (&file, &file);
        format!(r#"{{"OrderID":{order},"PDFs":{pdfs},"Voicefiles":{voices},"Hashes":{{"a":"{hash}"}}}}"#)
    };
    for (order, expected) in
        [(r#""8""#, Some(Kind::Integrity)), ("8", Some(Kind::Integrity)), (ORDER, None), ("null", None)]
    {
        let client = || client([reply(200, body(order))]);
        let kind = |error: Error| error.kind();
        let options = options();
        let reply = json_answer(200, body(order));
        assert_eq!(decode(&GetESignPdf::new(id()), &reply).map_err(kind).err(), expected, "{order}");
        assert_eq!(decode(&GetESignHash::new(id()), &reply).map_err(kind).err(), expected, "{order}");
        assert_eq!(decode(&GetVoiceFiles::new(id()), &reply).map_err(kind).err(), expected, "{order}");
        let mut pdfs = client().signed_pdfs_streamed(&id(), &options).await.unwrap().value;
        while let Ok(Some(_)) = pdfs.next_file(1000).await {}
        assert_eq!(pdfs.next().await.is_err(), expected.is_some(), "{order}");
        let mut voices = client().voice_files_streamed(&id(), &options).await.unwrap().value;
        assert!(voices.next_file(1000).await.unwrap().is_some(), "{order}");
        assert_eq!(voices.next().await.map_err(kind).err(), expected, "{order}");
    }
}

#[tokio::test]
async fn at_24_a_file_of_another_order_is_an_error() {
    let (data, own) = (encode_base64(PDF), id().expose().to_owned());
    for (entry, is_own) in [
        (format!(r#"{{"OrderID":"{own}","Base64Data":"{data}"}}"#), true),
        (format!(r#"{{"OrderID":"4711","Base64Data":"{data}"}}"#), false),
        (format!(r#"{{"Base64Data":"{data}","order_id":4711}}"#), false),
        (format!(r#"{{"Base64Data":"{data}","Order":{{"OrderID":"4711"}}}}"#), false),
    ] {
        let first = format!(r#"{{"Base64Data":"{data}"}}"#);
        let body = format!(r#"{{"OrderID":"{own}","PDFs":[{first},{entry}],"Voicefiles":[{first},{entry}]}}"#);
        let whole = json_answer(200, body.clone());
        assert_eq!(decode(&GetESignPdf::new(id()), &whole).is_ok(), is_own, "{entry}");
        assert_eq!(decode(&GetVoiceFiles::new(id()), &whole).is_ok(), is_own, "{entry}");
        let client = || client([reply(200, body.clone())]);
        let mut pdfs = client().signed_pdfs_streamed(&id(), &options()).await.unwrap().value;
        let mut voices = client().voice_files_streamed(&id(), &options()).await.unwrap().value;
        assert!(pdfs.next_file(1000).await.unwrap().is_some() && voices.next_file(1000).await.unwrap().is_some());
        assert_eq!(pdfs.next_file(1000).await.is_ok(), is_own, "{entry}");
        assert_eq!(voices.next_file(1000).await.is_ok(), is_own, "{entry}");
    }
}

#[test]
fn at_42_unlisted_elements_are_preserved() {
    let mut text = serde_json::from_slice::<Value>(&fixture("S-035-put-order-request.json")).unwrap();
    text["Email"] = "e.mustermann@example.com".into();
    text["AllowedProductSet"] = json!([1, {"a": null}]);
    text["Address"]["Floor"] = json!("3");
    text["IdentData"]["Additional"]["idCardDateOfIssue"]["Hint"] = json!(false);
    assert_eq!(sent_json(&order_of(&text), &dialect()), text);
    let mut order = plain_order();
    order.extra.insert("AllowedProductSet".to_owned(), json!("all"));
    assert_eq!(sent_json(&order, &dialect())["AllowedProductSet"], "all");
}
