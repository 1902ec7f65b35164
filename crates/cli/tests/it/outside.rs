//! The sandbox called by other languages: scripts in Python, JavaScript and shell check its responses against the
//! vendor's document and the OpenAPI document, without this project's types.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use identkit_testkit::missing;

use crate::support::{PROGRAM, Run, Sandbox, clean_command, has, run, workspace_path};

fn outside(file: &str) -> PathBuf {
    workspace_path("crates/cli/tests/outside").join(file)
}

/// A script of `tests/outside` against this sandbox.
fn script(program: &str, file: &str, sandbox: &Sandbox) -> Command {
    let mut command = clean_command(program);
    command.arg(outside(file)).env("ADMIN", sandbox.ready_text("/admin")).env("NO_PROXY", "*");
    command
}

/// A sandbox with a frozen clock.
fn frozen() -> Sandbox {
    Sandbox::with(&["--plain", "--clock", "frozen"])
}

fn fixtures() -> PathBuf {
    workspace_path("crates/identity-tm/fixtures")
}

/// A Python with these modules: the first one in the path, or the system's.
fn python(modules: &str) -> Option<&'static str> {
    let has_them = |python: &&str| {
        let mut command = clean_command(python);
        command.args(["-c", &format!("import {modules}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has_them);
    if python.is_none() {
        missing(&format!("a Python with {modules} (crates/cli/tests/outside/requirements.txt)"));
    }
    python
}

/// Asserts that a script ran at least this number of checks, and that all passed.
#[track_caller]
fn all_checks_pass(result: &Run, at_least: usize) {
    assert_eq!(result.code, Some(0), "{}\n{}", result.stdout, result.stderr);
    let last = result.stdout.lines().last().unwrap();
    let (passed, all) = last.strip_suffix(" checks passed").unwrap().split_once(" of ").unwrap();
    assert!(passed == all && all.parse::<usize>().unwrap() >= at_least, "{last}");
}

#[test]
fn python_checks_the_admin_api_against_its_openapi_document() {
    let Some(python) = python("jsonschema, openapi_spec_validator, requests") else { return };
    let sandbox = Sandbox::with(&["--clock", "frozen", "--seed", "7"]);
    all_checks_pass(&run(script(python, "admin.py", &sandbox).arg(&sandbox.line)), 16);
}

#[test]
fn python_checks_every_call_of_identity_tm() {
    let Some(python) = python("requests") else { return };
    let sandbox = Sandbox::start();
    let result = run(script(python, "identity_tm.py", &sandbox).arg(&sandbox.line).arg(fixtures()));
    let text = std::fs::read_to_string(outside("identity_tm.py")).unwrap();
    let checks = text.matches("\n    \"\"\"[T] ").count();
    all_checks_pass(&result, 31);
    assert!(result.stdout.ends_with(&format!("\n{checks} of {checks} checks passed\n")), "{}", result.stdout);
}

/// No type of this project is on the vendor's side.
#[test]
fn at_89_to_at_97_a_fake_vendor_deviates_for_every_call() {
    let Some(python) = python("http.server") else { return };
    let mut command = clean_command(python);
    command.arg(outside("fake_vendor.py")).arg(PROGRAM).arg(fixtures().join("S-035-put-order-request.json"));
    all_checks_pass(&run(&mut command), 250);
}

#[test]
fn curl_checks_status_and_media_type_of_identity_tm() {
    if !has("curl") {
        return;
    }
    for sandbox in [Sandbox::start(), Sandbox::plain()] {
        let login = format!(
            "{}:{}",
            sandbox.ready_text("/identity_tm/customer_id"),
            sandbox.ready_text("/identity_tm/customer_code")
        );
        let mut command = script("sh", "identity_tm.sh", &sandbox);
        command.arg(fixtures()).env("LOGIN", login).env("BASE", sandbox.ready_text("/identity_tm/base_url"));
        if let Some(ca_file) = sandbox.ready["ca_file"].as_str() {
            command.env("CURL_CA_BUNDLE", ca_file);
        }
        let result = run(&mut command);
        assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{}\n{}", result.stdout, result.stderr);
        assert!(!result.stdout.contains("FAILED") && result.stdout.lines().count() > 40, "{}", result.stdout);
    }
}

#[test]
fn python_finds_the_signatures_in_pdfs_valid() {
    let Some(python) = python("pyhanko, requests") else { return };
    let sandbox = Sandbox::start();
    let mut command = script(python, "signatures.py", &sandbox);
    command.arg(&sandbox.line).arg(fixtures().join("S-035-put-order-request.json"));
    let synthetic = workspace_path("crates/synthetic");
    command.arg(synthetic.join("tests/fixtures")).arg(synthetic.join("signing-ca.pem"));
    all_checks_pass(&run(&mut command), 4);
}

#[test]
fn python_follows_the_server_sent_events() {
    let Some(python) = python("requests") else { return };
    let sandbox = frozen();
    all_checks_pass(&run(script(python, "events.py", &sandbox).arg(&sandbox.line)), 4);
}

#[test]
fn node_follows_the_server_sent_events() {
    if !has("node") {
        return;
    }
    let sandbox = frozen();
    let result = run(script("node", "events.mjs", &sandbox).arg(sandbox.ready_text("/admin")));
    assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(0), "3 of 3 checks passed\n", ""));
}

#[test]
fn curl_follows_the_events_until_the_world_is_gone() {
    if !has("curl") {
        return;
    }
    let sandbox = frozen();
    let result = run(&mut script("sh", "events.sh", &sandbox));
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{}", result.stdout);
    // World 2 of the server; the default world is 1.
    let expected =
        ["id: 2-1\nevent: changed\n", "id: 2-2\nevent: changed\n", "id: 2-3\nevent: changed\n", "curl ended with 0\n"];
    let at: Vec<_> = expected.iter().map(|words| result.stdout.find(words).expect(words)).collect();
    assert!(at.is_sorted(), "{}", result.stdout);
}

/// The first code block of this language below this heading of the sandbox's guide.
fn code_block(heading: &str, language: &str) -> String {
    let guide = std::fs::read_to_string(workspace_path("docs/sandbox.md")).unwrap();
    let (_, below) = guide.split_once(&format!("\n## {heading}\n")).expect(heading);
    let (_, block) = below.split_once(&format!("\n```{language}\n")).expect(language);
    block.split("\n```").next().unwrap().to_owned()
}

/// Runs an example of the guide that starts `identkit sandbox` itself.
fn example(language: &str, file: &str, mut command: Command) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let text = code_block("Test your own service", language);
    assert!(text.lines().next().unwrap().contains(file), "the first line contains the file name");
    std::fs::write(folder.path().join(file), text).unwrap();
    run(command.current_dir(folder.path()).env("IDENTKIT", PROGRAM).env("NO_PROXY", "*"))
}

