//! `identkit demo` as a process: output, files, and failures.

use std::path::{Path, PathBuf};

use crate::support::{
    Run, Sandbox, Vendor as _, assert_private, clean_command, feed, has, identkit, keys, names, open_store, order, run,
    sample, sha256,
};
use identkit_store::EventId;
use serde_json::{Value, json};

/// The operations that the demo must show, by the vendors' names.
const OPERATIONS: &str = "putOrder OnFinal getStatus getIdentData getIdentDataPDF getESignPDF delIdentdata auth \
                          ident/create status ident/get";

const INPUTS: [&str; 3] = ["input/put-order.json", "input/contract.pdf", "input/create-ident.json"];

/// The evidence, by the vendor's folder and the name.
const EVIDENCE: [(&str, &str); 4] = [
    ("evidence/identity-tm", "ident-data-0.json"),
    ("evidence/identity-tm", "report-0.pdf"),
    ("evidence/identity-tm", "signed-document-0.pdf"),
    ("evidence/identify24", "webhook-1.json"),
];

fn demo(out: &Path, arguments: &[&str]) -> Run {
    run(identkit().arg("demo").arg("--out").arg(out).args(arguments))
}

fn operations(document: &Value) -> Vec<String> {
    let steps = document["steps"].as_array().unwrap();
    steps.iter().map(|step| step["operation"].as_str().unwrap().to_owned()).collect()
}

/// The files that a demo lists.
fn files(document: &Value) -> Vec<PathBuf> {
    let files = document["files"].as_array().unwrap();
    files.iter().map(|file| file["path"].as_str().unwrap().into()).collect()
}

/// The listed evidence with this name.
fn evidence(document: &Value, name: &str) -> Vec<u8> {
    let path = files(document).into_iter().find(|path| path.ends_with(name)).expect(name);
    std::fs::read(path).unwrap()
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

    let listed = files(&document);
    assert_eq!(listed[..3], INPUTS.map(|file| out.join(file)));
    assert_eq!(listed.len(), INPUTS.len() + EVIDENCE.len(), "{listed:?}");
    for (path, (folder, name)) in listed[3..].iter().zip(EVIDENCE) {
        assert!(path.starts_with(out.join(folder)) && path.ends_with(name), "{}", path.display());
        let folders = path.ancestors().skip(1).take_while(|folder| **folder != out);
        folders.for_each(|folder| assert_private(folder));
        assert_private(path);
    }
    for file in document["files"].as_array().unwrap() {
        assert_eq!(keys(file), ["bytes", "path", "sha256"]);
        let path = Path::new(file["path"].as_str().unwrap());
        assert_eq!(file["bytes"].as_u64().unwrap(), std::fs::metadata(path).unwrap().len(), "{}", path.display());
        assert_eq!(file["sha256"].as_str().unwrap(), sha256(&std::fs::read(path).unwrap()), "{}", path.display());
    }
    for (folder, inside) in [
        ("", &[".identkit-demo", "evidence", "input", "store.db", "store.db-keys", "store.db.key"][..]),
        ("evidence", &["identify24", "identity-tm"]),
        ("input", &["contract.pdf", "create-ident.json", "put-order.json"]),
    ] {
        assert_eq!(names(&out.join(folder)), inside, "no partial file is left");
        inside.iter().for_each(|name| assert_private(&out.join(folder).join(name)));
    }
}

#[test]
fn inputs_are_the_documents_and_the_signature_appends_only() {
    let out = tempfile::tempdir().unwrap();
    let result = demo(out.path(), &["--output", "json"]);
    let document = result.ends_with(0, &["person's URL https://www.identity.tm/status/"]).json();
    let written = |name: &str| std::fs::read(out.path().join(name)).unwrap();
    let json = |name: &str| -> Value { serde_json::from_slice(&evidence(&document, name)).unwrap() };
    for (name, fixture) in [
        ("input/put-order.json", "identity-tm/fixtures/S-035-put-order-request.json"),
        ("input/create-ident.json", "identify24/fixtures/S-011-ident-create-request.json"),
    ] {
        assert_eq!(String::from_utf8(written(name)).unwrap(), sample(fixture));
    }
    assert_eq!(json("ident-data-0.json")["IdentData"]["Surname"], "Mustermann");
    assert_eq!(json("webhook-1.json")["status"], "Identified");
    let (original, signed) = (written("input/contract.pdf"), evidence(&document, "signed-document-0.pdf"));
    assert!(original.starts_with(b"%PDF-") && signed.len() > original.len());
    assert!(signed.starts_with(&original));
}

#[test]
fn the_report_compares_supplied_with_checked() {
    if !has("pdftotext") {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let document = demo(out.path(), &["--output", "json"]).ends_with(0, &[]).json();
    let report = files(&document).into_iter().find(|path| path.ends_with("report-0.pdf")).unwrap();
    let result = run(clean_command("pdftotext").arg("-layout").arg(report).arg("-"));
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
    for file in INPUTS {
        result.shows(&[file, &sha256(&std::fs::read(out.path().join(file)).unwrap())]);
    }
    for (folder, name) in EVIDENCE {
        result.shows(&[folder, name]);
    }
    result.shows(&[out.path().to_str().unwrap(), "Every check passed"]);
    assert!(result.stdout.ends_with(".\n"), "{}", result.stdout);
    for (name, text) in [("output", &result.stdout), ("progress", &result.stderr)] {
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{name} has control sequences: {text:?}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "trailing spaces: {text:?}");
    }
    let is_known = |line: &str| line.starts_with("ok   ") || line.starts_with("note: a URL may exceed 150 characters");
    assert!(result.stderr.lines().all(is_known), "{}", result.stderr);
}

