//! What every response means for every call: each status and each deviation of a body (AI-31, AI-33, AT-89, AT-97).

use crate::support::*;

const CREATED: &str =
    r#"{"result":true,"ident_id":"s3cret-id","conference_url":"https://identify24.de/apply/s3cret-id"}"#;
const IDENT: &str = r#"{"result":true,"data":{"id":"x","status":"y"}}"#;
const PROJECTS: &str = r#"{"result":true,"response_status":200,"data":[{"id":"6"}]}"#;

/// The meaning of one response: `ok`; `ok+` with a warning; `?` outcome unknown; `!` refused; `u` unavailable; `x` a
/// response that cannot be used. Fails unless exactly one request was sent.
async fn meaning(call: &str, code: u16, body: &str) -> &'static str {
    let vendor = Vendor::script(vec![Step::Answer(Reply::new(code, body.to_owned()))]);
    let (client, once) = (client(&vendor), options().attempts(1));
    let (result, path) = match call {
        "create" => (client.create_ident(&erika(), &once).await.map(|response| response.warnings), "/ident/create"),
        "get" => (client.get_ident(&IdentId::new("x"), &once).await.map(|response| response.warnings), "/ident/get/x"),
        _ => (client.projects(&once).await.map(|response| response.warnings), "/project/getAll"),
    };
    assert_eq!(vendor.paths().iter().filter(|sent| *sent == path).count(), 1, "{call} {code} {body}");
    let error = match result {
        Ok(warnings) if warnings.iter().any(|warning| warning.rule == "AT-89") => return "ok+",
        Ok(_) => return "ok",
        Err(error) => error,
    };
    let answer = error.answer().unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (code, body.as_bytes()), "{call} {code} {body}");
    assert!(!format!("{error} {error:?} {answer:?} {:?}", error.salvaged_ids()).contains("s3cret"), "{error:?}");
    assert_eq!(error.salvaged_ids().is_empty(), call != "create" || !body.contains("s3cret"), "{call} {code} {body}");
    match error.kind() {
        Kind::OutcomeUnknown => {
            assert_eq!((error.advice(), error.delivery()), (Advice::Reconcile, Some(Delivery::MaybeSent)));
            "?"
        }
        Kind::Unavailable => "u",
        Kind::Protocol => "x",
        _ => "!",
    }
}

