//! Signing, cancelling and asking by hand.

use crate::support::{Sandbox, feed, has, on_a_terminal, run};
use serde_json::json;

/// Places the document's order with something to sign, and returns its id.
fn placed(sandbox: &Sandbox) -> String {
    let order = crate::support::order(&json!({
        "Add": 0,
        "eSignHash": { "Hash": "aGFzaA==", "Filename": "contract.pdf" },
    }));
    let ran = feed(sandbox.identkit().args(["tm", "put-order", "-", "--output", "json"]), order.as_bytes());
    ran.json()["OrderID"].as_str().unwrap().to_owned()
}

fn play(sandbox: &Sandbox, id: &str, story: &str) {
    let url = format!("{}/_sandbox/v1/orders/{id}/transition", sandbox.told("/admin"));
    let answer = crate::support::http(&url, Some(&json!({ "story": story }).to_string()));
    assert!(answer.contains(" 200 "), "{answer}");
}

fn tan(sandbox: &Sandbox, id: &str) -> String {
    let answer = crate::support::http(&format!("{}/_sandbox/v1/tans?order={id}", sandbox.told("/admin")), None);
    let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    body["tans"][0].as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_signed_with_the_tan_that_was_texted() {
    let sandbox = Sandbox::plain();
    let id = placed(&sandbox);
    let tm = |arguments: &[&str]| run(sandbox.identkit().arg("tm").args(arguments));
    tm(&["sign", "request", &id]).fails_with(5, &["requestSign"]);
    play(&sandbox, &id, "identified");
    tm(&["sign", "confirm", &id, "--tan", "123456"]).fails_with(5, &["requestSign first"]);
    tm(&["sign", "request", &id]).ends_with(0, &[]);
    tm(&["sign", "resend", &id]).ends_with(0, &[]);
    tm(&["sign", "confirm", &id, "--tan", "12345"]).fails_with(2, &["tan"]);
    tm(&["esign-hash", &id]).fails_with(5, &["getESignHash"]);
    let tan = tan(&sandbox, &id);
    tm(&["sign", "confirm", &id, "--tan", &tan]).ends_with(0, &[]);
    assert!(tm(&["esign-hash", &id]).stdout.contains("contract.pdf"));
    tm(&["sign", "resend", &id]).fails_with(5, &["already been processed"]);
}

#[test]
fn the_third_wrong_tan_cancels_the_order_and_is_told_as_such() {
    let sandbox = Sandbox::plain();
    let id = placed(&sandbox);
    play(&sandbox, &id, "identified");
    let tm = |arguments: &[&str]| run(sandbox.identkit().arg("tm").args(arguments));
    tm(&["sign", "request", &id]).ends_with(0, &[]);
    let wrong = if tan(&sandbox, &id) == "000000" { "111111" } else { "000000" };
    for _ in 0..2 {
        let ran = tm(&["sign", "confirm", &id, "--tan", wrong]);
        ran.fails_with(5, &["probably wrong"]);
        assert!(!ran.stderr.contains(wrong), "{ran:#?}");
    }
    tm(&["sign", "confirm", &id, "--tan", wrong]).fails_with(5, &["cancelled the order"]);
}

#[test]
fn cancelling_asks_on_a_terminal_only() {
    let sandbox = Sandbox::plain();
    let id = placed(&sandbox);
    let tm = |arguments: &[&str]| run(sandbox.identkit().arg("tm").args(arguments));
    tm(&["cancel", &id]).fails_with(2, &["--yes"]);
    tm(&["cancel", &id, "--yes"]).ends_with(0, &[]);
    tm(&["cancel", &id, "--yes"]).fails_with(5, &["cannot be cancelled"]);
    assert!(tm(&["finality", &id]).stdout.contains("ended by hand, final"));
}

#[test]
fn a_question_names_its_order_and_ctrl_d_is_a_no_on_a_line_of_its_own() {
    if !has("script") {
        return;
    }
    let sandbox = Sandbox::plain();
    let id = placed(&sandbox);
    for (command, question) in [
        ("cancel", format!("Cancel the order {id}? ")),
        ("delete", format!("Delete the data of the order {id} at the vendor, for good? ")),
    ] {
        let ran = on_a_terminal(sandbox.identkit().args(["tm", command, &id]), "\u{4}");
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stdout.contains(&question) && ran.stdout.contains("\nerror: nothing was "), "{ran:#?}");
    }
    let told = run(sandbox.identkit().args(["tm", "finality", &id])).stdout;
    assert!(!told.contains("final"), "{told}");
}

#[test]
fn banks_and_users_are_listed() {
    let sandbox = Sandbox::plain();
    let tm = |arguments: &[&str]| run(sandbox.identkit().arg("tm").args(arguments));
    let banks = tm(&["banks"]).stdout;
    assert!(banks.contains("WELADED1OPR") && banks.contains("16050202"), "{banks}");
    assert_eq!(tm(&["banks", "--output", "json"]).json()["banks"].as_array().unwrap().len(), 3);
    assert!(tm(&["signme-user", "e.mustermann@example.com"]).stdout.contains("no account"));
    tm(&["signme-user", "nobody"]).fails_with(2, &["Email"]);
}
