//! The sandbox's side of requests: it takes an order with every element, and refuses it once the row's rule is broken.

use std::collections::BTreeMap;

use identkit_mock_server::Profile;
use identkit_synthetic::sample_contract;
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use crate::coverage::document::{
    everything, good, is_country, letters, listed, of_length, put, remove, rename, replace, wrong_type,
};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::harness::{Answer, Harness};
use crate::coverage::rows::{IDENTITY_TM, Row, Step, beside, endpoints, of, row};

/// A request that breaks one rule.
struct Violation {
    rule: &'static str,
    text: Value,
    /// Elements of the same object may be named instead, where the rule is about several of them.
    together: bool,
}

/// Everything that the row forbids, from its columns.
fn violations(row: &Row, right: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut breaks = |rule, together, change: &dyn Fn(&mut Value)| {
        let mut text = right.clone();
        change(&mut text);
        found.push(Violation { rule, text, together });
    };
    breaks("another type", false, &|text| replace(text, &row.steps, wrong_type(row)));
    if row.required {
        breaks("required", false, &|text| remove(text, &row.steps));
    }
    if let Some(most) = row.most {
        // A text of the right form where there is one of that length; letters where the form itself forbids it.
        let long = of_length(row, most + 1).unwrap_or_else(|| letters(most + 1).into());
        if row.of_name {
            breaks("too long by one", false, &|text| rename(text, &row.steps, letters(most + 1)));
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
        _ if row.note.starts_with("Base64") && row.required => &["no Base64!", ""],
        _ => &[],
    };
    for odd in odd {
        breaks("not of its form", false, &|text| replace(text, &row.steps, (*odd).into()));
    }
    match listed(row).as_slice() {
        [] => {}
        [Value::Number(_), ..] => {
            let beyond = listed(row).iter().filter_map(Value::as_u64).max().unwrap_or_default() + 1;
            breaks("not in its list", false, &|text| replace(text, &row.steps, beyond.into()));
        }
        _ => breaks("not in its list", false, &|text| replace(text, &row.steps, "other".into())),
    }
    if let Some(most) = row.note.strip_prefix("<= ").and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok()) {
        breaks("too large by one", false, &|text| replace(text, &row.steps, (most + 1).into()));
    }
    if let Some(other) = row.note.strip_prefix("xor ")
        && let Some(other) = beside(row).find(|one| one.parent() == row.parent() && one.name() == other)
    {
        breaks("not with the other", true, &|text| put(text, &other.steps, good(other)));
    }
    if row.note.contains("only with Pos") {
        breaks("only with a position", true, &|text| {
            for place in
                beside(row).filter(|one| one.parent() == row.parent() && one.name().starts_with("SignaturePos"))
            {
                remove(text, &place.steps);
            }
        });
    }
    found
}

/// The path without indexes and chosen names.
fn bare(path: &str) -> String {
    let path = path.replace(" (its name)", "").replace("[]", "");
    let steps = path.split('.').map(|step| step.split('[').next().unwrap_or_default());
    steps.filter(|step| !step.is_empty() && *step != "*" && !step.starts_with('<')).collect::<Vec<_>>().join(".")
}

/// Whether the refusal names the row: as the field of a fault, or as the path of what cannot be read.
fn names(answer: &Answer, row: &Row, together: bool) -> bool {
    answer.faults().iter().any(|(field, message)| {
        let read = message.strip_prefix("the JSON cannot be read: ").and_then(|rest| rest.split(": ").next());
        let path = if field == "body" { read.unwrap_or_default() } else { field };
        // Readers by hand tell `*` for the names in their objects.
        let by_hand = path.strip_suffix(".*").is_some_and(|parent| bare(parent) == bare(row.parent()));
        let same_object = || {
            let parent = bare(row.parent());
            bare(path) == parent || bare(path).rsplit_once('.').is_some_and(|(before, _)| before == parent)
        };
        bare(path) == bare(&row.path) || by_hand || (together && same_object())
    })
}

