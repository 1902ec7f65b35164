//! Many orders at once: the status changes in a window of time, and the unreported ones.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use comfy_table::Table;
use identkit_core::{Advice, Clock, Error, Kind, RawResponse, Window};
use identkit_files::{Draft, cause};
use identkit_identity_tm::messages::{ListedOrder, StatusEntry};
use identkit_identity_tm::{DrainUnreportedExtended, GetAllStatus, GetAllStatusExtended, OrderId};
use identkit_transport::SystemClock;
use identkit_wire::{Dts, Operation as _};
use serde_json::{Value, json};

use super::client::Tm;
use super::journal::{self, ASKED, Journal, JournalState, NOTHING, REFUSED, UNKNOWN};
use super::orders::Verdicts;
use crate::context::{say_all, to_list};
use crate::exit::Failure;
use crate::input::{confirm, require_terminal};
use crate::output::{self, Page, say, to_json};
use crate::save::{digest, reject_dash, report_leftovers};
use crate::state::Recorder;
use crate::text::{id, plain};

/// Space in bytes that a drain reserves for the journal: more than a usual response needs.
const RESERVED: usize = 64 * 1024;

/// Maximum number of pages that `statuses` reads. Without it, a server whose pages never end would be read forever.
const MAX_PAGES_READ: u32 = 2_000;

pub(super) async fn statuses(tm: &Tm<'_>, window: Window, extended: bool) -> Result<(), Failure> {
    let client = tm.client()?;
    let feed = client.status_feed(window, &tm.options);
    let mut feed = if extended { feed } else { feed.general() };
    let mut orders = Orders::default();
    let end = loop {
        match feed.next().await {
            Ok(None) => break Ok(()),
            Ok(Some(more)) => orders.extend(more),
            Err(error) => break Err(error.into()),
        }
        if feed.pages() >= MAX_PAGES_READ {
            let why = "orders are missing: read smaller windows (--from, --to)";
            break Err(Failure::local(format!("the list did not end within {MAX_PAGES_READ} pages; {why}")));
        }
        tm.progress.describe(&format!("{} orders, {} pages", orders.all.len(), feed.pages()));
    };
    say_all(feed.warnings());
    let summary = json!({
        "from": window.begin.to_string(),
        "to": window.end.to_string(),
        "extended": extended,
        "pages": feed.pages(),
        "complete": end.is_ok(),
        "unreadable": orders.unreadable(),
        "warnings": to_list(feed.warnings()),
    });
    if end.is_err() && orders.all.is_empty() {
        return end;
    }
    tm.show(json!({ "orders": orders.json(), "identkit": summary }), |page| {
        if orders.all.is_empty() {
            return page.line("no status changes in this window");
        }
        orders.show(page);
        if !extended {
            page.note("general codes only, which may hide a suspicion of fraud: add --extended for all codes");
        }
    })?;
    end.map_err(|failure: Failure| {
        failure
            .note("the list on standard output is incomplete: it has only the orders that were read before this error")
    })?;
    let operation = if extended { GetAllStatusExtended::META.name } else { GetAllStatus::META.name };
    orders.check_whole(Kind::Protocol, operation, "--raw saves the response as received")
}

