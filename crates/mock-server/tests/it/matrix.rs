//! identity.TM: every (call, code) of the matrix in chapter 4 of the contract, provoked by raw requests with the
//! documented cause. The expected cells are read from the contract.

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::IdentityTm;

const CONTRACT: &str = include_str!("../../../../docs/contract/contract.md");

/// Returns the cells of the matrix: each call with each code of its row.
fn cells() -> BTreeSet<(String, u16)> {
    let (_, chapter) = CONTRACT.split_once("\n# 4. HTTP code matrix").unwrap();
    let table = chapter.lines().filter(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> = table
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .take_while(|row: &Vec<_>| row.len() == 11)
        .collect();
    let head = &rows[0];
    assert_eq!(&head[..2], ["endpoint", "ok"]);
    let mut cells = BTreeSet::new();
    for row in &rows[2..] {
        for call in calls_of(row[0]) {
            cells.insert((call.clone(), row[1].parse().unwrap()));
            for (code, cell) in head.iter().zip(row).skip(2) {
                assert!(cell.is_empty() || cell.starts_with('x'), "{cell} of {call}");
                if !cell.is_empty() {
                    cells.insert((call.clone(), code.parse().unwrap()));
                }
            }
        }
    }
    cells
}

/// Returns the calls of a row, some of which are abbreviated.
fn calls_of(row: &str) -> Vec<String> {
    let whole = |name: &str| match name {
        "PDF" => "getIdentDataPDF".to_owned(),
        "ESignPDF" | "ESignHash" | "VoiceFiles" => format!("get{name}"),
        "Binary" => "getVideoFileBinary".to_owned(),
        name => name.to_owned(),
    };
    row.split(" / ").map(whole).collect()
}

/// Returns every URL of a call; `{}` stands for the order.
fn forms(call: &str) -> Vec<(&'static str, String)> {
    let (method, ends): (_, &[&str]) = match call {
        "putOrder" => ("PUT", &[""]),
        "getStatus" => ("GET", &["/{}", "/{}/ExtendedList"]),
        "getIdentData" => ("GET", &["/{}", "/{}/IncludeInitialData", "/{}/IncludeIdentifyMethod", "/{}/Signed"]),
        "getIdentDataPDF" | "getESignPDF" | "getESignHash" | "getVideoFileBinary" | "getVoiceFiles" => {
            ("GET", &["/{}"])
        }
        "delIdentdata" => ("DELETE", &["/{}"]),
        "getAllStatus" => ("POST", &["", "/ExtendedList"]),
        "checkSignmeUser" => ("POST", &[""]),
        "serverStatus" | "getBankList" => ("GET", &[""]),
        _ => ("POST", &["/{}"]),
    };
    ends.iter().map(|end| (method, format!("/{call}{end}"))).collect()
}

/// The state of the order that a request is about.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub(crate) enum About {
    Nothing,
    /// An unknown order.
    Unknown,
    /// An id of 21 characters.
    TooLong,
    /// Just placed.
    Open,
    /// With something to sign, just placed.
    Contract,
    /// With something to sign, and the person is identified.
    Identified,
    /// As before, and requestSign was called.
    Begun,
    /// Signed.
    Signed,
    /// Signed hashes.
    Hashed,
    /// Identified by a recorded video, final.
    Positive,
    /// As before, and deleted.
    Deleted,
    Fraud,
    Negative,
    TimedOut,
    /// Signed, and deleted.
    SignedAndDeleted,
    /// An ident of identify24.
    Ident,
}

/// A request with its preparation and its expected response: a row of `fixtures/matrix.json`.
#[derive(serde::Deserialize)]
struct Case {
    call: String,
    code: u16,
    about: About,
    /// JSON, a text that is not JSON, or a placeholder of [`Harness::body`].
    #[serde(default)]
    body: Value,
    #[serde(default)]
    who: Who,
    /// Number of requests; the last response is checked.
    #[serde(default = "once")]
    times: u32,
    /// Settings of the account by name.
    #[serde(default)]
    set: Value,
    /// Field, rule and section of each violation, in each form of the call; a common one is listed once.
    #[serde(default)]
    faults: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
enum Who {
    #[default]
    Account,
    WrongCode,
    Nobody,
}

fn once() -> u32 {
    1
}

fn cases() -> Vec<Case> {
    table("matrix")
}

impl Harness {
    async fn filmed(&self) -> String {
        let detail = json!({ "Membership": { "Type": 1, "Label": "Member", "Value": "yes" } });
        let more = json!({ "Add": 131_072, "IdentData": { "Surname": "Mustermann", "Additional": detail } });
        let id = self.ordered(more).await;
        self.play(&id, "positive").await;
        id
    }

    async fn delete_data(&self, id: String) -> String {
        self.good("DELETE", &format!("/delIdentdata/{id}"), String::new()).await;
        id
    }

    pub(crate) async fn about(&self, about: About) -> String {
        match about {
            About::Nothing => String::new(),
            About::Unknown => "9992UNKNOWN".to_owned(),
            About::TooLong => "9".repeat(21),
            About::Open => self.place(order()).await.expose().to_owned(),
            About::Contract => self.place(to_sign(order())).await.expose().to_owned(),
            About::Identified => self.ended(to_sign(order()), "identified").await.expose().to_owned(),
            About::Begun => {
                let id = self.ended(to_sign(order()), "identified").await.expose().to_owned();
                self.good("POST", &format!("/requestSign/{id}"), String::new()).await;
                id
            }
            About::Signed => self.ended(to_sign(order()), "signed").await.expose().to_owned(),
            About::Hashed => {
                let hash = |name| json!({ "Hash": encode_base64(b"a hash"), "Filename": name });
                let id = self.ordered(json!({ "Product": 15, "eSignHash": [hash("a.pdf"), hash("b.pdf")] })).await;
                self.play(&id, "signed").await;
                id
            }
            About::Positive => self.filmed().await,
            About::Fraud => self.ended(order(), "fraud").await.expose().to_owned(),
            About::Negative => self.ended(order(), "negative").await.expose().to_owned(),
            About::TimedOut => self.ended(order(), "timeout").await.expose().to_owned(),
            About::Deleted => {
                let id = self.filmed().await;
                self.delete_data(id).await
            }
            About::SignedAndDeleted => {
                let id = self.ended(to_sign(order()), "signed").await.expose().to_owned();
                self.delete_data(id).await
            }
            About::Ident => self.create_ident().await,
        }
    }

