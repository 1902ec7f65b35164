//! identity.TM stands in for a provider without commands of its own.

use std::path::Path;

use identkit_identity_tm::{Credentials, DEFAULT_BASE_URL, DelIdentData, GetIdentDataPdf, GetStatus, IdentityTm};
use identkit_identity_tm::{PutOrder, RequestSign};
use identkit_mock_server::{Sandbox, TestSandbox, vendors};

use super::arguments::{command, command_name, read};
use super::*;
use crate::exit::Failure;
use crate::output::Format;
use crate::providers::CALLABLE;

calls! {
    static TRIAL: "trial", "Calls the trial vendor", DEFAULT_BASE_URL;
    credentials: [id = "customer-id", code = "customer-code"];
    client: IdentityTm = IdentityTm::builder(Credentials::new(id.expose(), code));
    operations: [PutOrder, GetStatus, GetIdentDataPdf, DelIdentData, RequestSign];
    mock_vendor: || vendors::all().remove(0);
}

/// The arguments of a command line, or the error of clap.
fn parse(line: &[&str]) -> Result<Arguments, clap::Error> {
    let matches = command(&TRIAL).try_get_matches_from([&["trial"], line].concat())?;
    read(&TRIAL, &matches)
}

/// A sandbox and a folder for records and files.
struct Place {
    sandbox: TestSandbox,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        Self { sandbox: Sandbox::serve().await.unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn run(&self, line: &[&str]) -> Result<(), Failure> {
        self.run_at(&format!("{}/api/2.10", self.sandbox.url()), line).await
    }

    async fn run_at(&self, base: &str, line: &[&str]) -> Result<(), Failure> {
        let [id, code] = self.sandbox.sandbox().credentials("identity-tm");
        let (state, code_file) = (self.path("state"), self.path("code"));
        std::fs::write(&code_file, code).unwrap();
        let common = ["--base-url", base, "--customer-id", &id, "--customer-code-file", &code_file, "--state", &state];
        let arguments = parse(&[line, &common].concat()).unwrap();
        run(&arguments, Format::Json).await.map(drop)
    }
}

fn is_pdf(path: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"%PDF-"))
}

#[tokio::test]
async fn each_call_is_a_command() {
    let place = Place::new().await;
    let body = place.path("order.json");
    std::fs::write(&body, identkit_testkit::fixture("identity-tm", "S-035-put-order-request.json")).unwrap();
    let before = place.sandbox.sandbox().cases("identity-tm");
    place.run(&["put-order", "--body", &body]).await.unwrap();
    let orders = place.sandbox.sandbox().cases("identity-tm");
    let id = orders.iter().find(|id| !before.contains(id)).unwrap();
    let records = std::fs::read_dir(place.folder.path().join("state")).unwrap();
    let texts: Vec<_> = records.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(texts.len() == 1 && texts[0].contains(id.as_str()) && texts[0].contains("\"done\""), "{texts:?}");

    place.run(&["get-status", id]).await.unwrap();
    place.sandbox.sandbox().play(id, "positive").unwrap();
    let out = place.path("report.pdf");
    place.run(&["get-ident-data-pdf", id, "--out", &out]).await.unwrap();
    assert!(is_pdf(&out));
    let again = place.run(&["get-ident-data-pdf", id, "--out", &out]).await.unwrap_err();
    assert!(again.code == 2 && again.sentence.contains("add --force"), "{again:?}");

    place.run(&["del-identdata", id, "--yes"]).await.unwrap();
    let gone = place.run(&["get-ident-data-pdf", id, "--out", &out, "--force"]).await.unwrap_err();
    assert_eq!(gone.code, 4, "{gone:?}");
    assert!(is_pdf(&out), "the former file stays");
}

#[tokio::test]
async fn at_96_a_damaged_pdf_is_not_saved() {
    let place = Place::new().await;
    let (address, _) = identkit_testkit::server(|mut stream, _| async move {
        identkit_testkit::hear(&mut stream, "\r\n\r\n").await;
        let response =
            "HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 17\r\n\r\n%PDF-1.7 cut off.";
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, response.as_bytes()).await;
        identkit_testkit::closed(&mut stream).await;
    })
    .await;
    let out = place.path("report.pdf");
    let read = place.run_at(&format!("http://{address}"), &["get-ident-data-pdf", "1", "--out", &out]).await;
    assert!(read.unwrap_err().sentence.contains("damaged") && !Path::new(&out).exists());
}

#[tokio::test]
async fn what_cannot_be_sent_is_2() {
    let place = Place::new().await;
    let missing = place.path("missing.json");
    let invalid = place.path("invalid.json");
    std::fs::write(&invalid, "{").unwrap();
    for (line, text) in [
        (&["put-order", "--body", &missing][..], "missing.json"),
        (&["put-order", "--body", &invalid], "JSON"),
        (&["put-order"], "--body is missing"),
        (&["get-status", ".."], "OrderID"),
        (&["del-identdata", "1"], "--yes"),
        (&["request-sign", "1"], "--yes"),
        (&["get-ident-data-pdf", "1", "--out", "-"], "--out -"),
    ] {
        let failure = place.run(line).await.unwrap_err();
        assert!(failure.code == 2 && failure.sentence.contains(text), "{line:?}: {failure:?}");
    }
    assert!(!Path::new(&place.path("state")).exists(), "nothing was sent");
    let arguments = parse(&["get-status", "1", "--customer-id", "1"]).unwrap();
    let failure = run(&arguments, Format::Json).await.unwrap_err();
    assert!(failure.code == 2 && failure.sentence.contains("IDENTKIT_TRIAL_CUSTOMER_CODE"), "{failure:?}");
}

#[test]
fn the_definition_is_valid_and_has_what_a_call_needs() {
    CALLABLE.iter().copied().chain([&TRIAL]).for_each(|provider| command(provider).debug_assert());
    for (line, is_valid) in [
        (&["get-status", "1"][..], true),
        (&["get-status"], false),
        (&["get-status", "1", "--body", "x"], false),
        (&["get-ident-data-pdf", "1"], false),
        (&["put-order", "--yes"], false),
        (&["unknown"], false),
        (&[], false),
    ] {
        assert_eq!(parse(line).is_ok(), is_valid, "{line:?}");
    }
    let about = command(&TRIAL).get_about().unwrap().to_string();
    assert_eq!(about, TRIAL.about);
    let help = command(&TRIAL).find_subcommand_mut("put-order").unwrap().render_help().to_string();
    assert!(help.contains("PUT /putOrder") && help.contains("it is never repeated"), "{help}");
}

#[test]
fn the_name_of_a_command_is_that_of_its_call() {
    let names: Vec<String> = TRIAL.calls.iter().map(|call| command_name(call.meta)).collect();
    assert_eq!(names, ["put-order", "get-status", "get-ident-data-pdf", "del-identdata", "request-sign"]);
}
