//! Many orders at once: `tm statuses` and `tm drain-unreported`, with the sandbox and with servers that misbehave.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{
    CANARY, NOBODY, ORDER, Ran, Sandbox, Server, Then, Vendor, has, names, on_a_terminal, run, whole,
};
use serde_json::{Value, json};

/// A window that holds everything.
const ALWAYS: &str = "tm statuses --from 2000-01-01 --to 2100-01-01";

/// An answer about somebody whose name must not turn up in logs.
fn canary_list() -> String {
    let entry = json!({ "Kind": 6, "Time": "2020-09-10T12:00:00+02:00", "Text": CANARY });
    json!([{ "OrderID": ORDER, "Ref": CANARY, "Status": [entry] }]).to_string()
}

mod statuses {
    use super::*;

    #[test]
    fn a_window_is_a_table_with_a_row_for_each_order() {
        let sandbox = Sandbox::plain();
        let ran = sandbox.run(&format!("{ALWAYS} --extended"));
        ran.ends_with(0, &["the first is for an identification"]).shows(&["OrderID", "Verdict"]);
        assert!(!ran.stderr.contains("--extended"), "{ran:#?}");
        let row = ran.stdout.lines().find(|line| line.contains(ORDER)).unwrap();
        assert!(row.contains("Sign-me_Account_Creation_Test") && row.contains("positive / identified"), "{row}");
        sandbox.run(ALWAYS).ends_with(0, &["general codes only", "--extended"]);
        let ran = sandbox.run("tm statuses --from 2000-01-01 --to 2000-01-02");
        assert_eq!(ran.ends_with(0, &[]).stdout, "nothing happened in this window\n");
    }

    #[test]
    fn programs_get_the_vendors_json_with_a_verdict() {
        let sandbox = Sandbox::plain();
        let (general, extended) = (sandbox.json(ALWAYS), sandbox.json(&format!("{ALWAYS} --extended")));
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
    }