/// An order, in the state in which the endpoint's request is taken; method and path of the call, and what the request
/// must say to be taken there.
struct Stage {
    harness: Harness,
    method: &'static str,
    path: String,
    /// Elements that depend on the sandbox, by their pointer.
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
            fixed.insert("/tan", harness.sandbox.inspect(&id).unwrap()["tan"].clone());
        }
        "PUT /putOrder" => {
            // The master order has the files that a place is said for: the one of every order, and the longest.
            let named = of(IDENTITY_TM).find(|row| row.path == "MultiSignOptions.SignParameters[].Filename").unwrap();
            let data = encode_base64(&sample_contract());
            let file = |name: Value| json!({"Data": data, "Filename": name});
            let files = [file(good(named)), file(of_length(named, named.most.unwrap()).unwrap())];
            let master = harness.place(&order(json!({"Product": 15, "eSignPDF": files}))).await;
            fixed.insert("/MultiSignOptions/FirstOrderID", master.into());
        }
        _ if template.contains("{OrderID}") => {
            // With a recording of the video, should that be what is asked for.
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

    /// The request with every element, right for this stage.
    fn right(&self, row: &Row) -> Value {
        let mut text = everything(row);
        for (place, value) in &self.fixed {
            if let Some(place) = text.pointer_mut(place) {
                *place = value.clone();
            }
        }
        text
    }
}

async fn shown(stage: &Stage, row: &Row) -> Stand {
    let right = stage.right(row);
    let broken = violations(row, &right);
    let tried = broken.len();
    for Violation { rule, text, together } in broken {
        let answer = stage.send(&text).await;
        if answer.status != 400 || !names(&answer, row, together) {
            return Stand::Missing(format!(
                "broken ({rule}) it is answered by {} {}: the sandbox must answer 400 and name the element",
                answer.status,
                answer.text()
            ));
        }
    }
    let mut accepted = vec![right];
    // As long as it may be.
    if let Some(longest) = row
        .most
        .filter(|_| !row.of_name && !matches!(row.name(), "tan" | "FirstOrderID"))
        .and_then(|most| of_length(row, most))
    {
        let mut text = accepted[0].clone();
        if !row.note.contains("Base64") && row.name() != "Ref" {
            replace(&mut text, &row.steps, longest);
            accepted.insert(0, text);
        }
    }
    for text in accepted {
        let answer = stage.send(&text).await;
        if !matches!(answer.status, 200 | 202 | 304) {
            return Stand::Missing(format!("right as it is, it is refused by {} {}", answer.status, answer.text()));
        }
    }
    Stand::Shown(format!("{tried} violations refused by its name, and taken when right"))
}

#[tokio::test]
async fn the_sandbox_takes_what_is_right_and_refuses_by_its_name_what_breaks_the_rule_of_a_row() {
    let mut evidence = Evidence::of(IDENTITY_TM, "sandbox-request");
    for endpoint in endpoints(true) {
        let mut at = stage(endpoint).await;
        let answered = at.send(&json!({})).await.is_of_a_call();
        for row in of(IDENTITY_TM).filter(|row| row.request && row.endpoint == endpoint) {
            let stand = if answered {
                shown(&at, row).await
            } else {
                Stand::Missing("the sandbox does not answer this call".into())
            };
            evidence.add(&row.id, stand);
            // What was done once cannot be done again: the next row has an order of its own.
            if !at.fixed.is_empty() {
                at = stage(endpoint).await;
            }
        }
    }
    evidence.tell();
    let broken: Vec<_> =
        evidence.missing().into_iter().filter(|why| !why.ends_with("does not answer this call")).collect();
    assert_eq!(broken, Vec::<String>::new());
}

/// The evidence would not be worth anything if it were given for an element that nobody looks at.
#[tokio::test]
async fn a_row_that_the_sandbox_does_not_check_is_a_gap() {
    let at = stage("PUT /putOrder").await;
    let known = row("F-112");
    assert!(matches!(shown(&at, known).await, Stand::Shown(_)));
    let unknown = ["Address", "Nickname"].map(|name| Step::Key(name.into())).to_vec();
    for (gap, rule) in [
        (Row { path: "Address.Nickname".into(), steps: unknown, ..known.clone() }, "(another type)"),
        (Row { most: Some(49), ..known.clone() }, "(too long by one)"),
        (Row { required: true, ..known.clone() }, "(required)"),
    ] {
        let stand = shown(&at, &gap).await;
        assert!(matches!(&stand, Stand::Missing(why) if why.contains(rule)), "{rule}: {stand:?}");
    }
}
