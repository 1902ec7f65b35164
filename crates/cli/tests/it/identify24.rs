//! `identkit identify24`: what it tells, and what it keeps to itself.

use std::path::Path;

use crate::support::{
    CANARY, IDENT, Ran, Sandbox, Server, Then, Vendor, assert_for_its_owner_only, file, ident, names, run,
};
use serde_json::{Value, json};

const REDACTED: &str = "[redacted]";
const GET: &str = "identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

mod logging_in {
    use super::*;

    #[test]
    fn the_credentials_are_checked_and_the_token_is_shown_on_request_only() {
        let sandbox = Sandbox::start();
        let ran = sandbox.run("identify24 login");
        ran.ends_with(0, &["--reveal"]);
        ran.shows(&["911-internet", REDACTED, "idles out at", "Z, if it is not used before"]);
        let told = sandbox.json("identify24 login");
        assert_eq!((&told["token"], &told["result"]), (&json!(REDACTED), &json!(true)));
        assert_eq!(told["identkit"]["hidden"], json!(["messages", "token"]));
        assert_eq!(told["identkit"]["partner"], "911-internet");
        let ran = sandbox.run("identify24 login --reveal --output json");
        let told = ran.ends_with(0, &[]).json();
        let token = told["token"].as_str().unwrap();
        assert!(token.len() > 20 && !ran.stderr.contains(token), "{ran:#?}");
        assert_eq!(told["identkit"]["hidden"], json!([]));
    }

    #[test]
    fn a_token_of_the_vendors_is_never_told() {
        let answer = r#"{"result":true,"token":"canary-token","messages":["canary-token"],"x":"canary-token"}"#;
        let server = Server::json("200 OK", answer);
        for line in ["identify24 login", "identify24 login --output json"] {
            server.run(line).ends_with(0, &[]).tells_none_of(&["canary-token", "key\""]);
        }
    }

