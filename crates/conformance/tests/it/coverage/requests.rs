//! Requests to identity.TM: the sandbox accepts a request with every element, and rejects it if a row's rule is broken.

use std::collections::BTreeMap;

use identkit_mock_server::Profile;
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use crate::coverage::document::{
    allowed_values, everything, is_country, letters, of_length, pdf_with_fields, put, remove, rename, replace,
    valid_value, wrong_type,
};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::harness::{Answer, Harness};
use crate::coverage::rows::{IDENTITY_TM, Row, Step, endpoints, row, rows_of, siblings};

/// A request that breaks one rule.
struct Violation {
    rule: &'static str,
    text: Value,
    /// Whether the rejection may name another element of the same object, because the rule is about several.
    together: bool,
}

/// The requests that break a rule of the row, generated from its columns.
fn violations(row: &Row, valid: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut breaks = |rule, together, change: &dyn Fn(&mut Value)| {
        let mut text = valid.clone();
        change(&mut text);
        violations.push(Violation { rule, text, together });
    };
    breaks("another type", false, &|text| replace(text, &row.steps, wrong_type(row)));
    if row.required {
        breaks("required", false, &|text| remove(text, &row.steps));
    }
    if let Some(max) = row.max {
        // A text of the right form if one exists with that length, otherwise letters.
        let long = of_length(row, max + 1).unwrap_or_else(|| letters(max + 1).into());
        if row.of_name {
            breaks("too long by one", false, &|text| rename(text, &row.steps, letters(max + 1)));
        } else {
            breaks("too long by one", false, &|text| replace(text, &row.steps, long.clone()));
        }
    }
    let odd: &[&str] = match row.kind.as_str() {
        "DS" => &["12.08.1964", "1964-02-30", "soon"],
        "DTS" => &["2020-09-10", "2020-09-10T12:00:00", "soon"],
        "PN" => &["0170 1234567", "+49 170 1234567", "+"],
        _ if is_country(row) => &["de", "D1", "Germany"],
        _ if row.note.contains("mail address") || row.name() == "Email" => &["nobody", "a b@example.com"],
        _ if row.note.starts_with("Base64") && row.required => &["not Base64!", ""],
        _ => &[],
    };
    for odd in odd {
        breaks("invalid form", false, &|text| replace(text, &row.steps, (*odd).into()));
    }
    match allowed_values(row).as_slice() {
        [] => {}
        [Value::Number(_), ..] => {
            let beyond = allowed_values(row).iter().filter_map(Value::as_u64).max().unwrap_or_default() + 1;
            breaks("not in its list", false, &|text| replace(text, &row.steps, beyond.into()));
        }
        _ => breaks("not in its list", false, &|text| replace(text, &row.steps, "other".into())),
    }
    if let Some(max) = row.note.strip_prefix("<= ").and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok()) {
        breaks("too large by one", false, &|text| replace(text, &row.steps, (max + 1).into()));
    }
    if let Some(other) = row.note.strip_prefix("xor ")
        && let Some(other) = siblings(row).find(|one| one.parent() == row.parent() && one.name() == other)
    {
        breaks("excludes the other", true, &|text| put(text, &other.steps, valid_value(other)));
    }
    if row.note.contains("only with Pos") {
        breaks("only with a position", true, &|text| {
            for place in
                siblings(row).filter(|one| one.parent() == row.parent() && one.name().starts_with("SignaturePos"))
            {
                remove(text, &place.steps);
            }
        });
    }
    violations
}

/// Removes indexes and chosen names from a path.
fn bare(path: &str) -> String {
    let path = path.replace(" (its name)", "").replace("[]", "");
    let steps = path.split('.').map(|step| step.split('[').next().unwrap_or_default());
    steps.filter(|step| !step.is_empty() && *step != "*" && !step.starts_with('<')).collect::<Vec<_>>().join(".")
}

/// Whether the rejection names the row's element, as the field of a violation or in the path of a JSON error.
fn names(answer: &Answer, row: &Row, together: bool) -> bool {
    answer.faults().iter().any(|(field, message)| {
        let read = message.strip_prefix("the JSON cannot be read: ").and_then(|rest| rest.split(": ").next());
        let path = if field == "body" { read.unwrap_or_default() } else { field };
        // Hand-written readers write `*` for the names in their objects.
        let by_hand = path.strip_suffix(".*").is_some_and(|parent| bare(parent) == bare(row.parent()));
        let same_object = || {
            let parent = bare(row.parent());
            bare(path) == parent || bare(path).rsplit_once('.').is_some_and(|(before, _)| before == parent)
        };
        bare(path) == bare(&row.path) || by_hand || (together && same_object())
    })
}

/// A sandbox with an order in the state in which the endpoint accepts its request.
struct Stage {
    harness: Harness,
    method: &'static str,
    path: String,
    /// Values that depend on the sandbox, by JSON pointer.
    fixed: BTreeMap<&'static str, Value>,
}

