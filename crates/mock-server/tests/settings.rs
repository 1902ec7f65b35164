//! identity.TM: the settings of an account, each for a point that the document leaves open or to its support.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(feature = "identify24", feature = "identity-tm"))]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use common::*;
use http::Request;
use http::header::AUTHORIZATION;
use identkit_core::{Error, Kind, Outcome, Pii, Secret, Window};
use identkit_identity_tm::messages::{
    IdCard, IdCardImages, ListedOrder, OrderIdentData, SignHash, SignPdf, WebhookUrl,
};
use identkit_identity_tm::{
    Account, Decryptor, Health, IdentDataBody, IdentityTm, OrderCallback, OrderFlavour, OrderId,
};
use identkit_identity_tm::{PutOrder, StatusKind};
use identkit_mock_server::artefacts::sample_contract;
use identkit_mock_server::vendors::identity_tm::{
    Feature, GiroKey, HashShape, ListShape, Service, Settings, Unit, configure, unseal,
};
use identkit_mock_server::{InProcess, Transition};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_wire::json::Blob;
use identkit_wire::{OneOrMany, encode_base64};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn to_sign() -> PutOrder {
    let pdf = SignPdf::default().data(Blob::from_bytes(sample_contract())).filename("contract.pdf");
    order_with(&["OnFinal"]).product(15_u32).sign_pdf(OneOrMany::One(pdf))
}

const ALL_TIME: &str = r#"{"Period":{"Begin":"2018-01-01T00:00:00Z","End":"2030-01-01T00:00:00Z"}}"#;

