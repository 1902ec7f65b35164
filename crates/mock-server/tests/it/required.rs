//! Responses have every element that the documents' tables require (AT-93).

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::SCENARIOS;

/// Each required element of a response or webhook: endpoint and path. The wrapper `Order` is not in the example (AT-03).
fn required() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("../../../../docs/contract/fields.tsv").lines().skip(1);
    let rows = rows.map(|line| line.split('\t').collect::<Vec<_>>());
    let required = rows.filter(|row| row[3] == "resp" && matches!(row[7], "Y" | "Y*") && row[4] != "Order");
    let all: Vec<_> = required.map(|row| (row[2], row[4])).filter(|(_, path)| !path.contains('<')).collect();
    assert!(all.len() > 50, "{}", all.len());
    all
}

/// Whether an object that should have the element lacks it. An absent parent lacks nothing.
fn lacks(value: &Value, path: &[&str]) -> bool {
    match (value, path) {
        (Value::Array(items), _) => items.iter().any(|item| lacks(item, path)),
        (_, []) => value.is_null(),
        (_, ["", rest @ ..]) => lacks(value, rest),
        (Value::Object(members), [name, rest @ ..]) => match members.get(*name) {
            Some(value) if !value.is_null() => lacks(value, rest),
            _ => rest.is_empty(),
        },
        _ => false,
    }
}

/// Returns the required elements that the responses lack, and the endpoints with a response.
fn missing(responses: &[(&str, Value)]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut missing, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (endpoint, path) in required() {
        let steps: Vec<&str> = path.split('.').map(|step| step.trim_end_matches("[]")).collect();
        for (_, response) in responses.iter().filter(|(of, _)| *of == endpoint) {
            seen.insert(endpoint.to_owned());
            if lacks(response, &steps) {
                missing.insert(format!("{endpoint} {path}"));
            }
        }
    }
    (missing, seen)
}

/// Orders with as few elements as possible.
fn orders() -> Vec<Value> {
    let small = |product: u32, add: u32| {
        let person = json!({ "Firstname": "Erika", "Surname": "Mustermann", "Country": "DE" });
        json!({ "Product": product, "Add": add, "Email": "e.mustermann@example.com", "Address": person })
    };
    let pdf = json!({ "Data": encode_base64(&sample_contract()) });
    let with = |mut order: Value, name: &str, value: Value| {
        order[name] = value;
        order
    };
    vec![
        small(12, 131_072),
        small(0, 0),
        small(16, 0),
        small(15, 8),
        with(small(12, 0), "IdentData", json!({})),
        with(small(15, 0), "eSignPDF", json!([pdf, pdf])),
        with(small(15, 0), "eSignHash", json!({ "Hash": encode_base64(b"hash") })),
    ]
}

