//! `identkit inbox`: lists, shows, replays and purges deliveries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use identkit_core::{CaseRef, Event, WebhookDelivery};
use identkit_store::{EventId, EventState, Finish, Intent, KeyEncryptionKey, Sqlite, Store};
use identkit_testkit::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CANARY, IDENT, ORDER, Run, feed, identkit, run, run_in_terminal, tamper};

/// A store on disk, filled by the library.
struct Inbox {
    folder: TempDir,
    store: Store,
}

/// Seconds after an arbitrary time.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_600_000_000 + seconds).unwrap()
}

fn delivery(provider: &str, id: &str, name: &str, seconds: i64) -> WebhookDelivery {
    let mut event = Event::new(provider, name, format!("{id}/{name}"));
    event.case_id = Some(id.into());
    event.reference = Some("ref-1".into());
    event.payload = Some(format!("{{\"name\":\"{CANARY}\"}}").into());
    WebhookDelivery::new(event, at(seconds))
        .with_request(format!("POST /TOKEN/{name} HTTP/1.1\r\n\r\n{CANARY}\x1b").into_bytes())
}

impl Inbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("store.key"), "07".repeat(32)).unwrap();
        let engine = Arc::new(Sqlite::builder(folder.path().join("store")).open().unwrap());
        let key = KeyEncryptionKey::from_bytes(&[7; 32]);
        let store = block_on(Store::open(engine, key)).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn accept(&self, provider: &str, id: &str, name: &str, seconds: i64) -> u64 {
        block_on(self.store.accept(&delivery(provider, id, name, seconds))).unwrap().0
    }

    /// Claims all work that is due and ends it.
    fn finish(&self, end: &Finish) {
        for claim in block_on(self.store.claim(1_000, Timestamp::MAX)).unwrap() {
            block_on(self.store.finish(&claim, end.clone())).unwrap();
        }
    }

    fn states(&self) -> Vec<EventState> {
        block_on(self.store.events(EventId::default(), 1000)).unwrap().iter().map(|event| event.state).collect()
    }

    fn command(&self, line: &str) -> Command {
        command(&self.path(), line)
    }

    fn run(&self, line: &str) -> Run {
        run(&mut self.command(line))
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --output json")).ends_with(0, &[]).json()
    }
}

fn command(path: &Path, line: &str) -> Command {
    let mut command = identkit();
    command.arg("inbox").args(line.split(' ')).arg("--store").arg(format!("sqlite:{}", path.display()));
    command
}

fn dead() -> Finish {
    Finish::Dead { reason: "not accepted in 20 attempts".to_owned() }
}

#[test]
fn deliveries_of_one_event_are_one_element() {
    let inbox = Inbox::new();
    for second in 1..=31 {
        inbox.accept("identity-tm", ORDER, "OnFinal", second);
    }
    inbox.accept("identity-tm", ORDER, "AfterIdent", 40);
    inbox.accept("identify24", IDENT, "webhook", 50);
    let expected = json!([
        {
            "provider": "identity-tm", "order_id": ORDER, "event": "OnFinal", "state": "pending", "attempts": 0,
            "received_at": at(31).to_string(), "first_received_at": at(1).to_string(), "deliveries": 31,
            "dead": null, "event_id": 31,
        },
        {
            "provider": "identity-tm", "order_id": ORDER, "event": "AfterIdent", "state": "pending", "attempts": 0,
            "received_at": at(40).to_string(), "first_received_at": at(40).to_string(), "deliveries": 1,
            "dead": null, "event_id": 32,
        },
        {
            "provider": "identify24", "ident_id": IDENT, "event": "webhook", "state": "pending", "attempts": 0,
            "received_at": at(50).to_string(), "first_received_at": at(50).to_string(), "deliveries": 1,
            "dead": null, "event_id": 33,
        },
    ]);
    assert_eq!(inbox.json("list"), expected);
    inbox.run("list").ends_with(0, &[]).shows(&[ORDER, IDENT, "OnFinal\tpending\t31\t0"]).hides(&[CANARY]);
}

