//! `kill -9` of the collector.

use super::*;

/// A lease that is short enough for a test.
const LEASE: [&str; 2] = ["--lease", "4s"];

#[test]
fn a_killed_collector_loses_and_repeats_nothing() {
    let service = Service::new();
    // The moments are spread over the whole flow, which takes a few hundred milliseconds.
    let cases: Vec<Value> = [0_u64, 20, 60, 120, 200, 300]
        .into_iter()
        .map(|milliseconds| {
            let running = service.start(&LEASE);
            let case = service.open_order(&json!({ "Ref": null }));
            service.play(&case, "positive");
            std::thread::sleep(Duration::from_millis(milliseconds));
            let stderr = running.kill();
            assert!(!PERSONS.iter().any(|name| stderr.contains(name)), "{stderr}");
            case
        })
        .collect();
    let running = service.start(&LEASE);
    for case in &cases {
        let status = service.becomes(case, "deleted");
        service.assert_artifacts(&status);
    }
    running.end("TERM");
    let count = cases.len();
    assert_eq!(service.calls("putOrder"), count as u64, "one order each");
    assert_eq!(service.ledger().len(), count, "each deletion is recorded once");
    let artifacts: usize = cases.iter().map(|case| service.status(case)["artifacts"].as_array().unwrap().len()).sum();
    assert_eq!(service.files().len(), artifacts, "no file is left over");
}

#[test]
fn a_case_of_a_killed_worker_goes_on_within_a_minute() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({ "Ref": null }));
    // The worker waits for a response that does not come.
    service.sandbox.ask(
        "faults",
        Some(&json!({ "operation": "getIdentDataPDF", "fault": "latency", "seconds": 120 }).to_string()),
    );
    service.play(&case, "positive");
    service.becomes(&case, "collecting");
    running.kill();
    let began = Instant::now();
    let running = service.start(&[]);
    service.becomes(&case, "deleted");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    running.end("TERM");
}
