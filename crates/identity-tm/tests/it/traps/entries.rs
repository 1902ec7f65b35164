//! Odd entries of a status: another shape of the same thing is read, and what is no code costs neither the entry nor
//! the list that it stands in.

use super::*;

/// An answer's entries by both calls, as codes and as they are written again. What stands behind them is read too.
fn both(status: &Value) -> (Vec<u32>, Value) {
    let order = json!({ "OrderID": ORDER, "Status": status });
    let one = decode(&GetStatus::new(id()), &json_answer(200, order.to_string()))
        .unwrap_or_else(|error| panic!("{order}: {error}"))
        .value;
    let text = json!([order, { "OrderID": "2", "Status": [{ "Kind": 25 }] }]).to_string();
    let list = decode(&GetAllStatus::new(period()), &json_answer(200, text))
        .unwrap_or_else(|error| panic!("{order}: {error}"))
        .value;
    assert_eq!(list.0[1].kinds().collect::<Vec<_>>(), [StatusKind::INITIALISED], "{order}");
    let kinds: Vec<u32> = one.kinds().map(|kind| kind.0).collect();
    assert_eq!(list.0[0].kinds().map(|kind| kind.0).collect::<Vec<_>>(), kinds, "{order}");
    let written = serde_json::to_value(&one).unwrap()["Status"].clone();
    assert_eq!(serde_json::to_value(&list).unwrap()[0]["Status"], written, "{order}");
    (kinds, written)
}

#[test]
fn contract_rule_r_a_code_is_a_number_or_a_text_that_is_one() {
    for kind in [json!(6), json!("6"), json!(" 6 "), json!(6.0)] {
        assert_eq!(both(&json!([{ "Kind": kind }])), (vec![6], json!([{ "Kind": 6 }])), "{kind}");
    }
    let unknown = json!([{ "Kind": 4_294_967_295_u32 }]);
    assert_eq!(both(&unknown), (vec![u32::MAX], unknown));
}

#[test]
fn contract_rule_r_what_is_no_code_is_kept_and_costs_nothing_else() {
    for kind in [json!(-1), json!(4_294_967_296_u64), json!(6.5), json!("six"), json!(""), json!(true)] {
        let entries = json!([{ "Kind": kind, "Text": "TAN" }, { "Kind": 6 }]);
        let kept = json!([{ "KindAsItCame": kind, "Text": "TAN" }, { "Kind": 6 }]);
        assert_eq!(both(&entries), (vec![6], kept));
    }
    assert_eq!(both(&json!([{ "Kind": null }, { "Kind": 6 }])), (vec![6], json!([{}, { "Kind": 6 }])));
}

#[test]
fn contract_rule_r_a_number_for_a_time_or_a_text_is_its_text() {
    for (odd, text) in
        [(json!(1_536_138_381), "1536138381"), (json!(-1), "-1"), (json!(1.5), "1.5"), (json!(true), "true")]
    {
        for key in ["Time", "Text"] {
            let entries = json!([{ "Kind": 6, key: odd }, { "Kind": 84, key: "x" }]);
            let expected = json!([{ "Kind": 6, key: text }, { "Kind": 84, key: "x" }]);
            assert_eq!(both(&entries), (vec![6, 84], expected), "{key}");
        }
        let order = json!({ "OrderID": ORDER, "Ref": odd, "Executed": odd });
        let expected = json!({ "OrderID": ORDER, "Ref": text, "Executed": text });
        let one = decode(&GetStatus::new(id()), &json_answer(200, order.to_string())).unwrap().value;
        assert_eq!(serde_json::to_value(&one).unwrap(), expected);
        let slot = |value: &Value| json!([{ "TVSlot": { "SlotBegin": value, "SlotEnd": value } }]);
        for (given, expected) in [(json!([order]), json!([expected])), (slot(&odd), slot(&text.into()))] {
            let list = decode(&GetAllStatus::new(period()), &json_answer(200, given.to_string())).unwrap().value;
            assert_eq!(serde_json::to_value(&list).unwrap(), expected);
        }
    }
}

#[test]
fn contract_rule_r_null_is_no_entry_and_one_entry_needs_no_array() {
    let (six, last) = (json!({ "Kind": 6, "Time": "2018-09-05T10:00:00+02:00" }), json!({ "Kind": 84 }));
    assert_eq!(both(&json!([null, six, null, last, null])), (vec![6, 84], json!([six, last])));
    assert_eq!(both(&json!([null])), (vec![], json!([])));
    assert_eq!(both(&six), (vec![6], json!([six])));
}

#[test]
fn an_object_for_a_code_is_refused_by_its_path_and_unquoted() {
    for (key, expected) in [("Kind", "a whole number"), ("Time", "a date-time"), ("Text", "a string")] {
        let order = json!({ "Status": [{ "Kind": 25 }, { key: { "Mustermann": 6 } }] });
        let error = fault(decode(&GetStatus::new(id()), &json_answer(200, order.to_string())));
        assert!(error.detail().contains(&format!("Status[1].{key}: expected {expected}")), "{error}");
    }
}
