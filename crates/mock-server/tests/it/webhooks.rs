//! Webhooks: deliveries, retries, and blocked orders.

use crate::support::*;

fn assert_times(receiver: &Receiver, expected: &[f64]) {
    let times = receiver.times();
    assert_eq!(times.len(), expected.len(), "{times:?}");
    for (time, expected) in times.iter().zip(expected) {
        assert!((time - expected).abs() < 1e-6, "{time} instead of {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn advancing_waits_for_slow_receivers() {
    let (bench, receiver) = Harness::with_receiver(Receiver::slow(10, 500));
    for _ in 0..5 {
        let id = bench.place(order_with(&["OnFinal"])).await;
        assert_eq!(bench.begin(id.expose(), "positive"), Ok(()));
    }
    bench.clock.advance(150 * SECOND).await;
    let mut times = receiver.times();
    times.sort_by(f64::total_cmp);
    let expected = [0.0, 86.4, 146.4].map(|time| [time; 5]).concat();
    assert_eq!(times, expected);
}

async fn kinds(tm: IdentityTm, id: OrderId) -> Vec<StatusKind> {
    tm.status(&id, &options()).await.unwrap().value.kinds().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_78_an_order_is_blocked_during_the_first_attempt() {
    let (bench, receiver, gate) = Harness::gated();
    let id = bench.under_way(&receiver, &["AfterIdent"]).await;
    let other = bench.place(order()).await;
    assert_eq!(bench.sandbox.inspect(id.expose()).unwrap()["blocked"], true);
    assert_eq!(bench.begin(id.expose(), "negative").unwrap_err().status, 409);

    let mut reads = Vec::new();
    for path in ["/getStatus/{}", "/getStatus/{}/ExtendedList", "/getIdentData/{}", "/getIdentDataPDF/{}"] {
        let (sandbox, path) = (bench.sandbox.clone(), path.replace("{}", id.expose()));
        let clock = bench.clock.clone();
        reads.push(tokio::spawn(async move { Harness { sandbox, clock }.tm_call("GET", &path, "").await.status }));
    }
    pause(Duration::from_millis(50)).await;
    assert!(reads.iter().all(|read| !read.is_finished()), "every call about the order waits");
    assert_eq!(kinds(bench.tm(), other).await, [StatusKind::INITIALIZED, StatusKind(7)]);
    assert_eq!(bench.tm_call("GET", "/serverStatus", "").await.status, 200);

    gate.notify_one();
    for read in reads {
        assert_eq!(within(10 * SECOND, read).await.unwrap().unwrap(), 200, "and returns the later status");
    }
    assert!(kinds(bench.tm(), id).await.contains(&StatusKind::POSITIVE));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_78_a_retry_does_not_block_the_order() {
    let gate = Arc::new(Notify::new());
    let inside = Arc::clone(&gate);
    let (bench, receiver) = Harness::with_receiver(Receiver::doing(move |call| {
        let gate = Arc::clone(&inside);
        async move {
            if call.seconds() > 0.0 {
                gate.notified().await;
            }
            Some(500)
        }
    }));
    let id = bench.ended(order_with(&["OnFinal"]), "positive").await;
    let clock = bench.clock.clone();
    let advancing = tokio::spawn(async move { clock.advance(100 * SECOND).await });
    receiver.until(2).await;
    within(10 * SECOND, kinds(bench.tm(), id)).await.expect("the order answers during a retry");
    gate.notify_one();
    advancing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t_040_a_receivers_read_is_answered_after_it_returns() {
    let client: Arc<Mutex<Option<IdentityTm>>> = Arc::default();
    let (inside, reads) = (Arc::clone(&client), Arc::new(Mutex::new(Vec::new())));
    let started = Arc::clone(&reads);
    let (bench, _) = Harness::with_receiver(Receiver::doing(move |call| {
        let tm = inside.lock().unwrap().clone().unwrap();
        let id = call.uri.split("orderId=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let read = tokio::spawn(kinds(tm, OrderId::new(&*id)));
        let started = Arc::clone(&started);
        Box::pin(async move {
            pause(Duration::from_millis(30)).await;
            let early = read.is_finished();
            started.lock().unwrap().push((early, read));
            Some(202)
        })
    }));
    *client.lock().unwrap() = Some(bench.tm());
    bench.ended(order_with(&["OnFinal"]), "positive").await;
    // Drop the client, which holds the sandbox that holds the receiver.
    *client.lock().unwrap() = None;
    let (early, read) = reads.lock().unwrap().pop().unwrap();
    assert!(!early, "not while the webhook runs");
    let kinds = within(10 * SECOND, read).await.expect("no deadlock").unwrap();
    assert!(kinds.contains(&StatusKind::POSITIVE));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_033_a_receiver_that_waits_for_its_order_is_cut_off() {
    let client: Arc<Mutex<Option<IdentityTm>>> = Arc::default();
    let inside = Arc::clone(&client);
    let receiver = Receiver::doing(move |call| {
        let tm = inside.lock().unwrap().clone().unwrap();
        let id = call.uri.split("orderId=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        Box::pin(async move {
            kinds(tm, OrderId::new(&*id)).await;
            Some(200)
        })
    });
    let transport = receiver.clone();
    let bench = Harness::with(|builder| {
        builder.webhook_transport(Arc::new(transport)).receiver_timeout(Duration::from_millis(50))
    });
    *client.lock().unwrap() = Some(bench.tm());
    let id = bench.place(order_with(&["AfterIdent", "OnFinal"])).await;
    within(10 * SECOND, bench.play(id.expose(), "positive")).await.expect("a hanging receiver is cut off");
    *client.lock().unwrap() = None;
    assert_eq!(receiver.events(), ["AfterIdent", "OnFinal"]);
    for delivery in bench.sandbox.deliveries(Some(id.expose())) {
        assert_eq!((delivery.attempts.len(), delivery.attempts[0].status), (1, None));
        assert!(delivery.next.is_some(), "a time-out is followed by a retry");
    }
    assert!(kinds(bench.tm(), id).await.contains(&StatusKind::POSITIVE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_receiver_does_not_block_the_order() {
    let receiver = Receiver::doing(|_| async { panic!("this receiver breaks down on purpose") });
    let bench = Harness::receiving(&receiver);
    let id = bench.ended(order_with(&["OnFinal"]), "positive").await;
    within(10 * SECOND, kinds(bench.tm(), id)).await.expect("the order answers");
    assert_eq!(bench.sandbox.deliveries(None)[0].attempts[0].status, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_receiver_webhooks_fail_and_no_order_stays_blocked() {
    let bench = Harness::new();
    let id = bench.ended(order_with(&["AfterVideo", "OnFinal"]), "positive").await;
    within(10 * SECOND, kinds(bench.tm(), id)).await.expect("the order answers");
    let deliveries = bench.sandbox.deliveries(None);
    assert_eq!(deliveries.len(), 2);
    assert!(deliveries.iter().all(|delivery| delivery.attempts.len() == 1 && !delivery.is_delivered()));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_037_after_ident_or_after_video_precedes_on_final() {
    for first in ["AfterIdent", "AfterVideo"] {
        for story in ["positive", "negative", "fraud"] {
            let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
            bench.ended(order_with(&[first, "OnFinal"]), story).await;
            assert_eq!(receiver.events(), [first, "OnFinal"], "{story}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_037_after_ident_precedes_the_decision() {
    let (bench, receiver, gate) = Harness::gated();
    let id = bench.under_way(&receiver, &["AfterIdent"]).await;
    let status = bench.sandbox.inspect(id.expose()).unwrap()["status"]["Status"].to_string();
    assert!(status.contains("\"Kind\":75") && !status.contains("\"Kind\":6,"), "{status}");
    gate.notify_one();
    assert!(kinds(bench.tm(), id).await.contains(&StatusKind::POSITIVE));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_033_a_failed_first_attempt_does_not_stop_the_story() {
    let (bench, receiver) = Harness::with_receiver(Receiver::script(&[Some(500)]));
    let id = bench.ended(order_with(&["AfterIdent", "OnFinal"]), "positive").await;
    assert_eq!(receiver.events(), ["AfterIdent", "OnFinal"]);
    let status = bench.tm().status(&id, &options()).await.unwrap().value;
    assert!(status.finality(OrderFlavor::IdentOnly).is_final());
    bench.clock.advance(DAY).await;
    assert_eq!(receiver.events(), ["AfterIdent", "OnFinal", "AfterIdent"]);
    assert_times(&receiver, &[0.0, 0.0, 86.4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_20_placeholders_are_replaced_and_percent_encoded() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let reference = "A b/ü&ref=1#[OrderID]%20";
    let id = bench.ended(order_with(&["OnFinal"]).reference(reference), "positive").await;
    let call = &receiver.arrived()[0];
    let expected = format!(
        "https://hooks.example/identity-tm/t0ken/OnFinal?orderId={}&ref=A%20b%2F%C3%BC%26ref%3D1%23%5BOrderID%5D%2520",
        id.expose()
    );
    assert_eq!(call.uri, expected);
    let uri: Uri = call.uri.parse().unwrap();
    let mut request = Request::new(bytes::Bytes::new());
    *request.uri_mut() = uri;
    let event = OrderCallback::OnFinal.parse(&request).unwrap();
    assert_eq!(event.case_id.unwrap().expose(), id.expose());
    assert_eq!(event.reference.unwrap().expose(), reference);
}

#[tokio::test(flavor = "multi_thread")]
async fn t_031_the_documents_own_template_is_expanded() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let placed = bench.tm_call("PUT", "/putOrder", fixture("identity-tm", "S-035-put-order-request.json")).await;
    assert_eq!(placed.status, 202, "{}", placed.text());
    let id = placed.json()["OrderID"].as_str().unwrap().to_owned();
    bench.play(&id, "positive").await;
    assert_eq!(receiver.arrived()[0].uri, format!("https://webhook.site/1234567_890?OnFinal={id}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_032_the_method_is_a_setting_and_there_is_no_body() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    for method in [None, Some(Method::POST), Some(Method::PUT), Some(Method::GET)] {
        if let Some(method) = method.clone() {
            bench.sandbox.with_world(|world| identity_tm::configure(world, |set| set.webhook_method = method));
        }
        bench.ended(order_with(&["OnFinal"]), "positive").await;
        let call = receiver.arrived().pop().unwrap();
        assert_eq!((call.method, call.body.len()), (method.unwrap_or(Method::GET), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_030_without_a_url_nothing_is_sent() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let none = bench.place(order()).await;
    let only_video = bench.place(order().webhook_url(WebhookUrl::default().after_video(hook("AfterVideo")))).await;
    for (id, story) in [(&none, "positive"), (&only_video, "timeout")] {
        bench.play(id.expose(), story).await;
    }
    let ident = bench.create_ident().await;
    bench.play(&ident, "positive").await;
    bench.clock.advance(7 * DAY).await;
    assert_eq!(receiver.events(), Vec::<String>::new());
    assert_eq!(bench.sandbox.deliveries(None).len(), 0);
}

fn keys(body: &[u8]) -> Vec<String> {
    // In the order of the text, which a map would lose.
    let text = std::str::from_utf8(body).unwrap();
    let mut found: Vec<(usize, String)> = serde_json::from_str::<serde_json::Map<String, Value>>(text)
        .unwrap()
        .keys()
        .map(|key| (text.find(&format!("\"{key}\"")).unwrap(), key.clone()))
        .collect();
    found.sort();
    found.into_iter().map(|(_, key)| key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i_082_identify24_posts_all_16_keys_as_json() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    bench.set_portal_url();
    let id = bench.create_ident().await;
    bench.play(&id, "negative").await;
    let call = receiver.arrived().pop().unwrap();
    assert_eq!((call.method, call.uri.as_str()), (Method::POST, "https://hooks.example/identify24/t0ken/status"));
    assert_eq!(call.headers[CONTENT_TYPE], "application/json");
    let expected = keys(&fixture("identify24", "S-027-ident-webhook.json"));
    assert_eq!(expected.len(), 16);
    assert_eq!(keys(&call.body), expected);
    let output: Value = serde_json::from_slice(&call.body).unwrap();
    assert!(output.as_object().unwrap().values().all(Value::is_string), "{output}");
    assert_eq!(output["ident_id"], *id);
    assert_eq!((output["first_name"].as_str(), output["custom4"].as_str()), (Some("John"), Some("custom4")));
    assert_ne!(output["reject_reason"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_084_identify24_never_retries() {
    for status in [Some(500), Some(404), None] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(status));
        bench.set_portal_url();
        let id = bench.create_ident().await;
        bench.play(&id, "positive").await;
        bench.clock.advance(30 * DAY).await;
        assert_eq!(receiver.count(), 1);
        assert_eq!(bench.sandbox.deliveries(Some(&id))[0].next, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_084_every_2xx_counts_as_delivered() {
    for (status, state) in
        [(200, "delivered"), (201, "delivered"), (204, "delivered"), (302, "failed"), (404, "failed")]
    {
        let (bench, _receiver) = Harness::with_receiver(Receiver::answering(Some(status)));
        bench.set_portal_url();
        let id = bench.create_ident().await;
        bench.play(&id, "positive").await;
        assert_eq!(bench.sandbox.deliveries(Some(&id))[0].state().name(), state, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_64_retries_continue_after_deletion() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(500)));
    let id = bench.ended(order_with(&["OnFinal"]), "positive").await;
    bench.tm().delete_ident_data(&id, &options()).await.unwrap();
    bench.clock.advance(150 * SECOND).await;
    assert_eq!(receiver.count(), 3);
    assert!(receiver.arrived().iter().all(|call| call.uri.ends_with("&ref=ref-1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_037_an_invalid_webhook_url_is_a_failed_delivery() {
    for url in ["nonsense", "http://", "http://hooks..example/x"] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
        let id = bench.ended(order().webhook_url(WebhookUrl::default().on_final(url)), "positive").await;
        bench.clock.advance(DAY).await;
        let deliveries = bench.sandbox.deliveries(Some(id.expose()));
        assert_eq!(deliveries.len(), 1, "{url}");
        assert_eq!((deliveries[0].state().name(), deliveries[0].attempts.len()), ("failed", 1), "{url}");
        let output = deliveries[0].attempts[0].error.as_ref().unwrap();
        assert!(output.contains("webhook URL"), "{output}");
        assert!(!bench.sandbox.with_world(|world| world.is_blocked(id.expose())), "the order is not blocked");
        assert_eq!(receiver.count(), 0);
    }
}
