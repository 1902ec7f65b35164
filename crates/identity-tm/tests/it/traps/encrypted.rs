//! Encrypted results (AT-70) and results for reuse (AT-71).

use super::*;

/// Decrypts by reversing the bytes.
struct Reversed;

impl Decryptor for Reversed {
    fn decrypt(&self, bytes: &[u8], content_type: Option<&str>) -> Result<Pii<Vec<u8>>, Error> {
        if content_type != Some("application/jose") {
            return Err(Error::new(Kind::Integrity, "unexpected Content-Type"));
        }
        Ok(Pii::new(bytes.iter().rev().copied().collect()))
    }
}

fn encrypted(text: &str) -> String {
    text.bytes().rev().map(char::from).collect()
}

fn body(reply: &crate::support::Reply) -> Result<IdentDataBody, Error> {
    decode(&MaybeEncrypted(GetIdentData::new(id())), reply).map(|decoded| decoded.value)
}

#[test]
fn at_70_documented_json_is_read_under_any_content_type() {
    for media in ["application/json", "application/jose", "text/html"] {
        for text in [
            r#"{"IdentData":{"Surname":"Mustermann"}}"#,
            r#"{"OrderID":"99921269855041","IdentData":{"Firstname":"Erika"}}"#,
        ] {
            let body = body(&answer(200, media, text)).unwrap();
            assert!(matches!(body, IdentDataBody::Json(_)), "{media} {text}");
        }
    }
    let spelled =
        body(&json_answer(200, r#"{"IDENTIFIED":"2018-09-05T11:06:21+02:00","IdentData":{"Firstname":"Erika"}}"#))
            .unwrap();
    assert!(matches!(spelled, IdentDataBody::Json(answer) if answer.identified.is_some()), "AT-01 applies here too");
}

#[test]
fn at_70_other_bodies_are_returned_as_received() {
    for text in [
        "eyJhbGciOiJSU0EtT0FFUCJ9.Mustermann",
        "-----BEGIN PGP MESSAGE-----\n\nMustermann\n",
        r#""MustermannMustermann""#,
        // An envelope is JSON without a documented element. It must not be read as a result without data.
        r#"{"protected":"e30","ciphertext":"MustermannMustermann","tag":"x"}"#,
        "<x:EncryptedData><x:CipherValue>Mustermann</x:CipherValue></x:EncryptedData>",
    ] {
        for media in ["application/jose", "application/json; charset=utf-8"] {
            let body = body(&answer(200, media, text)).unwrap();
            assert!(!format!("{body:?}").contains("Mustermann"));
            let IdentDataBody::Opaque { bytes, content_type } = body else { panic!("{text}: read as a result") };
            assert_eq!((bytes, content_type.as_deref()), (text.into(), Some(media)));
        }
    }
    assert_eq!(body(&json_answer(200, "")).unwrap_err().kind(), Kind::Protocol);
    let binary = body(&answer(200, "application/pkcs7-mime", vec![0x30, 0x82, 0xff, 0])).unwrap();
    assert!(matches!(binary, IdentDataBody::Opaque { bytes, .. } if *bytes == [0x30, 0x82, 0xff, 0]));
    // A ZIP archive, whose seventh byte says whether it is encrypted.
    for (flags, is_encrypted) in [(0, false), (1, true), (9, true), (8, false)] {
        let zip = [b"PK\x03\x04\x14\0".as_slice(), &[flags, 0, 8, 0, 0xff]].concat();
        assert_eq!(body(&answer(200, "application/octet-stream", zip)).is_ok(), is_encrypted, "{flags}");
    }
}

#[test]
fn at_70_words_and_truncated_json_are_not_encrypted() {
    for text in [
        "null",
        "true",
        "7",
        "[]",
        "Mustermann",
        "try again in a few minutes",
        "{\"IdentData\":",
        r#"{"IdentData":"MustermannMustermann"}"#,
        r#"{"ciphertext":"MustermannMustermann""#,
        r#"{"state":"pending"}"#,
        r#""Mustermann""#,
        r#""not yet available, sorry""#,
        "<error>MustermannMustermann</error>",
    ] {
        for media in ["application/jose", "application/octet-stream"] {
            assert_eq!(body(&answer(200, media, text)).unwrap_err().kind(), Kind::Protocol, "{text}");
        }
    }
}

#[test]
fn at_70_a_result_about_another_order_is_an_error() {
    let error = body(&json_answer(200, r#"{"OrderID":"99920006C38842"}"#)).unwrap_err();
    assert_eq!(error.kind(), Kind::Integrity);
}

#[test]
fn at_70_the_server_side_encodes_both_forms() {
    type Op = MaybeEncrypted<GetIdentData>;
    for output in [
        IdentDataBody::Json(Box::new(
            IdentDataAnswer::default()
                .order_id(id())
                .ident_data(OneOrMany::One(IdentData::default().firstname("Erika"))),
        )),
        IdentDataBody::Opaque {
            bytes: "sealed.sealed.sealed".into(),
            content_type: Some("application/jose".to_owned()),
        },
    ] {
        let (head, content) = Op::encode_response(output.clone()).unwrap().into_parts();
        let media = match &output {
            IdentDataBody::Json(_) => "application/json",
            IdentDataBody::Opaque { .. } => "application/jose",
        };
        assert_eq!((head.status.as_u16(), head.headers["content-type"].to_str().unwrap()), (200, media));
        assert_eq!(body(&answer(200, media, collect(content))).unwrap(), output);
    }
    assert_eq!(Op::META.path, GetIdentData::META.path);
}

#[test]
fn at_70_a_decrypted_result_is_checked_like_any_other() {
    let opaque = |text: &str| IdentDataBody::Opaque {
        bytes: encrypted(text).into(),
        content_type: Some("application/jose".to_owned()),
    };
    let (answer, warnings) = opaque(r#"{"identified":"2018-09-05T11:06:21+02:00","IdentData":{"Firstname":"Erika"}}"#)
        .open(&id(), &Reversed)
        .unwrap();
    assert!(answer.identified.is_some());
    assert_eq!(rules(&warnings), ["AT-01", "AT-24"]);
    let other = opaque(r#"{"OrderID":"99920006C38842"}"#).open(&id(), &Reversed).unwrap_err();
    assert_eq!(other.kind(), Kind::Integrity);
    let junk = opaque("Mustermann").open(&id(), &Reversed).unwrap_err();
    assert_eq!(junk.kind(), Kind::Protocol);
    assert!(!format!("{junk} {junk:?}").contains("Mustermann"));
    let plain = IdentDataBody::Json(Box::default());
    assert_eq!(plain.open(&id(), &Reversed).unwrap().0, IdentDataAnswer::default(), "not decrypted");
}

#[tokio::test]
async fn at_70_the_decryptor_applies_to_all_forms() {
    let text = r#"{"OrderID":"99921269855041","IdentData":{"Surname":"Mustermann"}}"#;
    let encrypted_reply = || Step::Answer(answer(200, "application/jose", encrypted(text)));
    let with = |builder: identkit_identity_tm::Builder| builder.decryptor(Arc::new(Reversed));
    let client =
        client_by(with, [encrypted_reply(), encrypted_reply(), encrypted_reply(), encrypted_reply(), reply(200, text)]);
    let options = options();
    for response in [
        client.ident_data(&id(), &options).await.unwrap(),
        client.ident_data_with_initial(&id(), &options).await.unwrap(),
        client.ident_data_with_method(&id(), &options).await.unwrap(),
    ] {
        assert_eq!(response.value.checked().unwrap().surname, Some("Mustermann".into()));
        assert_eq!((response.status.as_u16(), response.attempts), (200, 1));
    }
    let raw = client.ident_data_body(&id(), &options).await.unwrap().value;
    assert!(matches!(raw, IdentDataBody::Opaque { bytes, .. } if bytes == encrypted(text)));
    let plain = client.ident_data(&id(), &options).await.unwrap().value;
    assert!(plain.checked().is_some(), "unencrypted results are still read");
    let forms = ["", "/IncludeInitialData", "/IncludeIdentifyMethod", "", ""];
    assert_eq!(client.calls(), forms.map(|form| format!("GET /getIdentData/{ORDER}{form}")));
}

#[tokio::test]
async fn at_70_evidence_is_decrypted_and_otherwise_unchanged() {
    use identkit_core::EvidenceKind;
    let text = r#"{"OrderID":"99921269855041","x":18446744073709551616,"IdentData":{"Surname":"Mustermann"}}"#;
    let other = encrypted(r#"{"OrderID":"99920000000777","IdentData":{"Surname":"Mustermann"}}"#);
    let with = |builder: identkit_identity_tm::Builder| builder.decryptor(Arc::new(Reversed));
    let replies = [
        Step::Answer(answer(200, "application/jose", encrypted(text))),
        reply(200, text),
        Step::Answer(answer(200, "application/jose", other)),
    ];
    let client = client_by(with, replies);
    let read = || async {
        let case = CaseRef::new("identity-tm", ORDER);
        let pieces = client.evidence(&case, EvidenceKind::IdentData, &options()).await?;
        pieces.into_iter().next().unwrap().content.collect(1000).await
    };
    for form in ["encrypted", "not encrypted"] {
        assert_eq!(read().await.unwrap(), text, "{form}");
    }
    assert_eq!(read().await.unwrap_err().kind(), Kind::Integrity, "it is about another order");
}

#[tokio::test]
async fn at_70_an_undecryptable_result_is_an_error() {
    let encrypted_reply = || Step::Answer(answer(200, "text/plain", "MustermannMustermann"));
    let with = |builder: identkit_identity_tm::Builder| {
        let builder = builder.decryptor(Arc::new(Reversed));
        assert!(format!("{builder:?}").contains("decrypts: true"));
        builder
    };
    let vendor = client_by(with, [encrypted_reply()]);
    let error = vendor.ident_data(&id(), &options()).await.unwrap_err();
    let actual = (error.kind(), error.operation(), error.status());
    assert_eq!(actual, (Kind::Integrity, Some("getIdentData"), Some(200)));
    let vendor = client([encrypted_reply()]);
    let error = error_of(vendor.ident_data(&id(), &options()).await);
    assert_eq!(error.kind(), Kind::Protocol);
}

#[tokio::test]
async fn at_71_the_signed_form_is_preserved_and_reused_as_text() {
    for (text, reused) in [
        ("c2VhbGVkIGZvcm0=", "c2VhbGVkIGZvcm0="),
        (" c2VhbGVkIGZvcm0=\r\n", " c2VhbGVkIGZvcm0=\r\n"),
        (r#""c2Vh\/bGVkIGZvcm0=""#, "c2Vh/bGVkIGZvcm0="),
        ("\r\n \"c2VhbGVkIGZvcm0=\"\n", "c2VhbGVkIGZvcm0="),
        ("\u{feff}\"c2VhbGVkIGZvcm0=\"", "c2VhbGVkIGZvcm0="),
        ("{\"sealed\":\"c2VhbGVkIGZvcm0=ü\"}", "{\"sealed\":\"c2VhbGVkIGZvcm0=ü\"}"),
        ("\u{feff}c2VhbGVkIGZvcm0=", "\u{feff}c2VhbGVkIGZvcm0="),
    ] {
        for media in ["text/plain", "application/json", "application/octet-stream"] {
            let client = client([Step::Answer(answer(200, media, text))]);
            let signed = client.ident_data_signed(&id(), &options()).await.unwrap().value;
            assert_eq!(client.calls(), [format!("GET /getIdentData/{ORDER}/Signed")]);
            assert_eq!(signed.0, text.as_bytes());
            let order = plain_order().ident_data_signed(signed.for_reuse().unwrap());
            assert_eq!(sent_json(&order, &dialect())["IdentDataSigned"], reused);
            // The server side returns the same bytes.
            let response = GetIdentDataSigned::encode_response(signed.clone()).unwrap();
            assert_eq!(response.into_body().collect(1000).await.unwrap(), text.as_bytes());
        }
    }
    let client = client([Step::Answer(answer(200, "text/plain", ""))]);
    assert_eq!(client.ident_data_signed(&id(), &options()).await.unwrap_err().kind(), Kind::Protocol);
}

#[test]
fn at_71_only_encoded_data_is_a_signed_form() {
    let pdf = [PDF, &[0xff; 20]].concat();
    for body in [
        &b"<error>MustermannMustermann</error>"[..],
        br#"{"success":false}"#,
        br#"{"success":false,"trace":"MustermannMustermannMustermann"}"#,
        br#"{"state":{"ErrorCode":7,"trace":"MustermannMustermannMustermann"}}"#,
        b"denied",
        b"0",
        b"\"pending\"",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a\x01\0\x01\0\xff",
        b"RIFF\xff\0\0\0WEBP",
        b"PK\x03\x04\x14\0\x08\xff",
        b"\x1f\x8b\x08\0\xff",
        &pdf,
    ] {
        let shown = String::from_utf8_lossy(body);
        let signed = decode(&GetIdentDataSigned::new(id()), &answer(200, "text/plain", body.to_vec()));
        let error = error_of(signed);
        assert_eq!((error.kind(), error.detail().contains("not the signed form")), (Kind::Protocol, true), "{shown}");
        let sealed = decode(&MaybeEncrypted(GetIdentData::new(id())), &answer(200, "text/plain", body.to_vec()));
        assert_eq!(error_of(sealed).kind(), Kind::Protocol, "{shown}");
    }
    for body in [
        "<ds:SignatureValue>Mustermann</ds:SignatureValue>",
        "<x:EncryptedData><x:CipherValue>Mustermann</x:CipherValue></x:EncryptedData>",
        "-----BEGIN CMS-----\n",
    ] {
        assert!(decode(&GetIdentDataSigned::new(id()), &answer(200, "text/plain", body)).is_ok(), "{body}");
    }
}

#[test]
fn at_71_only_a_text_that_can_be_sent_again_is_read() {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mp4 = [&b"\0\0\0\x18ftypisom\0\0\0\0"[..], &[0x1f, 0x8e, 0x03].repeat(20)].concat();
    let other_texts: [&[u8]; 13] = [
        b"\0",
        b"\x01\x02\x03",
        b"error\0",
        b"Die Daten sind nicht verf\xfcgbar",
        b"Auftrag ung\xfcltig",
        b"{\"Error\":\"Auftrag ung\xfcltig\"}",
        b"<p>nicht verf\xfcgbar</p>",
        &utf_16("Fehler: nicht gefunden \u{2013} Ende"),
        &utf_16(r#"{"Error":"order not found"}"#),
        &utf_16("\u{feff}c2VhbGVkIGZvcm0gb2YgYW4gaWRlbnRpdHk="),
        &mp4,
        b"PK\x03\x04\x14\0\x08\xff\x01",
        b"\x1f\x8b",
    ];
    // Binary data can be an encrypted result, but not a text in another encoding, or a file that anyone can read.
    let binary: [&[u8]; 2] = [b"\x30\x82\x01\x0a\x06", &[0x85, 0x01, 0x0c, 0x03, 0xff, 0x10, 0x9b, 0x7e, 0x00, 0x1d]];
    let controls =
        ["c2VhbGVkIGZvcm0\u{7}=", "c2VhbGVk\u{85}IGZvcm0=", "c2VhbGVkIGZvcm0\u{fffd}", r#""c2VhbGVkIGZvcm0\u0000""#];
    let controls = controls.map(str::as_bytes);
    for body in other_texts.iter().chain(&binary).chain(&controls) {
        let shown = String::from_utf8_lossy(body);
        let reply = answer(200, "application/octet-stream", body.to_vec());
        let error = error_of(decode(&GetIdentDataSigned::new(id()), &reply));
        assert_eq!((error.kind(), error.detail().contains("not the signed form")), (Kind::Protocol, true), "{shown}");
        let stored = SignedIdentData(body.to_vec().into());
        assert_eq!(stored.for_reuse().unwrap_err().kind(), Kind::Integrity, "{shown}");
        let sealed = decode(&MaybeEncrypted(GetIdentData::new(id())), &reply);
        assert_eq!(sealed.is_ok(), binary.contains(body) || body.contains(&7), "{shown}");
    }
}

#[test]
fn at_24_an_opaque_result_of_another_order_is_an_error() {
    let text = |order: &str| format!(r#"{{"orderid":{order},"ciphertext":"MustermannMustermann"}}"#);
    for (order, good) in [("8", false), (r#""8""#, false), (ORDER, true), ("null", true), (r#""""#, true)] {
        let reply = answer(200, "application/json", text(order));
        let sealed = decode(&MaybeEncrypted(GetIdentData::new(id())), &reply).map(drop);
        for read in [sealed, decode(&GetIdentDataSigned::new(id()), &reply).map(drop)] {
            assert_eq!(read.map_err(|error| error.kind()).err(), (!good).then_some(Kind::Integrity), "{order}");
        }
    }
}

#[test]
fn at_94_a_message_is_not_an_opaque_result() {
    for text in [
        "Service temporarily unavailable",
        "\"please try again later\"",
        r#"{"message":"Too many requests"}"#,
        r#"{"title":"Bad Gateway","trace":"MustermannMustermannMustermannMustermann"}"#,
        "upstream connect error\nreset reason: overflow",
    ] {
        let signed = decode(&GetIdentDataSigned::new(id()), &answer(200, "text/plain", text));
        assert_eq!(error_of(signed).kind(), Kind::Protocol, "{text}");
        let sealed = decode(&MaybeEncrypted(GetIdentData::new(id())), &answer(200, "text/plain", text));
        assert_eq!(error_of(sealed).kind(), Kind::Protocol, "{text}");
    }
    // A title above encoded data, as in PEM.
    let form = format!("signed identification data\n{}\n", "QUJD".repeat(16));
    assert!(decode(&GetIdentDataSigned::new(id()), &answer(200, "text/plain", form)).is_ok());
}

#[tokio::test]
async fn at_73_the_port_reads_evidence_with_the_method() {
    use identkit_core::EvidenceKind;
    let client = client([reply(200, r#"{"IdentData":{"Firstname":"Erika"}}"#)]);
    let case = CaseRef::new("identity-tm", ORDER);
    client.evidence(&case, EvidenceKind::IdentData, &options()).await.unwrap();
    assert_eq!(client.calls(), [format!("GET /getIdentData/{ORDER}/IncludeIdentifyMethod")]);
}
