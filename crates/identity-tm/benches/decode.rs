//! Decodes a status list of 1000 orders, compared with structs of owned `String`s.
//!
//! `cargo bench -p identkit-identity-tm --bench decode` prints rates, their ratio and allocations. With the arguments
//! `ours|strings example|every-text N` it decodes N times and prints the median time, e.g. to count instructions.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures real time and prints it"
)]

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use identkit_identity_tm::messages::OrderList;
use identkit_wire::json;

/// Baseline: every text is a `String`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only read from JSON")]
struct Order {
    #[serde(rename = "OrderID")]
    order_id: Option<String>,
    r#ref: Option<String>,
    executed: Option<String>,
    #[serde(default)]
    status: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only read from JSON")]
struct Entry {
    kind: Option<u32>,
    time: Option<String>,
    text: Option<String>,
}

fn strings(bytes: &[u8]) -> usize {
    black_box(serde_json::from_slice::<Vec<Order>>(bytes).unwrap()).len()
}

fn ours(bytes: &[u8]) -> usize {
    black_box(json::read::<OrderList>(bytes).unwrap()).0.len()
}

/// Returns a list of 1000 orders without white space.
fn list(reference: impl Fn(usize) -> String, entries: &[(u32, Option<&str>)]) -> Vec<u8> {
    let orders: Vec<String> = (0..1000)
        .map(|order| {
            let entries: Vec<String> = entries
                .iter()
                .enumerate()
                .map(|(at, (code, text))| {
                    let text = text.map(|text| format!(r#","Text":"{text}""#)).unwrap_or_default();
                    format!(r#"{{"Kind":{code},"Time":"2018-09-05T10:{:02}:59+02:00"{text}}}"#, at + 10)
                })
                .collect();
            format!(
                r#"{{"OrderID":"9992{order:010}","Ref":"{}","Executed":"2018-09-05T11:06:21+02:00","Status":[{}]}}"#,
                reference(order),
                entries.join(",")
            )
        })
        .collect();
    format!("[{}]", orders.join(",")).into_bytes()
}

/// Returns orders like the document's example, [T 3.2.4]: 11 entries, two of them with a `Text`.
fn example() -> Vec<u8> {
    let codes = [25, 71, 94, 77, 78, 71, 75, 6, 23, 71, 95];
    let text = |at| [(1, "signme Passwort"), (5, "TAN")].into_iter().find(|(of, _)| *of == at).map(|(_, text)| text);
    let entries: Vec<_> = codes.into_iter().enumerate().map(|(at, code)| (code, text(at))).collect();
    list(|order| format!("identkit-{order:08}"), &entries)
}

/// Returns orders of the same size in which every entry has a `Text`: with owned `String`s 24 allocations per order.
fn every_text() -> Vec<u8> {
    let texts = ["TAN", "SMS", "video", "A", "B", "TAN", "C", "D", "E"];
    let codes = [25, 71, 94, 77, 78, 71, 75, 6, 95];
    let entries: Vec<_> = codes.into_iter().zip(texts.map(Some)).collect();
    list(|order| format!("{order:06}"), &entries)
}

type Work = fn(&[u8]) -> usize;

const WAYS: [(&str, Work); 2] = [("ours", ours), ("strings", strings)];

/// Returns the median time of `count` runs.
fn median(work: Work, list: &[u8], count: usize) -> Duration {
    let time = |_| {
        let began = Instant::now();
        black_box(work(black_box(list)));
        began.elapsed()
    };
    let mut took: Vec<Duration> = (0..count).map(time).collect();
    took.sort();
    took[count / 2]
}

/// Compares the two, alternating, each run in its own process because they affect each other's heap.
fn compare(name: &str, list: &[u8]) {
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..11 {
        for ((way, _), took) in WAYS.iter().zip(&mut took) {
            let output = Command::new(std::env::current_exe().unwrap()).args([way, name, "41"]).output().unwrap();
            took.push(String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap());
        }
    }
    println!("{name}: 1000 orders, {} bytes", list.len());
    let rates = took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        list.len() as f64 / took[took.len() / 2] * 1e3
    });
    for ((way, work), rate) in WAYS.iter().zip(rates) {
        let counted = allocation_counter::measure(|| {
            black_box(work(list));
        });
        let (count, peak) = (counted.count_total as f64 / 1000.0, counted.bytes_max / 1024);
        println!("  {way:<8}{rate:6.0} MB/s  {count:6.2} allocations per order  {peak:6} KiB at most");
    }
    println!("  ratio   {:6.2}", rates[0] / rates[1]);
}

fn main() {
    let lists = [("example", example()), ("every-text", every_text())];
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [way, name, count] = arguments.as_slice() {
        let list = &lists.iter().find(|(known, _)| known == name).unwrap().1;
        let work = WAYS.iter().find(|(known, _)| known == way).unwrap().1;
        println!("{}", median(work, list, count.parse().unwrap()).as_nanos());
        return;
    }
    for (name, list) in &lists {
        compare(name, list);
    }
}