#[test]
fn filters_select_by_state_event_and_case() {
    let inbox = Inbox::new();
    inbox.accept("identity-tm", ORDER, "OnFinal", 1);
    inbox.finish(&dead());
    inbox.accept("identity-tm", "99920006C38842", "OnFinal", 2);
    inbox.finish(&Finish::Done);
    inbox.accept("identity-tm", "99920006C38842", "AfterVideo", 3);
    let events = |line: &str| -> Vec<String> {
        let list = inbox.json(line);
        let word = |element: &Value, name: &str| element[name].as_str().unwrap().to_owned();
        let elements = list.as_array().unwrap().iter();
        elements.map(|it| format!("{} {} {}", word(it, "order_id"), word(it, "event"), word(it, "state"))).collect()
    };
    let [one, two, three] = [
        format!("{ORDER} OnFinal dead"),
        "99920006C38842 OnFinal done".to_owned(),
        "99920006C38842 AfterVideo pending".to_owned(),
    ];
    assert_eq!(events("list"), [&one, &two, &three].map(String::clone));
    assert_eq!(events("list --state dead"), std::slice::from_ref(&one));
    assert_eq!(events("list --state claimed"), [""; 0]);
    assert_eq!(events("list --event OnFinal"), [one, two]);
    assert_eq!(events("list --case 99920006C38842 --state pending"), [three]);
    inbox
        .run("list --state dead")
        .ends_with(0, &["identkit inbox replay --dead"])
        .shows(&["not accepted in 20 attempts"]);
    inbox.run("list --case 1").fails_with(2, &["no case with this id", "identkit inbox list"]);
    inbox.run("list --state unknown").fails_with(2, &["[possible values: pending, claimed, done, dead]"]);
}

#[test]
fn an_empty_store_lists_an_empty_array() {
    let inbox = Inbox::new();
    assert_eq!(inbox.json("list"), json!([]));
    inbox.run("list").ends_with(0, &[]).shows(&["no deliveries"]);
}

