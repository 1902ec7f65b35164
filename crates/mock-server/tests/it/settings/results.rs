//! Results: shapes, images, IP addresses and encryption.

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::{HashShape, unseal};

#[tokio::test(flavor = "multi_thread")]
async fn at_01_the_client_reads_any_configured_identified_key() {
    for (key, warned) in [("Identified", false), ("Identifed", false), ("Identifyed", true)] {
        let bench = Harness::configured(|settings| settings.identified_key = key.into());
        let id = bench.ended(order(), "positive").await;
        let raw = bench.get_order("/getIdentData/{}", &id).await.json();
        let keys: Vec<_> = raw.as_object().unwrap().keys().filter(|name| name.starts_with("Identi")).collect();
        assert_eq!(keys, [key]);
        let read = bench.tm().ident_data(&id, &options()).await.unwrap();
        assert_eq!(read.value.identified.unwrap().as_str(), raw[key].as_str().unwrap());
        assert_eq!(read.warnings.iter().any(|warning| warning.rule == "AT-01"), warned, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ip_address_in_results_is_a_setting() {
    for output in [false, true] {
        let bench = Harness::configured(|settings| settings.user_ip = output);
        let id = bench.ended(order(), "positive").await;
        let read = bench.tm().ident_data(&id, &options()).await.unwrap().value;
        assert_eq!(read.user_ip.as_ref().map(|ip| ip.expose().as_str()), output.then_some("192.0.2.1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_28_images_in_results_are_a_setting() {
    let jpeg = || Blob::Text(encode_base64(b"\xff\xd8\xff what a point of sale gave").into());
    let given = OrderIdentData::default().id_card(IdCard::default().images(IdCardImages::default().front(jpeg())));
    for (enabled, order, names) in [
        (false, order(), vec![]),
        (true, order(), vec!["front.png", "back.png"]),
        (true, order().add(4_194_304_u64).ident_data(given), vec!["front.jpg", "back.png"]),
    ] {
        let bench = Harness::configured(|settings| settings.images = enabled);
        // Without the client, which streams images.
        let placed = bench.tm_call("PUT", "/putOrder", serde_json::to_vec(&order).unwrap()).await;
        let id = OrderId::new(placed.json()["OrderID"].as_str().unwrap());
        bench.play(id.expose(), "positive").await;
        let data = bench.tm().ident_data_with_initial(&id, &options()).await.unwrap().value;
        let images = data.checked().unwrap().images.clone().unwrap_or_default();
        let output: Vec<_> = images.iter().map(|image| image.filename.as_ref().unwrap().expose().as_str()).collect();
        assert_eq!(output, names);
        assert!(data.initial().unwrap().images.is_none(), "initial data has no images");
        for image in images {
            let (bytes, name) = (image.image.unwrap().to_bytes().unwrap(), image.filename.unwrap());
            let begins: &[u8] =
                if name.expose().ends_with("png") { b"\x89PNG\r\n" } else { b"\xff\xd8\xff what a point" };
            assert!(bytes.starts_with(begins));
        }
    }
}

struct Unsealing;

impl Decryptor for Unsealing {
    fn decrypt(&self, bytes: &[u8], _: Option<&str>) -> Result<Pii<Vec<u8>>, Error> {
        unseal(bytes).map(Pii::new).ok_or_else(|| Error::new(Kind::Integrity, "not sealed by the sandbox"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_70_encrypted_results_need_a_decryptor() {
    let bench = Harness::configured(|settings| settings.encrypted_results = true);
    let id = bench.ended(order(), "positive").await;
    for path in ["/getIdentData/{}", "/getIdentData/{}/IncludeInitialData", "/getIdentData/{}/IncludeIdentifyMethod"] {
        let raw = bench.get_order(path, &id).await;
        assert_eq!((raw.status, raw.content_type()), (200, "application/octet-stream"));
        assert!(!raw.text().contains("Mustermann") && serde_json::from_slice::<Value>(&raw.body).is_err());
        assert!(unseal(&raw.body[1..]).is_none());
    }
    let body = bench.tm().ident_data_body(&id, &options()).await.unwrap().value;
    assert!(matches!(body, IdentDataBody::Opaque { .. }));
    let opening = tm_builder()
        .decryptor(Arc::new(Unsealing))
        .transport(Arc::new(InProcess(bench.sandbox.clone())))
        .clock(Arc::new(bench.clock.clone()))
        .build()
        .unwrap();
    let data = opening.ident_data_with_initial(&id, &options()).await.unwrap().value;
    assert_eq!(data.checked().unwrap().surname.as_ref().unwrap().expose(), "Mustermann");
    bench.set_up(|settings| settings.encrypted_results = false);
    bench.tm().ident_data(&id, &options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_36_the_client_reads_every_shape_of_hashes() {
    let shapes = [
        (HashShape::EachInAnObject, json!([{ "a.pdf": "1" }, { "b.pdf": "2" }])),
        (HashShape::AllInOneObject, json!([{ "a.pdf": "1", "b.pdf": "2" }])),
        (HashShape::Object, json!({ "a.pdf": "1", "b.pdf": "2" })),
    ];
    for (shape, expected) in shapes {
        let bench = Harness::configured(|settings| settings.hash_shape = shape);
        let hash = |name: &str| SignHash::default().hash(encode_base64(name.as_bytes())).filename(name);
        let hashes = OneOrMany::Many(vec![hash("a.pdf"), hash("b.pdf")]);
        let id = bench.ended(order().product(15_u32).sign_hash(hashes), "signed").await;
        let named = bench.tm().signed_hashes(&id, &options()).await.unwrap().value.hashes.unwrap();
        let mut raw = bench.get_order("/getESignHash/{}", &id).await.text();
        for (name, number) in [("a.pdf", "1"), ("b.pdf", "2")] {
            raw = raw.replace(named.get(name).unwrap().expose(), number);
        }
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap()["Hashes"], expected, "{shape:?}");
    }
}
