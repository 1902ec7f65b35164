//! The results of an order by hand: read, saved, judged, deleted.

use crate::support::{Sandbox, Vendor, assert_for_its_owner_only, names, run};

/// The order of the document's examples that has a signature, and the one that they delete.
const SIGNED: &str = "99921269855041";
const FINISHED: &str = "99920006C38842";

#[test]
fn checked_and_given_data_stand_side_by_side() {
    let sandbox = Sandbox::plain();
    let ran = sandbox.run(&format!("tm ident-data {SIGNED} --include-initial-data"));
    ran.ends_with(0, &[]).shows(&["IDCard.CardNo", "T22000129"]);
    let surname = ran.stdout.lines().find(|line| line.contains("Surname")).unwrap();
    assert_eq!(surname.matches("Mustermann").count(), 2, "{surname}");
    let json = sandbox.json(&format!("tm ident-data {SIGNED} --include-identify-method"));
    assert_eq!((&json["IdentifyMethod"], &json["identkit"]["http_status"]), (&"Video".into(), &200.into()));
}

#[test]
fn the_report_is_saved_whole_and_only_for_its_owner() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    let json = sandbox.json(&format!("tm ident-data-pdf {SIGNED} -o {}", path.display()));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(json["files"][0]["bytes"], bytes.len());
    assert_for_its_owner_only(&path);
    sandbox.run(&format!("tm ident-data-pdf 9992NOPE -o {}.none", path.display())).fails_with(4, &[]);
    assert_eq!(names(folder.path()), ["report.pdf"], "nothing half-written is left behind");
}

#[test]
fn an_order_without_a_signature_has_no_signed_documents() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signed");
    let note = format!("not signed yet, or had nothing to sign: identkit tm finality {FINISHED} tells");
    for (line, words) in [
        (format!("esign-pdf {FINISHED} -o {}", out.display()), ["getESignPDF", &note]),
        (format!("esign-hash {FINISHED}"), ["getESignHash", &note]),
        (
            format!("voice {FINISHED} -o {}", out.display()),
            ["getVoiceFiles", "no audio recording, or the account is not set up for it"],
        ),
    ] {
        sandbox.run(&format!("tm {line}")).fails_with(5, &words);
    }
    assert!(!out.exists(), "a folder that nothing was written into is gone");
}

#[test]
fn an_order_is_judged_by_all_its_codes() {
    let sandbox = Sandbox::plain();
    let finality = format!("tm finality {SIGNED}");
    sandbox.run(&finality).shows(&["identification: positive, final", "signature:       identified"]);
    assert_eq!(sandbox.json(&finality)["identkit"]["verdict"]["if_identification"], "positive");
}

#[test]
fn a_ping_says_whether_the_service_is_up_and_an_empty_variable_is_one_that_is_not_set() {
    let sandbox = Sandbox::plain();
    let ran = run(sandbox.command("tm ping").env("IDENTKIT_CA_FILE", ""));
    assert!(ran.ends_with(0, &[]).stdout.starts_with("up, answered in"), "{ran:#?}");
    sandbox.run("tm ping --timeout 2 --base-url http://127.0.0.1:1/api/2.10").fails_with(7, &["serverStatus"]);
}

#[test]
fn deleting_asks_on_a_terminal_only_and_is_proved_by_a_read() {
    let sandbox = Sandbox::plain();
    let data = || sandbox.run(&format!("tm ident-data {FINISHED} --output json"));
    let delete = format!("tm delete {FINISHED}");
    sandbox.run(&delete).fails_with(2, &["--yes"]);
    data().ends_with(0, &[]);
    sandbox.run(&format!("{delete} --yes")).ends_with(0, &[]);
    data().ends_with(4, &[]);
    for form in ["ident-data", "ident-data --signed", "ident-data-pdf -o never.pdf"] {
        let ran = sandbox.run(&format!("tm {form} {FINISHED}"));
        ran.fails_with(4, &["does not know an order with this id", "or its data is deleted"]);
    }
    sandbox.run(&format!("{delete} --yes")).fails_with(4, &["already deleted"]);
}
