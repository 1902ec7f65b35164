//! The sandbox as others see it: Python's `requests` and `curl` make identity.TM's calls, over TLS, and those of the admin
//! API, and hold the answers against the vendor's document and our own. Nothing of this project's types is between them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use identkit_testkit::missing;

use crate::support::{Ran, Sandbox, has, of_workspace, run};

fn outside(file: &str) -> PathBuf {
    of_workspace("crates/cli/tests/outside").join(file)
}

/// A script of ours against this sandbox.
fn script(program: &str, file: &str, sandbox: &Sandbox) -> Command {
    let mut command = Command::new(program);
    command.arg(outside(file)).env("ADMIN", sandbox.told("/admin")).env("NO_PROXY", "*");
    command
}

/// A sandbox in which time stands still.
fn frozen() -> Sandbox {
    Sandbox::with(&["--plain", "--clock", "frozen"])
}

fn fixtures() -> PathBuf {
    of_workspace("crates/identity-tm/fixtures")
}

/// A Python that has these modules: the one that is found first, or the one that the system's packages belong to.
fn python(modules: &str) -> Option<&'static str> {
    let has_them = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", &format!("import {modules}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_them);
    if found.is_none() {
        missing(&format!("a Python with {modules} (crates/cli/tests/outside/requirements.txt)"));
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
    all_checks_pass(&run(script(python, "admin.py", &sandbox).arg(&sandbox.line)), 16);
}

#[test]
fn every_call_of_identity_tm_made_by_python_gives_what_the_document_says() {
    let Some(python) = python("requests") else { return };
    let sandbox = Sandbox::start();
    let ran = run(script(python, "identity_tm.py", &sandbox).arg(&sandbox.line).arg(fixtures()));
    let text = std::fs::read_to_string(outside("identity_tm.py")).unwrap();
    let checks = text.matches("\n    \"\"\"[T] ").count();
    all_checks_pass(&ran, 31);
    assert!(ran.stdout.ends_with(&format!("\n{checks} of {checks} checks passed\n")), "{}", ran.stdout);
}

#[test]
fn every_form_of_every_call_of_identity_tm_made_by_curl_gives_the_documented_status_and_media_type() {
    if !has("curl") {
        return;
    }
    for sandbox in [Sandbox::start(), Sandbox::plain()] {
        let login =
            format!("{}:{}", sandbox.told("/identity_tm/customer_id"), sandbox.told("/identity_tm/customer_code"));
        let mut command = script("sh", "identity_tm.sh", &sandbox);
        command.arg(fixtures()).env("LOGIN", login).env("BASE", sandbox.told("/identity_tm/base_url"));
        if let Some(ca_file) = sandbox.ready["ca_file"].as_str() {
            command.env("CURL_CA_BUNDLE", ca_file);
        }
        let ran = run(&mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}\n{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("FAILED") && ran.stdout.lines().count() > 40, "{}", ran.stdout);
    }
}

#[test]
fn what_happens_is_followed_by_python_as_server_sent_events() {
    let Some(python) = python("requests") else { return };
    let sandbox = frozen();
    all_checks_pass(&run(script(python, "events.py", &sandbox).arg(&sandbox.line)), 4);
}

#[test]
fn what_happens_is_followed_by_node_as_server_sent_events() {
    if !has("node") {
        return;
    }
    let sandbox = frozen();
    let ran = run(script("node", "events.mjs", &sandbox).arg(sandbox.told("/admin")));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "3 of 3 checks passed\n", ""));
}

#[test]
fn what_happens_is_followed_by_curl_until_the_world_is_gone() {
    if !has("curl") {
        return;
    }
    let sandbox = frozen();
    let ran = run(&mut script("sh", "events.sh", &sandbox));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    // The server's second world: the default one was first.
    let told =
        ["id: 2-1\nevent: changed\n", "id: 2-2\nevent: changed\n", "id: 2-3\nevent: changed\n", "curl ended with 0\n"];
    let at: Vec<_> = told.iter().map(|words| ran.stdout.find(words).expect(words)).collect();
    assert!(at.is_sorted(), "{}", ran.stdout);
}

/// A block of the sandbox's guide: the first one of this language below this heading.
fn printed(heading: &str, language: &str) -> String {
    let guide = std::fs::read_to_string(of_workspace("docs/sandbox.md")).unwrap();
    let (_, below) = guide.split_once(&format!("\n## {heading}\n")).expect(heading);
    let (_, block) = below.split_once(&format!("\n```{language}\n")).expect(language);
    block.split("\n```").next().unwrap().to_owned()
}

/// Runs the tests of an example that starts `identkit sandbox` by itself.
fn example(language: &str, file: &str, mut command: Command) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let text = printed("Test your own service", language);
    assert!(text.lines().next().unwrap().contains(file), "its first line names it");
    std::fs::write(folder.path().join(file), text).unwrap();
    run(command.current_dir(folder.path()).env("IDENTKIT", env!("CARGO_BIN_EXE_identkit")).env("NO_PROXY", "*"))
}

#[test]
fn the_python_of_the_sandboxs_guide_works_as_printed() {
    let Some(python) = python("json") else { return };
    let mut command = Command::new(python);
    command.args(["-m", "unittest", "test_my_service"]);
    let ran = example("python", "test_my_service.py", command);
    assert!(ran.code == Some(0) && ran.stderr.contains("\nRan 4 tests in "), "{ran:#?}");
    assert!(ran.stderr.ends_with("\n\nOK\n"), "without a warning: {ran:#?}");
}

#[test]
fn the_javascript_of_the_sandboxs_guide_works_as_printed() {
    if !has("node") {
        return;
    }
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=tap", "my-service.test.mjs"]);
    let ran = example("js", "my-service.test.mjs", command);
    assert!(ran.code == Some(0) && ran.stdout.contains("\n# pass 3\n"), "{ran:#?}");
}

#[cfg(unix)]
#[test]
fn the_shell_of_the_sandboxs_guide_works_as_printed() {
    if !has("curl") {
        return;
    }
    let sandbox = Sandbox::start();
    let mut script = printed("An order, from beginning to end", "sh");
    for (there, here) in [
        ("https://127.0.0.1:8443", sandbox.told("/listen")),
        ("http://127.0.0.1:8444", sandbox.told("/admin")),
        ("--cacert ca.pem", &format!("--cacert {}", sandbox.told("/ca_file"))),
        // Nobody is there, and the order goes on all the same.
        ("127.0.0.1:9000", "127.0.0.1:9"),
    ] {
        assert!(script.contains(there), "{there}");
        script = script.replace(there, here);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let ran = run(command.args(["-euc", &script]).current_dir(folder.path()).env("NO_PROXY", "*"));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    let told = |words: &str| ran.stdout.find(words).unwrap_or_else(|| panic!("{words}: {}", ran.stdout));
    let before = r#""OrderID":|"Kind":6,|"Surname":"Mustermann"|"outcome":"retry"|"fired":["#;
    let order = before.split('|').chain(["the data of this order is deleted", "\"count\":2"]);
    assert!(order.map(told).is_sorted(), "{}", ran.stdout);
}
