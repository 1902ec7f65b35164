//! Responses and webhooks of identify24: the sandbox returns every element with its type and form, the values that the
//! ident was created with, and no undocumented element.
//!
//! The test gets the list of stories from the sandbox. New account settings must be added to [`ACCOUNTS`].

use std::collections::BTreeSet;
use std::time::Duration;

use identkit_mock_server::Profile;
use identkit_mock_server::vendors::identify24::{GetBodies, Rate, Refusals, Scenario, Settings};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::harness::{API_KEY, Answer, EXAMPLE, Harness, PARTNER};
use crate::coverage::document::{date_time_form, everything};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::responses::{is_of_type, walk};
use crate::coverage::rows::{IDENTIFY24, Row, Step, path_text, row, rows_of};

const WEBHOOK: &str = "WEBHOOK POST";
const READ: &str = "GET /ident/get/{ident_id}";

/// A response or webhook, and the request that created its ident.
#[derive(Clone, Debug)]
struct Observation {
    endpoint: &'static str,
    success: bool,
    text: Value,
    created: Option<Value>,
}

#[derive(Debug, Default)]
struct Observations(Vec<Observation>);

impl Observations {
    fn add(&mut self, endpoint: &'static str, answer: &Answer, created: Option<&Value>) {
        let text = answer.json().unwrap();
        // A rejection can have status 200 (AI-02).
        let success =
            answer.status == 200 && text["result"] == true && text.get("response_status").is_none_or(|n| n == 200);
        self.0.push(Observation { endpoint, success, text, created: created.cloned() });
    }

    fn stand(&self, row: &Row) -> Stand {
        let mut count = 0;
        for one in self.0.iter().filter(|one| one.endpoint == row.endpoint) {
            let here = at(&one.text, &row.steps);
            if one.success && row.required && here.is_empty() {
                return Stand::Missing("a successful response of the sandbox lacks it".into());
            }
            for value in &here {
                let is_right = match row.kind.as_str() {
                    "A<S>" => value.as_array().is_some_and(|many| many.iter().all(Value::is_string)),
                    kind => is_of_type(value, kind),
                };
                if !is_right {
                    return Stand::Missing(format!("it was returned, but not as {}", row.kind));
                }
                if one.success && !is_in_form(row, value, &one.text) {
                    return Stand::Missing(format!("it was returned, but not in the noted form: {}", row.note));
                }
                if let Some(given) = one.created.as_ref().and_then(|created| created.get(name_in_request(row)))
                    && *value != given
                {
                    return Stand::Missing("it was returned with another value than at the ident's creation".into());
                }
                count += usize::from(is_filled(row, value));
            }
        }
        if count == 0 {
            return Stand::Missing("the sandbox never returned it: add a story or a setting that does".into());
        }
        Stand::Shown("returned with its type".into())
    }

    /// Elements of successful responses and webhooks that the document does not list.
    fn undocumented(&self) -> BTreeSet<String> {
        let mut unknown = BTreeSet::new();
        for one in self.0.iter().filter(|one| one.success) {
            let mut paths = Vec::new();
            walk(&one.text, &mut Vec::new(), &mut paths);
            for (path, _) in paths {
                let rows = || rows_of(IDENTIFY24).filter(|row| !row.request && row.endpoint == one.endpoint);
                let known = path.last().is_none_or(|step| *step == Step::Item) || rows().any(|row| row.steps == path);
                if !known {
                    unknown.insert(format!("{} {}", one.endpoint, path_text(&path)));
                }
            }
        }
        unknown
    }
}

/// All values at the path, in each element of arrays, except `null`.
fn at<'a>(text: &'a Value, steps: &[Step]) -> Vec<&'a Value> {
    let Some((step, rest)) = steps.split_first() else {
        return if text.is_null() { Vec::new() } else { vec![text] };
    };
    match step {
        Step::Item => text.as_array().into_iter().flatten().flat_map(|one| at(one, rest)).collect(),
        Step::Key(name) => text.get(name).map(|one| at(one, rest)).unwrap_or_default(),
        Step::Name => panic!("identify24 has no chosen names"),
    }
}

