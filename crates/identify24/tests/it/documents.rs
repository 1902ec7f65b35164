//! The document's samples against reader and writer: one test for each fixture file.
//!
//! `crates/conformance` checks that this file names every fixture.

use crate::support::*;

const ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// A dialect for the samples, which break the document's table: names in mixed case, both PDF sources.
fn as_the_samples() -> Dialect {
    Dialect::new().case(CasePolicy::Preserve).allow_both_pdf_sources(true)
}

/// Checks that the sandbox writes the sample for each of the outputs.
async fn writes<Op: ServedOperation>(sample: &[u8], outputs: impl IntoIterator<Item = Op::Output>) {
    for output in outputs {
        assert_eq!(json(&answered::<Op>(output).await), json(sample));
    }
}

fn sandbox_reads<Op: ServedOperation>(sample: &[u8]) -> Result<Op, Error> {
    Op::decode_request(&params(), &request(sample.to_vec()))
}

fn get_ident() -> GetIdent {
    GetIdent { ident_id: ID.into() }
}

#[test]
fn s_005_s_006_login_requests_survive_a_round_trip() {
    for (file, partner, key) in [
        ("S-005-auth-request.json", "{{PARTNER}}", "{{APIKEY}}"),
        ("S-006-auth-curl-body.json", "YOUR PARTNER USERNAME", "YOUR API KEY"),
    ] {
        let sample = fixture(file);
        let login = sandbox_reads::<Login>(&sample).unwrap();
        assert_eq!(login, Login(AuthRequest::new(partner, key)));
        assert_eq!(written(&login, &Dialect::new()), json(&sample));
    }
}

#[tokio::test]
async fn ai_29_s_007_grants_an_opaque_token() {
    let sample = fixture("S-007-auth-response.json");
    let answer = decode(&Login::default(), sample.clone()).unwrap();
    assert_eq!(answer.token().unwrap().expose(), "xxx");
    writes::<Login>(&sample, [answer, AuthResponse::granted("xxx")]).await;
}

#[tokio::test]
async fn s_009_and_s_013_are_created_idents() {
    let fragment = decode(&erika(), fixture("S-009-ident-create-response.json")).unwrap();
    assert_eq!((fragment.ident_id.unwrap().expose(), fragment.conference_url), (ID, None));

    let sample = fixture("S-013-ident-create-response.json");
    let answer = decode(&erika(), sample.clone()).unwrap();
    let url = format!("https://identify24.de/apply/{ID}");
    assert_eq!(answer.conference_url.as_ref().unwrap().expose(), url);
    assert_eq!(answer, CreateIdentResponse::created(ID, url));
    writes::<CreateIdent>(&sample, [answer]).await;
}

#[test]
fn s_011_s_012_survive_a_round_trip() {
    for (file, project) in [("S-011-ident-create-request.json", "xxx"), ("S-012-ident-create-curl-body.json", "6")] {
        let sample = fixture(file);
        let ident = sandbox_reads::<CreateIdent>(&sample).unwrap();
        assert_eq!(ident.project_id.as_ref().unwrap().as_str(), project);
        let written = written(&ident, &as_the_samples());
        assert_eq!(written, json(&sample));
        assert_eq!(written.as_object().unwrap().len(), 33);
        assert_eq!(json(&serde_json::to_vec(&ident).unwrap()), json(&sample));
    }
}

#[test]
fn ai_01_s_017_as_printed_is_rejected_without_quoting() {
    let error = decode(&get_ident(), fixture("S-017-ident-get-response.json")).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("line 1, column 341"), "{shown}");
    for value in ["John", "Doe", "xxxx", "2019", "Unidentified", "Optional"] {
        assert!(!shown.contains(value), "{value} in {shown}");
    }
}

#[tokio::test]
async fn ai_01_s_017_with_its_comma_is_read() {
    let sample = fixture("S-017-ident-get-response.comma-added.json");
    let answer = decode(&get_ident(), sample.clone()).unwrap();
    let ident = answer.data.as_ref().unwrap().as_slice()[0].clone();
    assert_eq!(ident.id.as_ref().unwrap().expose(), ID);
    assert_eq!(ident.project_id.as_ref().unwrap().as_str(), "6");
    assert_eq!(ident.status.as_ref().unwrap().as_str(), "Unidentified");
    assert_eq!(ident.given_names().unwrap().expose(), "John");
    let created = jiff::civil::date(2019, 10, 21).at(9, 57, 51, 0);
    let appointment = jiff::civil::date(2019, 10, 24).at(11, 11, 0, 0);
    assert_eq!(ident.created_at, Some(LocalDateTime::created(created)));
    assert_eq!(ident.appointment_date, Some(LocalDateTime::appointment(appointment)));
    assert_eq!(ident.expires_estimate(), Some(jiff::civil::date(2020, 1, 19).at(9, 57, 51, 0)));
    writes::<GetIdent>(&sample, [answer, Envelope::ident(ident)]).await;
}

