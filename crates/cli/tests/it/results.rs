//! The results of an order: read, saved, judged, deleted.

use crate::support::{Sandbox, Vendor, assert_private, names, run};

/// The signed order of the document's examples, and the order that they delete.
const SIGNED: &str = "99921269855041";
const FINISHED: &str = "99920006C38842";

#[test]
fn given_and_checked_data_are_in_one_table() {
    let sandbox = Sandbox::plain();
    let result = sandbox.run(&format!("tm ident-data {SIGNED} --include-initial-data"));
    result.ends_with(0, &[]).shows(&["IDCard.CardNo", "T22000129"]);
    let surname = result.stdout.lines().find(|line| line.contains("Surname")).unwrap();
    assert_eq!(surname.matches("Mustermann").count(), 2, "{surname}");
    let json = sandbox.json(&format!("tm ident-data {SIGNED} --include-identify-method"));
    assert_eq!((&json["IdentifyMethod"], &json["identkit"]["http_status"]), (&"Video".into(), &200.into()));
}

#[test]
fn the_report_is_saved_completely_and_privately() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    let json = sandbox.json(&format!("tm ident-data-pdf {SIGNED} -o {}", path.display()));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(json["files"][0]["bytes"], bytes.len());
    assert_private(&path);
    sandbox.run(&format!("tm ident-data-pdf 9992NOPE -o {}.none", path.display())).fails_with(4, &[]);
    assert_eq!(names(folder.path()), ["report.pdf"], "no partial file is left");
}

#[test]
fn an_order_without_a_signature_has_no_signed_documents() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signed");
    let note = format!("not signed yet, or has nothing to sign: check it with identkit tm finality {FINISHED}");
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
    assert!(!out.exists(), "an empty new directory is removed");
}

#[test]
fn finality_uses_all_codes_of_an_order() {
    let sandbox = Sandbox::plain();
    let finality = format!("tm finality {SIGNED}");
    sandbox.run(&finality).shows(&["identification: positive, final", "signature:       identified"]);
    assert_eq!(sandbox.json(&finality)["identkit"]["verdict"]["if_identification"], "positive");
}

#[test]
fn ping_reports_the_service_and_ignores_empty_variables() {
    let sandbox = Sandbox::plain();
    let result = run(sandbox.command("tm ping").env("IDENTKIT_CA_FILE", ""));
    assert!(result.ends_with(0, &[]).stdout.starts_with("up, responded in"), "{result:#?}");
    sandbox.run("tm ping --timeout 2 --base-url http://127.0.0.1:1/api/2.10").fails_with(7, &["serverStatus"]);
}

#[test]
fn delete_requires_yes_and_is_checked_by_a_read() {
    let sandbox = Sandbox::plain();
    let data = || sandbox.run(&format!("tm ident-data {FINISHED} --output json"));
    let delete = format!("tm delete {FINISHED}");
    sandbox.run(&delete).fails_with(2, &["--yes"]);
    data().ends_with(0, &[]);
    sandbox.run(&format!("{delete} --yes")).ends_with(0, &[]);
    data().ends_with(4, &[]);
    for form in ["ident-data", "ident-data --signed", "ident-data-pdf -o never.pdf"] {
        let result = sandbox.run(&format!("tm {form} {FINISHED}"));
        result.fails_with(4, &["does not know an order with this id", "the data of the order may have been deleted"]);
    }
    sandbox.run(&format!("{delete} --yes")).fails_with(4, &["already deleted"]);
}
