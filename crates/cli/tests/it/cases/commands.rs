//! The commands on the cases of a store.

use super::*;
use crate::support::keys;

#[test]
fn reading_needs_no_credentials() {
    let service = Service::new();
    let case = service.open_order(&json!({ "Ref": "A-1" }));
    let id = case["vendor_id"].as_str().unwrap();
    for name in ["1", "A-1", id] {
        service.without_credentials(&format!("case status {name}")).ends_with(0, &[]).shows(&["A-1", id, "open"]);
    }
    service.without_credentials("case explain A-1").ends_with(0, &[]).shows(&["the person has not finished"]);
    let list = service.without_credentials("case list --output json").ends_with(0, &[]).json();
    assert_eq!(list[0]["reference"], "A-1");
    service.without_credentials("ledger export").ends_with(0, &[]).shows(&["at,actor,subject,hashes"]);
    service.without_credentials("case status 2").fails_with(2, &["the store has no case with this id"]);
    service.without_credentials("case status --by vendor A-1").fails_with(2, &["no case"]);
    for act in ["pause", "resume", "retry", "cancel"] {
        service.without_credentials(&format!("case {act} A-1")).ends_with(0, &[]);
    }
    service.without_credentials("case collect A-1 --sink x").fails_with(2, &["--customer-id"]);
}

#[test]
fn the_status_has_every_member() {
    let service = Service::new();
    let status = service.status(&service.open_order(&json!({})));
    let members = "artifacts candidates case collected_at created_at deleted_at ended_at failures given_up missing next \
                   next_at outcome paused person_url provider reference reuse state vendor_id \
                   why";
    assert_eq!(keys(&status), members.split(' ').collect::<Vec<_>>());
}

#[test]
fn the_list_has_the_newest_last() {
    let service = Service::new();
    for name in ["A-1", "A-2", "A-3"] {
        service.open_order(&json!({ "Ref": name }));
    }
    let names = |line: &str| -> Vec<String> {
        let list = service.json(line);
        list.as_array().unwrap().iter().map(|case| case["reference"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("case list"), ["A-1", "A-2", "A-3"]);
    assert_eq!(names("case list --limit 2"), ["A-2", "A-3"]);
    assert_eq!(names("case list --state open --limit 1"), ["A-3"]);
    assert_eq!(names("case list --state closed"), Vec::<String>::new());
    service.run("case list --state done").ends_with(2, &["intended"]);
}

#[test]
fn an_ambiguous_id_changes_nothing() {
    let service = Service::new();
    service.open_order(&json!({ "Ref": "2" }));
    service.open_order(&json!({ "Ref": "A-2" }));
    service.run("case pause 2").fails_with(2, &["several cases have this id: 1 and 2", "--by"]);
    assert_eq!(service.json("case pause --by reference 2")["case"], 1);
    assert_eq!(service.json("case pause --by case 2")["case"], 2);
}

#[test]
fn a_paused_case_waits() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    let number = &case["case"];
    assert_eq!(service.json(&format!("case pause {number}"))["paused"], true);
    service.play(&case, "positive");
    std::thread::sleep(Duration::from_secs(2));
    let status = service.status(&case);
    assert_eq!((&status["state"], &status["paused"]), (&"open".into(), &true.into()));
    service.run(&format!("case resume {number}")).ends_with(0, &[]);
    service.becomes(&case, "deleted");
    service.run(&format!("case cancel {number}")).fails_with(2, &["needs a case that is open; nothing was sent"]);
    running.end("TERM");
}

#[test]
fn the_inbox_does_not_remove_a_case_that_is_not_complete() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    service.json(&format!("case pause {}", case["case"]));
    let purge = format!("inbox purge {} --yes", case["vendor_id"].as_str().unwrap());
    service.run(&purge).fails_with(2, &["a service has stored the case", "--force"]);
    service.run(&format!("case resume {}", case["case"])).ends_with(0, &[]);
    service.play(&case, "positive");
    service.becomes(&case, "deleted");
    running.end("TERM");
    service.run(&purge).ends_with(0, &[]);
}

#[test]
fn a_canceled_case_ends() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    service.run(&format!("case cancel {}", case["case"])).ends_with(0, &[]);
    let began = Instant::now();
    while service.status(&case)["outcome"] != "terminated" {
        assert!(began.elapsed() < HANGS, "{:#}", service.status(&case));
        std::thread::sleep(Duration::from_millis(50));
    }
    running.end("TERM");
}

