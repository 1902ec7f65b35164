//! The sandbox's side of answers and webhooks: every element was seen on the wire, with its type and form; what was given
//! at the creation came back; and nothing else was told.
//!
//! The stories are asked of the sandbox itself. Settings of the account have to be entered, in [`ACCOUNTS`].

use std::collections::BTreeSet;
use std::time::Duration;

use identkit_mock_server::Profile;
use identkit_mock_server::vendors::identify24::{GetBodies, Rate, Refusals, Scenario, Settings};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::harness::{API_KEY, Answer, EXAMPLE, Harness, PARTNER};
use crate::coverage::document::{everything, moment};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{IDENTIFY24, Row, Step, of, row, told};
use crate::coverage::seen::{is_of_type, walk};

const WEBHOOK: &str = "WEBHOOK POST";
const READ: &str = "GET /ident/get/{ident_id}";

/// An answer or a webhook, and the request that created the ident which it is about.
#[derive(Clone, Debug)]
struct Text {
    endpoint: &'static str,
    good: bool,
    text: Value,
    created: Option<Value>,
}

#[derive(Debug, Default)]
struct Seen(Vec<Text>);

impl Seen {
    fn note(&mut self, endpoint: &'static str, answer: &Answer, created: Option<&Value>) {
        let text = answer.json().unwrap();
        // A refusal may come with status 200 (AI-02).
        let good =
            answer.status == 200 && text["result"] == true && text.get("response_status").is_none_or(|n| n == 200);
        self.0.push(Text { endpoint, good, text, created: created.cloned() });
    }

    fn stand(&self, row: &Row) -> Stand {
        let mut found = 0;
        for one in self.0.iter().filter(|one| one.endpoint == row.endpoint) {
            let here = at(&one.text, &row.steps);
            if one.good && row.required && here.is_empty() {
                return Stand::Missing("a good answer of the sandbox lacks it".into());
            }
            for value in &here {
                let is_right = match row.kind.as_str() {
                    "A<S>" => value.as_array().is_some_and(|many| many.iter().all(Value::is_string)),
                    kind => is_of_type(value, kind),
                };
                if !is_right {
                    return Stand::Missing(format!("it was seen, and not as {}", row.kind));
                }
                if one.good && !is_in_form(row, value, &one.text) {
                    return Stand::Missing(format!("it was seen, and not in the form that is noted: {}", row.note));
                }
                if let Some(given) = one.created.as_ref().and_then(|created| created.get(given_as(row)))
                    && *value != given
                {
                    return Stand::Missing("it was given at the ident's creation, and another value came back".into());
                }
                found += usize::from(tells(row, value));
            }
        }
        if found == 0 {
            return Stand::Missing("the sandbox never told it: give it a story or a setting that does".into());
        }
        Stand::Shown("seen on the wire with its type".into())
    }

    /// Elements of good answers and of webhooks that the document does not list.
    fn strangers(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for one in self.0.iter().filter(|one| one.good) {
            let mut paths = Vec::new();
            walk(&one.text, &mut Vec::new(), &mut paths);
            for (path, _) in paths {
                let rows = || of(IDENTIFY24).filter(|row| !row.request && row.endpoint == one.endpoint);
                let known = path.last().is_none_or(|step| *step == Step::Item) || rows().any(|row| row.steps == path);
                if !known {
                    found.insert(format!("{} {}", one.endpoint, told(&path)));
                }
            }
        }
        found
    }
}

/// Every value at the end of the steps, in each element of an array on the way; `null` is none.
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

/// Whether the value is more than an empty place.
fn tells(row: &Row, value: &Value) -> bool {
    match row.kind.as_str() {
        "S" => value != "",
        "A<S>" => value != &json!([]),
        _ => true,
    }
}

/// The name of the same thing in the request that created the ident: `not person_first_name` says it where it differs.
fn given_as(row: &Row) -> &str {
    row.note.strip_prefix("not ").unwrap_or(row.name())
}

/// The form of a good answer's value, as far as the note tells one. A webhook may leave its date empty.
fn is_in_form(row: &Row, value: &Value, text: &Value) -> bool {
    let value = value.as_str().unwrap_or_default();
    if let Some(form) = moment(row) {
        let form = if form.starts_with("dd") { "%d-%m-%Y %H:%M:%S" } else { "%Y-%m-%d %H:%M" };
        let written = DateTime::strptime(form, value).map(|at| at.strftime(form).to_string());
        return value.is_empty() || written.is_ok_and(|written| written == value);
    }
    match row.note.split_once("<ident_id>") {
        Some((before, _)) => value.strip_prefix(before) == text["ident_id"].as_str(),
        _ => true,
    }
}

/// How an account may be set up, where that decides what its answers hold. A setting that is not here is not tried: what
/// it would show is a gap.
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