pub(super) async fn drain(tm: &Tm<'_>, path: &Path, yes: bool) -> Result<(), Failure> {
    reject_dash("--journal", path)?;
    let clock = SystemClock::new();
    let client = tm.client()?;
    if !yes {
        require_terminal()?;
    }
    let unusable =
        |error: &std::io::Error| Failure::unsent(format!("--journal {} cannot be used: {error}", path.display()));
    let (journal, state) = Journal::open(path).map_err(|error| unusable(&error))?;
    warn(&state);
    let question = "Read the unreported status changes? The vendor will never send them again.";
    confirm(yes, question.to_owned(), "nothing was read").await?;
    report_leftovers(path);
    let reserved = Draft::new(path).and_then(|mut draft| draft.reserve(RESERVED).map(|()| draft));
    let reserved = reserved.map_err(|error| unusable(&error))?;
    // First: a journal that says that a request is about to be sent must be followed by one.
    tm.recorder.prepare(DrainUnreportedExtended::META, &[])?;
    // Before the request is sent: this proves that the journal can be written.
    let read = OpenRead { path, recorder: tm.recorder.clone(), state: Mutex::new((Some(journal), Some(reserved))) };
    read.record(ASKED).map_err(|error| unusable(&error))?;
    let (mut answer, mut unwritten, mut is_whole) = (None, None, true);
    let keep = |bytes: &[u8]| {
        let is_cut = bytes.len() == RawResponse::LIMIT;
        let longer = is_cut.then(|| tm.recorder.body_after(bytes)).flatten();
        is_whole = !is_cut || longer.is_some();
        let bytes = longer.as_deref().unwrap_or(bytes);
        let record = journal::answer(clock.wall(), bytes);
        match read.append(&record) {
            Ok(()) => {
                if is_whole {
                    tm.recorder.saved(bytes.len());
                }
                answer = Some(json!({ "bytes": bytes.len(), "sha256": digest(bytes).hex() }));
                Ok(())
            }
            Err(error) => {
                unwritten = Some((record, bytes.len()));
                let why = "the vendor responded, but the response could not be written to the journal";
                Err(Error::new(Kind::OutcomeUnknown, why).with_source(error))
            }
        }
    };
    let drained = client.drain_unreported_to(keep, &tm.options).await;
    let mut journal = read.close();
    let mut record_event =
        |event| journal.as_mut().map_or(Ok(()), |journal: &mut Journal| journal.record(clock.wall(), event));
    let is_written = answer.is_some();
    let elsewhere = unwritten.map(|(record, length)| {
        let stream = match output::write(record.as_bytes()) {
            Ok(()) => "output",
            Err(error) if tm.recorder.has_response() => {
                let why = cause(&error);
                return format!("the record for the journal could not be written to standard output either: {why}");
            }
            Err(_) => {
                say(record.trim_end());
                "error"
            }
        };
        tm.recorder.saved(length);
        format!("the record for the journal is on standard {stream} instead: save it, the vendor does not repeat it")
    });
    let list = drained.map_err(|error| {
        let unknown = error.kind() == Kind::OutcomeUnknown;
        // If this fails, the journal shows a read without an end: report the original error all the same.
        let event = if unknown { UNKNOWN } else { REFUSED };
        // A response without a body has no record of its own.
        let has_answered = is_written || (error.status().is_some() && elsewhere.is_none());
        let _ = if unknown && !has_answered { Ok(()) } else { record_event(event) };
        let part = if is_whole { "what arrived" } else { "the first MiB" };
        let received = is_written.then(|| format!("{part} of the response is in {}", path.display()));
        let recovery = unknown.then(|| recovery_note(state.since.as_deref()));
        Failure::from(error).notes(elsewhere).notes(received).notes(recovery)
    })?;
    if answer.is_none() {
        record_event(NOTHING).map_err(|error| {
            Failure::local(format!("no new entries; {} could not be written: {error}", path.display()))
        })?;
    }
    let mut orders = Orders { statuses_required: true, ..Orders::default() };
    say_all(&list.warnings);
    orders.extend(list.value.0);
    let summary = json!({
        "journal": path.display().to_string(),
        "answer": answer,
        "unfinished_since": state.open,
        "torn": state.torn.as_ref().map(|torn| torn.display().to_string()),
        "unreadable": orders.unreadable(),
    });
    let place = format!("the response is in {} as received", path.display());
    let checked = orders.check_whole(Kind::OutcomeUnknown, DrainUnreportedExtended::META.name, &place);
    let json = json!({ "orders": orders.json(), "identkit": summary });
    if checked.is_err() {
        tm.show_part(json, |page| orders.show(page))?;
    } else {
        tm.show(json, |page| {
            if orders.all.is_empty() {
                return page.line("no new entries");
            }
            orders.show(page);
            page.note(format!("the response is in {}; there may be more entries: repeat the command", path.display()));
        })?;
    }
    checked.map_err(|failure| failure.note(recovery_note(state.since.as_deref())))
}

