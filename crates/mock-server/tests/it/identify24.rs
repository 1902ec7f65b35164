//! identify24: codes, bodies, and the rejections of each profile.

use crate::support::*;

/// Returns the document's example without the violations of its own rules.
fn clean() -> Value {
    let mut ident = sample_ident();
    for (key, value) in [
        ("person_first_name", "JOHN"),
        ("person_last_name", "DOE"),
        ("city", "NÜRNBERG"),
        ("street", "MARKGRAFENSTR."),
        ("birth_place", "BERLIN"),
    ] {
        ident[key] = value.into();
    }
    ident.as_object_mut().unwrap().remove("pdf_url");
    ident["pdf_content"] = format!("data:@file/pdf;base64,{}", encode_base64(b"%PDF-1.7 and so on")).into();
    ident
}

/// Field and rule of each violation; `None` if the profile is not tested.
type Faults = Option<Vec<(String, String)>>;
type Row = (Map<String, Value>, Faults, Faults);

/// Tests each row of a group of the table: a change of an ident, and its violations in each profile.
async fn rows(group: &str) {
    let (literal, strict) = (Harness::new(), Harness::strict());
    let mut groups: BTreeMap<String, Vec<Row>> = table("identify24-rules");
    for (patch, by_literal, by_strict) in groups.remove(group).unwrap() {
        let mut ident = clean();
        for (key, value) in &patch {
            ident[key] = value.clone();
            if value == "(absent)" {
                ident.as_object_mut().unwrap().remove(key);
            }
        }
        for (bench, faults) in [(&literal, by_literal), (&strict, by_strict)] {
            let Some(faults) = faults else { continue };
            let answer = bench.create(&ident).await;
            assert_eq!(answer.rules().len(), faults.len(), "{patch:?}: {}", answer.text());
            assert_eq!(answer.status == 200, faults.is_empty(), "{patch:?}: {}", answer.text());
            for (field, rule) in &faults {
                answer.refused(400, field, rule, "[I] ident/create");
                assert_eq!(answer.json()["response_status"], 400);
            }
            let values = patch.values().filter_map(Value::as_str).filter(|value| !value.trim().is_empty());
            for sent in values.chain(["MUSTERSTADT", "nickname"]) {
                assert!(!answer.text().contains(sent), "{patch:?}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn i_043_required_attributes_dates_and_lists_are_checked() {
    rows("I-043").await;
}

#[tokio::test]
async fn ai_20_and_ai_27_values_are_checked_as_they_arrive() {
    // The client's writer removes blanks and separators. The sandbox must not remove them: otherwise a client that sends them would pass.
    rows("as they arrive").await;
}

#[tokio::test]
async fn at_99_port_and_characters_of_pdf_url_are_checked() {
    rows("AT-99").await;
}

#[tokio::test]
async fn ai_19_only_strict_rejects_both_pdf_fields() {
    rows("AI-19").await;
}

#[tokio::test]
async fn ai_04_names_must_be_in_upper_case_in_the_strict_profile_only() {
    rows("AI-04").await;
}

#[tokio::test]
async fn ai_05_strict_rejects_nested_and_unlisted_attributes() {
    rows("AI-05").await;
}

#[tokio::test]
async fn m_08_strict_requires_strings() {
    // AI-06: a project id is a string or a number.
    rows("M-08").await;
    let login = r#"{"PARTNER":911,"APIKEY":"sandbox-api-key"}"#;
    Harness::strict().log_in(login).await.refused(400, "PARTNER", "M-08", "[I] auth");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_030_a_login_returns_the_documents_response() {
    let bench = Harness::new();
    let answer = bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await;
    let mut output = answer.json();
    let mut sample = json_fixture("identify24", "S-007-auth-response.json");
    assert!(!output["token"].as_str().unwrap().is_empty());
    for value in [&mut output, &mut sample] {
        value.as_object_mut().unwrap().remove("token");
    }
    assert_eq!(output, sample);
    let example = fixture("identify24", "S-006-auth-curl-body.json");
    assert_eq!(bench.log_in(std::str::from_utf8(&example).unwrap()).await.status, 200, "the document's own login");
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_10_login_keys_are_upper_case_and_required() {
    let bench = Harness::new();
    for (body, missing) in [
        ("{}", &["PARTNER", "APIKEY"][..]),
        (r#"{"PARTNER":"911-internet"}"#, &["APIKEY"]),
        (r#"{"APIKEY":"sandbox-api-key","PARTNER":""}"#, &["PARTNER"]),
        (r#"{"partner":"911-internet","apikey":"sandbox-api-key"}"#, &["PARTNER", "APIKEY"]),
        (r#"{"Partner":"911-internet","APIKEY":"sandbox-api-key"}"#, &["PARTNER"]),
    ] {
        let answer = bench.log_in(body).await;
        for key in missing {
            answer.refused(400, key, "AI-10", "[I] auth");
        }
        assert_eq!(answer.json()["result"], false);
    }
    for body in ["", "{", "[]", "null"] {
        bench.log_in(body).await.refused(400, "body", "I-002", "[I] auth");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_005_partner_key_and_token_are_all_checked() {
    let bench = Harness::new();
    for body in [
        r#"{"PARTNER":"911-internet","APIKEY":"wrong"}"#,
        r#"{"PARTNER":"somebody","APIKEY":"sandbox-api-key"}"#,
        r#"{"PARTNER":"YOUR PARTNER USERNAME","APIKEY":"sandbox-api-key"}"#,
    ] {
        bench.log_in(body).await.refused(401, "APIKEY", "I-005", "[I] auth");
    }
    let token = bench.token().await;
    let calls =
        [("GET", "/project/getAll"), ("GET", "/project/get"), ("POST", "/ident/create"), ("GET", "/ident/get/1")];
    for (method, path) in calls {
        let (partner, given) = (("X-API-PARTNER", "911-internet"), ("X-API-TOKEN", &*token));
        for (headers, field) in [
            (&[][..], "X-API-PARTNER"),
            (&[given], "X-API-PARTNER"),
            (&[("X-API-PARTNER", "somebody"), given], "X-API-PARTNER"),
            (&[partner], "X-API-TOKEN"),
            (&[partner, ("X-API-TOKEN", "never-given-out")], "X-API-TOKEN"),
            (&[partner, ("X-API-TOKEN", "")], "X-API-TOKEN"),
        ] {
            let answer = bench.bare(method, path, headers).await;
            answer.refused(401, field, "I-005", "[I] Authentication");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_009_a_second_login_leaves_the_first_token_alive() {
    let bench = Harness::new();
    let (first, second) = (bench.token().await, bench.token().await);
    assert_ne!(first, second);
    for token in [first, second] {
        assert_eq!(bench.i24_call(&token, "GET", "/project/getAll", "").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_idents_are_created_as_printed() {
    let bench = Harness::new();
    for name in ["S-011-ident-create-request.json", "S-012-ident-create-curl-body.json"] {
        let ident = json_fixture("identify24", name);
        let answer = bench.create(&ident).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (output, sample) = (answer.json(), json_fixture("identify24", "S-013-ident-create-response.json"));
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&output), keys(&sample), "AI-02: no response_status here");
        let id = output["ident_id"].as_str().unwrap();
        assert_eq!(output["conference_url"], format!("https://identify24.de/apply/{id}"));
        let read = bench.i24_call("xxx", "GET", &format!("/ident/get/{id}"), "").await.json();
        assert_eq!(read["data"]["person_first_name"], "John");
        assert_eq!(read["data"]["project_id"], ident["project_id"]);
        assert_eq!(read["data"]["created_at"], "10-09-2020 14:00:00");
        assert!(read["data"].get("appointment_date").is_none(), "I-052");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_01_the_documents_ident_is_returned_as_printed() {
    let bench = Harness::new();
    let answer = bench.i24_call("xxx", "GET", &format!("/ident/get/{EXAMPLE_IDENT}"), "").await;
    assert_eq!(answer.json(), json_fixture("identify24", "S-017-ident-get-response.comma-added.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_06_project_get_reads_a_number_or_a_string() {
    let bench = Harness::new();
    let token = bench.token().await;
    let project = json!({ "id": "6", "title": "911 Internet GmbH", "status": "Active" });
    let sample = json_fixture("identify24", "S-026-project-get-response.json");
    for body in ["{\"project_id\":6}", "{\"project_id\":\"6\"}"] {
        let answer = bench.i24_call(&token, "GET", "/project/get", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["data"], project);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!((keys(&answer.json()), keys(&answer.json()["data"])), (keys(&sample), keys(&sample["data"])));
    }
    let printed = fixture("identify24", "S-025-project-get-curl-body.json");
    assert_eq!(bench.i24_call(&token, "GET", "/project/get", printed).await.status, 200);
    let unknown = bench.i24_call(&token, "GET", "/project/get", "{\"project_id\":7}").await;
    unknown.refused(404, "project_id", "", "[I] project/get");
    for body in ["{}", "{\"project_id\":\"\"}", "", "{\"project_id\":{}}", "{ \"project_id\" : xxx }"] {
        let answer = bench.i24_call(&token, "GET", "/project/get", body).await;
        answer.refused(400, "", "", "[I] project/get");
    }
    let client = bench.identify24(&bench.clock);
    assert_eq!(client.project(&"6".into(), &options()).await.unwrap().value.title.unwrap(), "911 Internet GmbH");
    let all = bench.i24_call(&token, "GET", "/project/getAll", "").await.json();
    assert_eq!((&all["data"][0], &all["response_status"]), (&project, &json!(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn i_050_unknown_idents_and_calls_are_404_and_other_methods_405() {
    let bench = Harness::new();
    let token = bench.token().await;
    let call = |method, path| bench.i24_call(&token, method, path, "");
    call("GET", "/ident/get/never-created").await.refused(404, "ident_id", "I-050", "[I] ident/get");
    for path in ["/ident/get", "/ident/get/", "/ident/list", "/project", "/ident/GET/1"] {
        call("GET", path).await.refused(404, "path", "I-001", "[I]");
    }
    for (right, path) in
        [("GET", "/ident/get/1"), ("POST", "/ident/create"), ("GET", "/project/getAll"), ("GET", "/project/get")]
    {
        for method in ["GET", "POST", "PUT", "DELETE"].into_iter().filter(|method| *method != right) {
            let answer = call(method, path).await;
            answer.refused(405, &format!("must be called with {right}"), "I-001", "[I]");
            assert_eq!(answer.headers["allow"], right);
        }
    }
    call("GET", "/auth").await.refused(405, "must be called with POST", "I-001", "[I]");
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_26_only_strict_rejects_a_missing_media_type() {
    for (bench, strict) in [(Harness::new(), false), (Harness::strict(), true)] {
        let token = bench.token().await;
        let account = [("X-API-PARTNER", "911-internet"), ("X-API-TOKEN", &token)];
        let get = async |media: Option<&str>| {
            let headers: Vec<_> = account.into_iter().chain(media.map(|media| ("content-type", media))).collect();
            bench.bare("GET", "/project/getAll", &headers).await
        };
        for good in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
            assert_eq!(get(Some(good)).await.status, 200, "{good}");
        }
        for bad in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            let answer = get(bad).await;
            if strict {
                answer.refused(400, "Content-Type", "I-002", "[I] Headers");
            } else {
                assert_eq!(answer.status, 200);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_08_example_credentials_work_in_literal_only() {
    let strict = Harness::strict();
    let example = fixture("identify24", "S-006-auth-curl-body.json");
    assert_eq!(strict.log_in(std::str::from_utf8(&example).unwrap()).await.status, 401);
    assert_eq!(strict.i24_call("xxx", "GET", "/project/getAll", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_12_stories_and_any_status_can_be_set() {
    let bench = Harness::new();
    let id = bench.create_ident().await;
    let status = || async {
        bench.i24_call("xxx", "GET", &format!("/ident/get/{id}"), "").await.json()["data"]["status"].clone()
    };
    bench.play(&id, "positive").await;
    assert_eq!(status().await, "Identified");
    bench.play(&id, "negative").await;
    assert_eq!(status().await, "Rejected");
    let word = Transition::Status("Appointment made".into());
    assert_eq!(bench.sandbox.transition(&id, &word), Ok(()));
    assert_eq!(status().await, "Appointment made");
    for refused in
        [Transition::Scenario("nonsense".into()), Transition::Status(json!(6)), Transition::Status(json!(""))]
    {
        assert_eq!(known(bench.sandbox.transition(&id, &refused)).unwrap_err().status, 400);
        assert_eq!(status().await, "Appointment made");
    }
    let unknown = bench.begin(&id, "nonsense").unwrap_err().text();
    assert!(unknown.contains("the setting stories has: appointment, identified, negative, positive"), "{unknown}");
    bench.sandbox.with_world(|world| identify24::set_webhook(world, Some(Secret::new("no url at all"))));
    assert_eq!(bench.begin(&id, "positive").unwrap_err().status, 400);
    assert_eq!(status().await, "Appointment made", "an ident is unchanged if its webhook cannot be created");
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_32_tokens_are_jwts_without_exp() {
    let bench = Harness::new();
    let (token, other) = (bench.token().await, bench.token().await);
    assert_ne!(token, other);
    let parts: Vec<Vec<u8>> = token.split('.').map(decode_url_safe).collect();
    let [header, claims, signature] = &parts[..] else { panic!("not three parts: {token}") };
    let header: Value = serde_json::from_slice(header).unwrap();
    assert_eq!((&header["typ"], &header["alg"], signature.len()), (&json!("JWT"), &json!("HS256"), 32));
    let claims: Value = serde_json::from_slice(claims).unwrap();
    assert!(claims.get("exp").is_none() && claims["jti"].is_string(), "{claims}");
    assert_eq!(claims["iat"], start_time().as_second());
    let read = bench.i24_call("xxx", "GET", "/project/getAll", "").await;
    assert_eq!(read.status, 200, "the document's literal is not a JWT");
}

/// Decodes base64url without padding (RFC 7515, section 2).
fn decode_url_safe(part: &str) -> Vec<u8> {
    assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{part}");
    let padding = "=".repeat((4 - part.len() % 4) % 4);
    identkit_wire::decode_base64(&(part.replace('-', "+").replace('_', "/") + &padding)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_idents_need_a_project_of_the_account() {
    for (profile, project, status) in [
        (Profile::Literal, "6", 200),
        (Profile::Literal, "7", 404),
        (Profile::Literal, "xxx", 200),
        (Profile::Strict, "xxx", 404),
    ] {
        let bench = Harness::with(|builder| builder.profile(profile));
        let mut ident = serde_json::to_value(ident()).unwrap();
        ident["project_id"] = json!(project);
        for name in ["person_first_name", "person_last_name", "birth_place", "city"] {
            ident[name] = json!(ident[name].as_str().unwrap().to_uppercase());
        }
        let answer = bench.create(&ident).await;
        assert_eq!(answer.status, status, "{profile:?} {project}: {}", answer.text());
        if status == 404 {
            answer.refused(404, "project_id", "I-050", "[I] ident/create");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_rejects_a_name_twice() {
    let body = r#"{"project_id":"6","project_id":"6"}"#;
    let strict = Harness::strict();
    let token = strict.token().await;
    strict.i24_call(&token, "GET", "/project/get", body).await.refused(400, "body", "M-08", "[I] Headers");
    assert_eq!(Harness::new().i24_call("xxx", "GET", "/project/get", body).await.status, 200);
}
