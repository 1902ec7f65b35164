//! A thread with its connections, and the jobs that wait for it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::rows::Fault;

/// A thread, and the queue of its jobs. Dropping it ends the thread, and waits for it.
pub(super) struct Queue<J> {
    jobs: Option<SyncSender<J>>,
    thread: Option<JoinHandle<()>>,
}

impl<J: Send + 'static> Queue<J> {
    pub(super) fn start(
        length: usize,
        name: &str,
        run: impl FnOnce(Receiver<J>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, received) = sync_channel(length);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(received))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Passes a job to the thread. It is not canceled if the future is dropped.
    pub(super) async fn call<T>(&self, job: J, result: oneshot::Receiver<Result<T, Fault>>) -> Result<T, Fault> {
        match self.jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => result.await.unwrap_or(Err(Fault::Ended)),
            Some(Err(TrySendError::Full(_))) => Err(Fault::Full),
            _ => Err(Fault::Ended),
        }
    }

    /// Passes a job to the thread unless the queue is full.
    pub(super) fn try_send(&self, job: J) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.try_send(job);
        }
    }
}

impl<J> Drop for Queue<J> {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported to the callers.
            let _ = thread.join();
        }
    }
}
