//! `identkit sandbox` as a process, and the documents' commands against it.

use std::process::Command;
use std::sync::Arc;

use crate::support::{
    Run, Sandbox, Vendor, clean_command, file, has, http, identkit, json_sample, keys, names, place, run, sample,
    workspace_path,
};
use serde_json::{Value, json};

/// Checks the keys of the ready line. Each vendor has one, and a new provider adds its own.
fn check_keys(ready: &Value) {
    let (vendors, others): (Vec<_>, Vec<_>) =
        keys(ready).into_iter().partition(|key| ready[*key].get("base_url").is_some());
    assert_eq!(others, ["admin", "ca_file", "console", "listen", "world"]);
    assert!(["identify24", "identity_tm"].iter().all(|vendor| vendors.contains(vendor)), "{vendors:?}");
}

#[test]
fn the_ready_line_is_one_line_with_stable_keys() {
    let sandbox = Sandbox::start();
    assert!(sandbox.line.ends_with('\n') && sandbox.line.starts_with('{'));
    check_keys(&sandbox.ready);
    assert_eq!(keys(&sandbox.ready["identity_tm"]), ["base_url", "customer_code", "customer_id"]);
    assert_eq!(keys(&sandbox.ready["identify24"]), ["api_key", "base_url", "partner"]);
    let listen = sandbox.ready_text("/listen");
    assert!(listen.starts_with("https://127.0.0.1:"), "{listen}");
    assert!(sandbox.ready_text("/admin").starts_with("http://127.0.0.1:"));
    assert_eq!(sandbox.ready_text("/console"), format!("{}/", sandbox.ready_text("/admin")));
    assert_eq!(sandbox.ready_text("/identity_tm/base_url"), format!("{listen}/api/2.10"));
    assert_eq!(sandbox.ready_text("/identify24/base_url"), listen);
    let pem = std::fs::read_to_string(sandbox.ready_text("/ca_file")).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
}

#[test]
fn without_tls_there_is_no_ca_file() {
    let sandbox = Sandbox::plain();
    check_keys(&sandbox.ready);
    assert_eq!(sandbox.ready["ca_file"], Value::Null);
    assert!(sandbox.ready_text("/identity_tm/base_url").starts_with("http://127.0.0.1:"));
    sandbox.run("tm status 99921269855041").ends_with(0, &[]);
    sandbox.run("identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").ends_with(0, &[]);
}

