//! The program of `cargo xtask bench inbox`. It starts itself with the other commands.

mod accept;
mod claim;
mod database;
mod load;
mod million;
mod plain;
mod service;

use std::process::ExitCode;

use self::load::Load;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let one_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let all_cores = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let load = |port: &str, cases: &str, first: &str, connections| Load {
        port: port.parse().unwrap(),
        cases: cases.parse().unwrap(),
        first: first.parse().unwrap(),
        fresh: connections == "fresh",
    };
    match arguments.as_slice() {
        ["serve", way, place, listener] => all_cores().block_on(service::serve(way, place, *listener == "listen")),
        ["send", port, cases, first, connections, seconds] => {
            one_thread().block_on(load(port, cases, first, *connections).send(seconds.parse().unwrap()));
        }
        ["pace", port, cases, first, rate, seconds] => {
            let (rate, seconds) = (rate.parse().unwrap(), seconds.parse().unwrap());
            one_thread().block_on(load(port, cases, first, "fresh").pace(rate, seconds));
        }
        ["fill", folder, count] => all_cores().block_on(million::fill(folder, count.parse().unwrap())),
        ["read", folder] => all_cores().block_on(million::read(folder)),
        ["purge", folder] => all_cores().block_on(million::purge(folder)),
        ["inbox", rows @ ..] => {
            for row in if rows.is_empty() { &["accept", "paced", "claim", "million"] } else { rows } {
                match *row {
                    "accept" => all_cores().block_on(accept::at_once()),
                    "paced" => all_cores().block_on(accept::paced()),
                    "claim" => all_cores().block_on(claim::print()),
                    "million" => million::print(),
                    _ => panic!("unknown row: {row}"),
                }
                println!();
            }
        }
        _ => {
            eprintln!("usage: inbox inbox [accept] [paced] [claim] [million]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
