//! A thread with a connection, and the jobs that wait for it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::rows::Fault;

/// Work with a connection. It returns what reports its result when the transaction has ended.
type Work = Box<dyn FnOnce(&Connection) -> Reply + Send>;
pub(super) type Reply = Box<dyn FnOnce(Result<(), Fault>)>;

/// A queued job.
pub(super) struct Job {
    work: Work,
    /// Whether it removes something that must not remain in the WAL.
    pub(super) erases: bool,
}

impl Job {
    pub(super) fn run(self, connection: &Connection) -> Reply {
        (self.work)(connection)
    }
}

/// The sending half of the queue. Dropping it ends the thread, and waits for it.
pub(super) struct Queue {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Queue {
    pub(super) fn start(
        length: usize,
        name: &str,
        run: impl FnOnce(Receiver<Job>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, received) = sync_channel(length);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(received))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a job on the thread. It is not canceled if the future is dropped.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        erases: bool,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = work(connection);
            Box::new(move |ended| {
                // The caller may have stopped waiting.
                let _ = sender.send(match (result, ended) {
                    (Err(Fault::RolledBack), Err(ended)) => Err(ended),
                    (result, ended) => result.and_then(|value| ended.map(|()| value)),
                });
            })
        });
        match self.jobs.as_ref().map(|jobs| jobs.try_send(Job { work, erases })) {
            Some(Ok(())) => receiver.await.unwrap_or(Err(Fault::Ended)),
            Some(Err(TrySendError::Full(_))) => Err(Fault::Full),
            _ => Err(Fault::Ended),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported to the callers.
            let _ = thread.join();
        }
    }
}
