//! The task that writes what assigns ids or names: one transaction for all operations that wait.

use deadpool_postgres::{Client, Object, Pool};
use futures_util::future::{join, join_all};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Row;

use super::accept::{Arrived, Arriving, accept, read_keys};
use super::rows::{CASE, Fault, Value, case, integer, link, micros, record_kind, values};
use super::statement::{INSERT_RECORD, borrowed, query};
use crate::engine::{Arrival, Change, Lease, RecordKind, RecordRow};
use crate::fault;

/// Maximum number of operations that one transaction commits.
const BATCH: usize = 256;

/// Begins a transaction, and serializes the writers of all processes until its end. The number is arbitrary.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(7310581147)";

/// An operation. It can run again after its transaction was rolled back.
enum Work {
    Statement(&'static str, Vec<Value>),
    Accept(Arriving),
    Save(Lease, Box<Change>),
}

/// Result of an operation.
enum Done {
    Rows(Vec<Row>),
    Arrived(Option<Arrival>),
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Done, Fault>>,
}

/// The sending half of the queue. Dropping it ends the task.
pub(super) struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub(super) fn start(pool: Pool, queue: usize) -> Self {
        let (jobs, received) = mpsc::channel(queue);
        tokio::spawn(write_all(pool, received));
        Self(jobs)
    }

    /// Runs a statement in a transaction that may contain other operations, and returns after its commit. It is not
    /// canceled if the future is dropped.
    pub(super) async fn write(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        match self.call(Work::Statement(sql, values)).await? {
            Done::Rows(rows) => Ok(rows),
            Done::Arrived(_) => Err(Fault::Damaged),
        }
    }

    /// Stores a delivery, like [`write`](Self::write).
    pub(super) async fn accept(&self, arriving: Arriving) -> Arrived {
        match self.call(Work::Accept(arriving)).await? {
            Done::Arrived(arrival) => Ok(arrival),
            Done::Rows(_) => Err(Fault::Damaged),
        }
    }

    pub(super) async fn save(&self, lease: Lease, change: Change) -> Result<(), Fault> {
        self.call(Work::Save(lease, Box::new(change))).await.map(drop)
    }

    async fn call(&self, work: Work) -> Result<Done, Fault> {
        let (reply, result) = oneshot::channel();
        match self.0.try_send(Job { work, reply }) {
            Ok(()) => result.await.unwrap_or(Err(Fault::Ended)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Fault::Full),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Fault::Ended),
        }
    }
}

async fn write_all(pool: Pool, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        // Deliveries first: one statement stores all of them. Nothing depends on the order of operations that wait together.
        batch.sort_by_key(|job: &Job| job.work.arriving().is_none());
        match transaction(&pool, &batch).await {
            // A value of one operation has rolled back all of them.
            Err(fault) if batch.len() > 1 && fault.concerns_one_operation() => {
                for job in batch.drain(..) {
                    let result = transaction(&pool, std::slice::from_ref(&job)).await;
                    answer(job, result.and_then(|mut results| results.pop().unwrap_or(Err(Fault::Ended))));
                }
            }
            Ok(results) => batch.drain(..).zip(results).for_each(|(job, result)| answer(job, result)),
            Err(fault) => batch.drain(..).for_each(|job| answer(job, Err(fault.clone()))),
        }
    }
}

fn answer(job: Job, result: Result<Done, Fault>) {
    // The caller may have stopped waiting.
    let _ = job.reply.send(result);
}

/// Returns the results of the operations after they are committed.
async fn transaction(pool: &Pool, jobs: &[Job]) -> Result<Vec<Result<Done, Fault>>, Fault> {
    let client = pool.get().await?;
    let run = run_all(&client, jobs).await;
    if run.is_err() && client.batch_execute("ROLLBACK").await.is_err() {
        // The connection is not used again.
        drop(Object::take(client));
    }
    run
}

