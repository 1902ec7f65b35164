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
    // A worker that was killed between the vendor's response to the deletion and its record: the data is gone, which two
    // reads must show, 5 minutes apart.
    let waits = |status: &Value| status["state"] == "collected" && wait_of(status) > Duration::from_secs(60);
    let ended: Vec<Value> =
        cases.iter().map(|case| service.until(case, |status| status["state"] == "deleted" || waits(status))).collect();
    ended.iter().for_each(|status| service.assert_artifacts(status));
    running.end("TERM");
    assert_eq!(service.calls("putOrder"), cases.len() as u64, "one order each");
    let deleted = ended.iter().filter(|status| status["state"] == "deleted").count();
    assert_eq!(service.ledger().len(), deleted, "each deletion is recorded once");
    assert!(service.calls("delIdentdata") >= cases.len() as u64, "each was sent");
    let artifacts: usize = ended.iter().map(|status| status["artifacts"].as_array().unwrap().len()).sum();
    let reported: usize = ended.iter().map(unrecorded_files).sum();
    assert_eq!(service.files().len(), artifacts + reported, "each file is recorded or reported");
}

/// The time until the collector continues.
pub(super) fn wait_of(status: &Value) -> Duration {
    let next: Option<jiff::Timestamp> = status["next_at"].as_str().map(|at| at.parse().unwrap());
    next.and_then(|at| at.duration_since(jiff::Timestamp::now()).try_into().ok()).unwrap_or_default()
}

/// The number of files in the case's folder that the ledger does not name.
pub(super) fn unrecorded_files(status: &Value) -> usize {
    let text = status["next"].as_str().unwrap();
    let before = text.split_once(" file(s) in the case's folder").map(|(before, _)| before);
    before.map_or(0, |before| before.rsplit(' ').next().unwrap().parse().unwrap())
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
    // The state is stored before the call: the next worker must not meet the fault.
    service.until(&case, |_| service.sandbox.ask("faults", None)["faults"][0]["hits"] == 1);
    service.becomes(&case, "collecting");
    running.kill();
    let began = Instant::now();
    let running = service.start(&[]);
    service.becomes(&case, "deleted");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    running.end("TERM");
}