/// A read in progress, with its journal and the space reserved for it. If a signal stops the command, what has arrived of
/// the response goes to the journal.
struct OpenRead<'a> {
    path: &'a Path,
    recorder: Recorder,
    /// Both are `None` when the response has been received.
    state: Mutex<(Option<Journal>, Option<Draft>)>,
}

impl OpenRead<'_> {
    fn lock(&self) -> MutexGuard<'_, (Option<Journal>, Option<Draft>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, event: &str) -> std::io::Result<()> {
        self.lock().0.as_mut().map_or(Ok(()), |journal| journal.record(SystemClock::new().wall(), event))
    }

    /// Appends a response, into the reserved space.
    fn append(&self, record: &str) -> std::io::Result<()> {
        let (journal, reserved) = &mut *self.lock();
        drop(reserved.take());
        journal.as_mut().map_or(Ok(()), |journal| journal.append(record))
    }

    /// Ends the read, and returns its journal.
    fn close(&self) -> Option<Journal> {
        let (journal, reserved) = &mut *self.lock();
        drop(reserved.take());
        journal.take()
    }
}

impl Drop for OpenRead<'_> {
    fn drop(&mut self) {
        if self.lock().0.is_none() {
            return;
        }
        let Some(body) = self.recorder.received_body() else { return };
        let record = journal::answer(SystemClock::new().wall(), &body);
        if self.append(&record).is_ok() {
            self.recorder.saved(body.len());
            // If this fails, the journal shows a response without its meaning.
            let _ = self.record(UNKNOWN);
            say(&format!("note: what arrived of the response is in {}", self.path.display()));
        } else if output::write(record.as_bytes()).is_ok() {
            self.recorder.saved(body.len());
            say(
                "note: the record for the journal is on standard output instead: save it, the vendor does not repeat it",
            );
        }
    }
}

/// How to read the entries of a lost response.
fn recovery_note(since: Option<&str>) -> String {
    let from = since.unwrap_or("TIME, a time before the first order");
    format!(
        "the vendor may have marked entries as reported; read them with: identkit tm statuses --extended --from {from}"
    )
}

fn warn(state: &JournalState) {
    if let Some(torn) = &state.torn {
        say(&format!("note: the last record of the journal was cut off; it was moved to {}", torn.display()));
    }
    if let Some(open) = &state.open {
        say(&format!(
            "note: the journal has no response to the read of {open}: it may be lost; identkit state list --open shows \
             whether a record has it"
        ));
        say(&format!("note: {}", recovery_note(state.since.as_deref())));
    }
}

/// Orders by first appearance, each once.
#[derive(Default)]
struct Orders {
    /// Whether an order without statuses is unreadable: the vendor does not send it a second time.
    statuses_required: bool,
    all: Vec<ListedOrder>,
    places: HashMap<String, usize>,
}

impl Orders {
    fn extend(&mut self, more: Vec<ListedOrder>) {
        for order in more {
            let id = order.order_id.as_ref().map(OrderId::expose).filter(|id| !id.is_empty()).map(str::to_owned);
            let known = id.as_ref().and_then(|id| self.places.get(id)).and_then(|place| self.all.get_mut(*place));
            match known {
                Some(known) => merge(known, order),
                None => {
                    if let Some(id) = id {
                        self.places.insert(id, self.all.len());
                    }
                    self.all.push(order);
                }
            }
        }
    }

    /// The vendor's orders, each with the verdict as member `identkit`.
    fn json(&self) -> Vec<Value> {
        let one = |order: &ListedOrder| {
            let mut vendor = to_json(order);
            if let Some(object) = vendor.as_object_mut() {
                object.insert("identkit".into(), verdicts(order).json());
            }
            vendor
        };
        self.all.iter().map(one).collect()
    }

