//! `identkit explain`.

use serde_json::json;

use crate::support::{Run, identkit, run};

fn explain(line: &str) -> Run {
    run(identkit().arg("explain").args(line.split(' ')))
}

#[test]
fn a_trap_is_explained_with_requirement_and_rules() {
    let found = explain("at-54 --output json").ends_with(0, &[]).json();
    assert_eq!(found["id"], "AT-54");
    assert_eq!(found["requirement"]["section"], "7. identity.TM — inconsistencies, ambiguities, traps");
    assert!(found["trap"]["title"].as_str().unwrap().contains("TAN"), "{found}");
    let rules = found["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "AT-54/limit" && rule["can_be_off"].is_boolean()), "{found}");
    explain("AT-54").ends_with(0, &["W the writer"]).shows(&["ask the vendor", "decision", "rule AT-54/limit"]);
}

#[test]
fn requirements_fields_and_rules_have_their_own_parts() {
    let requirement = explain("T-040 --output json").json();
    assert_eq!(requirement["trap"], json!(null));
    assert!(requirement["requirement"]["basis"].as_str().unwrap().contains("follows"), "{requirement}");
    let related = explain("AT-78 --output json").json();
    assert!(related["related"].as_array().unwrap().contains(&json!("T-040")), "{related}");
    let field = explain("F-002 --output json").json();
    assert_eq!((&field["field"]["path"], &field["field"]["call"]), (&json!("APIKEY"), &json!("POST /auth")));
    let rule = explain("AT-54/LIMIT --output json").json();
    assert_eq!((&rule["id"], rule["rules"].as_array().unwrap().len()), (&json!("AT-54/limit"), 1));
    assert_eq!(rule["requirement"]["id"], "AT-54");
    explain("M-15").ends_with(0, &[]).shows(&["Landing pages", "cannot be switched off"]);
}

#[test]
fn an_unknown_id_is_an_error_with_similar_ids() {
    explain("AT-156").fails_with(2, &["the id AT-156 does not exist", "similar ids:", "AT-56"]);
    explain("AT-54/limits").fails_with(2, &["similar ids: AT-54/limit"]);
    explain("nonsense").fails_with(2, &["the id nonsense does not exist", "docs/traps.md"]);
}