    #[test]
    fn a_refusal_is_3_in_each_of_its_forms_and_is_asked_for_once() {
        for (status, body) in [
            ("401 Unauthorized", r#"{"result":false,"messages":["hush-hush"]}"#),
            ("200 OK", r#"{"result":false,"messages":["hush-hush"]}"#),
            ("200 OK", r#"{"result":true,"messages":[]}"#),
            ("200 OK", r#"{"result":false,"response_status":401,"token":"hush-hush"}"#),
        ] {
            let server = Server::json(status, body);
            let ran = server.run("identify24 login");
            ran.fails_with(3, &["auth", "check the credentials"]).tells_none_of(&["hush-hush"]);
            assert_eq!(server.calls(), ["POST /auth"], "I-008");
        }
        Sandbox::start().run("identify24 --api-key wrong login").fails_with(3, &["HTTP 401"]);
    }
}

mod creating {
    use super::*;

    const CALLS: [&str; 2] = ["POST /auth", "POST /ident/create"];

    fn create(vendor: &impl Vendor, more: &str) -> Ran {
        vendor.feed(&format!("identify24 create - {more}"), &ident(&json!({})))
    }

    #[test]
    fn i_042_nothing_is_created_that_nobody_could_find_again() {
        let server = Server::untouched();
        let create = |more: &str| server.feed(&format!("identify24 create -{more}"), &ident(&json!({})));
        create("").fails_with(2, &["--out", "--reveal", "nothing was sent"]);
        let folder = tempfile::tempdir().unwrap();
        let taken = file(&folder, "taken.json", "the only copy");
        let place = folder.path().display().to_string();
        let nowhere = format!("{place}/nowhere/created.json");
        for (path, told) in
            [(&taken, "is there already"), (&place, "is there already"), (&nowhere, "cannot be written")]
        {
            create(&format!(" --out {path}")).fails_with(2, &["--out", told, "nothing was sent"]);
        }
        assert_eq!(std::fs::read(&taken).unwrap(), b"the only copy");
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn ai_15_the_id_goes_into_a_file_of_ones_own_and_is_read_from_there() {
        let sandbox = Sandbox::start();
        let folder = tempfile::tempdir().unwrap();
        for (name, more) in [("table", ""), ("json", " --output json")] {
            let path = folder.path().join(name);
            let out = path.to_str().unwrap();
            let ran = create(&sandbox, &format!("--out {out}{more}"));
            ran.ends_with(0, &[]).shows(&[REDACTED, out]);
            let kept = read(&path);
            let id = kept["ident_id"].as_str().unwrap();
            assert_eq!(kept["conference_url"], format!("https://identify24.de/apply/{id}"));
            ran.tells_none_of(&[id, "identify24.de/apply"]);
            assert_for_its_owner_only(&path);
            for ran in [
                sandbox.run(&format!("identify24 get --from {out}")),
                sandbox.run(&format!("identify24 get --from {out} --output json")),
                sandbox.feed("identify24 get -", &format!("{id}\n")),
            ] {
                ran.ends_with(0, &[]).shows(&["Unidentified"]).tells_none_of(&[id, "John", "Doe"]);
            }
        }
        assert_eq!(names(folder.path()).len(), 2, "nothing is left beside them");
        // What is shown can be kept, too.
        let path = folder.path().join("shown");
        let ran = create(&sandbox, &format!("--reveal --out {} --output json", path.display()));
        let shown = ran.ends_with(0, &[]).json();
        assert_eq!(shown["ident_id"], read(&path)["ident_id"]);
        assert_eq!((&shown["identkit"]["hidden"], &shown["identkit"]["kept_in"]), (&json!([]), &json!(path)));
    }

    #[test]
    fn i_042_an_unknown_outcome_is_6_and_says_that_only_the_vendor_can_tell() {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("identify24 create - --out {}/created.json", folder.path().display());
        for (id, told) in [
            (json!("a-tracking-value"), "by its custom_id, which standard input holds"),
            (Value::Null, "has no custom_id"),
        ] {
            let server = Server::after_login(|_| Then::close());
            let ran = server.feed(&line, &ident(&json!({ "custom_id": id })));
            ran.fails_with(6, &["ident/create", "do not repeat it", "no call that lists", told]);
            assert_eq!(server.calls(), CALLS);
            assert_eq!(names(folder.path()), [""; 0], "nothing is left");
        }
    }

    /// Answers to a create of which nobody knows what they mean, and where they name the ident.
    const DOUBTFUL: [(&str, bool); 10] = [
        (r#"{"result":true,"ident_id":"canary-ident","data":{"ident_id":"b"},"response_status":404}"#, true),
        (r#"{"result":true,"ident_id":"","data":{"ident_id":"canary-ident"}}"#, true),
        (r#"{"result":true,"data":{"id":"canary-ident"}}"#, true),
        (r#"{"result":true,"conference_url":"https://identify24.de/apply/","x":"canary-ident"}"#, false),
        (r#"{"result":true,"data":[],"x":"canary-ident"}"#, false),
        (r#"{"result":true,"response_status":429,"conference_url":"https://identify24.de/apply/canary-ident"}"#, true),
        (r#"{"result":true,"data":{"ident_id":"canary-ident"}}"#, true),
        (r#"{"result":true,"messages":["after a crash"],"ident_id":"canary-ident"}"#, true),
        (r#"{"result":true,"ident":{"key":"canary-ident"}}"#, false),
        (r#"{"result":true "ident_id":"canary-ident"}"#, false),
    ];

    fn doubtful(answer: &'static str) -> Server {
        let status = if answer.contains(r#""messages""#) { "500 Internal Server Error" } else { "200 OK" };
        Server::after_login(move |_| Then::json(status, answer))
    }

    #[test]
    fn i_042_an_answer_that_may_hold_the_only_copy_of_an_id_is_kept_and_shown_on_reveal_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let out = path.to_str().unwrap();
        for (answer, named) in DOUBTFUL {
            for more in ["", " --show-vendor-text"] {
                let server = doubtful(answer);
                let ran = create(&server, &format!("--out {out}{more}"));
                ran.fails_with(6, &["ident/create", "do not repeat it", "the vendor's answer is in", out]);
                assert_eq!(server.calls(), CALLS);
                assert!(!ran.stderr.contains("--show-vendor-text shows it"), "it would be a second ident: {ran:#?}");
                assert_eq!(ran.stderr.contains(&format!("identify24 get --from {out}")), named, "{ran:#?}");
                ran.tells_none_of(&["canary-ident"]);
                let kept = read(&path);
                assert_eq!(kept["vendor_text"], answer);
                assert_eq!(kept["ident_id"].as_str(), named.then_some("canary-ident"));
                assert_for_its_owner_only(&path);
                if named {
                    let found = r#"{"data":{"id":"canary-ident","status":"Unidentified"}}"#;
                    let server = Server::after_login(|_| Then::json("200 OK", found));
                    server.run(&format!("identify24 get --from {out}")).ends_with(0, &[]);
                    assert_eq!(server.calls(), ["POST /auth", "GET /ident/get/canary-ident"]);
                }
                std::fs::remove_file(&path).unwrap();
            }
            create(&doubtful(answer), "--reveal").fails_with(6, &["canary-ident"]);
            assert_eq!(names(folder.path()), [""; 0], "nothing else is left");
        }
    }
}

mod reading {
    use super::*;

    /// An ident whose every member is a canary, but for those that are told.
    fn telling() -> Server {
        let mut data = json!({ "status": "Video done", "project_id": "6", "created_at": "21-10-2019 09:57:51" });
        data["id"] = IDENT.into();
        let persons = "person_first_name person_last_name custom_id custom1 custom2 custom3 custom4 street";
        for name in persons.split(' ').chain(["appointment_date"]) {
            data[name] = CANARY.into();
        }
        data["more"] = json!({ "deep": [CANARY] });
        let answer = json!({ "result": true, "messages": [CANARY], "data": data }).to_string();
        Server::after_login(move |_| Then::json("200 OK", &answer))
    }

    #[test]
    fn ai_15_secrets_and_personal_data_are_shown_on_request_only() {
        let server = telling();
        let ran = server.run(GET);
        ran.ends_with(0, &["--reveal"]).tells_none_of(&[CANARY, IDENT]);
        ran.shows(&["Video done", "21-10-2019 09:57:51"]);
        let ran = server.run(&format!("{GET} --output json"));
        let told = ran.ends_with(0, &[]).tells_none_of(&[CANARY, IDENT]).json();
        assert_eq!(told["person_last_name"], REDACTED);
        assert_eq!(told["identkit"]["hidden"].as_array().unwrap().len(), 11);
        for more in ["--reveal", "--reveal --output json"] {
            let ran = server.run(&format!("{GET} {more}"));
            ran.ends_with(0, &[]).shows(&[IDENT]).logs_none_of(&[CANARY]);
            assert!(ran.stdout.matches(CANARY).count() >= 10 && !ran.stdout.contains(REDACTED), "{ran:#?}");
        }
    }

    #[test]
    fn ai_12_a_status_means_what_the_user_says() {
        let server = telling();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| file(&folder, name, content);
        let outcomes = file("outcomes.json", r#"{ "VIDEO DONE": "negative", "Other": "gone" }"#);
        let get = |more: &[&str]| run(server.command(GET).args(more));
        for (more, word) in [
            (&[][..], "unknown"),
            (&["--outcome", "video done=positive"], "positive"),
            (&["--outcome", "Other=positive"], "unknown"),
            (&["--outcomes", &outcomes], "negative"),
            (&["--outcomes", &outcomes, "--outcome", "Video Done=fraud_suspicion"], "fraud_suspicion"),
        ] {
            let ran = get(&[more, &["--output", "json"]].concat());
            assert_eq!(ran.ends_with(0, &[]).json()["identkit"]["outcome"], word, "{more:?}");
        }
        get(&["--outcome", "video done=positive"]).ends_with(0, &[]).shows(&["positive, final"]);
        let sent = server.connections();
        for (more, told) in [
            (&["--outcome", "Video Done=well"][..], "fraud_suspicion"),
            (&["--outcome", "positive"], "Identified=positive"),
            (&["--outcome", "a=positive", "--outcome", "A=negative"], "two outcomes"),
            (&["--outcomes", &file("list.json", "[]")], "a JSON object of statuses"),
            (&["--outcomes", &file("word.json", r#"{"a":"well"}"#)], "fraud_suspicion"),
            (&["--outcomes", &file("twice.json", r#"{"a":"gone","A":"positive"}"#)], "two outcomes"),
            (&["--outcomes", "/nowhere"], "cannot be read"),
        ] {
            assert_eq!(get(more).ends_with(2, &[told]).stdout, "", "{more:?}");
        }
        assert_eq!(server.connections(), sent);
        // The only documented one needs no table.
        let sandbox = Sandbox::start();
        sandbox.run(GET).ends_with(0, &[]).shows(&["not finished"]);
        // The person's story, played at the sandbox, is what a later read tells.
        sandbox.play(IDENT, "positive");
        let told = sandbox.json(&format!("{GET} --outcome Identified=positive"));
        assert_eq!((&told["status"], &told["identkit"]["outcome"]), (&json!("Identified"), &json!("positive")));
    }

    #[test]
    fn ai_11_i_020_local_times_get_a_zone_on_request_and_the_end_is_an_estimate() {
        let sandbox = Sandbox::start();
        let told = sandbox.json(GET);
        assert_eq!(told["created_at"], "21-10-2019 09:57:51");
        assert_eq!(told["identkit"]["created_at"], Value::Null);
        assert_eq!(told["identkit"]["expires_estimate"], "2020-01-19T09:57:51", "local time, as created_at");
        let told = sandbox.json(&format!("{GET} --zone Europe/Berlin"));
        assert_eq!(told["identkit"]["created_at"], "2019-10-21T09:57:51+02:00");
        assert_eq!(told["identkit"]["appointment_date"], "2019-10-24T11:11:00+02:00");
        assert_eq!(told["identkit"]["expires_estimate"], "2020-01-19T09:57:51+01:00");
        let ran = sandbox.run(&format!("{GET} --zone UTC"));
        ran.ends_with(0, &[]).shows(&["21-10-2019 09:57:51 (2019-10-21T09:57:51+00:00)"]);
        ran.shows(&["forgotten about", "2020-01-19T09:57:51+00:00"]);
        sandbox.run(&format!("{GET} --zone Mars")).ends_with(2, &["Europe/Berlin"]);
    }

    #[test]
    fn i_008_a_token_that_has_died_is_replaced_once_and_a_second_401_is_3() {
        let dead = std::sync::atomic::AtomicBool::new(true);
        let once = Server::after_login(move |_| match dead.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Then::json("401 Unauthorized", "{}"),
            false => Then::json("200 OK", r#"{"result":true,"messages":[],"data":{"status":"Unidentified"}}"#),
        });
        once.run(GET).ends_with(0, &[]);
        let get = format!("GET /ident/get/{IDENT}");
        assert_eq!(once.calls(), ["POST /auth", &get, "POST /auth", &get]);
        let always = Server::after_login(|_| Then::json("401 Unauthorized", "{}"));
        always.run(GET).fails_with(3, &["ident/get", "HTTP 401"]);
        assert_eq!(always.calls(), ["POST /auth", &get, "POST /auth", &get]);
    }

    #[test]
    fn ai_15_an_answer_about_another_ident_is_none_and_no_id_is_told() {
        let other = r#"{"result":true,"data":{"id":"canary-other","status":"Identified"}}"#;
        let server = Server::after_login(|_| Then::json("200 OK", other));
        for more in ["", " --reveal", " --output json"] {
            let ran = server.run(&format!("{GET}{more}"));
            ran.fails_with(1, &["ident/get", "about another one"]).tells_none_of(&["canary-other", IDENT]);
        }
    }
}

mod projects {
    use super::*;

    const BOTH: &str = r#"{"result":true,"messages":[],"response_status":200,"data":[
        {"id":"5","title":"Another","status":"Active"},
        {"id":"6","title":"911 Internet GmbH","status":"Active","contact":"Zsuzsannakanarienvogel"}]}"#;

    #[test]
    fn all_are_listed_and_one_is_read() {
        let sandbox = Sandbox::start();
        sandbox.run("identify24 projects").ends_with(0, &[]).shows(&["911 Internet GmbH"]);
        let listed = sandbox.json("identify24 projects");
        assert_eq!(listed["projects"], json!([{ "id": "6", "title": "911 Internet GmbH", "status": "Active" }]));
        let ran = sandbox.run("identify24 project 6");
        assert_eq!(ran.ends_with(0, &[]).shows(&["911 Internet GmbH", "Active"]).stderr, "");
        for (more, by) in [("", "project/get"), (" --by-list", "project/getAll")] {
            let told = sandbox.json(&format!("identify24 project 6{more}"));
            assert_eq!(told["identkit"]["found_by"], by);
            sandbox.run(&format!("identify24 project 7{more}")).fails_with(4, &[by]);
        }
    }

    #[test]
    fn ai_07_a_get_whose_body_does_not_get_through_falls_back_to_the_list_and_a_note_says_so() {
        for status in ["400 Bad Request", "403 Forbidden", "411 Length Required", "413 Content Too Large"] {
            let server = Server::after_login(move |seen| match seen.path.as_str() {
                "/project/get" => Then::json(status, "{}"),
                _ => Then::json("200 OK", BOTH),
            });
            let ran = server.run("identify24 project 6");
            ran.ends_with(0, &["note: project/get did not get through", "AI-07"]).shows(&["911 Internet GmbH"]);
            assert!(!ran.tells_none_of(&[CANARY]).stdout.contains("Another"), "{ran:#?}");
            assert_eq!(server.calls(), ["POST /auth", "GET /project/get", "GET /project/getAll"]);
            assert_eq!(server.json("identify24 project 6")["identkit"]["found_by"], "project/getAll");
            // A refusal of a project that is not in the list either is told as it was.
            server.run("identify24 project 8").fails_with(5, &["project/get", status.get(..3).unwrap()]);
        }
    }

    #[test]
    fn ai_07_by_list_never_sends_a_get_with_a_body() {
        let server = Server::after_login(|_| Then::json("200 OK", BOTH));
        let ran = server.run("identify24 project 6 --by-list");
        assert_eq!(ran.ends_with(0, &["--reveal"]).stdout.matches("911 Internet GmbH").count(), 1);
        assert_eq!(server.calls(), ["POST /auth", "GET /project/getAll"]);
        server.run("identify24 projects --output json").tells_none_of(&[CANARY]);
    }

    #[test]
    fn what_can_be_no_project_is_2() {
        let server = Server::untouched();
        for bad in ["", " ", "6\n7", &"6".repeat(65)] {
            let ran = run(server.identkit().args(["identify24", "project", bad]));
            ran.fails_with(2, &["project id", "nothing was sent"]);
        }
        assert_eq!(server.connections(), 0);
    }
}

/// What every status of 1.9 comes to, and that nothing of the vendor's words or of a person is told with it.
#[test]
fn every_status_of_the_document_has_its_exit_code() {
    for (status, reads, creates) in [
        ("400 Bad Request", 5, 5),
        ("402 Payment Required", 5, 5),
        ("403 Forbidden", 5, 5),
        ("404 Not Found", 4, 4),
        ("409 Conflict", 5, 5),
        ("429 Too Many Requests", 5, 5),
        ("500 Internal Server Error", 7, 6),
        ("502 Bad Gateway", 7, 6),
        ("503 Service Unavailable", 7, 6),
        ("504 Gateway Timeout", 7, 6),
    ] {
        let body = json!({ "result": false, "messages": [CANARY], "response_status": 0 }).to_string();
        // More patience than anybody has, so that what could be repeated is told at once.
        let server = Server::after_login(move |_| Then::json(&format!("{status}\r\nRetry-After: 3600"), &body));
        let canary = ident(&json!({ "person_first_name": CANARY, "custom_id": CANARY, "city": CANARY }));
        let number = status.get(..3).unwrap();
        for (line, code, words) in [
            ("get -", 2, [""; 2]),
            ("get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", reads, ["", number]),
            ("projects", reads, ["", number]),
            ("project 6", reads, ["", number]),
            ("create - --reveal", creates, ["ident/create", number]),
        ] {
            let ran = server.feed(&format!("identify24 {line}"), &canary);
            ran.fails_with(code, &words).tells_none_of(&[CANARY, IDENT]);
        }
        let created = server.calls().iter().filter(|call| *call == "POST /ident/create").count();
        assert!(creates != 6 || created == 1, "{status}: {created}");
    }
}