/// Whether the value is not empty.
fn is_filled(row: &Row, value: &Value) -> bool {
    match row.kind.as_str() {
        "S" => value != "",
        "A<S>" => value != &json!([]),
        _ => true,
    }
}

/// The element's name in `ident/create`: a note like `not person_first_name` gives it where it differs.
fn name_in_request(row: &Row) -> &str {
    row.note.strip_prefix("not ").unwrap_or(row.name())
}

/// Whether the value has the form in the row's note, if there is one. A date may be empty, as in webhooks.
fn is_in_form(row: &Row, value: &Value, text: &Value) -> bool {
    let value = value.as_str().unwrap_or_default();
    if let Some(form) = date_time_form(row) {
        let form = if form.starts_with("dd") { "%d-%m-%Y %H:%M:%S" } else { "%Y-%m-%d %H:%M" };
        let written = DateTime::strptime(form, value).map(|at| at.strftime(form).to_string());
        return value.is_empty() || written.is_ok_and(|written| written == value);
    }
    match row.note.split_once("<ident_id>") {
        Some((before, _)) => value.strip_prefix(before) == text["ident_id"].as_str(),
        _ => true,
    }
}

/// Account settings that change responses. Elements that need another setting are gaps.
const ACCOUNTS: &[fn(&mut Settings)] = &[
    |_| {},
    |account| account.refusals = Refusals::ByResult,
    |account| account.refusals = Refusals::ByResponseStatus,
    |account| account.creates_left = Some(1),
    |account| account.may_create = false,
    |account| account.unique_custom_ids = true,
    |account| account.get_bodies = GetBodies::Stripped,
    |account| account.get_bodies = GetBodies::Refused(413),
    |account| account.rate = Some(Rate::new(20, SignedDuration::from_mins(1)).with_retry_after()),
    |account| {
        let story = Scenario::new("Abgelehnt", "77").reject_reason("the document is blurred");
        account.stories = [("refused".to_owned(), story)].into();
    },
    |account| account.out_of_service = Some(503),
];

async fn observe(account: fn(&mut Settings), observations: &mut Observations) {
    let harness = Harness::new(Profile::Literal);
    let token = harness.token().await;
    harness.set(account);
    for (partner, key) in [(PARTNER, API_KEY), (PARTNER, "wrong"), ("", "")] {
        let login = json!({ "PARTNER": partner, "APIKEY": key }).to_string();
        observations.add("POST /auth", &harness.send("", "POST", "/auth", login).await, None);
    }
    // A PDF by URL, a PDF by content, an invalid ident, and a duplicate.
    let [by_url, by_content] = ["F-033", "F-034"].map(|id| everything(row(id)));
    let empty = json!({});
    let mut known = vec![(EXAMPLE.to_owned(), None)];
    for ident in [&by_url, &by_content, &empty, &by_url] {
        let answer = harness.send(&token, "POST", "/ident/create", ident.to_string()).await;
        observations.add("POST /ident/create", &answer, None);
        if let Some(id) = answer.json().unwrap()["ident_id"].as_str() {
            known.push((id.to_owned(), Some(ident)));
        }
    }
    known.push(("unknown".to_owned(), None));
    for (id, created) in &known {
        let path = format!("/ident/get/{id}");
        for token in [&*token, "dead"] {
            observations.add(READ, &harness.send(token, "GET", &path, "").await, *created);
        }
        for story in harness.stories().iter().filter(|_| id != "unknown") {
            harness.play(id, story).await.unwrap();
            for text in harness.webhooks() {
                assert_eq!(text["ident_id"], **id, "ident of the webhook");
                observations.0.push(Observation { endpoint: WEBHOOK, success: true, text, created: created.cloned() });
            }
            let answer = harness.send(&token, "GET", &path, "").await;
            if answer.status == 200 && answer.json().unwrap()["result"] == true {
                assert_eq!(answer.json().unwrap()["data"]["id"], **id, "requested ident");
            }
            observations.add(READ, &answer, *created);
        }
    }
    for token in [&*token, "dead"] {
        observations.add("GET /project/getAll", &harness.send(token, "GET", "/project/getAll", "").await, None);
        for body in [r#"{"project_id":6}"#, r#"{"project_id":7}"#, "{}"] {
            observations.add("GET /project/get", &harness.send(token, "GET", "/project/get", body).await, None);
        }
    }
    // After 90 days the idents are deleted and the token is invalid.
    harness.advance(Duration::from_secs(90 * 86_400)).await;
    for (id, _) in &known {
        observations.add(READ, &harness.send("xxx", "GET", &format!("/ident/get/{id}"), "").await, None);
    }
}

