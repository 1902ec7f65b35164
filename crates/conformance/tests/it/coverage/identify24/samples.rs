//! The samples of the document that are not messages: URLs, tables of headers, names of variables.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use identkit_core::{CallOptions, Error};
use identkit_identify24::messages::{CreateIdent, IdentId};
use identkit_identify24::{DEFAULT_BASE_URL, Dialect, Identify24};
use identkit_mock_server::Profile;
use identkit_testkit::block_on;
use serde_json::Value;

use super::harness::{API_KEY, EXAMPLE, Harness, PARTNER};
use crate::coverage::calls::is_known;
use crate::coverage::catalogue::Sample;
use crate::coverage::document::everything;
use crate::coverage::evidence::Stand;
use crate::coverage::rows::row;

/// Returns the result for a sample without a fixture.
pub(crate) fn stand(sample: &Sample<'_>) -> Stand {
    let shown = match sample.kind {
        "placeholder list" => {
            return Stand::NotApplicable("names of variables, without values".into());
        }
        "url" | "url template" => url(sample.content),
        "header table" => table(sample.section, sample.content),
        _ => Err("it has no fixture: add one to the provider's fixtures, byte for byte".into()),
    };
    shown.map_or_else(Stand::Missing, |how| Stand::Shown(how.into()))
}

/// Checks that the URL is the client's base URL, or a call that client and sandbox have.
fn url(content: &str) -> Result<&'static str, String> {
    if content.strip_suffix("/{method}") == Some(DEFAULT_BASE_URL) {
        return Ok("the client's base URL");
    }
    let (method, address) = content.split_once(' ').ok_or("the method is missing")?;
    let path = address.strip_prefix(DEFAULT_BASE_URL).ok_or("it is not below the client's base URL")?;
    if !is_known(method, path) {
        return Err("the client does not have this call".into());
    }
    let answer = block_on(async {
        let harness = Harness::new(Profile::Literal);
        harness.send("xxx", method, &path.replace("{ident_id}", EXAMPLE), "").await
    });
    // A rejection is fine, unless it says that the path is unknown.
    if answer.status == 200 || (answer.status == 400 && !answer.names("path")) {
        Ok("a call of client and sandbox")
    } else {
        Err(format!("the sandbox does not know it: {}", answer.text()))
    }
}

fn table(call: &str, content: &str) -> Result<&'static str, String> {
    block_on(headers(call, content))
}

/// Checks that the client sends every header of the table, and that the strict profile rejects the call without it.
async fn headers(call: &str, content: &str) -> Result<&'static str, String> {
    let harness = Harness::new(Profile::Strict);
    let (client, recorder) = harness.client(API_KEY, Dialect::new());
    let made = make(&client, call).await;
    let (path, sent) = recorder.headers.lock().unwrap().last().cloned().ok_or("the client sent nothing")?;
    if !path.starts_with(&format!("/{call}")) {
        return Err(format!("the client called {path}: {made:?}"));
    }
    for name in content.split(", ") {
        let given =
            sent.get(name).and_then(|value| value.to_str().ok()).ok_or(format!("the client does not send {name}"))?;
        // AI-09: the printed values of partner and token are a mistake.
        let valid = match name {
            "Content-Type" => given == "application/json",
            "X-API-PARTNER" => given == PARTNER,
            "X-API-TOKEN" => given.len() > 40,
            other => return Err(format!("unknown header {other}: add its value")),
        };
        if !valid {
            return Err(format!("the client sends another value of {name}"));
        }
        let status = if name == "Content-Type" { 400 } else { 401 };
        let mut fewer = sent.clone();
        fewer.remove(name);
        for (headers, expected) in [(&sent, None), (&fewer, Some(status))] {
            let answer = harness.raw(request(call, &path, headers)).await;
            if answer.status != expected.unwrap_or(200) || expected.is_some_and(|_| !answer.names(name)) {
                return Err(format!("with {} headers the sandbox answers {}", headers.len(), answer.text()));
            }
        }
    }
    Ok("sent by the client, required by the sandbox")
}

async fn make(client: &Identify24, call: &str) -> Result<(), Error> {
    let options = CallOptions::new();
    match call {
        "auth" => client.login(&options).await.map(drop),
        "ident/create" => client.create_ident(&ident(), &options).await.map(drop),
        "ident/get" => client.get_ident(&IdentId::new("unknown"), &options).await.map(drop),
        "project/getAll" => client.projects(&options).await.map(drop),
        "project/get" => client.project(&"6".into(), &options).await.map(drop),
        other => panic!("the client has no call {other}"),
    }
}

fn ident() -> CreateIdent {
    serde_json::from_value(everything(row("F-034"))).unwrap()
}

/// A valid request with these headers.
fn request(call: &str, path: &str, headers: &HeaderMap) -> Request<Bytes> {
    let body = match call {
        "auth" => serde_json::json!({ "PARTNER": PARTNER, "APIKEY": API_KEY }),
        "ident/create" => everything(row("F-034")),
        "project/get" => serde_json::json!({ "project_id": 6 }),
        _ => Value::Null,
    };
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let method = if matches!(call, "auth" | "ident/create") { "POST" } else { "GET" };
    let path = path.replace("unknown", EXAMPLE);
    let mut request = Request::builder().method(method).uri(path).body(body).unwrap();
    *request.headers_mut() = headers.clone();
    assert_eq!(headers.contains_key(CONTENT_TYPE), request.headers().contains_key(CONTENT_TYPE));
    request
}

#[test]
fn unknown_url_or_header_is_a_gap() {
    let base = DEFAULT_BASE_URL;
    for unknown in [format!("POST {base}/ident/get/{{ident_id}}"), format!("GET {base}/ident/list"), "GET /auth".into()]
    {
        assert!(url(&unknown).is_err(), "{unknown}");
    }
    assert!(table("ident/get", "X-API-TOKEN, Accept-Language").is_err());
    assert!(table("auth", "Content-Type, X-API-TOKEN").is_err());
}
