//! The program of `cargo xtask bench transport`. It starts itself with the other commands.

use std::process::ExitCode;

use identkit_bench::{call, download, server, table, upload};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match arguments.as_slice() {
        ["server", certificate] => runtime().block_on(server::serve(certificate)),
        ["calls", way, count, port, certificate] => {
            runtime().block_on(call::calls(way, count.parse().unwrap(), port, certificate))
        }
        ["at-once", way, count, port, certificate] => {
            runtime().block_on(call::at_once(way, count.parse().unwrap(), port, certificate));
        }
        ["download", way, mebibytes, port, certificate, folder] => {
            runtime().block_on(download::run(way, mebibytes.parse().unwrap(), port, certificate, folder));
        }
        ["upload", way, count, port, certificate, folder] => {
            runtime().block_on(upload::run(way, count.parse().unwrap(), port, certificate, folder));
        }
        ["transport"] => table::transport(),
        ["transport", rows @ ..] => table::some(rows),
        _ => {
            eprintln!("usage: compare transport [calls] [at-once] [first] [download] [upload] [cone]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
