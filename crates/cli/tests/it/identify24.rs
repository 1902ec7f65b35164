//! `identkit identify24`: what it tells, and what it keeps to itself.

use std::path::Path;

use crate::support::{
    CANARY, IDENT, Ran, Sandbox, Server, Then, assert_for_its_owner_only, feed, file, ident, run, towards,
};
use serde_json::{Value, json};

const REDACTED: &str = "[redacted]";

/// Asserts that none of these is told anywhere.
#[track_caller]
fn keeps_to_itself(ran: &Ran, secrets: &[&str]) {
    for secret in secrets {
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "`{secret}` is told: {ran:#?}");
        }
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

mod logging_in {
    use super::*;

    #[test]
    fn the_credentials_are_checked_and_the_token_is_not_shown() {
        let sandbox = Sandbox::start();
        let ran = run(sandbox.identkit().args(["identify24", "login"]));
        ran.ends_with(0, &["--reveal"]);
        for told in ["911-internet", REDACTED, "idles out at", "Z, if it is not used before"] {
            assert!(ran.stdout.contains(told), "{told}: {ran:#?}");
        }
        let ran = run(sandbox.identkit().args(["identify24", "login", "--output", "json"]));
        let told = ran.ends_with(0, &[]).json();
        assert_eq!((&told["token"], &told["result"]), (&json!(REDACTED), &json!(true)));
        assert_eq!(told["identkit"]["hidden"], json!(["messages", "token"]));
        assert_eq!(told["identkit"]["partner"], "911-internet");
    }

    #[test]
    fn the_token_that_is_revealed_is_one_that_works() {
        let sandbox = Sandbox::plain();
        let ran = run(sandbox.identkit().args(["identify24", "login", "--reveal", "--output", "json"]));
        let token = ran.ends_with(0, &[]).json()["token"].as_str().unwrap().to_owned();
        assert!(token.len() > 20 && !ran.stderr.contains(&token), "{ran:#?}");
        assert_eq!(ran.json()["identkit"]["hidden"], json!([]));
    }

    #[test]
    fn a_token_of_the_vendors_is_never_told() {
        let server = Server::always(|| {
            Then::json(
                "200 OK",
                r#"{"result":true,"token":"canary-token","messages":["canary-token"],"x":"canary-token"}"#,
            )
        });
        for more in [&[][..], &["--output", "json"]] {
            let ran = run(towards(&server.url()).args(["identify24", "login"]).args(more));
            keeps_to_itself(ran.ends_with(0, &[]), &["canary-token", "key\""]);
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
            let server = Server::start(move |_| Then::json(status, body));
            let ran = run(towards(&server.url()).args(["identify24", "login"]));
            ran.fails_with(3, &["auth", "check the credentials"]);
            keeps_to_itself(&ran, &["hush-hush"]);
            assert_eq!(server.calls(), ["POST /auth"], "I-008");
        }
        let sandbox = Sandbox::start();
        run(sandbox.identkit().args(["identify24", "--api-key", "wrong", "login"])).fails_with(3, &["HTTP 401"]);
    }
}

mod creating {
    use super::*;