#[test]
fn show_has_each_request_as_received() {
    let inbox = Inbox::new();
    let first = inbox.accept("identify24", IDENT, "webhook", 1);
    inbox.finish(&Finish::Done);
    inbox.accept("identify24", IDENT, "webhook", 2);
    let shown = inbox.json(&format!("show {IDENT}"));
    assert_eq!((&shown["ident_id"], &shown["pending"]), (&json!(IDENT), &json!(true)));
    let deliveries = shown["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 2);
    assert_eq!((&deliveries[0]["state"], &deliveries[1]["state"]), (&json!("done"), &json!("pending")));
    assert_eq!(deliveries[0]["request"], format!("POST /TOKEN/webhook HTTP/1.1\r\n\r\n{CANARY}\x1b"));
    assert_eq!(deliveries[0]["payload"], format!("{{\"name\":\"{CANARY}\"}}"));
    assert_eq!(deliveries[0]["reference"], "ref-1");
    assert_ne!(deliveries[0]["idempotency_key"], deliveries[1]["idempotency_key"]);
    let one = inbox.json(&format!("show --event-id {first}"));
    assert_eq!(one["deliveries"], json!([deliveries[0]]));

    let text = inbox.run(&format!("show {IDENT}"));
    text.ends_with(0, &[]).shows(&["POST /TOKEN/webhook HTTP/1.1", CANARY, "done"]).logs_none_of(&[CANARY, IDENT]);
    assert!(!text.stdout.contains('\x1b'), "a request cannot control the terminal");
    let typed = feed(&mut inbox.command("show -"), format!("{IDENT}\n").as_bytes());
    assert_eq!(typed.ends_with(0, &[]).stdout, text.stdout);
    inbox.run("show --event-id 99").fails_with(2, &["no delivery with this --event-id"]);
    inbox.run(&format!("show {ORDER}")).fails_with(2, &["no case with this id"]);
    inbox.run("show").fails_with(2, &["--event-id"]);
}

#[test]
fn an_id_of_two_providers_needs_the_provider() {
    let inbox = Inbox::new();
    inbox.accept("identity-tm", ORDER, "OnFinal", 1);
    inbox.accept("identify24", ORDER, "webhook", 1);
    inbox.run(&format!("show {ORDER}")).fails_with(2, &["--provider identity-tm or identify24"]);
    assert_eq!(inbox.json(&format!("show {ORDER} --provider identify24"))["deliveries"][0]["event"], "webhook");
}

#[test]
fn replayed_work_is_pending_again() {
    let inbox = Inbox::new();
    inbox.accept("identity-tm", ORDER, "OnFinal", 1);
    inbox.accept("identity-tm", ORDER, "OnFinal", 2);
    inbox.finish(&dead());
    inbox.accept("identity-tm", "99920006C38842", "OnFinal", 3);
    inbox.finish(&Finish::Done);
    assert_eq!(inbox.json("replay --dead"), json!({ "cases": 1, "deliveries": 2 }));
    use EventState::{Done, Pending};
    assert_eq!(inbox.states(), [Pending, Pending, Done]);
    inbox.run("replay --dead").ends_with(0, &[]).shows(&["replayed 0 deliveries of 0 cases"]);
    inbox.run("replay 99920006C38842").ends_with(0, &[]).shows(&["replayed 1 delivery of 1 case"]);
    assert_eq!(inbox.states(), [Pending; 3]);
    inbox.finish(&Finish::Done);
    assert_eq!(inbox.json("replay --all"), json!({ "cases": 2, "deliveries": 3 }));
    assert_eq!(inbox.states(), [Pending; 3]);
    inbox.run("replay 1").fails_with(2, &["no case with this id"]);
    inbox.run("replay").fails_with(2, &["--dead", "--all"]);
    inbox.run("replay --dead --all").fails_with(2, &["--all"]);
}

#[test]
fn replayed_pending_work_is_due_at_once() {
    let inbox = Inbox::new();
    // The clock of the receiver was a day ahead.
    let later = Timestamp::now().checked_add(std::time::Duration::from_secs(86_400)).unwrap();
    let ahead = WebhookDelivery::new(delivery("identity-tm", ORDER, "OnFinal", 1).event, later);
    block_on(inbox.store.accept(&ahead)).unwrap();
    inbox.run("replay --dead").ends_with(0, &[]);
    assert!(block_on(inbox.store.claim(1, Timestamp::now())).unwrap().is_empty());
    assert_eq!(inbox.json(&format!("replay {ORDER}")), json!({ "cases": 1, "deliveries": 1 }));
    assert_eq!(block_on(inbox.store.claim(1, Timestamp::now())).unwrap().len(), 1);
}

#[test]
fn an_unreadable_delivery_hides_no_other_one() {
    let inbox = Inbox::new();
    for (id, event) in [(ORDER, "AfterVideo"), (ORDER, "OnFinal"), ("99920006C38842", "OnFinal")] {
        inbox.accept("identity-tm", id, event, 1);
    }
    tamper(&inbox.path(), "UPDATE events SET body = x'00' WHERE id = 1");
    let listed = inbox.run("list --output json");
    listed.ends_with(0, &["delivery 1 of the store cannot be read"]);
    assert_eq!(listed.json().as_array().unwrap().len(), 2);
    let shown = inbox.run(&format!("show {ORDER} --output json"));
    shown.ends_with(0, &["delivery 1"]);
    assert_eq!(shown.json()["deliveries"].as_array().unwrap().len(), 1);
    inbox.finish(&dead());
    // Its unit can be replayed, e.g. after the row was restored.
    assert_eq!(inbox.json("replay --dead"), json!({ "cases": 2, "deliveries": 3 }));
}

#[test]
fn a_purge_by_id_spares_pending_work() {
    let inbox = Inbox::new();
    inbox.accept("identity-tm", ORDER, "OnFinal", 1);
    let purge = format!("purge {ORDER}");
    inbox.run(&purge).fails_with(2, &["to confirm, add --yes"]);
    inbox.run(&format!("{purge} --yes")).fails_with(2, &["pending or claimed", "--force"]);
    assert_eq!(inbox.states(), [EventState::Pending]);
    inbox.finish(&Finish::Done);
    let refused = run_in_terminal(&inbox.command(&purge), "no\n");
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stdout.contains("Remove the case with 1 delivery for good? Type yes:"), "{refused:#?}");
    assert_eq!(inbox.states(), [EventState::Done]);
    inbox.run(&format!("{purge} --yes")).ends_with(0, &[]).shows(&["removed 1 case"]);
    inbox.accept("identity-tm", ORDER, "OnFinal", 1);
    assert_eq!(inbox.json(&format!("{purge} --yes --force")), json!({ "purged": 1 }));
    assert!(inbox.states().is_empty());
    inbox.run(&format!("{purge} --yes")).fails_with(2, &["no case with this id"]);
}