#[tokio::test]
async fn identify24_returns_every_element_with_its_type() {
    let mut observations = Observations::default();
    for account in ACCOUNTS {
        observe(*account, &mut observations).await;
    }
    let rows = rows_of(IDENTIFY24).filter(|row| !row.request);
    Evidence::from_rows(IDENTIFY24, "sandbox-answer", rows, |row| observations.stand(row)).assert_complete();
    assert_eq!(observations.undocumented(), BTreeSet::new(), "AI-02: undocumented elements");
}

#[test]
fn missing_or_wrong_element_is_a_gap() {
    let stand = |id: &str, text: Value, created: Option<Value>| {
        let row = row(id);
        let endpoint = &*row.endpoint;
        Observations(vec![Observation { endpoint, success: true, text, created }]).stand(row)
    };
    let missing = |stand: Stand, why: &str| match stand {
        Stand::Missing(text) => assert!(text.contains(why), "{text}"),
        other => panic!("{other:?} instead of {why}"),
    };
    let read = |data: Value| json!({ "result": true, "messages": [], "data": data });
    assert!(matches!(stand("F-057", read(json!({ "created_at": "10-09-2020 12:00:00" })), None), Stand::Shown(_)));
    for form in ["2020-09-10 12:00", "1-9-2020 12:00:00", "10-09-2020 12:00", "soon"] {
        missing(stand("F-057", read(json!({ "created_at": form })), None), "form");
    }
    missing(stand("F-057", read(json!({ "created_at": 7 })), None), "not as S");
    missing(stand("F-057", read(json!({ "created_at": null })), None), "lacks it");
    missing(stand("F-057", json!({ "created_at": "10-09-2020 12:00:00" }), None), "lacks it");
    missing(stand("F-051", read(json!({ "custom_id": "" })), None), "never returned");
    missing(stand("F-051", read(json!({ "custom_id": "a" })), Some(json!({ "custom_id": "b" }))), "another value");
    missing(stand("F-078", json!({ "first_name": "a" }), Some(json!({ "person_first_name": "b" }))), "another value");
    missing(stand("F-045", read(json!({})), None), "never returned");
    missing(stand("F-045", json!({ "messages": [7] }), None), "not as A<S>");
    missing(stand("F-046", read(json!([])), None), "not as O");
    missing(stand("F-270", json!({ "data": {} }), None), "not as A");
    let url = |id: &str| json!({ "ident_id": id, "conference_url": "https://identify24.de/apply/1" });
    assert!(matches!(stand("F-043", url("1"), None), Stand::Shown(_)));
    missing(stand("F-043", url("2"), None), "form");

    let text = json!({ "result": true, "data": [{ "id": "6", "colour": 1 }], "nickname": {} });
    let undocumented =
        Observations(vec![Observation { endpoint: "GET /project/getAll", success: true, text, created: None }])
            .undocumented();
    let expected = ["GET /project/getAll data[0].colour", "GET /project/getAll nickname"].map(str::to_owned);
    assert_eq!(undocumented, expected.into());
}
