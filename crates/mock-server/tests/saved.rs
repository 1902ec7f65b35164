//! Worlds saved and restored: nothing is lost, the future is the same to the byte, and a damaged file is an error that
//! says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(feature = "identify24", feature = "identity-tm"))]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use common::*;
use http::Request;
use http::header::AUTHORIZATION;
use identkit_core::Secret;
use identkit_identity_tm::PutOrder;
use identkit_identity_tm::messages::SignPdf;
use identkit_mock_server::rules::Rules;
use identkit_mock_server::vendors::{self, identify24, identity_tm};
use identkit_mock_server::{Handled, MockVendor, Profile, Route, SavedError, Timer, Transition, World};
use identkit_wire::json::Blob;
use identkit_wire::{OneOrMany, encode_base64};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What receivers answer, one after the other, and then always 200: a first try fails here and there.
const STATUSES: [Option<u16>; 8] = [Some(500), Some(202), None, Some(200), Some(404), Some(200), None, Some(503)];

/// The world as it comes out of a text.
fn through_text(world: &World) -> World {
    let vendors = vendors::all();
    let document = world.to_json(&vendors).unwrap();
    let text = serde_json::to_string_pretty(&document).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert!(read == document, "JSON itself keeps everything");
    let restored = World::from_json(&vendors, &read).unwrap();
    assert!(restored.to_json(&vendors).unwrap() == document, "and so does the world");
    restored
}

/// A sandbox and what its user has got from it so far.
struct Day {
    bench: Bench,
    receiver: Receiver,
    /// When the bench began.
    start: jiff::Timestamp,
    known: BTreeMap<&'static str, String>,
    log: Vec<String>,
}

const STEPS: usize = 17;

impl Day {
    fn begin(receiver: Receiver, start: jiff::Timestamp) -> Self {
        let through = receiver.clone();
        let bench = Bench::since(start, |builder| builder.webhooks_through(Arc::new(through)));
        receiver.by(&bench.clock);
        Self { bench, receiver, start, known: BTreeMap::new(), log: Vec::new() }
    }

    /// The same day in another sandbox, by way of a text.
    fn restored(&self) -> Self {
        let world = self.bench.sandbox.with_world(|world| through_text(world));
        let rest = STATUSES.get(self.receiver.count()..).unwrap_or_default();
        let mut day = Self::begin(Receiver::script(rest), world.now);
        day.bench.sandbox.with_world(|place| *place = world);
        day.known.clone_from(&self.known);
        day
    }

    fn note(&mut self, answer: &Answer) {
        self.log.push(format!("{} {:?} {:?}", answer.status, answer.headers, answer.body));
    }

    async fn place(&mut self, name: &'static str, order: &PutOrder) {
        let answer = self.bench.tm_call("PUT", "/putOrder", serde_json::to_vec(order).unwrap()).await;
        self.note(&answer);
        self.known.insert(name, answer.json()["OrderID"].as_str().unwrap().to_owned());
    }

    async fn get(&mut self, path: &str, name: &str) -> Answer {
        let path = path.replace("{}", self.known.get(name).map_or(name, String::as_str));
        let answer = self.bench.tm_call("GET", &path, "").await;
        self.note(&answer);
        answer
    }

    async fn play(&self, name: &str, story: &str) {
        self.bench.play(&self.known[name], story).await;
    }

