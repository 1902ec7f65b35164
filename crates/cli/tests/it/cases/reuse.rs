//! Signed data of an earlier case for the next case of the same person.

use identkit_synthetic::sample_contract;
use identkit_wire::encode_base64;

use super::*;
use crate::support::{file, merge};

/// The name of the person: it must be in no output and in no file.
const PERSON: &str = "kunde-4711";

/// An order with a document to sign.
fn contract(more: &Value) -> Value {
    let pdf = json!({ "Data": encode_base64(&sample_contract()), "Filename": "contract.pdf" });
    let mut order: Value = serde_json::from_str(&order(&json!({ "Ref": null, "WebhookURL": null, "Add": 0 }))).unwrap();
    order["eSignPDF"] = pdf;
    merge(&mut order, more);
    order
}

impl Service {
    /// Opens a case of the person with these options.
    fn open_for(&self, person: &str, options: &str, order: &Value) -> Run {
        let name = file(&self.folder, "person", person);
        let line = format!("case open - --provider tm --person-file {name} --output json{options}");
        let run = feed(&mut self.command(&line), order.to_string().as_bytes());
        run.hides(&[PERSON]).logs_none_of(&PERSONS);
        run
    }

    /// Plays a case to its end.
    #[track_caller]
    fn ended(&self, run: &Run, story: &str) -> Value {
        let case = run.ends_with(0, &[]).json();
        self.play(&case, story);
        self.becomes(&case, "deleted")
    }

    /// What the sandbox has decided about the signed data of an order.
    fn verdict(&self, run: &Run) -> Value {
        let id = run.json()["vendor_id"].as_str().unwrap().to_owned();
        self.sandbox.ask(&format!("orders/{id}"), None)["reuse"].clone()
    }

    /// The file of the signed data of a case.
    fn signed_data(&self, status: &Value) -> PathBuf {
        let artifacts = status["artifacts"].as_array().unwrap();
        let found = artifacts.iter().find(|artifact| artifact["kind"] == "signed-ident-data");
        self.sink().join(found.unwrap_or_else(|| panic!("{status:#}"))["location"].as_str().unwrap())
    }
}

#[test]
fn at_71_a_second_case_reuses_the_signed_data_of_the_first() {
    let service = Service::new();
    let running = service.start(&[]);
    // Without data of the person the vendor identifies the person, or nothing is sent.
    service
        .open_for(PERSON, " --reuse=only", &contract(&json!({})))
        .fails_with(2, &["no case of the person", "nothing was sent"]);
    assert_eq!(service.calls("putOrder"), 0);
    let first = service.open_for(PERSON, " --reuse", &contract(&json!({})));
    first.ends_with(0, &["note: no signed data are sent, because no case of the person"]);
    assert_eq!((&first.json()["signed_data_of"], service.verdict(&first)), (&Value::Null, Value::Null));
    let first = service.ended(&first, "signed");
    assert_eq!(first["reuse"], Value::Null);

    let second = service.open_for(PERSON, " --reuse=only --reuse-max-age 1d", &contract(&json!({})));
    assert_eq!((&second.json()["signed_data_of"], service.verdict(&second)), (&first["case"], "accepted".into()));
    second.logs_none_of(&["no signed data"]);
    let second = service.ended(&second, "reuse");
    assert_eq!((&second["reuse"], &second["outcome"]), (&"reused".into(), &"signed".into()));
    service.run(&format!("case status {}", second["case"])).ends_with(0, &[]).shows(&["used by the vendor"]);

    // Another person has none.
    let other = service.open_for("kunde-4712", " --reuse=only", &contract(&json!({})));
    other.fails_with(2, &["no case of the person"]);
    // The newest data are those of the second case; someone has changed them.
    std::fs::write(service.signed_data(&second), "other").unwrap();
    let damaged = service.open_for(PERSON, " --reuse", &contract(&json!({})));
    damaged.ends_with(0, &["note: no signed data are sent, because the artifact in the sink is missing, or is not"]);
    assert_eq!(service.verdict(&damaged), Value::Null);
    let old = service.open_for(PERSON, " --reuse=only --reuse-max-age 0s", &contract(&json!({})));
    old.fails_with(2, &["they were collected too long ago"]);
    running.end("TERM").logs_none_of(&[PERSON]);
}

#[test]
fn at_72_an_expired_document_is_identified_again() {
    let service = Service::new();
    let running = service.start(&[]);
    let expired = json!({ "IdentData": { "IDCard": { "ValidUntil": "2020-12-31" } } });
    let first = service.ended(&service.open_for(PERSON, "", &contract(&expired)), "signed");
    let second = service.open_for(PERSON, " --reuse", &contract(&json!({})));
    second.ends_with(0, &["because the person's document has expired"]);
    assert_eq!(service.verdict(&second), Value::Null);
    // A person can send them nevertheless. The vendor does not use them, and the case says so.
    let saved = service.signed_data(&first);
    let line = format!("case open - --provider tm --output json --ident-data-signed {}", saved.display());
    let third = feed(&mut service.command(&line), contract(&json!({})).to_string().as_bytes());
    let third = service.ended(&third, "signed");
    assert_eq!(third["reuse"], "identified-again");
    running.end("TERM");
}

#[test]
fn the_person_is_read_from_a_file_or_standard_input() {
    let service = Service::new();
    let input = file(&service.folder, "order.json", &contract(&json!({ "Ref": "A-1" })).to_string());
    let open = |line: &str, person: &str| {
        let run = feed(&mut service.command(&format!("case open {line}")), person.as_bytes());
        run.hides(&[PERSON]);
        run
    };
    open("- --provider tm --person-file -", PERSON).fails_with(2, &["standard input"]);
    open(&format!("{input} --provider tm --person-file -"), " \n").fails_with(2, &["--person-file is empty"]);
    open(&format!("{input} --provider tm --reuse"), "").fails_with(2, &["--person-file"]);
    open(&format!("{input} --provider identify24 --person-file -"), PERSON).fails_with(2, &["does not reuse"]);
    // No collector was started, so that there is no sink.
    open(&format!("{input} --provider tm --person-file - --reuse"), PERSON).ends_with(2, &["--sink is missing"]);
    let neutral = file(&service.folder, "neutral.json", r#"{"purpose":"signature"}"#);
    open(&format!("{neutral} --provider tm --person-file - --reuse"), PERSON).fails_with(2, &["vendor's own format"]);
    assert_eq!(service.calls("putOrder"), 0);
    open(&format!("{input} --provider tm --person-file -"), &format!("{PERSON}\n")).ends_with(0, &[]);
    for entry in std::fs::read_dir(service.folder.path()).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!content.windows(PERSON.len()).any(|part| part == PERSON.as_bytes()), "the store has a hash only");
    }
}
