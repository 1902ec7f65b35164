//! identity.TM: every (call, code) of the matrix in chapter 4 of the contract, provoked by raw requests by the cause
//! that the document gives. Which cells there must be is read from the contract itself.

use crate::support::*;
use identkit_mock_server::vendors::identity_tm::IdentityTm;

const CONTRACT: &str = include_str!("../../../../docs/contract/contract.md");

/// The cells of the matrix: each call with each code that its row has.
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

/// The calls of a row, of which some are abbreviated.
fn calls_of(row: &str) -> Vec<String> {
    let whole = |name: &str| match name {
        "PDF" => "getIdentDataPDF".to_owned(),
        "ESignPDF" | "ESignHash" | "VoiceFiles" => format!("get{name}"),
        "Binary" => "getVideoFileBinary".to_owned(),
        name => name.to_owned(),
    };
    row.split(" / ").map(whole).collect()
}

/// Every URL of a call; `{}` is an order.
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

/// The order that a request is about, brought there by its story.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About {
    Nothing,
    /// One that nobody placed.
    Unknown,
    /// An id of 21 characters.
    TooLong,
    /// Nothing has happened yet.
    Open,
    /// To be signed, and the person is identified.
    Identified,
    /// As before, and the signature is under way.
    Begun,
    /// To be signed, and signed.
    Signed,
    /// As before, by hashes.
    Hashed,
    /// Identified by a video that was recorded, and ended.
    Positive,
    /// As before, and deleted.
    Deleted,
    /// To be signed, signed, and deleted.
    SignedAndDeleted,
    /// An ident of identify24.
    Ident,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Nothing,
    Text(&'static str),
    /// An order that breaks no rule.
    Order,
    RightTan,
    WrongTan,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    Account,
    WrongCode,
    Nobody,
}

/// A request, how it comes to be, and what it must be answered with.
struct Case {
    call: &'static str,
    code: u16,
    about: About,
    body: Body,
    who: Who,
    /// How often it is sent; the last answer counts.
    times: u32,
    settings: fn(&mut Settings),
}

impl Case {
    fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    fn with(self, settings: fn(&mut Settings)) -> Self {
        Self { settings, ..self }
    }
}

fn case(call: &'static str, code: u16, about: About) -> Case {
    Case { call, code, about, body: Body::Nothing, who: Who::Account, times: 1, settings: |_| {} }
}

