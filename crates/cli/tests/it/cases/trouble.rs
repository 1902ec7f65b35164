//! What can fail: the vendor, the sink.

use super::*;

#[test]
fn a_vendor_that_is_down_delays_a_case() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    let fault = json!({ "operation": "getStatus", "fault": "status", "status": 503, "times": null });
    let rule = service.sandbox.ask("faults", Some(&fault.to_string()));
    service.play(&case, "positive");
    let began = Instant::now();
    let status = loop {
        let status = service.status(&case);
        if status["failures"] != 0 {
            break status;
        }
        assert!(began.elapsed() < HANGS, "{status:#}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status["state"], "open");
    assert!(status["why"].as_str().unwrap().contains("failed: getStatus"), "{status:#}");
    assert!(status["next"].as_str().unwrap().contains("case retry") && status["next_at"].is_string(), "{status:#}");
    assert!(running.stderr().contains(&format!("case {} failed (1 in a row): getStatus", case["case"])));

    let lift = service.sandbox.ready_text("/admin").to_owned();
    let lift = format!("{lift}/_sandbox/v1/faults");
    delete(&lift);
    assert!(rule.is_object(), "{rule}");
    service.run(&format!("case retry {}", case["case"])).ends_with(0, &[]);
    service.becomes(&case, "deleted");
    running.end("TERM");
}

/// Sends DELETE to a URL of the sandbox.
fn delete(url: &str) {
    use std::io::{Read as _, Write as _};
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let head = format!("DELETE {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

#[test]
fn a_missing_sink_deletes_nothing() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    let (sink, elsewhere) = (service.sink(), service.folder.path().join("elsewhere"));
    std::fs::rename(&sink, &elsewhere).unwrap();
    service.play(&case, "positive");
    let began = Instant::now();
    let status = loop {
        let status = service.status(&case);
        if status["failures"] != 0 {
            break status;
        }
        assert!(began.elapsed() < HANGS, "{status:#}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status["why"].as_str().unwrap().contains("folder of the sink"), "{status:#}");
    assert_eq!(service.calls("delIdentdata"), 0);
    std::fs::rename(&elsewhere, &sink).unwrap();
    service.run(&format!("case retry {}", case["case"])).ends_with(0, &[]);
    service.assert_artifacts(&service.becomes(&case, "deleted"));
    running.end("TERM");
}

#[test]
fn a_changed_artifact_stops_the_deletion() {
    let service = Service::new();
    let running = service.start(&["--no-delete"]);
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    let status = service.becomes(&case, "collected");
    running.end("TERM");
    let artifact = service.sink().join(status["artifacts"][0]["location"].as_str().unwrap());
    std::fs::write(&artifact, "other").unwrap();
    let line = format!("case delete {}", case["case"]);
    service.run(&line).fails_with(1, &["not the one that was verified"]);
    // A person can give up what is not saved, but not what is lost.
    service.run(&format!("{line} --force --yes")).fails_with(1, &["not the one that was verified"]);
    assert_eq!((service.calls("delIdentdata"), service.ledger().len()), (0, 0));
}

#[test]
fn a_full_sink_deletes_nothing() {
    let service = Service::new();
    // Files of at most 64 KiB: the store needs more, so it is created before, with its space.
    let command = service.collector(&["--no-delete"]);
    let case = service.open_order(&json!({}));
    let mut shell = crate::support::on_full_disk(&command, 0);
    run(&mut shell).ends_with(1, &[]);
    assert_eq!(service.status(&case)["state"], "open");
    assert_eq!(service.calls("delIdentdata"), 0);
}
