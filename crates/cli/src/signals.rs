//! Being ended from outside, by Ctrl-C or by SIGTERM.

use crate::exit::Failure;

/// Who ended the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// SIGINT, which Ctrl-C sends.
    Interrupted,
    /// SIGTERM.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only Unix tells the two apart"))]
    Terminated,
}

impl Ended {
    /// The exit code that shells give to a program that the signal ended.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// Resolves when somebody ends the program; listens from the moment it is called. Needs a tokio runtime.
pub(crate) fn ended() -> Result<impl Future<Output = Ended>, Failure> {
    let cannot = |error: std::io::Error| Failure::local(format!("signals cannot be heard: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => Ended::Terminated,
                _ = interrupt.recv() => Ended::Interrupted,
            }
        })
    }
    #[cfg(not(unix))]
    {
        let _ = cannot;
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
            Ended::Interrupted
        })
    }
}

/// Runs work that waits for a person or another program, beside everything else: a thread of the runtime would be
/// waited for when the program is ended, and this one is not.
pub(crate) async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (done, waiting) = tokio::sync::oneshot::channel();
    let begun = std::thread::Builder::new().spawn(move || {
        let _ = done.send(work());
    });
    begun.map_err(|error| Failure::local(format!("no thread could be started: {}", error.kind())))?;
    waiting.await.map_err(|_| Failure::local("what was to be read was given up"))
}