    /// A step of a day with everything in it that a world can hold.
    async fn step(&mut self, step: usize) {
        let pdf = || SignPdf::default().filename("contract.pdf").data(Blob::Text(sample_contract().into()));
        match step {
            0 => {
                let url = Secret::new("https://hooks.example/identify24/t0ken/status");
                self.bench.sandbox.with_world(|world| {
                    identify24::set_webhook(world, Some(url));
                    identify24::configure(world, |settings| settings.creates_left = Some(2));
                    identity_tm::configure(world, |settings| settings.voice_files = true);
                });
            }
            1 => {
                let answer = self.bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await;
                self.note(&answer);
                self.known.insert("token", answer.json()["token"].as_str().unwrap().to_owned());
            }
            2 | 15 => {
                let body = fixture("identify24", "S-012-ident-create-curl-body.json");
                let answer = self.bench.i24_call(&self.known["token"], "POST", "/ident/create", body).await;
                self.note(&answer);
                if step == 2 {
                    self.known.insert("ident", answer.json()["ident_id"].as_str().unwrap().to_owned());
                }
            }
            3 => self.place("filmed", &order_with(&["AfterVideo", "OnFinal"]).add(131_072_u64)).await,
            4 => {
                let mut order = order_with(&["AfterIdent", "OnFinal"]).product(15_u32).get_target_link(true);
                order.extra.0.insert("Unlisted".into(), json!({ "null": null, "float": 0.1, "list": [1, -1, "ä"] }));
                self.place("signing", &order.sign_pdf(OneOrMany::One(pdf()))).await;
            }
            5 => self.play("filmed", "positive").await,
            6 => self.play("signing", "identified").await,
            7 => {
                let order = &self.known["filmed"];
                let body = r#"{"callbackUrl":"https://hooks.example/identity-tm/t0ken/video"}"#;
                let answer = self.bench.tm_call("POST", &format!("/getVideoFileBinaryAsync/{order}"), body).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
            8 => {
                let answer = self.bench.tm_call("POST", &format!("/requestSign/{}", self.known["signing"]), "").await;
                assert_eq!(answer.status, 202, "{}", answer.text());
                self.note(&answer);
            }
            9 => drop(self.bench.clock.advance(10 * MINUTE).await),
            10 => drop(self.get("/getAllStatus", "").await),
            11 => {
                let id = &self.known["signing"];
                let tan = self.bench.sandbox.peek(id).unwrap()["tan"].as_str().unwrap().to_owned();
                let wrong = self.bench.tm_call("POST", &format!("/confirmSign/{id}"), r#"{"tan":"x"}"#).await;
                let right = format!(r#"{{"tan":"{tan}"}}"#);
                let right = self.bench.tm_call("POST", &format!("/confirmSign/{id}"), right).await;
                assert_eq!((wrong.status, right.status), (400, 202), "{} {}", wrong.text(), right.text());
                self.note(&wrong);
                self.note(&right);
            }
            12 => {
                let form = self.get("/getIdentData/{}/Signed", "signing").await.text();
                for (name, form) in [("again", form.clone()), ("tampered", form + "\n")] {
                    let order = order().product(15_u32).sign_pdf(OneOrMany::Many(vec![pdf()]));
                    self.place(name, &order.ident_data_signed(Secret::new(form))).await;
                }
                let told = self.bench.sandbox.peek(&self.known["again"]).unwrap();
                self.log.push(format!("{told}"));
            }
            13 => {
                let mut body = serde_json::to_value(order().product(15_u32)).unwrap();
                body["MultiSignOptions"] = json!({ "FirstOrderID": self.known["again"] });
                let answer = self.bench.tm_call("PUT", "/putOrder", body.to_string()).await;
                self.note(&answer);
                self.known.insert("copied", answer.json()["OrderID"].as_str().unwrap().to_owned());
                self.play("copied", "signed").await;
            }
            14 => {
                let ident = self.known["ident"].clone();
                self.bench.play(&ident, "negative").await;
                self.bench.clock.advance(20 * MINUTE).await;
            }
            _ => {
                for name in ["filmed", "signing", "again", "tampered", "copied", EXAMPLE_ORDER] {
                    for path in
                        ["/getStatus/{}/ExtendedList", "/getIdentData/{}", "/getIdentData/{}/IncludeInitialData"]
                    {
                        self.get(path, name).await;
                    }
                    self.get("/getESignPDF/{}", name).await;
                    self.get("/getVideoFileBinary/{}", name).await;
                }
                self.get("/getAllStatus/ExtendedList", "").await;
                let path = format!("/ident/get/{}", self.known["ident"]);
                let answer = self.bench.i24_call(&self.known["token"], "GET", &path, "").await;
                self.note(&answer);
                self.bench.clock.advance(100 * DAY).await;
                for name in ["filmed", "tampered"] {
                    self.get("/getStatus/{}/ExtendedList", name).await;
                }
                self.place("last", &order().get_video_hashes(true)).await;
            }
        }
        // Webhooks of the same time arrive in no certain order.
        self.bench.clock.advance(7 * SECOND).await;
    }

    /// What was answered and called since then, and what the world is at the end.
    fn end(&self, since: (usize, usize)) -> (Vec<String>, Value) {
        let mut log = self.log[since.0..].to_vec();
        for call in self.receiver.arrived().into_iter().skip(since.1) {
            let at = self.start.checked_add(jiff::SignedDuration::try_from(call.at.0).unwrap()).unwrap();
            log.push(format!("{at} {} {} {:?} {:?}", call.method, call.uri, call.headers, call.body));
        }
        (log, self.bench.sandbox.with_world(|world| world.to_json(&vendors::all()).unwrap()))
    }
}

fn sample_contract() -> String {
    encode_base64(&identkit_mock_server::artefacts::sample_contract())
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_day_is_cut_the_rest_of_it_is_the_same_to_the_byte() {
    for cut in 0..=STEPS {
        let mut day = Day::begin(Receiver::script(&STATUSES), start_time());
        for step in 0..cut {
            day.step(step).await;
        }
        let mut other = day.restored();
        let since = (day.log.len(), day.receiver.count());
        for step in cut..STEPS {
            day.step(step).await;
            other.step(step).await;
        }
        let (one, two) = (day.end(since), other.end((0, 0)));
        for (one, other) in one.0.iter().zip(&two.0) {
            assert_eq!(one, other, "cut before step {cut}");
        }
        assert_eq!(one.0.len(), two.0.len());
        assert!(cut > 0 || one.0.len() > 40, "{}", one.0.len());
        assert!(one.1 == two.1, "cut before step {cut}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_033_a_webhook_under_way_when_the_world_was_saved_is_sent_again_and_the_story_goes_on() {
    let (arrived, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, open) = (Arc::clone(&arrived), Arc::clone(&gate));
    let receiver = Receiver::doing(move |_| {
        let (told, open) = (Arc::clone(&told), Arc::clone(&open));
        Box::pin(async move {
            told.notify_one();
            open.notified().await;
            Some(200)
        })
    });
    let bench = Bench::receiving(&receiver);
    let id = bench.place(order_with(&["AfterIdent", "OnFinal"])).await;
    assert_eq!(bench.begin(id.expose(), "positive"), Some(Ok(())));
    arrived.notified().await;
    let world = bench.sandbox.with_world(|world| through_text(world));
    assert!(world.is_blocked(id.expose()));

    let other = Receiver::answering(Some(200));
    let restored = Bench::receiving(&other);
    restored.sandbox.with_world(|place| *place = world);
    restored.clock.settle().await;
    assert_eq!(other.events(), ["AfterIdent", "OnFinal"]);
    assert!(restored.sandbox.deliveries(None).iter().all(|delivery| delivery.is_delivered()));
    gate.notify_one();
}

/// A world with the vendors' examples, and without a sandbox round it.
fn founded() -> World {
    let mut world = World::new(start_time(), 7, Profile::Literal);
    vendors::all().iter().for_each(|vendor| vendor.found(&mut world));
    world
}

fn call(world: &mut World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
    let request = Request::builder().method(method).uri(format!("{TM}{path}")).header(AUTHORIZATION, code);
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let Handled::Ready(response) = identity_tm::IdentityTm::new().handle(world, &request) else { panic!("blocked") };
    let (head, content) = response.into_parts();
    let body = futures_util::FutureExt::now_or_never(content.collect(u64::MAX)).unwrap().unwrap();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}

fn put(world: &mut World, order: &Value) -> Value {
    let (status, answer) = call(world, "PUT", "/putOrder", order);
    assert_eq!(status, 202, "{answer}");
    answer
}

fn id_of(answer: &Value) -> String {
    answer["OrderID"].as_str().unwrap().to_owned()
}

fn minimal() -> Value {
    serde_json::to_value(order_with(&["AfterIdent", "OnFinal"])).unwrap()
}

/// A world with one of everything and little of each, so that each of its values can be damaged in turn.
fn small() -> Value {
    let mut world = World::new(start_time(), 7, Profile::Literal);
    let mut order = minimal();
    order["MultiSignOptions"] = Value::Null;
    order["IdentData"] = json!({ "IDCard": { "CardNo": "L01X00T47" }, "Additional": { "height": { "Type": 1, "Label": "Height", "Value": "" } } });
    order["eSignHash"] =
        json!([{ "Hash": encode_base64(&[7; 32]), "Filename": "a", "SignaturePosX": 1.5, "SignaturePosY": 2 }]);
    order["Product"] = 15.into();
    let id = id_of(&put(&mut world, &order));
    let tm = identity_tm::IdentityTm::new();
    tm.transition(&mut world, &id, &Transition::Story("signed".into())).unwrap().unwrap();
    identify24::set_webhook(&mut world, Some(Secret::new("https://hooks.example/")));
    let i24 = identify24::Identify24::new();
    let login = Bytes::from(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#);
    let login = Request::builder().method("POST").uri("/auth").body(login).unwrap();
    identify24::configure(&mut world, |settings| {
        settings.rate = Some(identify24::Rate::new(9, jiff::SignedDuration::from_secs(60)));
    });
    assert!(matches!(i24.handle(&mut world, &login), Handled::Ready(_)));
    i24.found(&mut world);
    let story = Transition::Story("positive".into());
    i24.transition(&mut world, EXAMPLE_IDENT, &story).unwrap().unwrap();
    for delivery in &mut world.deliveries {
        delivery.tried(start_time(), Some(503), &Rules::default());
        delivery.tried(start_time(), None, &Rules::default());
    }
    world.take_outbox();
    let (at, id) = (world.deliveries[0].next.unwrap(), world.deliveries[0].id);
    world.after(at, Timer { vendor: "sandbox", what: "retry", subject: id.to_string() });
    world.to_json(&vendors::all()).unwrap()
}

/// Every pointer of a document, the root's first.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), all));
        }
        Value::Object(entries) => entries.iter().for_each(|(key, item)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers(item, &format!("{at}/{key}"), all);
        }),
        _ => {}
    }
}

/// Reads a damaged document. An error tells nothing of what is in it, and a world that is read all the same is a whole
/// one, which can be lived on in.
fn survive(document: &Value) -> Result<(), SavedError> {
    let vendors = vendors::all();
    let mut world = World::from_json(&vendors, document).inspect_err(|error| {
        let told = format!("{error} {error:?}");
        let secrets = ["Erika", "Mustermann", "911-internet", "hooks.example", "sandbox-", "height", "L01X", "geheim"];
        assert!(secrets.iter().all(|secret| !told.contains(secret)), "{told}");
        if let SavedError::Damaged { pointer, message } = error {
            let above = pointer.split("/*").next().unwrap();
            assert!(document.pointer(above).is_some(), "{pointer} is nowhere: {message}");
        }
    })?;
    let again = world.to_json(&vendors).unwrap();
    assert!(World::from_json(&vendors, &again).unwrap().to_json(&vendors).unwrap() == again);
    // A time-out comes again and again while a story is under way.
    for _ in 0..6 {
        let Some(at) = world.next_due() else { break };
        world.now = at.max(world.now);
        let timer = world.take_due().unwrap();
        if let Some(vendor) = vendors.iter().find(|vendor| vendor.name() == timer.vendor) {
            vendor.fire(&mut world, &timer);
        }
        let cases: Vec<String> = world.deliveries.iter().map(|delivery| delivery.case.clone()).collect();
        for case in cases {
            for vendor in &vendors {
                vendor.delivered(&mut world, &case);
                let _ = vendor.peek(&mut world, &case);
            }
        }
    }
    Ok(())
}

/// What a value can be replaced by.
fn damages() -> Vec<Value> {
    let odd = [json!(null), json!(true), json!(-1), json!(1.5), json!(u64::MAX), json!(u32::MAX)];
    let texts = [json!(""), json!("geheim"), json!("9999-12-30T22:00:00.999Z"), json!("-009999-01-02T01:59:59Z")];
    let nested = [json!([]), json!({}), json!([["geheim"]]), json!({ "geheim": "geheim" })];
    odd.into_iter().chain(texts).chain(nested).collect()
}

#[test]
fn no_damage_to_any_value_is_a_panic_or_tells_anything() {
    let document = small();
    let mut all = Vec::new();
    pointers(&document, "", &mut all);
    assert!(all.len() > 250, "{}", all.len());
    let (mut refused, mut taken) = (0, 0);
    for pointer in &all {
        for damage in damages() {
            let mut damaged = document.clone();
            *damaged.pointer_mut(pointer).unwrap() = damage;
            match survive(&damaged) {
                Ok(()) => taken += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > taken, "{refused} {taken}");
}

#[test]
fn a_value_that_is_lost_or_added_is_noticed_wherever_the_format_is_ours() {
    let document = small();
    let mut all = Vec::new();
    pointers(&document, "", &mut all);
    for pointer in all.iter().filter(|pointer| document.pointer(pointer).unwrap().is_object()) {
        // The vendors' own messages keep what they do not know, and nothing in them is required.
        let theirs = ["request", "ident", "projects", "hashes", "pdfs", "settings"];
        let theirs = pointer.contains("/status/") || pointer.split('/').any(|step| theirs.contains(&step));
        let kept = theirs && !pointer.starts_with("/deliveries");
        let mut more = document.clone();
        more.pointer_mut(pointer).unwrap()["geheim"] = json!({ "geheim": "geheim" });
        let read = survive(&more);
        let settings = pointer.contains("/settings");
        assert_eq!(read.is_err(), !kept || settings, "{pointer} with a field more: {read:?}");
        for key in document.pointer(pointer).unwrap().as_object().unwrap().keys() {
            // What may be absent is written only when it is there.
            let optional = [
                "next",
                "status",
                "case_id",
                "reference",
                "payload",
                "tan",
                "executed",
                "company_name",
                "error",
                "held",
                "overtaken",
            ];
            if kept || optional.contains(&key.as_str()) {
                continue;
            }
            let mut less = document.clone();
            less.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
            let read = survive(&less);
            assert!(read.is_err(), "{pointer} without {key}");
        }
    }
}

#[test]
fn a_fault_is_told_by_its_pointer() {
    let document = small();
    let fault = |pointer: &str, value: Value| {
        let mut damaged = document.clone();
        *damaged.pointer_mut(pointer).unwrap() = value;
        survive(&damaged).unwrap_err().to_string()
    };
    let tm = "/vendors/identity-tm";
    for (pointer, value, told) in [
        ("/now", json!("geheim"), "the saved world at /now: expected a point of time (RFC 3339)"),
        ("/profile", json!("geheim"), "the saved world at /profile: expected one of: literal, strict, chaos"),
        ("/identkit_world", json!(2), "a saved world of version 2; this sandbox reads version 1"),
        ("/identkit_world", json!("1"), "the saved world at /identkit_world: expected a version, a whole number"),
        ("/sequence", json!(u64::MAX), "the saved world at /sequence: expected a number of at most 2^53"),
        (
            "/timers/0/what",
            json!("geheim"),
            "the saved world at /timers/0/what: expected a timer of a vendor of this sandbox",
        ),
        (
            "/timers/0/sequence",
            json!(3.5),
            "the saved world at /timers/0/sequence: expected a whole number, not negative and not too large",
        ),
        (
            "/deliveries/1/request/body",
            json!("?"),
            "the saved world at /deliveries/1/request/body: expected Base64 with padding",
        ),
        (
            "/deliveries/1/vendor",
            json!("geheim"),
            "the saved world at /deliveries/1/vendor: expected a vendor of this sandbox, which has: identify24, identity-tm",
        ),
        (
            "/outbox",
            json!([{ "delivery": 0, "by": "schedule" }]),
            "the saved world at /outbox/0/delivery: expected the id of a delivery",
        ),
        ("/webhooks/overtaken", json!(0), "the saved world at /webhooks/overtaken: expected the id of a delivery"),
        (
            "/blocked/0/webhooks",
            json!(0),
            "the saved world at /blocked/0: expected a case of its own that waits for webhooks, 1 or more",
        ),
        ("/vendors", json!({}), "the saved world at /vendors: the field identify24 is missing"),
        (
            &*format!("{tm}/orders/0/status/0/Kind"),
            json!("25"),
            "the saved world at /vendors/identity-tm/orders/0/status/0/Kind: expected a whole number, not negative and not too large",
        ),
        (
            &format!("{tm}/orders/0/request/IdentData/Additional/height/Type"),
            json!("1"),
            "the saved world at /vendors/identity-tm/orders/0/request/IdentData/Additional/*/Type: expected a whole number, not negative and not too large",
        ),
        (
            &format!("{tm}/settings/tan_tries"),
            json!(0),
            "the saved world at /vendors/identity-tm/settings/tan_tries: must be a whole number, 1 or more",
        ),
        (
            &format!("{tm}/seal_key"),
            json!("AAAA"),
            "the saved world at /vendors/identity-tm/seal_key: expected 64 bytes in Base64",
        ),
        (
            &format!("{tm}/orders/0/script/0"),
            json!({ "status": [71, "geheim"] }),
            "the saved world at /vendors/identity-tm/orders/0/script/0/status/1: expected TAN, signme Passwort, or null",
        ),
    ] {
        assert_eq!(fault(pointer, value), told);
    }
    for other in [json!(null), json!([]), json!("x"), json!({ "orders": [] })] {
        assert_eq!(survive(&other), Err(SavedError::NotAWorld));
    }
}

#[test]
fn at_54_a_count_of_wrong_tans_that_was_bent_ends_the_order_and_does_not_overflow() {
    let mut world = founded();
    let mut order = serde_json::to_value(order()).unwrap();
    order["Product"] = 15.into();
    order["eSignHash"] = json!({ "Hash": encode_base64(&[7; 32]), "Filename": "a" });
    let id = id_of(&put(&mut world, &order));
    let story = Transition::Story("identified".into());
    identity_tm::IdentityTm::new().transition(&mut world, &id, &story).unwrap().unwrap();
    assert_eq!(call(&mut world, "POST", &format!("/requestSign/{id}"), &json!(null)).0, 202);
    let mut document = world.to_json(&vendors::all()).unwrap();
    let orders = document.pointer_mut("/vendors/identity-tm/orders").unwrap().as_array_mut().unwrap();
    orders.iter_mut().find(|order| order["id"] == *id).unwrap()["tan"]["wrong"] = u32::MAX.into();
    let mut world = World::from_json(&vendors::all(), &document).unwrap();
    assert_eq!(call(&mut world, "POST", &format!("/confirmSign/{id}"), &json!({ "tan": "x" })).0, 429);
}

#[test]
fn deliveries_in_another_order_are_found_all_the_same_and_more_copies_than_a_test_needs_are_refused() {
    let vendors = vendors::all();
    let mut document = small();
    let all = document["deliveries"].as_array_mut().unwrap();
    assert!(all.len() > 1);
    let ids: Vec<u64> = all.iter().map(|delivery| delivery["id"].as_u64().unwrap()).collect();
    all.reverse();
    let mut world = World::from_json(&vendors, &document).unwrap();
    assert!(ids.iter().all(|id| world.delivery(*id).is_some()));
    for (copies, taken) in [(100, true), (101, false), (u32::MAX, false)] {
        document["deliveries"][0]["copies"] = copies.into();
        assert_eq!(World::from_json(&vendors, &document).is_ok(), taken, "{copies}");
    }
}

#[test]
fn settings_that_a_file_does_not_name_have_their_defaults() {
    let mut document = small();
    let settings = document.pointer_mut("/vendors/identity-tm/settings").unwrap();
    *settings = json!({ "customer_code": "another", "tan_tries": 5 });
    let mut world = World::from_json(&vendors::all(), &document).unwrap();
    identity_tm::configure(&mut world, |settings| {
        assert_eq!((&*settings.customer_code, settings.tan_tries, settings.first_page), ("another", 5, 1));
    });
}

#[test]
fn what_has_no_saved_form_is_refused_when_it_is_saved_and_not_when_it_is_needed() {
    let vendors = vendors::all();
    let refused = |change: fn(&mut World)| {
        let mut world = founded();
        assert!(world.to_json(&vendors).is_ok());
        change(&mut world);
        match world.to_json(&vendors) {
            Err(SavedError::NotSaved { what }) => what,
            other => panic!("{other:?}"),
        }
    };
    let what = refused(|world| world.part::<Vec<u8>>().push(1));
    assert!(what.contains("no vendor saves its share") && what.contains("Vec<u8>"), "{what}");
    fn set(world: &mut World, vendor: &'static str) {
        world.after(world.now, Timer { vendor, what: "nap", subject: String::new() });
    }
    assert!(refused(|world| set(world, "identity-tm")).contains("identity-tm/nap"));
    assert!(refused(|world| set(world, "elsewhere")).contains("elsewhere/nap"));
    let what = refused(|world| identity_tm::configure(world, |settings| settings.tan_tries = 0));
    assert!(what.ends_with("tan_tries"), "{what}");
    let what = refused(|world| {
        identity_tm::configure(world, |settings| settings.video_provisioning = jiff::SignedDuration::from_millis(500));
    });
    assert!(what.contains("whole seconds"), "{what}");
    let what = refused(|world| {
        let mut document = small();
        let deep = (0..124).fold(json!(1), |inner, _| json!([inner]));
        document.pointer_mut("/vendors/identity-tm/orders/0/request").unwrap()["Deep"] = deep;
        *world = World::from_json(&vendors::all(), &document).unwrap();
    });
    assert!(what.contains("nested deeper"), "{what}");
}

#[tokio::test]
async fn t_002_i_002_what_is_nested_too_deep_is_refused_when_it_comes_and_the_deepest_that_is_taken_is_saved() {
    let bench = Bench::new();
    // With the body's own level.
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "Deep": inner }));
    let order = |levels: usize| {
        let mut order = minimal();
        order["Deep"] = nested(levels - 1);
        order.to_string()
    };
    let ident = |levels: usize| {
        let sample = fixture("identify24", "S-012-ident-create-curl-body.json");
        let mut ident: Value = serde_json::from_slice(&sample).unwrap();
        ident["deep"] = nested(levels - 1);
        ident.to_string()
    };
    let token = bench.token().await;
    for levels in [65, 100, 124, 126] {
        let answer = bench.tm_call("PUT", "/putOrder", order(levels)).await;
        answer.refused(400, "body", "T-002", "[T] 3.1");
        let answer = bench.i24_call(&token, "POST", "/ident/create", ident(levels)).await;
        answer.refused(400, "body", "I-002", "[I] ident/create");
    }
    assert_eq!(bench.tm_call("PUT", "/putOrder", order(64)).await.status, 202);
    assert_eq!(bench.i24_call(&token, "POST", "/ident/create", ident(64)).await.status, 200);
    bench.sandbox.with_world(|world| through_text(world));
}

/// A vendor from outside that keeps something.
#[derive(Debug)]
struct Outsider {
    saves: bool,
}

impl MockVendor for Outsider {
    fn name(&self) -> &'static str {
        "outsider"
    }
    fn routes(&self) -> &[Route] {
        &[]
    }
    fn found(&self, world: &mut World) {
        *world.part::<Vec<u8>>() = vec![1, 2, 3];
    }
    fn owns(&self, _: &str) -> bool {
        false
    }
    fn handle(&self, _: &mut World, _: &Request<Bytes>) -> Handled {
        Handled::Blocked
    }
    fn fire(&self, _: &mut World, _: &Timer) {}
    fn delivered(&self, _: &mut World, _: &str) {}
    fn transition(&self, _: &mut World, _: &str, _: &Transition) -> Option<Result<(), identkit_mock_server::Refused>> {
        None
    }
    fn peek(&self, _: &mut World, _: &str) -> Option<Value> {
        None
    }
    fn account(&self, _: &mut World) -> Value {
        Value::Null
    }
    fn save(&self, shares: &mut identkit_mock_server::Shares<'_>) -> Result<Value, SavedError> {
        match self.saves {
            true => Ok(json!(shares.get::<Vec<u8>>())),
            false => Ok(Value::Null),
        }
    }
    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        *world.part() = saved
            .as_array()
            .and_then(|items| items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect::<Option<Vec<u8>>>())
            .ok_or_else(|| SavedError::damaged("", "expected bytes"))?;
        Ok(())
    }
}

