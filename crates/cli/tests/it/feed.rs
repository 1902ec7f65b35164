//! `tm statuses` and `tm drain-unreported`, against the sandbox and against misbehaving servers.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{
    CANARY, NO_SERVER, ORDER, Reply, Run, Sandbox, Server, Vendor, has, identkit, names, on_full_disk, run,
    run_in_terminal, whole,
};
use serde_json::{Value, json};

/// A window that contains everything.
const ALWAYS: &str = "tm statuses --from 2000-01-01 --to 2100-01-01";

/// A response about a person whose name must not appear in logs.
fn canary_list() -> String {
    let entry = json!({ "Kind": 6, "Time": "2020-09-10T12:00:00+02:00", "Text": CANARY });
    json!([{ "OrderID": ORDER, "Ref": CANARY, "Status": [entry] }]).to_string()
}

/// A sandbox that lists the documents' example orders.
fn with_examples() -> Sandbox {
    let sandbox = Sandbox::plain();
    sandbox.ask("settings", Some(r#"{"identity_tm":{"examples_in_lists":true}}"#));
    sandbox
}

mod statuses {
    use super::*;

    #[test]
    fn a_window_is_a_table_with_a_row_for_each_order() {
        let sandbox = with_examples();
        let result = sandbox.run(&format!("{ALWAYS} --extended"));
        result.ends_with(0, &["identkit tm finality ORDERID"]).shows(&["OrderID", "Verdict"]);
        assert!(!result.stderr.contains("--extended"), "{result:#?}");
        let row = result.stdout.lines().find(|line| line.contains(ORDER)).unwrap();
        assert!(row.contains("Sign-me_Account_Creation_Test") && row.contains("undecided"), "{row}");
        sandbox.run(ALWAYS).ends_with(0, &["general codes only", "--extended"]);
        let result = sandbox.run("tm statuses --from 2000-01-01 --to 2000-01-02");
        assert_eq!(result.ends_with(0, &[]).stdout, "no status changes in this window\n");
    }

    #[test]
    fn json_output_is_the_vendors_json_with_a_verdict() {
        let sandbox = with_examples();
        let (general, extended) = (sandbox.json(ALWAYS), sandbox.json(&format!("{ALWAYS} --extended")));
        let of = |output: &Value| -> Value {
            let orders = output["orders"].as_array().unwrap();
            orders.iter().find(|order| order["OrderID"] == ORDER).unwrap().clone()
        };
        let entries = |order: &Value| order["Status"].as_array().unwrap().len();
        assert!(entries(&of(&general)) < entries(&of(&extended)));
        let verdict = json!({ "if_identification": "undecided", "if_signature": "undecided" });
        assert_eq!(of(&extended)["identkit"], json!({ "verdict": verdict }));
        let about = &extended["identkit"];
        assert_eq!((&about["from"], &about["extended"]), (&"2000-01-01T00:00:00Z".into(), &true.into()));
        assert_eq!(about["warnings"], json!([]));
        assert!(about["pages"].as_u64().unwrap() >= 2, "{about}");
    }

    #[test]
    fn at_06_every_page_has_a_period_and_marks_nothing() {
        for (more, path) in [("", "POST /getAllStatus"), (" --extended", "POST /getAllStatus/ExtendedList")] {
            let server = Server::always(|| Reply::Next(b"HTTP/1.1 304 Not Modified\r\n\r\n".into()));
            let line = "tm statuses --from 2020-09-10 --to 2020-09-10T12:30:00+02:00";
            server.run(&format!("{line}{more}")).ends_with(0, &[]);
            assert_eq!(server.calls(), [path; 2]);
            for seen in server.requests() {
                let body: Value = serde_json::from_str(&seen.body).unwrap();
                assert_eq!(body["Period"]["Begin"], "2020-09-10T00:00:00+00:00", "a date begins in UTC");
                assert_eq!(body["Period"]["End"], "2020-09-10T10:30:00+00:00");
            }
        }
    }

    #[test]
    fn an_invalid_window_is_2_and_nothing_is_sent() {
        let server = Server::untouched();
        for window in ["--from 2020-09-11 --to 2020-09-10", "--from 2020-09-10 --to 2020-09-10", "--from -1h --to -2h"]
        {
            let result = server.run(&format!("tm statuses {window}"));
            result.fails_with(2, &["--from must be earlier than --to", "nothing was sent"]);
        }
        for text in ["yesterday", "2020-09-10T12:00:00", "2020-02-30", "-1w", ""] {
            server.run(&format!("tm statuses --from {text}")).ends_with(2, &["offset", "-24h"]);
        }
        server.run("tm statuses").ends_with(2, &["--from"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn at_05_an_incomplete_list_is_an_error() {
        // The same full page for every request.
        let order = |number| json!({ "OrderID": format!("9992{number}"), "Ref": CANARY, "Status": [{ "Kind": 6 }] });
        let page = Value::from_iter((0..500).map(order)).to_string();
        let result = Server::json("200 OK", page).run("tm statuses --from -4s --extended");
        result
            .ends_with(1, &["getAllStatus/ExtendedList", "orders are missing", "is incomplete"])
            .logs_none_of(&[CANARY]);
        let broken = Server::json("200 OK", format!("[{{\"Ref\":\"{CANARY}\""));
        let result = broken.run("tm statuses --from -4s");
        result.fails_with(1, &["getAllStatus", "cannot be read"]).logs_none_of(&[CANARY]);
    }
}

mod drain {
    use super::*;

    /// A journal in a new directory.
    struct Place {
        folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("drained.jsonl");
            Self { folder, path }
        }

        fn command(&self, vendor: &(impl Vendor + ?Sized)) -> Command {
            vendor.command(&format!("tm drain-unreported --yes --journal {}", self.path.display()))
        }

        fn drain(&self, vendor: &(impl Vendor + ?Sized)) -> Run {
            run(&mut self.command(vendor))
        }

        fn drain_for_programs(&self, vendor: &impl Vendor) -> Run {
            run(self.command(vendor).args(["--output", "json"]))
        }

        /// Starts a process that waits for a response that never arrives.
        fn wait_for(&self, silent: &Server) -> Child {
            let child = self.command(silent).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while silent.calls().is_empty() {
                std::thread::yield_now();
            }
            child
        }

        fn records(&self) -> Vec<Value> {
            let text = std::fs::read_to_string(&self.path).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'), "{text}");
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
                .collect()
        }

        #[track_caller]
        fn has_events(&self, expected: &[&str]) {
            let events: Vec<Value> = self.records().iter().map(|record| record["event"].clone()).collect();
            assert_eq!(events, expected);
        }
    }

    /// The response of a record, as received.
    fn answer(record: &Value) -> Vec<u8> {
        identkit_wire::decode_base64(record["base64"].as_str().unwrap()).unwrap()
    }

    fn good() -> Server {
        Server::json("200 OK", canary_list())
    }

    #[test]
    fn at_06_unreported_entries_are_read_once_and_saved_unchanged() {
        let sandbox = with_examples();
        let place = Place::new();
        let statuses = || sandbox.json(&format!("{ALWAYS} --extended"))["orders"].clone();
        let before = statuses();
        let output = place.drain_for_programs(&sandbox).ends_with(0, &[]).json();
        assert_eq!(output["orders"], before, "reading a window marks nothing");
        let records = place.records();
        place.has_events(&["asked", "answer"]);
        let answered = answer(&records[1]);
        assert_eq!(output["identkit"]["answer"]["bytes"], answered.len());
        assert_eq!(output["identkit"]["answer"]["sha256"], records[1]["sha256"]);
        let listed: Value = serde_json::from_slice(&answered).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), output["orders"].as_array().unwrap().len());

        assert_eq!(place.drain(&sandbox).ends_with(0, &[]).stdout, "no new entries\n");
        place.has_events(&["asked", "answer", "asked", "nothing"]);
        assert_eq!(place.records()[..2], records, "older records do not change");
        assert_eq!(statuses(), before, "the window still has all orders");
    }

    #[test]
    fn at_06_without_a_terminal_it_requires_yes() {
        let place = Place::new();
        let server = good();
        let mut command = server.command(&format!("tm drain-unreported --journal {}", place.path.display()));
        run(&mut command).fails_with(2, &["--yes"]);
        assert_eq!(names(place.folder.path()), [""; 0]);
        if has("script") {
            let result = run_in_terminal(&command, "no\n");
            assert_eq!(result.code, Some(2), "{result:#?}");
            result.shows(&["never send them again", "nothing was read"]);
            place.has_events(&[]);
            assert_eq!(server.connections(), 0);
            let result = run_in_terminal(&command, "yes\n");
            assert_eq!((result.code, server.connections()), (Some(0), 1), "{result:#?}");
        }
    }

    #[test]
    fn at_06_an_unusable_journal_is_2_and_nothing_is_sent() {
        let place = Place::new();
        let server = good();
        let at = |name: &str| place.folder.path().join(name);
        std::fs::write(at("notes.txt"), "my notes\n").unwrap();
        std::fs::write(at("other.jsonl"), "{\"provider\":\"identity-tm\"}\n").unwrap();
        let mut refused = vec![at("nowhere/drained.jsonl"), at(""), at("notes.txt"), at("other.jsonl"), "-".into()];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&place.path, at("link")).unwrap();
            refused.extend([at("link"), PathBuf::from("/dev/null"), PathBuf::from("/dev/full")]);
        }
        for path in refused {
            let path = path.display().to_string();
            let result = server.run(&format!("tm drain-unreported --yes --journal {path}"));
            result.fails_with(2, &["--journal", &path, "nothing was sent"]);
        }
        assert_eq!(std::fs::read_to_string(at("notes.txt")).unwrap(), "my notes\n");
        let other = std::fs::File::create(&place.path).unwrap();
        other.lock().unwrap();
        place.drain(&server).fails_with(2, &["another process is using it", "nothing was sent"]);
        assert_eq!(server.connections(), 0);
        drop(other);
        place.drain(&server).ends_with(0, &[]);
    }

    #[test]
    fn at_06_without_a_record_the_journal_has_no_read() {
        let place = Place::new();
        let server = Server::untouched();
        let file = crate::support::file(&place.folder, "file", "");
        run(place.command(&server).env("IDENTKIT_STATE_DIR", file)).fails_with(2, &["record", "nothing was sent"]);
        assert!(!place.path.exists(), "there is no journal either");
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn at_06_a_killed_read_is_reported_by_the_next_run() {
        let place = Place::new();
        let server = good();
        place.drain(&server).ends_with(0, &[]);
        let at = |number: usize| place.records()[number]["at"].as_str().unwrap().to_owned();
        let since = at(0);

        let silent = Server::always(Reply::silence);
        let mut child = place.wait_for(&silent);
        // A second process is rejected.
        place.drain(&silent).fails_with(2, &["another process is using it"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(silent.calls().len(), 1);
        // The record before the request is on disk.
        place.has_events(&["asked", "answer", "asked"]);
        let asked = at(2);

        let result = place.drain_for_programs(&server);
        result.ends_with(0, &[&asked, "may be lost", "identkit tm statuses --extended --from", &since]);
        result.ends_with(0, &["identkit state list --open shows whether a record has it"]);
        assert_eq!(result.json()["identkit"]["unfinished_since"], asked);
        let result = place.drain(&server);
        assert!(!result.ends_with(0, &[]).stderr.contains("may be lost"), "it was reported before: {result:#?}");
    }

    #[test]
    fn at_06_a_lost_response_is_6_with_recovery_and_no_retry() {
        let cut = || {
            let mut bytes = whole("application/json", canary_list().as_bytes());
            bytes.truncate(bytes.len() - 10);
            Reply::Cut(bytes)
        };
        let failing = || Reply::json("500 Internal Server Error", &format!("{{\"Error\":\"{CANARY}\"}}"));
        let empty = || Reply::json("500 Internal Server Error", "");
        let answered = ["asked", "answer", "unknown"];
        let replies = [Reply::close, cut, failing, Reply::silence, empty];
        let events = [&["asked"][..], &answered, &answered, &["asked"], &["asked", "unknown"]];
        for (then, events) in replies.into_iter().zip(events) {
            let place = Place::new();
            let server = Server::always(then);
            let result = run(place.command(&server).args(["--timeout", "1"]));
            result.fails_with(
                6,
                &["getAllStatus", "identkit tm statuses --extended --from TIME, a time before the first order"],
            );
            result.logs_none_of(&[CANARY]);
            assert_eq!(server.calls().len(), 1);
            place.has_events(events);
        }
    }

    #[test]
    fn at_06_at_97_a_long_response_that_was_cut_is_kept() {
        let part = [b"[{\"OrderID\":\"1\"},".to_vec(), vec![b' '; 3 << 20], b"{\"OrderID\":\"2\"},".to_vec()].concat();
        for more in ["", "--no-state"] {
            let (place, body) = (Place::new(), part.clone());
            let server = Server::always(move || {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + 1);
                Reply::Cut([head.as_bytes(), &body].concat())
            });
            let result = run(place.command(&server).args((!more.is_empty()).then_some(more)));
            result.ends_with(6, &["what arrived of the response is in"]);
            place.has_events(&["asked", "answer", "unknown"]);
            assert!(answer(&place.records()[1]) == part, "all of it: {more}");
            assert_eq!(result.stdout, "", "the journal has it: {more}");
        }
    }

    #[test]
    fn at_06_an_unreadable_response_is_in_the_journal() {
        for body in [&b"<html>Zsuzsannakanarienvogel</html>"[..], b"[{\"OrderID\":", b"\xff\xfe\0", b""] {
            let place = Place::new();
            let result = place.drain(&Server::always(move || Reply::bytes("text/html", body)));
            result.fails_with(6, &["cannot be read", "the response is in", &place.path.display().to_string()]);
            result.fails_with(6, &["identkit tm statuses --extended --from"]).logs_none_of(&[CANARY]);
            place.has_events(&["asked", "answer", "unknown"]);
            assert_eq!(answer(&place.records()[1]), body);
        }
    }

    #[test]
    fn at_03_a_drained_entry_that_cannot_be_read_is_6() {
        let place = Place::new();
        let result = place.drain_for_programs(&Server::json("200 OK", super::ODD));
        let shown = result.ends_with(6, &["unreadable entries: 3 of 4", "the response is in"]).json();
        assert_eq!((shown["orders"].as_array().unwrap().len(), &shown["identkit"]["unreadable"]), (4, &3.into()));
        place.has_events(&["asked", "answer"]);
        let server = Server::json("200 OK", super::ODD);
        let state = place.folder.path().join("state");
        let result = run(place.command(&server).env("IDENTKIT_STATE_DIR", &state));
        // The record stays open.
        let list = run(identkit().args(["state", "list", "--open", "--state"]).arg(&state));
        list.ends_with(0, &[]).shows(&["getAllStatus", "unknown"]);
        assert!(!result.ends_with(6, &[]).stdout.contains("repeat the command"), "{result:#?}");
    }

    #[test]
    fn at_93_a_drained_entry_without_a_code_is_6() {
        for entry in [r#"{"OrderID":"5"}"#, r#"{"OrderID":"5","Status":["89"]}"#, r#"{"OrderID":"5","Status":[{}]}"#] {
            let place = Place::new();
            let result = place.drain(&Server::json("200 OK", format!("{{\"Order\":[{entry}]}}")));
            result.ends_with(6, &["unreadable entries: 1 of 1", "the response is in"]);
            place.has_events(&["asked", "answer"]);
        }
        let place = Place::new();
        let result = place.drain(&Server::json("200 OK", r#"{"Order":[],"Total":17}"#));
        result.ends_with(6, &["entries cannot be excluded"]);
        place.has_events(&["asked", "answer", "unknown"]);
        for nothing in [r#"{"Order":[]}"#, r#"{"Order":[],"Total":0,"Error":null}"#] {
            Place::new().drain(&Server::json("200 OK", nothing)).ends_with(0, &[]).shows(&["no new entries"]);
        }
    }

    #[test]
    fn a_read_that_marked_nothing_is_recorded_as_refused() {
        let place = Place::new();
        let refusing = Server::json("400 Bad Request", format!("{{\"Error\":\"{CANARY}\"}}"));
        place.drain(&refusing).fails_with(5, &["getAllStatus"]).logs_none_of(&[CANARY]);
        place.drain(&Server::json("401 Unauthorized", "{}")).fails_with(3, &["check the credentials"]);
        run(place.command(NO_SERVER).args(["--timeout", "1"])).fails_with(7, &["getAllStatus"]);
        let refused = ["asked", "answer", "refused"];
        place.has_events(&[&refused[..], &refused, &["asked", "refused"]].concat());
        let result = place.drain(&good());
        assert!(!result.ends_with(0, &[]).stderr.contains("lost"), "{result:#?}");
    }

    #[test]
    fn a_cut_off_record_is_moved_to_another_file() {
        let place = Place::new();
        let result = place.drain(&good());
        // Personal data is only in the result.
        result.ends_with(0, &["there may be more"]).logs_none_of(&[CANARY]).shows(&[CANARY, ORDER]);
        let text = std::fs::read(&place.path).unwrap();
        std::fs::write(&place.path, &text[..text.len() - 20]).unwrap();
        let torn = place.folder.path().join("drained.jsonl.torn-1");
        let result = place.drain_for_programs(&good());
        result.ends_with(0, &["cut off", &torn.display().to_string(), "may be lost"]);
        assert_eq!(result.json()["identkit"]["torn"], torn.display().to_string());
        place.has_events(&["asked", "asked", "answer"]);
        let kept = std::fs::read(&torn).unwrap();
        assert!(text[..text.len() - 20].ends_with(&kept) && kept.len() > 100, "no byte is lost");
    }

    #[cfg(unix)]
    #[test]
    fn at_06_on_a_full_disk_the_response_goes_to_a_stream() {
        let place = Place::new();
        // More than the space that is reserved.
        const BLOCKS: u32 = 130;
        let body = json!([{ "OrderID": ORDER, "Ref": CANARY.repeat(4000) }]).to_string();
        let server = Server::json("200 OK", body.as_str());
        let program = place.command(&server);
        let result = run(&mut on_full_disk(&program, BLOCKS - 10));
        result.fails_with(2, &["--journal", "cannot be used", "nothing was sent"]);
        place.has_events(&[]);
        assert_eq!((server.connections(), names(place.folder.path())), (0, vec!["drained.jsonl".to_owned()]));
        let result = Run::from(on_full_disk(&program, BLOCKS).output().unwrap());
        result.ends_with(6, &["could not be written to the journal", "on standard output instead", "tm statuses"]);
        result.logs_none_of(&[CANARY]);
        let record: Value = serde_json::from_str(&result.stdout).unwrap();
        assert_eq!((answer(&record), &record["event"]), (body.clone().into_bytes(), &"answer".into()));
        // No partial record is left.
        place.has_events(&["asked"]);
        // Without standard output too, standard error is the only place.
        let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
        let result = Run::from(on_full_disk(&program, BLOCKS).stdout(full()).output().unwrap());
        result.ends_with(6, &["on standard error instead: save it", "tm statuses"]).logs_none_of(&[CANARY]);
        let record = result.stderr.lines().find(|line| line.starts_with("{\"v\":1")).unwrap();
        assert_eq!(answer(&serde_json::from_str(record).unwrap()), body.as_bytes());
    }
}

/// An order, two entries that are none, and one whose statuses cannot be read.
const ODD: &str = r#"[{"OrderID":"1","Status":[{"Kind":6}]},null,{},{"OrderID":"2","Status":"x"}]"#;

#[test]
fn at_03_entries_that_cannot_be_read_are_reported() {
    let server = Server::json("200 OK", ODD);
    let line = "tm statuses --extended --from 2020-09-10T00:00:00Z --to 2020-09-11T00:00:00Z";
    let result = server.run(&format!("{line} --output json"));
    let shown = result.ends_with(1, &["getAllStatus/ExtendedList: unreadable entries: 3 of 4"]).json();
    let verdicts: Vec<_> = shown["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| &order["identkit"]["verdict"]["if_identification"])
        .collect();
    assert_eq!(verdicts, ["undecided", "unclear", "unclear", "unclear"]);
    assert_eq!(shown["identkit"]["unreadable"], 3);
    server.run(line).ends_with(1, &["unreadable entries: 3 of 4"]).shows(&["1\t", "undecided"]);
    // Control characters of an id are shown so that the id can be used.
    let server = Server::json("200 OK", r#"[{"OrderID":"9\u001b1","Status":[{"Kind":6}]}]"#);
    server.run(line).ends_with(0, &[]).shows(&[r#""9\u001b1""#]);
}

#[test]
fn at_93_a_listed_entry_without_a_code_is_1() {
    let line = "tm statuses --extended --from 2020-09-10T00:00:00Z --to 2020-09-11T00:00:00Z";
    for status in [r#"{"Kind":true}"#, r#"{"Kind":6.0}"#, r#"{"Kind":6,"Kind":89}"#, r#""89""#, "{}"] {
        let body = format!(r#"[{{"OrderID":"1","Status":[{{"Kind":6}}]}},{{"OrderID":"2","Status":[{status}]}}]"#);
        let result = Server::json("200 OK", body).run(line);
        result.ends_with(1, &["unreadable entries: 1 of 2", "no Kind"]).shows(&["undecided"]);
    }
}

#[test]
fn at_06_a_part_of_the_codes_decides_only_a_suspicion_of_fraud() {
    for (kinds, verdict) in [
        (json!([{ "Kind": 6 }, { "Kind": 84 }]), "undecided"),
        (json!([{ "Kind": 17 }]), "undecided"),
        (json!([{ "Kind": 25 }]), "undecided"),
        (json!([{ "Kind": 6 }, { "Kind": 89 }]), "fraud_suspicion"),
    ] {
        let order = json!({ "OrderID": ORDER, "Status": kinds });
        let server = Server::start(move |seen| match seen.path.starts_with("/getAllStatus") {
            true => Reply::json("200 OK", &json!([order]).to_string()),
            false => Reply::json("200 OK", &order.to_string()),
        });
        let folder = tempfile::tempdir().unwrap();
        let drain = format!("tm drain-unreported --yes --journal {}", folder.path().join("journal").display());
        for line in ["tm statuses --from -1h", "tm statuses --from -1h --extended", &drain] {
            server.run(line).ends_with(0, &["identkit tm finality ORDERID"]).shows(&[verdict]);
            let json = server.json(line);
            let shown = json!({ "verdict": { "if_identification": verdict, "if_signature": verdict } });
            assert_eq!(json["orders"][0]["identkit"], shown, "{line}");
        }
        // AT-13: the general codes of one order are a part as well.
        let status = format!("tm status {ORDER}");
        let text =
            if verdict == "undecided" { "cannot be decided from the general codes: use --extended" } else { "fraud" };
        server.run(&status).ends_with(0, &[]).shows(&[text]);
        assert_eq!(server.json(&status)["identkit"]["verdict"]["if_identification"], verdict);
        let whole = server.json(&format!("{status} --extended"));
        assert_ne!(whole["identkit"]["verdict"]["if_identification"], "undecided");
    }
}
