//! `identkit identify24`: results on standard output, and nothing personal elsewhere.

use std::path::Path;

use crate::support::{
    CANARY, IDENT, Reply, Run, Sandbox, Server, Vendor, assert_private, file, ident, identkit, names, on_full_disk, run,
};
use serde_json::{Value, json};

const GET: &str = "identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

mod logging_in {
    use super::*;

    #[test]
    fn login_checks_credentials_and_prints_the_token() {
        let sandbox = Sandbox::start();
        let result = sandbox.run("identify24 login");
        result.ends_with(0, &[]).shows(&["911-internet", "token\t", "expires at", "Z, unless it is used before"]);
        let result = sandbox.run("identify24 login --output json");
        let json = result.ends_with(0, &[]).json();
        let token = json["token"].as_str().unwrap();
        assert!(token.len() > 20 && !result.stderr.contains(token), "{result:#?}");
        assert_eq!((&json["identkit"]["hidden"], &json["identkit"]["partner"]), (&json!([]), &json!("911-internet")));
    }

    #[test]
    fn the_vendors_token_is_on_standard_output_only() {
        let answer = r#"{"result":true,"token":"canary-token","messages":["canary-token"],"x":"canary-token"}"#;
        let server = Server::json("200 OK", answer);
        for line in ["identify24 login -v", "identify24 login --output json"] {
            let result = server.run(line);
            result.ends_with(0, &[]).shows(&["canary-token"]).logs_none_of(&["canary-token", "key\""]);
        }
    }

    #[test]
    fn a_404_of_a_login_is_1_without_another_login() {
        let server = Server::json("404 Not Found", "{}");
        server.run("identify24 login").fails_with(1, &["wrong base URL?", "/auth"]);
        assert_eq!(server.calls(), ["POST /auth"]);
        let server = Server::after_login(|_| Reply::json("404 Not Found", "{}"));
        server.run("identify24 projects").fails_with(1, &["wrong base URL?", "/project/getAll"]);
        assert_eq!(server.calls(), ["POST /auth", "GET /project/getAll"]);
        let server = Server::json("404 Not Found", "{}");
        server.run("tm ping").fails_with(1, &["wrong base URL?", "/serverStatus"]);
        assert_eq!(server.calls(), ["GET /serverStatus"]);
    }