#[test]
fn a_vendor_that_the_program_does_not_have_is_rejected() {
    let run = run(identkit().args(["sandbox", "--vendor", "nothing"]));
    run.ends_with(2, &["--vendor"]);
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_and_removes_its_ca_file() {
    for signal in ["TERM", "INT"] {
        let sandbox = Sandbox::start();
        let ca_file = std::path::PathBuf::from(sandbox.ready_text("/ca_file"));
        let temporary = Arc::clone(&sandbox.temporary);
        assert!(ca_file.starts_with(temporary.path()) && ca_file.exists());
        assert_eq!(names(temporary.path()).len(), 1);
        let result = sandbox.end(signal);
        assert_eq!((result.code, result.stdout, result.stderr), (Some(0), String::new(), String::new()), "SIG{signal}");
        assert_eq!(names(temporary.path()), [""; 0], "SIG{signal} leaves the CA file");
    }
}

#[test]
fn write_ca_is_kept_and_printed_as_an_absolute_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let sandbox = Sandbox::with(&["--write-ca", path.to_str().unwrap()]);
    assert_eq!(sandbox.ready_text("/ca_file"), path.to_str().unwrap());
    sandbox.run("tm status 99921269855041").ends_with(0, &[]);
    drop(sandbox);
    assert!(path.exists());

    let result = run(identkit().args(["sandbox", "--plain", "--write-ca", path.to_str().unwrap()]));
    result.ends_with(2, &["--plain", "--write-ca", "cannot be used with"]);

    // A later sandbox replaces it, and no other file.
    drop(Sandbox::with(&["--write-ca", path.to_str().unwrap()]));
    let foreign = file(&folder, "foreign.pem", "my diary");
    let pem = std::fs::read_to_string(&path).unwrap();
    let with_key = format!("{pem}-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    let with_comment = format!("{pem}# of the test machine\n");
    let (key, comment) = (file(&folder, "key.pem", &with_key), file(&folder, "comment.pem", &with_comment));
    for (place, kept) in [
        (foreign.as_str(), Some("my diary")),
        (&key, Some(&*with_key)),
        (&comment, Some(&*with_comment)),
        (folder.path().to_str().unwrap(), None),
    ] {
        let result = run(identkit().args(["sandbox", "--write-ca", place]));
        result.fails_with(2, &["--write-ca", place, "is not the CA certificate of a sandbox"]);
        assert_eq!(std::fs::read_to_string(place).ok().as_deref(), kept);
    }

    let nowhere = folder.path().join("nowhere/ca.pem");
    let result = run(identkit().args(["sandbox", "--write-ca", nowhere.to_str().unwrap()]));
    result.fails_with(1, &["the CA file", nowhere.to_str().unwrap(), "cannot be written"]);
}

#[test]
fn other_machines_need_allow_non_loopback() {
    for flag in ["--listen", "--admin"] {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8443", "[::ffff:192.0.2.1]:8443"] {
            let result = run(identkit().args(["sandbox", flag, address]));
            result.fails_with(2, &[flag, address, "loopback", "--allow-non-loopback"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn non_loopback_gives_a_warning_and_named_certificates() {
    let sandbox = Sandbox::with(&["--allow-non-loopback", "--listen", "0.0.0.0:0", "--tls-name", "sandbox.example"]);
    let port = sandbox.ready_text("/listen").rsplit(':').next().unwrap().to_owned();
    if has("curl") {
        let url = format!("https://sandbox.example:{port}/api/2.10/serverStatus");
        let mut curl = clean_command("curl");
        curl.args(["-sS", "-w", "\n%{http_code}", "--resolve", &format!("sandbox.example:{port}:127.0.0.1"), &url]);
        assert_eq!(answer(&mut curl, &sandbox).0, 200);
    }
    let result = sandbox.end("TERM");
    result.ends_with(0, &[]);
    assert!(
        result.stderr.starts_with("warning: --listen 0.0.0.0:") && result.stderr.lines().count() == 1,
        "{result:#?}"
    );
    assert_eq!(Sandbox::with(&["--allow-non-loopback"]).end("TERM").stderr, "", "a loopback address gives no warning");
}

#[test]
fn without_options_it_runs_the_default_world_in_real_time() {
    let world = &Sandbox::start().ready["world"];
    assert_eq!(keys(world), ["clock", "factor", "file", "id", "now", "profile", "seed"]);
    let output = ["id", "clock", "profile"].map(|key| world[key].as_str().unwrap());
    assert_eq!(output, ["default", "real", "literal"]);
    assert!(world["seed"].as_u64().unwrap() < 1 << 53, "JavaScript represents the seed exactly");
    assert_ne!(world["seed"], Sandbox::start().ready["world"]["seed"], "the seed is random");
}

#[test]
fn options_set_time_seed_and_profile() {
    let world = |options: &[&str]| Sandbox::with(options).ready["world"].clone();
    // A frozen clock has a fixed start, so that the same seed always gives the same bytes.
    let frozen = json!({ "id": "default", "clock": "frozen", "factor": 0.0, "now": "2020-09-10T12:00:00Z", "seed": 7,
                         "profile": "literal", "file": null });
    assert_eq!(world(&["--clock", "frozen", "--seed", "7"]), frozen);
    let output = world(&["--clock", "frozen", "--start", "2024-02-29T23:59:59+01:00", "--profile", "strict"]);
    assert_eq!([&output["now"], &output["profile"]], ["2024-02-29T22:59:59Z", "strict"]);
    let output = world(&["--clock", "scaled:60", "--start", "2031-01-01T00:00:00Z"]);
    assert_eq!((&output["clock"], &output["factor"]), (&json!("scaled"), &json!(60.0)));
    assert!(output["now"].as_str().unwrap().starts_with("2031-01-01T00:"), "{output}");

    for (option, value, words) in [
        ("--clock", "fast", "scaled:FACTOR"),
        ("--clock", "scaled:0", "scaled:FACTOR"),
        ("--clock", "scaled:NaN", "scaled:FACTOR"),
        ("--clock", "scaled:1000001", "scaled:FACTOR"),
        ("--start", "2020-09-10", "its offset"),
        ("--seed", "-1", "invalid"),
        ("--profile", "lax", "literal"),
    ] {
        run(identkit().arg("sandbox").arg(format!("{option}={value}"))).fails_with(2, &[option, words]);
    }
}

#[test]
fn with_frozen_time_the_same_seed_gives_the_same_bytes() {
    // The connection is refused at once, so the attempt ends before time is advanced.
    let order = json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/OnFinal" } });
    let result = |seed: &str| {
        let sandbox = Sandbox::with(&["--plain", "--clock", "frozen", "--seed", seed]);
        let id = sandbox.place(&order);
        // Its response is not compared: the webhook may or may not have ended.
        sandbox.play(&id, "positive");
        // This waits for the end of the webhook.
        sandbox.ask_text("clock/advance", Some(r#"{"seconds":0}"#));
        let moved = sandbox.ask_text("clock/advance", Some(r#"{"seconds":518400}"#));
        let read = |path: String| sandbox.ask_text(&path, None);
        let (order, deliveries) = (read(format!("orders/{id}")), read(format!("deliveries?order={id}")));
        (id, deliveries, order, moved)
    };
    let (first, second) = (result("7"), result("7"));
    let deliveries: Value = serde_json::from_str(&first.1).unwrap();
    let attempts = deliveries["deliveries"][0]["attempts"].as_array().unwrap().len();
    assert!((31..=32).contains(&attempts), "[T-036] {attempts} in {}", first.1);
    assert!(first == second, "{first:?}\n{second:?}");
    assert_ne!(first.0, result("8").0, "another seed gives another order id");
}

#[test]
fn keep_cases_limits_the_orders_of_each_world() {
    let sandbox = Sandbox::with(&["--plain", "--keep-cases", "2"]);
    let world = sandbox.ask("worlds", Some(r#"{"id":"other"}"#));
    let other = |key: &str| world["identity_tm"][key].as_str().unwrap();
    for (world, id, code) in [
        ("default", sandbox.ready_text("/identity_tm/customer_id"), sandbox.ready_text("/identity_tm/customer_code")),
        ("other", other("customer_id"), other("customer_code")),
    ] {
        let ids = [(); 3].map(|()| {
            let mut command = sandbox.identkit();
            command.env("IDENTKIT_TM_CUSTOMER_ID", id).env("IDENTKIT_TM_CUSTOMER_CODE", code);
            place(&mut command, &json!({}))
        });
        let url = |id: &String| format!("{}/_sandbox/v1/orders/{id}?world={world}", sandbox.ready_text("/admin"));
        let known = |id: &String| http(&url(id), None).contains("\"Status\"");
        assert_eq!(ids.each_ref().map(known), [false, true, true], "{world}");
    }
    run(identkit().args(["sandbox", "--keep-cases=0"])).fails_with(2, &["--keep-cases", "0 is not in"]);
}

#[test]
fn a_port_in_use_is_an_error_with_advice() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--admin"] {
        run(identkit().args(["sandbox", flag, &address]))
            .fails_with(1, &["cannot listen on", &address, flag, "choose another port"]);
    }
}

#[test]
fn a_client_that_trusts_the_ca_file_works_over_tls() {
    let sandbox = Sandbox::start();
    let mut output = sandbox.json("tm status 99921269855041 --extended");
    let added = output.as_object_mut().unwrap().remove("identkit").unwrap();
    assert_eq!(output, json_sample("identity-tm/fixtures/S-040-get-status-response.json"));
    assert_eq!(keys(&added), ["attempts", "http_status", "milliseconds", "verdict", "warnings"]);
    assert_eq!(added["verdict"], json!({ "if_identification": "positive", "if_signature": "identified" }));
}

/// Runs curl, which must print the status on the last line, and returns status and body.
fn answer(command: &mut Command, sandbox: &Sandbox) -> (u16, String) {
    let ca_file = sandbox.ready["ca_file"].as_str().map(|file| ("CURL_CA_BUNDLE", file));
    let result: Run = run(command.env("NO_PROXY", "*").envs(ca_file));
    let (body, status) = result.ends_with(0, &[]).stdout.rsplit_once('\n').expect("curl prints the status");
    (status.parse().unwrap(), body.to_owned())
}

#[test]
fn identify24s_documented_curl_commands_work() {
    if !has("curl") {
        return;
    }
    let folder = workspace_path("crates/identify24/fixtures");
    let commands: Vec<String> = names(&folder).into_iter().filter(|name| name.ends_with(".curl.sh")).collect();
    let expected = [
        ("S-006-auth.curl.sh", "S-007-auth-response.json"),
        ("S-012-ident-create.curl.sh", "S-013-ident-create-response.json"),
        // The printed response is not JSON: a comma is missing (AI-01).
        ("S-016-ident-get.curl.sh", "S-017-ident-get-response.comma-added.json"),
        ("S-020-project-get-all.curl.sh", "S-021-project-get-all-response.json"),
        ("S-025-project-get.curl.sh", "S-026-project-get-response.json"),
    ];
    assert_eq!(commands, expected.map(|(command, _)| command), "every command of the document is tested");
    for sandbox in [Sandbox::plain(), Sandbox::start()] {
        for (command, response) in expected {
            let mut shell = clean_command("sh");
            // The test adds silence, and the status after the body.
            let curl = "curl() { command curl --silent --show-error --write-out '\\n%{http_code}' \"$@\"; }\n";
            let script = format!("{curl}{}", sample(&format!("identify24/fixtures/{command}")));
            shell.args(["-c", &script]).env("BASE", sandbox.ready_text("/identify24/base_url"));
            let (status, body) = answer(&mut shell, &sandbox);
            assert_eq!(status, 200, "{command}: {body}");
            let mut body: Value =
                serde_json::from_str(&body).unwrap_or_else(|error| panic!("{command}: {error}: {body}"));
            let printed = json_sample(&format!("identify24/fixtures/{response}"));
            // Random values differ in each run; everything else is equal.
            for drawn in ["token", "ident_id", "conference_url"].into_iter().filter(|name| printed.get(name).is_some())
            {
                assert!(body[drawn].as_str().is_some_and(|text| !text.is_empty()), "{command}: {drawn}: {body}");
                body[drawn] = printed[drawn].clone();
            }
            assert_eq!(body, printed, "{command}");
        }
    }
}

#[test]
fn requests_and_webhooks_are_lines_on_standard_error() {
    let sandbox = Sandbox::printing_requests(&["--plain", "--clock", "frozen"]);
    sandbox.run("tm status 99921269855041").ends_with(0, &[]);
    sandbox.run("tm status 99921269855041 --customer-code wrong-code").ends_with(3, &[]);
    crate::support::http(&format!("{}/api/2.10/serverStatus?token=canary-query", sandbox.ready_text("/listen")), None);
    let webhooks = json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/hook?token=canary-token" } });
    sandbox.play(&sandbox.place(&webhooks), "positive");
    let began = std::time::Instant::now();
    while !sandbox.stderr().contains("webhook OnFinal") && began.elapsed().as_secs() < 20 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let stderr = sandbox.stderr();
    let lines: Vec<_> = stderr.lines().collect();
    assert!(lines[0].starts_with("2020-09-10T12:00:00Z GET /api/2.10/getStatus/99921269855041"), "{stderr}");
    assert!(lines[0].ends_with(" 200"), "{stderr}");
    assert!(lines[1].contains(" 401 refused: ") || lines[1].contains(" 403 refused: "), "{stderr}");
    assert!(stderr.contains("attempt 1: "), "{stderr}");
    assert!(lines[2].contains("/serverStatus?token=(masked) "), "{stderr}");
    for secret in ["canary-query", "canary-token", "wrong-code", "sandbox-code", "Mustermann"] {
        assert!(!stderr.contains(secret), "{secret}: {stderr}");
    }
    let quiet = Sandbox::plain();
    quiet.run("tm status 99921269855041").ends_with(0, &[]);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(quiet.stderr(), "");
}
