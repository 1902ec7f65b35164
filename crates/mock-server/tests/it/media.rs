//! identity.TM: recordings. Request of a video, its callback, the placeholder, and audio recordings.

use crate::support::*;
use identkit_synthetic::{placeholder_video, recording, voice};
use sha2::{Digest, Sha256};

const CALLS: [(&str, &str); 3] =
    [("POST", "/getVideoFileBinaryAsync/{}"), ("GET", "/getVideoFileBinary/{}"), ("GET", "/getVoiceFiles/{}")];

/// The bit of `Add` that requests a recording.
const RECORD: u64 = 131_072;

fn recorded() -> PutOrder {
    order_with(&["OnFinal"]).add(RECORD)
}

fn callback_url(id: &OrderId) -> Secret {
    VideoCallback.url(&Uri::from_static("https://hooks.example"), &Secret::new("t0ken"), id).unwrap()
}

fn asking(url: &str) -> String {
    json!({ "callbackUrl": url }).to_string()
}

impl Harness {
    async fn call(&self, (method, path): (&str, &str), id: &OrderId) -> Answer {
        let body = if method == "POST" { asking("https://hooks.example/ready") } else { String::new() };
        self.tm_call(method, &path.replace("{}", id.expose()), body).await
    }

    async fn video(&self, id: &OrderId) -> Bytes {
        let answer = self.call(CALLS[1], id).await;
        assert_eq!((answer.status, answer.content_type()), (200, "video/mp4"), "{}", answer.text());
        answer.body
    }
}

