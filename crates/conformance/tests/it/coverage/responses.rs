//! Responses of identity.TM: the sandbox returns every element, in responses of its endpoint, with its type.
//!
//! The test gets the list of stories from the sandbox and makes every call after each of them, so new stories are
//! included. New account settings must be added to [`ACCOUNTS`].

use std::collections::{BTreeMap, BTreeSet};

use identkit_mock_server::vendors::identity_tm::{ListShape, Settings, configure};
use identkit_mock_server::{Profile, Transition};
use identkit_wire::Dts;
use serde_json::{Map, Value, json};

use crate::coverage::calls::is_of;
use crate::coverage::document::{everything, remove};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::harness::Harness;
use crate::coverage::rows::{IDENTITY_TM, Row, Step, endpoints, row, rows_of};

/// Elements of responses, by endpoint: paths and values.
#[derive(Default)]
struct Observations(BTreeMap<String, Vec<(Vec<Step>, Value)>>);

impl Observations {
    /// Adds the elements of a response under the row's name of the endpoint.
    fn add(&mut self, method: &str, template: &str, text: &Value) {
        let endpoint = endpoints(false).into_iter().find(|endpoint| is_of(endpoint, method, template));
        if let Some(endpoint) = endpoint {
            walk(text, &mut Vec::new(), self.0.entry(endpoint.to_owned()).or_default());
        }
    }

    fn stand(&self, row: &Row) -> Stand {
        let Some(values) = self.0.get(&row.endpoint) else {
            return Stand::Missing("the sandbox never returned JSON for this call".into());
        };
        let here: Vec<&Value> = values.iter().filter(|(path, _)| fits(path, row)).map(|(_, value)| value).collect();
        if here.iter().any(|value| is_of_type(value, &row.kind)) {
            return Stand::Shown("returned with its type".into());
        }
        Stand::Missing(match here.first() {
            None => "no response of the sandbox contained it: add a story or a setting that does".into(),
            Some(_) => format!("it was returned, but never as {}", row.kind),
        })
    }
}

/// Collects every element with its path, except `null`.
pub(crate) fn walk(value: &Value, at: &mut Vec<Step>, elements: &mut Vec<(Vec<Step>, Value)>) {
    if value.is_null() {
        return;
    }
    let shallow = match value {
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({}),
        other => other.clone(),
    };
    if !elements.iter().any(|(path, known)| path == at && *known == shallow) {
        elements.push((at.clone(), shallow));
    }
    match value {
        Value::Array(many) => {
            at.push(Step::Item);
            many.iter().for_each(|one| walk(one, at, elements));
            at.pop();
        }
        Value::Object(object) => {
            for (name, inside) in object {
                at.push(Step::Key(name.clone()));
                walk(inside, at, elements);
                at.pop();
            }
        }
        _ => {}
    }
}

/// Whether the path is the row's. A chosen name matches any name, and array steps are ignored.
fn fits(path: &[Step], row: &Row) -> bool {
    let bare = |steps: &[Step]| -> Vec<Step> { steps.iter().filter(|step| **step != Step::Item).cloned().collect() };
    let (path, row_steps) = (bare(path), bare(&row.steps));
    let same = |(one, other): (&Step, &Step)| *other == Step::Name || one == other;
    path.len() == row_steps.len() && path.iter().zip(&row_steps).all(same)
}

pub(crate) fn is_of_type(value: &Value, kind: &str) -> bool {
    let text = |is: fn(&str) -> bool| value.as_str().is_some_and(is);
    match kind {
        "S" => value.is_string(),
        "N" => value.is_number(),
        "N (S)" => value.is_string() || value.is_number(),
        "B" => value.is_boolean(),
        "O" => value.is_object(),
        "A" => value.is_array(),
        "" | "O (A)" | "O/A" => value.is_object() || value.is_array(),
        "DTS" => text(|text| Dts::parse(text).timestamp().is_some()),
        "DS" => text(|text| text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10),
        other => panic!("unknown type {other}"),
    }
}

/// The reading calls with an order id.
const READS: &[&str] = &[
    "/getStatus/{OrderID}",
    "/getStatus/{OrderID}/ExtendedList",
    "/getIdentData/{OrderID}",
    "/getIdentData/{OrderID}/IncludeInitialData",
    "/getIdentData/{OrderID}/IncludeIdentifyMethod",
    "/getESignPDF/{OrderID}",
    "/getESignHash/{OrderID}",
    "/getVoiceFiles/{OrderID}",
];

