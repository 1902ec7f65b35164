//! The jobs of the threads. A job returns what reports its result when the transaction has ended.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::rows::Fault;

/// Reports the result of a job to its caller, with the end of the transaction.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Fault>)>;

type Work = Box<dyn FnOnce(&Connection) -> Reply + Send>;

/// Work with a connection.
pub(super) struct Statements {
    work: Work,
    /// Whether it removes something that must not remain in the WAL.
    pub(super) erases: bool,
}

impl Statements {
    /// Returns the job, and what receives its result.
    pub(super) fn new<T: Send + 'static>(
        erases: bool,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, Fault>>) {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = work(connection);
            Box::new(move |ended| send(sender, result, ended))
        });
        (Self { work, erases }, receiver)
    }

    pub(super) fn run(self, connection: &Connection) -> Reply {
        (self.work)(connection)
    }
}

/// Sends a result of a transaction that has ended.
pub(super) fn send<T>(sender: oneshot::Sender<Result<T, Fault>>, result: Result<T, Fault>, ended: Result<(), Fault>) {
    // The caller may have stopped waiting.
    let _ = sender.send(match (result, ended) {
        (Err(Fault::RolledBack), Err(ended)) => Err(ended),
        (result, ended) => result.and_then(|value| ended.map(|()| value)),
    });
}
