//! Rejections quote no values of a request.

use crate::support::*;

const CANARY: &str = "Kanarienvogel";

#[track_caller]
fn silent(text: &str, about: &str) {
    let text = text.to_lowercase();
    let base64 = encode_base64(CANARY.as_bytes()).to_lowercase();
    for form in [CANARY.to_lowercase(), base64] {
        assert!(!text.contains(&form), "{about}: {text}");
    }
}

/// Returns copies of the document, each with one value replaced by a recognizable invalid one.
fn spoiled(document: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    crate::saved_worlds::pointers(document, "", &mut all);
    let wrong = [
        json!(CANARY),
        json!(format!("{CANARY}\u{7}{}", CANARY.repeat(60))),
        json!({ CANARY: CANARY }),
        json!([CANARY, 4_711_471_147_u64]),
        json!(4_711_471_147.5_f64),
        json!(true),
    ];
    let mut bodies = Vec::new();
    for place in all {
        for value in &wrong {
            let mut spoiled = document.clone();
            *spoiled.pointer_mut(&place).unwrap() = value.clone();
            bodies.push((place.clone(), spoiled.to_string()));
        }
        let mut unlisted = document.clone();
        if let Some(map) = unlisted.pointer_mut(&place).unwrap().as_object_mut() {
            map.insert(CANARY.to_owned(), CANARY.into());
            bodies.push((place.clone(), unlisted.to_string()));
        }
    }
    bodies
}

fn check(answer: &Answer, about: &str) -> bool {
    if answer.status < 400 {
        return false;
    }
    let text = answer.text();
    silent(&text, about);
    assert!(!text.contains("4711471147"), "{about}: {text}");
    assert!(text.contains("[T]") || text.contains("[I]"), "{about} names no section: {text}");
    assert_ne!(answer.status, 500, "{about}: {text}");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_of_orders_quote_no_values() {
    let mut order = json_fixture("identity-tm", "S-035-put-order-request.json");
    let more = json!({
        "eIDSettings": { "EnableOCR": true },
        "getGiroLink": "x",
        "Phone": "+491711234567",
        "LegitimationDocument": [{ "Document": "x" }],
        "eSignPDF": [{ "Data": "x", "Filename": "x", "SignaturePosX": 1, "SignaturePosY": 1, "SignaturePage": 1 }],
        "eSignHash": { "Hash": "AAAA", "Filename": "x" },
        "MultiSignOptions": { "FirstOrderID": "x", "SignParameters": [{ "Filename": "x" }] },
        "IdentDataSigned": "x",
        "EmailNotifications": { "OnTimeOut": "a@example.com" },
    });
    for (key, value) in more.as_object().unwrap() {
        order[key] = value.clone();
    }
    order["IdentData"]["IDCard"] = json!({ "CardNo": "x", "ValidUntil": "2030-01-01", "Images": { "Front": "/9j/" } });
    order["IdentData"]["DriverLicence"] = json!({ "LicenceNo": "x", "DateOfIssue": "2010-01-01" });
    for bench in [Harness::new(), Harness::strict()] {
        let mut refused = 0;
        for (place, body) in spoiled(&order) {
            refused += usize::from(check(&bench.tm_call("PUT", "/putOrder", body).await, &place));
        }
        assert!(refused > 200, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_of_idents_and_logins_quote_no_values() {
    let ident = json_fixture("identify24", "S-012-ident-create-curl-body.json");
    for bench in [Harness::new(), Harness::strict()] {
        let token = bench.token().await;
        let mut refused = 0;
        for (place, body) in spoiled(&ident) {
            refused += usize::from(check(&bench.i24_call(&token, "POST", "/ident/create", body).await, &place));
        }
        for (place, body) in spoiled(&json!({ "PARTNER": "911-internet", "APIKEY": "x" })) {
            refused += usize::from(check(&bench.log_in(&body).await, &place));
        }
        for (place, body) in spoiled(&json!({ "project_id": 6 })) {
            refused += usize::from(check(&bench.i24_call(&token, "GET", "/project/get", body).await, &place));
        }
        assert!(refused > 80, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_is_not_quoted() {
    let bench = Harness::new();
    let token = bench.token().await;
    for body in [
        CANARY.to_owned(),
        format!("{{\"{CANARY}\":"),
        format!("{{\"Email\":\"{CANARY}\" \"{CANARY}\"}}"),
        format!("\"{CANARY}\""),
        format!("[\"{CANARY}\"]"),
    ] {
        assert!(check(&bench.tm_call("PUT", "/putOrder", body.clone()).await, &body));
        assert!(check(&bench.i24_call(&token, "POST", "/ident/create", body.clone()).await, &body));
        assert!(check(&bench.log_in(&body).await, &body));
    }
    let broken = [b"{\"Email\":\"".as_slice(), CANARY.as_bytes(), b"\xff\xfe\"}"].concat();
    assert!(check(&bench.tm_call("PUT", "/putOrder", broken.clone()).await, "not UTF-8"));
    assert!(check(&bench.i24_call(&token, "POST", "/ident/create", broken).await, "not UTF-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_headers_are_not_quoted() {
    let bench = Harness::new();
    for path in [
        "/getStatus/Kanarienvogel",
        "/Kanarienvogel",
        "/getIdentData/1/Kanarienvogel",
        "/delIdentdata/%FFKanarienvogel",
    ] {
        for method in ["GET", "DELETE", "PATCH"] {
            assert!(check(&bench.tm_call(method, path, "").await, path));
        }
    }
    let token = bench.token().await;
    for path in ["/ident/get/Kanarienvogel", "/ident/Kanarienvogel", "/project/Kanarienvogel"] {
        assert!(check(&bench.i24_call(&token, "GET", path, "").await, path));
    }
    let nowhere = bench.bare("GET", "/Kanarienvogel", &[]).await;
    silent(&nowhere.text(), "nowhere");
    let code = format!("Basic {}", encode_base64(CANARY.as_bytes()));
    let path = format!("{TM}/getStatus/1");
    assert!(check(&bench.bare("GET", &path, &[("authorization", &code)]).await, "credentials"));
    assert!(check(&bench.i24_call(CANARY, "GET", "/project/getAll", "").await, "token"));
    assert!(check(&bench.bare("GET", "/project/getAll", &[("X-API-PARTNER", CANARY)]).await, "partner"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_transitions_quote_no_values() {
    let bench = Harness::new();
    for case in [EXAMPLE_IDENT, OTHER_EXAMPLE_ORDER] {
        for output in [Transition::Scenario(CANARY.into()), Transition::Status(json!({ CANARY: CANARY }))] {
            let faults = known(bench.sandbox.transition(case, &output)).unwrap_err().violations;
            silent(&format!("{faults:?}"), case);
        }
    }
}
