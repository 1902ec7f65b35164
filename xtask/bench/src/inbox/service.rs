//! The receiver in a process of its own, in front of one of the inboxes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use identkit_bench::measure::again;
use identkit_core::{Inbox, Secret};
use identkit_identify24::IdentStatusCallback;
use identkit_store::{Engine, KeyEncryptionKey, Postgres, Sqlite, Store};
use identkit_transport::SystemClock;
use identkit_webhook::{ListenOptions, Receiver, ReceiverService, listen};
use tokio::net::TcpListener;

use crate::load::TOKEN;
use crate::plain::{Inserts, Written};

/// Opens the store of an engine with the benchmark's key.
pub async fn store(engine: impl Engine + 'static) -> Store {
    Store::open(Arc::new(engine), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap()
}

/// The store on SQLite in a folder.
pub async fn sqlite(folder: &str) -> Store {
    store(Sqlite::builder(Path::new(folder).join("state.db")).open().unwrap()).await
}

/// The receiver in front of an inbox. `place` is a folder, or the URL of a database.
async fn receiver(way: &str, place: &str) -> Arc<Receiver> {
    let folder = Path::new(place);
    let plain: Arc<dyn Inbox> = match way {
        "log" => Arc::new(Written::log(folder)),
        "each" => Arc::new(Written::sqlite(folder)),
        "inserts" => Arc::new(Inserts::connect(place).await),
        "sqlite" => return with_tokens(sqlite(place).await).await,
        "postgres" => return with_tokens(store(Postgres::builder(place).open().await.unwrap()).await).await,
        _ => panic!("unknown way: {way}"),
    };
    let receiver = new(plain);
    receiver.accept_token("identify24", Secret::new(TOKEN));
    Arc::new(receiver)
}

async fn with_tokens(store: Store) -> Arc<Receiver> {
    store.add_token("identify24", "status", &Secret::new(TOKEN)).await.unwrap();
    let store = Arc::new(store);
    Arc::new(new(Arc::clone(&store) as Arc<dyn Inbox>).tokens(store))
}

/// A receiver of identify24's webhooks.
pub fn new(inbox: Arc<dyn Inbox>) -> Receiver {
    Receiver::new(vec![Arc::new(IdentStatusCallback)], inbox, Arc::new(SystemClock::new()))
}

/// Prints the port, and serves until the process is killed: connections with many requests, or identkit's own listener with
/// one request for each.
pub async fn serve(way: &str, place: &str, own_listener: bool) {
    let receiver = receiver(way, place).await;
    if own_listener {
        let listener =
            listen(Arc::clone(&receiver), ([127, 0, 0, 1], 0).into(), ListenOptions::default()).await.unwrap();
        println!("{}", listener.address().port());
        std::future::pending::<()>().await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = ReceiverService::new(Arc::clone(&receiver));
        // Clients may disconnect at any time.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The process of [`serve`], killed on drop.
pub struct Service {
    process: Child,
    pub port: u16,
}

impl Service {
    pub fn start(way: &str, place: &str, own_listener: bool) -> Self {
        let listener = if own_listener { "listen" } else { "hyper" };
        let mut process = again(&["serve", way, place, listener]).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, port: port.trim().parse().unwrap() }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// CPU seconds of a process, of its children that have ended, and with `children` of those that run.
pub fn cpu(id: u32, children: bool) -> f64 {
    let ticks = |id: u32| -> Option<(u32, f64)> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The list begins with field 3. Field 4 is the parent, and fields 14 to 17 are hundredths of a second.
        let fields: Vec<f64> =
            stat.rsplit(')').next()?.split_whitespace().skip(1).map_while(|f| f.parse().ok()).collect();
        Some((*fields.first()? as u32, fields.get(10..14)?.iter().sum::<f64>() / 100.0))
    };
    let own = ticks(id).map_or(0.0, |(_, seconds)| seconds);
    if !children {
        return own;
    }
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    own + processes.filter_map(ticks).filter(|(parent, _)| *parent == id).map(|(_, seconds)| seconds).sum::<f64>()
}
