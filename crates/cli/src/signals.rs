//! Being ended from outside, by Ctrl-C, by SIGTERM, or by the end of its terminal (SIGHUP).

use crate::exit::Failure;

/// Resolves when the program is ended from outside, with the exit code that shells give to it; listens from the moment
/// it is called. Needs a tokio runtime.
pub(crate) fn listen() -> Result<impl Future<Output = u8>, Failure> {
    let cannot = |error: std::io::Error| Failure::local(format!("signals cannot be heard: {error}"));
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
            let hung_up = async {
                match &mut hang_up {
                    Some(hang_up) => drop(hang_up.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = hung_up => 129,
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

/// Whether the program was begun by `nohup`, to outlive its terminal: to listen for the signal would end that. Where
/// there is no such file, it is not known.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}

/// Runs work that waits for a person or another program, beside everything else: a thread of the runtime would be
/// waited for when the program is ended, and this one is not.
pub(crate) async fn on_own_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (done, waiting) = tokio::sync::oneshot::channel();
    let begun = std::thread::Builder::new().spawn(move || {
        let _ = done.send(work());
    });
    begun.map_err(|error| Failure::local(format!("no thread could be started: {}", error.kind())))?;
    waiting.await.map_err(|_| Failure::local("what was to be read was given up"))
}