#[tokio::test]
async fn each_run_adds_two_cases_and_replaces_no_evidence() {
    let out = tempfile::tempdir().unwrap();
    let mut first = None;
    for run in 1..=2 {
        let document = demo(out.path(), &["--output", "json"]).ends_with(0, &[]).json();
        let store = open_store(&out.path().join("store.db")).await;
        let events = store.events(EventId::default(), 100).await.unwrap();
        let events: Vec<_> = events.iter().map(|stored| &stored.delivery.event).collect();
        assert_eq!(events.len(), 2 * run, "{events:?}");
        let latest = events[events.len() - 2..].iter().map(|event| (event.provider.as_str(), event.name.as_str()));
        assert_eq!(latest.collect::<Vec<_>>(), [("identity-tm", "OnFinal"), ("identify24", "status")]);

        let location = format!("sqlite:{}", out.path().join("store.db").display());
        let cases = crate::support::run(identkit().args(["case", "list", "--output", "json", "--store", &location]));
        let cases = cases.ends_with(0, &[]).json();
        let states: Vec<_> = cases.as_array().unwrap().iter().map(|case| &case["state"]).collect();
        assert_eq!(states.len(), 2 * run, "{cases}");
        assert!(states.iter().all(|state| *state == "deleted" || *state == "closed"), "{cases}");
        for file in first.get_or_insert(document)["files"].as_array().unwrap() {
            let bytes = std::fs::read(file["path"].as_str().unwrap()).unwrap();
            assert_eq!(file["sha256"], sha256(&bytes), "no file of the first run is replaced");
        }
    }
}

#[test]
fn a_case_that_is_not_of_the_demo_is_not_worked_on() {
    let out = tempfile::tempdir().unwrap();
    demo(out.path(), &[]).ends_with(0, &[]);
    let (sandbox, store) = (Sandbox::plain(), format!("sqlite:{}", out.path().join("store.db").display()));
    let command = |line: &str| {
        let mut command = sandbox.command(line);
        command.env("IDENTKIT_STORE", &store);
        command
    };
    let opened = feed(&mut command("case open - --provider tm --output json"), order(&json!({})).as_bytes());
    let case = &opened.ends_with(0, &[]).json()["case"];
    // The case is due from now on. The sandbox of the demo does not know it.
    run(&mut command(&format!("case retry {case}"))).ends_with(0, &[]);
    let status = || run(&mut command(&format!("case status {case} --output json"))).ends_with(0, &[]).json();
    let before = status();
    assert_eq!(before["state"], "open");
    let operations = operations(&demo(out.path(), &["--output", "json"]).ends_with(0, &[]).json());
    assert_eq!(operations.iter().filter(|operation| *operation == "getStatus").count(), 2, "{operations:?}");
    assert_eq!(status(), before);
}

#[test]
fn a_stopped_receiver_is_explained_and_the_sweep_helps() {
    let out = tempfile::tempdir().unwrap();
    let result = demo(out.path(), &["--break", "receiver", "--output", "json"]);
    result.ends_with(
        1,
        &[
            "What happened: ",
            "What was not done: ",
            "What to do ",
            "OnFinal",
            "identkit run",
            "identkit case collect 1",
        ],
    );
    let document = result.json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["account"].as_array().unwrap().len(), 3);
    let steps = document["steps"].as_array().unwrap();
    let failed: Vec<&Value> = steps.iter().filter(|step| step["ok"] == false).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["operation"], &failed[0]["http_status"]), (&"OnFinal".into(), &Value::Null));
    assert!(failed[0]["note"].as_str().unwrap().contains("next attempt: 2"), "{}", failed[0]);

    let operations = operations(&document);
    let place = |operation: &str| operations.iter().position(|known| known == operation).expect(operation);
    let order = ["putOrder", "OnFinal", "getAllStatus", "sweep", "getStatus", "getESignPDF", "delIdentdata"].map(place);
    assert!(order.is_sorted(), "the case waits for the sweep: {operations:?}");
    assert!(!operations.iter().any(|operation| operation == "ident/create"), "{operations:?}");
    let sweep = &steps[place("sweep")];
    assert_eq!(sweep["note"], "changed cases of this store: 1", "the sweep found the case");
    assert!(evidence(&document, "report-0.pdf").starts_with(b"%PDF-"), "nothing is lost");

    let table = demo(out.path(), &["--break", "receiver"]);
    table.ends_with(1, &["What happened: ", "identkit case collect 2"]);
    assert!(table.stdout.contains("FAIL") && table.stdout.contains("did not run"), "{table:#?}");
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
    for name in INPUTS {
        let input = out.path().join(name);
        let before = std::fs::read(&input).unwrap();
        std::fs::write(&input, "{}").unwrap();
        demo(out.path(), &[]).ends_with(2, &[&format!("{name} differs from the demo's input"), "--out"]);
        assert_eq!(std::fs::read_to_string(&input).unwrap(), "{}");
        std::fs::write(&input, before).unwrap();
    }
}

#[test]
fn a_foreign_file_in_the_directory_is_not_replaced() {
    for name in INPUTS {
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
