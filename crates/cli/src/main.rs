//! The `identkit` command line.
//!
//! Results go to standard output; errors, notes and progress go to standard error.

mod account;
mod accounts;
mod arguments;
mod calls;
mod case_id;
mod changes;
mod commands;
mod connection;
mod context;
mod evidence;
mod exchange;
mod exit;
mod forward;
mod given;
mod help;
mod hex;
mod input;
mod json_array;
mod levels;
mod misspelled;
mod network;
mod output;
mod progress;
mod providers;
mod reception;
mod run_settings;
mod save;
mod signals;
mod sink;
mod state;
mod stopping;
mod store;
mod stream_deadline;
mod tap;
mod text;
mod trace;
mod typed_id;
mod values;
mod verbose;
mod verdict;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::SystemClock;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::arguments::Arguments;
use crate::commands::Command;
use crate::exit::{CLOSED_PIPE, Failure};
use crate::output::Format;

/// How long a stopped command may take to remove its files.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a finished command waits for other threads. Their results are no longer needed, and some never end, e.g. a
/// name lookup without an answer.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// Number of threads that a command needs beside those of the runtime: for files, names of hosts and signals.
const OTHER_THREADS: usize = 4;

/// The end of the year 9998.
const LATEST: Timestamp = Timestamp::constant(253_370_764_799, 0);

fn main() -> ExitCode {
    // A panic message can contain personal data: report only the location.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        output::say(&format!("error: internal error{place}; please report this bug of identkit"));
    }));
    let arguments = Arguments::parse();
    if let Err(failure) = check_clock(SystemClock::new().wall()) {
        return report(&failure, arguments.output, false);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            let limit = "the number of processes may be limited (ulimit -u)";
            let failure = Failure::local(format!("cannot start the threads of the program: {error}; {limit}"));
            return report(&failure, arguments.output, false);
        }
    };
    let (format, show) = (arguments.output, arguments.show_vendor_text);
    match runtime.block_on(run_until_stopped(arguments)) {
        Ok(Ok(code)) => {
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
            code
        }
        Ok(Err(code)) => {
            // The command was dropped; its blocking tasks notice this and remove their files.
            signals::set_dropped();
            runtime.shutdown_timeout(CLEANUP_TIMEOUT);
            save::remove_folders();
            report(&interrupted(code), format, false)
        }
        Err(failure) => {
            let code = report(&failure, format, show);
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
            code
        }
    }
}

/// Starts the async runtime.
///
/// # Errors
/// If the system does not allow the threads that a command needs, e.g. because of `ulimit -u`.
fn runtime() -> std::io::Result<Runtime> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    // tokio panics if it cannot start a worker. Therefore the same number of threads is started first, and ended.
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock();
    let start = |_| {
        let lock = Arc::clone(&lock);
        std::thread::Builder::new().spawn(move || drop(lock.lock()))
    };
    let threads: Vec<_> = (0..workers + OTHER_THREADS).map(start).collect();
    drop(guard);
    for thread in threads {
        drop(thread?.join());
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}

/// Fails if the time of this machine is so late that times after it cannot be represented.
fn check_clock(now: Timestamp) -> Result<(), Failure> {
    match now > LATEST {
        true => Err(Failure::local(
            "the clock of this machine is set to the year 9999 or later: set it to the current time",
        )),
        false => Ok(()),
    }
}

fn interrupted(code: u8) -> Failure {
    Failure::local("interrupted; if a request was already sent, the vendor may execute it").with_code(code)
}

/// Writes a failure to standard error and returns its exit code.
fn report(failure: &Failure, format: Format, show_vendor_text: bool) -> ExitCode {
    match format {
        _ if failure.code == CLOSED_PIPE => {}
        Format::Json => output::say(&failure.json(show_vendor_text).to_string()),
        Format::Table => failure.lines(show_vendor_text).iter().for_each(|line| output::say(line)),
    }
    ExitCode::from(failure.code)
}

/// Runs the command. A signal drops it, and its exit code is returned as `Err`. If a request that changes something was sent,
/// its response is awaited for a short time first.
async fn run_until_stopped(arguments: Arguments) -> Result<Result<ExitCode, u8>, Failure> {
    signals::survive_file_limit();
    if arguments.show_vendor_text && !arguments.command.calls_a_vendor() {
        return Err(Failure::usage("--show-vendor-text is for commands that call a vendor"));
    }
    let format = arguments.output;
    let command = arguments.command.run(format);
    if let Command::Sandbox(_) | Command::Listen(_) | Command::Run(_) = &arguments.command {
        // They handle signals themselves: stopping them is a success.
        return command.await.map(Ok);
    }
    let signal = signals::listen_with_forced_end(CLEANUP_TIMEOUT, move |code| {
        report(&interrupted(code), format, false);
    })?;
    let mut command = pin!(command);
    let code = tokio::select! {
        biased;
        result = &mut command => return result.map(Ok),
        code = signal => code,
    };
    if !stopping::stop() {
        return Ok(Err(code));
    }
    tokio::select! {
        biased;
        result = &mut command => result.map(Ok).map_err(|failure| stopping::stopped(failure, code)),
        () = stopping::wait_for_silence() => Ok(Err(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_year_9999_is_an_error() {
        for (now, is_error) in [
            ("1969-12-31T00:00:00Z", false),
            ("2020-09-10T12:00:00Z", false),
            ("9998-12-31T23:59:59Z", false),
            ("9999-01-01T00:00:00Z", true),
        ] {
            assert_eq!(check_clock(now.parse().unwrap()).is_err(), is_error, "{now}");
        }
        let failure = check_clock(Timestamp::MAX).unwrap_err();
        assert!(failure.code == 1 && failure.sentence.contains("the clock of this machine"), "{}", failure.sentence);
    }
}
