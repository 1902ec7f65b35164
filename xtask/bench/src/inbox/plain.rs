//! Inboxes that the store is compared with. None of them encrypts, reads, or knows cases.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use identkit_core::{Error, Inbox, WebhookDelivery, async_trait};
use rusqlite::Connection;
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio_postgres::{Client, NoTls, Statement};

type Job = (Vec<u8>, oneshot::Sender<()>);

/// A thread that makes requests durable.
pub struct Written(SyncSender<Job>);

impl Written {
    /// An append-only file. All requests that wait are synced together.
    pub fn log(folder: &Path) -> Self {
        let mut file = File::create_new(folder.join("log")).unwrap();
        Self::start(move |jobs| {
            let mut bytes = Vec::new();
            while let Ok(first) = jobs.recv() {
                let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter()).collect();
                bytes.clear();
                for (request, _) in &batch {
                    bytes.extend((request.len() as u64).to_le_bytes());
                    bytes.extend(request);
                }
                file.write_all(&bytes).unwrap();
                file.sync_data().unwrap();
                batch.into_iter().for_each(|(_, reply)| reply.send(()).unwrap_or_default());
            }
        })
    }

    /// A table of SQLite. Each request is a transaction.
    pub fn sqlite(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("plain.db")).unwrap();
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
            CREATE TABLE events (id INTEGER PRIMARY KEY, request BLOB NOT NULL) STRICT";
        connection.execute_batch(settings).unwrap();
        Self::start(move |jobs| {
            let mut insert = connection.prepare("INSERT INTO events (request) VALUES (?1)").unwrap();
            while let Ok((request, reply)) = jobs.recv() {
                insert.execute([request]).unwrap();
                reply.send(()).unwrap_or_default();
            }
        })
    }

    fn start(run: impl FnOnce(Receiver<Job>) + Send + 'static) -> Self {
        let (jobs, received) = sync_channel(1024);
        std::thread::spawn(move || run(received));
        Self(jobs)
    }
}

#[async_trait]
impl Inbox for Written {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        let (reply, written) = oneshot::channel();
        self.0.try_send((delivery.request.expose().clone(), reply)).unwrap();
        written.await.unwrap();
        Ok(())
    }
}

/// A table of PostgreSQL. Each request is a transaction, on one of 32 connections.
pub struct Inserts {
    free: Semaphore,
    connections: Mutex<Vec<(Client, Statement)>>,
}

impl Inserts {
    pub async fn connect(url: &str) -> Self {
        let mut connections = Vec::new();
        for _ in 0..32 {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let table = "CREATE TABLE IF NOT EXISTS plain \
                (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request bytea NOT NULL)";
            client.batch_execute(table).await.unwrap();
            let insert = client.prepare("INSERT INTO plain (request) VALUES ($1)").await.unwrap();
            connections.push((client, insert));
        }
        Self { free: Semaphore::new(connections.len()), connections: Mutex::new(connections) }
    }
}

#[async_trait]
impl Inbox for Inserts {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        let _permit = self.free.acquire().await.unwrap();
        let (client, insert) = self.connections.lock().await.pop().unwrap();
        client.execute(&insert, &[delivery.request.expose()]).await.unwrap();
        self.connections.lock().await.push((client, insert));
        Ok(())
    }
}
