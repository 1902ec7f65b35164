//! The sandbox's side of answers: every element was seen on the wire, in answers of its endpoint, with its type.
//!
//! The stories are asked of the sandbox itself, and every call is tried after each of them: a story that it learns is
//! seen here without a change. Only settings of the account have to be entered, in [`ACCOUNTS`].

use std::collections::{BTreeMap, BTreeSet};

use identkit_mock_server::vendors::identity_tm::{ListShape, Settings, configure};
use identkit_mock_server::{Profile, Transition};
use identkit_wire::Dts;
use serde_json::{Map, Value, json};

use crate::coverage::calls::is_of;
use crate::coverage::document::{everything, remove};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::harness::Harness;
use crate::coverage::rows::{IDENTITY_TM, Row, Step, endpoints, of, row};

/// What was seen, by endpoint: paths, and the values there.
#[derive(Default)]
struct Seen(BTreeMap<String, Vec<(Vec<Step>, Value)>>);

impl Seen {
    /// Notes the answer to `GET /getStatus/{OrderID}` for one, under the row's name of the endpoint.
    fn note(&mut self, method: &str, template: &str, text: &Value) {
        let endpoint = endpoints(false).into_iter().find(|endpoint| is_of(endpoint, method, template));
        if let Some(endpoint) = endpoint {
            walk(text, &mut Vec::new(), self.0.entry(endpoint.to_owned()).or_default());
        }
    }

    fn stand(&self, row: &Row) -> Stand {
        let Some(values) = self.0.get(&row.endpoint) else {
            return Stand::Missing("the sandbox never answered this call with JSON".into());
        };
        let here: Vec<&Value> = values.iter().filter(|(path, _)| fits(path, row)).map(|(_, value)| value).collect();
        if here.iter().any(|value| is_of_type(value, &row.kind)) {
            return Stand::Shown("seen on the wire with its type".into());
        }
        Stand::Missing(match here.first() {
            None => "no answer of the sandbox ever held it: give it a story or an option that tells it".into(),
            Some(_) => format!("it was seen, and never as {}", row.kind),
        })
    }
}

/// Every element with its path; `null` is none.
pub(crate) fn walk(value: &Value, at: &mut Vec<Step>, seen: &mut Vec<(Vec<Step>, Value)>) {
    if value.is_null() {
        return;
    }
    let shallow = match value {
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({}),
        other => other.clone(),
    };
    if !seen.iter().any(|(path, known)| path == at && *known == shallow) {
        seen.push((at.clone(), shallow));
    }
    match value {
        Value::Array(many) => {
            at.push(Step::Item);
            many.iter().for_each(|one| walk(one, at, seen));
            at.pop();
        }
        Value::Object(object) => {
            for (name, inside) in object {
                at.push(Step::Key(name.clone()));
                walk(inside, at, seen);
                at.pop();
            }
        }
        _ => {}
    }
}

/// The path of a value is the row's: a chosen name is any name, and where an object may be an array it is either.
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
        other => panic!("{other} is no type of an answer"),
    }
}

/// The calls that name an order and change nothing.
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

