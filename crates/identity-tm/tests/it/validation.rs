//! The rules of putOrder, each broken alone and all broken together.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;

type Violations = BTreeSet<(String, &'static str)>;

fn order(text: &Value) -> PutOrder {
    PutOrder::from_json(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn violations(text: &Value) -> Violations {
    let Err(error) = order(text).check(&both_signatures()) else { return Violations::new() };
    assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
    assert_eq!((error.advice(), error.operation()), (Advice::FixInput, Some("putOrder")));
    let violations: Vec<_> =
        error.violations().iter().map(|violation| (violation.field.clone().into_owned(), violation.rule)).collect();
    let set: Violations = violations.iter().cloned().collect();
    assert_eq!(set.len(), violations.len(), "a violation is reported twice: {violations:?}");
    assert!(error.violations().iter().all(|violation| violation.section == "[T] 3.1.3"));
    set
}

/// Returns an element, an invalid value for it, and the field and rule of the only violation.
fn broken() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let rows = include_str!("broken_orders.tsv").lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let rows: Vec<_> = rows.map(|row| (row[0], serde_json::from_str(row[1]).unwrap(), row[2], row[3])).collect();
    assert_eq!(rows.len(), 62);
    rows
}

#[test]
fn valid_orders_have_no_violation() {
    assert_eq!(violations(&full_order_json()), Violations::new());
    for order in [plain_order(), document_order()] {
        assert!(order.check(&Dialect::default()).is_ok());
    }
}

#[test]
fn each_broken_rule_alone_is_the_only_violation() {
    for (path, value, field, rule) in broken() {
        let mut text = full_order_json();
        set(&mut text, path, value.clone());
        assert_eq!(violations(&text), Violations::from([(field.to_owned(), rule)]), "{path} = {value}");
    }
}

#[test]
fn at_33_base64_is_checked_beyond_the_header() {
    let mut text = full_order_json();
    let document = encode_base64(&[b"%PDF-1.7\n".as_slice(), &[b' '; 3000]].concat());
    set(&mut text, "eSignPDF.Data", document.clone().into());
    assert_eq!(violations(&text), Violations::new());
    set(&mut text, "eSignPDF.Data", format!("{document}!!").into());
    assert_eq!(violations(&text), Violations::from([("eSignPDF.Data".to_owned(), "AT-33")]));
}

#[test]
fn all_broken_rules_are_reported_at_once() {
    let mut text = full_order_json();
    let mut expected = Violations::new();
    let mut used: Vec<&str> = Vec::new();
    for (path, value, field, rule) in broken() {
        // One violation per element, and none that hides others.
        if used.contains(&path) || matches!(path, "Address" | "IdentData.Additional") {
            continue;
        }
        used.push(path);
        set(&mut text, path, value);
        expected.insert((field.to_owned(), rule));
    }
    assert!(expected.len() > 34, "{}", expected.len());
    let violations = violations(&text);
    assert_eq!(violations, expected, "missing: {:?}", expected.difference(&violations).collect::<Vec<_>>());
    let shown = order(&text).check(&both_signatures()).unwrap_err().to_string();
    for (field, rule) in expected {
        assert!(shown.contains(&field) && shown.contains(rule), "{field} {rule} is not in: {shown}");
    }
}

/// Returns path and length of every element of putOrder's request with a length in the contract's table.
fn lengths() -> BTreeMap<String, usize> {
    include_str!("../../../../docs/contract/fields.tsv")
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|row| row[2] == "PUT /putOrder" && row[3] == "req" && !row[6].is_empty())
        .map(|row| (row[4].to_owned(), row[6].trim_end_matches(" (name)").parse().unwrap()))
        .collect()
}

/// Returns a text of `length` Unicode scalar values that is otherwise valid for the element.
fn of_length(path: &str, length: usize) -> String {
    match path {
        "Ref" | "MultiSignOptions.FirstOrderID" => "r".repeat(length),
        "Email" | "IdentData.Email" => format!("{}@x.de", "ö".repeat(length - 5)),
        path if path.starts_with("EmailNotifications.") => format!("{}@x.de", "ö".repeat(length - 5)),
        _ => "ö".repeat(length),
    }
}

#[test]
fn at_46_lengths_are_checked_in_unicode_scalar_values() {
    let mut tested = 0;
    for (path, most) in lengths() {
        let (at, field) = (
            path.replace("[]", "").replace("<detail>", "detail"),
            path.replace("[]", "[0]").replace(".<detail>", "[0]"),
        );
        let rule = match path.rsplit('.').next().unwrap() {
            // These have their own syntax with other limits: AT-22, AT-44, AT-51.
            "Country" | "Phone" | "Mobile" | "FirstOrderID" => continue,
            "ZipCode" => "AT-45",
            _ => "T-005",
        };
        tested += 1;
        for (length, fits) in [(most, true), (most + 1, false)] {
            let text = of_length(&path, length);
            assert_eq!(text.chars().count(), length);
            let mut order = full_order_json();
            let mut field = field.clone();
            if path == "IdentData.Additional.<detail>" {
                let detail = order["IdentData"]["Additional"]["detail"].take();
                order["IdentData"]["Additional"] = json!({ text: detail });
                field = "IdentData.Additional[0] (its name)".to_owned();
            } else {
                set(&mut order, &at, text.into());
            }
            if path == "WebhookURL.AfterVideo" {
                set(&mut order, "WebhookURL.AfterIdent", Value::Null);
            }
            let expected = if fits { Violations::new() } else { Violations::from([(field, rule)]) };
            assert_eq!(violations(&order), expected, "{path}, {length} characters");
        }
    }
    assert_eq!(tested, 40, "number of elements with a length");
}
