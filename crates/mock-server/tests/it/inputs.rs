//! identity.TM: every documented input has an effect (M-17).

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::VideoFormat;

#[tokio::test(flavor = "multi_thread")]
async fn m_17_eid_settings_have_effects() {
    let bench = Harness::new();
    for (name, codes, mobile, images, card) in [
        ("EnableOCR", vec![25, 7, 49, 50, 51, 6, 80], false, true, true),
        ("CaptureImages", vec![25, 7, 49, 50, 51, 6, 80], false, true, false),
        ("VerifyMobileNumber", vec![25, 7, 49, 50, 51, 71, 6, 80], true, false, false),
        ("NoVideoFallback", vec![25, 7, 49, 50, 51, 6, 80], false, false, false),
    ] {
        for set in [true, false] {
            let id = bench.ordered(json!({ "Mobile": "+491701234567", "eIDSettings": { name: set } })).await;
            bench.play(&id, "eid").await;
            let expected: Vec<u32> = codes.iter().copied().filter(|code| set || *code != 71).collect();
            assert_eq!(bench.codes(&OrderId::new(&*id)).await, expected, "{name} {set}");
            let data =
                bench.good("GET", &format!("/getIdentData/{id}"), String::new()).await.json()["IdentData"].clone();
            assert_eq!(data["Mobile"].is_string(), set && mobile, "{name} {set}");
            assert_eq!(data["Images"].as_array().map(Vec::len), (set && images).then_some(2), "{name} {set}");
            assert_eq!(data["IDCard"]["CardNo"].is_string(), set && card, "{name} {set}");
        }
    }
    // No effect with another method.
    let id = bench.ordered(json!({ "eIDSettings": { "EnableOCR": true, "VerifyMobileNumber": true } })).await;
    bench.play(&id, "video").await;
    let data = bench.good("GET", &format!("/getIdentData/{id}"), String::new()).await.json()["IdentData"].clone();
    assert!(data.get("Images").is_none(), "{data}");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_a_failed_eid_continues_by_video_if_it_may() {
    let bench = Harness::new();
    for (product, refuses, codes, outcome) in [
        (12, false, vec![25, 7, 49, 50, 73, 77, 78, 71, 75, 6, 23], Outcome::Positive),
        (12, true, vec![25, 7, 49, 50, 21], Outcome::Pending),
        (0, false, vec![25, 7, 49, 50, 21], Outcome::Pending),
    ] {
        let id = bench.ordered(json!({ "Product": product, "eIDSettings": { "NoVideoFallback": refuses } })).await;
        bench.play(&id, "eid-failed").await;
        let id = OrderId::new(&*id);
        assert_eq!(bench.codes(&id).await, codes, "{product} {refuses}");
        assert_eq!(bench.outcome(&id, OrderFlavor::IdentOnly).await, outcome, "{product} {refuses}");
    }
    let signs = bench.ended(contract_order(), "identified").await;
    assert!(bench.begin(signs.expose(), "eid-failed").is_err(), "identified already");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_smart_id_is_a_method() {
    let bench = Harness::new();
    let id = bench.ended(order(), "smartid").await;
    let method = async || {
        let path = format!("/getIdentData/{}/IncludeIdentifyMethod", id.expose());
        bench.good("GET", &path, String::new()).await.json()["IdentifyMethod"].clone()
    };
    assert_eq!(method().await, "SmartID");
    let vendors = vendors::all();
    let saved = bench.sandbox.snapshot().to_json(&vendors).unwrap();
    let restored = sandbox().world(World::from_json(&vendors, &saved).unwrap()).start();
    assert_eq!(restored.inspect(id.expose()).unwrap()["method"], "SmartID");
    let auto = bench.place(order().product(16_u32)).await;
    assert!(bench.begin(auto.expose(), "smartid").is_err(), "Product 16 is autoID only");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_recordings_can_be_webm() {
    let bench = Harness::new();
    bench.set_up(|settings| settings.record_video = true);
    let id = bench.ended(order(), "positive").await;
    let path = format!("/getVideoFileBinary/{}", id.expose());
    let video = async |format: VideoFormat| {
        bench.set_up(|settings| settings.video_format = format);
        let answer = bench.good("GET", &path, String::new()).await;
        (answer.content_type().to_owned(), answer.body)
    };
    let (media_type, placeholder) = video(VideoFormat::WebM).await;
    assert_eq!((media_type.as_str(), &placeholder[..4]), ("video/webm", &[0x1a, 0x45, 0xdf, 0xa3][..]));
    let body = json!({ "callbackUrl": "https://hooks.example/video" }).to_string();
    bench.good("POST", &format!("/getVideoFileBinaryAsync/{}", id.expose()), body).await;
    bench.clock.advance(HOUR).await;
    let (_, recording) = video(VideoFormat::WebM).await;
    assert_ne!(recording, placeholder);
    assert!(recording.windows(id.expose().len()).any(|part| part == id.expose().as_bytes()));
    assert_eq!(video(VideoFormat::Mp4).await.0, "video/mp4");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_availability_of_agents_is_a_stub() {
    let bench = Harness::new();
    bench.tm_call("GET", "/availability", "").await.refused(404, "path", "T-001", "[T] 3-8");
    bench.set_up(|settings| settings.availability = Some(json!({ "agents": 3 })));
    assert_eq!(bench.good("GET", "/availability", String::new()).await.json(), json!({ "agents": 3 }));
    assert_eq!(bench.tm_call("POST", "/availability", "").await.status, 404);
    assert_eq!(bench.bare("GET", &format!("{TM}/availability"), &[]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_add_and_accepted_documents_have_effects() {
    let bench = Harness::new();
    let data = async |order: Value| {
        let id = bench.ordered(order).await;
        bench.play(&id, "courier").await;
        let codes = bench.codes(&OrderId::new(&*id)).await;
        let data = bench.good("GET", &format!("/getIdentData/{id}"), String::new()).await.json()["IdentData"].clone();
        (codes, data)
    };
    let (codes, plain) = data(json!({})).await;
    assert!(codes.contains(&12) && codes.contains(&70), "{codes:?}");
    assert!(plain.get("DriverLicence").is_none() && plain["IDCard"]["Type"] == "IDCard", "{plain}");
    let (codes, _) = data(json!({ "Add": 32 })).await;
    assert!(!codes.contains(&12) && !codes.contains(&70) && codes.contains(&19), "{codes:?}");
    for add in [4096, 8192] {
        let (_, checked) = data(json!({ "Add": add, "IdentData": { "DriverLicence": { "Classes": "B,C" } } })).await;
        assert_eq!((&checked["DriverLicence"]["Classes"], &plain["DriverLicence"]), (&json!("B,C"), &Value::Null));
        let (_, checked) = data(json!({ "Add": add })).await;
        assert!(checked["DriverLicence"]["LicenceNo"].is_string(), "{checked}");
    }
    let (_, checked) = data(json!({ "LegitimationDocument": [{ "Document": "Residence permit" }] })).await;
    assert_eq!(checked["IDCard"]["Type"], "Residence permit");
}

#[tokio::test(flavor = "multi_thread")]
async fn f_219_a_tan_goes_to_the_number_of_the_checked_data() {
    let (bench, door) = Harness::with_door().await;
    let (number, blank) = ("+491701234567", " ");
    for (order, checked) in [(Some(number), Some("+491711234567")), (None, Some(number)), (Some(blank), Some(number))] {
        let settings = json!({ "VerifyMobileNumber": true });
        let id = bench
            .ordered(json!({ "Mobile": order, "IdentData": { "Mobile": checked }, "eIDSettings": settings }))
            .await;
        bench.play(&id, "eid").await;
        let data = bench.good("GET", &format!("/getIdentData/{id}"), String::new()).await.json();
        assert_eq!(data["IdentData"]["Mobile"], number, "{order:?} {checked:?}");
        let messages = door.get(&format!("outbox?order={id}")).await;
        assert!(messages.to_string().contains(&format!("\"to\":\"{number}\"")), "{messages}");
    }
}
