//! The sandbox as others see it: Python's `requests` and `curl` make identity.TM's calls, over TLS, and those of the admin
//! API, and hold the answers against the vendor's document and our own. Nothing of this project's types is between them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use support::{Ran, Sandbox, has, of_workspace, run};

fn outside(file: &str) -> PathBuf {
    of_workspace("crates/cli/tests/outside").join(file)
}

fn fixtures() -> PathBuf {
    of_workspace("crates/identity-tm/fixtures")
}

/// A Python that has these modules: the one that is found first, or the one that the system's packages belong to.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was left out")]
fn python(modules: &str) -> Option<&'static str> {
    let has_them = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", &format!("import {modules}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_them);
    if found.is_none() {
        let required = std::env::var_os("IDENTKIT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(!required, "no Python has {modules}: see crates/cli/tests/outside/requirements.txt");
        eprintln!("no Python has {modules}: what it would show is not checked");
    }
    found
}

/// Asserts that a script of checks ran all of them, and found nothing.
#[track_caller]
fn all_checks_pass(ran: &Ran, at_least: usize) {
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    let last = ran.stdout.lines().last().unwrap();
    let (passed, all) = last.strip_suffix(" checks passed").unwrap().split_once(" of ").unwrap();
    assert!(passed == all && all.parse::<usize>().unwrap() >= at_least, "{last}");
}

#[test]
fn every_call_of_the_admin_api_made_by_python_gives_what_its_openapi_document_says() {
    let Some(python) = python("jsonschema, openapi_spec_validator, requests") else { return };
    let sandbox = Sandbox::with(&["--clock", "frozen", "--seed", "7"]);
    let mut command = Command::new(python);
    command.arg(outside("admin.py")).arg(&sandbox.line).arg(of_workspace("docs/sandbox-openapi.json"));
    all_checks_pass(&run(&mut command), 14);
}

#[test]
fn every_call_of_identity_tm_made_by_python_gives_what_the_document_says() {
    let Some(python) = python("requests") else { return };
    let sandbox = Sandbox::start();
    let mut command = Command::new(python);
    command.arg(outside("identity_tm.py")).arg(&sandbox.line).arg(fixtures());
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    let script = std::fs::read_to_string(outside("identity_tm.py")).unwrap();
    let checks = script.matches("\n    \"\"\"[T] ").count();
    assert!(checks > 30 && ran.stdout.ends_with(&format!("\n{checks} of {checks} checks passed\n")), "{}", ran.stdout);
}

#[test]
fn every_form_of_every_call_of_identity_tm_made_by_curl_gives_the_documented_status_and_media_type() {
    if !has("curl") {
        return;
    }
    for sandbox in [Sandbox::start(), Sandbox::plain()] {
        let login =
            format!("{}:{}", sandbox.told("/identity_tm/customer_id"), sandbox.told("/identity_tm/customer_code"));
        let mut command = Command::new("sh");
        command.arg(outside("identity_tm.sh")).arg(fixtures()).env("LOGIN", login).env("NO_PROXY", "*");
        command.env("BASE", sandbox.told("/identity_tm/base_url")).env("ADMIN", sandbox.told("/admin"));
        if let Some(ca_file) = sandbox.ready["ca_file"].as_str() {
            command.env("CURL_CA_BUNDLE", ca_file);
        }
        let ran = run(&mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}\n{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("FAILED") && ran.stdout.lines().count() > 40, "{}", ran.stdout);
    }
}

#[test]
fn the_python_of_the_sandboxs_guide_works_as_printed() {
    let Some(python) = python("requests") else { return };
    let sandbox = Sandbox::start();
    let guide = std::fs::read_to_string(of_workspace("docs/sandbox.md")).unwrap();
    let (_, rest) = guide.split_once("```python\n").expect("the guide has Python");
    let mut script = rest.split("```").next().unwrap().to_owned();
    for (printed, here) in [
        ("https://127.0.0.1:8443", sandbox.told("/listen")),
        ("http://127.0.0.1:8444", sandbox.told("/admin")),
        ("\"ca.pem\"", &format!("{:?}", sandbox.told("/ca_file"))),
        // Nobody is there, and the order goes on all the same.
        ("127.0.0.1:9000", "127.0.0.1:9"),
    ] {
        assert!(script.contains(printed), "{printed}");
        script = script.replace(printed, here);
    }
    let mut command = Command::new(python);
    command.args(["-c", &script]).current_dir(of_workspace("."));
    command.env("REQUESTS_CA_BUNDLE", "/nowhere").env("NO_PROXY", "*");
    let ran = run(&mut command);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(ran.stdout.contains("'Firstname': 'Erika'"), "{}", ran.stdout);
}
