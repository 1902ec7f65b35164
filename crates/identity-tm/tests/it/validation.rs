//! The strict writer of putOrder, rule by rule: broken alone, a rule is the only fault; broken together, all are told.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;

type Told = BTreeSet<(String, &'static str)>;

fn order(text: &Value) -> PutOrder {
    PutOrder::from_json(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn faults_by(text: &Value, dialect: &Dialect) -> Told {
    let Err(error) = order(text).check(dialect) else { return Told::new() };
    assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
    assert_eq!((error.advice(), error.operation()), (Advice::FixInput, Some("putOrder")));
    let told: Vec<_> = error.violations().iter().map(|fault| (fault.field.clone().into_owned(), fault.rule)).collect();
    let set: Told = told.iter().cloned().collect();
    assert_eq!(set.len(), told.len(), "a fault is told twice: {told:?}");
    assert!(error.violations().iter().all(|fault| fault.section == "[T] 3.1.3"));
    set
}

fn faults(text: &Value) -> Told {
    faults_by(text, &both_signatures())
}

/// An element, a wrong value for it, the field and the rule of the only fault.
fn broken() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let control = || json!("a\u{7}b");
    let details = |count: usize| {
        let one = json!({"Type": 1, "Label": "l", "Value": "v"});
        Value::Object((0..count).map(|at| (format!("d{at}"), one.clone())).collect())
    };
    vec![
        ("Product", Value::Null, "Product", "T-056"),
        ("Add", Value::Null, "Add", "T-056"),
        ("Add", json!(8 | 16), "Add", "T-052"),
        ("Email", Value::Null, "Email", "T-056"),
        ("Email", json!("  "), "Email", "T-056"),
        ("Email", json!("e@"), "Email", "AT-47"),
        ("Address", Value::Null, "Address", "T-056"),
        ("Address.Firstname", Value::Null, "Address.Firstname", "T-056"),
        ("Address.Firstname", json!(" "), "Address.Firstname", "T-056"),
        ("Address.Surname", Value::Null, "Address.Surname", "T-056"),
        ("Address.Country", Value::Null, "Address.Country", "T-056"),
        ("Address.Country", json!(""), "Address.Country", "T-056"),
        ("Address.Country", json!("DEU"), "Address.Country", "AT-44"),
        ("Address.ZipCode", json!("123456"), "Address.ZipCode", "AT-45"),
        ("Address.ZipCode", control(), "Address.ZipCode", "T-005"),
        ("Address.City", control(), "Address.City", "T-005"),
        ("Phone", json!("0170 1234567"), "Phone", "AT-51"),
        ("Mobile", json!("+49"), "Mobile", "AT-51"),
        ("Ref", json!("Shop GWG"), "Ref", "AT-20"),
        ("WebhookURL.AfterVideo", json!("https://example.com"), "WebhookURL", "T-050"),
        ("WebhookURL.OnFinal", control(), "WebhookURL.OnFinal", "T-005"),
        ("IdentData.Country", json!("de"), "IdentData.Country", "AT-44"),
        ("IdentData.ZipCode", json!("123456"), "IdentData.ZipCode", "AT-45"),
        ("IdentData.Birthdate", json!("12.08.1964"), "IdentData.Birthdate", "T-005"),
        ("IdentData.Birthdate", json!("1964-02-30"), "IdentData.Birthdate", "T-005"),
        ("IdentData.Birthdate", json!("19640812"), "IdentData.Birthdate", "T-005"),
        ("IdentData.Birthdate", json!("1964-08-12 "), "IdentData.Birthdate", "T-005"),
        ("IdentData.Gender", json!("Female"), "IdentData.Gender", "AT-50"),
        ("IdentData.Email", json!("e e@example.com"), "IdentData.Email", "AT-47"),
        ("IdentData.Mobile", json!("e@example.com"), "IdentData.Mobile", "AT-51"),
        ("IdentData.IDCard.DateOfIssue", json!("soon"), "IdentData.IDCard.DateOfIssue", "T-005"),
        ("IdentData.IDCard.ValidUntil", json!("2030-13-01"), "IdentData.IDCard.ValidUntil", "T-005"),
        ("IdentData.DriverLicence.DateOfIssue", json!("2"), "IdentData.DriverLicence.DateOfIssue", "T-005"),
        ("IdentData.Additional", details(11), "IdentData.Additional", "AT-83"),
        ("IdentData.Additional.detail.Type", Value::Null, "IdentData.Additional[0].Type", "T-056"),
        ("IdentData.Additional.detail.Type", json!(0), "IdentData.Additional[0].Type", "AT-83"),
        ("IdentData.Additional.detail.Type", json!(5), "IdentData.Additional[0].Type", "AT-83"),
        ("IdentData.Additional.detail.Type", json!(2), "IdentData.Additional[0].Value", "T-005"),
        ("IdentData.Additional.detail.Label", Value::Null, "IdentData.Additional[0].Label", "T-056"),
        ("LegitimationDocument.Document", control(), "LegitimationDocument[0].Document", "T-005"),
        ("eSignPDF.Data", Value::Null, "eSignPDF.Data", "AT-33"),
        ("eSignPDF.Data", json!("UEs="), "eSignPDF.Data", "AT-86"),
        ("eSignPDF.SignaturePosX", Value::Null, "eSignPDF.SignaturePosX", "AT-85"),
        ("eSignPDF.SignatureFieldName", json!("field 1"), "eSignPDF.SignatureFieldName", "AT-85"),
        ("eSignPDF.SignatureHeight", json!(-1), "eSignPDF.SignatureHeight", "AT-85"),
        ("eSignHash.Hash", Value::Null, "eSignHash.Hash", "AT-33"),
        ("eSignHash.Hash", json!(""), "eSignHash.Hash", "AT-33"),
        ("eSignHash.Hash", json!("no Base64"), "eSignHash.Hash", "AT-33"),
        ("eSignHash.Filename", Value::Null, "eSignHash.Filename", "AT-35"),
        ("eSignHash.SignaturePosY", Value::Null, "eSignHash.SignaturePosX", "AT-85"),
        ("MultiSignOptions.FirstOrderID", Value::Null, "MultiSignOptions.FirstOrderID", "T-056"),
        (
            "MultiSignOptions.SignParameters.SignaturePosY",
            Value::Null,
            "MultiSignOptions.SignParameters[0].SignaturePosX",
            "AT-85",
        ),
        ("EmailNotifications.OnPositiveIdent", json!("yes"), "EmailNotifications.OnPositiveIdent", "AT-47"),
        ("EmailNotifications.OnNegativeIdent", json!("no"), "EmailNotifications.OnNegativeIdent", "AT-47"),
        ("EmailNotifications.OnTimeOut", json!("e@.de"), "EmailNotifications.OnTimeOut", "AT-47"),
        ("EmailNotifications.OnLeave", json!("e@de."), "EmailNotifications.OnLeave", "AT-47"),
    ]
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

#[test]
fn an_order_to_sign_needs_something_to_sign_unless_it_makes_an_account_only() {
    let bare = || plain_order().product(15_u32);
    let told = |order: PutOrder| match order.check(&Dialect::default()) {
        Ok(_) => Told::new(),
        Err(error) => error.violations().iter().map(|fault| (fault.field.clone().into_owned(), fault.rule)).collect(),
    };
    let nothing = Told::from([("eSignPDF".to_owned(), "T-052")]);
    assert_eq!(told(bare()), nothing);
    assert_eq!(told(bare().add(16_u64)), nothing);
    assert_eq!(
        told(
            order(&json!({"eSignPDF": []}))
                .product(15_u32)
                .add(0_u64)
                .email("e@x.de")
                .address(plain_order().address.unwrap())
        ),
        nothing
    );
    assert_eq!(told(bare().add(8_u64)), Told::new());
    assert_eq!(told(plain_order()), Told::new());
}

#[test]
fn what_is_odd_without_being_wrong_is_a_warning() {
    let data = encode_base64(PDF);
    for (change, rule) in [
        (json!({"Product": 17}), "T-006"),
        (json!({"Product": 0, "getVideoHashes": true}), "T-054"),
        (json!({"Product": 12, "Add": 8}), "T-052"),
        (json!({"Product": 12, "Add": 16}), "T-052"),
        (json!({"Product": 15, "Add": 8, "eSignPDF": {"Data": data, "Filename": "a.pdf"}}), "T-052"),
        (json!({"Product": 15, "eSignPDF": {"Data": data}}), "AT-35"),
        (json!({"IdentData": {"CollectedBy": "x"}}), "T-053"),
        (json!({"IdentData": {"IDCard": {"Images": {}}}}), "T-053"),
        (json!({"IdentData": {"DriverLicence": {}}}), "T-053"),
        (json!({"Ref": null}), "AT-19"),
        (json!({"Ref": ""}), "AT-19"),
    ] {
        let mut text = serde_json::to_value(plain_order()).unwrap();
        for (key, value) in change.as_object().unwrap() {
            text[key] = value.clone();
        }
        let warnings = order(&text).check(&Dialect::default()).unwrap();
        assert_eq!(warnings.iter().map(|warning| warning.rule).collect::<Vec<_>>(), [rule], "{change}");
    }
    for change in [
        json!({"Product": 15, "getVideoHashes": true, "Add": 8}),
        json!({"Add": 4_194_304, "IdentData": {"CollectedBy": "x", "IDCard": {"Images": {}}}}),
        json!({"Add": 4096, "IdentData": {"DriverLicence": {}}}),
        json!({"Add": 8192, "IdentData": {"DriverLicence": {}}}),
    ] {
        let mut text = serde_json::to_value(plain_order()).unwrap();
        for (key, value) in change.as_object().unwrap() {
            text[key] = value.clone();
        }
        assert_eq!(order(&text).check(&Dialect::default()).unwrap(), [], "{change}");
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