#[test]
fn a_vendor_from_outside_saves_its_own_share_or_the_world_is_not_saved() {
    let with = |saves| {
        let mut vendors = vendors::all();
        vendors.push(Box::new(Outsider { saves }) as Box<dyn MockVendor>);
        vendors
    };
    let mut world = founded();
    with(true)[2].found(&mut world);
    assert!(matches!(world.to_json(&with(false)), Err(SavedError::NotSaved { .. })));
    let mut document = world.to_json(&with(true)).unwrap();
    let mut restored = World::from_json(&with(true), &document).unwrap();
    assert_eq!(*restored.part::<Vec<u8>>(), [1, 2, 3]);
    // Another set of vendors would lose a share, or lack one.
    assert!(matches!(World::from_json(&vendors::all(), &document), Err(SavedError::Damaged { .. })));
    document["vendors"]["outsider"] = json!(["geheim"]);
    let error = World::from_json(&with(true), &document).unwrap_err();
    assert_eq!(error, SavedError::damaged("/vendors/outsider", "expected bytes"));
}

#[test]
fn a_world_can_be_saved_in_the_middle_of_every_story() {
    let tm = identity_tm::IdentityTm::new();
    for story in identity_tm::STORIES {
        for product in [0, 12, 15, 16] {
            for add in [0, 8] {
                let mut world = founded();
                let mut order = minimal();
                order["Product"] = product.into();
                order["Add"] = add.into();
                if product == 15 && add == 0 {
                    order["eSignHash"] = json!({ "Hash": encode_base64(&[7; 32]), "Filename": "a" });
                }
                let id = id_of(&put(&mut world, &order));
                if tm.transition(&mut world, &id, &Transition::Story(story.to_owned())).unwrap().is_err() {
                    continue;
                }
                let mut restored = through_text(&world);
                while world.is_blocked(&id) {
                    tm.delivered(&mut world, &id);
                    tm.delivered(&mut restored, &id);
                    assert_eq!(tm.peek(&mut world, &id), tm.peek(&mut restored, &id));
                    restored = through_text(&restored);
                }
                assert_eq!(world.to_json(&vendors::all()), restored.to_json(&vendors::all()), "{story}");
            }
        }
    }
}

