//! The same seed and the same script give the same bytes; a copy of a world goes its own way.

use crate::saved_worlds::call;
use crate::support::*;

/// A day of both vendors' lives: every answer and every webhook, as bytes.
async fn script(seed: u64) -> Vec<String> {
    let receiver = Receiver::script(&[Some(500), Some(202), None, Some(200)]);
    let transport = receiver.clone();
    let bench = Harness::with(|builder| builder.seed(seed).webhooks_through(Arc::new(transport)));
    receiver.by(&bench.clock);
    let url = Secret::new("https://hooks.example/identify24/t0ken/status");
    bench.sandbox.with_world(|world| identify24::set_webhook(world, Some(url)));
    let mut log = Vec::new();
    let mut note = |answer: Answer| {
        log.push(format!("{} {:?} {:?}", answer.status, answer.headers, answer.body));
        answer
    };

    let document = SignPdf::default()
        .data(Blob::Text(encode_base64(&identkit_synthetic::sample_contract()).into()))
        .filename("contract.pdf");
    let signing = order_with(&["AfterIdent", "OnFinal"]).product(15_u32).sign_pdf(OneOrMany::One(document));
    let signing = signing.get_target_link(true).get_video_hashes(true);
    let mut ids = Vec::new();
    for order in [order_with(&["AfterVideo", "OnFinal"]), signing, order()] {
        let answer = note(bench.tm_call("PUT", "/putOrder", serde_json::to_vec(&order).unwrap()).await);
        ids.push(answer.json()["OrderID"].as_str().unwrap().to_owned());
    }
    let token = note(bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await);
    let token = token.json()["token"].as_str().unwrap().to_owned();
    let ident = fixture("identify24", "S-012-ident-create-curl-body.json");
    let ident = note(bench.i24_call(&token, "POST", "/ident/create", ident).await);
    let ident = ident.json()["ident_id"].as_str().unwrap().to_owned();

    for (case, story) in [(&ids[0], "positive"), (&ids[1], "identified"), (&ids[1], "signed"), (&ident, "negative")] {
        bench.play(case, story).await;
        bench.clock.advance(HOUR).await;
    }
    bench.clock.advance(31 * DAY).await;
    for id in &ids {
        for path in ["/getStatus/{}/ExtendedList", "/getIdentData/{}", "/getIdentDataPDF/{}", "/getESignPDF/{}"] {
            note(bench.tm_call("GET", &path.replace("{}", id), "").await);
        }
    }
    note(bench.i24_call(&token, "GET", &format!("/ident/get/{ident}"), "").await);
    for call in receiver.arrived() {
        log.push(format!("{:?} {} {} {:?} {:?}", call.at, call.method, call.uri, call.headers, call.body));
    }
    for delivery in bench.sandbox.deliveries(None) {
        let event = (&delivery.event.name, delivery.event.key.expose());
        log.push(format!("{} {} {event:?} {:?}", delivery.id, delivery.case, delivery.attempts));
    }
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_seed_and_script_give_the_same_bytes() {
    let first = script(7).await;
    assert!(first.len() > 25);
    for _ in 0..10 {
        let again = script(7).await;
        for (one, other) in first.iter().zip(&again) {
            assert_eq!(one, other);
        }
        assert_eq!(first.len(), again.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_seed_gives_other_ids_and_tokens() {
    let (one, other) = (script(7).await, script(8).await);
    assert_eq!(one.len(), other.len(), "the same things happen");
    // Three orders, the login, the ident.
    for at in 0..5 {
        assert_ne!(one[at], other[at]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_world_goes_its_own_way() {
    let bench = Harness::new();
    let id = bench.place(order()).await;
    let vendor = identity_tm::IdentityTm::new();
    let mut copy = bench.sandbox.with_world(|world| world.clone());
    let id = id.expose();
    let status = format!("/getStatus/{id}/ExtendedList");

    let played = vendor.transition(&mut copy, id, &Transition::Scenario("positive".into()));
    assert_eq!(played, Some(Ok(())));
    assert_eq!(call(&mut copy, "DELETE", &format!("/delIdentdata/{id}"), &Value::Null).0, 202);
    assert_eq!(call(&mut copy, "GET", &format!("/getIdentData/{id}"), &Value::Null).0, 404);
    identity_tm::configure(&mut copy, |settings| settings.customer_code = "another".into());
    assert_eq!(call(&mut copy, "GET", &status, &Value::Null).0, 401);

    let original = bench.tm_call("GET", &status, "").await;
    assert_eq!(original.status, 200);
    assert!(!original.text().contains("\"Kind\":6,"), "the original knows nothing of it");

    bench.play(id, "negative").await;
    let text = format!("{:?}", vendor.inspect(&mut copy, id));
    assert!(text.contains("Number(6)") && !text.contains("Number(17)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_of_a_world_have_the_same_future() {
    let bench = Harness::new();
    let mut one = bench.sandbox.with_world(|world| world.clone());
    let mut other = one.clone();
    let body = serde_json::to_value(order().get_target_link(true)).unwrap();
    for _ in 0..3 {
        let answer = call(&mut one, "PUT", "/putOrder", &body);
        assert_eq!(answer, call(&mut other, "PUT", "/putOrder", &body));
        assert_eq!(answer.0, 202);
    }
    assert_eq!(one.next_due(), other.next_due());
}