#[tokio::test]
async fn s_021_and_s_026_are_projects() {
    let project = Project::new("6", "911 Internet GmbH", "Active");

    let sample = fixture("S-021-project-get-all-response.json");
    let answer = decode(&GetAllProjects, sample.clone()).unwrap();
    assert_eq!(answer.data.as_ref().unwrap().as_slice(), std::slice::from_ref(&project));
    writes::<GetAllProjects>(&sample, [answer, Envelope::projects(vec![project.clone()])]).await;

    let sample = fixture("S-026-project-get-response.json");
    let answer = decode(&GetProject(ProjectRequest::new("6")), sample.clone()).unwrap();
    assert_eq!(answer.data.as_ref().unwrap().as_slice(), std::slice::from_ref(&project));
    writes::<GetProject>(&sample, [answer, Envelope::project(project)]).await;
}

#[test]
fn s_024_as_printed_is_rejected_without_quoting() {
    let error = sandbox_reads::<GetProject>(&fixture("S-024-project-get-request.json")).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput);
    assert!(error.to_string().contains("not valid JSON at line 1"), "{error}");
    assert!(!format!("{error} {error:?}").contains("xxx"));
}

#[test]
fn s_025_project_id_is_a_number() {
    let sample = fixture("S-025-project-get-curl-body.json");
    let get = sandbox_reads::<GetProject>(&sample).unwrap();
    assert_eq!(get, GetProject(ProjectRequest::new("6")));
    assert_eq!(written(&get, &Dialect::new()), json(&sample));
}

#[test]
fn s_027_is_a_webhook_of_16_keys() {
    let sample = fixture("S-027-ident-webhook.json");
    let payload = IdentStatusCallback::payload(&sample).unwrap();
    assert_eq!(payload.ident_id.as_ref().unwrap().expose(), "xxxxx");
    let date = payload.appointment_date.as_ref().unwrap();
    assert_eq!((date.as_str(), date.civil()), ("YYYY-mm-dd H:i", None));
    assert_eq!(json(&serde_json::to_vec(&payload).unwrap()), json(&sample));
    let mut keys: Vec<_> = json(&sample).as_object().unwrap().keys().cloned().collect();
    let mut known = IdentWebhook::KEYS.to_vec();
    keys.sort();
    known.sort_unstable();
    assert_eq!(keys, known);
}

/// Checks method, path, headers and body of the curl samples and their runnable forms.
#[test]
fn curl_samples_match_the_operations() {
    fn check<Op: ServedOperation<Dialect = Dialect>>(printed: &str, runnable: &str, operation: &Op, verb: &str) {
        let printed = String::from_utf8(fixture(printed)).unwrap();
        let runnable = String::from_utf8(fixture(runnable)).unwrap();
        let path = Op::META.path(&operation.path_params()).unwrap();
        assert!(printed.contains(&format!("https://api.identify24.de{path}")), "{path}");
        assert!(runnable.contains(&format!("${{BASE}}{path}")), "{path}");
        let sent_body = body_bytes(&encoded(operation, &as_the_samples()).body);
        for text in [printed, runnable] {
            assert!(text.contains(&format!("{verb} {}", Op::META.method)), "{text}");
            assert!(text.contains("Content-Type: application/json"));
            let token = Op::META.path != "/auth";
            assert_eq!(text.contains("X-API-PARTNER: 911-internet") && text.contains("X-API-TOKEN: xxx"), token);
            let body = match text.split_once("-d '") {
                Some((_, body)) => body.rsplit_once('\'').unwrap().0.to_owned(),
                None => text
                    .split_once("--data \"")
                    .map_or_else(String::new, |(_, body)| body.rsplit_once('"').unwrap().0.replace("\\\"", "\"")),
            };
            if body.is_empty() {
                assert!(sent_body.is_empty());
            } else {
                assert_eq!(json(&sent_body), json(body.as_bytes()));
            }
        }
    }

    let login = Login(AuthRequest::new("YOUR PARTNER USERNAME", "YOUR API KEY"));
    check("S-006-auth.curl.sh.txt", "S-006-auth.curl.sh", &login, "--request");
    let ident: CreateIdent =
        serde_json::from_slice(&fixture(concat!("S-012-ident-create", "-curl-body.json"))).unwrap();
    check("S-012-ident-create.curl.sh.txt", "S-012-ident-create.curl.sh", &ident, "-X");
    check("S-016-ident-get.curl.sh.txt", "S-016-ident-get.curl.sh", &get_ident(), "-X");
    check("S-020-project-get-all.curl.sh.txt", "S-020-project-get-all.curl.sh", &GetAllProjects, "-X");
    let get = GetProject(ProjectRequest::new("6"));
    check("S-025-project-get.curl.sh.txt", "S-025-project-get.curl.sh", &get, "-X");
}

#[test]
fn responses_can_be_built_outside_the_crate() {
    let mut ident = Ident::default();
    ident.status = Some("Unidentified".into());
    let mut envelope = Envelope::ident(ident);
    envelope.result = Some(false);
    assert_eq!(
        serde_json::to_string(&envelope).unwrap(),
        r#"{"result":false,"messages":[],"data":{"status":"Unidentified"}}"#
    );
}
