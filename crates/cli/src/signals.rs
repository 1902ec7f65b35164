//! Signals that stop the program (Ctrl-C, SIGTERM, SIGHUP), and threads that must not delay its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::SystemClock;

use crate::exit::Failure;
use crate::stopping::{is_protected, is_stopped, wait_for_protected};
use crate::streams;
use identkit_files::cause;

/// How long a command may take to end after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// How long the report of a forced end may take: standard error may be blocked too.
const REPORT_TIMEOUT: Duration = Duration::from_millis(500);

/// Whether the command has ended because of a signal, and only its files are still being removed.
static DROPPED: AtomicBool = AtomicBool::new(false);

/// What a forced end reports first.
static LAST_REPORT: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Sets what is reported if the process ends although the command is blocked.
pub(crate) fn before_forced_end(report: impl FnOnce() + Send + 'static) {
    *LAST_REPORT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(report));
}

/// Notes that the command has ended because of a signal.
pub(crate) fn set_dropped() {
    DROPPED.store(true, Ordering::SeqCst);
}

/// Ends the process if it does not end itself, e.g. because no program reads the pipe of its standard output. A command
/// that is blocked does not see a signal.
async fn force_end(code: u8, cleanup: Duration, report: impl FnOnce() + Send + 'static) {
    let clock = SystemClock::new();
    let wait = |time| clock.sleep_until(clock.now().plus(time));
    drop(wait(GRACE).await);
    if DROPPED.load(Ordering::SeqCst) {
        drop(wait(cleanup).await);
    } else if is_protected() {
        tokio::select! {
            () = wait_for_protected() => {}
            _ = wait(cleanup) => {}
        }
        // The command shows what it has done.
        drop(wait(REPORT_TIMEOUT).await);
    }
    let reported = run_on_thread(move || {
        let last = LAST_REPORT.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.into_iter().for_each(|report| report());
        report();
        streams::finish();
    });
    tokio::select! {
        _ = reported => {}
        _ = wait(REPORT_TIMEOUT) => {}
    }
    std::process::exit(code.into())
}

/// Listens for signals from now on, like [`listen`], in a task: the command's thread may be blocked when one arrives. If
/// the process does not end itself, it is ended after `report`: [`GRACE`] after the signal, or later if only its files
/// are being removed or named, for which it has the time `cleanup`.
///
/// # Errors
/// If the program cannot listen for a signal.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn listen_with_forced_end(
    cleanup: Duration,
    report: impl FnOnce(u8) + Send + 'static,
) -> Result<impl Future<Output = u8>, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let signal = listen()?;
    tokio::spawn(async move {
        let code = signal.await;
        let _ = sender.send(code);
        // The runtime of the command may shut down before the process ends. Without a thread, the command must end itself.
        let _ = std::thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.map(|runtime| runtime.block_on(force_end(code, cleanup, move || report(code))))
        });
    });
    Ok(async {
        match receiver.await {
            Ok(code) => code,
            // The runtime shuts down.
            Err(_) => std::future::pending().await,
        }
    })
}

/// Makes a write above the limit on the size of files (`ulimit -f`) an error, as on a full disk. By default the signal of
/// the limit ends the program, so that a response that was received is lost.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn survive_file_limit() {
    // SIGXFSZ on Linux and macOS. If the program cannot listen for it, it works as before.
    #[cfg(unix)]
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(25)));
}

/// Listens for signals from now on. The future resolves at the first one, with the exit code that shells use for it.
///
/// # Errors
/// If the program cannot listen for a signal.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn listen() -> Result<impl Future<Output = u8>, Failure> {
    let cannot = |error: std::io::Error| Failure::local(format!("cannot listen for signals: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{Signal, SignalKind, signal};
        let ignored = ignored();
        let stream = |kind: SignalKind| match ignored >> (kind.as_raw_value() - 1) & 1 {
            1 => Ok(None),
            _ => signal(kind).map(Some).map_err(cannot),
        };
        let mut terminate = stream(SignalKind::terminate())?;
        let mut interrupt = stream(SignalKind::interrupt())?;
        let mut hang_up = stream(SignalKind::hangup())?;
        async fn arrival(signal: &mut Option<Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        Ok(async move {
            tokio::select! {
                () = arrival(&mut hang_up) => 129,
                () = arrival(&mut terminate) => 143,
                () = arrival(&mut interrupt) => 130,
            }
        })
    }
    #[cfg(not(unix))]
    {
        let _ = cannot;
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
            130
        })
    }
}

/// The signals that were ignored when the program started, e.g. SIGHUP by `nohup`, or SIGINT by a script that runs it with
/// `&`: it must not listen for them. A bit for each signal; none on systems without `/proc`.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.unwrap_or_default()
}

/// Runs blocking work on a new thread. The end of the program waits for the runtime's threads, but not for this one.
pub(crate) async fn run_on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let spawned = std::thread::Builder::new().spawn(move || {
        let _ = sender.send(work());
    });
    spawned.map_err(|error| Failure::local(format!("cannot start a thread: {}", cause(&error))))?;
    receiver.await.map_err(|_| Failure::local("a thread ended without a result"))
}

/// Runs blocking work of the command's own thread on another one, until a signal arrives: a named pipe may never have a
/// writer. While this thread waits, the program does not see the signal in another way.
pub(crate) fn until_stopped<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    // Tests have no runtime.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    if is_stopped() {
        return Err(Failure::local("interrupted"));
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let (signal, on_signal) = (listen()?, sender.clone());
    let listener = runtime.spawn(async move {
        let failure = Failure::unsent("interrupted").with_code(signal.await);
        let _ = on_signal.send(Err(failure));
    });
    let spawned = std::thread::Builder::new().spawn(move || {
        let _ = sender.send(work());
    });
    spawned.map_err(|error| Failure::local(format!("cannot start a thread: {}", cause(&error))))?;
    let result = receiver.recv();
    listener.abort();
    result.unwrap_or_else(|_| Err(Failure::local("a thread ended without a result")))
}