#[test]
fn the_python_of_the_sandbox_guide_works() {
    let Some(python) = python("json") else { return };
    let mut command = clean_command(python);
    command.args(["-m", "unittest", "test_my_service"]);
    let result = example("python", "test_my_service.py", command);
    assert!(result.code == Some(0) && result.stderr.contains("\nRan 4 tests in "), "{result:#?}");
    assert!(result.stderr.ends_with("\n\nOK\n"), "without a warning: {result:#?}");
}

#[test]
fn the_javascript_of_the_sandbox_guide_works() {
    if !has("node") {
        return;
    }
    let mut command = clean_command("node");
    command.args(["--test", "--test-reporter=tap", "my-service.test.mjs"]);
    let result = example("js", "my-service.test.mjs", command);
    assert!(result.code == Some(0) && result.stdout.contains("\n# pass 3\n"), "{result:#?}");
}

#[cfg(unix)]
#[test]
fn the_shell_of_the_sandbox_guide_works() {
    if !has("curl") {
        return;
    }
    let sandbox = Sandbox::start();
    let mut script = code_block("An order, from beginning to end", "sh");
    for (there, here) in [
        ("https://127.0.0.1:8443", sandbox.ready_text("/listen")),
        ("http://127.0.0.1:8444", sandbox.ready_text("/admin")),
        ("--cacert ca.pem", &format!("--cacert {}", sandbox.ready_text("/ca_file"))),
        // No service listens there; the order continues all the same.
        ("127.0.0.1:9000", "127.0.0.1:9"),
    ] {
        assert!(script.contains(there), "{there}");
        script = script.replace(there, here);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = clean_command("sh");
    let result = run(command.args(["-euc", &script]).current_dir(folder.path()).env("NO_PROXY", "*"));
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{}", result.stdout);
    let position = |words: &str| result.stdout.find(words).unwrap_or_else(|| panic!("{words}: {}", result.stdout));
    let before = r#""OrderID":|"Kind":6,|"Surname":"Mustermann"|"outcome":"retry"|"fired":["#;
    let order = before.split('|').chain(["the data of this order is deleted", "\"count\":2"]);
    assert!(order.map(position).is_sorted(), "{}", result.stdout);
}
