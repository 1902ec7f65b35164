//! What must be true after the last kill.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::Service;
use super::super::crashes::unrecorded_files;
use super::people::Person;
use super::vendor::{Admin, Call};
use super::{ALL_WAITS, Opening};

/// Pause between two looks at the cases.
const PAUSE: Duration = Duration::from_secs(3);

/// By how much a case can be late: the collector looks for due cases every second, and works on 16 at once.
const LATE: Duration = Duration::from_secs(20);

/// Waits until all cases have ended or need a person, but not longer than `patience`. Returns the status of each case.
/// `meanwhile` is called often.
pub(in super::super) fn settle(service: &Service, patience: Duration, meanwhile: impl Fn()) -> Vec<Value> {
    let began = Instant::now();
    let mut ended: HashMap<u64, Value> = HashMap::new();
    loop {
        let listed = service.json("case list");
        let mut open = Vec::new();
        for case in listed.as_array().unwrap() {
            let number = case["case"].as_u64().unwrap();
            if ended.contains_key(&number) {
                continue;
            }
            meanwhile();
            let status = service.status(case);
            if has_ended(&status) {
                ended.insert(number, status);
            } else {
                open.push(status);
            }
        }
        // The collector still tries to help a case that needs a person.
        if open.iter().all(|status| status["state"] == "stuck") || began.elapsed() > patience {
            return ended.into_values().chain(open).collect();
        }
        std::thread::sleep(PAUSE);
    }
}

fn has_ended(status: &Value) -> bool {
    matches!(text(&status["state"]), "deleted" | "closed")
}

/// Reads the cases again after the collector has ended.
pub(in super::super) fn reread(service: &Service, cases: Vec<Value>) -> Vec<Value> {
    cases.into_iter().map(|case| if has_ended(&case) { case } else { service.status(&case) }).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Everything that is known about the cases.
pub(super) struct Verdict<'a> {
    pub(super) service: &'a Service,
    pub(super) admin: &'a Admin,
    pub(super) opened: Vec<Opening>,
    pub(super) cases: Vec<Value>,
    pub(super) persons: BTreeMap<String, Person>,
    pub(super) calls: Vec<Call>,
}

