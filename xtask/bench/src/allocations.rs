//! Counts the allocations of a call: the average over `COUNT` calls, after some that open connections.

use identkit_bench::call::Caller;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [way, count, port, certificate] = arguments.as_slice() else {
        panic!("usage: allocations WAY COUNT PORT CERTIFICATE");
    };
    let count: u32 = count.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut caller = runtime.block_on(Caller::new(way, port, certificate));
    let mut calls = |count| {
        runtime.block_on(async {
            for _ in 0..count {
                caller.call().await;
            }
        });
    };
    calls(10);
    let counted = allocation_counter::measure(|| calls(count));
    println!("{}", counted.count_total as f64 / f64::from(count));
}