fn videos(receiver: &Receiver) -> usize {
    receiver.events().iter().filter(|event| *event == "Video").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_38_the_callback_announces_the_recording() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let (id, tm) = (bench.ended(recorded(), "positive").await, bench.tm());
    tm.request_video(&id, &callback_url(&id), &options()).await.unwrap();
    assert_eq!(videos(&receiver), 0, "not ready yet");

    // The status is 200, but the placeholder is not evidence.
    let early = tm.video(&VideoReady::force(id.clone()), &options()).await.unwrap().value;
    assert_eq!(early.media_type, "video/mp4");
    let early = early.content.collect(u64::MAX).await.unwrap();

    bench.clock.advance(MINUTE).await;
    let calls = receiver.arrived();
    let call = calls.iter().find(|call| call.event() == "Video").unwrap();
    assert_eq!((&call.method, call.body.len()), (&Method::GET, 0));
    let request = Request::builder().method(call.method.clone()).uri(&call.uri).body(call.body.clone()).unwrap();
    let ready = VideoReady::from_event(&VideoCallback.parse(&request).unwrap()).unwrap();
    assert_eq!(ready.order_id(), &id);
    let video = tm.video(&ready, &options()).await.unwrap().value.content.collect(u64::MAX).await.unwrap();
    assert_ne!(Sha256::digest(&video), Sha256::digest(&early));
    assert_eq!(early, placeholder_video().unwrap());
    assert_eq!(video, recording(id.expose()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_39_the_callback_is_called_once() {
    for status in [Some(200), Some(500), Some(404), None] {
        let (bench, receiver) = Harness::with_receiver(Receiver::answering(status));
        let id = bench.ended(order().add(RECORD), "positive").await;
        bench.tm().request_video(&id, &callback_url(&id), &options()).await.unwrap();
        bench.clock.advance(59 * SECOND).await;
        assert_eq!(receiver.count(), 0, "not before the recording is ready");
        bench.clock.advance(SECOND).await;
        assert_eq!(receiver.events(), ["Video"], "{status:?}");
        assert_eq!(bench.video(&id).await, recording(id.expose()).unwrap(), "ready whatever the receiver responds");
        bench.clock.advance(6 * DAY).await;
        assert_eq!(receiver.count(), 1, "{status:?}");
        let deliveries = bench.sandbox.deliveries(Some(id.expose()));
        assert_eq!((deliveries.len(), deliveries[0].attempts.len(), deliveries[0].next), (1, 1, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_39_retries_placeholders_and_time_are_settings() {
    let (bench, receiver) = Harness::with_receiver(Receiver::script(&[Some(500)]));
    let template = "https://hooks.example/identity-tm/t0ken/Video?orderId=[OrderID]&ref=[Ref]";
    let plain = bench.ended(order().add(RECORD), "positive").await;
    let answer = bench.tm_call("POST", &format!("/getVideoFileBinaryAsync/{}", plain.expose()), asking(template)).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    bench.clock.advance(HOUR).await;
    assert_eq!(receiver.arrived()[0].uri, template, "placeholders are not replaced, and there is no retry");
    assert_eq!(receiver.count(), 1);

    let (bench, receiver) = Harness::with_receiver(Receiver::script(&[Some(500)]));
    bench.set_up(|settings| {
        settings.video_callback_retries = true;
        settings.video_callback_placeholders = true;
        settings.video_provisioning = jiff::SignedDuration::from_hours(2);
    });
    let id = bench.ended(order().add(RECORD), "positive").await;
    bench.tm_call("POST", &format!("/getVideoFileBinaryAsync/{}", id.expose()), asking(template)).await;
    bench.clock.advance(2 * HOUR + 86 * SECOND).await;
    let filled = format!("https://hooks.example/identity-tm/t0ken/Video?orderId={}&ref=ref-1", id.expose());
    assert_eq!(receiver.arrived().iter().map(|call| &call.uri).collect::<Vec<_>>(), [&filled]);
    bench.clock.advance(SECOND).await;
    let times = receiver.times();
    assert!(times.len() == 2 && (times[0] - 7_200.0).abs() < 1e-6 && (times[1] - 7_286.4).abs() < 1e-6, "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_leads_to_one_call_to_the_last_url() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.ended(order().add(RECORD), "positive").await;
    let path = format!("/getVideoFileBinaryAsync/{}", id.expose());
    for url in ["https://hooks.example/first", "https://hooks.example/last"] {
        assert_eq!(bench.tm_call("POST", &path, asking(url)).await.status, 200);
        bench.clock.advance(30 * SECOND).await;
    }
    bench.clock.advance(HOUR).await;
    assert_eq!(receiver.events(), ["last"], "the minute starts with the first request");
    // The recording is ready: a request is followed by the callback at once.
    assert_eq!(bench.tm_call("POST", &path, asking("https://hooks.example/again")).await.status, 200);
    bench.clock.settle().await;
    assert_eq!(receiver.events(), ["last", "again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_78_the_callback_neither_blocks_nor_unblocks_the_order() {
    // The receiver of OnFinal waits for the gate; that of the video never responds.
    let gate = Arc::new(tokio::sync::Notify::new());
    let held = Arc::clone(&gate);
    let (bench, receiver) = Harness::with_receiver(Receiver::doing(move |call| {
        let gate = Arc::clone(&held);
        Box::pin(async move {
            match call.event() {
                "Video" => std::future::pending().await,
                _ => gate.notified().await,
            }
            Some(200)
        })
    }));
    let id = bench.ended(to_sign(recorded()), "identified").await;
    bench.set_up(|settings| settings.video_provisioning = jiff::SignedDuration::ZERO);
    bench.tm().request_video(&id, &callback_url(&id), &options()).await.unwrap();
    receiver.until(1).await;
    assert_eq!(receiver.events(), ["Video"]);
    let status = within(SECOND, bench.tm().status(&id, &options())).await;
    assert!(status.expect("the order does not wait for the callback").is_ok());

    assert_eq!(bench.begin(id.expose(), "signed"), Ok(()));
    receiver.until(2).await;
    assert!(bench.sandbox.with_world(|world| world.is_blocked(id.expose())), "OnFinal is running");
    gate.notify_one();
    eventually("OnFinal is over", || !bench.sandbox.with_world(|world| world.is_blocked(id.expose()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_78_the_end_of_the_callback_unblocks_nothing() {
    let (receiver, gate) = Receiver::gated_if(|call| call.event() != "Video");
    let bench = Harness::receiving(&receiver);
    let id = bench.ended(to_sign(recorded()), "identified").await;
    assert_eq!(bench.begin(id.expose(), "signed"), Ok(()));
    receiver.until(1).await;
    // The recording becomes ready while the webhook runs.
    let blocked = |bench: &Harness| bench.sandbox.with_world(|world| world.is_blocked(id.expose()));
    assert!(blocked(&bench));
    bench.sandbox.with_world(|world| {
        let event = Event::new("identity-tm", "Video", "k");
        let request = Request::builder().uri(callback_url(&id).expose()).body(Bytes::new()).unwrap();
        let facts = identity_tm::IdentityTm::new().facts();
        let delivery = identkit_mock_server::webhooks::Delivery::new(facts, id.expose(), event, request);
        world.deliver(delivery.once().without_blocking());
    });
    eventually("the callback is over", || {
        bench.sandbox.deliveries(Some(id.expose())).iter().any(|delivery| delivery.is_delivered())
    })
    .await;
    assert!(blocked(&bench), "OnFinal is still running");
    gate.notify_one();
    eventually("OnFinal is over", || !blocked(&bench)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_deletion_includes_recordings_and_callbacks() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    bench.set_up(|settings| settings.voice_files = true);
    let id = bench.ended(order().add(RECORD), "positive").await;
    bench.tm().request_video(&id, &callback_url(&id), &options()).await.unwrap();
    assert_eq!(bench.tm_call("DELETE", &format!("/delIdentdata/{}", id.expose()), "").await.status, 202);
    bench.clock.advance(HOUR).await;
    assert_eq!(receiver.count(), 0);
    // Results are deleted after seven days (T-024).
    let old = bench.ended(order().add(RECORD), "positive").await;
    bench.clock.advance(7 * DAY).await;
    for (id, call) in CALLS.into_iter().flat_map(|call| [(&id, call), (&old, call)]) {
        bench.call(call, id).await.refused(404, "OrderID", "AT-09", "[T] 3.10");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_need_a_video_with_result_6_or_89() {
    let bench = Harness::new();
    bench.set_up(|settings| settings.voice_files = true);
    for (story, status) in [("positive", 200), ("fraud", 200), ("negative", 400), ("timeout", 404)] {
        let id = bench.ended(order().add(RECORD), story).await;
        for call in CALLS {
            let answer = bench.call(call, &id).await;
            assert_eq!(answer.status, status, "{story} {call:?}: {}", answer.text());
        }
    }
    let signing = bench.ended(to_sign(order().add(RECORD)), "identified").await;
    assert_eq!(bench.call(CALLS[0], &signing).await.status, 200, "6 is not final if there is something to sign");

    let open = bench.place(order().add(RECORD)).await;
    let otherwise = bench.place(order().add(RECORD)).await;
    let set = Transition::Status(6.into());
    assert_eq!(bench.sandbox.transition(otherwise.expose(), &set), Ok(()));
    for (id, why) in [(open, "nobody was identified"), (otherwise, "not by video: 75 is missing")] {
        for call in CALLS {
            let answer = bench.call(call, &id).await;
            answer.refused(400, "OrderID", "AT-62", "[T] 3");
            assert!(answer.text().contains("75"), "{why}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_52_the_order_or_the_account_requests_recordings() {
    let bench = Harness::new();
    let plain = bench.ended(order(), "positive").await;
    let other_bits = bench.ended(order().add(RECORD | 32), "positive").await;
    for call in &CALLS[..2] {
        bench.call(*call, &plain).await.refused(400, "Add 131072", "AT-52", "[T] 3.8.1");
        assert_eq!(bench.call(*call, &other_bits).await.status, 200, "the bits of Add combine");
    }
    bench.set_up(|settings| settings.record_video = true);
    for call in &CALLS[..2] {
        assert_eq!(bench.call(*call, &plain).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_39_a_request_without_a_valid_url_is_400() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.ended(order().add(RECORD), "positive").await;
    let path = format!("/getVideoFileBinaryAsync/{}", id.expose());
    for body in ["", "x", "[]", r#"{"callbackUrl":7}"#, r#"{"callbackUrl":["https://hooks.example/"]}"#] {
        let answer = bench.tm_call("POST", &path, body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.text().contains("[T] 3.7"), "{body}: {}", answer.text());
    }
    for body in ["{}", r#"{"callbackUrl":null}"#, r#"{"callbackurl":"https://hooks.example/"}"#, &asking("")] {
        bench.tm_call("POST", &path, body.to_owned()).await.refused(400, "callbackUrl", "is required", "[T] 3.7.3");
    }
    for url in ["hooks.example/x", "/x", "ftp://hooks.example/", "https://", "https:///x", "hooks.example", "a b"] {
        let answer = bench.tm_call("POST", &path, asking(url)).await;
        answer.refused(400, "callbackUrl", "AT-39", "[T] 3.7.3");
        assert!(!answer.text().contains("hooks.example"), "{}", answer.text());
    }
    let answer = bench.tm_call("POST", &path, asking("https://hooks.example:65536/x")).await;
    answer.refused(400, "callbackUrl", "must have a port from 1 to 65535", "[T] 3.7.3");
    bench.clock.advance(HOUR).await;
    assert_eq!(receiver.count(), 0);
    assert_eq!(bench.video(&id).await, placeholder_video().unwrap(), "no recording was requested");
    // The client rejects the same URL before it sends anything.
    let error = bench.tm().request_video(&id, &Secret::new("ftp://hooks.example/"), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::InvalidInput, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_39_an_invalid_callback_url_is_a_failed_delivery() {
    // With AT-39 off the URL is not checked on request; with placeholders it can become invalid later.
    let unchecked = |builder: identkit_mock_server::SandboxBuilder| builder.without_rule("AT-39").unwrap();
    for url in ["nonsense", "/ready", "a b", "https://", "ftp://hooks.example/ready", "hooks.example:443"] {
        for expanded in [false, true] {
            let receiver = Receiver::answering(Some(200));
            let through = receiver.clone();
            let bench = Harness::with(|builder| unchecked(builder).webhook_transport(Arc::new(through)));
            bench.set_up(|settings| settings.video_callback_placeholders = expanded);
            let id = bench.ended(order().add(RECORD), "positive").await;
            let path = format!("/getVideoFileBinaryAsync/{}", id.expose());
            assert_eq!(bench.tm_call("POST", &path, asking(url)).await.status, 200, "{url}");
            bench.clock.advance(DAY).await;
            let deliveries = bench.sandbox.deliveries(Some(id.expose()));
            assert_eq!(deliveries.len(), 1, "{url}");
            assert_eq!(deliveries[0].event.name, VideoCallback.name());
            assert_eq!((deliveries[0].state().name(), deliveries[0].attempts.len()), ("failed", 1), "{url}");
            let output = deliveries[0].attempts[0].error.as_ref().unwrap();
            assert!(output.contains(" URL ") && !output.contains("hooks.example"), "{url}: {output}");
            assert_eq!((receiver.count(), bench.sandbox.next_due().is_some()), (0, true));
            assert!(bench.sandbox.journal().canonical().contains("\"failed\""), "and the journal records it");
            assert_eq!(bench.video(&id).await, recording(id.expose()).unwrap(), "the recording is ready nevertheless");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_world_has_the_timer_of_the_recording() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.ended(order().add(RECORD), "positive").await;
    bench.tm().request_video(&id, &callback_url(&id), &options()).await.unwrap();
    let copy = Mutex::new(bench.sandbox.with_world(|world| world.clone()));
    bench.clock.advance(HOUR).await;
    assert_eq!(receiver.count(), 1);

    let mut copy = copy.into_inner().unwrap();
    let vendor = identity_tm::IdentityTm::new();
    let due = start_time() + jiff::SignedDuration::from_secs(60);
    assert_eq!(vendor.inspect(&mut copy, id.expose()).unwrap()["recording"], "asked for");
    assert_eq!((copy.next_due(), copy.deliveries.len()), (Some(due), 0));
    copy.now = due;
    let timer = copy.take_due().unwrap();
    vendor.on_timer(&mut copy, &timer);
    assert_eq!((copy.take_due(), copy.deliveries.len(), copy.take_outbox().len()), (None, 1, 1));
    assert_eq!(vendor.inspect(&mut copy, id.expose()).unwrap()["recording"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_recordings_are_a_setting() {
    let bench = Harness::new();
    let (id, tm) = (bench.ended(order(), "positive").await, bench.tm());
    bench.call(CALLS[2], &id).await.refused(400, "not enabled", "T-006", "[T] 3.9");
    assert_eq!(tm.voice_files(&id, &options()).await.unwrap_err().status(), Some(400));
    bench.set_up(|settings| settings.voice_files = true);
    let files = tm.voice_files(&id, &options()).await.unwrap().value.voicefiles.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].filename.as_ref().unwrap().expose(), &format!("sound_{}.mp3", id.expose()));
    assert_eq!(files[0].audio().unwrap(), voice(id.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_40_escaped_slashes_are_a_setting() {
    let bench = Harness::new();
    bench.set_up(|settings| settings.voice_files = true);
    let id = bench.ended(order(), "positive").await;
    let plain = bench.call(CALLS[2], &id).await;
    assert!(plain.text().contains(r#""Base64Data":"//uQ"#));
    bench.set_up(|settings| settings.escape_slashes = true);
    let escaped = bench.call(CALLS[2], &id).await;
    assert_eq!((escaped.status, escaped.content_type()), (200, plain.content_type()));
    assert!(escaped.text().contains(r#""Base64Data":"\/\/uQ"#));
    assert!(!escaped.text().replace(r"\/", "").contains('/'));
    assert_eq!(escaped.json(), plain.json());
    let files = bench.tm().voice_files(&id, &options()).await.unwrap().value.voicefiles.unwrap();
    assert_eq!(files[0].audio().unwrap(), voice(id.expose()));
}
