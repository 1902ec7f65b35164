//! identify24's settings for behavior that the document leaves open, and every code of its table.

use crate::support::*;
use identkit_mock_server::vendors::identify24::{GetBodies, Rate, Refusals, Scenario, Settings, configure};

impl Harness {
    pub(crate) fn set_up_identify24(&self, change: impl FnOnce(&mut Settings)) {
        self.sandbox.with_world(|world| configure(world, change));
    }

    fn client(&self) -> Identify24 {
        self.identify24(&VirtualClock::new(start_time()))
    }
}

/// Returns the codes of the contract's table 1.9.
fn codes() -> Vec<u16> {
    let contract = include_str!("../../../../docs/contract/contract.md");
    let table = contract.split("## 1.9 HTTP codes").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let codes: Vec<u16> = first.flat_map(|cell| cell.split('/')).filter_map(|code| code.parse().ok()).collect();
    assert!(codes.len() >= 12, "{codes:?}");
    codes
}

/// A request that provokes a code: a row of `fixtures/identify24-codes.json`.
#[derive(serde::Deserialize)]
struct Case {
    code: u16,
    call: String,
    method: String,
    path: String,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    set: Value,
    /// Time since the login.
    #[serde(default)]
    minutes: u32,
    /// Number of requests; all except the last succeed.
    #[serde(default)]
    times: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_of_the_documents_table_can_be_provoked() {
    let cases: Vec<Case> = table("identify24-codes");
    for code in codes() {
        assert!(cases.iter().any(|case| case.code == code), "no case provokes {code}");
    }
    for Case { code, call, method, path, body, set, minutes, times } in cases {
        let bench = Harness::new();
        let token = bench.token().await;
        bench.clock.advance(minutes * MINUTE).await;
        if let Value::Object(_) = set {
            bench.sandbox.set_up(json!({ "identify24": set }).as_object().unwrap()).unwrap();
        }
        let body = match body.as_str() {
            Some(_) => sample_ident().to_string(),
            None => {
                if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                }
            }
        };
        for _ in 1..times {
            assert_eq!(
                bench.i24_call(&token, &method, &path, body.clone()).await.status,
                200,
                "{call} {code}: too early"
            );
        }
        let answer = bench.i24_call(&token, &method, &path, body).await;
        let output = answer.json();
        assert_eq!((answer.status, &output["result"]), (code, &json!(code == 200)), "{call} {code}: {output}");
        if code != 200 {
            assert_eq!(output["response_status"], code, "{call}");
            let message = output["messages"][0].as_str().unwrap();
            assert!(message.contains("[I]") && !message.contains("John"), "{call} {code}: {message}");
        }
        assert!(answer.headers.get("retry-after").is_none(), "{call} {code}: not documented");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_has_retry_after_if_configured() {
    let bench = Harness::new();
    let rate = Rate::new(2, SignedDuration::from_secs(60));
    bench.set_up_identify24(|settings| settings.rate = Some(rate.with_retry_after()));
    let read = || bench.i24_call("xxx", "GET", "/project/getAll", "");
    assert_eq!((read().await.status, read().await.status), (200, 200));
    bench.clock.advance(45 * SECOND).await;
    let refused = read().await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (429, &"15".parse().unwrap()));
    bench.clock.advance(15 * SECOND).await;
    assert_eq!(read().await.status, 200, "after Retry-After");
    assert_eq!((read().await.status, read().await.status), (200, 429), "a new period");
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_02_the_client_detects_rejections_with_status_200() {
    let bench = Harness::new();
    let client = bench.client();
    client.projects(&options()).await.unwrap();
    bench.set_up_identify24(|settings| settings.refusals = Refusals::ByResult);
    let answer = bench.create(&json!({})).await;
    assert_eq!((answer.status, &answer.json()["result"]), (200, &json!(false)));
    assert!(answer.json().get("response_status").is_none());
    let error = client.get_ident(&"unknown".into(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Rejected, Some(200)));
    // An expired token still gets 401, so that the client logs in again.
    assert_eq!(bench.i24_call("dead", "GET", "/project/getAll", "").await.status, 401);
    // A rejected login has no token (I-031).
    let login =
        bench.i24_call("", "POST", "/auth", json!({ "PARTNER": "911-internet", "APIKEY": "wrong" }).to_string());
    let login = login.await;
    assert_eq!((login.status, &login.json()["result"]), (200, &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_30_the_client_detects_rejections_by_response_status() {
    let bench = Harness::new();
    let client = bench.client();
    bench.set_up_identify24(|settings| settings.refusals = Refusals::ByResponseStatus);
    let answer = bench.i24_call("xxx", "GET", "/ident/get/unknown", "").await;
    assert_eq!((answer.status, &answer.json()["response_status"]), (200, &json!(404)));
    let error = client.get_ident(&"unknown".into(), &options()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    // Also for an expired token: the client logs in again.
    bench.clock.advance(HOUR).await;
    assert_eq!(client.projects(&options()).await.unwrap().value.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_07_the_client_finds_projects_if_get_bodies_are_lost() {
    let bodies = [403, 411, 413].map(GetBodies::Refused);
    for (way, status) in [(GetBodies::Stripped, 400)].into_iter().chain(bodies.into_iter().zip([403, 411, 413])) {
        let bench = Harness::new();
        bench.set_up_identify24(|settings| settings.get_bodies = way);
        let answer = bench.i24_call("xxx", "GET", "/project/get", r#"{"project_id":6}"#).await;
        assert_eq!(answer.status, status, "{way:?}");
        assert_eq!(
            bench.i24_call("xxx", "GET", "/project/getAll", "").await.status,
            200,
            "requests without body are unaffected"
        );
        assert_eq!(bench.create(&sample_ident()).await.status, 200, "a POST keeps its body");
        let project = bench.client().project(&"6".into(), &options()).await.unwrap();
        assert_eq!((project.value.id.unwrap().as_str(), project.warnings[0].rule), ("6", "AI-07"), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_12_statuses_are_configurable_in_reads_and_webhooks() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    bench.set_portal_url();
    bench.set_up_identify24(|settings| {
        let refused =
            Scenario::new("Abgelehnt", "77").reject_reason("the document is blurred").agent_notes("see page 2");
        settings.stories =
            [("refused".to_owned(), refused), ("seen".to_owned(), Scenario::new("Gesehen", "78"))].into();
    });
    let id = bench.create_ident().await;
    for (story, status, status_id, reason, notes) in
        [("refused", "Abgelehnt", "77", "the document is blurred", "see page 2"), ("seen", "Gesehen", "78", "", "")]
    {
        bench.play(&id, story).await;
        let read = bench.i24_call("xxx", "GET", &format!("/ident/get/{id}"), "").await.json();
        assert_eq!(read["data"]["status"], status);
        let output: Value = serde_json::from_slice(&receiver.arrived().last().unwrap().body).unwrap();
        assert_eq!([&output["status"], &output["status_id"]], [status, status_id]);
        assert_eq!([&output["reject_reason"], &output["agent_notes"]], [reason, notes]);
    }
    assert_eq!(bench.begin(&id, "positive").unwrap_err().status, 400, "the list was replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_052_reads_and_webhooks_have_the_appointment_of_a_story() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    bench.set_portal_url();
    bench.set_up_identify24(|settings| {
        let in_winter = Scenario::new("Unidentified", "5").appointment(SignedDuration::from_hours(60 * 24));
        settings.stories.insert("in winter".into(), in_winter);
    });
    let id = bench.create_ident().await;
    let read = || async { bench.i24_call("xxx", "GET", &format!("/ident/get/{id}"), "").await.json()["data"].clone() };
    assert_eq!(read().await.get("appointment_date"), None, "no appointment yet");
    // Local times of the vendor (AI-11): 14:00 at 12:00 UTC in summer, 13:00 in winter.
    for (story, at) in [
        ("appointment", "2020-09-13 14:00"),
        ("positive", "2020-09-13 14:00"),
        ("in winter", "2020-11-09 13:00"),
        ("appointment", "2020-09-13 14:00"),
    ] {
        bench.play(&id, story).await;
        assert_eq!(read().await["appointment_date"], at, "{story}");
        let output: Value = serde_json::from_slice(&receiver.arrived().last().unwrap().body).unwrap();
        assert_eq!(output["appointment_date"], at, "{story}");
    }
    let output = read().await;
    assert_eq!(output["status"], "Unidentified", "AI-12: the only status that the document has");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_006_and_i_020_lifetimes_are_settings() {
    let bench = Harness::new();
    bench.set_up_identify24(|settings| {
        settings.idle = SignedDuration::from_mins(5);
        settings.life = SignedDuration::from_hours(24);
    });
    let token = bench.token().await;
    let id = bench.create_ident().await;
    let path = format!("/ident/get/{id}");
    bench.clock.advance(5 * MINUTE).await;
    assert_eq!(bench.i24_call(&token, "GET", &path, "").await.status, 401);
    bench.clock.advance(DAY - 5 * MINUTE - SECOND).await;
    assert_eq!(bench.i24_call("xxx", "GET", &path, "").await.status, 200);
    bench.clock.advance(SECOND).await;
    assert_eq!(bench.i24_call("xxx", "GET", &path, "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_16_and_ai_24_unique_custom_ids_are_a_setting() {
    let bench = Harness::new();
    let (ident, mut without) = (sample_ident(), sample_ident());
    without.as_object_mut().unwrap().remove("custom_id");
    assert_eq!((bench.create(&ident).await.status, bench.create(&ident).await.status), (200, 200));
    bench.set_up_identify24(|settings| settings.unique_custom_ids = true);
    bench.create(&ident).await.refused(409, "custom_id", "AI-16", "[I] ident/create");
    assert_eq!(
        (bench.create(&without).await.status, bench.create(&without).await.status),
        (200, 200),
        "missing values are not duplicates"
    );
    for empty in [json!(""), Value::Null] {
        without["custom_id"] = empty;
        assert_eq!((bench.create(&without).await.status, bench.create(&without).await.status), (200, 200));
    }
}

#[test]
fn debug_output_of_settings_has_no_secret() {
    let mut settings = Settings::default();
    settings.webhook_url = Some(Secret::new("https://hooks.example/t0ken"));
    let shown = format!("{settings:?}");
    assert!(!shown.contains("sandbox-api-key") && !shown.contains("t0ken"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_89_the_status_of_success_is_a_setting_here_too() {
    let bench = Harness::new();
    let token = bench.token().await;
    bench.sandbox.with_world(|world| {
        identify24::configure(world, |settings| {
            settings.success_status = Some(204);
            settings.refusals = identify24::Refusals::ByResult;
        });
    });
    let created = bench.i24_call(&token, "POST", "/ident/create", sample_ident().to_string()).await;
    assert_eq!((created.status, created.body.len()), (204, 0));
    let unknown = bench.i24_call(&token, "GET", "/ident/get/none", "").await;
    assert_eq!((unknown.status, &unknown.json()["result"]), (200, &json!(false)), "a rejection");
}
