//! The program that AFL runs: one target, which the environment variable `IDENTKIT_FUZZ_TARGET` names.

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::var("IDENTKIT_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = identkit_fuzz::target(&name) else { return ExitCode::from(2) };
    afl::fuzz!(|input: &[u8]| (target.run)(input));
    ExitCode::SUCCESS
}