/// Orders that together use every option.
fn orders() -> Vec<Value> {
    let whole = everything(rows_of(IDENTITY_TM).find(|row| row.endpoint == "PUT /putOrder" && row.request).unwrap());
    let with = |product: u64, add: u64, dropped: &[&str], more: Value| {
        let mut order = whole.clone();
        for name in dropped {
            remove(&mut order, &[Step::Key((*name).to_owned())]);
        }
        let own = Map::from_iter([("Product".into(), product.into()), ("Add".into(), add.into())]);
        order.as_object_mut().unwrap().extend(own);
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    let signs = &["eSignPDF", "eSignHash", "MultiSignOptions", "IdentDataSigned"];
    let mut second = whole["eSignPDF"].clone();
    second["Filename"] = "second.pdf".into();
    vec![
        // Without the link the vendor sends the person a mail.
        with(12, 131_072, signs, json!({"getTargetLink": false})),
        with(12, 4096 | 8192, signs, json!({})),
        with(0, 0, signs, json!({})),
        with(16, 0, signs, json!({})),
        with(12, 4_194_304, signs, json!({})),
        with(15, 8, signs, json!({})),
        with(
            15,
            16,
            &["eSignHash", "MultiSignOptions", "IdentDataSigned"],
            json!({"eSignPDF": [whole["eSignPDF"], second]}),
        ),
        with(15, 0, &["eSignPDF", "MultiSignOptions", "IdentDataSigned"], json!({})),
        whole.clone(),
    ]
}

/// Returns the names of the stories that the sandbox lists for an order.
async fn stories(harness: &Harness) -> BTreeSet<String> {
    let order = harness.place(&orders()[0]).await;
    let rejected = harness.sandbox.transition(&order, &Transition::Scenario("?".into())).unwrap_err().to_string();
    let named = rejected.rsplit("there are: ").next().unwrap().split(['(', '[']).next().unwrap();
    let names: BTreeSet<String> = named.split(',').map(|name| name.trim().to_owned()).collect();
    assert!(names.contains("positive") && names.contains("timeout"), "{rejected}");
    names
}

async fn read_order(harness: &Harness, order: &str, observations: &mut Observations) {
    for template in READS {
        let answer = harness.call("GET", &template.replace("{OrderID}", order), "").await;
        if let (200, Some(text)) = (answer.status, answer.json()) {
            observations.add("GET", template, &text);
        }
    }
}

/// Account settings that change responses. Elements that need another setting are gaps.
const ACCOUNTS: &[fn(&mut Settings)] = &[
    |_| {},
    |settings| {
        settings.user_ip = true;
        settings.images = true;
        settings.voice_files = true;
        settings.delivered_besides = true;
    },
    |settings| settings.list_shape = ListShape::UnderOrder,
];

async fn observe(account: fn(&mut Settings), observations: &mut Observations) {
    let harness = Harness::new(Profile::Literal);
    harness.sandbox.with_world(|world| configure(world, account));
    let names = stories(&harness).await;
    for order in orders() {
        for name in &names {
            let placed = harness.call("PUT", "/putOrder", order.to_string()).await;
            // One account can reject what another one accepts.
            let Some(text) = placed.json().filter(|_| placed.status == 202) else { continue };
            observations.add("PUT", "/putOrder", &text);
            let id = text["OrderID"].as_str().unwrap();
            if harness.play(id, name).await.is_ok() {
                read_order(&harness, id, observations).await;
            }
        }
    }
    // The response to an invalid order.
    let rejected = harness.call("PUT", "/putOrder", "{}").await;
    assert_eq!(rejected.status, 400);
    observations.add("PUT", "/putOrder", &rejected.json().unwrap());
    read_order(&harness, crate::coverage::document::ORDER, observations).await;
    // An order with an appointment.
    let appointment = harness.place(&orders()[0]).await;
    harness.set_status(&appointment, 19);
    read_order(&harness, &appointment, observations).await;
    for template in ["/getAllStatus", "/getAllStatus/ExtendedList"] {
        let period = json!({"Period": {"Begin": "2000-01-01T00:00:00+02:00", "End": "2100-01-01T00:00:00+02:00"}});
        for body in [period.to_string(), String::new()] {
            if let Some(text) = harness.call("POST", template, body).await.json() {
                observations.add("POST", template, &text);
            }
        }
    }
    let banks = harness.call("GET", "/getBankList", "").await;
    observations.add("GET", "/getBankList", &banks.json().unwrap());
    let user = harness.call("POST", "/checkSignmeUser", json!({"Email": "e.mustermann@example.com"}).to_string()).await;
    observations.add("POST", "/checkSignmeUser", &user.json().unwrap());
}

#[tokio::test]
async fn sandbox_returns_every_element_with_its_type() {
    let mut observations = Observations::default();
    for account in ACCOUNTS {
        observe(*account, &mut observations).await;
    }
    let rows = rows_of(IDENTITY_TM).filter(|row| !row.request);
    let evidence = Evidence::from_rows(IDENTITY_TM, "sandbox-answer", rows, |row| observations.stand(row));
    evidence.write();
    // A wrong type fails here; `cargo xtask coverage` reports missing elements.
    let wrong: Vec<_> = evidence.missing().into_iter().filter(|why| why.contains("but never as")).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn missing_or_mistyped_element_is_a_gap() {
    let row = row("F-197");
    let stand = |text: Value| {
        let mut observations = Observations::default();
        observations.add("GET", "/getStatus/{OrderID}/ExtendedList", &text);
        observations.stand(row)
    };
    let time = "2020-09-10T12:00:00+02:00";
    assert!(matches!(stand(json!({"Status": [{"Kind": 6}, {"Time": time}]})), Stand::Shown(_)));
    assert!(
        matches!(stand(json!({"Status": [{"Time": "soon"}]})), Stand::Missing(why) if why.contains("never as DTS"))
    );
    assert!(matches!(stand(json!({"Status": [{"Time": null}], "Time": time})), Stand::Missing(_)));
    let mut elsewhere = Observations::default();
    elsewhere.add("GET", "/getStatusX/{OrderID}", &json!({"Status": [{"Time": time}]}));
    assert!(matches!(elsewhere.stand(row), Stand::Missing(_)));
}
