//! Webhooks over the network: TLS, methods, placeholders, orders that wait, and real time.

use super::door::{DEFAULT, Door};
use crate::support::net::any;
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn t_030_https_receivers_need_a_trusted_authority() {
    // The receiver is another sandbox's TLS listener: its serverStatus returns 200 without credentials.
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
        let door = Door::with(|builder| builder.webhook_transport(transport)).await;
        let order = door.place(&Door::default_account(), &order()).await;
        door.play_out(DEFAULT, &order, "positive").await;
        let attempt = door.delivery(&order).await["attempts"][0].clone();
        assert_eq!((&attempt["status"], &attempt["outcome"], &attempt["error"]), (&status, &json!(outcome), &error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_91_at_99_a_webhook_has_a_length_and_credentials() {
    for (method, length) in [("GET", None), ("POST", Some("content-length: 0")), ("PUT", Some("content-length: 0"))] {
        let door = Door::new().await;
        door.post("/settings", json!({ "identity_tm": { "webhook_method": method } })).await;
        let hook = Hook::always(Does::Answer(200)).await;
        let host = hook.url.strip_prefix("http://").unwrap();
        let url = format!("http://Aladdin:open%20sesame@{host}/final?id=[OrderID]");
        let order = order().webhook_url(identkit_identity_tm::messages::WebhookUrl::default().on_final(url));
        let id = door.place(&Door::default_account(), &order).await;
        door.play_out(DEFAULT, &id, "positive").await;
        assert_eq!(door.delivery(&id).await["attempts"][0]["outcome"], "delivered");
        let received = hook.arrived.lock().unwrap()[0].clone();
        let lines: Vec<&str> = received.lines().collect();
        assert_eq!(lines[0], format!("{method} /final?id={id} HTTP/1.1"));
        let header = |name: &str| lines.iter().find(|line| line.to_ascii_lowercase().starts_with(name)).copied();
        assert_eq!(header("host:"), Some(&*format!("host: {host}")));
        assert_eq!(header("authorization:"), Some("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(header("content-length:"), length, "{received}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_real_time_the_cut_off_is_real_and_time_continues() {
    let patience = Duration::from_millis(400);
    let door = Door::with(|builder| {
        // A guard that is over at once: what is told of time that stands still must not count here.
        builder.webhook_transport(plain()).receiver_timeout(patience).receiver_guard(Duration::from_millis(2))
    })
    .await;
    for (mode, at_least) in [(json!({ "mode": "real" }), 0.3), (json!({ "mode": "scaled", "factor": 1_000 }), 300.0)] {
        door.post("/clock/mode", mode.clone()).await;
        let hook =
            Hook::doing(|count| if count == 0 { Does::After(Duration::from_millis(100)) } else { Does::Hang }).await;
        for (outcome, error) in [("delivered", json!(null)), ("retry", json!("no response within 0.4 s"))] {
            let order = door.order(&hook).await;
            door.play(DEFAULT, &order, "positive").await;
            let delivery = loop {
                let delivery = door.delivery(&order).await;
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