fn paged(elements: u32, page: u32) -> String {
    ALL_TIME.replace("}}", &format!(r#","Paging":{{"Elements":{elements},"Page":{page}}}}}}}"#))
}

impl Bench {
    fn set_up(&self, change: impl FnOnce(&mut Settings)) {
        self.sandbox.with_world(|world| configure(world, change));
    }

    fn configured(change: impl FnOnce(&mut Settings)) -> Self {
        let bench = Self::new();
        bench.set_up(change);
        bench
    }

    async fn ended(&self, order: PutOrder, story: &str) -> OrderId {
        let id = self.place(order).await;
        self.play(id.expose(), story).await;
        id
    }

    async fn get(&self, path: &str, id: &OrderId) -> Answer {
        self.tm_call("GET", &path.replace("{}", id.expose()), "").await
    }

    async fn fed(&self) -> Vec<ListedOrder> {
        let begin = start_time().checked_sub(SignedDuration::from_hours(1)).unwrap();
        let end = begin.checked_add(SignedDuration::from_hours(24)).unwrap();
        let mut feed = self.tm().status_feed(Window { begin, end }, &options()).elements(3);
        let mut all = Vec::new();
        while let Some(orders) = feed.next().await.unwrap() {
            all.extend(orders);
        }
        all
    }
}

/// Order, code and number of everything that is listed.
fn told(orders: &[ListedOrder]) -> BTreeSet<(String, u32)> {
    let of = |order: &ListedOrder| {
        let id = order.order_id.as_ref().unwrap().expose().to_owned();
        order.kinds().map(|kind| (id.clone(), kind.0)).collect::<Vec<_>>()
    };
    orders.iter().flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn t_003_the_credentials_are_the_accounts() {
    let bench = Bench::configured(|settings| {
        settings.customer_id = "4711".into();
        settings.customer_code = "another".into();
    });
    assert_eq!(bench.tm_call("GET", "/getBankList", "").await.status, 401);
    let code = format!("Basic {}", encode_base64(b"4711:another"));
    let request = Request::builder().uri(format!("{TM}/getBankList")).header(AUTHORIZATION, code);
    assert_eq!(bench.raw(request.body(Bytes::new()).unwrap()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn t_006_what_is_not_enabled_is_400_and_says_so() {
    let bench = Bench::new();
    let signing = bench.ended(to_sign(), "identified").await;
    let done = bench.ended(order(), "positive").await;
    bench.set_up(|settings| {
        settings.products_not_enabled = [15].into();
        settings.not_enabled =
            [Feature::Report, Feature::CustomerSigning, Feature::AsyncVideo, Feature::SignMe, Feature::Giro].into();
    });
    let order_of = |product: u32| serde_json::to_vec(&order().product(product).add(8_u64)).unwrap();
    bench.tm_call("PUT", "/putOrder", order_of(15)).await.refused(400, "Product", "T-006", "[T] 3.1.1");
    assert_eq!(bench.tm_call("PUT", "/putOrder", order_of(12)).await.status, 202);
    for (method, path) in [
        ("GET", format!("/getIdentDataPDF/{}", done.expose())),
        ("POST", format!("/requestSign/{}", signing.expose())),
        ("POST", format!("/confirmSign/{}", signing.expose())),
        ("POST", format!("/confirm/{}", signing.expose())),
        ("POST", format!("/requestResendSignTan/{}", signing.expose())),
        ("POST", format!("/getVideoFileBinaryAsync/{}", done.expose())),
        ("POST", "/checkSignmeUser".to_owned()),
        ("GET", "/getBankList".to_owned()),
        ("GET", format!("/getidentdatapdf/{}", done.expose())),
    ] {
        let answer = bench.tm_call(method, &path, "{}").await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        answer.refused(400, "path", "T-006", "[T] 3.1.1");
    }
    let giro = serde_json::to_vec(&order().get_giro_link("WELADED1OPR")).unwrap();
    bench.tm_call("PUT", "/putOrder", giro).await.refused(400, "getGiroLink", "T-006", "[T] 3.1.1");
    assert_eq!(bench.get("/getIdentData/{}", &done).await.status, 200, "nothing else");
    let error = bench.tm().request_sign(&signing, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Rejected, Some(400)));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_43_an_account_may_do_without_addresses_where_nobody_has_to_come() {
    let mut without = serde_json::to_value(order()).unwrap();
    without.as_object_mut().unwrap().remove("Address");
    let bench = Bench::new();
    bench.tm_call("PUT", "/putOrder", without.to_string()).await.refused(400, "Address", "T-056", "[T] 3.1.3");
    bench.set_up(|settings| settings.address_optional = true);
    for (product, positive) in [(12, "Video"), (0, "eID")] {
        without["Product"] = json!(product);
        let answer = bench.tm_call("PUT", "/putOrder", without.to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = OrderId::received(answer.json()["OrderID"].as_str().unwrap());
        for story in ["courier", "shop"] {
            let refused = bench.begin(id.expose(), story).unwrap().unwrap_err();
            assert!(refused.text().contains("AT-43"), "{}", refused.text());
        }
        bench.play(id.expose(), "positive").await;
        let method = bench.get("/getIdentData/{}/IncludeIdentifyMethod", &id).await.json();
        assert_eq!(method["IdentifyMethod"], positive);
    }
    // An address that is there is still judged, and so is everything else.
    without["Address"] = json!({ "Firstname": "Erika" });
    bench.tm_call("PUT", "/putOrder", without.to_string()).await.refused(400, "Address.Country", "T-056", "[T] 3.1.3");
    without.as_object_mut().unwrap().remove("Address");
    without.as_object_mut().unwrap().remove("Email");
    bench.tm_call("PUT", "/putOrder", without.to_string()).await.refused(400, "Email", "T-056", "[T] 3.1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_84_the_person_may_be_mailed_although_the_link_is_asked_for() {
    for (beside, kinds) in [(false, vec![25]), (true, vec![25, 7])] {
        let bench = Bench::configured(|settings| settings.mail_beside_link = beside);
        let id = bench.place(order().get_target_link(true)).await;
        let status = bench.tm().status(&id, &options()).await.unwrap().value;
        assert_eq!(status.kinds().map(|kind| kind.0).collect::<Vec<_>>(), kinds);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_41_the_giro_link_is_told_where_the_account_has_it() {
    let iban = "DE89 1605 0202 0000 0000 00";
    for (key, bank, link, target, giro) in [
        (GiroKey::TargetUrl, "WELADED1OPR", false, Some("/giro/"), None),
        (GiroKey::TargetUrl, iban, true, Some("/status/"), Some("/giro/")),
        (GiroKey::GiroUrl, iban, false, None, Some("/giro/")),
        (GiroKey::GiroUrl, "noladE21rdb", true, Some("/status/"), Some("/giro/")),
        (GiroKey::TargetUrl, "", false, None, None),
    ] {
        let bench = Bench::configured(|settings| settings.giro_key = key);
        let placed = bench.tm().put_order(order().get_giro_link(bank).get_target_link(link), &options()).await;
        let answer = placed.unwrap().value.answer;
        let contains = |url: Option<&str>, part: Option<&str>| match (url, part) {
            (Some(url), Some(part)) => url.contains(part) && url.len() <= 100,
            (url, part) => url.is_none() && part.is_none(),
        };
        let told = answer.target_url.as_ref().map(Secret::expose);
        assert!(contains(told, target), "{key:?} {bank} {link}");
        let extra = answer.extra.0.get("GiroURL").map(|url| url.as_str().unwrap());
        assert!(contains(extra, giro), "{key:?} {bank} {link}");
    }
    for bank in ["COBADEFF", "DE89370400440532013000", "DE89", "ü"] {
        let body = serde_json::to_vec(&order().get_giro_link(bank)).unwrap();
        let answer = Bench::new().tm_call("PUT", "/putOrder", body.clone()).await;
        assert_eq!((answer.status, answer.text().contains("giro")), (202, false), "no code is documented for it");
        let answer = Bench::strict().tm_call("PUT", "/putOrder", body).await;
        answer.refused(400, "getGiroLink", "AT-41", "[T] 3.1.3");
        assert!(!answer.text().contains(bank));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_20_placeholders_are_encoded_unless_the_account_has_them_raw() {
    for (raw, query) in [
        (false, "ref=a%26b%25%2041%C3%BC&id="),
        // A blank and a letter beyond ASCII cannot stand in a request line; & and % can, and mislead.
        (true, "ref=a&b%%2041%C3%BC&id="),
    ] {
        let receiver = Receiver::answering(Some(200));
        let bench = Bench::receiving(&receiver);
        bench.set_up(|settings| settings.raw_placeholders = raw);
        let urls = WebhookUrl::default().on_final("https://hooks.example/x?ref=[Ref]&id=[OrderID]");
        let id = bench.ended(order().reference("a&b% 41ü").webhook_url(urls), "positive").await;
        let arrived = receiver.arrived();
        assert_eq!(arrived.len(), 1);
        assert_eq!(arrived[0].uri, format!("https://hooks.example/x?{query}{}", id.expose()), "raw: {raw}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_59_a_time_out_may_take_the_status_with_it() {
    for purge in [false, true] {
        let receiver = Receiver::answering(Some(200));
        let bench = Bench::receiving(&receiver);
        bench.set_up(|settings| settings.purge_on_time_out = purge);
        let id = bench.place(order_with(&["OnFinal"])).await;
        bench.clock.advance(DAY * 31).await;
        assert_eq!(receiver.events(), ["OnFinal"], "the webhook comes all the same");
        let status = bench.tm().status(&id, &options()).await;
        match (purge, status) {
            (false, Ok(status)) => {
                assert_eq!(status.value.finality(OrderFlavour::IdentOnly).outcome, Outcome::TimedOut);
                assert_eq!(bench.get("/getIdentData/{}", &id).await.status, 404);
            }
            (true, Err(error)) => {
                assert_eq!(error.kind(), Kind::NotFound);
                for (method, path) in
                    [("GET", "/getIdentData/{}"), ("POST", "/cancelOrder/{}"), ("DELETE", "/delIdentdata/{}")]
                {
                    let answer = bench.tm_call(method, &path.replace("{}", id.expose()), "").await;
                    answer.refused(404, "OrderID", "T-060", "[T]");
                }
            }
            (purge, status) => panic!("{purge}: {status:?}"),
        }
        let listed = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.text();
        assert_eq!(listed.contains(id.expose()), !purge);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_60_the_webhook_of_an_end_that_the_document_is_silent_about_is_a_setting() {
    for webhook in [Some(OrderCallback::OnFinal), Some(OrderCallback::AfterIdent), None] {
        let events: Vec<&str> = webhook.iter().map(identkit_wire::Callback::name).collect();
        let receiver = Receiver::answering(Some(200));
        let bench = Bench::receiving(&receiver);
        bench.set_up(|settings| {
            (settings.webhook_on_time_out, settings.webhook_on_cancel) = (webhook, webhook);
        });
        let both = || order_with(&["AfterIdent", "OnFinal"]);
        bench.place(both()).await;
        bench.clock.advance(DAY * 31).await;
        assert_eq!(receiver.events(), events, "time-out");
        let single = bench.place(both()).await;
        bench.sandbox.transition(single.expose(), &Transition::Status(99.into())).unwrap().unwrap();
        bench.clock.settle().await;
        assert_eq!(receiver.count(), 2 * events.len(), "a single time-out");
        let id = bench.place(both()).await;
        bench.tm().cancel_order(&id, &options()).await.unwrap();
        bench.clock.settle().await;
        bench.ended(both(), "cancelled").await;
        assert_eq!(receiver.count(), 4 * events.len(), "cancelled by call and by story");

        // Too many wrong TANs have a setting of their own.
        for (limit, calls) in [(webhook, events.len()), (Some(OrderCallback::OnFinal), 1)] {
            bench.set_up(|settings| settings.webhook_on_tan_limit = limit);
            let id = bench.place(to_sign().webhook_url(both().webhook_url.unwrap())).await;
            bench.play(id.expose(), "identified").await;
            bench.tm().request_sign(&id, &options()).await.unwrap();
            let before = receiver.count();
            let tan = bench.sandbox.peek(id.expose()).unwrap()["tan"].as_str().unwrap().to_owned();
            let wrong = if tan == "000000" { "111111" } else { "000000" };
            for _ in 0..3 {
                bench.tm().confirm_sign(&id, Secret::new(wrong), &options()).await.unwrap_err();
            }
            bench.clock.settle().await;
            assert_eq!(receiver.count() - before, calls, "{limit:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_61_the_statuses_of_a_cancellation_are_a_setting() {
    for (codes, last, outcome, calls) in [
        (vec![63, 22], 22, Outcome::Terminated, 1),
        (vec![22], 22, Outcome::Terminated, 1),
        // Then nothing says that the order has ended.
        (vec![63], 63, Outcome::Pending, 0),
    ] {
        let receiver = Receiver::answering(Some(200));
        let bench = Bench::receiving(&receiver);
        bench.set_up(|settings| settings.cancelled_by = codes.iter().copied().map(StatusKind).collect());
        let id = bench.place(order_with(&["OnFinal"])).await;
        bench.tm().cancel_order(&id, &options()).await.unwrap();
        bench.clock.settle().await;
        let status = bench.tm().status(&id, &options()).await.unwrap().value;
        assert_eq!(status.kinds().last(), Some(StatusKind(last)));
        assert_eq!(status.finality(OrderFlavour::IdentOnly).outcome, outcome);
        assert_eq!(receiver.count(), calls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_62_data_before_the_end_is_400_or_404() {
    for status in [400, 404] {
        let bench = Bench::configured(|settings| settings.early_data_status = status);
        let id = bench.place(order()).await;
        for path in ["/getIdentData/{}", "/getIdentData/{}/IncludeInitialData", "/getIdentDataPDF/{}"] {
            bench.get(path, &id).await.refused(status, "OrderID", "AT-62", "[T] 3.3.1");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_the_status_of_deleted_orders_and_the_case_of_paths_are_settings() {
    for readable in [true, false] {
        let bench = Bench::configured(|settings| settings.status_after_deletion = readable);
        let id = bench.ended(order(), "positive").await;
        assert_eq!(bench.tm_call("DELETE", &format!("/delIdentdata/{}", id.expose()), "").await.status, 202);
        for path in ["/getStatus/{}", "/getStatus/{}/ExtendedList"] {
            assert_eq!(bench.get(path, &id).await.status, if readable { 200 } else { 404 });
        }
        let listed = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.text();
        assert_eq!(listed.contains(id.expose()), readable);
        assert!(bench.tm().data_is_gone(&id, &options()).await.unwrap(), "the proof does not depend on it");
    }
    for (exact, status) in [(false, 202), (true, 404)] {
        let bench = Bench::configured(|settings| settings.exact_paths = exact);
        let id = bench.ended(order(), "positive").await;
        let answer = bench.tm_call("DELETE", &format!("/delIdentData/{}", id.expose()), "").await;
        assert_eq!(answer.status, status);
        if exact {
            answer.refused(404, "path", "AT-09", "[T]");
            assert_eq!(bench.get("/getIdentData/{}", &id).await.status, 200, "nothing is deleted");
            assert_eq!(bench.tm_call("DELETE", &format!("/delIdentdata/{}", id.expose()), "").await.status, 202);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_11_an_account_may_answer_the_version_of_the_document_alone() {
    let bench = Bench::configured(|settings| settings.any_version = false);
    let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
    for (version, status) in [("2.10", 200), ("2.0", 404), ("2.10c", 404), ("2.100", 404)] {
        let uri = format!("/api/{version}/getStatus/{EXAMPLE_ORDER}");
        let request = Request::builder().uri(uri).header(AUTHORIZATION, &code).body(Bytes::new()).unwrap();
        assert_eq!(bench.raw(request).await.status, status, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_13_which_codes_are_general_is_a_setting_and_may_hide_a_suspicion_of_fraud() {
    let bench = Bench::configured(|settings| {
        settings.general.remove(&89);
    });
    let id = bench.ended(order(), "fraud").await;
    let tm = bench.tm();
    let general = tm.status_general(&id, &options()).await.unwrap().value;
    assert_eq!(general.finality(OrderFlavour::IdentOnly).outcome, Outcome::Pending);
    let all = tm.status(&id, &options()).await.unwrap().value;
    assert_eq!(all.finality(OrderFlavour::IdentOnly).outcome, Outcome::FraudSuspicion);
    let listed = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.text();
    assert!(!listed.contains("\"Kind\":89"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_01_the_key_of_the_time_of_identification_is_a_setting_and_the_client_finds_it() {
    for (key, warned) in [("Identified", false), ("Identifed", false), ("Identifyed", true)] {
        let bench = Bench::configured(|settings| settings.identified_key = key.into());
        let id = bench.ended(order(), "positive").await;
        let raw = bench.get("/getIdentData/{}", &id).await.json();
        let keys: Vec<_> = raw.as_object().unwrap().keys().filter(|name| name.starts_with("Identi")).collect();
        assert_eq!(keys, [key]);
        let read = bench.tm().ident_data(&id, &options()).await.unwrap();
        assert_eq!(read.value.identified.unwrap().as_str(), raw[key].as_str().unwrap());
        assert_eq!(read.warnings.iter().any(|warning| warning.rule == "AT-01"), warned, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_tell_the_persons_network_address_where_the_account_has_it() {
    for told in [false, true] {
        let bench = Bench::configured(|settings| settings.user_ip = told);
        let id = bench.ended(order(), "positive").await;
        let read = bench.tm().ident_data(&id, &options()).await.unwrap().value;
        assert_eq!(read.user_ip.as_ref().map(|ip| ip.expose().as_str()), told.then_some("192.0.2.1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_28_results_hold_images_where_the_account_has_them() {
    let jpeg = || Blob::Text(encode_base64(b"what a point of sale gave").into());
    let given = OrderIdentData::default().id_card(IdCard::default().images(IdCardImages::default().front(jpeg())));
    for (enabled, order, names) in [
        (false, order(), vec![]),
        (true, order(), vec!["front.png", "back.png"]),
        (true, order().add(4_194_304_u64).ident_data(given), vec!["front.jpg", "back.png"]),
    ] {
        let bench = Bench::configured(|settings| settings.images = enabled);
        // Written without the client, which streams images.
        let placed = bench.tm_call("PUT", "/putOrder", serde_json::to_vec(&order).unwrap()).await;
        let id = OrderId::received(placed.json()["OrderID"].as_str().unwrap());
        bench.play(id.expose(), "positive").await;
        let data = bench.tm().ident_data_with_initial(&id, &options()).await.unwrap().value;
        let images = data.checked().unwrap().images.clone().unwrap_or_default();
        let told: Vec<_> = images.iter().map(|image| image.filename.as_ref().unwrap().expose().as_str()).collect();
        assert_eq!(told, names);
        assert!(data.initial().unwrap().images.is_none(), "nobody gave them");
        for image in images {
            let (bytes, name) = (image.image.unwrap().to_bytes().unwrap(), image.filename.unwrap());
            let begins: &[u8] = if name.expose().ends_with("png") { b"\x89PNG\r\n" } else { b"what a point" };
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
async fn at_70_encrypted_results_are_opaque_to_the_client_and_opened_by_a_decryptor() {
    let bench = Bench::configured(|settings| settings.encrypted_results = true);
    let id = bench.ended(order(), "positive").await;
    for path in ["/getIdentData/{}", "/getIdentData/{}/IncludeInitialData", "/getIdentData/{}/IncludeIdentifyMethod"] {
        let raw = bench.get(path, &id).await;
        assert_eq!((raw.status, raw.content_type()), (200, "application/octet-stream"));
        assert!(!raw.text().contains("Mustermann") && serde_json::from_slice::<Value>(&raw.body).is_err());
        assert!(unseal(&raw.body[1..]).is_none());
    }
    let body = bench.tm().ident_data_body(&id, &options()).await.unwrap().value;
    assert!(matches!(body, IdentDataBody::Opaque { .. }));
    let account = Account::new("sandbox-customer", Secret::new("sandbox-code"));
    let opening = IdentityTm::builder(account)
        .decryptor(Arc::new(Unsealing))
        .build(Arc::new(InProcess(bench.sandbox.clone())), Arc::new(bench.clock.clone()))
        .unwrap();
    let data = opening.ident_data_with_initial(&id, &options()).await.unwrap().value;
    assert_eq!(data.checked().unwrap().surname.as_ref().unwrap().expose(), "Mustermann");
    bench.set_up(|settings| settings.encrypted_results = false);
    bench.tm().ident_data(&id, &options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_36_hashes_come_in_every_shape_and_the_client_reads_all_of_them() {
    let shapes = [
        (HashShape::EachInAnObject, json!([{ "a.pdf": "1" }, { "b.pdf": "2" }])),
        (HashShape::AllInOneObject, json!([{ "a.pdf": "1", "b.pdf": "2" }])),
        (HashShape::Object, json!({ "a.pdf": "1", "b.pdf": "2" })),
    ];
    for (shape, expected) in shapes {
        let bench = Bench::configured(|settings| settings.hash_shape = shape);
        let hash = |name: &str| SignHash::default().hash(encode_base64(name.as_bytes())).filename(name);
        let hashes = OneOrMany::Many(vec![hash("a.pdf"), hash("b.pdf")]);
        let id = bench.ended(order().product(15_u32).sign_hash(hashes), "signed").await;
        let named = bench.tm().signed_hashes(&id, &options()).await.unwrap().value.hashes.unwrap().0;
        let mut raw = bench.get("/getESignHash/{}", &id).await.text();
        for (name, number) in [("a.pdf", "1"), ("b.pdf", "2")] {
            raw = raw.replace(named[name].expose(), number);
        }
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap()["Hashes"], expected, "{shape:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_02_delivered_may_come_besides_executed() {
    for besides in [false, true] {
        let bench = Bench::configured(|settings| settings.delivered_besides = besides);
        let id = bench.ended(order(), "positive").await;
        let all = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.json();
        let listed = all.as_array().unwrap().iter().find(|order| order["OrderID"] == id.expose()).unwrap();
        assert!(listed["Executed"].is_string());
        assert_eq!(listed.get("Delivered"), besides.then_some(&listed["Executed"]));
        let read = bench.fed().await.into_iter().find(|order| order.order_id.as_ref() == Some(&id)).unwrap();
        assert_eq!(read.executed.unwrap().as_str(), listed["Executed"].as_str().unwrap());
        let status = bench.get("/getStatus/{}", &id).await.json();
        assert!(status["Executed"].is_string() && status.get("Delivered").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_03_the_list_comes_in_every_shape_and_the_client_reads_all_of_them() {
    // One order in this hour; its answer alone shows the shapes for one.
    for (shape, pointer, many) in [
        (ListShape::Array, "/0", "/1"),
        (ListShape::Example, "/0", "/1"),
        (ListShape::UnderOrder, "/Order", "/Order/1"),
        (ListShape::EachUnderOrder, "/0/Order", "/1/Order"),
        (ListShape::BareWhenOne, "", "/1"),
    ] {
        let bench = Bench::configured(|settings| settings.list_shape = shape);
        bench.clock.advance(HOUR * 5).await;
        let id = bench.ended(order(), "positive").await;
        let now = bench.clock_time();
        let one = format!(r#"{{"Period":{{"Begin":"{now}","End":"{now}"}}}}"#);
        let answer = bench.tm_call("POST", "/getAllStatus", one).await.json();
        let told = answer.pointer(pointer).unwrap_or_else(|| panic!("{shape:?}: {answer}"));
        assert_eq!(told["OrderID"], id.expose(), "{shape:?}");
        assert_eq!(told.get("Status").is_some(), shape != ListShape::Example, "{shape:?}");
        let all = bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.json();
        assert!(all.pointer(many).is_some_and(|order| order["OrderID"].is_string()), "{shape:?}: {all}");
        let empty = r#"{"Period":{"Begin":"2016-01-01T00:00:00Z","End":"2016-01-02T00:00:00Z"}}"#;
        assert_eq!(bench.tm_call("POST", "/getAllStatus", empty).await.status, 304, "{shape:?}");
        if shape != ListShape::Example {
            assert!(told_of(&bench.fed().await, &id), "{shape:?}");
        }
    }
}

fn told_of(orders: &[ListedOrder], id: &OrderId) -> bool {
    told(orders).contains(&(id.expose().to_owned(), 6))
}

impl Bench {
    fn clock_time(&self) -> jiff::Timestamp {
        identkit_core::Clock::wall(&self.clock)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_04_the_extended_list_in_the_body_counts_unless_it_is_turned_off() {
    for counts in [true, false] {
        let bench = Bench::configured(|settings| settings.extended_list_in_body = counts);
        bench.ended(order(), "positive").await;
        let body = ALL_TIME.replacen('{', r#"{"ExtendedList":true,"#, 1);
        let told = bench.tm_call("POST", "/getAllStatus", body).await.text();
        assert_eq!(told.contains("\"Kind\":77"), counts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_05_pages_begin_at_0_or_1_and_count_statuses_or_orders_and_the_client_finds_everything() {
    for first in [0, 1] {
        for unit in [Unit::Statuses, Unit::Orders] {
            let bench = Bench::configured(|settings| {
                settings.first_page = first;
                settings.page_unit = unit;
            });
            for _ in 0..4 {
                bench.ended(order(), "positive").await;
            }
            let whole = bench.tm_call("POST", "/getAllStatus/ExtendedList", ALL_TIME).await.json();
            let page = async |number: u32| {
                let answer = bench.tm_call("POST", "/getAllStatus/ExtendedList", paged(2, number)).await;
                if answer.status == 304 { Vec::new() } else { answer.json().as_array().unwrap().clone() }
            };
            let (zero, one, two) = (page(0).await, page(1).await, page(2).await);
            assert_eq!(zero == one, first == 1, "AT-05: page 0 answers like page 1 when that is the first");
            let beginning = if first == 0 { &zero } else { &one };
            assert_eq!(beginning[0]["OrderID"], whole[0]["OrderID"]);
            assert!(if first == 0 { zero != one && one != two } else { one != two });
            let statuses =
                |page: &[Value]| -> usize { page.iter().map(|order| order["Status"].as_array().unwrap().len()).sum() };
            match unit {
                Unit::Statuses => assert_eq!(statuses(&one), 2),
                Unit::Orders => {
                    assert_eq!(one.len(), 2);
                    assert!(statuses(&one) > 2, "whole orders");
                }
            }
            // Whatever it is, the client finds everything of the day.
            let expected: BTreeSet<_> = whole
                .as_array()
                .unwrap()
                .iter()
                .filter(|order| order["OrderID"] != EXAMPLE_ORDER)
                .flat_map(|order| {
                    let id = order["OrderID"].as_str().unwrap().to_owned();
                    let kind = |entry: &Value| u32::try_from(entry["Kind"].as_u64().unwrap()).unwrap();
                    order["Status"].as_array().unwrap().iter().map(move |entry| (id.clone(), kind(entry)))
                })
                .collect();
            assert_eq!(told(&bench.fed().await), expected, "first page {first}, {unit:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_06_by_orders_one_that_was_reported_never_comes_again() {
    let bench = Bench::configured(|settings| settings.reported_unit = Unit::Orders);
    let tm = bench.tm();
    let id = bench.place(order()).await;
    let first = tm.drain_unreported(&options()).await.unwrap().0;
    assert!(told(&first).contains(&(id.expose().to_owned(), 25)));
    bench.play(id.expose(), "positive").await;
    assert!(tm.drain_unreported(&options()).await.unwrap().0.is_empty(), "its end is never reported");
    let other = bench.ended(order(), "positive").await;
    let second = told(&tm.drain_unreported(&options()).await.unwrap().0);
    assert!(second.contains(&(other.expose().to_owned(), 6)));
    assert!(second.iter().all(|(order, _)| *order == other.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_101_unreported_orders_are_told_whole_and_at_most_a_thousand_statuses_at_once() {
    for unit in [Unit::Statuses, Unit::Orders] {
        let bench = Bench::configured(|settings| settings.reported_unit = unit);
        let tm = bench.tm();
        tm.drain_unreported(&options()).await.unwrap();
        for _ in 0..3 {
            let id = bench.place(order()).await;
            for _ in 0..400 {
                bench.sandbox.transition(id.expose(), &Transition::Status(71.into())).unwrap().unwrap();
            }
        }
        let mut counts = Vec::new();
        loop {
            let answer = bench.tm_call("POST", "/getAllStatus/ExtendedList", "").await;
            if answer.status == 304 {
                break;
            }
            let orders = answer.json();
            let statuses = |order: &Value| order["Status"].as_array().unwrap().len();
            counts.push(orders.as_array().unwrap().iter().map(statuses).sum::<usize>());
        }
        // 25, 7 and 400 times 71 each; the examples are told first where their extended codes were not yet.
        let sum: usize = counts.iter().sum();
        assert!(counts.iter().all(|count| *count <= 1000) && sum >= 3 * 402, "{unit:?}: {counts:?}");
        assert_eq!(counts[0] == 1000, unit == Unit::Statuses, "{unit:?}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_08_the_body_may_be_missing_with_its_content_type() {
    for (content_type, body) in [(None, ""), (None, "{}"), (Some("application/json"), ""), (Some("text/plain"), "{}")] {
        let bench = Bench::new();
        let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
        let mut request =
            Request::builder().method("POST").uri(format!("{TM}/getAllStatus")).header(AUTHORIZATION, code);
        if let Some(told) = content_type {
            request = request.header("content-type", told);
        }
        assert_eq!(bench.raw(request.body(Bytes::from(body)).unwrap()).await.status, 200, "{content_type:?} {body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_80_the_service_is_up_down_or_silent_in_process() {
    let bench = Bench::new();
    for (service, health) in
        [(Service::Up, Health::Up), (Service::Down, Health::Down), (Service::Silent, Health::Unreachable)]
    {
        bench.set_up(|settings| settings.service = service);
        assert_eq!(bench.tm().health(&options()).await, health);
        // Nothing else is down: the document knows no 5xx anywhere else.
        assert_eq!(bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.status, 200);
    }
    bench.set_up(|settings| settings.service = Service::Down);
    bench.tm_call("GET", "/serverStatus", "").await.refused(500, "serverStatus", "AT-80", "[T] 7.1");
}

#[cfg(feature = "server")]
#[tokio::test(flavor = "multi_thread")]
async fn at_80_a_silent_service_ends_the_connection_without_an_answer() {
    let bench = Bench::configured(|settings| settings.service = Service::Silent);
    let address = "127.0.0.1:0".parse().unwrap();
    let listening = identkit_mock_server::server::vendors(&bench.sandbox, address, None).await.unwrap();
    let clock = Arc::new(identkit_transport::SystemClock::new());
    let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
    let account = Account::new("sandbox-customer", Secret::new("sandbox-code"));
    let tm = IdentityTm::builder(account)
        .base_url(format!("{}{TM}", listening.url()))
        .build(Arc::new(transport), clock)
        .unwrap();
    assert_eq!(tm.health(&options()).await, Health::Unreachable);
    bench.set_up(|settings| settings.service = Service::Up);
    assert_eq!(tm.health(&options()).await, Health::Up);
}

/// The settings with the documentation of each.
fn settings() -> Vec<(String, String)> {
    let source = include_str!("../src/vendors/identity_tm/settings.rs");
    let (_, fields) = source.split_once("pub struct Settings {\n").unwrap();
    let (fields, _) = fields.split_once("\n}").unwrap();
    let mut found = Vec::new();
    let mut about = String::new();
    for line in fields.lines().map(str::trim) {
        match (line.strip_prefix("///"), line.strip_prefix("pub ")) {
            (Some(told), _) => about.push_str(told),
            (None, Some(field)) => {
                let (name, _) = field.split_once(':').unwrap();
                found.push((name.to_owned(), std::mem::take(&mut about)));
            }
            // How it is written in JSON: settings_by_name.rs.
            (None, None) if line.starts_with("#[serde(") => {}
            (None, None) => panic!("neither a field nor a word about one: {line}"),
        }
    }
    found
}

#[test]
fn every_setting_names_its_reason_and_is_in_the_documentation_and_in_a_test() {
    let tests = [
        include_str!("settings.rs"),
        include_str!("signing.rs"),
        include_str!("webhooks.rs"),
        include_str!("virtual_time.rs"),
        include_str!("determinism.rs"),
        include_str!("media.rs"),
        include_str!("reuse.rs"),
        include_str!("network.rs"),
    ]
    .concat();
    let documentation = include_str!("../../../docs/sandbox-reference.md");
    let all = settings();
    assert!(all.len() > 30, "{}", all.len());
    for (name, about) in all {
        assert!(["AT-", "(T-", "[T "].iter().any(|reason| about.contains(reason)), "{name} has no reason: {about}");
        assert!(documentation.contains(&format!("`{name}`")), "{name} is not in docs/sandbox-reference.md");
        let used = ["settings.", "set."].iter().any(|before| tests.contains(&format!("{before}{name}")));
        assert!(used, "{name} is in no test");
    }
}
