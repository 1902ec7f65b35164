//! `identkit sandbox` as a process, and the documents' own commands against it.

use std::process::Command;
use std::sync::Arc;

use crate::support::{
    Ran, Sandbox, Vendor, has, http, identkit, json_sample, keys, names, of_workspace, place, run, sample,
};
use serde_json::{Value, json};

#[test]
fn the_ready_line_is_one_line_with_the_keys_that_scripts_rely_on() {
    let sandbox = Sandbox::start();
    assert!(sandbox.line.ends_with('\n') && sandbox.line.starts_with('{'));
    assert_eq!(keys(&sandbox.ready), ["admin", "ca_file", "identify24", "identity_tm", "listen", "world"]);
    assert_eq!(keys(&sandbox.ready["identity_tm"]), ["base_url", "customer_code", "customer_id"]);
    assert_eq!(keys(&sandbox.ready["identify24"]), ["api_key", "base_url", "partner"]);
    let listen = sandbox.told("/listen");
    assert!(listen.starts_with("https://127.0.0.1:"), "{listen}");
    assert!(sandbox.told("/admin").starts_with("http://127.0.0.1:"));
    assert_eq!(sandbox.told("/identity_tm/base_url"), format!("{listen}/api/2.10"));
    assert_eq!(sandbox.told("/identify24/base_url"), listen);
    let pem = std::fs::read_to_string(sandbox.told("/ca_file")).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
}

#[test]
fn without_tls_there_is_no_ca_file_and_the_rest_is_the_same() {
    let sandbox = Sandbox::plain();
    assert_eq!(keys(&sandbox.ready), ["admin", "ca_file", "identify24", "identity_tm", "listen", "world"]);
    assert_eq!(sandbox.ready["ca_file"], Value::Null);
    assert!(sandbox.told("/identity_tm/base_url").starts_with("http://127.0.0.1:"));
    sandbox.run("tm status 99921269855041").ends_with(0, &[]);
    sandbox.run("identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").ends_with(0, &[]);
}

#[cfg(unix)]
#[test]
fn it_ends_when_it_is_told_to_and_takes_its_ca_file_along() {
    for signal in ["TERM", "INT"] {
        let sandbox = Sandbox::start();
        let ca_file = std::path::PathBuf::from(sandbox.told("/ca_file"));
        let temporary = Arc::clone(&sandbox.temporary);
        assert!(ca_file.starts_with(temporary.path()) && ca_file.exists());
        assert_eq!(names(temporary.path()).len(), 1);
        let ran = sandbox.end(signal);
        assert_eq!((ran.code, ran.stdout, ran.stderr), (Some(0), String::new(), String::new()), "SIG{signal}");
        assert_eq!(names(temporary.path()), [""; 0], "SIG{signal} leaves the CA file behind");
    }
}

#[test]
fn a_ca_file_that_was_asked_for_stays_and_is_told_with_its_whole_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let sandbox = Sandbox::with(&["--write-ca", path.to_str().unwrap()]);
    assert_eq!(sandbox.told("/ca_file"), path.to_str().unwrap());
    sandbox.run("tm status 99921269855041").ends_with(0, &[]);
    drop(sandbox);
    assert!(path.exists());

    let nowhere = folder.path().join("nowhere/ca.pem");
    let ran = run(identkit().args(["sandbox", "--write-ca", nowhere.to_str().unwrap()]));
    ran.fails_with(1, &["the CA file", nowhere.to_str().unwrap(), "cannot be written"]);
}

