//! The typical flow of both vendors.

use super::*;
use crate::support::keys;

#[test]
fn at_63_a_case_is_collected_and_deleted() {
    let service = Service::new();
    let running = service.start(&[]);
    let members = ["identify24_webhook", "listen", "providers", "sink", "store"];
    assert_eq!(keys(&running.ready), members);
    assert_eq!(running.ready["providers"], json!(["identity-tm", "identify24"]));
    assert_eq!(running.ready["store"], service.store());

    let case = service.open_order(&json!({}));
    assert_eq!(keys(&case), ["case", "person_url", "provider", "reference", "signed_data_of", "state", "vendor_id"]);
    assert_eq!((&case["provider"], &case["state"]), (&"identity-tm".into(), &"open".into()));
    assert!(case["person_url"].as_str().unwrap().starts_with("http"), "{case}");
    assert_eq!(service.status(&case)["person_url"], case["person_url"], "the store has it too");
    service.play(&case, "positive");
    let status = service.becomes(&case, "deleted");

    assert_eq!(status["outcome"], "positive");
    assert_eq!((&status["missing"], &status["person_url"]), (&json!([]), &Value::Null));
    for time in ["created_at", "ended_at", "collected_at", "deleted_at"] {
        assert!(status[time].is_string(), "{time}: {status:#}");
    }
    let kinds: Vec<&str> =
        status["artifacts"].as_array().unwrap().iter().map(|artifact| artifact["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"ident-data") && kinds.contains(&"report"), "{kinds:?}");
    service.assert_artifacts(&status);
    assert_eq!(service.files().len(), kinds.len(), "no other files");

    let ledger = service.ledger();
    assert_eq!(ledger.len(), 1, "{ledger:?}");
    assert_eq!(keys(&ledger[0]), ["actor", "at", "hashes", "subject"]);
    assert_eq!(ledger[0]["actor"], "collector");
    assert_eq!(ledger[0]["hashes"].as_array().unwrap().len(), kinds.len());
    assert_eq!((service.calls("putOrder"), service.calls("delIdentdata")), (1, 1));
    let id = case["vendor_id"].as_str().unwrap();
    service.sandbox.run(&format!("tm ident-data {id}")).ends_with(4, &[]);

    let number = &case["case"];
    let run = running.end("TERM");
    for change in ["open -> final", "final -> collecting", "collecting -> collected", "collected -> deleted"] {
        assert!(run.stderr.contains(&format!("Z case {number} {change}\n")), "{change}: {}", run.stderr);
    }
    run.logs_none_of(&[id, case["reference"].as_str().unwrap()]);
}

#[test]
fn ai_12_an_ident_ends_as_closed() {
    let service = Service::new();
    let running = service.start(&["--quiet"]);
    let case = service.open_ident(&json!({ "custom_id": "A-1" }));
    assert_eq!(
        (&case["provider"], &case["state"], &case["reference"]),
        (&"identify24".into(), &"open".into(), &"A-1".into())
    );
    assert!(case["person_url"].is_string(), "{case}");
    service.play(&case, "positive");
    let status = service.becomes(&case, "closed");
    assert_eq!((&status["outcome"], &status["deleted_at"]), (&"positive".into(), &Value::Null));
    service.assert_artifacts(&status);
    assert_eq!(service.ledger(), Vec::<Value>::new());
    let run = running.end("INT");
    assert!(!run.stderr.contains("->"), "--quiet: {}", run.stderr);
}

#[test]
fn a_negative_case_is_recorded() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    service.play(&case, "negative");
    let began = Instant::now();
    let status = loop {
        let status = service.status(&case);
        if status["state"] == "deleted" || status["state"] == "closed" {
            break status;
        }
        assert!(began.elapsed() < HANGS, "{status:#}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status["outcome"], "negative", "{status:#}");
    running.end("TERM");
}

#[test]
fn without_a_receiver_the_end_is_found_by_reading() {
    let service = Service::new();
    let case = service.open_order(&json!({ "WebhookURL": null }));
    service.play(&case, "positive");
    let mut command = service.command("run --provider tm");
    let running = Running::start(command.arg("--sink").arg(service.sink()));
    assert_eq!((&running.ready["listen"], &running.ready["identify24_webhook"]), (&Value::Null, &Value::Null));
    assert_eq!(running.ready["providers"], json!(["identity-tm"]));
    // The first sweep finds it.
    service.becomes(&case, "deleted");
    running.end("TERM");
}

#[test]
fn the_pages_count_cases() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    service.becomes(&case, "deleted");
    let page = |path: &str| crate::support::http(&format!("{}{path}", running.ready["listen"].as_str().unwrap()), None);
    assert!(page("/healthz").starts_with("HTTP/1.1 200") && page("/readyz").starts_with("HTTP/1.1 200"));
    assert!(page("/metrics").contains("identkit_case_changes_total{state=\"deleted\"} 1"), "{}", page("/metrics"));
    running.end("TERM");
}

#[test]
fn without_deletion_the_data_stay_at_the_vendor() {
    let service = Service::new();
    let running = service.start(&["--no-delete"]);
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    let status = service.becomes(&case, "collected");
    service.run(&format!("case watch {}", case["case"])).ends_with(0, &[]).shows(&["collected"]);
    assert_eq!((service.calls("delIdentdata"), &status["deleted_at"]), (0, &Value::Null));
    running.end("TERM");

    // A person deletes it, without a running collector.
    let deleted = service.json(&format!("case delete {}", case["case"]));
    assert_eq!(deleted["state"], "deleted", "{deleted}");
    let ledger = service.ledger();
    assert_eq!((ledger.len(), &ledger[0]["actor"]), (1, &"operator".into()));
    assert_eq!(service.calls("delIdentdata"), 1);
    service.run(&format!("case delete {}", case["case"])).fails_with(2, &["the case is deleted"]);
}

#[test]
fn at_38_a_recording_is_collected_after_its_announcement() {
    let service = Service::new();
    service.sandbox.ask("settings", Some(r#"{"identity_tm":{"video_provisioning":1}}"#));
    let running = service.start(&["--video"]);
    let case = service.open_order(&json!({ "Product": 12, "Add": 131_072 }));
    service.play(&case, "positive");
    let status = service.becomes(&case, "deleted");
    let kinds: Vec<&str> =
        status["artifacts"].as_array().unwrap().iter().map(|artifact| artifact["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"video"), "{kinds:?}");
    service.assert_artifacts(&status);
    running.end("TERM");
}
