//! `identkit demo` as a process: output, files, and failures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{Run, assert_private, clean_command, has, identkit, keys, names, open_store, run, sample, sha256};
use identkit_store::EventId;
use serde_json::Value;

/// The operations that the demo must show, by the vendors' names.
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

fn demo(out: &Path, arguments: &[&str]) -> Run {
    run(identkit().arg("demo").arg("--out").arg(out).args(arguments))
}

fn operations(document: &Value) -> Vec<String> {
    let steps = document["steps"].as_array().unwrap();
    steps.iter().map(|step| step["operation"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_check_passes_and_every_listed_file_is_right() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("new/folder");
    let result = demo(&out, &["--output", "json"]);
    let document = result.ends_with(0, &[]).json();
    assert_eq!(keys(&document), ["account", "files", "ok", "steps", "store"]);
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
    assert_eq!(statuses("getIdentData"), [200, 404], "first read, then deleted");

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
        (
            "",
            &[".identkit-demo", "identify24", "identity-tm", "input", "store.db", "store.db-keys", "store.db.key"][..],
        ),
        ("identify24", &["ident.json"]),
        ("identity-tm", &["contract.signed.pdf", "ident-data.json", "report.pdf"]),
        ("input", &["contract.pdf", "create-ident.json", "put-order.json"]),
    ] {
        assert_eq!(names(&out.join(folder)), inside, "no partial file is left");
        inside.iter().for_each(|name| assert_private(&out.join(folder).join(name)));
    }
}

#[test]
fn inputs_are_the_documents_and_the_signature_appends_only() {
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
    let result = run(clean_command("pdftotext").arg("-layout").arg(out.path().join("identity-tm/report.pdf")).arg("-"));
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{result:#?}");
    for (label, value) in [
        ("Nachname", "Mustermann"),
        ("Vorname", "Erika"),
        ("Strasse", "Heidestr. 17"),
        ("PLZ", "43000"),
        ("Ort", "Köln"),
        ("Geburtsdatum", "12.08.1964"),
        ("Geburtsort", "Berlin"),
    ] {
        let row = result.stdout.lines().find(|line| line.trim_start().starts_with(label));
        let row = row.unwrap_or_else(|| panic!("no row {label} in:\n{}", result.stdout));
        assert_eq!(row.matches(value).count(), 2, "given and checked value in one row: {row}");
    }
}

#[test]
fn without_a_terminal_progress_is_plain_lines() {
    let out = tempfile::tempdir().unwrap();
    let result = demo(out.path(), &[]);
    result.ends_with(0, &[]);
    for operation in OPERATIONS.split(' ') {
        let row = result.stdout.lines().find(|line| line.contains(&format!("\t{operation}\t")));
        assert!(row.is_some_and(|row| row.starts_with("ok\t")), "{operation}:\n{}", result.stdout);
        assert!(result.stderr.contains(&format!("[{operation}]")), "{operation}:\n{}", result.stderr);
    }
    for file in FILES {
        result.shows(&[file, &sha256(&std::fs::read(out.path().join(file)).unwrap())]);
    }
    result.shows(&[out.path().to_str().unwrap(), "Every check passed"]);
    assert!(result.stdout.ends_with(".\n"), "{}", result.stdout);
    for (name, text) in [("output", &result.stdout), ("progress", &result.stderr)] {
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{name} has control sequences: {text:?}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "trailing spaces: {text:?}");
    }
    assert!(result.stderr.lines().all(|line| line.starts_with("ok   ")), "{}", result.stderr);
}

#[tokio::test]
async fn each_run_adds_three_events_to_the_store() {
    let out = tempfile::tempdir().unwrap();
    for run in 1..=2 {
        demo(out.path(), &["--output", "json"]).ends_with(0, &[]);
        let store = open_store(&out.path().join("store.db")).await;
        let events = store.events(EventId::default(), 100).await.unwrap();
        let events: Vec<_> = events.iter().map(|stored| &stored.delivery.event).collect();
        assert_eq!(events.len(), 3 * run, "{events:?}");
        let latest = &events[events.len() - 3..];
        let names: Vec<_> = latest.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names[..2], ["AfterIdent", "OnFinal"]);
        let providers: Vec<_> = latest.iter().map(|event| event.provider.as_str()).collect();
        assert_eq!(providers, ["identity-tm", "identity-tm", "identify24"]);
    }
}

#[test]
fn a_stopped_receiver_is_explained_and_nothing_is_deleted() {
    let out = tempfile::tempdir().unwrap();
    let result = demo(out.path(), &["--break", "receiver", "--output", "json"]);
    result
        .ends_with(1, &["What happened: ", "What was not done: ", "What to do ", "OnFinal", "identkit tm status 9992"]);
    assert!(result.took < Duration::from_secs(10), "it took {:?}", result.took);
    let document = result.json();
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
    assert!(table.stdout.contains("FAIL") && table.stdout.contains("did not run"), "{table:#?}");
    assert!(!table.stdout.contains("delIdentdata"), "{table:#?}");
}

#[test]
fn an_unusable_directory_is_2() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    demo(&file, &[]).fails_with(2, &["--out", &file.display().to_string(), "is a file", "must be a directory"]);
    demo(&file.join("below"), &[]).fails_with(2, &["--out", "cannot be used"]);
}

#[test]
fn a_foreign_store_is_not_overwritten() {
    let out = tempfile::tempdir().unwrap();
    let store = out.path().join("store.db");
    // Also an empty one: a service can have begun it.
    for content in ["my diary\n", ""] {
        std::fs::write(&store, content).unwrap();
        demo(out.path(), &[]).ends_with(2, &["store.db exists and no demo wrote it", "--out"]);
        assert_eq!(std::fs::read_to_string(&store).unwrap(), content);
    }
}

#[test]
fn an_input_that_the_user_changed_is_not_replaced() {
    let out = tempfile::tempdir().unwrap();
    demo(out.path(), &[]).ends_with(0, &[]);
    demo(out.path(), &[]).ends_with(0, &[]);
    let input = out.path().join("input/create-ident.json");
    std::fs::write(&input, "{}").unwrap();
    demo(out.path(), &[]).ends_with(2, &["input/create-ident.json differs from the demo's input", "--out"]);
    assert_eq!(std::fs::read_to_string(&input).unwrap(), "{}");
}

#[test]
fn a_foreign_file_in_the_directory_is_not_replaced() {
    for name in ["input/contract.pdf", "identity-tm/report.pdf", "identify24/ident.json"] {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "my diary").unwrap();
        // A demo that failed leaves nothing after which the next one would replace the file.
        for _ in 0..2 {
            demo(out.path(), &[]).ends_with(2, &[name, "no demo wrote it", "--out"]);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "my diary");
        }
    }
}
