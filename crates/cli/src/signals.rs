//! Signals that stop the program (Ctrl-C, SIGTERM, SIGHUP), and threads that must not delay its end.

use crate::exit::Failure;

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
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let mut hang_up = match is_hang_up_ignored() {
            true => None,
            false => Some(signal(SignalKind::hangup()).map_err(cannot)?),
        };
        Ok(async move {
            let hang_up = async {
                match &mut hang_up {
                    Some(hang_up) => drop(hang_up.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = hang_up => 129,
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
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

/// Whether the program was started with `nohup`: then it must not listen for SIGHUP. False on systems without `/proc`.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}

/// Runs blocking work on a new thread. The end of the program waits for the runtime's threads, but not for this one.
pub(crate) async fn run_on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let spawned = std::thread::Builder::new().spawn(move || {
        let _ = sender.send(work());
    });
    spawned.map_err(|error| Failure::local(format!("cannot start a thread: {}", error.kind())))?;
    receiver.await.map_err(|_| Failure::local("a thread ended without a result"))
}

/// Runs blocking work of the command's own thread on another one, until a signal arrives: a named pipe may never have a
/// writer. While this thread waits, the program does not see the signal in another way.
pub(crate) fn until_stopped<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    // Tests have no runtime.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    let (sender, receiver) = std::sync::mpsc::channel();
    let (signal, on_signal) = (listen()?, sender.clone());
    let listener = runtime.spawn(async move {
        let failure = Failure::unsent("interrupted").with_code(signal.await);
        let _ = on_signal.send(Err(failure));
    });
    let spawned = std::thread::Builder::new().spawn(move || {
        let _ = sender.send(work());
    });
    spawned.map_err(|error| Failure::local(format!("cannot start a thread: {}", error.kind())))?;
    let result = receiver.recv();
    listener.abort();
    result.unwrap_or_else(|_| Err(Failure::local("a thread ended without a result")))
}