async fn run_all(client: &Client, jobs: &[Job]) -> Result<Vec<Result<Done, Fault>>, Fault> {
    let (deliveries, others) = jobs.split_at(jobs.partition_point(|job| job.work.arriving().is_some()));
    let arriving: Vec<&Arriving> = deliveries.iter().filter_map(|job| job.work.arriving()).collect();
    // Sent together. If the transaction cannot begin or gets no lock, the second statement fails, too.
    let (begun, keys) = join(client.batch_execute(BEGIN), read_keys(client, &arriving)).await;
    begun?;
    let arrived = accept(client, &arriving, keys?).await?.into_iter();
    let mut results: Vec<_> = arrived.map(|arrived| arrived.map(Done::Arrived)).collect();
    // The statements of neighbors are sent together. A save has several statements, between which nothing may happen.
    for jobs in others.chunk_by(|one, next| one.work.joins(&next.work)) {
        for result in join_all(jobs.iter().map(|job| job.work.run(client))).await {
            match result {
                // It has written nothing, and the transaction continues.
                Err(Fault::Rejected(_)) | Ok(_) => results.push(result),
                Err(fault) => return Err(fault),
            }
        }
    }
    client.batch_execute("COMMIT").await.map_err(|error| Fault::Commit(error.into()))?;
    Ok(results)
}

impl Work {
    /// Whether both can be in one group.
    fn joins(&self, next: &Self) -> bool {
        matches!((self, next), (Self::Statement(..), Self::Statement(..)))
    }

    fn arriving(&self) -> Option<&Arriving> {
        match self {
            Self::Accept(arriving) => Some(arriving),
            Self::Statement(..) | Self::Save(..) => None,
        }
    }

    async fn run(&self, client: &Client) -> Result<Done, Fault> {
        match self {
            Self::Statement(sql, values) => query(client, sql, &borrowed(values)).await.map(Done::Rows),
            // They precede all others.
            Self::Accept(_) => Err(Fault::Damaged),
            Self::Save(lease, change) => save(client, *lease, change).await.map(|()| Done::Rows(Vec::new())),
        }
    }
}

async fn save(client: &Client, lease: Lease, change: &Change) -> Result<(), Fault> {
    let Change { version, status, state, vendor, entries, deletion, at } = change;
    let (id, vendor, at) = (integer(lease.case), vendor.map(link), micros(*at));
    let sql = format!("{CASE} WHERE id = $1 OR vendor = $2 FOR UPDATE");
    let locked = query(client, &sql, &[&id, &vendor]).await?;
    let mut cases = locked.iter().map(case).collect::<Result<Vec<_>, _>>()?;
    let present = cases.iter().position(|case| case.id == lease.case).map(|index| cases.swap_remove(index));
    match present.filter(|case| case.claimed && case.fence == lease.fence) {
        None => return Err(Fault::Rejected(fault::outdated)),
        Some(case) if case.version != *version => return Err(Fault::Rejected(fault::changed)),
        Some(_) => {}
    }
    // Another case that has the vendor's id.
    let mut due = None;
    if let Some(other) = cases.pop() {
        if other.version > 0 || other.purging {
            return Err(Fault::Rejected(fault::taken));
        }
        let sql =
            "UPDATE events SET case_id = $2, state = CASE WHEN state = 1 THEN 0 ELSE state END WHERE case_id = $1";
        query(client, sql, &[&integer(other.id), &id]).await?;
        query(client, "DELETE FROM cases WHERE id = $1", &[&integer(other.id)]).await?;
        due = (other.pending || other.claimed).then(|| micros(other.due));
    }
    let sql = concat!(
        "UPDATE cases SET status = $2, state = $3, version = version + 1, changed = greatest(changed, $4), \
         vendor = coalesce($5, vendor), ",
        open_unit!("$6"),
        " WHERE id = $1"
    );
    query(client, sql, &[&id, status, state, &at, &vendor, &due]).await?;
    if !entries.is_empty() {
        let sql = "INSERT INTO entries (case_id, at, body) \
            SELECT $1, $2, body FROM unnest($3::bytea[]) WITH ORDINALITY AS new (body, place) ORDER BY place";
        query(client, sql, &[&id, &at, entries]).await?;
    }
    if let Some(RecordRow { at, name, link: key, body, .. }) = deletion {
        let values = values![record_kind(RecordKind::Deletion), micros(*at), name.clone(), key.map(link), body.clone()];
        query(client, INSERT_RECORD, &borrowed(&values)).await?;
    }
    Ok(())
}
