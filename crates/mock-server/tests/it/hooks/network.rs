//! Webhooks over the network: TLS, methods, placeholders, orders that wait, and real time.

use super::door::{Does, Door, Hook, tm};
use crate::support::net::any;
use crate::support::*;

const DEFAULT: &str = "default";

#[tokio::test(flavor = "multi_thread")]
async fn t_030_a_receiver_over_https_is_reached_when_its_authority_is_trusted_and_is_a_failed_try_otherwise() {
    // The receiver is another sandbox's door with TLS: its serverStatus answers 200 to everybody.
    let (authority, receiver) = (Authority::new().unwrap(), Sandbox::builder().start());
    let listening = server::vendors(&receiver, any(), Some(&authority)).await.unwrap();
    let url = format!("{}{TM}/serverStatus?id=[OrderID]", listening.url());
    let order = || order().webhook_url(identkit_identity_tm::messages::WebhookUrl::default().on_final(url.clone()));
    for (transport, status, outcome, error) in [
        (trusting(&authority), json!(200), "delivered", json!(null)),
        (
            plain(),
            json!(null),
            "retry",
            json!("the server's certificate is not trusted: no trusted authority issued it"),
        ),
    ] {
        let door = Door::with(|builder| builder.webhooks_through(transport)).await;
        let order = door.place(&Door::default_account(), &order()).await;
        door.play_out(DEFAULT, &order, "positive").await;
        let attempt = door.deliveries(DEFAULT, &order).await[0]["attempts"][0].clone();
        assert_eq!((&attempt["status"], &attempt["outcome"], &attempt["error"]), (&status, &json!(outcome), &error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_032_at_20_the_accounts_method_and_the_placeholders_arrive_on_the_wire() {
    let door = Door::new().await;
    let hook = Hook::always(Does::Answer(200)).await;
    for method in ["GET", "POST", "PUT"] {
        door.post("/settings", json!({ "identity_tm": { "webhook_method": method } })).await;
        let order = hook.order(&["OnFinal"]).reference("A b/ü&ref=1");
        let id = door.place(&Door::default_account(), &order).await;
        door.play_out(DEFAULT, &id, "positive").await;
        let arrived = hook.arrived.lock().unwrap().pop().unwrap();
        let line = format!("{method} /OnFinal?id={id}&ref=A%20b%2F%C3%BC%26ref%3D1 HTTP/1.1");
        assert_eq!(arrived.lines().next().unwrap(), line);
        assert!(arrived.ends_with("\r\n\r\n"), "no body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_78_the_order_waits_while_its_webhook_runs_and_not_while_it_is_held() {
    let door = Door::new().await;
    let gate = Arc::new(Notify::new());
    let hook = Hook::always(Does::Wait(Arc::clone(&gate))).await;
    let (account, api) = (Door::default_account(), door.api.address());
    for held in [false, true] {
        door.post("/webhooks", json!({ "mode": if held { "hold" } else { "deliver" } })).await;
        let before = hook.count();
        let order = door.place(&account, &hook.order(&["OnFinal"])).await;
        door.play(DEFAULT, &order, "positive").await;
        let path = format!("/getStatus/{order}");
        if held {
            assert_eq!(door.get(&format!("/orders/{order}")).await["blocked"], false);
            let (status, told) = door.tm(&account, "GET", &path, "").await;
            assert!(status == 200 && told.contains("\"Kind\":6"), "the order is final: {told}");
            assert_eq!(hook.count(), before);
            let id = door.deliveries(DEFAULT, &order).await[0]["id"].clone();
            door.post(&format!("/deliveries/{id}/release"), Value::Null).await;
        }
        hook.until(before + 1).await;
        assert_eq!(door.get(&format!("/orders/{order}")).await["blocked"], true);
        let reader = {
            let account = account.clone();
            tokio::spawn(async move { tm(api, &account, "GET", &path, "").await })
        };
        let other = door.place(&account, &order_with(&[])).await;
        assert_eq!(door.tm(&account, "GET", &format!("/getStatus/{other}"), "").await.0, 200, "others do not wait");
        pause(Duration::from_millis(50)).await;
        assert!(!reader.is_finished());
        gate.notify_one();
        let (status, told) = within(10 * SECOND, reader).await.expect("it answers then").unwrap();
        assert!(status == 200 && told.contains("\"Kind\":6"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_real_time_a_receiver_gets_its_real_seconds_and_time_goes_on_meanwhile() {
    let patience = Duration::from_millis(400);
    let door = Door::with(|builder| {
        // A guard that is over at once: what is told of time that stands still must not count here.
        builder.webhooks_through(plain()).receiver_patience(patience).receiver_guard(Duration::from_millis(2))
    })
    .await;
    for (mode, at_least) in [(json!({ "mode": "real" }), 0.3), (json!({ "mode": "scaled", "factor": 1_000 }), 300.0)] {
        door.post("/clock/mode", mode.clone()).await;
        let hook =
            Hook::doing(|count| if count == 0 { Does::After(Duration::from_millis(100)) } else { Does::Hang }).await;
        for (outcome, error) in [("delivered", json!(null)), ("retry", json!("no answer within 0.4 s"))] {
            let order = door.place(&Door::default_account(), &hook.order(&["OnFinal"])).await;
            door.play(DEFAULT, &order, "positive").await;
            let delivery = loop {
                let delivery = door.deliveries(DEFAULT, &order).await.remove(0);
                if delivery["state"] != "sending" || delivery["attempts"] != json!([]) {
                    break delivery;
                }
                pause(Duration::from_millis(5)).await;
            };
            let attempt = &delivery["attempts"][0];
            assert_eq!((&attempt["outcome"], &attempt["error"]), (&json!(outcome), &error), "{mode}: {delivery}");
            if outcome == "retry" {
                let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
                let now = time(&door.get("/clock").await["now"]);
                let gone = now.duration_since(time(&attempt["at"])).as_secs_f64();
                assert!(gone >= at_least, "{mode}: time went on by {gone} s only");
            }
        }
    }
}
