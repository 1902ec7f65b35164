//! The configuration of `identkit run`.

use super::*;
use crate::support::{file, identkit};

#[test]
fn ai_12_an_ident_needs_the_word_for_a_positive_end() {
    let service = Service::new();
    let sink = service.sink().display().to_string();
    let run = service.run(&format!("run --sink {sink}"));
    run.fails_with(2, &["--outcome Identified=positive", "--provider tm"]);
    let run = service.run(&format!("run --sink {sink} --provider identify24 --outcome Rejected=negative"));
    run.fails_with(2, &["--outcome Identified=positive"]);
}

#[test]
fn unusable_options_are_named() {
    let service = Service::new();
    let sink = service.sink().display().to_string();
    service.run("run --provider tm --sink s3://b/prefix").ends_with(2, &["--sink", "s3://BUCKET/PREFIX"]);
    service.run("run --provider tm").ends_with(2, &["--sink"]);
    service.run(&format!("run --sink {sink} --provider acme")).ends_with(2, &["possible values: tm, identify24"]);
    service.run(&format!("run --sink {sink} --lease 1s")).ends_with(2, &["3s to 10m"]);
    service.run(&format!("run --sink {sink} --no-delete --delete-after 1d")).ends_with(2, &["--delete-after"]);
    service.run(&format!("run --sink {sink} --provider tm --video")).fails_with(2, &["--listen"]);
    service.without_credentials(&format!("run --sink {sink}")).fails_with(2, &["IDENTKIT_TM_CUSTOMER_ID"]);
    let sink = file(&service.folder, "file", "");
    for place in [sink.clone(), format!("{sink}/below")] {
        let run = service.run(&format!("run --provider tm --sink {place}"));
        run.ends_with(1, &["--sink", "cannot be used", "a file is in the place of the folder"]);
    }
}

#[test]
fn a_file_says_the_same_as_the_options() {
    let service = Service::new();
    let text = format!("sink = {:?}\nprovider = [\"tm\"]\nlease = \"20s\"\nno-delete = true\n", service.sink());
    let config = file(&service.folder, "run.toml", &text);
    let checked = service.json(&format!("run --check --config {config}"));
    assert_eq!((&checked["lease_seconds"], &checked["delete_after_seconds"]), (&20.into(), &Value::Null));
    assert_eq!((&checked["providers"], &checked["store_exists"]), (&json!(["identity-tm"]), &false.into()));
    assert!(!service.folder.path().join("state.db").exists(), "a check creates no store");
    let checked = service.json(&format!("run --check --config {config} --lease 10s --delete-after 1h"));
    assert_eq!((&checked["lease_seconds"], &checked["delete_after_seconds"]), (&10.into(), &3600.into()));

    let mut command = service.command(&format!("run --config {config}"));
    let running = Running::start(&mut command);
    running.end("TERM");
    let unknown = file(&service.folder, "other.toml", "sinc = \"x\"");
    service.run(&format!("run --config {unknown}")).fails_with(2, &["unknown key \"sinc\"", "did you mean sink?"]);
    service.run("run --config absent.toml").fails_with(2, &["absent.toml cannot be read"]);
}

#[test]
fn a_check_finds_an_unusable_store() {
    let service = Service::new();
    let path = file(&service.folder, "state.db", "no database, but a file that is long enough to look like one");
    file(&service.folder, "state.db.key", &"0".repeat(64));
    let sink = service.sink().display().to_string();
    service.run(&format!("run --check --provider tm --sink {sink}")).fails_with(1, &["data file"]);
    assert!(std::fs::read_to_string(path).unwrap().starts_with("no database"));
}

#[test]
fn another_sink_is_a_warning() {
    let service = Service::new();
    service.start(&[]).end("TERM");
    let other = service.folder.path().join("other").display().to_string();
    let mut command = service.command(&format!("run --provider tm --sink {other}"));
    Running::start(&mut command).end("TERM").ends_with(0, &["warning: the sink of this store was"]);
}

#[test]
fn a_signal_before_it_is_ready_is_no_success() {
    let mut command = identkit();
    run(command.args(["run", "--help"])).ends_with(0, &[]).shows(&["identkit case open"]);
}
