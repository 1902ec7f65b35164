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
mod signed_form;
mod sink;
mod state;
mod stopping;
mod store;
mod stream_deadline;
mod streams;
mod tap;
mod text;
mod trace;
mod typed_id;
mod values;
mod verbose;
mod verdict;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Number of threads for blocking work that are started first and never end: for files, names of hosts and signals.
const BLOCKING_THREADS: usize = 4;

/// Time after which an idle thread would end: longer than the program runs.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How long the start of a thread is awaited before another attempt.
const START_INTERVAL: Duration = Duration::from_millis(50);

/// Maximum number of further attempts: other processes can take what the limit of the system allows.
const START_REPETITIONS: u32 = 20;

/// The end of the year 9998.
const LATEST: Timestamp = Timestamp::constant(253_370_764_799, 0);

fn main() -> ExitCode {
    let code = run();
    streams::finish();
    code
}

fn run() -> ExitCode {
    // A panic message can contain personal data: report only the location.
    std::panic::set_hook(Box::new(|info| {
        if STARTING.load(Ordering::SeqCst) {
            return;
        }
        let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        output::say(&format!("error: internal error{place}; please report this bug of identkit"));
    }));
    let arguments = Arguments::parse();
    if let Err(failure) = check_clock(SystemClock::new().wall()) {
        return report(&failure, arguments.output, false);
    }
    // Only servers have work for several threads. With one, tokio either starts or fails.
    let is_server = matches!(arguments.command, Command::Sandbox(_) | Command::Listen(_));
    let workers = if is_server { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    let runtime = match runtime(workers) {
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

/// Whether the runtime is being started, so that a panic is an error of the system.
static STARTING: AtomicBool = AtomicBool::new(false);

/// Starts the async runtime.
///
/// # Errors
/// If the system does not allow the threads that a command needs, e.g. because of `ulimit -u`.
fn runtime(workers: usize) -> std::io::Result<Runtime> {
    STARTING.store(true, Ordering::SeqCst);
    let runtime = start_runtime(workers);
    STARTING.store(false, Ordering::SeqCst);
    runtime
}

fn start_runtime(workers: usize) -> std::io::Result<Runtime> {
    let refused = || std::io::Error::from(std::io::ErrorKind::WouldBlock);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).thread_keep_alive(NEVER).enable_all();
    // tokio panics if it cannot start the first thread.
    let built = std::panic::catch_unwind(AssertUnwindSafe(|| builder.build()));
    let runtime = built.map_err(|_| refused())??;
    // Later, tokio could not start them, and would wait for the only ones that never become free: its workers.
    let (sender, mut started) = tokio::sync::mpsc::unbounded_channel();
    let clock = SystemClock::new();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let start = || {
        let (sender, released) = (sender.clone(), Arc::clone(&released));
        let work = move || {
            let _ = sender.send(());
            // Until all have started: otherwise one thread would do the work of several.
            let _ = released.lock().map(|released| released.recv());
        };
        let spawned = std::panic::catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(work))));
        spawned.err().map(|_| refused())
    };
    let (mut missing, mut repetitions) = (BLOCKING_THREADS, 0);
    let mut failure = (0..BLOCKING_THREADS).find_map(|_| start());
    while missing > 0 && failure.is_none() {
        let has_started = runtime.block_on(async {
            tokio::select! {
                biased;
                started = started.recv() => started.is_some(),
                _ = clock.sleep_until(clock.now().plus(START_INTERVAL)) => false,
            }
        });
        if has_started {
            missing -= 1;
            continue;
        }
        // tokio does not say whether it could start a thread. When another one has ended, it would have started.
        repetitions += 1;
        failure = match std::thread::Builder::new().spawn(|| ()).map(std::thread::JoinHandle::join) {
            Ok(_) if repetitions <= START_REPETITIONS => start(),
            Ok(_) => Some(refused()),
            Err(error) => Some(error),
        };
    }
    drop(release);
    match failure {
        None => Ok(runtime),
        Some(error) => {
            runtime.shutdown_background();
            Err(error)
        }
    }
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
    let message = match (stopping::may_have_changed(), stopping::refused()) {
        (true, _) => "interrupted; if a request was already sent, the vendor may execute it".to_owned(),
        (false, Some(status)) => {
            format!("interrupted; the vendor refused the request (HTTP {status}), and it was not sent again")
        }
        (false, None) => "interrupted; no request that changes something was sent".to_owned(),
    };
    Failure::local(message).with_code(code)
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
    let command = arguments.command.run(format, Arguments::definition);
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
    let awaits_response = stopping::stop();
    if !awaits_response && !stopping::is_protected() {
        return Ok(Err(code));
    }
    let wait = async {
        if awaits_response {
            stopping::wait_for_silence().await;
        }
        stopping::wait_for_protected().await;
    };
    tokio::select! {
        biased;
        result = &mut command => result.map(Ok).map_err(|failure| stopping::stopped(failure, code)),
        () = wait => Ok(Err(code)),
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