const PERIOD: Body =
    Body::Text(r#"{"Period":{"Begin":"2018-01-01T00:00:00+01:00","End":"2030-01-01T00:00:00+01:00"}}"#);
const TOO_MANY: Body = Body::Text(
    r#"{"Period":{"Begin":"2018-01-01T00:00:00+01:00","End":"2030-01-01T00:00:00+01:00","Paging":{"Elements":1001}}}"#,
);
const BEFORE_EVERYTHING: Body =
    Body::Text(r#"{"Period":{"Begin":"2008-01-01T00:00:00+01:00","End":"2008-01-02T00:00:00+01:00"}}"#);
const CALLBACK: Body = Body::Text(r#"{"callbackUrl":"https://hooks.example/video"}"#);
const EMAIL: Body = Body::Text(r#"{"Email":"e.mustermann@example.com"}"#);
const BRACES: Body = Body::Text("{}");
const NO_JSON: Body = Body::Text("{");

fn cases() -> Vec<Case> {
    use About::{
        Begun, Deleted, Hashed, Identified, Nothing, Open, Positive, Signed, SignedAndDeleted, TooLong, Unknown,
    };

    let mut cases = vec![
        case("putOrder", 202, Nothing).body(Body::Order),
        case("putOrder", 400, Nothing).body(BRACES),
        case("putOrder", 400, Nothing).body(NO_JSON),
        case("putOrder", 400, Nothing).body(Body::Order).with(|set| set.products_not_enabled = [12].into()),
        case("getStatus", 200, Open),
        case("getStatus", 200, Signed),
        case("getStatus", 200, Deleted),
        case("getIdentData", 200, Positive),
        case("getIdentData", 200, Signed),
        // Before the end (AT-62).
        case("getIdentData", 400, Open),
        case("getIdentData", 400, Identified),
        case("getIdentData", 404, Deleted),
        case("getIdentDataPDF", 200, Positive),
        case("getIdentDataPDF", 400, Open),
        case("getIdentDataPDF", 400, Positive).with(|set| set.not_enabled = [Feature::Report].into()),
        case("getIdentDataPDF", 404, Deleted),
        case("getESignPDF", 200, Signed),
        case("getESignPDF", 400, Identified),
        case("getESignPDF", 400, Positive),
        case("getESignPDF", 404, SignedAndDeleted),
        case("getESignHash", 200, Hashed),
        case("getESignHash", 400, Identified),
        case("getESignHash", 400, Positive),
        case("getESignHash", 404, SignedAndDeleted),
        case("getVideoFileBinaryAsync", 200, Positive).body(CALLBACK),
        case("getVideoFileBinaryAsync", 400, Positive).body(BRACES),
        case("getVideoFileBinaryAsync", 400, Open).body(CALLBACK),
        case("getVideoFileBinaryAsync", 400, Positive)
            .body(CALLBACK)
            .with(|set| set.not_enabled = [Feature::AsyncVideo].into()),
        case("getVideoFileBinaryAsync", 404, Deleted).body(CALLBACK),
        case("getVideoFileBinary", 200, Positive),
        case("getVideoFileBinary", 400, Open),
        case("getVideoFileBinary", 404, Deleted),
        case("getVoiceFiles", 200, Positive).with(|set| set.voice_files = true),
        case("getVoiceFiles", 400, Positive),
        case("getVoiceFiles", 404, Deleted).with(|set| set.voice_files = true),
        case("delIdentdata", 202, Positive),
        case("delIdentdata", 202, Signed),
        case("delIdentdata", 404, Deleted),
        case("delIdentdata", 404, Positive).times(2),
        case("delIdentdata", 406, Open),
        case("delIdentdata", 406, Identified),
        case("getAllStatus", 200, Nothing),
        case("getAllStatus", 200, Open).body(PERIOD),
        case("getAllStatus", 200, Open).body(PERIOD).times(2),
        case("getAllStatus", 304, Nothing).times(2),
        case("getAllStatus", 304, Open).body(BEFORE_EVERYTHING),
        case("getAllStatus", 400, Nothing).body(TOO_MANY),
        case("getAllStatus", 400, Nothing).body(NO_JSON),
        case("cancelOrder", 202, Open),
        case("cancelOrder", 202, Identified),
        case("cancelOrder", 406, Positive),
        case("cancelOrder", 406, Open).times(2),
        case("requestSign", 202, Identified),
        case("requestSign", 202, Begun),
        case("requestSign", 400, Identified).with(|set| set.not_enabled = [Feature::CustomerSigning].into()),
        case("requestSign", 404, SignedAndDeleted),
        case("requestSign", 406, Open),
        case("requestSign", 410, Signed),
        case("confirmSign", 202, Begun).body(Body::RightTan),
        case("confirmSign", 400, Begun).body(BRACES),
        // A single wrong TAN has no code of its own (AT-54).
        case("confirmSign", 400, Begun).body(Body::WrongTan),
        case("confirmSign", 404, SignedAndDeleted).body(Body::Text(r#"{"tan":"123456"}"#)),
        case("confirmSign", 410, Signed).body(Body::Text(r#"{"tan":"123456"}"#)),
        case("confirmSign", 410, Begun).body(Body::RightTan).times(2),
        case("confirmSign", 412, Identified).body(Body::Text(r#"{"tan":"123456"}"#)),
        case("confirmSign", 429, Begun).body(Body::WrongTan).times(3),
        case("requestResendSignTan", 202, Begun),
        case("requestResendSignTan", 400, Begun).with(|set| set.not_enabled = [Feature::CustomerSigning].into()),
        case("requestResendSignTan", 404, SignedAndDeleted),
        case("requestResendSignTan", 410, Signed),
        case("requestResendSignTan", 412, Identified),
        case("serverStatus", 200, Nothing),
        case("serverStatus", 500, Nothing).with(|set| set.service = Service::Down),
        case("getBankList", 200, Nothing),
        case("getBankList", 400, Nothing).with(|set| set.not_enabled = [Feature::Giro].into()),
        case("checkSignmeUser", 200, Nothing).body(EMAIL),
        case("checkSignmeUser", 400, Nothing).body(BRACES),
        case("checkSignmeUser", 400, Nothing).body(NO_JSON),
    ];
    // Alike for all calls that name an order, and for all that want credentials.
    for call in [
        "getStatus",
        "getIdentData",
        "getIdentDataPDF",
        "getESignPDF",
        "getESignHash",
        "getVideoFileBinaryAsync",
        "getVideoFileBinary",
        "getVoiceFiles",
        "delIdentdata",
        "cancelOrder",
        "requestSign",
        "confirmSign",
        "requestResendSignTan",
    ] {
        // Valid bodies, so that only the id is wrong.
        let body = match call {
            "confirmSign" => Body::Text(r#"{"tan":"123456"}"#),
            "getVideoFileBinaryAsync" => CALLBACK,
            _ => Body::Nothing,
        };
        cases.push(case(call, 404, Unknown).body(body));
        cases.push(case(call, 400, TooLong).body(body));
        cases.extend([Who::WrongCode, Who::Nobody].map(|who| Case { who, ..case(call, 401, Positive).body(body) }));
    }
    for call in ["putOrder", "getAllStatus", "getBankList", "checkSignmeUser"] {
        cases.extend([Who::WrongCode, Who::Nobody].map(|who| Case { who, ..case(call, 401, Nothing).body(BRACES) }));
    }
    cases
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
            About::Open => self.ordered(json!({})).await,
            About::Identified => self.to_sign("identified").await,
            About::Begun => {
                let id = self.to_sign("identified").await;
                self.good("POST", &format!("/requestSign/{id}"), String::new()).await;
                id
            }
            About::Signed => self.to_sign("signed").await,
            About::Hashed => {
                let hash = |name| json!({ "Hash": encode_base64(b"a hash"), "Filename": name });
                let id = self.ordered(json!({ "Product": 15, "eSignHash": [hash("a.pdf"), hash("b.pdf")] })).await;
                self.play(&id, "signed").await;
                id
            }
            About::Positive => self.filmed().await,
            About::Deleted => {
                let id = self.filmed().await;
                self.delete_data(id).await
            }
            About::SignedAndDeleted => {
                let id = self.to_sign("signed").await;
                self.delete_data(id).await
            }
            About::Ident => self.create(&serde_json::to_value(ident()).unwrap()).await.json()["ident_id"]
                .as_str()
                .unwrap()
                .to_owned(),
        }
    }

    fn body(&self, body: Body, id: &str) -> String {
        let tan = || self.sandbox.inspect(id).unwrap()["tan"].as_str().unwrap().to_owned();
        match body {
            Body::Nothing => String::new(),
            Body::Text(text) => text.to_owned(),
            Body::Order => serde_json::to_string(&order()).unwrap(),
            Body::RightTan => json!({ "tan": tan() }).to_string(),
            Body::WrongTan => json!({ "tan": if tan() == "000000" { "111111" } else { "000000" } }).to_string(),
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
async fn chapter_4_every_cell_is_answered_by_its_cause_in_every_form_of_the_call() {
    for case in cases() {
        for (method, form) in forms(case.call) {
            let bench = Harness::new();
            let id = bench.about(case.about).await;
            bench.sandbox.with_world(|world| configure(world, case.settings));
            let path = form.replace("{}", &id);
            let about = format!("{method} {form} of {:?} with {:?} by {:?}", case.about, case.body, case.who);
            let mut last = None;
            for _ in 0..case.times {
                if let Some(before) = &last {
                    let before: &Answer = before;
                    assert_ne!(before.status, if case.code == 200 { 0 } else { case.code }, "{about}: too early");
                }
                let body = bench.body(case.body, &id);
                last = Some(bench.send(case.who, method, &path, body).await);
            }
            let answer = last.unwrap();
            assert_eq!(answer.status, case.code, "{about}: {}", answer.text());
            match case.code {
                400.. => {
                    let error = answer.json();
                    assert!(error["Error"].as_str().is_some_and(|told| !told.is_empty()), "{about}: described");
                    assert_eq!(answer.headers.contains_key(WWW_AUTHENTICATE), case.code == 401, "{about}");
                }
                304 => assert!(answer.body.is_empty(), "{about}"),
                _ => {}
            }
        }
    }
}

#[test]
fn chapter_4_has_a_case_for_every_cell_and_no_case_beside_it() {
    let cells = cells();
    let covered: BTreeSet<(String, u16)> = cases().iter().map(|case| (case.call.to_owned(), case.code)).collect();
    let missing: Vec<_> = cells.difference(&covered).collect();
    let beside: Vec<_> = covered.difference(&cells).collect();
    assert!(missing.is_empty(), "cells without a case: {missing:?}");
    assert!(beside.is_empty(), "cases that the matrix does not have: {beside:?}");
    // The rows are those of the calls that the sandbox answers, so that no row is read wrongly.
    let rows: BTreeSet<String> = cells.into_iter().map(|(call, _)| call).collect();
    let vendor = IdentityTm::new();
    let calls = vendor.routes().iter().map(|route| route.meta().path.split('/').nth(1).unwrap().to_owned());
    assert_eq!(rows, calls.collect());
}

#[test]
fn every_form_of_a_call_is_one_that_the_sandbox_answers() {
    let vendor = IdentityTm::new();
    let known: BTreeSet<(String, String)> = vendor
        .routes()
        .iter()
        .map(|route| (route.meta().method.to_string(), route.meta().path.replace("{OrderID}", "{}")))
        .collect();
    let calls: BTreeSet<&str> = cases().iter().map(|case| case.call).collect();
    let asked = calls.into_iter().flat_map(forms).map(|(method, path)| (method.to_owned(), path));
    assert_eq!(asked.collect::<BTreeSet<_>>(), known);
}