#[test]
fn a_purge_by_age_spares_what_is_needed() {
    let inbox = Inbox::new();
    inbox.accept("identity-tm", "done", "OnFinal", 1);
    inbox.finish(&Finish::Done);
    inbox.accept("identity-tm", "dead", "OnFinal", 1);
    inbox.finish(&dead());
    let now = Timestamp::now();
    let new = WebhookDelivery::new(delivery("identity-tm", "new", "OnFinal", 1).event, now);
    block_on(inbox.store.accept(&new)).unwrap();
    for claim in block_on(inbox.store.claim(10, Timestamp::MAX)).unwrap() {
        block_on(inbox.store.finish(&claim, Finish::Done)).unwrap();
    }
    // A service has saved this one.
    let claim = block_on(inbox.store.create(&Intent::new("identity-tm", "ref-1", at(1)))).unwrap();
    let mut case = block_on(inbox.store.case(claim.case())).unwrap().unwrap();
    case.opened = Some(CaseRef::new("identity-tm", "saved"));
    block_on(inbox.store.save(&claim, &mut case, &[], at(1))).unwrap();
    block_on(inbox.store.finish(&claim, Finish::Done)).unwrap();
    inbox.accept("identity-tm", "pending", "OnFinal", 1);

    let ids = || -> Vec<String> {
        let cases = block_on(inbox.store.cases(None, Default::default(), 10)).unwrap();
        cases.into_iter().map(|case| case.vendor_id.unwrap().expose().to_owned()).collect()
    };
    inbox.run("purge --older-than 30d").fails_with(2, &["to confirm, add --yes"]);
    inbox.run("purge --older-than soon --yes").fails_with(2, &["30d, 12h or 90m"]);
    assert_eq!(inbox.json("purge --older-than 30d --state done --yes"), json!({ "purged": 1 }));
    assert_eq!(ids(), ["dead", "new", "saved", "pending"]);
    assert_eq!(inbox.json("purge --older-than 30d --yes"), json!({ "purged": 1 }));
    assert_eq!(ids(), ["new", "saved", "pending"]);
}

#[test]
fn a_store_that_does_not_exist_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for line in ["list", "show 1", "replay --all", "purge --older-than 1d --yes"] {
        run(&mut command(&path, line)).fails_with(2, &["does not exist"]);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_key_is_an_error() {
    let inbox = Inbox::new();
    inbox.accept("identity-tm", ORDER, "OnFinal", 1);
    let key = inbox.folder.path().join("store.key");
    let other = inbox.folder.path().join("other.key");
    std::fs::write(&other, "08".repeat(32)).unwrap();
    inbox.run(&format!("list --key-file {}", other.display())).fails_with(1, &["the key does not fit the store"]);
    std::fs::write(&other, "08").unwrap();
    inbox.run(&format!("list --key-file {}", other.display())).fails_with(2, &["64 hexadecimal digits"]);
    std::fs::remove_file(&key).unwrap();
    inbox.run("list").fails_with(2, &["the key file", "does not exist", "--key-file"]);
}

#[test]
fn a_long_list_is_one_array() {
    const CASES: usize = 2_000;
    let inbox = Inbox::new();
    let store = inbox.store.clone();
    // Many at once, so that they share a commit.
    let accepted = async move {
        let accept = |number: usize| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("9992{number:08}");
                for name in ["AfterVideo", "OnFinal"] {
                    let event = delivery("identity-tm", &id, name, 1);
                    while store.accept(&event).await.is_err() {}
                }
            })
        };
        for first in (0..CASES).step_by(500) {
            let tasks: Vec<_> = (first..first + 500).map(accept).collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
    };
    block_on(accepted);
    let listed = inbox.json("list");
    let elements = listed.as_array().unwrap();
    assert_eq!(elements.len(), 2 * CASES);
    assert!(elements.iter().all(|element| element["deliveries"] == 1));
    // A closed pipe ends it.
    let mut shell = crate::support::clean_command("sh");
    let path = inbox.path();
    let line =
        format!("{} inbox list --output json --store sqlite:{} | head -c 100", crate::support::PROGRAM, path.display());
    let head = run(shell.args(["-c", &line]));
    assert_eq!((head.stdout.len(), head.stderr.as_str()), (100, ""));
}
