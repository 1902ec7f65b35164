//! The results of an order by hand: read, saved, judged, deleted.

use crate::support::{ORDER, Sandbox, assert_for_its_owner_only, run};

/// The order that the document's examples delete.
const FINISHED: &str = "99920006C38842";

#[test]
fn checked_and_given_data_stand_side_by_side() {
    let sandbox = Sandbox::plain();
    let ran = run(sandbox.identkit().args(["tm", "ident-data", ORDER, "--include-initial-data"]));
    ran.ends_with(0, &[]);
    let surname = ran.stdout.lines().find(|line| line.contains("Surname")).unwrap();
    assert_eq!(surname.matches("Mustermann").count(), 2, "{surname}");
    assert!(ran.stdout.contains("IDCard.CardNo") && ran.stdout.contains("T22000129"), "{}", ran.stdout);
    let ran =
        run(sandbox.identkit().args(["tm", "ident-data", ORDER, "--include-identify-method", "--output", "json"]));
    let json = ran.json();
    assert_eq!((&json["IdentifyMethod"], &json["identkit"]["http_status"]), (&"Video".into(), &200.into()));
}

#[test]
fn the_report_is_saved_whole_and_only_for_its_owner() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    let ran = run(sandbox.identkit().args(["tm", "ident-data-pdf", ORDER, "--output", "json", "-o"]).arg(&path));
    let json = ran.json();
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(json["files"][0]["bytes"], bytes.len());
    assert_for_its_owner_only(&path);
    run(sandbox.identkit().args(["tm", "ident-data-pdf", ORDER, "-o"]).arg(folder.path()))
        .fails_with(2, &["is a folder"]);
    run(sandbox.identkit().args(["tm", "ident-data-pdf", "9992NOPE", "-o"]).arg(folder.path().join("none.pdf")))
        .fails_with(4, &[]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written is left behind");
}

#[test]
fn an_order_without_a_signature_has_no_signed_documents() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signed");
    let note = format!("not signed yet, or had nothing to sign: identkit tm finality {FINISHED} tells");
    run(sandbox.identkit().args(["tm", "esign-pdf", FINISHED, "-o"]).arg(&out)).fails_with(5, &["getESignPDF", &note]);
    run(sandbox.identkit().args(["tm", "esign-hash", FINISHED])).fails_with(5, &["getESignHash", &note]);
    let ran = run(sandbox.identkit().args(["tm", "voice", FINISHED, "-o"]).arg(&out));
    ran.fails_with(5, &["getVoiceFiles", "no audio recording, or the account is not set up for it"]);
    assert!(!out.exists(), "a folder that nothing was written into is gone");
}

#[test]
fn an_order_is_judged_by_all_its_codes() {
    let sandbox = Sandbox::plain();
    let told = run(sandbox.identkit().args(["tm", "finality", ORDER])).stdout;
    assert!(told.contains("identification: positive, final") && told.contains("signature:       identified"), "{told}");
    let json = run(sandbox.identkit().args(["tm", "finality", ORDER, "--output", "json"])).json();
    assert_eq!(json["identkit"]["verdict"]["if_identification"], "positive");
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let sandbox = Sandbox::plain();
    run(sandbox.identkit().args(["tm", "ping"]).env("IDENTKIT_CA_FILE", "")).ends_with(0, &[]);
    run(sandbox.identkit().args(["tm", "finality", ORDER]).env("IDENTKIT_TM_CUSTOMER_CODE", ""))
        .fails_with(2, &["IDENTKIT_TM_CUSTOMER_CODE"]);
}

#[test]
fn a_ping_says_whether_the_service_is_up() {
    let sandbox = Sandbox::plain();
    let told = run(sandbox.identkit().args(["tm", "ping"])).stdout;
    assert!(told.starts_with("up, answered in"), "{told}");
    let mut nobody = sandbox.identkit();
    nobody.args(["tm", "ping", "--timeout", "2", "--base-url", "http://127.0.0.1:1/api/2.10"]);
    run(&mut nobody).fails_with(7, &["serverStatus"]);
}

#[test]
fn deleting_asks_on_a_terminal_only_and_is_proved_by_a_read() {
    let sandbox = Sandbox::plain();
    let data = |code: i32| {
        run(sandbox.identkit().args(["tm", "ident-data", FINISHED, "--output", "json"])).ends_with(code, &[]);
    };
    run(sandbox.identkit().args(["tm", "delete", FINISHED])).fails_with(2, &["--yes"]);
    data(0);
    run(sandbox.identkit().args(["tm", "delete", FINISHED, "--yes"])).ends_with(0, &[]);
    data(4);
    for form in [&["ident-data"][..], &["ident-data", "--signed"], &["ident-data-pdf", "-o", "never.pdf"]] {
        let ran = run(sandbox.identkit().arg("tm").args(form).arg(FINISHED));
        ran.fails_with(4, &["does not know an order of this id", "or its data is deleted"]);
    }
    run(sandbox.identkit().args(["tm", "delete", FINISHED, "--yes"])).fails_with(4, &["deleted already"]);
}
