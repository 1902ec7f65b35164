//! `identkit demo` as a process: what it prints, what it leaves on the disk, and what it tells when something breaks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{Ran, assert_for_its_owner_only, has, identkit, keys, names, run, sample, sha256};
use serde_json::Value;

/// What the issue of this demo names, in the vendors' words.
const OPERATIONS: &str = "serverStatus putOrder AfterIdent OnFinal getStatus getIdentData getIdentDataPDF getESignPDF \
                          delIdentdata auth ident/create ident/get";

const FILES: [&str; 7] = [
    "input/put-order.json",
    "input/contract.pdf",
    "identity-tm/ident-data.json",
    "identity-tm/report.pdf",
    "identity-tm/contract.signed.pdf",
    "input/create-ident.json",
    "identify24/ident.json",
];

fn demo(out: &Path, arguments: &[&str]) -> Ran {
    run(identkit().arg("demo").arg("--out").arg(out).args(arguments))
}

fn operations(document: &Value) -> Vec<String> {
    let steps = document["steps"].as_array().unwrap();
    steps.iter().map(|step| step["operation"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_check_holds_and_every_file_is_as_listed() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("new/folder");
    let ran = demo(&out, &["--output", "json"]);
    let document = ran.ends_with(0, &[]).json();
    assert_eq!(keys(&document), ["account", "files", "inbox", "ok", "steps"]);
    assert_eq!(document["ok"], true);
    assert_eq!(document["account"], Value::Array(Vec::new()));

    let steps = document["steps"].as_array().unwrap();
    for step in steps {
        assert_eq!(keys(step), ["http_status", "milliseconds", "note", "ok", "operation", "step"]);
        assert_eq!(step["ok"], true, "{step}");
        assert!(step["milliseconds"].as_f64().unwrap() >= 0.0, "{step}");
    }
    let operations = operations(&document);
    for operation in OPERATIONS.split(' ') {
        assert!(operations.iter().any(|known| known == operation), "{operation} is missing in {operations:?}");
    }
    let statuses = |operation: &str| -> Vec<u64> {
        let steps = steps.iter().filter(|step| step["operation"] == operation);
        steps.filter_map(|step| step["http_status"].as_u64()).collect()
    };
    assert_eq!(["putOrder", "delIdentdata", "ident/create"].map(&statuses), [[202], [202], [200]]);
    assert_eq!(statuses("getIdentData"), [200, 404], "first read, then proved to be gone");

    let files = document["files"].as_array().unwrap();
    let listed: Vec<PathBuf> = files.iter().map(|file| file["path"].as_str().unwrap().into()).collect();
    assert_eq!(listed, FILES.map(|file| out.join(file)));
    for file in files {
        assert_eq!(keys(file), ["bytes", "path", "sha256"]);
        let path = Path::new(file["path"].as_str().unwrap());
        assert_eq!(file["bytes"].as_u64().unwrap(), std::fs::metadata(path).unwrap().len(), "{}", path.display());
        assert_eq!(file["sha256"].as_str().unwrap(), sha256(&std::fs::read(path).unwrap()), "{}", path.display());
    }
    for (folder, inside) in [
        ("", &["identify24", "identity-tm", "inbox.jsonl", "input"][..]),
        ("identify24", &["ident.json"]),
        ("identity-tm", &["contract.signed.pdf", "ident-data.json", "report.pdf"]),
        ("input", &["contract.pdf", "create-ident.json", "put-order.json"]),
    ] {
        assert_eq!(names(&out.join(folder)), inside, "nothing half-written is left");
        inside.iter().for_each(|name| assert_for_its_owner_only(&out.join(folder).join(name)));
    }
}

#[test]
fn the_inputs_are_the_documents_own_and_the_signed_contract_is_the_original_with_an_update_appended() {
    let out = tempfile::tempdir().unwrap();
    demo(out.path(), &[]).ends_with(0, &["TargetURL https://www.identity.tm/status/"]);
    let written = |name: &str| std::fs::read(out.path().join(name)).unwrap();
    let json = |name: &str| -> Value { serde_json::from_slice(&written(name)).unwrap() };
    for (name, fixture) in [
        ("input/put-order.json", "identity-tm/fixtures/S-035-put-order-request.json"),
        ("input/create-ident.json", "identify24/fixtures/S-011-ident-create-request.json"),
    ] {
        assert_eq!(String::from_utf8(written(name)).unwrap(), sample(fixture));
    }
    assert_eq!(json("identity-tm/ident-data.json")["IdentData"]["Surname"], "Mustermann");
    assert_eq!(json("identify24/ident.json")["status"], "Identified");
    let (original, signed) = (written("input/contract.pdf"), written("identity-tm/contract.signed.pdf"));
    assert!(original.starts_with(b"%PDF-") && signed.len() > original.len());
    assert!(signed.starts_with(&original));
}

#[test]
fn the_report_compares_supplied_with_checked() {
    if !has("pdftotext") {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    demo(out.path(), &[]).ends_with(0, &[]);
    let ran = run(Command::new("pdftotext").arg("-layout").arg(out.path().join("identity-tm/report.pdf")).arg("-"));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    for (label, value) in [
        ("Nachname", "Mustermann"),
        ("Vorname", "Erika"),
        ("Strasse", "Heidestr. 17"),
        ("PLZ", "43000"),
        ("Ort", "Köln"),
        ("Geburtsdatum", "12.08.1964"),
        ("Geburtsort", "Berlin"),
    ] {
        let row = ran.stdout.lines().find(|line| line.trim_start().starts_with(label));
        let row = row.unwrap_or_else(|| panic!("no row {label} in:\n{}", ran.stdout));
        assert_eq!(row.matches(value).count(), 2, "supplied and checked side by side: {row}");
    }
}

#[test]
fn the_table_is_for_people_and_the_progress_is_plain_lines_without_a_terminal() {
    let out = tempfile::tempdir().unwrap();
    let ran = demo(out.path(), &[]);
    ran.ends_with(0, &[]);
    for operation in OPERATIONS.split(' ') {
        let row = ran.stdout.lines().find(|line| line.contains(&format!(" {operation} ")));
        assert!(row.is_some_and(|row| row.trim_start().starts_with("ok ")), "no row for {operation}:\n{}", ran.stdout);
        assert!(ran.stderr.contains(&format!("[{operation}]")), "{operation} is not told live:\n{}", ran.stderr);
    }
    for file in FILES {
        ran.shows(&[file, &sha256(&std::fs::read(out.path().join(file)).unwrap())]);
    }
    ran.shows(&[out.path().to_str().unwrap(), "Every check held"]);
    assert!(ran.stdout.ends_with(".\n"), "{}", ran.stdout);
    for (name, text) in [("output", &ran.stdout), ("progress", &ran.stderr)] {
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{name} steers a terminal that is none: {text:?}");
        assert!(text.lines().all(|line| line.trim_end() == line), "blanks at the ends of lines: {text:?}");
    }
    assert!(ran.stderr.lines().all(|line| line.starts_with("ok   ")), "{}", ran.stderr);
}

#[test]
fn the_inbox_has_three_events_and_a_second_run_adds_its_own() {
    let out = tempfile::tempdir().unwrap();
    for run in 1..=2 {
        demo(out.path(), &["--output", "json"]).ends_with(0, &[]);
        let inbox = std::fs::read_to_string(out.path().join("inbox.jsonl")).unwrap();
        let events: Vec<Value> = inbox.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&str> = events.iter().map(|event| event["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 3 * run, "{names:?}");
        let latest = &names[names.len() - 3..];
        assert_eq!(latest[..2], ["AfterIdent", "OnFinal"]);
        let providers: Vec<&str> = events.iter().map(|event| event["provider"].as_str().unwrap()).collect();
        assert_eq!(providers[providers.len() - 3..], ["identity-tm", "identity-tm", "identify24"]);
    }
}

#[test]
fn a_receiver_that_dies_ends_in_a_clear_account_and_nothing_is_deleted() {
    let out = tempfile::tempdir().unwrap();
    let ran = demo(out.path(), &["--break", "receiver", "--output", "json"]);
    ran.ends_with(1, &["What happened: ", "What was not done: ", "What to do ", "OnFinal", "identkit tm status 9992"]);
    assert!(ran.took < Duration::from_secs(10), "it took {:?}", ran.took);
    let document = ran.json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["account"].as_array().unwrap().len(), 3);
    let operations = operations(&document);
    for never in ["getIdentData", "getIdentDataPDF", "getESignPDF", "delIdentdata", "ident/create"] {
        assert!(!operations.iter().any(|operation| operation == never), "{never} was done: {operations:?}");
    }
    let failed: Vec<&Value> = document["steps"].as_array().unwrap().iter().filter(|step| step["ok"] == false).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["operation"], "OnFinal");
    assert!(!out.path().join("identity-tm/report.pdf").exists());

    let table = demo(out.path(), &["--break", "receiver"]);
    table.ends_with(1, &["What happened: "]);
    assert!(table.stdout.contains("FAIL") && table.stdout.contains("was not tried"), "{table:#?}");
    assert!(!table.stdout.contains("delIdentdata"), "{table:#?}");
}

#[test]
fn a_folder_that_cannot_be_used_is_2() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    demo(&file, &[]).fails_with(2, &["--out", &file.display().to_string(), "is a file", "name a folder"]);
    demo(&file.join("below"), &[]).fails_with(2, &["--out", "cannot be used"]);
}

#[test]
fn an_inbox_that_is_none_is_not_overwritten() {
    let out = tempfile::tempdir().unwrap();
    let inbox = out.path().join("inbox.jsonl");
    std::fs::write(&inbox, "my diary\n").unwrap();
    let ran = demo(out.path(), &[]);
    ran.ends_with(1, &["error: the inbox ", "inbox.jsonl", "cannot be used", "not an event"]);
    assert_eq!(std::fs::read_to_string(&inbox).unwrap(), "my diary\n");
}