#[test]
fn nobody_else_can_reach_it_unless_it_is_told_so() {
    for flag in ["--listen", "--admin"] {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8443", "[::ffff:192.0.2.1]:8443"] {
            let ran = run(identkit().args(["sandbox", flag, address]));
            ran.fails_with(2, &[flag, address, "loopback", "--allow-non-loopback"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn who_opens_it_to_others_is_warned_and_gets_a_certificate_for_the_names_they_use() {
    let sandbox = Sandbox::with(&["--allow-non-loopback", "--listen", "0.0.0.0:0", "--tls-name", "sandbox.example"]);
    let port = sandbox.told("/listen").rsplit(':').next().unwrap().to_owned();
    if has("curl") {
        let url = format!("https://sandbox.example:{port}/api/2.10/serverStatus");
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-w", "\n%{http_code}", "--resolve", &format!("sandbox.example:{port}:127.0.0.1"), &url]);
        assert_eq!(answer(&mut curl, &sandbox).0, 200);
    }
    let ran = sandbox.end("TERM");
    ran.ends_with(0, &[]);
    assert!(ran.stderr.starts_with("warning: --listen 0.0.0.0:") && ran.stderr.lines().count() == 1, "{ran:#?}");
    assert_eq!(Sandbox::with(&["--allow-non-loopback"]).end("TERM").stderr, "", "nobody else can reach it");
}

#[test]
fn without_options_it_runs_the_default_world_in_real_time() {
    let world = &Sandbox::start().ready["world"];
    assert_eq!(keys(world), ["clock", "factor", "file", "id", "now", "profile", "seed"]);
    let told = ["id", "clock", "profile"].map(|key| world[key].as_str().unwrap());
    assert_eq!(told, ["default", "real", "literal"]);
    assert!(world["seed"].as_u64().unwrap() < 1 << 53, "a number that JavaScript keeps");
    assert_ne!(world["seed"], Sandbox::start().ready["world"]["seed"], "drawn");
}

#[test]
fn time_the_seed_and_the_profile_are_as_they_were_asked_for() {
    let world = |options: &[&str]| Sandbox::with(options).ready["world"].clone();
    // A frozen clock begins at a time of its own, so that the same seed gives the same bytes on every day.
    let frozen = json!({ "id": "default", "clock": "frozen", "factor": 0.0, "now": "2020-09-10T12:00:00Z", "seed": 7,
                         "profile": "literal", "file": null });
    assert_eq!(world(&["--clock", "frozen", "--seed", "7"]), frozen);
    let told = world(&["--clock", "frozen", "--start", "2024-02-29T23:59:59+01:00", "--profile", "strict"]);
    assert_eq!([&told["now"], &told["profile"]], ["2024-02-29T22:59:59Z", "strict"]);
    let told = world(&["--clock", "scaled:60", "--start", "2031-01-01T00:00:00Z"]);
    assert_eq!((&told["clock"], &told["factor"]), (&json!("scaled"), &json!(60.0)));
    assert!(told["now"].as_str().unwrap().starts_with("2031-01-01T00:"), "{told}");

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
fn the_same_seed_and_script_give_the_same_bytes_in_frozen_time() {
    // Nobody is there, which is told at once: a receiver that takes its time holds frozen time for a moment only.
    let order = json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/OnFinal" } });
    let ran = |seed: &str| {
        let sandbox = Sandbox::with(&["--plain", "--clock", "frozen", "--seed", seed]);
        let id = sandbox.place(&order);
        // Its answer may tell that the webhook is still under way, or not.
        sandbox.play(&id, "positive");
        // This waits until it is over.
        sandbox.ask_text("clock/advance", Some(r#"{"seconds":0}"#));
        let moved = sandbox.ask_text("clock/advance", Some(r#"{"seconds":518400}"#));
        let read = |path: String| sandbox.ask_text(&path, None);
        let (order, deliveries) = (read(format!("orders/{id}")), read(format!("deliveries?order={id}")));
        (id, deliveries, order, moved)
    };
    let (first, second) = (ran("7"), ran("7"));
    let deliveries: Value = serde_json::from_str(&first.1).unwrap();
    let attempts = deliveries["deliveries"][0]["attempts"].as_array().unwrap().len();
    assert!((31..=32).contains(&attempts), "[T-036] {attempts} in {}", first.1);
    assert!(first == second, "{first:?}\n{second:?}");
    assert_ne!(first.0, ran("8").0, "the id of the order");
}

#[test]
fn each_world_keeps_as_many_orders_as_it_was_asked_to() {
    let sandbox = Sandbox::with(&["--plain", "--keep-cases", "2"]);
    let world = sandbox.ask("worlds", Some(r#"{"id":"other"}"#));
    let other = |key: &str| world["identity_tm"][key].as_str().unwrap();
    for (world, id, code) in [
        ("default", sandbox.told("/identity_tm/customer_id"), sandbox.told("/identity_tm/customer_code")),
        ("other", other("customer_id"), other("customer_code")),
    ] {
        let ids = [(); 3].map(|()| {
            let mut command = sandbox.identkit();
            command.env("IDENTKIT_TM_CUSTOMER_ID", id).env("IDENTKIT_TM_CUSTOMER_CODE", code);
            place(&mut command, &json!({}))
        });
        let url = |id: &String| format!("{}/_sandbox/v1/orders/{id}?world={world}", sandbox.told("/admin"));
        let known = |id: &String| http(&url(id), None).contains("\"Status\"");
        assert_eq!(ids.each_ref().map(known), [false, true, true], "{world}");
    }
    run(identkit().args(["sandbox", "--keep-cases=0"])).fails_with(2, &["--keep-cases", "0 is not in"]);
}

#[test]
fn a_port_in_use_is_told_with_a_way_out() {
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
    let mut told = sandbox.json("tm status 99921269855041 --extended");
    let added = told.as_object_mut().unwrap().remove("identkit").unwrap();
    assert_eq!(told, json_sample("identity-tm/fixtures/S-040-get-status-response.json"));
    assert_eq!(keys(&added), ["attempts", "http_status", "milliseconds", "verdict", "warnings"]);
    assert_eq!(added["verdict"], json!({ "if_identification": "positive", "if_signature": "identified" }));
}

/// What curl, which trusts the sandbox's CA and no proxy of this machine, was answered, with the status on the last line.
fn answer(command: &mut Command, sandbox: &Sandbox) -> (u16, String) {
    let ca_file = sandbox.ready["ca_file"].as_str().map(|file| ("CURL_CA_BUNDLE", file));
    let ran: Ran = run(command.env("NO_PROXY", "*").envs(ca_file));
    let (body, status) = ran.ends_with(0, &[]).stdout.rsplit_once('\n').expect("curl adds a line");
    (status.parse().unwrap(), body.to_owned())
}

#[test]
fn the_documents_curl_commands_of_identify24_answer_as_printed() {
    if !has("curl") {
        return;
    }
    let folder = of_workspace("crates/identify24/fixtures");
    let commands: Vec<String> = names(&folder).into_iter().filter(|name| name.ends_with(".curl.sh")).collect();
    let expected = [
        ("S-006-auth.curl.sh", "S-007-auth-response.json"),
        ("S-012-ident-create.curl.sh", "S-013-ident-create-response.json"),
        // As printed it is no JSON: a comma is missing (AI-01).
        ("S-016-ident-get.curl.sh", "S-017-ident-get-response.comma-added.json"),
        ("S-020-project-get-all.curl.sh", "S-021-project-get-all-response.json"),
        ("S-025-project-get.curl.sh", "S-026-project-get-response.json"),
    ];
    assert_eq!(commands, expected.map(|(command, _)| command), "every command of the document is tried");
    for sandbox in [Sandbox::plain(), Sandbox::start()] {
        for (command, response) in expected {
            let mut shell = Command::new("sh");
            // What is added is for this test: silence, and the status after the body.
            let curl = "curl() { command curl --silent --show-error --write-out '\\n%{http_code}' \"$@\"; }\n";
            let script = format!("{curl}{}", sample(&format!("identify24/fixtures/{command}")));
            shell.args(["-c", &script]).env("BASE", sandbox.told("/identify24/base_url"));
            let (status, body) = answer(&mut shell, &sandbox);
            assert_eq!(status, 200, "{command}: {body}");
            let mut body: Value =
                serde_json::from_str(&body).unwrap_or_else(|error| panic!("{command}: {error}: {body}"));
            let printed = json_sample(&format!("identify24/fixtures/{response}"));
            // What is drawn is a text of its own in each run; all else is the same, word for word.
            for drawn in ["token", "ident_id", "conference_url"].into_iter().filter(|name| printed.get(name).is_some())
            {
                assert!(body[drawn].as_str().is_some_and(|text| !text.is_empty()), "{command}: {drawn}: {body}");
                body[drawn] = printed[drawn].clone();
            }
            assert_eq!(body, printed, "{command}");
        }
    }
}
