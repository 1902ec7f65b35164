//! Decoding the status list of 1000 orders, beside the same with owned `String`s.
//!
//! `cargo bench -p identkit-identity-tm --bench decode` prints rates, their ratio, and allocations. With an argument
//! (`ours N` or `strings N`) it only decodes N times, for a tool that counts instructions.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures real time and prints it"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use identkit_identity_tm::messages::OrderList;
use identkit_wire::json;

/// What one writes without a second thought: every text a `String`.
mod strings {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct Order {
        #[serde(rename = "OrderID")]
        pub(crate) order_id: Option<String>,
        pub(crate) r#ref: Option<String>,
        pub(crate) executed: Option<String>,
        #[serde(default)]
        pub(crate) status: Vec<Entry>,
    }

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct Entry {
        pub(crate) kind: Option<u32>,
        pub(crate) time: Option<String>,
        pub(crate) text: Option<String>,
    }

    pub(crate) fn read(bytes: &[u8]) -> usize {
        let orders: Vec<Order> = serde_json::from_slice(bytes).unwrap();
        let texts = |entry: &Entry| {
            entry.kind.is_some() as usize
                + entry.time.as_ref().map_or(0, String::len)
                + entry.text.as_ref().map_or(0, String::len)
        };
        orders
            .iter()
            .map(|order| {
                order.order_id.as_ref().map_or(0, String::len)
                    + order.r#ref.as_ref().map_or(0, String::len)
                    + order.executed.as_ref().map_or(0, String::len)
                    + order.status.iter().map(texts).sum::<usize>()
            })
            .sum()
    }
}

fn ours(bytes: &[u8]) -> usize {
    json::read::<OrderList>(bytes).unwrap().0.iter().map(|order| order.kinds().count()).sum()
}

/// 1000 orders of 11 entries, as in the document's example of one: about 625 KB, indented like the document's.
fn list() -> Vec<u8> {
    let codes = [25, 71, 94, 77, 78, 71, 75, 6, 23, 71, 95];
    let orders: Vec<String> = (0..1000)
        .map(|order| {
            let entries: Vec<String> = codes
                .iter()
                .enumerate()
                .map(|(at, code)| format!(r#"{{"Kind":{code},"Time":"2018-09-05T10:{:02}:59+02:00"}}"#, at + 10))
                .collect();
            format!(
                r#"{{"OrderID":"9992{order:010}","Ref":"identkit-{order:032x}","Executed":"2018-09-05T11:06:21+02:00","Status":[{}]}}"#,
                entries.join(",")
            )
        })
        .collect();
    format!("[{}]", orders.join(",")).into_bytes()
}

fn time(work: impl Fn() -> usize) -> Duration {
    let began = Instant::now();
    black_box(work());
    began.elapsed()
}

fn main() {
    let list = list();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [which, count] = arguments.as_slice() {
        for _ in 0..count.parse::<u32>().unwrap() {
            black_box(if which == "ours" { ours(black_box(&list)) } else { strings::read(black_box(&list)) });
        }
        return;
    }
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..101 {
        mine.push(time(|| ours(&list)));
        theirs.push(time(|| strings::read(&list)));
    }
    mine.sort();
    theirs.sort();
    let rate = |took: Duration| list.len() as f64 / took.as_secs_f64() / 1e6;
    let (mine, theirs) = (rate(mine[50]), rate(theirs[50]));
    let allocations = allocation_counter::measure(|| {
        black_box(ours(&list));
    });
    println!("a list of 1000 orders, {} bytes", list.len());
    println!("ours            {mine:8.0} MB/s   {:6.2} allocations per order", allocations.count_total as f64 / 1000.0);
    let allocations = allocation_counter::measure(|| {
        black_box(strings::read(&list));
    });
    println!(
        "owned Strings   {theirs:8.0} MB/s   {:6.2} allocations per order",
        allocations.count_total as f64 / 1000.0
    );
    println!("ratio           {:8.2}", mine / theirs);
}