async fn stage(endpoint: &str) -> Stage {
    let harness = Harness::new(Profile::Literal);
    let order = |change: Value| {
        let mut order = json!({
            "Ref": "ref-1", "Product": 12, "Add": 0, "Email": "e.mustermann@example.com",
            "Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": "DE"},
        });
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        order
    };
    let (method, template) = endpoint.split_once(' ').unwrap();
    let method = match method {
        "PUT" => "PUT",
        "POST" => "POST",
        other => panic!("{endpoint}: requests of identity.TM with a body are PUT and POST, not {other}"),
    };
    let base = template.split('[').next().unwrap();
    let mut fixed = BTreeMap::new();
    let mut id = String::new();
    match endpoint {
        "POST /confirmSign/{OrderID}" => {
            let hash = json!({"Hash": "YQ==", "Filename": "a.pdf"});
            id = harness.place(&order(json!({"Product": 15, "eSignHash": hash}))).await;
            harness.play(&id, "identified").await.unwrap();
            assert_eq!(harness.call("POST", &format!("/requestSign/{id}"), "").await.status, 202);
            fixed.insert("/tan", harness.sandbox.tan(&id).unwrap().expose().into());
        }
        "PUT /putOrder" => {
            // The master order has files with the default name and with the longest name.
            let named =
                rows_of(IDENTITY_TM).find(|row| row.path == "MultiSignOptions.SignParameters[].Filename").unwrap();
            let data = encode_base64(&pdf_with_fields());
            let file = |name: Value| json!({"Data": data, "Filename": name});
            let files = [file(valid_value(named)), file(of_length(named, named.max.unwrap()).unwrap())];
            let master = harness.place(&order(json!({"Product": 15, "eSignPDF": files}))).await;
            fixed.insert("/MultiSignOptions/FirstOrderID", master.into());
        }
        _ if template.contains("{OrderID}") => {
            // With a video recording, which some calls read.
            id = harness.place(&order(json!({"Add": 131_072}))).await;
            harness.play(&id, "positive").await.unwrap();
        }
        _ => {}
    }
    Stage { harness, method, path: base.replace("{OrderID}", &id), fixed }
}

impl Stage {
    async fn send(&self, text: &Value) -> Answer {
        self.harness.call(self.method, &self.path, text.to_string()).await
    }

    /// A valid request with every element.
    fn valid(&self, row: &Row) -> Value {
        let mut text = everything(row);
        for (place, value) in &self.fixed {
            if let Some(place) = text.pointer_mut(place) {
                *place = value.clone();
            }
        }
        text
    }
}

async fn result(stage: &Stage, row: &Row) -> Stand {
    let valid = stage.valid(row);
    let broken = violations(row, &valid);
    let tried = broken.len();
    for Violation { rule, text, together } in broken {
        let answer = stage.send(&text).await;
        if let Some(gap) = answer.gap_of_rejection(rule, names(&answer, row, together)) {
            return gap;
        }
    }
    let mut accepted = vec![valid];
    // With the maximum length.
    if let Some(longest) = row
        .max
        .filter(|_| !row.of_name && !matches!(row.name(), "tan" | "FirstOrderID"))
        .and_then(|max| of_length(row, max))
    {
        let mut text = accepted[0].clone();
        if !row.note.contains("Base64") && row.name() != "Ref" {
            replace(&mut text, &row.steps, longest);
            accepted.insert(0, text);
        }
    }
    for text in accepted {
        let answer = stage.send(&text).await;
        if let Some(gap) = answer.gap_of_acceptance(&[200, 202, 304]) {
            return gap;
        }
    }
    Stand::Shown(format!("{tried} violations rejected by name, valid requests accepted"))
}

#[tokio::test]
async fn sandbox_rejects_each_violation_by_name() {
    let mut evidence = Evidence::new(IDENTITY_TM, "sandbox-request");
    for endpoint in endpoints(true) {
        let mut at = stage(endpoint).await;
        let known = at.send(&json!({})).await.is_known_call();
        for row in rows_of(IDENTITY_TM).filter(|row| row.request && row.endpoint == endpoint) {
            let stand = if known {
                result(&at, row).await
            } else {
                Stand::Missing("the sandbox does not know this call".into())
            };
            evidence.add(&row.id, stand);
            // The call cannot be repeated: the next row needs another order.
            if !at.fixed.is_empty() {
                at = stage(endpoint).await;
            }
        }
    }
    evidence.write();
    let broken: Vec<_> =
        evidence.missing().into_iter().filter(|why| !why.ends_with("does not know this call")).collect();
    assert_eq!(broken, Vec::<String>::new());
}

/// Guards against results that would be positive for unchecked elements too.
#[tokio::test]
async fn unchecked_row_is_a_gap() {
    let at = stage("PUT /putOrder").await;
    let checked = row("F-112");
    assert!(matches!(result(&at, checked).await, Stand::Shown(_)));
    let unknown = ["Address", "Nickname"].map(|name| Step::Key(name.into())).to_vec();
    for (gap, rule) in [
        (Row { path: "Address.Nickname".into(), steps: unknown, ..checked.clone() }, "(another type)"),
        (Row { max: Some(49), ..checked.clone() }, "(too long by one)"),
        (Row { required: true, ..checked.clone() }, "(required)"),
    ] {
        let stand = result(&at, &gap).await;
        assert!(matches!(&stand, Stand::Missing(why) if why.contains(rule)), "{rule}: {stand:?}");
    }
}
