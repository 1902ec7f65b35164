//! Signing, cancelling and asking by hand.

use crate::support::{Sandbox, has, on_a_terminal};
use serde_json::{Value, json};

/// What makes the document's order one with something to sign.
pub(crate) fn to_sign() -> Value {
    json!({ "Add": 0, "eSignHash": { "Hash": "aGFzaA==", "Filename": "contract.pdf" } })
}

fn tan(sandbox: &Sandbox, id: &str) -> String {
    sandbox.ask(&format!("tans?order={id}"), None)["tans"][0].as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_signed_with_the_tan_that_was_texted() {
    let sandbox = Sandbox::plain();
    let id = sandbox.place(&to_sign());
    let tm = |arguments: &[&str]| sandbox.run(&[&["tm"], arguments].concat());
    tm(&["sign", "request", &id]).fails_with(5, &["requestSign"]);
    sandbox.play(&id, "identified");
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
    let id = sandbox.place(&to_sign());
    sandbox.play(&id, "identified");
    let tm = |arguments: &[&str]| sandbox.run(&[&["tm"], arguments].concat());
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
    let id = sandbox.place(&to_sign());
    let tm = |arguments: &[&str]| sandbox.run(&[&["tm"], arguments].concat());
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
    let id = sandbox.place(&to_sign());
    for (command, question) in [
        ("cancel", format!("Cancel the order {id}? ")),
        ("delete", format!("Delete the data of the order {id} at the vendor, for good? ")),
    ] {
        let ran = on_a_terminal(sandbox.identkit().args(["tm", command, &id]), "\u{4}");
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stdout.contains(&question) && ran.stdout.contains("\nerror: nothing was "), "{ran:#?}");
    }
    let told = sandbox.run(&["tm", "finality", &id]).stdout;
    assert!(!told.contains("final"), "{told}");
}

#[test]
fn banks_and_users_are_listed() {
    let sandbox = Sandbox::plain();
    let tm = |arguments: &[&str]| sandbox.run(&[&["tm"], arguments].concat());
    let banks = tm(&["banks"]).stdout;
    assert!(banks.contains("WELADED1OPR") && banks.contains("16050202"), "{banks}");
    assert_eq!(tm(&["banks", "--output", "json"]).json()["banks"].as_array().unwrap().len(), 3);
    assert!(tm(&["signme-user", "e.mustermann@example.com"]).stdout.contains("no account"));
    tm(&["signme-user", "nobody"]).fails_with(2, &["Email"]);
}
