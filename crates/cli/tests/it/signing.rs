//! Signing, cancellation, banks and sign-me users.

use crate::support::{Sandbox, Vendor, has, run_in_terminal};
use serde_json::{Value, json};

/// Changes that add something to sign to the document's order.
pub(crate) fn to_sign() -> Value {
    json!({ "Add": 0, "eSignHash": { "Hash": "aGFzaA==", "Filename": "contract.pdf" } })
}

fn tan(sandbox: &Sandbox, id: &str) -> String {
    sandbox.ask(&format!("tans?order={id}"), None)["tans"][0].as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_signed_with_the_texted_tan() {
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
fn the_third_wrong_tan_reports_the_cancellation() {
    let sandbox = Sandbox::plain();
    let id = sandbox.place(&to_sign());
    sandbox.play(&id, "identified");
    sandbox.run(&format!("tm sign request {id}")).ends_with(0, &[]);
    let wrong = if tan(&sandbox, &id) == "000000" { "111111" } else { "000000" };
    for expected in ["probably wrong", "probably wrong", "canceled the order"] {
        let result = sandbox.run(&format!("tm sign confirm {id} --tan {wrong}"));
        result.fails_with(5, &[expected]).logs_none_of(&[wrong]);
    }
}

#[test]
fn cancel_requires_yes_without_a_terminal() {
    let sandbox = Sandbox::plain();
    let id = sandbox.place(&to_sign());
    sandbox.run(&format!("tm cancel {id}")).fails_with(2, &["--yes"]);
    sandbox.run(&format!("tm cancel {id} --yes")).ends_with(0, &[]);
    sandbox.run(&format!("tm cancel {id} --yes")).fails_with(5, &["cannot be canceled"]);
    sandbox.run(&format!("tm finality {id}")).shows(&["terminated, final"]);
}

#[test]
fn a_question_names_its_order_and_ctrl_d_means_no() {
    if !has("script") {
        return;
    }
    let sandbox = Sandbox::plain();
    let id = sandbox.place(&to_sign());
    for (command, question) in [
        ("cancel", format!("Cancel the order {id}? ")),
        ("delete", format!("Permanently delete the data of the order {id} at the vendor? ")),
    ] {
        let result = run_in_terminal(&sandbox.command(&format!("tm {command} {id}")), "\u{4}");
        assert_eq!(result.code, Some(2), "{result:#?}");
        result.shows(&[&question, "\nerror: not "]);
    }
    let output = sandbox.run(&format!("tm finality {id}")).stdout;
    assert!(!output.contains("final"), "{output}");
}

#[test]
fn banks_and_users_are_listed() {
    let sandbox = Sandbox::plain();
    sandbox.run("tm banks").shows(&["WELADED1OPR", "16050202"]);
    assert_eq!(sandbox.json("tm banks")["banks"].as_array().unwrap().len(), 3);
    sandbox.run("tm signme-user e.mustermann@example.com").shows(&["no account"]);
    sandbox.run("tm signme-user nobody").fails_with(2, &["Email"]);
}
