//! The strict writer of putOrder, rule by rule: broken alone, a rule is the only fault; broken together, all are told.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;

type Told = BTreeSet<(String, &'static str)>;

fn order(text: &Value) -> PutOrder {
    PutOrder::from_json(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn faults(text: &Value) -> Told {
    let Err(error) = order(text).check(&both_signatures()) else { return Told::new() };
    assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
    assert_eq!((error.advice(), error.operation()), (Advice::FixInput, Some("putOrder")));
    let told: Vec<_> = error.violations().iter().map(|fault| (fault.field.clone().into_owned(), fault.rule)).collect();
    let set: Told = told.iter().cloned().collect();
    assert_eq!(set.len(), told.len(), "a fault is told twice: {told:?}");
    assert!(error.violations().iter().all(|fault| fault.section == "[T] 3.1.3"));
    set
}

/// An element, a wrong value for it, the field and the rule of the only fault.
fn broken() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let rows = include_str!("broken_orders.tsv").lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let rows: Vec<_> = rows.map(|row| (row[0], serde_json::from_str(row[1]).unwrap(), row[2], row[3])).collect();
    assert_eq!(rows.len(), 56);
    rows
}

#[test]
fn orders_that_break_no_rule_have_no_fault() {
    assert_eq!(faults(&full_order_json()), Told::new());
    for order in [plain_order(), document_order()] {
        assert!(order.check(&Dialect::default()).is_ok());
    }
}

#[test]
fn each_rule_broken_alone_is_the_only_fault() {
    for (path, value, field, rule) in broken() {
        let mut text = full_order_json();
        set(&mut text, path, value.clone());
        assert_eq!(faults(&text), Told::from([(field.to_owned(), rule)]), "{path} = {value}");
    }
}

#[test]
fn all_rules_broken_at_once_are_told_at_once() {
    let mut text = full_order_json();
    let mut expected = Told::new();
    let mut taken: Vec<&str> = Vec::new();
    for (path, value, field, rule) in broken() {
        // One fault an element, and none that takes others away with it.
        if taken.contains(&path) || matches!(path, "Address" | "IdentData.Additional") {
            continue;
        }
        taken.push(path);
        set(&mut text, path, value);
        expected.insert((field.to_owned(), rule));
    }
    assert!(expected.len() > 35, "{}", expected.len());
    let told = faults(&text);
    assert_eq!(told, expected, "missing: {:?}", expected.difference(&told).collect::<Vec<_>>());
    let shown = order(&text).check(&both_signatures()).unwrap_err().to_string();
    for (field, rule) in expected {
        assert!(shown.contains(&field) && shown.contains(rule), "{field} {rule} is not in: {shown}");
    }
}

/// Path and length of every element of putOrder's request to which the contract's table gives a length.
fn lengths() -> BTreeMap<String, usize> {
    include_str!("../../../../docs/contract/fields.tsv")
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|row| row[2] == "PUT /putOrder" && row[3] == "req" && !row[6].is_empty())
        .map(|row| (row[4].to_owned(), row[6].trim_end_matches(" (name)").parse().unwrap()))
        .collect()
}

/// A text of so many Unicode scalar values that is right for the element but for its length.
fn of_length(path: &str, length: usize) -> String {
    match path {
        "Ref" | "MultiSignOptions.FirstOrderID" => "r".repeat(length),
        "Email" | "IdentData.Email" => format!("{}@x.de", "ö".repeat(length - 5)),
        path if path.starts_with("EmailNotifications.") => format!("{}@x.de", "ö".repeat(length - 5)),
        _ => "ö".repeat(length),
    }
}

#[test]
fn at_46_every_length_of_the_table_is_kept_and_counted_in_unicode_scalar_values() {
    let mut tested = 0;
    for (path, most) in lengths() {
        let (at, field) = (
            path.replace("[]", "").replace("<detail>", "detail"),
            path.replace("[]", "[0]").replace(".<detail>", "[0]"),
        );
        let rule = match path.rsplit('.').next().unwrap() {
            // Shapes of their own, with other limits: AT-44, AT-51.
            "Country" | "Phone" | "Mobile" => continue,
            "ZipCode" => "AT-45",
            "FirstOrderID" => "AT-22",
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
            let expected = if fits { Told::new() } else { Told::from([(field, rule)]) };
            assert_eq!(faults(&order), expected, "{path}, {length} characters");
        }
    }
    assert_eq!(tested, 41, "the elements of the table that have a length");
}
