//! Many orders at once: `tm statuses` and `tm drain-unreported`, with the sandbox and with servers that misbehave.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{
    CANARY, NOBODY, ORDER, Ran, Sandbox, Server, Then, assert_discreet, has, on_a_terminal, run, towards, whole,
};
use serde_json::{Value, json};

/// A window that holds everything.
const ALWAYS: [&str; 4] = ["--from", "2000-01-01", "--to", "2100-01-01"];

/// An answer about somebody whose name must not turn up in logs.
fn canary_list() -> String {
    let entry = json!({ "Kind": 6, "Time": "2020-09-10T12:00:00+02:00", "Text": CANARY });
    json!([{ "OrderID": ORDER, "Ref": CANARY, "Status": [entry] }]).to_string()
}

fn journal(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn events(path: &Path) -> Vec<String> {
    journal(path).iter().map(|record| record["event"].as_str().unwrap().to_owned()).collect()
}

/// The answer of a record, as it came.
fn answer(record: &Value) -> Vec<u8> {
    identkit_wire::decode_base64(record["base64"].as_str().unwrap()).unwrap()
}

mod statuses {
    use super::*;

    #[test]
    fn a_window_is_a_table_with_a_row_for_each_order() {
        let sandbox = Sandbox::plain();
        let ran = run(sandbox.identkit().args(["tm", "statuses", "--extended"]).args(ALWAYS));
        ran.ends_with(0, &["the first is for an identification"]);
        assert!(!ran.stderr.contains("--extended"), "{ran:#?}");
        let row = ran.stdout.lines().find(|line| line.contains(ORDER)).unwrap();
        assert!(row.contains("Sign-me_Account_Creation_Test") && row.contains("positive / identified"), "{row}");
        assert!(ran.stdout.contains("OrderID") && ran.stdout.contains("Verdict"), "{ran:#?}");
        let ran = run(sandbox.identkit().args(["tm", "statuses"]).args(ALWAYS));
        ran.ends_with(0, &["general codes only", "--extended"]);
    }

    #[test]
    fn programs_get_the_vendors_json_with_a_verdict() {
        let sandbox = Sandbox::plain();
        let all = |more: &[&str]| {
            let mut command = sandbox.identkit();
            let ran = run(command.args(["tm", "statuses", "--output", "json"]).args(ALWAYS).args(more));
            ran.ends_with(0, &[]).json()
        };
        let (general, extended) = (all(&[]), all(&["--extended"]));
        let of = |told: &Value| -> Value {
            let orders = told["orders"].as_array().unwrap();
            orders.iter().find(|order| order["OrderID"] == ORDER).unwrap().clone()
        };
        let entries = |order: &Value| order["Status"].as_array().unwrap().len();
        assert!(entries(&of(&general)) < entries(&of(&extended)));
        let verdict = json!({ "if_identification": "positive", "if_signature": "identified" });
        assert_eq!(of(&extended)["identkit"], json!({ "verdict": verdict }));
        let about = &extended["identkit"];
        assert_eq!((&about["from"], &about["extended"]), (&"2000-01-01T00:00:00Z".into(), &true.into()));
        assert_eq!(about["warnings"], json!([]));
        assert!(about["pages"].as_u64().unwrap() >= 2, "{about}");
        let ran = run(sandbox.identkit().args(["tm", "statuses", "--from", "2000-01-01", "--to", "2000-01-02"]));
        assert_eq!(ran.ends_with(0, &[]).stdout, "nothing happened in this window\n");
    }

    #[test]
    fn at_06_every_page_has_a_period_so_that_nothing_is_marked_as_reported() {
        let nothing = || Then::Answer("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned());
        for (more, path) in [(&[][..], "POST /getAllStatus"), (&["--extended"], "POST /getAllStatus/ExtendedList")] {
            let server = Server::always(nothing);
            let window = ["--from", "2020-09-10", "--to", "2020-09-10T12:30:00+02:00"];
            run(towards(&server.url()).args(["tm", "statuses"]).args(window).args(more)).ends_with(0, &[]);
            assert_eq!(server.calls(), [path; 2]);
            for seen in server.seen() {
                let body: Value = serde_json::from_str(&seen.body).unwrap();
                assert_eq!(body["Period"]["Begin"], "2020-09-10T00:00:00+00:00", "a date begins in UTC");
                assert_eq!(body["Period"]["End"], "2020-09-10T10:30:00+00:00");
            }
        }
    }

    #[test]
    fn a_window_that_is_none_is_2_and_nothing_is_sent() {
        let server = Server::always(|| Then::json("500 Internal Server Error", "{}"));
        for window in [
            ["--from", "2020-09-11", "--to", "2020-09-10"],
            ["--from", "2020-09-10", "--to", "2020-09-10"],
            ["--from", "-1h", "--to", "-2h"],
        ] {
            run(towards(&server.url()).args(["tm", "statuses"]).args(window))
                .fails_with(2, &["--from must be earlier than --to", "nothing was sent"]);
        }
        for text in ["yesterday", "2020-09-10T12:00:00", "2020-02-30", "-1w", ""] {
            run(towards(&server.url()).args(["tm", "statuses", "--from", text])).ends_with(2, &["offset", "-24h"]);
        }
        run(towards(&server.url()).args(["tm", "statuses"])).ends_with(2, &["--from"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn at_05_less_than_everything_is_never_told_as_everything() {
        // The same full page, whatever is asked for.
        let many: Vec<Value> = (0..500)
            .map(|number| json!({ "OrderID": format!("9992{number}"), "Ref": CANARY, "Status": [{ "Kind": 6 }] }))
            .collect();
        let page = Value::from(many).to_string();
        let server = Server::start(move |_| Then::json("200 OK", &page));
        let ran = run(towards(&server.url()).args(["tm", "statuses", "--from", "-4s", "--extended"]));
        assert_discreet(ran.fails_with(1, &["getAllStatus/ExtendedList", "orders are missing"]));
        let broken = Server::start(|_| Then::json("200 OK", &format!("[{{\"Ref\":\"{CANARY}\"")));
        let ran = run(towards(&broken.url()).args(["tm", "statuses", "--from", "-4s"]));
        assert_discreet(ran.fails_with(1, &["getAllStatus", "cannot be read"]));
    }

    #[test]
    fn it_has_the_time_that_it_is_given() {
        let silent = Server::always(|| Then::Silence);
        run(towards(&silent.url()).args(["tm", "statuses", "--from", "-1h", "--timeout", "1"]))
            .fails_with(7, &["getAllStatus", "in the time given"]);
    }
}

mod drain {
    use super::*;

    /// A folder with the place of a journal in it.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drained.jsonl");
        (folder, path)
    }

    fn drain<'a>(command: &'a mut Command, path: &Path) -> &'a mut Command {
        command.args(["tm", "drain-unreported", "--yes", "--journal"]).arg(path)
    }

    fn drained(server: &Server, path: &Path) -> Ran {
        run(drain(&mut towards(&server.url()), path))
    }

    fn good() -> Server {
        Server::start(|_| Then::json("200 OK", &canary_list()))
    }

    #[test]
    fn at_06_what_was_not_reported_is_taken_once_and_kept_as_it_came() {
        let sandbox = Sandbox::plain();
        let (_folder, path) = place();
        let statuses =
            || run(sandbox.identkit().args(["tm", "statuses", "--extended", "--output", "json"]).args(ALWAYS)).json();
        let before = statuses();
        let told = run(drain(&mut sandbox.identkit(), &path).args(["--output", "json"])).ends_with(0, &[]).json();
        assert_eq!(told["orders"], before["orders"], "reading a window marks nothing, and takes nothing");
        let records = journal(&path);
        assert_eq!(events(&path), ["asked", "answer"]);
        let answered = answer(&records[1]);
        assert_eq!(told["identkit"]["answer"]["bytes"], answered.len());
        assert_eq!(told["identkit"]["answer"]["sha256"], records[1]["sha256"]);
        let listed: Value = serde_json::from_slice(&answered).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), told["orders"].as_array().unwrap().len());

        let ran = run(drain(&mut sandbox.identkit(), &path));
        assert_eq!(ran.ends_with(0, &[]).stdout, "nothing was new\n");
        assert_eq!(events(&path), ["asked", "answer", "asked", "nothing"]);
        assert_eq!(journal(&path)[..2], records, "what was there stays as it is");
        assert_eq!(statuses()["orders"], before["orders"], "the window still has everything");
    }

    #[test]
    fn at_06_it_asks_on_a_terminal_only() {
        let (folder, path) = place();
        let server = good();
        let mut command = towards(&server.url());
        command.args(["tm", "drain-unreported", "--journal"]).arg(&path);
        run(&mut command).fails_with(2, &["--yes"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        if has("script") {
            let ran = on_a_terminal(&command, "no\n");
            assert_eq!(ran.code, Some(2), "{ran:#?}");
            assert!(ran.stdout.contains("never tell it again") && ran.stdout.contains("nothing was taken"), "{ran:#?}");
            assert_eq!((server.connections(), events(&path).len()), (0, 0));
            let ran = on_a_terminal(&command, "yes\n");
            assert_eq!((ran.code, server.connections()), (Some(0), 1), "{ran:#?}");
        }
    }

    #[test]
    fn at_06_a_journal_that_cannot_be_written_is_2_and_nothing_is_sent() {
        let (folder, path) = place();
        let server = good();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("notes.txt"), "my notes\n").unwrap();
        std::fs::write(at("other.jsonl"), "{\"provider\":\"identity-tm\"}\n").unwrap();
        let mut refused =
            vec![at("nowhere/drained.jsonl"), folder.path().to_owned(), at("notes.txt"), at("other.jsonl")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&path, at("link")).unwrap();
            refused.extend([at("link"), PathBuf::from("/dev/null"), PathBuf::from("/dev/full")]);
        }
        for place in refused {
            drained(&server, &place).fails_with(2, &["--journal", &place.display().to_string(), "nothing was sent"]);
        }
        assert_eq!(std::fs::read_to_string(at("notes.txt")).unwrap(), "my notes\n");
        let other = std::fs::File::create(&path).unwrap();
        other.lock().unwrap();
        drained(&server, &path).fails_with(2, &["another process is using it", "nothing was sent"]);
        assert_eq!(server.connections(), 0);
        drop(other);
        drained(&server, &path).ends_with(0, &[]);
    }

    #[test]
    fn at_06_two_at_once_are_one() {
        let (_folder, path) = place();
        let silent = Server::always(|| Then::Silence);
        let mut first = towards(&silent.url());
        let mut child = drain(&mut first, &path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until_asked(&silent);
        drained(&silent, &path).fails_with(2, &["another process is using it"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(silent.calls().len(), 1);
    }

    fn until_asked(server: &Server) {
        while server.calls().is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn at_06_a_process_that_is_killed_leaves_word_that_an_answer_may_be_lost() {
        let (_folder, path) = place();
        let server = good();
        drained(&server, &path).ends_with(0, &[]);
        let since = journal(&path)[0]["at"].as_str().unwrap().to_owned();

        let silent = Server::always(|| Then::Silence);
        let mut command = towards(&silent.url());
        let mut child = drain(&mut command, &path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until_asked(&silent);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(events(&path), ["asked", "answer", "asked"], "what was known before it was sent is on the disk");
        let asked = journal(&path)[2]["at"].as_str().unwrap().to_owned();

        let ran = run(drain(&mut towards(&server.url()), &path).args(["--output", "json"]));
        ran.ends_with(0, &[&asked, "may be lost", "identkit tm statuses --extended --from", &since]);
        assert_eq!(ran.json()["identkit"]["unfinished_since"], asked);
        let ran = drained(&server, &path);
        assert!(!ran.ends_with(0, &[]).stderr.contains("may be lost"), "it was told: {ran:#?}");
    }

    #[test]
    fn at_06_an_answer_that_is_lost_is_6_with_a_way_back_and_is_not_asked_for_again() {
        let cut = || {
            let mut bytes = whole("application/json", canary_list().as_bytes());
            bytes.truncate(bytes.len() - 10);
            Then::Cut(bytes)
        };
        let failing = || Then::json("500 Internal Server Error", &format!("{{\"Error\":\"{CANARY}\"}}"));
        for then in [|| Then::Close, cut, failing, || Then::Silence] {
            let (_folder, path) = place();
            let server = Server::always(then);
            let ran = run(drain(&mut towards(&server.url()), &path).args(["--timeout", "1"]));
            ran.fails_with(6, &["getAllStatus", "identkit tm statuses --extended --from the time of the first order"]);
            assert_discreet(&ran);
            assert_eq!((server.calls().len(), events(&path)), (1, vec!["asked".to_owned()]));
        }
    }

    #[test]
    fn at_06_an_answer_that_cannot_be_read_is_in_the_journal_all_the_same() {
        for body in [&b"<html>Zsuzsannakanarienvogel</html>"[..], b"[{\"OrderID\":", b"\xff\xfe\0", b""] {
            let (_folder, path) = place();
            let server = Server::start(move |_| Then::bytes("text/html", body));
            let ran = drained(&server, &path);
            ran.fails_with(1, &["cannot be read", "the answer is in", &path.display().to_string()]);
            assert_discreet(&ran);
            assert_eq!(events(&path), ["asked", "answer"]);
            assert_eq!(answer(&journal(&path)[1]), body);
        }
    }

    #[test]
    fn what_provably_took_nothing_leaves_nothing_open() {
        let (_folder, path) = place();
        let refusing = Server::start(|_| Then::json("400 Bad Request", &format!("{{\"Error\":\"{CANARY}\"}}")));
        assert_discreet(drained(&refusing, &path).fails_with(5, &["getAllStatus"]));
        let unknown = Server::start(|_| Then::json("401 Unauthorized", "{}"));
        drained(&unknown, &path).fails_with(3, &["check the credentials"]);
        run(drain(&mut towards(NOBODY), &path).args(["--timeout", "1"])).fails_with(7, &["getAllStatus"]);
        assert_eq!(events(&path), ["asked", "refused", "asked", "refused", "asked", "refused"]);
        let ran = drained(&good(), &path);
        assert!(!ran.ends_with(0, &[]).stderr.contains("lost"), "{ran:#?}");
    }

    #[test]
    fn a_record_that_was_cut_short_is_kept_beside_the_journal() {
        let (folder, path) = place();
        drained(&good(), &path).ends_with(0, &[]);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 20]).unwrap();
        let torn = folder.path().join("drained.jsonl.torn-1");
        let ran = run(drain(&mut towards(&good().url()), &path).args(["--output", "json"]));
        ran.ends_with(0, &["cut short", &torn.display().to_string(), "may be lost"]);
        assert_eq!(ran.json()["identkit"]["torn"], torn.display().to_string());
        assert_eq!(events(&path), ["asked", "asked", "answer"]);
        let kept = std::fs::read(&torn).unwrap();
        assert!(text[..text.len() - 20].ends_with(&kept) && kept.len() > 100, "not a byte is thrown away");
    }

    #[cfg(unix)]
    #[test]
    fn an_answer_that_the_disk_has_no_room_for_goes_to_standard_output() {
        let (_folder, path) = place();
        let body = Value::from(vec![json!({ "OrderID": ORDER, "Ref": CANARY.repeat(200) })]).to_string();
        let told = body.clone();
        let server = Server::start(move |_| Then::json("200 OK", &told));
        let mut shell = Command::new("sh");
        // A limit of 1024 bytes for every file, with an error instead of the signal.
        let script = "trap '' XFSZ; ulimit -f 2; exec \"$@\"";
        let mut program = towards(&server.url());
        drain(&mut program, &path);
        shell.args(["-c", script, "sh"]).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let ran = run(&mut shell);
        ran.ends_with(6, &["could not be written to the journal", "on standard output instead", "tm statuses"]);
        assert_discreet(&ran);
        let record: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((answer(&record), &record["event"]), (body.into_bytes(), &"answer".into()));
        assert_eq!(events(&path), ["asked"], "no half of a record is left");
    }

    #[test]
    fn a_person_s_data_is_in_the_result_and_nowhere_else() {
        let (_folder, path) = place();
        let ran = drained(&good(), &path);
        assert_discreet(ran.ends_with(0, &["there may be more"]));
        assert!(ran.stdout.contains(CANARY) && ran.stdout.contains(ORDER), "{ran:#?}");
    }
}