#[tokio::test]
async fn ai_31_ai_33_at_89_at_97_every_response_to_calls() {
    const URL_ONLY: &str = r#"{"result":false,"conference_url":"https://identify24.de/apply/s3cret-id"}"#;
    let good = |call: &str| match call {
        "create" => CREATED,
        "get" => IDENT,
        _ => PROJECTS,
    };
    // Statuses, a body (`None`: the documented one), and the meaning for ident/create, ident/get and project/getAll.
    let rows: &[(&[u16], Option<&str>, [&str; 3])] = &[
        (&[200], None, ["ok", "ok", "ok"]),
        (&[201, 202, 203], None, ["ok+", "ok+", "ok+"]),
        (&[204], Some(""), ["?", "x", "x"]),
        (&[205, 206, 207, 226, 299], None, ["?", "x", "x"]),
        (&[200, 201], Some("<html>Mustermann"), ["?", "x", "x"]),
        (&[200], Some("{}"), ["?", "x", "x"]),
        (&[200], Some(r#"{"result":true}"#), ["?", "x", "x"]),
        (&[200], Some(r#"{"result":true,"data":{"id":1.0,"status":"y"}}"#), ["?", "x", "x"]),
        // The id of another ident, and in place of a list.
        (&[200], Some(r#"{"ident_id":"y","data":{"status":"y"}}"#), ["-", "x", "x"]),
        (&[200], Some(r#"{"data":{"id":"x","IdentID":"y","status":"y"}}"#), ["?", "x", "ok"]),
        (&[200], Some(r#"{"data":{"id":"x","ident_id":" X","status":"y"}}"#), ["-", "x", "ok"]),
        (&[200], Some(r#"{"data":{"id":"x","ident_id":"x","status":"y"}}"#), ["-", "ok", "ok"]),
        (&[200], Some(r#"{"result":true,"data":{"6":{"id":6},"7":{"id":7}}}"#), ["?", "-", "x"]),
        (&[200], Some(r#"{"result":true,"data":{"projects":[]}}"#), ["?", "-", "x"]),
        // An empty list beside a failure.
        (&[200], Some(r#"{"result":true,"messages":[],"data":[]}"#), ["?", "-", "ok"]),
        (&[200], Some(r#"{"result":true,"messages":["sorry"],"data":[]}"#), ["?", "x", "x"]),
        (&[200], Some(r#"{"error":"sorry","data":[]}"#), ["?", "x", "x"]),
        (&[200], Some(r#"{"success":false,"data":[]}"#), ["?", "x", "x"]),
        (&[200], Some(r#"{"status":"error","data":[]}"#), ["?", "x", "x"]),
        (&[200], Some(r#"Notice: x {"result":true,"ident_id":"s3cret-id"}"#), ["?", "x", "x"]),
        (&[200], Some(r#"{"result":true,"ident_id":"s3cret-id","n":"\ud800"}"#), ["?", "x", "x"]),
        (&[200], Some(r#"{"result":true,"ident_id":"s3cret-id","n":1e400}"#), ["ok", "x", "x"]),
        (&[200], Some(r#"{"result":false}"#), ["!", "!", "!"]),
        (&[200], Some(r#"{"result":false,"ident_id":"s3cret-id"}"#), ["?", "!", "!"]),
        (&[200, 400, 401, 402, 404, 422, 429], Some(URL_ONLY), ["?", "!", "!"]),
        (&[301, 302, 307, 308, 600], Some(""), ["?", "x", "x"]),
        (&[408, 425, 500, 503, 504], Some(""), ["?", "u", "u"]),
        // The general table lists 409, but it proves nothing.
        (&[409], Some(""), ["?", "!", "!"]),
        (&[400, 402, 403, 404, 405, 410, 415, 422, 429], Some(""), ["!", "!", "!"]),
    ];
    for (statuses, body, expected) in rows {
        for (call, expected) in ["create", "get", "getAll"].into_iter().zip(expected) {
            for status in *statuses {
                // A read repeats once after a new login.
                if (*status == 401 && call != "create") || *expected == "-" {
                    continue;
                }
                let body = body.unwrap_or(good(call));
                assert_eq!(meaning(call, *status, body).await, *expected, "{call} {status} {body}");
            }
        }
    }
}

#[tokio::test]
async fn at_97_a_create_with_two_ident_ids_is_unknown() {
    for body in [
        r#"{"result":true,"ident_id":"one","ident_id":"two"}"#,
        r#"{"result":true,"ident_id":"one","data":{"ident_id":"two"}}"#,
        r#"{"result":true,"ident_id":"one","data":[{"IDENT_ID":"one"},{"ident\u005fid":"two"}]}"#,
        r#"{"result":true,"response_status":404,"ident_id":"one","messages":["{\"ident_id\":\"two\"}"]}"#,
        r#"{"result":false,"ident_id":"one","ident_id":"two"}"#,
    ] {
        let vendor = Vendor::script(vec![ok(body), ok(CREATED)]);
        let error = fault(client(&vendor).create_ident(&erika(), &options()).await);
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{body}");
        let ids: Vec<_> = error.salvaged_ids().into_iter().map(|id| id.value.expose().to_owned()).collect();
        assert_eq!(ids, ["one", "two"], "{body}");
        assert_eq!(error.answer().unwrap().body(), body);
        assert!(error.to_string().contains("2 different values of ident_id"), "{error}");
        assert_eq!(vendor.paths().iter().filter(|path| *path == "/ident/create").count(), 1);
    }
    // The same id again is no contradiction.
    let body = r#"{"result":true,"ident_id":"one1","ident_id":"one1","data":{"ident_id":"one1"}}"#;
    let vendor = Vendor::script(vec![ok(body)]);
    let created = client(&vendor).create_ident(&erika(), &options()).await.unwrap();
    assert_eq!(created.value.ident_id.unwrap().expose(), "one1");
}

#[tokio::test]
async fn at_93_at_95_a_create_is_never_guessed() {
    for body in [
        r#"{"result":true,"ident_id":" "}"#,
        r#"{"result":true,"ident_id":false}"#,
        r#"{"result":true,"ident_id":true,"conference_url":"https://identify24.de/apply/a"}"#,
        r#"{"result":true,"ident_id":{"a":"b"}}"#,
        r#"{"result":true,"ident_id":1.50}"#,
        r#"{"result":true,"ident_id":1e5}"#,
        r#"{"result":true,"ident_id":"error"}"#,
        r#"{"result":true,"ident_id":"Fehler"}"#,
        r#"{"result":true,"ident_id":"abgelehnt","response_status":200}"#,
        r#"{"result":true,"ident_id":"00000000-0000-0000-0000-000000000000"}"#,
        r#"{"result":false,"result":true,"ident_id":"a"}"#,
        r#"{"result":true,"result":false}"#,
        r#"{"result":false,"result":false}"#,
        r#"{"response_status":200,"response_status":400}"#,
        r#"{"result":true,"ident_id":"a","conference_url":"https://x/a","conference_url":"https://x/b"}"#,
        r#"{"result":true,"ident_id":"a","conference_url":"https://x/a","data":{"conference_url":"https://x/b"}}"#,
    ] {
        assert_sent_once(ok(body)).await;
    }
    // A number is an id; a boolean is not a URL.
    let body = r#"{"result":true,"ident_id":12345678901234567890123,"conference_url":false}"#;
    let created = client(&Vendor::script(vec![ok(body)])).create_ident(&erika(), &options()).await.unwrap();
    assert_eq!(created.value.ident_id.unwrap().expose(), "12345678901234567890123");
    assert!(created.value.conference_url.is_none() && created.warnings.iter().all(|warning| warning.rule == "AT-92"));
}

#[test]
fn at_93_at_95_a_token_is_one_text() {
    for (body, words) in [
        (r#"{"result":true,"token":false}"#, "no token"),
        (r#"{"result":true,"token":" "}"#, "no token"),
        (r#"{"result":true,"token":{}}"#, "no token"),
        (r#"{"result":true,"token":["a"]}"#, "no token"),
        (r#"{"result":true,"token":"a","token":"b"}"#, "more than once"),
        (r#"{"result":false,"result":true,"token":"a"}"#, "more than once"),
        (r#"{"response_status":401,"response_status":200,"token":"a"}"#, "more than once"),
    ] {
        let error = fault(decode(&Login::default(), body).and_then(|answer| answer.token().cloned()));
        assert!(error.detail().contains(words), "{body}: {error}");
    }
}

#[tokio::test]
async fn i_041_a_url_without_the_ident_id_is_a_warning() {
    for (id, url, warned) in [
        ("a-1", "https://example.com/apply/b-2", true),
        ("a-1", "https://example.com/apply/a-1?x=1", false),
        ("a/1 b", "https://example.com/apply/a%2F1%20b", false),
        ("a-1", "", false),
    ] {
        let body = format!(r#"{{"result":true,"ident_id":"{id}","conference_url":"{url}"}}"#);
        let vendor = Vendor::script(vec![ok(body)]);
        let created = client(&vendor).create_ident(&erika(), &options()).await.unwrap();
        assert_eq!(created.warnings.iter().any(|warning| warning.rule == "I-041"), warned, "{id} {url}");
        assert_eq!(created.value.conference_url.unwrap().expose(), url);
    }
}

#[tokio::test]
async fn at_94_an_error_beside_a_created_ident_is_a_warning() {
    for (beside, rules) in [
        (r#""error":"no credit""#, &["AT-94"][..]),
        (r#""messages":["ident could not be stored: error"]"#, &["AT-94"]),
        (r#""messages":["invalid e-mail"],"error":"x""#, &["AT-94"]),
        (r#""messages":["Ident created"]"#, &[]),
        (r#""messages":[],"error":"""#, &[]),
        (r#""id":"b-2""#, &["AT-95"]),
        (r#""data":{"id":"b-2"}"#, &["AT-95"]),
        (r#""ident":{"id":7}"#, &["AT-95"]),
        (r#""id":"a-1","data":{"id":"a-1"}"#, &[]),
        (r#""id":null,"data":{"id":""}"#, &[]),
    ] {
        let body = format!(r#"{{"result":true,"ident_id":"a-1",{beside}}}"#);
        let vendor = Vendor::script(vec![ok(body)]);
        let created = client(&vendor).create_ident(&erika(), &options()).await.unwrap();
        let found =
            created.warnings.iter().map(|warning| warning.rule).filter(|rule| ["AT-94", "AT-95"].contains(rule));
        assert_eq!(found.collect::<Vec<_>>(), rules, "{beside}");
    }
}

/// Fails unless the outcome of a create with this response is unknown, and the create is sent once.
async fn assert_sent_once(answer: Step) {
    let vendor = Vendor::script(vec![answer.clone(), ok(CREATED)]);
    let error = fault(client(&vendor).create_ident(&erika(), &options()).await);
    let sent = vendor.paths().iter().filter(|path| *path == "/ident/create").count();
    assert_eq!((error.kind(), error.advice(), sent), (Kind::OutcomeUnknown, Advice::Reconcile, 1), "{answer:?}");
}

#[tokio::test]
async fn ai_31_a_refusal_with_a_location_is_unknown() {
    for (location, body) in [
        ("/ident/get/FIRST", r#"{"result":false}"#),
        ("https://api.identify24.de/ident/FIRST", r#"{"result":false,"response_status":400}"#),
        ("/v1/6f0a1b2c-0000-4000-8000-1234567890ab", r#"{"result":false,"messages":["x"]}"#),
        ("https://identify24.de/apply/FIRST", r#"{"result":false}"#),
    ] {
        for code in [200, 201, 400, 422] {
            assert_sent_once(Step::Answer(Reply::new(code, body.to_owned()).header("location", location))).await;
        }
    }
    for location in ["/", "/login"] {
        let refusal = Reply::new(200, r#"{"result":false}"#.to_owned()).header("location", location);
        let vendor = Vendor::script(vec![Step::Answer(refusal)]);
        let error = fault(client(&vendor).create_ident(&erika(), &options()).await);
        assert_eq!(error.kind(), Kind::Rejected, "{location}");
    }
}

#[tokio::test]
async fn ai_31_a_create_is_repeated_after_a_sure_refusal_only() {
    const ID: &str = r#"{"messages":["x"],"a":{"ident_id":"s3cret-id"}}"#;
    const URL: &str = r#"Sorry. {"conference_url":"https://identify24.de/apply/s3cret-id"#;
    let step = |code: u16, body: &str| Step::Answer(Reply::new(code, body.to_owned()).header("retry-after", "0"));
    for code in [401, 429] {
        const ZERO: &str = r#"{"result":false,"response_status":0,"ident_id":""}"#;
        for (body, repeated) in [("", true), (ZERO, true), (ID, false)] {
            let next = repeated.then(|| ok(CREATED));
            let vendor = Vendor::script([step(code, body)].into_iter().chain(next).collect());
            let created = client(&vendor).create_ident(&erika(), &options()).await;
            let sent = vendor.paths().iter().filter(|path| *path == "/ident/create").count();
            assert_eq!((created.is_ok(), sent), (repeated, 1 + usize::from(repeated)), "{code} {body}");
            if let Err(error) = created {
                assert_eq!((error.kind(), error.status()), (Kind::OutcomeUnknown, Some(code)));
                assert_eq!(error.salvaged_ids()[0].value.expose(), "s3cret-id");
            }
        }
        // Bodies that contradict the status, or that cannot be checked (AI-30).
        let large = format!(r#"{{"result":false,"messages":["{}"]}}"#, "x".repeat(1024 * 1024));
        let plain = r#"{"ident_id":"s3cret-id"}"#;
        let utf_16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for body in [
            r#"{"result":true,"response_status":200}"#,
            r#"{"result":true}"#,
            r#"{"result":"true"}"#,
            r#"{"result":false,"result":true}"#,
            r#"{"response_status":500}"#,
            r#"{"result":false,"response_status":"500"}"#,
            r#"{"response_status":409}"#,
            r#"{"ident\u005fid":"s3cret-id"}"#,
            r#"{"ident_id":["s3cret-id"]}"#,
            r#"{"ident_id":{"a":"s3cret-id"}}"#,
            r#"{"result":false,"data":{"id":"s3cret-id"}}"#,
            r#"{"result":false,"mess"#,
            r#"[{"id":"s3cret-id"}]"#,
            "see https://identify24.de/apply/s3cret-id",
            r#"{"result":false,"messages":["https:\/\/identify24.de\/apply\/s3cret-id"]}"#,
            &large,
        ] {
            assert_sent_once(step(code, body)).await;
        }
        assert_sent_once(Step::Answer(Reply::new(code, utf_16))).await;
        assert_sent_once(Step::Answer(Reply::new(code, &b"\x1f\x8b\x08"[..]))).await;
        assert_sent_once(Step::Answer(Reply::new(code, plain).header("content-encoding", "br"))).await;
        // The end of a body without a length may be a broken connection, even if the body is JSON.
        for body in ["", r#"{"result":false}"#, r#"{"result":false,"mess"#, "<html>Unauthor"] {
            let refusal = Reply::new(code, body).header("retry-after", "0").without_length();
            assert_sent_once(Step::Answer(refusal)).await;
        }
        // A URL that is cut off is not an id, but the refusal is not sure either if it is complete.
        let complete = format!("{URL}\"}}");
        let vendor = Vendor::script(vec![step(code, &complete)]);
        let error = fault(client(&vendor).create_ident(&erika(), &options()).await);
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{code}");
    }
}