#[test]
fn two_thousand_orders_come_back_without_a_loss() {
    let mut world = founded();
    let tm = identity_tm::IdentityTm::new();
    for index in 0..2_000_usize {
        let mut order = minimal();
        order["Ref"] = format!("ref-{index}").into();
        let id = id_of(&put(&mut world, &order));
        let story = ["positive", "negative", "fraud", "aborted"][index % 4];
        tm.transition(&mut world, &id, &Transition::Story(story.into())).unwrap().unwrap();
    }
    let restored = through_text(&world);
    assert_eq!(restored.deliveries.len(), 2_000 - 500);
    assert_eq!(restored.next_due(), world.next_due());
    let saved = restored.to_json(&vendors::all()).unwrap();
    assert_eq!(saved["vendors"]["identity-tm"]["orders"].as_array().unwrap().len(), 2_002);
}

#[test]
fn a_file_is_whole_or_what_it_was_and_for_its_owner_alone() {
    let vendors = vendors::all();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let world = founded();
    std::fs::write(&path, "something else").unwrap();
    world.save_file(&vendors, &path).unwrap();
    let length = path.metadata().unwrap().len();
    let read = World::load_file(&vendors, &path, length).unwrap();
    assert!(read.to_json(&vendors).unwrap() == world.to_json(&vendors).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let limited = World::load_file(&vendors, &path, length - 1).map(drop);
    assert_eq!(limited, Err(SavedError::TooLarge { limit: length - 1 }));

    // What cannot be saved leaves the file as it was, and nothing beside it.
    let mut odd = world.clone();
    odd.part::<Vec<u8>>().push(1);
    assert!(odd.save_file(&vendors, &path).is_err());
    assert!(world.save_file(&vendors, &folder.path().join("no/such/folder")).is_err());
    assert!(world.save_file(&vendors, folder.path()).is_err(), "a folder is no place for it");
    assert_eq!(path.metadata().unwrap().len(), length);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let text = std::fs::read(&path).unwrap();
    for cut in (0..text.len() - 2).step_by(97) {
        std::fs::write(&path, &text[..cut]).unwrap();
        let cut = World::load_file(&vendors, &path, length).map(drop);
        assert!(matches!(cut, Err(SavedError::NotJson { .. })), "{cut:?}");
    }
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(World::load_file(&vendors, &path, length), Err(SavedError::NotJson { line: 1, .. })));
    let missing = World::load_file(&vendors, &folder.path().join("nowhere"), 1).map(drop);
    assert_eq!(missing, Err(SavedError::File { kind: std::io::ErrorKind::NotFound }));
}

