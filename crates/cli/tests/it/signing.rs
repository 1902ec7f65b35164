//! Signing, cancelling and asking by hand.

use crate::support::{Sandbox, Vendor, has, on_a_terminal};
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
    let sign = |what: &str| sandbox.run(&format!("tm sign {}", what.replace("ID", &id)));
    let hash = format!("tm esign-hash {id}");
    sign("request ID").fails_with(5, &["requestSign"]);
    sandbox.play(&id, "identified");
    sign("confirm ID --tan 123456").fails_with(5, &["requestSign first"]);
    sign("request ID").ends_with(0, &[]);
    sign("resend ID").ends_with(0, &[]);
    sign("confirm ID --tan 12345").fails_with(2, &["tan"]);
    sandbox.run(&hash).fails_with(5, &["getESignHash"]);
    let tan = tan(&sandbox, &id);
    sign(&format!("confirm ID --tan {tan}")).ends_with(0, &[]);
    sandbox.run(&hash).shows(&["contract.pdf"]);
    sign("resend ID").fails_with(5, &["already been processed"]);
}

#[test]
fn the_third_wrong_tan_cancels_the_order_and_is_told_as_such() {
    let sandbox = Sandbox::plain();
    let id = sandbox.place(&to_sign());
    sandbox.play(&id, "identified");
    sandbox.run(&format!("tm sign request {id}")).ends_with(0, &[]);
    let wrong = if tan(&sandbox, &id) == "000000" { "111111" } else { "000000" };
    for told in ["probably wrong", "probably wrong", "canceled the order"] {
        let ran = sandbox.run(&format!("tm sign confirm {id} --tan {wrong}"));
        ran.fails_with(5, &[told]).logs_none_of(&[wrong]);
    }
}

#[test]
fn cancelling_asks_on_a_terminal_only() {
    let sandbox = Sandbox::plain();
    let id = sandbox.place(&to_sign());
    sandbox.run(&format!("tm cancel {id}")).fails_with(2, &["--yes"]);
    sandbox.run(&format!("tm cancel {id} --yes")).ends_with(0, &[]);
    sandbox.run(&format!("tm cancel {id} --yes")).fails_with(5, &["cannot be canceled"]);
    sandbox.run(&format!("tm finality {id}")).shows(&["ended by hand, final"]);
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
        let ran = on_a_terminal(&sandbox.command(&format!("tm {command} {id}")), "\u{4}");
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        ran.shows(&[&question, "\nerror: nothing was "]);
    }
    let told = sandbox.run(&format!("tm finality {id}")).stdout;
    assert!(!told.contains("final"), "{told}");
}

#[test]
fn banks_and_users_are_listed() {
    let sandbox = Sandbox::plain();
    sandbox.run("tm banks").shows(&["WELADED1OPR", "16050202"]);
    assert_eq!(sandbox.json("tm banks")["banks"].as_array().unwrap().len(), 3);
    sandbox.run("tm signme-user e.mustermann@example.com").shows(&["no account"]);
    sandbox.run("tm signme-user nobody").fails_with(2, &["Email"]);
}