    #[test]
    fn at_06_every_page_has_a_period_so_that_nothing_is_marked_as_reported() {
        for (more, path) in [("", "POST /getAllStatus"), (" --extended", "POST /getAllStatus/ExtendedList")] {
            let server = Server::always(|| Then::GoOn(b"HTTP/1.1 304 Not Modified\r\n\r\n".into()));
            let line = "tm statuses --from 2020-09-10 --to 2020-09-10T12:30:00+02:00";
            server.run(&format!("{line}{more}")).ends_with(0, &[]);
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
        let server = Server::untouched();
        for window in ["--from 2020-09-11 --to 2020-09-10", "--from 2020-09-10 --to 2020-09-10", "--from -1h --to -2h"]
        {
            let ran = server.run(&format!("tm statuses {window}"));
            ran.fails_with(2, &["--from must be earlier than --to", "nothing was sent"]);
        }
        for text in ["yesterday", "2020-09-10T12:00:00", "2020-02-30", "-1w", ""] {
            server.run(&format!("tm statuses --from {text}")).ends_with(2, &["offset", "-24h"]);
        }
        server.run("tm statuses").ends_with(2, &["--from"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn at_05_less_than_everything_is_never_told_as_everything() {
        // The same full page, whatever is asked for.
        let order = |number| json!({ "OrderID": format!("9992{number}"), "Ref": CANARY, "Status": [{ "Kind": 6 }] });
        let page = Value::from_iter((0..500).map(order)).to_string();
        let ran = Server::json("200 OK", page).run("tm statuses --from -4s --extended");
        ran.fails_with(1, &["getAllStatus/ExtendedList", "orders are missing"]).logs_none_of(&[CANARY]);
        let broken = Server::json("200 OK", format!("[{{\"Ref\":\"{CANARY}\""));
        let ran = broken.run("tm statuses --from -4s");
        ran.fails_with(1, &["getAllStatus", "cannot be read"]).logs_none_of(&[CANARY]);
    }
}

mod drain {
    use super::*;

    /// A journal in a folder of its own.
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

        fn drain(&self, vendor: &(impl Vendor + ?Sized)) -> Ran {
            run(&mut self.command(vendor))
        }

        fn drain_for_programs(&self, vendor: &impl Vendor) -> Ran {
            run(self.command(vendor).args(["--output", "json"]))
        }

        /// Has a process wait for an answer that never comes.
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

    /// The answer of a record, as it came.
    fn answer(record: &Value) -> Vec<u8> {
        identkit_wire::decode_base64(record["base64"].as_str().unwrap()).unwrap()
    }

    fn good() -> Server {
        Server::json("200 OK", canary_list())
    }

    #[test]
    fn at_06_what_was_not_reported_is_taken_once_and_kept_as_it_came() {
        let sandbox = Sandbox::plain();
        let place = Place::new();
        let statuses = || sandbox.json(&format!("{ALWAYS} --extended"))["orders"].clone();
        let before = statuses();
        let told = place.drain_for_programs(&sandbox).ends_with(0, &[]).json();
        assert_eq!(told["orders"], before, "reading a window marks nothing, and takes nothing");
        let records = place.records();
        place.has_events(&["asked", "answer"]);
        let answered = answer(&records[1]);
        assert_eq!(told["identkit"]["answer"]["bytes"], answered.len());
        assert_eq!(told["identkit"]["answer"]["sha256"], records[1]["sha256"]);
        let listed: Value = serde_json::from_slice(&answered).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), told["orders"].as_array().unwrap().len());

        assert_eq!(place.drain(&sandbox).ends_with(0, &[]).stdout, "nothing was new\n");
        place.has_events(&["asked", "answer", "asked", "nothing"]);
        assert_eq!(place.records()[..2], records, "what was there stays as it is");
        assert_eq!(statuses(), before, "the window still has everything");
    }

    #[test]
    fn at_06_it_asks_on_a_terminal_only() {
        let place = Place::new();
        let server = good();
        let mut command = server.command(&format!("tm drain-unreported --journal {}", place.path.display()));
        run(&mut command).fails_with(2, &["--yes"]);
        assert_eq!(names(place.folder.path()), [""; 0]);
        if has("script") {
            let ran = on_a_terminal(&command, "no\n");
            assert_eq!(ran.code, Some(2), "{ran:#?}");
            ran.shows(&["never tell it again", "nothing was taken"]);
            place.has_events(&[]);
            assert_eq!(server.connections(), 0);
            let ran = on_a_terminal(&command, "yes\n");
            assert_eq!((ran.code, server.connections()), (Some(0), 1), "{ran:#?}");
        }
    }

    #[test]
    fn at_06_a_journal_that_cannot_be_written_is_2_and_nothing_is_sent() {
        let place = Place::new();
        let server = good();
        let at = |name: &str| place.folder.path().join(name);
        std::fs::write(at("notes.txt"), "my notes\n").unwrap();
        std::fs::write(at("other.jsonl"), "{\"provider\":\"identity-tm\"}\n").unwrap();
        let mut refused = vec![at("nowhere/drained.jsonl"), at(""), at("notes.txt"), at("other.jsonl")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&place.path, at("link")).unwrap();
            refused.extend([at("link"), PathBuf::from("/dev/null"), PathBuf::from("/dev/full")]);
        }
        for path in refused {
            let path = path.display().to_string();
            let ran = server.run(&format!("tm drain-unreported --yes --journal {path}"));
            ran.fails_with(2, &["--journal", &path, "nothing was sent"]);
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
    fn at_06_a_process_that_is_killed_leaves_word_that_an_answer_may_be_lost() {
        let place = Place::new();
        let server = good();
        place.drain(&server).ends_with(0, &[]);
        let at = |number: usize| place.records()[number]["at"].as_str().unwrap().to_owned();
        let since = at(0);

        let silent = Server::always(Then::silence);
        let mut child = place.wait_for(&silent);
        // Two at once are one.
        place.drain(&silent).fails_with(2, &["another process is using it"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(silent.calls().len(), 1);
        // What was known before it was sent is on the disk.
        place.has_events(&["asked", "answer", "asked"]);
        let asked = at(2);

        let ran = place.drain_for_programs(&server);
        ran.ends_with(0, &[&asked, "may be lost", "identkit tm statuses --extended --from", &since]);
        assert_eq!(ran.json()["identkit"]["unfinished_since"], asked);
        let ran = place.drain(&server);
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
        for then in [Then::close, cut, failing, Then::silence] {
            let place = Place::new();
            let server = Server::always(then);
            let ran = run(place.command(&server).args(["--timeout", "1"]));
            ran.fails_with(6, &["getAllStatus", "identkit tm statuses --extended --from the time of the first order"]);
            ran.logs_none_of(&[CANARY]);
            assert_eq!(server.calls().len(), 1);
            place.has_events(&["asked"]);
        }
    }

    #[test]
    fn at_06_an_answer_that_cannot_be_read_is_in_the_journal_all_the_same() {
        for body in [&b"<html>Zsuzsannakanarienvogel</html>"[..], b"[{\"OrderID\":", b"\xff\xfe\0", b""] {
            let place = Place::new();
            let ran = place.drain(&Server::always(move || Then::bytes("text/html", body)));
            ran.fails_with(1, &["cannot be read", "the answer is in", &place.path.display().to_string()]);
            ran.logs_none_of(&[CANARY]);
            place.has_events(&["asked", "answer"]);
            assert_eq!(answer(&place.records()[1]), body);
        }
    }

    #[test]
    fn what_provably_took_nothing_leaves_nothing_open() {
        let place = Place::new();
        let refusing = Server::json("400 Bad Request", format!("{{\"Error\":\"{CANARY}\"}}"));
        place.drain(&refusing).fails_with(5, &["getAllStatus"]).logs_none_of(&[CANARY]);
        place.drain(&Server::json("401 Unauthorized", "{}")).fails_with(3, &["check the credentials"]);
        run(place.command(NOBODY).args(["--timeout", "1"])).fails_with(7, &["getAllStatus"]);
        place.has_events(&["asked", "refused", "asked", "refused", "asked", "refused"]);
        let ran = place.drain(&good());
        assert!(!ran.ends_with(0, &[]).stderr.contains("lost"), "{ran:#?}");
    }

    #[test]
    fn a_record_that_was_cut_short_is_kept_beside_the_journal() {
        let place = Place::new();
        let ran = place.drain(&good());
        // A person's data is in the result and nowhere else.
        ran.ends_with(0, &["there may be more"]).logs_none_of(&[CANARY]).shows(&[CANARY, ORDER]);
        let text = std::fs::read(&place.path).unwrap();
        std::fs::write(&place.path, &text[..text.len() - 20]).unwrap();
        let torn = place.folder.path().join("drained.jsonl.torn-1");
        let ran = place.drain_for_programs(&good());
        ran.ends_with(0, &["cut short", &torn.display().to_string(), "may be lost"]);
        assert_eq!(ran.json()["identkit"]["torn"], torn.display().to_string());
        place.has_events(&["asked", "asked", "answer"]);
        let kept = std::fs::read(&torn).unwrap();
        assert!(text[..text.len() - 20].ends_with(&kept) && kept.len() > 100, "not a byte is thrown away");
    }

    #[cfg(unix)]
    #[test]
    fn an_answer_that_the_disk_has_no_room_for_goes_to_standard_output() {
        let place = Place::new();
        let body = json!([{ "OrderID": ORDER, "Ref": CANARY.repeat(200) }]).to_string();
        let server = Server::json("200 OK", body.as_str());
        let program = place.command(&server);
        // A limit of 1024 bytes for every file, with an error instead of the signal.
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh"]).arg(program.get_program());
        shell.args(program.get_args()).envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // By pipes, which have no limit.
        let ran = Ran::from(shell.output().unwrap());
        ran.ends_with(6, &["could not be written to the journal", "on standard output instead", "tm statuses"]);
        ran.logs_none_of(&[CANARY]);
        let record: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((answer(&record), &record["event"]), (body.into_bytes(), &"answer".into()));
        // No half of a record is left.
        place.has_events(&["asked"]);
    }
}