    #[test]
    fn a_rejected_login_is_3_in_each_form_and_sent_once() {
        for (status, body) in [
            ("401 Unauthorized", r#"{"result":false,"messages":["hush-hush"]}"#),
            ("200 OK", r#"{"result":false,"messages":["hush-hush"]}"#),
            ("200 OK", r#"{"result":true,"messages":[]}"#),
            ("200 OK", r#"{"result":false,"response_status":401,"token":"hush-hush"}"#),
        ] {
            let server = Server::json(status, body);
            let result = server.run("identify24 login");
            result.fails_with(3, &["auth", "check the credentials"]).hides(&["hush-hush"]);
            assert_eq!(server.calls(), ["POST /auth"], "I-008");
        }
        Sandbox::start().run("identify24 --api-key wrong login").fails_with(3, &["HTTP 401"]);
    }
}

mod creating {
    use super::*;

    const CALLS: [&str; 2] = ["POST /auth", "POST /ident/create"];

    fn create(vendor: &impl Vendor, more: &str) -> Run {
        vendor.feed(&format!("identify24 create - {more}"), &ident(&json!({})))
    }

    #[test]
    fn i_042_without_a_place_for_the_file_nothing_is_created() {
        let server = Server::untouched();
        let create = |more: &str| server.feed(&format!("identify24 create -{more}"), &ident(&json!({})));
        let folder = tempfile::tempdir().unwrap();
        let taken = file(&folder, "taken.json", "the only copy");
        let place = folder.path().display().to_string();
        let nowhere = format!("{place}/nowhere/created.json");
        for (path, expected) in
            [(&taken, "already exists"), (&place, "already exists"), (&nowhere, "cannot be written")]
        {
            create(&format!(" --out {path}")).fails_with(2, &["--out", expected, "nothing was sent"]);
        }
        assert_eq!(std::fs::read(&taken).unwrap(), b"the only copy");
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn ai_15_the_id_is_saved_to_a_private_file_and_read_back() {
        let sandbox = Sandbox::start();
        let folder = tempfile::tempdir().unwrap();
        for (name, more) in [("table", ""), ("json", " --output json")] {
            let path = folder.path().join(name);
            let out = path.to_str().unwrap();
            let result = create(&sandbox, &format!("--out {out}{more}"));
            let kept = read(&path);
            let id = kept["ident_id"].as_str().unwrap();
            let url = kept["conference_url"].as_str().unwrap();
            assert!(url.contains("://127.0.0.1:") && url.ends_with(&format!("/apply/{id}")), "M-15: {url}");
            result.ends_with(0, &[]).shows(&[id, "/apply/", out]).logs_none_of(&[id, "/apply/"]);
            assert_private(&path);
            for result in [
                sandbox.run(&format!("identify24 get --from {out}")),
                sandbox.run(&format!("identify24 get --from {out} --output json")),
                sandbox.feed("identify24 get -", &format!("{id}\n")),
            ] {
                result.ends_with(0, &[]).shows(&["Unidentified", id]).logs_none_of(&[id, "John", "Doe"]);
            }
        }
        assert_eq!(names(folder.path()).len(), 2, "no other file is left");
        let path = folder.path().join("shown");
        let result = create(&sandbox, &format!("--out {} --output json", path.display()));
        let shown = result.ends_with(0, &[]).json();
        assert_eq!(shown["ident_id"], read(&path)["ident_id"]);
        assert_eq!((&shown["identkit"]["hidden"], &shown["identkit"]["kept_in"]), (&json!([]), &json!(path)));
    }

    #[test]
    fn i_042_an_unknown_outcome_is_6_and_points_to_the_vendor() {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("identify24 create - --out {}/created.json", folder.path().display());
        for (id, expected) in [
            (json!("a-tracking-value"), "by its custom_id, which is in the record of the request"),
            (Value::Null, "has no custom_id"),
        ] {
            let server = Server::after_login(|_| Reply::close());
            let result = server.feed(&line, &ident(&json!({ "custom_id": id })));
            result.fails_with(6, &["ident/create", "do not repeat it", "no call that lists", expected]);
            result.fails_with(6, &["created.json is not written", "no response to save was received"]);
            assert_eq!(server.calls(), CALLS);
            assert_eq!(names(folder.path()), [""; 0], "no file is left");
        }
    }

    #[test]
    fn an_empty_response_is_not_saved_and_the_error_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("identify24 create - --out {}/created.json", folder.path().display());
        let server = Server::after_login(|_| Reply::json("500 Internal Server Error", ""));
        let result = server.feed(&line, &ident(&json!({})));
        result.fails_with(6, &["created.json is not written", "no response to save was received"]);
        assert_eq!(names(folder.path()), [""; 0], "no file is left");
    }

    #[test]
    fn a_number_or_blanks_in_the_input_give_a_note() {
        let created = r#"{"result":true,"ident_id":"a1","conference_url":"https://x/a1"}"#;
        let server = Server::after_login(move |_| Reply::json("200 OK", created));
        let changes = json!({ "project_id": 6, "custom1": 7, "street": " A ", "mobile_phone": "+49 (0)151 1" });
        server.feed("identify24 create -", &ident(&changes)).ends_with(
            0,
            &[
                "note: project_id is a number and is sent as text",
                "note: custom1 is a number and is sent as text",
                "without the blanks around them: street",
                "mobile_phone is sent with the country code 49",
            ],
        );
        let changes = json!({ "company_name": "", "custom1": "", "street": " ", "mobile_phone": "0151 / 1-1" });
        let given = ident(&changes).replace("\"custom2\":\"custom2\"", "\"custom2\":null");
        let result = server.feed("identify24 create -", &given);
        result.ends_with(0, &["note: not sent because they are empty or null: ", "without its separators"]);
        let left_out = result.stderr.lines().find(|line| line.contains("empty or null: ")).unwrap();
        for name in ["company_name", "custom1", "street", "custom2"] {
            assert!(left_out.contains(name), "{name}: {left_out}");
        }
        let untouched = Server::untouched();
        for (phone, more, why) in [
            ("+39 (0)6 1", "", "may be part of the number"),
            ("0151(0)1111", "", "may be part of the number"),
            ("49 151 1", " --phone plus", "begins with 49, which may be a country code"),
            ("49 151 1", " --phone double-zero", "begins with 49, which may be a country code"),
            ("+0049 151 1", "", "country code, which does not begin with 0"),
            ("+49 170 1234567 / 0171 2345678", "", "must be one number of at most 15 digits"),
            ("+49 170 1234567 / 0171 2345678", " --phone plus", "must be one number of at most 15 digits"),
        ] {
            let doubtful = ident(&json!({ "mobile_phone": phone }));
            untouched.feed(&format!("identify24 create -{more}"), &doubtful).fails_with(2, &["mobile_phone", why]);
        }
        assert_eq!(untouched.connections(), 0);
    }

    /// Ambiguous responses to a create, and whether they contain the ident_id.
    const DOUBTFUL: [(&str, bool); 12] = [
        (r#"{"result":true,"ident_id":"canary-ident","data":{"ident_id":"canary-ident"},"response_status":404}"#, true),
        (r#"[{"result":true,"ident_id":"canary-ident"}]"#, true),
        (r#"{"result":true,"ident_id":"canary-ident"} and more text"#, true),
        (r#"{"result":true,"ident_id":"","data":{"ident_id":"canary-ident"}}"#, true),
        (r#"{"result":true,"data":{"id":"canary-ident"}}"#, true),
        (r#"{"result":true,"conference_url":"https://identify24.de/apply/","x":"canary-ident"}"#, false),
        (r#"{"result":true,"data":[],"x":"canary-ident"}"#, false),
        (r#"{"result":true,"response_status":429,"conference_url":"https://identify24.de/apply/canary-ident"}"#, true),
        (r#"{"result":true,"data":{"ident_id":"canary-ident"}}"#, true),
        (r#"{"result":true,"messages":["after a crash"],"ident_id":"canary-ident"}"#, true),
        (r#"{"result":true,"ident":{"key":"canary-ident"}}"#, false),
        (r#"{"result":true "ident_id":"canary-ident"}"#, true),
    ];

    fn doubtful(answer: &'static str) -> Server {
        let status = if answer.contains(r#""messages""#) { "500 Internal Server Error" } else { "200 OK" };
        Server::after_login(move |_| Reply::json(status, answer))
    }

    #[test]
    fn i_042_a_doubtful_response_is_saved_and_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("created.json");
        let out = path.to_str().unwrap();
        for (answer, named) in DOUBTFUL {
            for more in ["", " --show-vendor-text"] {
                let server = doubtful(answer);
                let result = create(&server, &format!("--out {out}{more}"));
                result.fails_with(6, &["ident/create", "do not repeat it", "the vendor's response is in", out]);
                assert_eq!(server.calls(), CALLS);
                assert!(
                    !result.stderr.contains("add --show-vendor-text"),
                    "a repeat may create a second ident: {result:#?}"
                );
                assert_eq!(result.stderr.contains(&format!("identify24 get --from {out}")), named, "{result:#?}");
                result.hides(&["canary-ident"]);
                let kept = read(&path);
                assert_eq!(kept["vendor_text"], answer);
                assert_eq!(kept["ident_id"].as_str(), named.then_some("canary-ident"));
                assert_private(&path);
                if named {
                    let found = r#"{"data":{"id":"canary-ident","status":"Unidentified"}}"#;
                    let server = Server::after_login(|_| Reply::json("200 OK", found));
                    server.run(&format!("identify24 get --from {out}")).ends_with(0, &[]);
                    assert_eq!(server.calls(), ["POST /auth", "GET /ident/get/canary-ident"]);
                }
                std::fs::remove_file(&path).unwrap();
            }
            create(&doubtful(answer), "--reveal").fails_with(6, &["canary-ident"]);
            assert_eq!(names(folder.path()), [""; 0], "no other file is left");
        }
    }

    #[test]
    fn at_97_the_file_has_the_whole_doubtful_response() {
        let folder = tempfile::tempdir().unwrap();
        let url = r#"{"conference_url":"https://identify24.de/apply/canary-ident"}"#;
        let long = format!("<p>{}</p>{url}", "x".repeat(100_000)).into_bytes();
        let latin = [b"<p>M\xfcller</p>", url.as_bytes()].concat();
        for (name, body) in [("text", long), ("bytes", latin)] {
            let (out, sent) = (folder.path().join(name).display().to_string(), body.clone());
            let server = || {
                let sent = sent.clone();
                Server::after_login(move |_| Reply::answer("500 No", "text/html", &sent))
            };
            create(&server(), &format!("--out {out} --no-state")).ends_with(6, &[&out]).hides(&["canary-ident"]);
            let kept = read(Path::new(&out));
            let whole = kept["vendor_text"].as_str().map(|text| text.as_bytes().to_vec());
            let whole = whole.or_else(|| identkit_wire::decode_base64(kept["vendor_base64"].as_str()?).ok());
            assert_eq!((whole, &kept["ident_id"]), (Some(body), &json!("canary-ident")), "{name}");
            // Without any file, the error is the only copy.
            create(&server(), "--no-state").ends_with(6, &["ident_id canary-ident", "apply/canary-ident"]);
            create(&server(), "--reveal").ends_with(6, &["ident_id canary-ident"]);
        }
    }

    #[test]
    fn at_97_on_a_full_disk_the_error_has_the_ids() {
        let folder = tempfile::tempdir().unwrap();
        let url = r#"{"conference_url":"https://identify24.de/apply/canary-ident"}"#;
        let sent = format!("<p>{}</p>{url}", "x".repeat(300_000)).into_bytes();
        for (name, options) in [("without-record", " --no-state".to_owned()), ("with-record", String::new())] {
            let body = sent.clone();
            let server = Server::after_login(move |_| Reply::answer("500 No", "text/html", &body));
            let out = folder.path().join(name).display().to_string();
            let input = folder.path().join("ident.json");
            std::fs::write(&input, ident(&json!({}))).unwrap();
            let line = format!("identify24 create {} --out {out}{options}", input.display());
            // The file is reserved with 64 KiB, and the record has room for the intent.
            let result = Run::from(on_full_disk(&server.command(&line), 200).output().unwrap());
            result.ends_with(6, &["cannot be written", "ident_id canary-ident", "apply/canary-ident"]);
        }
    }

    #[test]
    fn at_97_an_id_that_was_cut_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("created.json").display().to_string();
        let cut =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"ident_id\":\"aaaa-b";
        let server = Server::after_login(|_| Reply::Cut(cut.to_vec()));
        create(&server, &format!("--out {out}")).fails_with(6, &[&out]);
        let server = Server::untouched();
        server.run(&format!("identify24 get --from {out}")).fails_with(2, &["has no ident_id"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_place_without_a_file_name_is_rejected_before_sending() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::untouched();
        for name in ["new/".to_owned(), "x".repeat(300)] {
            let out = folder.path().join(name);
            create(&server, &format!("--out {}", out.display())).fails_with(2, &["--out", "nothing was sent"]);
        }
        assert_eq!((server.connections(), names(folder.path())), (0, vec![]));
    }
}

mod contradictions {
    use super::*;

    fn create(answer: &'static str, more: &str) -> Run {
        let server = Server::after_login(move |_| Reply::json("200 OK", answer));
        server.feed(&format!("identify24 create -{more}"), &ident(&json!({})))
    }

    #[test]
    fn at_95_two_different_ident_ids_are_6_and_both_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        for (number, answer) in [
            r#"{"result":true,"ident_id":"canary-one","ident_id":"canary-two"}"#,
            r#"{"result":true,"ident_id":"canary-one","data":{"ident_id":"canary-two"}}"#,
            r#"{"result":true,"ident_id":"canary-one","response_status":404,"x":[{"ident_id":"canary-two"}]}"#,
        ]
        .into_iter()
        .enumerate()
        {
            let (out, state) = (place(&number.to_string()), place(&format!("state-{number}")));
            let result = create(answer, &format!(" --out {out} --state {state}"));
            let words = ["do not repeat it", "2 different values of ident_id", &out];
            assert_eq!(result.ends_with(6, &words).hides(&["canary", "the last counts"]).stdout, "");
            assert_eq!(read(Path::new(&out))["ident_ids"], json!(["canary-one", "canary-two"]));
            let listed =
                run(identkit().args(["state", "list", "--open", "--output", "json", "--state", &state])).json();
            assert_eq!(listed["records"][0]["names"]["ident_id"], "canary-one, canary-two");
            let record = listed["records"][0]["path"].as_str().unwrap().to_owned();
            let server = Server::untouched();
            for file in [&out, &record] {
                let result = server.run(&format!("identify24 get --from {file}"));
                result.fails_with(2, &["2 different values of ident_id", "pass each"]).hides(&["canary"]);
            }
            assert_eq!(server.connections(), 0);
            // Without any file, the error is the only copy.
            create(answer, " --no-state").ends_with(6, &["canary-one", "canary-two"]);
        }
    }

    #[test]
    fn i_041_a_url_without_the_ident_id_gives_a_note() {
        for (answer, is_noted) in [
            (r#"{"result":true,"ident_id":"a-1","conference_url":"https://example.com/apply/b-2"}"#, true),
            (r#"{"result":true,"ident_id":"a-1","conference_url":"https://example.com/apply/a-1?x=1"}"#, false),
            (r#"{"result":true,"ident_id":"a/1 b","conference_url":"https://example.com/apply/a%2F1%20b"}"#, false),
            (r#"{"result":true,"ident_id":"a-1","conference_url":""}"#, false),
            (r#"{"result":true,"ident_id":"a-1"}"#, false),
        ] {
            let result = create(answer, "");
            let note = "note: the conference_url does not contain the ident_id";
            assert_eq!(result.ends_with(0, &[]).stderr.contains(note), is_noted, "{result:#?}");
            result.logs_none_of(&["a-1", "b-2"]);
        }
    }
}

mod reading {
    use super::*;

    #[test]
    fn ai_15_an_odd_ident_id_is_accepted_if_it_is_the_vendors() {
        const ODD: &str = "a/1 c.ü";
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let (out, state) = (place("created.json"), place("state"));
        let server = Server::after_login(|seen| match seen.path.as_str() {
            "/ident/create" => Reply::json("200 OK", &json!({ "result": true, "ident_id": ODD }).to_string()),
            _ => Reply::json("200 OK", &json!({ "data": { "id": ODD, "status": "Unidentified" } }).to_string()),
        });
        let get = |more: &[&str], state: &str| {
            run(server.identkit().args(["identify24", "get"]).args(more).env("IDENTKIT_STATE_DIR", state))
        };
        let refused = get(&[ODD], &state);
        refused.fails_with(2, &["ident_id", "AI-15", "a record of identkit state has it", "--any-id"]);
        assert_eq!(server.connections(), 0);
        let line = format!("identify24 create - --out {out} --state {state}");
        server.feed(&line, &ident(&json!({}))).ends_with(0, &[]);
        let record = std::fs::read_dir(&state).unwrap().next().unwrap().unwrap().path();
        let elsewhere = place("elsewhere");
        for (more, state) in [
            (&[ODD][..], &state),
            (&[ODD, "--any-id"], &elsewhere),
            (&["--from", &out], &elsewhere),
            (&["--from", record.to_str().unwrap()], &elsewhere),
        ] {
            get(more, state).ends_with(0, &[]).shows(&["Unidentified"]).logs_none_of(&[ODD]);
            assert_eq!(server.calls().last().unwrap(), "GET /ident/get/a%2F1%20c.%C3%BC", "one segment");
        }
        let sent = server.calls().len();
        for more in [&[ODD][..], &["", "--any-id"], &["a\nb", "--any-id"], &["..", "--any-id"]] {
            get(more, &elsewhere).fails_with(2, &["ident_id"]);
        }
        get(&["a/b"], &state).fails_with(2, &["AI-15"]);
        assert_eq!(server.calls().len(), sent);
    }

    /// A server with an ident whose personal members are all canaries.
    fn with_canaries() -> Server {
        let mut data = json!({ "status": "Video done", "project_id": "6", "created_at": "21-10-2019 09:57:51" });
        data["id"] = IDENT.into();
        let persons = "person_first_name person_last_name custom_id custom1 custom2 custom3 custom4 street";
        for name in persons.split(' ').chain(["appointment_date"]) {
            data[name] = CANARY.into();
        }
        data["more"] = json!({ "deep": [CANARY] });
        let answer = json!({ "result": true, "messages": [CANARY], "data": data }).to_string();
        Server::after_login(move |_| Reply::json("200 OK", &answer))
    }

    #[test]
    fn ai_15_personal_data_is_on_standard_output_only() {
        let server = with_canaries();
        for more in ["", " -v", " --output json -v"] {
            let result = server.run(&format!("{GET}{more}"));
            result.ends_with(0, &[]).shows(&[IDENT, "Video done", "21-10-2019"]).logs_none_of(&[CANARY, IDENT]);
            assert!(result.stdout.matches(CANARY).count() >= 10, "{result:#?}");
        }
    }

    #[test]
    fn ai_12_a_status_means_what_the_user_says() {
        let server = with_canaries();
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
            let result = get(&[more, &["--output", "json"]].concat());
            assert_eq!(result.ends_with(0, &[]).json()["identkit"]["outcome"], word, "{more:?}");
        }
        get(&["--outcome", "video done=positive"]).ends_with(0, &[]).shows(&["positive, final"]);
        let sent = server.connections();
        for (more, expected) in [
            (&["--outcome", "Video Done=well"][..], "fraud_suspicion"),
            (&["--outcome", "positive"], "Identified=positive"),
            (&["--outcome", "a=positive", "--outcome", "A=negative"], "two outcomes"),
            (&["--outcomes", &file("list.json", "[]")], "a JSON object of statuses"),
            (&["--outcomes", &file("word.json", r#"{"a":"well"}"#)], "fraud_suspicion"),
            (&["--outcomes", &file("twice.json", r#"{"a":"gone","A":"positive"}"#)], "two outcomes"),
            (&["--outcomes", &file("same.json", r#"{"a":"gone","a":"positive"}"#)], "two outcomes"),
            (
                &["--outcomes", &file("empty.json", r#"{"a":"gone"," ":"positive"}"#)],
                "gives an empty status an outcome",
            ),
            (&["--outcomes", "/nowhere"], "cannot be read"),
        ] {
            assert_eq!(get(more).ends_with(2, &[expected]).stdout, "", "{more:?}");
        }
        assert_eq!(server.connections(), sent);
        // The only documented status needs no mapping.
        let sandbox = Sandbox::start();
        sandbox.run(GET).ends_with(0, &[]).shows(&["not finished"]);
        // A later read shows the story that the sandbox played.
        sandbox.play(IDENT, "positive");
        let json = sandbox.json(&format!("{GET} --outcome Identified=positive"));
        assert_eq!((&json["status"], &json["identkit"]["outcome"]), (&json!("Identified"), &json!("positive")));
    }

    #[test]
    fn ai_11_a_time_at_a_change_of_the_clocks_gives_a_note() {
        for (time, note) in [
            ("31-03-2019 02:30:00", "created_at does not exist in the zone"),
            ("27-10-2019 02:30:00", "created_at occurs twice in the zone"),
            ("27-10-2019 03:30:00", ""),
        ] {
            let server = Server::after_login(move |_| {
                let ident = json!({ "id": IDENT, "status": "x", "created_at": time });
                Reply::json("200 OK", &json!({ "result": true, "data": ident }).to_string())
            });
            let result = server.run(&format!("{GET} --zone Europe/Berlin"));
            result.ends_with(0, &[note]);
            assert!(!note.is_empty() || !result.stderr.contains("in the zone"), "{result:#?}");
            assert!(!server.run(&format!("{GET} --zone +01:00")).stderr.contains("in the zone"));
        }
    }

    #[test]
    fn ai_11_an_offset_of_a_time_wins_over_zone() {
        // The second time would occur twice in the zone.
        for (time, created, expires) in [
            ("2019-07-01T12:00:00Z", "2019-07-01T14:00:00+02:00", "2019-09-29T14:00:00+02:00"),
            ("2019-10-27T02:30:00+01:00", "2019-10-27T02:30:00+01:00", "2020-01-25T02:30:00+01:00"),
        ] {
            let server = Server::after_login(move |_| {
                let ident = json!({ "id": IDENT, "status": "x", "created_at": time });
                Reply::json("200 OK", &json!({ "result": true, "data": ident }).to_string())
            });
            let result = server.run(&format!("{GET} --zone Europe/Berlin --output json"));
            let shown = result.ends_with(0, &[]).json();
            let identkit = &shown["identkit"];
            assert_eq!((&identkit["created_at"], &identkit["expires_estimate"]), (&json!(created), &json!(expires)));
            assert!(!result.stderr.contains("in the zone"), "{result:#?}");
        }
    }

    #[test]
    fn ai_11_i_020_zone_converts_times_and_expiry_is_estimated() {
        let sandbox = Sandbox::start();
        let output = sandbox.json(GET);
        assert_eq!(output["created_at"], "21-10-2019 09:57:51");
        assert_eq!(output["identkit"]["created_at"], Value::Null);
        assert_eq!(output["identkit"]["expires_estimate"], "2020-01-19T09:57:51", "local time, as created_at");
        let output = sandbox.json(&format!("{GET} --zone Europe/Berlin"));
        assert_eq!(output["identkit"]["created_at"], "2019-10-21T09:57:51+02:00");
        assert_eq!(output["identkit"]["appointment_date"], "2019-10-24T11:11:00+02:00");
        assert_eq!(output["identkit"]["expires_estimate"], "2020-01-19T09:57:51+01:00");
        let result = sandbox.run(&format!("{GET} --zone UTC"));
        result.ends_with(0, &[]).shows(&["21-10-2019 09:57:51 (2019-10-21T09:57:51+00:00)"]);
        result.shows(&["expires about", "2020-01-19T09:57:51+00:00"]);
        sandbox.run(&format!("{GET} --zone Mars")).ends_with(2, &["Europe/Berlin"]);
    }

    #[test]
    fn i_008_an_expired_token_is_replaced_once_then_401_is_3() {
        let dead = std::sync::atomic::AtomicBool::new(true);
        let once = Server::after_login(move |_| match dead.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Reply::json("401 Unauthorized", "{}"),
            false => Reply::json("200 OK", r#"{"result":true,"messages":[],"data":{"status":"Unidentified"}}"#),
        });
        once.run(GET).ends_with(0, &[]);
        let get = format!("GET /ident/get/{IDENT}");
        assert_eq!(once.calls(), ["POST /auth", &get, "POST /auth", &get]);
        let always = Server::after_login(|_| Reply::json("401 Unauthorized", "{}"));
        always.run(GET).fails_with(3, &["ident/get", "HTTP 401"]);
        assert_eq!(always.calls(), ["POST /auth", &get, "POST /auth", &get]);
    }

    #[test]
    fn ai_15_a_response_about_another_ident_is_1_without_ids() {
        let other = r#"{"result":true,"data":{"id":"canary-other","status":"Identified"}}"#;
        let server = Server::after_login(|_| Reply::json("200 OK", other));
        server.run(&format!("{GET} --reveal")).ends_with(2, &["unexpected argument 'number "]);
        for more in ["", " --output json"] {
            let result = server.run(&format!("{GET}{more}"));
            result
                .fails_with(1, &["ident/get", "another object than the requested one"])
                .hides(&["canary-other", IDENT]);
        }
    }
}

mod projects {
    use super::*;

    const BOTH: &str = r#"{"result":true,"messages":[],"response_status":200,"data":[
        {"id":"5","title":"Another","status":"Active"},
        {"id":"6","title":"911 Internet GmbH","status":"Active","contact":"Zsuzsannakanarienvogel"}]}"#;

    #[test]
    fn projects_are_listed_and_read() {
        let sandbox = Sandbox::start();
        sandbox.run("identify24 projects").ends_with(0, &[]).shows(&["911 Internet GmbH"]);
        let listed = sandbox.json("identify24 projects");
        assert_eq!(listed["projects"], json!([{ "id": "6", "title": "911 Internet GmbH", "status": "Active" }]));
        let result = sandbox.run("identify24 project 6");
        assert_eq!(result.ends_with(0, &[]).shows(&["911 Internet GmbH", "Active"]).stderr, "");
        for (more, by) in [("", "project/get"), (" --by-list", "project/getAll")] {
            let output = sandbox.json(&format!("identify24 project 6{more}"));
            assert_eq!(output["identkit"]["found_by"], by);
            sandbox.run(&format!("identify24 project 7{more}")).fails_with(4, &[by]);
        }
    }

    #[test]
    fn ai_07_a_rejected_get_falls_back_to_the_list_with_a_note() {
        for status in ["400 Bad Request", "403 Forbidden", "411 Length Required", "413 Content Too Large"] {
            let server = Server::after_login(move |seen| match seen.path.as_str() {
                "/project/get" => Reply::json(status, "{}"),
                _ => Reply::json("200 OK", BOTH),
            });
            let result = server.run("identify24 project 6");
            result.ends_with(0, &["note: project/get did not get through", "AI-07"]).shows(&["911 Internet GmbH"]);
            assert!(!result.hides(&[CANARY]).stdout.contains("Another"), "{result:#?}");
            assert_eq!(server.calls(), ["POST /auth", "GET /project/get", "GET /project/getAll"]);
            assert_eq!(server.json("identify24 project 6")["identkit"]["found_by"], "project/getAll");
            // If the project is not in the list either, the original rejection is reported.
            server.run("identify24 project 8").fails_with(5, &["project/get", status.get(..3).unwrap()]);
        }
    }

    #[test]
    fn ai_07_by_list_never_sends_a_get_with_a_body() {
        let server = Server::after_login(|_| Reply::json("200 OK", BOTH));
        let result = server.run("identify24 project 6 --by-list");
        assert_eq!(result.ends_with(0, &[]).stdout.matches("911 Internet GmbH").count(), 1);
        assert_eq!(server.calls(), ["POST /auth", "GET /project/getAll"]);
        let result = server.run("identify24 projects --output json");
        result.ends_with(0, &[]).shows(&[CANARY]).logs_none_of(&[CANARY]);
    }

    #[test]
    fn an_invalid_project_id_is_2() {
        let server = Server::untouched();
        for bad in ["", " ", "6\n7", &"6".repeat(65)] {
            let result = run(server.identkit().args(["identify24", "project", bad]));
            result.fails_with(2, &["project id", "nothing was sent"]);
        }
        assert_eq!(server.connections(), 0);
    }
}

/// Checks the exit code of every status of chapter 1.9; the vendor's text and personal data are not json.
#[test]
fn every_documented_status_has_its_exit_code() {
    for (status, reads, creates) in [
        ("400 Bad Request", 5, 5),
        ("402 Payment Required", 5, 5),
        ("403 Forbidden", 5, 5),
        // project/getAll is not found either.
        ("404 Not Found", 1, 5),
        // AT-97.
        ("409 Conflict", 5, 6),
        ("429 Too Many Requests", 7, 5),
        ("500 Internal Server Error", 7, 6),
        ("502 Bad Gateway", 7, 6),
        ("503 Service Unavailable", 7, 6),
        ("504 Gateway Timeout", 7, 6),
    ] {
        let body = json!({ "result": false, "messages": [CANARY], "response_status": 0 }).to_string();
        // The long Retry-After prevents retries, so that the failure is reported at once.
        let server = Server::after_login(move |_| Reply::json(&format!("{status}\r\nRetry-After: 3600"), &body));
        let canary = ident(&json!({ "person_first_name": CANARY, "custom_id": CANARY, "city": CANARY }));
        let number = status.get(..3).unwrap();
        for (line, code, words) in [
            ("get -", 2, [""; 2]),
            ("get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", reads, ["", number]),
            ("projects", reads, ["", number]),
            ("project 6", reads, ["", number]),
            ("create - --reveal", creates, ["ident/create", number]),
        ] {
            let result = server.feed(&format!("identify24 {line}"), &canary);
            result.fails_with(code, &words).hides(&[CANARY, IDENT]);
        }
        let created = server.calls().iter().filter(|call| *call == "POST /ident/create").count();
        assert!(creates != 6 || created == 1, "{status}: {created}");
    }
}