#[test]
fn one_case_is_collected_without_a_running_collector() {
    let service = Service::new();
    let case = service.open_order(&json!({}));
    let number = &case["case"];
    service.run(&format!("case collect {number}")).fails_with(2, &["--sink is missing"]);
    service.play(&case, "positive");
    let line = format!("case collect {number} --sink {}", service.sink().display());
    assert_eq!(service.json(&line)["state"], "deleted");
    service.assert_artifacts(&service.status(&case));
}

#[test]
fn one_case_is_not_deleted_if_its_collector_deletes_nothing() {
    let service = Service::new();
    service.start(&["--no-delete"]).end("TERM");
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    assert_eq!(service.json(&format!("case collect {}", case["case"]))["state"], "collected");
    assert_eq!(service.calls("delIdentdata"), 0);
}

#[test]
fn watching_ends_with_the_case() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    let line = format!("case watch {} --output json", case["case"]);
    let mut command = service.command(&line);
    let watching = std::thread::spawn(move || run(&mut command));
    service.play(&case, "positive");
    let run = watching.join().unwrap();
    run.ends_with(0, &[]);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["state"], "deleted");
    assert_eq!(keys(&lines[0]), ["at", "case", "next", "state", "why"]);
    let until = service.run(&format!("case watch {} --until collected", case["case"]));
    until.ends_with(0, &[]).shows(&["deleted"]);
    running.end("TERM");
}

#[test]
fn forcing_a_deletion_needs_a_confirmation() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    service.sandbox.ask(
        "faults",
        Some(&json!({ "operation": "getIdentDataPDF", "fault": "status", "status": 500, "times": null }).to_string()),
    );
    service.play(&case, "positive");
    let began = Instant::now();
    while service.status(&case)["failures"] == 0 {
        assert!(began.elapsed() < HANGS, "{:#}", service.status(&case));
        std::thread::sleep(Duration::from_millis(50));
    }
    running.end("TERM");
    let line = format!("case delete {}", case["case"]);
    service.run(&line).fails_with(2, &["needs a case that is collected"]);
    service.run(&format!("{line} --force")).fails_with(2, &["--yes"]);
    assert_eq!(service.calls("delIdentdata"), 0);
    assert_eq!(service.json(&format!("{line} --force --yes"))["state"], "deleted");
    assert_eq!(service.ledger()[0]["actor"], "operator");
}

#[test]
fn the_ledger_is_csv_or_json() {
    let service = Service::new();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    service.becomes(&case, "deleted");
    running.end("TERM");
    let csv = service.run("ledger export --format csv");
    let lines: Vec<&str> = csv.ends_with(0, &[]).stdout.split('\n').collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "at,actor,subject,hashes", ""));
    let json = service.run("ledger export --format json").ends_with(0, &[]).json();
    let hashes: Vec<&str> = json[0]["hashes"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap()).collect();
    assert!(lines[1].ends_with(&hashes.join(" ")), "{lines:?}");
    csv.hides(&PERSONS).hides(&[case["vendor_id"].as_str().unwrap()]);
}

#[test]
fn evidence_is_given_up_with_a_reason() {
    let service = Service::new();
    drop(service.open_order(&json!({ "Ref": "A-1" })));
    // The case does not wait for any.
    service.without_credentials("case retry A-1 --without-audio").fails_with(2, &["audio"]);
    service.without_credentials("case retry A-1 --reason x").fails_with(2, &["--without-audio"]);
    let run =
        feed(&mut service.command("case open - --provider tm --audio"), order(&json!({ "Ref": "A-2" })).as_bytes());
    run.ends_with(0, &[]);
    service.without_credentials("case retry A-2 --without-audio --reason none").ends_with(0, &[]);
    let status = service.without_credentials("case status A-2 --output json").ends_with(0, &[]).json();
    assert_eq!(status["given_up"], json!([{ "kind": "audio", "reason": "none" }]));
    service.without_credentials("case retry A-2 --without-signed-data").fails_with(2, &["signed-ident-data"]);
    service.without_credentials("case retry A-2 --without-signed-data --without-audio").fails_with(2, &["cannot be"]);
}
