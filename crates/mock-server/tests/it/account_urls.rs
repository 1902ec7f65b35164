//! identity.TM: the account's URLs, and the outbox (M-16).

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::{RedirectUrls, WebhookUrls};

fn account(event: &str) -> Option<Secret> {
    Some(Secret::new(format!("https://account.example/{event}?id=[OrderID]&ref=[Ref]")))
}

fn set_urls(bench: &Harness) {
    bench.set_up(|settings| {
        settings.webhook_urls =
            WebhookUrls { after_ident: account("AfterIdent"), on_final: account("OnFinal"), after_video: None };
        settings.redirect_urls = RedirectUrls { success: account("yes"), abort: account("no") };
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn m_16_account_webhooks_are_for_orders_that_set_none() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    set_urls(&bench);
    let id = bench.ended(order(), "positive").await;
    let uris: Vec<String> = receiver.arrived().iter().map(|call| call.uri.clone()).collect();
    let url = |event: &str| format!("https://account.example/{event}?id={}&ref=ref-1", id.expose());
    assert_eq!(uris, [url("AfterIdent"), url("OnFinal")]);
    // An order with any webhook of its own uses none of the account's.
    let own = bench.ended(order_with(&["OnFinal"]), "positive").await;
    let calls = receiver.arrived();
    assert_eq!(calls.len(), 3);
    assert!(calls[2].uri.starts_with("https://hooks.example/") && calls[2].uri.contains(own.expose()));
    // An empty element sets none.
    bench.ordered(json!({ "WebhookURL": {} })).await;
    bench.set_up(|settings| settings.webhook_urls = WebhookUrls::default());
    bench.ended(order(), "positive").await;
    assert_eq!(receiver.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_16_redirects_are_those_of_the_order_or_account() {
    let bench = Harness::new();
    let redirects = |id: &str| bench.sandbox.inspect(id).unwrap()["redirects"].clone();
    let plain = bench.ordered(json!({ "Ref": "a b/ü" })).await;
    assert_eq!(redirects(&plain), json!({ "success": null, "abort": null }));
    set_urls(&bench);
    let url = |word: &str| format!("https://account.example/{word}?id={plain}&ref=a%20b%2F%C3%BC");
    assert_eq!(redirects(&plain), json!({ "success": url("yes"), "abort": url("no") }));
    let own = bench.ordered(json!({ "RedirectURL": { "Success": "https://shop.example/[OrderID]" } })).await;
    assert_eq!(redirects(&own), json!({ "success": format!("https://shop.example/{own}"), "abort": null }));
}

/// Returns channel, recipient and text of each message, oldest first.
async fn messages(door: &Door, id: &str) -> Vec<String> {
    let list = door.get(&format!("outbox?order={id}")).await;
    let text = |message: &Value| {
        let [channel, to, text] = ["channel", "to", "text"].map(|part| message[part].as_str().unwrap());
        format!("{channel} {to}: {}", text.replace(id, "ID"))
    };
    list["messages"].as_array().unwrap().iter().rev().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn m_16_the_outbox_shows_mails_and_text_messages() {
    let (bench, door) = Harness::with_door().await;
    let notify = json!({
        "OnPositiveIdent": "yes@example.com", "OnNegativeIdent": "no@example.com", "OnTimeOut": "late@example.com",
        "OnLeave": "left@example.com",
    });
    const LINK: &str = "email e.mustermann@example.com: the link to the landing page of the order";
    const TAN: &str = "sms +491701234567: the TAN";
    for (story, expected) in [
        ("positive", &[TAN, "email yes@example.com: order ID ended positively, with status 6"][..]),
        ("negative", &[TAN, "email no@example.com: order ID ended negatively, with status 17"]),
        ("fraud", &[TAN, "email no@example.com: order ID ended negatively, with status 89"]),
        ("timeout", &["email late@example.com: order ID timed out, with status 99"]),
        ("aborted", &["email left@example.com: order ID was left by the person, with status 79"]),
        ("cancelled", &["email no@example.com: order ID ended negatively, with status 22"]),
    ] {
        let id = bench.ordered(json!({ "Mobile": "+491701234567", "EmailNotifications": notify })).await;
        bench.play(&id, story).await;
        let expected: Vec<&str> = [LINK].into_iter().chain(expected.iter().copied()).collect();
        assert_eq!(messages(&door, &id).await, expected, "{story}");
    }
    let silent = bench.ordered(json!({ "getTargetLink": true })).await;
    bench.play(&silent, "positive").await;
    assert_eq!(messages(&door, &silent).await, [""; 0], "no address, no message");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_16_the_outbox_has_pages_and_masks_tans() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.place(contract_order().mobile("+491701234567")).await;
    bench.play(id.expose(), "identified").await;
    bench.good("POST", &format!("/requestSign/{}", id.expose()), String::new()).await;
    let tan = bench.tan(id.expose());
    let newest = async |query: &str| door.get(&format!("outbox{query}")).await["messages"][0].clone();
    assert_eq!(newest("").await["tan"], "(masked)");
    assert_eq!(newest("?reveal=true").await["tan"], tan.as_str());
    let all = door.get("outbox").await["messages"].as_array().unwrap().clone();
    assert_eq!(all.len(), 3, "the link, the TAN of the video, and that of the signature");
    assert_eq!(all[1]["tan"], Value::Null);
    let (mut paged, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = door.get(&format!("outbox{query}")).await;
        paged.extend(page["messages"].as_array().unwrap().clone());
        let Some(next) = page.get("next") else { break };
        query = format!("?limit=1&before={next}");
    }
    assert_eq!(paged, all);
    door.problem("GET", "outbox?limit=0", "", 400, "admin-query").await;
}
