//! The commands that control a running sandbox.

use serde_json::{Value, json};

use crate::support::{Run, Sandbox, Vendor as _, identkit, run};

/// Runs a subcommand against this sandbox.
fn control(sandbox: &Sandbox, line: &str) -> Run {
    let admin = sandbox.ready_text("/admin");
    run(identkit().arg("sandbox").args(line.split(' ')).args(["--admin", admin]))
}

/// The JSON result of a subcommand that must succeed.
fn result(sandbox: &Sandbox, line: &str) -> Value {
    let run = control(sandbox, &format!("{line} --output json"));
    run.ends_with(0, &[]);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn orders_are_listed_played_and_their_webhooks_shown() {
    let sandbox = Sandbox::with(&["--plain", "--clock", "frozen"]);
    let order = sandbox.place(&json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/hook" } }));
    assert_eq!(result(&sandbox, "orders")["orders"][0]["id"], order);
    control(&sandbox, "orders").ends_with(0, &[]).shows(&[&order, "Order initialized", "open"]);

    // The error lists the stories of the order.
    control(&sandbox, &format!("play {order} nonsense")).ends_with(1, &["positive"]);
    assert_eq!(result(&sandbox, &format!("play {order} positive"))["result"], "positive");
    control(&sandbox, "play 99999999999999 positive").ends_with(1, &["99999999999999"]);
    let hook = &result(&sandbox, &format!("deliveries {order}"))["deliveries"][0];
    assert_eq!((&hook["event"], &hook["order"]), (&json!("OnFinal"), &json!(order)));
    control(&sandbox, "deliveries").ends_with(0, &[]).shows(&[&order, "OnFinal"]);
    result(&sandbox, &format!("outbox {order}"))["messages"].as_array().unwrap();
    control(&sandbox, "outbox").ends_with(0, &[]).shows(&["number", "channel"]);
}

#[test]
fn time_advances_by_the_given_duration() {
    let sandbox = Sandbox::with(&["--plain", "--clock", "frozen"]);
    assert_eq!(result(&sandbox, "advance 7d")["now"], "2020-09-17T12:00:00Z");
    control(&sandbox, "advance 90s").ends_with(0, &[]).shows(&["2020-09-17T12:01:30Z"]);
    control(&sandbox, "advance soon").ends_with(2, &["90s"]);
}

#[test]
fn faults_are_injected_listed_and_removed() {
    let sandbox = Sandbox::plain();
    let fault = result(&sandbox, "fault reset-after-commit --operation putOrder --count 2");
    assert_eq!((&fault["fault"], &fault["left"]), (&json!("reset-after-commit"), &json!(2)));
    let fault = result(&sandbox, "fault latency --operation getStatus");
    assert_eq!(fault["left"], json!(null), "all calls: {fault}");
    assert_eq!(result(&sandbox, "fault --off 2")["faults"].as_array().map(Vec::len), Some(1));
    control(&sandbox, "fault").ends_with(0, &["latency"]).shows(&["reset-after-commit", "putOrder"]);
    assert_eq!(result(&sandbox, "fault --off 1")["faults"], json!([]));
    control(&sandbox, "fault --off 1").ends_with(1, &[]);
    control(&sandbox, "fault nonsense").ends_with(1, &["must be one of", "reset-after-commit"]);
}

#[test]
fn the_last_refused_request_is_explained_with_its_rule() {
    let sandbox = Sandbox::plain();
    control(&sandbox, "explain").ends_with(1, &["none of the last 100 requests was refused"]);
    let put = format!("{}/api/2.10/putOrder", sandbox.ready_text("/listen"));
    let answer = crate::support::http(&put, Some("{}"));
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    sandbox.run("tm status 99921269855041").ends_with(0, &[]);
    let explained = result(&sandbox, "explain");
    assert_eq!(explained["refused"], true, "{explained}");
    let rule = explained["reasons"][0]["rule"].as_str().unwrap();
    control(&sandbox, "explain").ends_with(0, &[]).shows(&[rule, "section"]);
    let number = explained["request"]["sequence"].as_u64().unwrap();
    assert_eq!(result(&sandbox, &format!("explain {number}"))["reasons"], explained["reasons"]);
    control(&sandbox, "explain 99999").ends_with(1, &[]);
}

#[test]
fn another_world_is_selected_by_its_id() {
    let sandbox = Sandbox::plain();
    sandbox.ask("worlds", Some(r#"{"id":"second"}"#));
    result(&sandbox, "fault latency --operation putOrder --world second");
    assert_eq!(result(&sandbox, "fault")["faults"], json!([]));
    assert_eq!(result(&sandbox, "fault --world second")["faults"][0]["operation"], "putOrder");
    control(&sandbox, "orders --world third").ends_with(1, &["second"]);
}

#[cfg(unix)]
#[test]
fn the_last_sandbox_is_found_until_it_ends() {
    use std::os::unix::fs::PermissionsExt as _;

    let state = tempfile::tempdir().unwrap();
    let orders = || run(identkit().args(["sandbox", "orders"]).env("IDENTKIT_STATE_DIR", state.path()));
    orders().ends_with(2, &["identkit sandbox", "--admin"]);
    let file = state.path().join("sandbox.json");
    let sandbox = Sandbox::with_state(state.path());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((&record["pid"], &record["admin"]), (&sandbox.id().into(), &sandbox.ready["admin"]));
    orders().ends_with(0, &[]);
    sandbox.end("TERM").ends_with(0, &[]);
    assert!(!file.exists());

    // A killed sandbox leaves its file.
    std::fs::write(&file, record.to_string()).unwrap();
    orders().ends_with(1, &["no sandbox responds", "identkit sandbox", "--admin"]);
}