async fn look(account: fn(&mut Settings), seen: &mut Seen) {
    let harness = Harness::new(Profile::Literal);
    let token = harness.token().await;
    harness.set(account);
    for (partner, key) in [(PARTNER, API_KEY), (PARTNER, "wrong"), ("", "")] {
        let login = json!({ "PARTNER": partner, "APIKEY": key }).to_string();
        seen.note("POST /auth", &harness.ask("", "POST", "/auth", login).await, None);
    }
    // By URL and by content, what breaks every rule, and the same once more.
    let [by_url, by_content] = ["F-033", "F-034"].map(|id| everything(row(id)));
    let nothing = json!({});
    let mut known = vec![(EXAMPLE.to_owned(), None)];
    for ident in [&by_url, &by_content, &nothing, &by_url] {
        let answer = harness.ask(&token, "POST", "/ident/create", ident.to_string()).await;
        seen.note("POST /ident/create", &answer, None);
        if let Some(id) = answer.json().unwrap()["ident_id"].as_str() {
            known.push((id.to_owned(), Some(ident)));
        }
    }
    known.push(("unknown".to_owned(), None));
    for (id, created) in &known {
        let path = format!("/ident/get/{id}");
        for token in [&*token, "dead"] {
            seen.note(READ, &harness.ask(token, "GET", &path, "").await, *created);
        }
        for story in harness.stories().iter().filter(|_| id != "unknown") {
            harness.play(id, story).await.unwrap();
            for text in harness.webhooks() {
                assert_eq!(text["ident_id"], **id, "who the webhook is about");
                seen.0.push(Text { endpoint: WEBHOOK, good: true, text, created: created.cloned() });
            }
            let answer = harness.ask(&token, "GET", &path, "").await;
            if answer.status == 200 && answer.json().unwrap()["result"] == true {
                assert_eq!(answer.json().unwrap()["data"]["id"], **id, "who was asked for");
            }
            seen.note(READ, &answer, *created);
        }
    }
    for token in [&*token, "dead"] {
        seen.note("GET /project/getAll", &harness.ask(token, "GET", "/project/getAll", "").await, None);
        for body in [r#"{"project_id":6}"#, r#"{"project_id":7}"#, "{}"] {
            seen.note("GET /project/get", &harness.ask(token, "GET", "/project/get", body).await, None);
        }
    }
    // After 90 days nothing is left, and the token is dead long since.
    harness.advance(Duration::from_secs(90 * 86_400)).await;
    for (id, _) in &known {
        seen.note(READ, &harness.ask("xxx", "GET", &format!("/ident/get/{id}"), "").await, None);
    }
}

#[tokio::test]
async fn every_element_of_identify24_is_seen_on_the_wire_with_its_type() {
    let mut seen = Seen::default();
    for account in ACCOUNTS {
        look(*account, &mut seen).await;
    }
    let rows = of(IDENTIFY24).filter(|row| !row.request);
    Evidence::of_rows(IDENTIFY24, "sandbox-answer", rows, |row| seen.stand(row)).assert_complete();
    assert_eq!(seen.strangers(), BTreeSet::new(), "AI-02: each endpoint answers exactly what the document shows");
}

#[test]
fn what_was_not_seen_or_is_not_right_is_a_gap() {
    let stand = |id: &str, text: Value, created: Option<Value>| {
        let row = row(id);
        let endpoint = &*row.endpoint;
        Seen(vec![Text { endpoint, good: true, text, created }]).stand(row)
    };
    let missing = |stand: Stand, why: &str| match stand {
        Stand::Missing(told) => assert!(told.contains(why), "{told}"),
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
    missing(stand("F-051", read(json!({ "custom_id": "" })), None), "never told");
    missing(stand("F-051", read(json!({ "custom_id": "a" })), Some(json!({ "custom_id": "b" }))), "another value");
    missing(stand("F-078", json!({ "first_name": "a" }), Some(json!({ "person_first_name": "b" }))), "another value");
    missing(stand("F-045", read(json!({})), None), "never told");
    missing(stand("F-045", json!({ "messages": [7] }), None), "not as A<S>");
    missing(stand("F-046", read(json!([])), None), "not as O");
    missing(stand("F-270", json!({ "data": {} }), None), "not as A");
    let url = |id: &str| json!({ "ident_id": id, "conference_url": "https://identify24.de/apply/1" });
    assert!(matches!(stand("F-043", url("1"), None), Stand::Shown(_)));
    missing(stand("F-043", url("2"), None), "form");

    let text = json!({ "result": true, "data": [{ "id": "6", "colour": 1 }], "nickname": {} });
    let stranger = Seen(vec![Text { endpoint: "GET /project/getAll", good: true, text, created: None }]).strangers();
    let told = ["GET /project/getAll data[0].colour", "GET /project/getAll nickname"].map(str::to_owned);
    assert_eq!(stranger, told.into());
}