    #[test]
    fn i_042_nothing_is_created_that_nobody_could_find_again() {
        let server = Server::always(|| Then::json("500 Internal Server Error", "{}"));
        let create = |more: &[&str]| {
            let mut command = towards(&server.url());
            feed(command.args(["identify24", "create", "-"]).args(more), ident(&json!({})).as_bytes())
        };
        create(&[]).fails_with(2, &["--out", "--reveal", "nothing was sent"]);
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken.json");
        std::fs::write(&taken, "the only copy").unwrap();
        for (path, told) in [
            (taken.clone(), "is there already"),
            (folder.path().to_owned(), "is there already"),
            (folder.path().join("nowhere/created.json"), "cannot be written"),
        ] {
            create(&["--out", path.to_str().unwrap()]).fails_with(2, &["--out", told, "nothing was sent"]);
        }
        assert_eq!(std::fs::read(&taken).unwrap(), b"the only copy");
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn ai_15_the_id_goes_into_a_file_of_ones_own_and_is_read_from_there() {
        let sandbox = Sandbox::start();
        let folder = tempfile::tempdir().unwrap();
        for (name, more) in [("table", &[][..]), ("json", &["--output", "json"])] {
            let path = folder.path().join(name);
            let out = path.to_str().unwrap();
            let mut command = sandbox.identkit();
            command.args(["identify24", "create", "-", "--out", out]).args(more);
            let ran = feed(&mut command, ident(&json!({})).as_bytes());
            ran.ends_with(0, &[]);
            let kept = read(&path);
            let id = kept["ident_id"].as_str().unwrap();
            assert_eq!(kept["conference_url"], format!("https://identify24.de/apply/{id}"));
            assert!(ran.stdout.contains(REDACTED) && ran.stdout.contains(out), "{ran:#?}");
            keeps_to_itself(&ran, &[id, "identify24.de/apply"]);
            assert_for_its_owner_only(&path);
            let get = ["identify24", "get"];
            for ran in [
                run(sandbox.identkit().args(get).args(["--from", out])),
                run(sandbox.identkit().args(get).args(["--from", out, "--output", "json"])),
                feed(sandbox.identkit().args(get).arg("-"), format!("{id}\n").as_bytes()),
            ] {
                assert!(ran.ends_with(0, &[]).stdout.contains("Unidentified"), "{ran:#?}");
                keeps_to_itself(&ran, &[id, "John", "Doe"]);
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn what_is_shown_can_be_kept_too() {
        let sandbox = Sandbox::start();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let mut command = sandbox.identkit();
        command.args(["identify24", "create", "-", "--reveal", "--out", path.to_str().unwrap(), "--output", "json"]);
        let shown = feed(&mut command, ident(&json!({})).as_bytes()).ends_with(0, &[]).json();
        assert_eq!(shown["ident_id"], read(&path)["ident_id"]);
        assert_eq!((&shown["identkit"]["hidden"], &shown["identkit"]["kept_in"]), (&json!([]), &json!(path)));
    }

    #[test]
    fn i_042_an_unknown_outcome_is_6_and_says_that_only_the_vendor_can_tell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        for (id, told) in [
            (json!("a-tracking-value"), "by its custom_id, which standard input holds"),
            (Value::Null, "has no custom_id"),
        ] {
            let server = Server::after_login(|_| Then::Close);
            let mut command = towards(&server.url());
            command.args(["identify24", "create", "-", "--out", path.to_str().unwrap()]);
            let ran = feed(&mut command, ident(&json!({ "custom_id": id })).as_bytes());
            ran.fails_with(6, &["ident/create", "do not repeat it", "no call that lists", told]);
            assert_eq!(server.calls(), ["POST /auth", "POST /ident/create"]);
            assert!(!path.exists() && std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is left");
        }
    }

    /// Answers to a create of which nobody knows what they mean, and where they name the ident.
    const DOUBTFUL: [(&str, bool); 6] = [
        (r#"{"result":true,"response_status":404,"ident_id":"canary-ident"}"#, true),
        (r#"{"result":true,"response_status":429,"conference_url":"https://identify24.de/apply/canary-ident"}"#, true),
        (r#"{"result":true,"data":{"ident_id":"canary-ident"}}"#, true),
        (r#"{"result":true,"messages":["after a crash"],"ident_id":"canary-ident"}"#, true),
        (r#"{"result":true,"ident":{"key":"canary-ident"}}"#, false),
        (r#"{"result":true "ident_id":"canary-ident"}"#, false),
    ];

    fn doubtful(answer: &'static str, more: &[&str]) -> (Ran, Server) {
        let status = if answer.contains(r#""messages""#) { "500 Internal Server Error" } else { "200 OK" };
        let server = Server::after_login(move |_| Then::json(status, answer));
        let mut command = towards(&server.url());
        command.args(["identify24", "create", "-"]).args(more);
        (feed(&mut command, ident(&json!({})).as_bytes()), server)
    }

    #[test]
    fn i_042_an_answer_that_may_hold_the_only_copy_of_an_id_is_kept_and_shown_on_reveal_only() {
        let folder = tempfile::tempdir().unwrap();
        for (number, (answer, named)) in DOUBTFUL.into_iter().enumerate() {
            let path = folder.path().join(number.to_string());
            let out = path.to_str().unwrap();
            for more in [&["--out", out][..], &["--out", out, "--show-vendor-text"]] {
                let (ran, server) = doubtful(answer, more);
                ran.fails_with(6, &["ident/create", "do not repeat it", "the vendor's answer is in", out]);
                assert_eq!(server.calls(), ["POST /auth", "POST /ident/create"]);
                assert!(!ran.stderr.contains("--show-vendor-text shows it"), "it would be a second ident: {ran:#?}");
                assert_eq!(ran.stderr.contains("get --from"), named, "{ran:#?}");
                keeps_to_itself(&ran, &["canary-ident"]);
                let kept = read(&path);
                assert_eq!(kept["vendor_text"], answer);
                assert_eq!(kept["ident_id"].as_str(), named.then_some("canary-ident"));
                assert_for_its_owner_only(&path);
                std::fs::remove_file(&path).unwrap();
            }
            let (ran, _) = doubtful(answer, &["--reveal"]);
            ran.fails_with(6, &["canary-ident"]);
            assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing else is left");
        }
    }

    #[test]
    fn i_042_an_ident_that_may_exist_is_looked_for_by_the_file_that_create_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let out = path.to_str().unwrap();
        doubtful(DOUBTFUL[0].0, &["--out", out]).0.fails_with(6, &[&format!("identify24 get --from {out}")]);
        let server =
            Server::after_login(|_| Then::json("200 OK", r#"{"data":{"id":"canary-ident","status":"Unidentified"}}"#));
        run(towards(&server.url()).args(["identify24", "get", "--from", out])).ends_with(0, &[]);
        assert_eq!(server.calls(), ["POST /auth", "GET /ident/get/canary-ident"]);
    }
}

mod reading {
    use super::*;

    /// An ident whose every member is a canary, but for those that are told.
    fn telling() -> Server {
        Server::after_login(|_| {
            let mut data = json!({ "status": "Video done", "project_id": "6", "created_at": "21-10-2019 09:57:51" });
            data["id"] = IDENT.into();
            for name in [
                "person_first_name",
                "person_last_name",
                "custom_id",
                "custom1",
                "custom2",
                "custom3",
                "custom4",
                "street",
                "appointment_date",
            ] {
                data[name] = CANARY.into();
            }
            data["more"] = json!({ "deep": [CANARY] });
            Then::json("200 OK", &json!({ "result": true, "messages": [CANARY], "data": data }).to_string())
        })
    }

    #[test]
    fn ai_15_secrets_and_personal_data_are_shown_on_request_only() {
        let server = telling();
        let get = |more: &[&str]| run(towards(&server.url()).args(["identify24", "get", IDENT]).args(more));
        let ran = get(&[]);
        keeps_to_itself(ran.ends_with(0, &["--reveal"]), &[CANARY, IDENT]);
        assert!(ran.stdout.contains("Video done") && ran.stdout.contains("21-10-2019 09:57:51"), "{ran:#?}");
        let ran = get(&["--output", "json"]);
        keeps_to_itself(ran.ends_with(0, &[]), &[CANARY, IDENT]);
        assert_eq!(ran.json()["person_last_name"], REDACTED);
        assert_eq!(ran.json()["identkit"]["hidden"].as_array().unwrap().len(), 11);
        for more in [&["--reveal"][..], &["--reveal", "--output", "json"]] {
            let ran = get(more);
            assert!(ran.ends_with(0, &[]).stdout.matches(CANARY).count() >= 10, "{ran:#?}");
            assert!(ran.stdout.contains(IDENT), "{ran:#?}");
            assert!(!ran.stderr.contains(CANARY) && !ran.stdout.contains(REDACTED), "{ran:#?}");
        }
    }

    #[test]
    fn ai_12_a_status_means_what_the_user_says() {
        let server = telling();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| file(&folder, name, content);
        let outcomes = file("outcomes.json", r#"{ "VIDEO DONE": "negative", "Other": "gone" }"#);
        let get = |more: &[&str]| run(towards(&server.url()).args(["identify24", "get", IDENT]).args(more));
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
        let ran = get(&["--outcome", "video done=positive"]);
        assert!(ran.ends_with(0, &[]).stdout.contains("positive, final"), "{ran:#?}");
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
        let ran = run(sandbox.identkit().args(["identify24", "get", IDENT]));
        assert!(ran.ends_with(0, &[]).stdout.contains("not finished"), "{ran:#?}");
    }

    #[test]
    fn ai_11_i_020_local_times_get_a_zone_on_request_and_the_end_is_an_estimate() {
        let sandbox = Sandbox::start();
        let get = |more: &[&str]| run(sandbox.identkit().args(["identify24", "get", IDENT]).args(more));
        let told = get(&["--output", "json"]).ends_with(0, &[]).json();
        assert_eq!(
            (&told["created_at"], &told["identkit"]["created_at"]),
            (&json!("21-10-2019 09:57:51"), &Value::Null)
        );
        assert_eq!(told["identkit"]["expires_estimate"], "2020-01-19T09:57:51", "local time, as created_at");
        let told = get(&["--zone", "Europe/Berlin", "--output", "json"]).ends_with(0, &[]).json();
        assert_eq!(told["identkit"]["created_at"], "2019-10-21T09:57:51+02:00");
        assert_eq!(told["identkit"]["appointment_date"], "2019-10-24T11:11:00+02:00");
        assert_eq!(told["identkit"]["expires_estimate"], "2020-01-19T09:57:51+01:00");
        let ran = get(&["--zone", "UTC"]);
        for told in ["21-10-2019 09:57:51 (2019-10-21T09:57:51+00:00)", "forgotten about", "2020-01-19T09:57:51+00:00"]
        {
            assert!(ran.ends_with(0, &[]).stdout.contains(told), "{told}: {ran:#?}");
        }
        get(&["--zone", "Mars"]).ends_with(2, &["Europe/Berlin"]);
    }

    #[test]
    fn ai_15_an_id_is_checked_wherever_it_comes_from() {
        let server = Server::always(|| Then::json("500 Internal Server Error", "{}"));
        let folder = tempfile::tempdir().unwrap();
        for (number, bad) in ["", "a/b", "../x", "a b", &"x".repeat(65), REDACTED].into_iter().enumerate() {
            let ran = feed(towards(&server.url()).args(["identify24", "get", "-"]), bad.as_bytes());
            ran.fails_with(2, &["ident_id", "1 to 64 letters, digits and hyphens"]);
            let path = folder.path().join(number.to_string());
            std::fs::write(&path, json!({ "ident_id": bad }).to_string()).unwrap();
            let ran = run(towards(&server.url()).args(["identify24", "get", "--from"]).arg(path));
            ran.fails_with(2, &["ident_id", "1 to 64 letters, digits and hyphens"]);
        }
        let path = folder.path().join("other");
        for other in ["{}", "[]", "text", r#"{"ident_id":6}"#] {
            std::fs::write(&path, other).unwrap();
            run(towards(&server.url()).args(["identify24", "get", "--from"]).arg(&path))
                .fails_with(2, &["holds no ident_id", "nothing was sent"]);
        }
        run(towards(&server.url()).args(["identify24", "get"])).ends_with(2, &["IDENT_ID", "--help"]);
        run(towards(&server.url()).args(["identify24", "get", IDENT, "--from", "x"])).ends_with(2, &["--help"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn i_008_a_token_that_has_died_is_replaced_once_and_a_second_401_is_3() {
        let dead = std::sync::atomic::AtomicBool::new(true);
        let once = Server::after_login(move |_| match dead.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Then::json("401 Unauthorized", "{}"),
            false => Then::json("200 OK", r#"{"result":true,"messages":[],"data":{"status":"Unidentified"}}"#),
        });
        run(towards(&once.url()).args(["identify24", "get", IDENT])).ends_with(0, &[]);
        let get = format!("GET /ident/get/{IDENT}");
        assert_eq!(once.calls(), ["POST /auth", &get, "POST /auth", &get]);
        let always = Server::after_login(|_| Then::json("401 Unauthorized", "{}"));
        run(towards(&always.url()).args(["identify24", "get", IDENT])).fails_with(3, &["ident/get", "HTTP 401"]);
        assert_eq!(always.calls(), ["POST /auth", &get, "POST /auth", &get]);
    }
}

#[test]
fn ai_15_an_answer_about_another_ident_is_none_and_no_id_is_told() {
    let server = Server::after_login(|_| {
        Then::json("200 OK", r#"{"result":true,"data":{"id":"canary-other","status":"Identified"}}"#)
    });
    for more in [&[][..], &["--reveal"], &["--output", "json"]] {
        let ran = run(towards(&server.url()).args(["identify24", "get", IDENT]).args(more));
        ran.fails_with(1, &["ident/get", "about another one"]);
        keeps_to_itself(&ran, &["canary-other", IDENT]);
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
        let ran = run(sandbox.identkit().args(["identify24", "projects"]));
        assert!(ran.ends_with(0, &[]).stdout.contains("911 Internet GmbH"), "{ran:#?}");
        let ran = run(sandbox.identkit().args(["identify24", "projects", "--output", "json"]));
        assert_eq!(
            ran.ends_with(0, &[]).json()["projects"],
            json!([{ "id": "6", "title": "911 Internet GmbH", "status": "Active" }])
        );
        let ran = run(sandbox.identkit().args(["identify24", "project", "6"]));
        assert_eq!(ran.ends_with(0, &[]).stderr, "");
        assert!(ran.stdout.contains("911 Internet GmbH") && ran.stdout.contains("Active"), "{ran:#?}");
        for (more, by) in [(&[][..], "project/get"), (&["--by-list"], "project/getAll")] {
            let ran = run(sandbox.identkit().args(["identify24", "project", "6", "--output", "json"]).args(more));
            assert_eq!(ran.ends_with(0, &[]).json()["identkit"]["found_by"], by);
            run(sandbox.identkit().args(["identify24", "project", "7"]).args(more)).fails_with(4, &[by]);
        }
    }

    #[test]
    fn ai_07_a_get_whose_body_does_not_get_through_falls_back_to_the_list_and_a_note_says_so() {
        for status in ["400 Bad Request", "403 Forbidden", "411 Length Required", "413 Content Too Large"] {
            let server = Server::after_login(move |seen| match seen.path.as_str() {
                "/project/get" => Then::json(status, "{}"),
                _ => Then::json("200 OK", BOTH),
            });
            let ran = run(towards(&server.url()).args(["identify24", "project", "6"]));
            ran.ends_with(0, &["note: project/get did not get through", "AI-07"]);
            assert!(ran.stdout.contains("911 Internet GmbH") && !ran.stdout.contains("Another"), "{ran:#?}");
            keeps_to_itself(&ran, &[CANARY]);
            assert_eq!(server.calls(), ["POST /auth", "GET /project/get", "GET /project/getAll"]);
            let ran = run(towards(&server.url()).args(["identify24", "project", "6", "--output", "json"]));
            assert_eq!(ran.ends_with(0, &[]).json()["identkit"]["found_by"], "project/getAll");
            // A refusal of a project that is not in the list either is told as it was.
            run(towards(&server.url()).args(["identify24", "project", "8"]))
                .fails_with(5, &["project/get", status.get(..3).unwrap()]);
        }
    }

    #[test]
    fn ai_07_by_list_never_sends_a_get_with_a_body() {
        let server = Server::after_login(|_| Then::json("200 OK", BOTH));
        let ran = run(towards(&server.url()).args(["identify24", "project", "6", "--by-list"]));
        assert_eq!(ran.ends_with(0, &["--reveal"]).stdout.matches("911 Internet GmbH").count(), 1);
        assert_eq!(server.calls(), ["POST /auth", "GET /project/getAll"]);
        keeps_to_itself(&run(towards(&server.url()).args(["identify24", "projects", "--output", "json"])), &[CANARY]);
    }

    #[test]
    fn what_can_be_no_project_is_2() {
        let server = Server::always(|| Then::json("500 Internal Server Error", "{}"));
        for bad in ["", " ", "6\n7", &"6".repeat(65)] {
            run(towards(&server.url()).args(["identify24", "project", bad]))
                .fails_with(2, &["project id", "nothing was sent"]);
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
        let server = Server::after_login(move |_| {
            let body = json!({ "result": false, "messages": [CANARY], "response_status": 0 }).to_string();
            // More patience than anybody has, so that what could be repeated is told at once.
            Then::json(&format!("{status}\r\nRetry-After: 3600"), &body)
        });
        let canary = ident(&json!({ "person_first_name": CANARY, "custom_id": CANARY, "city": CANARY }));
        let call = |words: &[&str]| {
            let mut command = towards(&server.url());
            feed(command.arg("identify24").args(words), canary.as_bytes())
        };
        let number = status.get(..3).unwrap();
        for (words, code) in
            [(&["get", "-"][..], 2), (&["get", IDENT], reads), (&["projects"], reads), (&["project", "6"], reads)]
        {
            let ran = call(words);
            ran.fails_with(code, &[]);
            keeps_to_itself(&ran, &[CANARY, IDENT]);
            assert!(code == 2 || ran.stderr.contains(number), "{ran:#?}");
        }
        let ran = call(&["create", "-", "--reveal"]);
        ran.fails_with(creates, &["ident/create", number]);
        keeps_to_itself(&ran, &[CANARY]);
        let created = server.calls().iter().filter(|call| *call == "POST /ident/create").count();
        if creates == 6 {
            assert_eq!(created, 1, "{status}");
        }
    }
}

/// The person's story, played at the sandbox, is what a later read tells.
#[test]
fn a_story_is_seen_by_the_next_read() {
    let sandbox = Sandbox::start();
    sandbox.play(IDENT, "positive");
    let get = ["identify24", "get", IDENT, "--outcome", "Identified=positive", "--output", "json"];
    let told = run(sandbox.identkit().args(get)).ends_with(0, &[]).json();
    assert_eq!((&told["status"], &told["identkit"]["outcome"]), (&json!("Identified"), &json!("positive")));
}