    /// One row for each status, and one for an order without any.
    fn table(&self) -> Table {
        let header = ["OrderID", "Ref", "Time", "Kind", "Meaning", "Text", "Verdict"];
        let mut table = output::table(&header);
        for order in &self.all {
            let statuses = timeline(order);
            let verdict = verdicts(order).identification.word();
            let rows = statuses.iter().map(|entry| Some(*entry)).chain(statuses.is_empty().then_some(None));
            for entry in rows {
                let kind = entry.and_then(|entry| entry.kind);
                table.add_row([
                    id(order.order_id.as_ref().map_or("", OrderId::expose)),
                    id(order.reference.as_ref().map_or("", |reference| reference.expose())),
                    plain(entry.and_then(|entry| entry.time.as_ref()).map_or("", Dts::as_str)),
                    kind.map_or_else(String::new, |kind| kind.0.to_string()),
                    kind.and_then(|kind| kind.text()).map_or("", |text| text.english).to_owned(),
                    plain(entry.and_then(|entry| entry.text.as_ref()).map_or("", |text| text.expose())),
                    verdict.to_owned(),
                ]);
            }
        }
        output::prevent_wrapping(&mut table, &header, &["OrderID", "Time"]);
        table
    }

    /// Number of entries that cannot be read completely.
    fn unreadable(&self) -> usize {
        let has_codes = |order: &ListedOrder| match &order.status {
            Some(entries) => entries.iter().all(|entry| entry.kind.is_some()),
            None => !self.statuses_required,
        };
        let is_readable = |order: &&ListedOrder| order.is_whole() && has_codes(order);
        self.all.len() - self.all.iter().filter(is_readable).count()
    }

    /// The failure of a list with entries that cannot be read, after the others were shown.
    fn check_whole(&self, kind: Kind, operation: &'static str, place: &str) -> Result<(), Failure> {
        let unreadable = self.unreadable();
        if unreadable == 0 {
            return Ok(());
        }
        let statuses = if self.statuses_required { ", no Status" } else { "" };
        let why = format!(
            "they have no OrderID{statuses}, no Kind, or an element that cannot be read; --output json shows them"
        );
        let error = Error::new(kind, format!("unreadable entries: {unreadable} of {}: {why}", self.all.len()));
        let advice = if kind == Kind::OutcomeUnknown { Advice::Reconcile } else { Advice::DoNotRetry };
        Err(Failure::from(error.with_operation(operation).with_advice(advice)).note(place))
    }

    fn show(&self, page: &mut Page) {
        page.table(self.table());
        page.note(
            "a list may lack codes of an order, so it decides only a suspicion of fraud; for the verdict on an order: \
             identkit tm finality ORDERID",
        );
    }
}

/// The verdicts on an order of a list. Its earlier codes may be in another response (AT-06).
fn verdicts(order: &ListedOrder) -> Verdicts {
    Verdicts::judge_part(|flavor| order.finality(flavor))
}

/// Merges a later entry of an order into the known one.
fn merge(known: &mut ListedOrder, order: ListedOrder) {
    let ListedOrder { reference, executed, status, tv_slot, extra, .. } = order;
    known.reference = known.reference.take().or(reference);
    known.executed = known.executed.take().or(executed);
    known.tv_slot = known.tv_slot.take().or(tv_slot);
    for (key, value) in extra {
        known.extra.entry(key).or_insert(value);
    }
    if let Some(more) = status {
        let entries = known.status.get_or_insert_default();
        // An order can have many entries, so each is looked up by its text.
        let text = |entry: &StatusEntry| output::to_json(entry).to_string();
        let mut texts: HashSet<String> = entries.iter().map(text).collect();
        entries.extend(more.into_iter().filter(|entry| texts.insert(text(entry))));
    }
}