impl Verdict<'_> {
    pub(super) fn judge(&self, patience: Duration) {
        self.print();
        self.assert_one_order_each();
        self.assert_nothing_lost();
        self.assert_nothing_deleted_early();
        assert_recorded_once(self.service, &self.cases);
        self.assert_honest(patience);
    }

    fn case_of(&self, reference: &str) -> Option<&Value> {
        let mut found = self.cases.iter().filter(|case| case["reference"] == reference);
        let case = found.next();
        assert!(found.next().is_none(), "{reference} is the reference of two cases");
        case
    }

    /// The orders and idents at the vendors, by reference.
    fn orders(&self) -> BTreeMap<String, Value> {
        let mut orders = BTreeMap::new();
        for order in ["orders", "idents"].into_iter().flat_map(|list| self.admin.all(list)) {
            let reference = text(&order["reference"]).to_owned();
            assert!(orders.insert(reference, order).is_none(), "an intent was ordered twice");
        }
        orders
    }

    fn print(&self) {
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        for case in &self.cases {
            let why = match text(&case["state"]) {
                "deleted" => "",
                // Without the number of failures and the time of the first.
                _ => text(&case["why"]).rsplit("Z: ").next().unwrap(),
            };
            *states.entry(format!("{}: {why}", text(&case["state"]))).or_default() += 1;
        }
        for (state, number) in states {
            println!("{number} cases {state}");
        }
        let mut codes: BTreeMap<String, usize> = BTreeMap::new();
        for opening in &self.opened {
            let code = opening.code.map_or("killed".to_owned(), |code| format!("exit code {code}"));
            *codes.entry(code).or_default() += 1;
        }
        println!("case open: {codes:?}; {} calls to the vendor", self.calls.len());
    }

    /// Each intent has at most one order, and an order has its intent.
    fn assert_one_order_each(&self) {
        let orders = self.orders();
        let intents: HashSet<&str> = self.opened.iter().map(|opening| opening.reference.as_str()).collect();
        for (reference, order) in &orders {
            assert!(intents.contains(reference.as_str()), "an order without an intent: {order}");
            let case = self.case_of(reference).unwrap_or_else(|| panic!("{reference} is not in the store: {order}"));
            if case["vendor_id"].is_null() {
                assert!(matches!(text(&case["state"]), "unknown" | "stuck"), "the vendor has it: {case:#}");
            } else {
                assert_eq!(case["vendor_id"], order["id"], "{case:#}");
            }
        }
        for Opening { reference, code, answer } in &self.opened {
            let (case, order) = (self.case_of(reference), orders.get(reference));
            match code {
                Some(0) => {
                    assert_eq!(case.expect(reference)["vendor_id"], answer["vendor_id"]);
                    assert!(order.is_some(), "{reference} is not at the vendor");
                }
                Some(6) => assert!(case.is_some(), "{reference} is not in the store"),
                Some(code) => assert!(order.is_none(), "exit code {code}, but {reference} was ordered"),
                None => {}
            }
        }
    }

    /// A case that is collected has every file that the vendor had, and the sink has them as the ledger says.
    fn assert_nothing_lost(&self) {
        let orders = self.orders();
        let mut compared = 0;
        for case in &self.cases {
            self.service.assert_artifacts(case);
            let Some(person) = self.persons.get(text(&case["reference"])) else { continue };
            let is_deleted = orders[text(&case["reference"])]["data_deleted"] == true;
            if !is_deleted && !matches!(text(&case["state"]), "collected" | "deleted" | "closed") {
                continue;
            }
            let artifacts = case["artifacts"].as_array().unwrap();
            // An ident has only what its webhook contained, which is sent once.
            let has_evidence =
                case["provider"] == "identity-tm" && matches!(person.story, "positive" | "signed" | "fraud");
            assert!(!artifacts.is_empty() || !has_evidence, "{}: all is lost: {case:#}", person.story);
            if let Some(files) = &person.files {
                compared += 1;
                for (operation, digests) in files {
                    let of_kind = |artifact: &&Value| artifact["kind"] == kind_of(operation);
                    let number = artifacts.iter().filter(of_kind).count();
                    assert!(number >= digests.len().max(1), "{}: {operation} is lost: {case:#}", person.story);
                    for digest in digests {
                        let has = artifacts.iter().any(|artifact| artifact["sha256"] == *digest);
                        assert!(has, "{}: {operation} is not what the vendor had: {case:#}", person.story);
                    }
                }
            }
            for artifact in artifacts.iter().filter(|artifact| artifact["kind"] == "report") {
                let bytes = std::fs::read(self.service.sink().join(text(&artifact["location"]))).unwrap();
                assert!(bytes.starts_with(b"%PDF-") && bytes.trim_ascii_end().ends_with(b"%%EOF"), "{artifact}");
            }
        }
        println!("{compared} cases have every file that the vendor had");
        assert!(compared * 2 > self.cases.len() / 2, "too few cases were compared");
    }

    /// The first deletion was sent after each file had been read.
    fn assert_nothing_deleted_early(&self) {
        let mut deletions = 0;
        for person in self.persons.values() {
            let of_order = || self.calls.iter().filter(|call| call.order == person.order);
            let Some(deletion) = of_order().find(|call| call.operation == "delIdentdata") else { continue };
            deletions += 1;
            for operation in person.files.iter().flat_map(|files| files.keys()) {
                let is_read = of_order()
                    .any(|call| is_of(call, operation) && call.succeeded() && call.sequence < deletion.sequence);
                assert!(is_read, "{} was deleted before {operation} was read", person.order);
            }
        }
        println!("{deletions} orders were deleted after their files had been read");
    }

    /// A case that has not ended says why, and what happens next.
    fn assert_honest(&self, patience: Duration) {
        let mut waiting = 0;
        for case in &self.cases {
            let state = text(&case["state"]);
            if matches!(state, "deleted" | "closed") {
                continue;
            }
            assert!(!text(&case["why"]).is_empty() && !text(&case["next"]).is_empty(), "{case:#}");
            if state == "stuck" {
                continue;
            }
            waiting += 1;
            let next: jiff::Timestamp = text(&case["next_at"]).parse().unwrap_or_else(|_| panic!("{case:#}"));
            let late = jiff::Timestamp::now().duration_since(next).as_secs();
            assert!(late < LATE.as_secs().cast_signed(), "the case is not worked on: {case:#}");
            assert!(patience < ALL_WAITS, "the case has not ended: {case:#}");
        }
        println!("{waiting} cases wait for a time");
    }
}

fn is_of(call: &Call, operation: &str) -> bool {
    call.operation == operation || call.operation.strip_prefix(operation).is_some_and(|rest| rest.starts_with('/'))
}

/// The kind of evidence that a call returns.
fn kind_of(operation: &str) -> &'static str {
    match operation {
        "getIdentData" => "ident-data",
        "getIdentDataPDF" => "report",
        "getESignPDF" => "signed-document",
        other => panic!("{other} is not planned"),
    }
}

/// Each deletion is in the ledger once, with the hashes of all artifacts.
pub(in super::super) fn assert_recorded_once(service: &Service, cases: &[Value]) {
    let ledger = service.ledger();
    let deleted: Vec<&Value> = cases.iter().filter(|case| !case["deleted_at"].is_null()).collect();
    let mut subjects: Vec<&str> = ledger.iter().map(|row| text(&row["subject"])).collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), ledger.len(), "a deletion is recorded twice");
    assert_eq!(ledger.len(), deleted.len(), "each deletion is recorded");
    for case in deleted {
        let artifacts = case["artifacts"].as_array().unwrap();
        let Some(first) = artifacts.first() else { continue };
        let (folder, _) = text(&first["location"]).rsplit_once('/').unwrap();
        let row = ledger.iter().find(|row| row["subject"] == folder).expect("the deletion is recorded");
        let hashes = row["hashes"].as_array().unwrap();
        assert!(artifacts.iter().all(|artifact| hashes.contains(&artifact["sha256"])), "{row} {case:#}");
    }
    let artifacts: usize = cases.iter().map(|case| case["artifacts"].as_array().unwrap().len()).sum();
    let reported: usize = cases.iter().map(unrecorded_files).sum();
    let files = service.files().len();
    println!("{} deletions recorded; {artifacts} artifacts, {files} files, {reported} reported", ledger.len());
}