/// Any JSON, with the numbers and texts that are easily bent.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |float| float.is_finite()).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z/~.\\[\\]]{1,6}", inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_an_order_holds_comes_back(
        unlisted in prop::collection::btree_map("x[A-Za-z]{1,5}", anything(), 0..4),
        in_address in prop::collection::btree_map("x[A-Za-z]{1,5}", anything(), 0..3),
        places in prop::collection::vec((0.0..1000.0_f64, 0.0..1000.0_f64), 1..3),
        one: bool,
        birthname in prop::option::of(prop::option::of(Just(""))),
        blob in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let mut order = minimal();
        order["Product"] = 15.into();
        order.as_object_mut().unwrap().extend(unlisted.clone());
        order["Address"].as_object_mut().unwrap().extend(in_address);
        let hashes: Vec<Value> = places.iter().enumerate().map(|(index, (x, y))| json!({
            "Hash": encode_base64(&[7; 32]), "Filename": format!("{index}"), "SignaturePosX": x, "SignaturePosY": y,
            "xBlob": encode_base64(&blob),
        })).collect();
        order["eSignHash"] = if one { hashes[0].clone() } else { hashes.into() };
        if let Some(birthname) = birthname {
            order["IdentData"] = json!({ "Birthname": birthname });
        }
        let mut world = founded();
        let id = id_of(&put(&mut world, &order));
        let saved = world.to_json(&vendors::all()).unwrap();
        let orders = saved["vendors"]["identity-tm"]["orders"].as_array().unwrap();
        let kept = &orders.iter().find(|order| order["id"] == *id).unwrap()["request"];
        let sent: PutOrder = serde_json::from_value(order).unwrap();
        prop_assert_eq!(kept, &serde_json::to_value(sent.normalised()).unwrap());
        for (key, value) in &unlisted {
            prop_assert_eq!(&kept[key], value);
        }
        let restored = through_text(&world);
        prop_assert!(restored.to_json(&vendors::all()).unwrap() == saved);
    }

    #[test]
    fn any_damage_to_a_world_is_told_or_harmless(
        at in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
    ) {
        let mut document = small();
        for (index, value) in at {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            let pointer: &String = index.get(&all);
            *document.pointer_mut(pointer).unwrap() = value;
        }
        let _ = World::from_json(&vendors::all(), &document).map(|world| through_text(&world));
    }

    #[test]
    fn any_bytes_that_are_no_world_are_an_error(bytes: Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(World::load_file(&vendors::all(), &path, 1_000_000).is_err());
    }
}