/// The statuses ordered by time, those without a time first.
fn timeline(order: &ListedOrder) -> Vec<&StatusEntry> {
    let mut entries: Vec<_> = order.status.iter().flatten().collect();
    entries.sort_by_key(|entry| entry.time.as_ref().and_then(Dts::timestamp));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use identkit_wire::json as wire;

    fn orders(texts: &[&str]) -> Orders {
        let mut orders = Orders::default();
        for text in texts {
            orders.extend(wire::read(text.as_bytes()).unwrap());
        }
        orders
    }

    #[test]
    fn repeated_entries_of_an_order_are_merged() {
        let orders = orders(&[
            r#"[{"OrderID":"1","Status":[{"Kind":25}]},{"OrderID":"2"},{"Ref":"a"},{"Ref":"a"}]"#,
            r#"[{"OrderID":"1","Ref":"r","Status":[{"Kind":25},{"Kind":6}],"More":1}]"#,
        ]);
        assert_eq!(orders.all.len(), 4, "orders without an id are never merged");
        let first = &orders.json()[0];
        assert_eq!(first["Status"], json!([{ "Kind": 25 }, { "Kind": 6 }]));
        assert_eq!((&first["Ref"], &first["More"]), (&"r".into(), &1.into()));
        assert_eq!(first["identkit"]["verdict"]["if_identification"], "undecided");
    }

    #[test]
    fn at_93_a_status_without_a_readable_code_is_unreadable() {
        for (status, read, drained) in [
            (r#"[{"Kind":6}]"#, 0, 0),
            ("[]", 0, 0),
            ("null", 0, 1),
            (r#"[{"Time":"2020-01-01T00:00:00Z"}]"#, 1, 1),
            (r#"[{"Kind":6},{}]"#, 1, 1),
        ] {
            let text = format!(r#"[{{"OrderID":"1","Status":{status}}},{{"OrderID":"2","Status":[{{"Kind":6}}]}}]"#);
            for (statuses_required, expected) in [(false, read), (true, drained)] {
                let orders = Orders { statuses_required, ..orders(&[&text]) };
                assert_eq!(orders.unreadable(), expected, "{status}");
                let checked = orders.check_whole(Kind::Protocol, "test", "here");
                assert_eq!(checked.is_err(), expected > 0, "{status}");
            }
        }
    }

    #[test]
    fn at_93_an_order_without_readable_statuses_is_unclear() {
        for text in [
            r#"[{"OrderID":"1"}]"#,
            r#"[{"OrderID":"1","Status":null}]"#,
            r#"[{"OrderID":"1","Status":[{"Kind":6},{"KindAsItCame":"x"}]}]"#,
        ] {
            let verdict = &orders(&[text]).json()[0]["identkit"]["verdict"];
            assert_eq!(verdict["if_identification"], "unclear", "{text}");
        }
    }

    #[test]
    fn at_17_the_last_entry_is_the_one_with_the_latest_time() {
        let kind =
            |text: &str| timeline(&orders(&[text]).all[0]).last().and_then(|entry| entry.kind).map(|kind| kind.0);
        let (early, late) = ("2020-09-10T12:00:00+02:00", "2020-09-10T11:00:00Z");
        let of = |entries: Value| json!([{ "OrderID": "1", "Status": entries }]).to_string();
        assert_eq!(kind(&of(json!([{"Kind": 6, "Time": late}, {"Kind": 25, "Time": early}]))), Some(6));
        assert_eq!(kind(&of(json!([{"Kind": 6, "Time": late}, {"Kind": 84, "Time": late}, {"Kind": 9}]))), Some(84));
        assert_eq!(kind(&of(json!([{"Kind": 6}, {"Kind": 84, "Time": "soon"}]))), Some(84));
        assert_eq!(kind(&of(json!([]))), None);
    }

    #[test]
    fn each_status_of_an_order_has_a_row() {
        let listed = r#"[{"OrderID":"1","Status":[{"Kind":25},{"Kind":6,"Text":"checked"}]},{"OrderID":"2"}]"#;
        let table = output::fitted(orders(&[listed]).table().set_width(200));
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        let count = |word: &str| rows.iter().filter(|row| row.contains(&word)).count();
        assert_eq!((count("25"), count("6"), count("checked"), count("2")), (1, 1, 1, 1), "{table}");
    }

    #[test]
    fn on_a_narrow_terminal_ids_and_times_do_not_wrap() {
        let (id, time) = ("12345678901234567890", "2020-09-10T12:00:00+02:00");
        let table = |more: Value, width: u16| {
            let mut order = json!({ "OrderID": id, "Status": [{ "Kind": 6, "Time": time }] });
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let mut table = orders(&[&json!([order]).to_string()]).table();
            output::fitted(table.set_width(width))
        };
        for more in [json!({}), json!({ "Ref": "0123456789abcdef0123456789abcdef" })] {
            for width in [60, 80, 100] {
                let text = table(more.clone(), width);
                assert!(text.contains(id) && text.contains(time) && text.contains("undecided"), "{text}");
                assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
            }
        }
    }
}
