//! The program that AFL runs: one target, which the environment variable `IDENTKIT_FUZZ_TARGET` names. Without AFL it runs
//! the target once on its standard input.

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::var("IDENTKIT_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = identkit_fuzz::target(&name) else { return ExitCode::from(2) };
    run(target.run);
    ExitCode::SUCCESS
}

#[cfg(fuzzing)]
fn run(target: fn(&[u8])) {
    afl::fuzz!(|input: &[u8]| target(input));
}

#[cfg(not(fuzzing))]
fn run(target: fn(&[u8])) {
    let mut input = Vec::new();
    // A part of an input is an input too.
    let _ = std::io::Read::read_to_end(&mut std::io::stdin(), &mut input);
    target(&input);
}