/// An order that asks for all that an order can ask for, and what it is for.
fn orders() -> Vec<Value> {
    let whole = everything(of(IDENTITY_TM).find(|row| row.endpoint == "PUT /putOrder" && row.request).unwrap());
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
        // Without the link the person is told by mail.
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

/// The stories that the sandbox says it has for an order.
async fn stories(harness: &Harness) -> BTreeSet<String> {
    let order = harness.place(&orders()[0]).await;
    let refused = harness.sandbox.transition(&order, &Transition::Scenario("?".into())).unwrap().unwrap_err().text();
    let named = refused.rsplit("there are: ").next().unwrap().split(['(', '[']).next().unwrap();
    let names: BTreeSet<String> = named.split(',').map(|name| name.trim().to_owned()).collect();
    assert!(names.contains("positive") && names.contains("timeout"), "{refused}");
    names
}

async fn read_all(harness: &Harness, order: &str, seen: &mut Seen) {
    for template in READS {
        let answer = harness.call("GET", &template.replace("{OrderID}", order), "").await;
        if let (200, Some(text)) = (answer.status, answer.json()) {
            seen.note("GET", template, &text);
        }
    }
}

/// How an account may be set up, where that decides what its answers hold. A setting that is not here is not tried: what
/// it would show is a gap.
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

async fn look(account: fn(&mut Settings), seen: &mut Seen) {
    let harness = Harness::new(Profile::Literal);
    harness.sandbox.with_world(|world| configure(world, account));
    let names = stories(&harness).await;
    for order in orders() {
        for name in &names {
            let placed = harness.call("PUT", "/putOrder", order.to_string()).await;
            // An account may refuse what another one takes.
            let Some(text) = placed.json().filter(|_| placed.status == 202) else { continue };
            seen.note("PUT", "/putOrder", &text);
            let id = text["OrderID"].as_str().unwrap();
            if harness.play(id, name).await.is_ok() {
                read_all(&harness, id, seen).await;
            }
        }
    }
    // What an order that is wrong is answered with.
    let refused = harness.call("PUT", "/putOrder", "{}").await;
    assert_eq!(refused.status, 400);
    seen.note("PUT", "/putOrder", &refused.json().unwrap());
    read_all(&harness, crate::coverage::document::ORDER, seen).await;
    // An appointment was made.
    let appointment = harness.place(&orders()[0]).await;
    harness.set_status(&appointment, 19);
    read_all(&harness, &appointment, seen).await;
    for template in ["/getAllStatus", "/getAllStatus/ExtendedList"] {
        let period = json!({"Period": {"Begin": "2000-01-01T00:00:00+02:00", "End": "2100-01-01T00:00:00+02:00"}});
        for body in [period.to_string(), String::new()] {
            if let Some(text) = harness.call("POST", template, body).await.json() {
                seen.note("POST", template, &text);
            }
        }
    }
    let banks = harness.call("GET", "/getBankList", "").await;
    seen.note("GET", "/getBankList", &banks.json().unwrap());
    let user = harness.call("POST", "/checkSignmeUser", json!({"Email": "e.mustermann@example.com"}).to_string()).await;
    seen.note("POST", "/checkSignmeUser", &user.json().unwrap());
}

#[tokio::test]
async fn every_element_of_an_answer_is_seen_on_the_wire_with_its_type() {
    let mut seen = Seen::default();
    for account in ACCOUNTS {
        look(*account, &mut seen).await;
    }
    let rows = of(IDENTITY_TM).filter(|row| !row.request);
    let evidence = Evidence::of_rows(IDENTITY_TM, "sandbox-answer", rows, |row| seen.stand(row));
    evidence.tell();
    // What was seen must be right; what was not seen is `cargo xtask coverage`'s to judge.
    let wrong: Vec<_> = evidence.missing().into_iter().filter(|why| why.contains("and never as")).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_was_not_seen_or_with_another_type_is_a_gap() {
    let row = row("F-197");
    let stand = |text: Value| {
        let mut seen = Seen::default();
        seen.note("GET", "/getStatus/{OrderID}/ExtendedList", &text);
        seen.stand(row)
    };
    let time = "2020-09-10T12:00:00+02:00";
    assert!(matches!(stand(json!({"Status": [{"Kind": 6}, {"Time": time}]})), Stand::Shown(_)));
    assert!(
        matches!(stand(json!({"Status": [{"Time": "soon"}]})), Stand::Missing(why) if why.contains("never as DTS"))
    );
    assert!(matches!(stand(json!({"Status": [{"Time": null}], "Time": time})), Stand::Missing(_)));
    let mut elsewhere = Seen::default();
    elsewhere.note("GET", "/getStatusX/{OrderID}", &json!({"Status": [{"Time": time}]}));
    assert!(matches!(elsewhere.stand(row), Stand::Missing(_)));
}