async fn responses_of_identity_tm(bench: &Harness) -> Vec<(&'static str, Value)> {
    const READS: [(&str, &str); 8] = [
        ("GET /getStatus/{OrderID}[/ExtendedList]", "/getStatus/{}"),
        ("GET /getStatus/{OrderID}[/ExtendedList]", "/getStatus/{}/ExtendedList"),
        ("GET /getIdentData/{OrderID}[/variant]", "/getIdentData/{}"),
        ("GET /getIdentData/{OrderID}[/variant]", "/getIdentData/{}/IncludeInitialData"),
        ("GET /getIdentData/{OrderID}[/variant]", "/getIdentData/{}/IncludeIdentifyMethod"),
        ("GET /getESignPDF/{OrderID}", "/getESignPDF/{}"),
        ("GET /getESignHash/{OrderID}", "/getESignHash/{}"),
        ("GET /getVoiceFiles/{OrderID}", "/getVoiceFiles/{}"),
    ];
    let mut all = Vec::new();
    for order in orders() {
        for story in [""].into_iter().chain(SCENARIOS) {
            let placed = bench.good("PUT", "/putOrder", order.to_string()).await.json();
            let id = placed["OrderID"].as_str().unwrap().to_owned();
            all.push(("PUT /putOrder", placed));
            if bench.begin(&id, story).is_ok() {
                bench.clock.settle().await;
            }
            for (endpoint, path) in READS {
                let answer = bench.tm_call("GET", &path.replace("{}", &id), "").await;
                if answer.status == 200 && answer.content_type() == "application/json" {
                    all.push((endpoint, answer.json()));
                }
            }
        }
    }
    let listed = bench.good("POST", "/getAllStatus/ExtendedList", String::new()).await.json();
    all.push(("POST /getAllStatus[/ExtendedList]", listed));
    all.push(("GET /getBankList", bench.good("GET", "/getBankList", String::new()).await.json()));
    let user = json!({ "Email": "e.mustermann@example.com" }).to_string();
    all.push(("POST /checkSignmeUser", bench.good("POST", "/checkSignmeUser", user).await.json()));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn at_93_required_elements_are_in_every_response() {
    let bench = Harness::new();
    bench.set_up(|settings| settings.voice_files = true);
    let responses = responses_of_identity_tm(&bench).await;
    let (missing, seen) = missing(&responses);
    assert_eq!(missing, BTreeSet::new());
    let endpoints = required().into_iter().filter(|(endpoint, _)| endpoint.split('/').nth(1).unwrap() != "auth");
    let identity_tm =
        endpoints.filter(|(endpoint, _)| !endpoint.contains("/ident/") && !endpoint.contains("/project/"));
    assert_eq!(seen, identity_tm.map(|(endpoint, _)| endpoint.to_owned()).collect(), "each endpoint responded");
    let order = responses.iter().find(|(endpoint, _)| endpoint.contains("getStatus")).unwrap();
    assert_eq!(
        (&order.1["Ref"], &order.1["Executed"]),
        (&json!(""), &order.1["Status"].as_array().unwrap().last().unwrap()["Time"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn at_93_a_setting_leaves_out_what_has_no_value() {
    let bench = Harness::new();
    bench.set_up(|settings| {
        settings.voice_files = true;
        settings.required_elements = false;
    });
    let (missing, _) = missing(&responses_of_identity_tm(&bench).await);
    let ident_data = [
        "Ref",
        "IdentData.Firstname",
        "IdentData.Surname",
        "IdentData.Street",
        "IdentData.ZipCode",
        "IdentData.City",
        "IdentData.Birthdate",
        "IdentData.Birthplace",
    ];
    let ident_data = ident_data.map(|path| format!("GET /getIdentData/{{OrderID}}[/variant] {path}"));
    let others = [
        "PUT /putOrder Ref",
        "GET /getStatus/{OrderID}[/ExtendedList] Ref",
        "GET /getStatus/{OrderID}[/ExtendedList] Executed",
        "POST /getAllStatus[/ExtendedList] [].Ref",
    ];
    assert_eq!(missing, others.map(str::to_owned).into_iter().chain(ident_data).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_93_executed_is_the_newest_status_until_executed() {
    let bench = Harness::new();
    let id = bench.place(order()).await.expose().to_owned();
    let executed =
        async || bench.good("GET", &format!("/getStatus/{id}"), String::new()).await.json()["Executed"].clone();
    assert_eq!(executed().await, "2020-09-10T14:00:00+02:00");
    bench.clock.advance(HOUR).await;
    bench.sandbox.transition(&id, &Transition::Status(json!(12))).unwrap();
    assert_eq!(executed().await, "2020-09-10T15:00:00+02:00");
    bench.play(&id, "positive").await;
    bench.clock.advance(HOUR).await;
    bench.sandbox.transition(&id, &Transition::Status(json!(14))).unwrap();
    assert_eq!(executed().await, "2020-09-10T15:00:00+02:00", "the time of the identification");
}

#[tokio::test(flavor = "multi_thread")]
async fn required_elements_of_identify24_are_in_every_response() {
    let bench = Harness::new();
    let token = bench.token().await;
    let created = bench.create(&sample_ident()).await.json();
    let id = created["ident_id"].as_str().unwrap();
    let read = async |path: &str, body: &str| bench.i24_call(&token, "GET", path, body.to_owned()).await.json();
    let login = bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await.json();
    let responses = [
        ("POST /auth", login),
        ("POST /ident/create", created.clone()),
        ("GET /ident/get/{ident_id}", read(&format!("/ident/get/{id}"), "").await),
        ("GET /ident/get/{ident_id}", read(&format!("/ident/get/{EXAMPLE_IDENT}"), "").await),
        ("GET /project/getAll", read("/project/getAll", "").await),
        ("GET /project/get", read("/project/get", r#"{"project_id":6}"#).await),
    ];
    let (missing, seen) = missing(&responses);
    assert_eq!((missing, seen.len()), (BTreeSet::new(), 5));
}