    fn body(&self, body: &Value, id: &str) -> String {
        match body.as_str() {
            Some("(order)") => serde_json::to_string(&order()).unwrap(),
            Some("(right TAN)") => json!({ "tan": self.tan(id) }).to_string(),
            Some("(wrong TAN)") => json!({ "tan": self.wrong_tan(id).expose() }).to_string(),
            Some(text) => text.to_owned(),
            None if body.is_null() => String::new(),
            None => body.to_string(),
        }
    }

    async fn send(&self, who: Who, method: &str, path: &str, body: String) -> Answer {
        let mut request =
            Request::builder().method(method).uri(format!("{TM}{path}")).header(CONTENT_TYPE, "application/json");
        let given = match who {
            Who::Account => Some("sandbox-customer:sandbox-code"),
            Who::WrongCode => Some("sandbox-customer:another"),
            Who::Nobody => None,
        };
        if let Some(given) = given {
            request = request.header(AUTHORIZATION, format!("Basic {}", encode_base64(given.as_bytes())));
        }
        self.raw(request.body(Bytes::from(body)).unwrap()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_at_55_at_62_t_022_every_cell_of_chapter_4_is_provoked() {
    for case in cases() {
        let mut faults = Vec::new();
        for (method, form) in forms(&case.call) {
            let bench = Harness::new();
            let id = bench.about(case.about).await;
            if let Value::Object(_) = case.set {
                bench.sandbox.set_up(json!({ "identity_tm": case.set }).as_object().unwrap()).unwrap();
            }
            let path = form.replace("{}", &id);
            let about = format!("{method} {form} of {:?} with {} by {:?}", case.about, case.body, case.who);
            for number in 1..case.times {
                let status = bench.send(case.who, method, &path, bench.body(&case.body, &id)).await.status;
                assert!(status != case.code || status == 200, "{about}: too early, after {number}");
            }
            let answer = bench.send(case.who, method, &path, bench.body(&case.body, &id)).await;
            assert_eq!(answer.status, case.code, "{about}: {}", answer.text());
            if answer.status >= 400 {
                let error = answer.json();
                assert!(error["Error"].as_str().is_some_and(|text| !text.is_empty()), "{about}: described");
                assert_eq!(answer.headers.contains_key(WWW_AUTHENTICATE), case.code == 401, "{about}");
                let output = |fault: &Value| {
                    let [field, rule, section] = ["field", "rule", "section"].map(|part| fault[part].as_str().unwrap());
                    format!("{field}, {rule}, {section}")
                };
                faults.push(error["Faults"].as_array().unwrap().iter().map(output).collect::<Vec<_>>().join("; "));
            }
            assert!(case.code != 304 || answer.body.is_empty(), "{about}");
        }
        faults.dedup();
        assert_eq!(faults, case.faults, "{} {} of {:?}", case.call, case.code, case.about);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_001_another_method_is_405_with_the_right_one() {
    let bench = Harness::new();
    let calls: BTreeSet<String> = cases().into_iter().map(|case| case.call).collect();
    for (right, path) in calls.iter().flat_map(|call| forms(call)) {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].into_iter().filter(|method| *method != right)
        {
            let answer = bench.tm_call(method, &path.replace("{}", EXAMPLE_ORDER), "").await;
            answer.refused(405, &format!("must be called with {right}"), "T-001", "[T]");
            assert_eq!(answer.headers["allow"], right);
        }
    }
}

#[test]
fn the_cases_match_the_cells_of_chapter_4() {
    let cells = cells();
    let covered: BTreeSet<(String, u16)> = cases().into_iter().map(|case| (case.call, case.code)).collect();
    let missing: Vec<_> = cells.difference(&covered).collect();
    let beside: Vec<_> = covered.difference(&cells).collect();
    assert!(missing.is_empty(), "cells without a case: {missing:?}");
    assert!(beside.is_empty(), "cases without a cell: {beside:?}");
    // The rows match the calls of the sandbox, so that no row is misread.
    let rows: BTreeSet<String> = cells.into_iter().map(|(call, _)| call).collect();
    let vendor = IdentityTm::new();
    let calls = vendor.routes().iter().map(|route| route.meta().path.split('/').nth(1).unwrap().to_owned());
    assert_eq!(rows, calls.collect());
}

#[test]
fn every_url_form_belongs_to_a_call_of_the_sandbox() {
    let vendor = IdentityTm::new();
    let known: BTreeSet<(String, String)> = vendor
        .routes()
        .iter()
        .map(|route| (route.meta().method.to_string(), route.meta().path.replace("{OrderID}", "{}")))
        .collect();
    let calls: BTreeSet<String> = cases().into_iter().map(|case| case.call).collect();
    let asked = calls.iter().flat_map(|call| forms(call)).map(|(method, path)| (method.to_owned(), path));
    assert_eq!(asked.collect::<BTreeSet<_>>(), known);
}
