//! A forwarder as a process, with a scripted sink and a clock that tests advance.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identkit_core::{Error, Kind, async_trait};
use identkit_store::{EventSink, EventState, Forwarder, Incident, Store, StoredEvent};
use identkit_testkit::pause;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use crate::support::{Skewed, at, states};

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Whether the attempt with this number is rejected.
type Rejects = Box<dyn Fn(usize, &StoredEvent) -> bool + Send + Sync>;

/// A sink that accepts what its rule accepts, and records every attempt: case, name and key.
pub(crate) struct Sink {
    pub(crate) attempts: Mutex<Vec<(u64, String, String)>>,
    rejects: Rejects,
    /// A delivery waits for a permit before it ends.
    pub(crate) permits: Semaphore,
    pub(crate) running: AtomicUsize,
    pub(crate) most_running: AtomicUsize,
}

impl Sink {
    pub(crate) fn new(rejects: impl Fn(usize, &StoredEvent) -> bool + Send + Sync + 'static) -> Arc<Self> {
        let sink = Self::blocked(rejects);
        sink.permits.add_permits(10_000);
        sink
    }

    pub(crate) fn blocked(rejects: impl Fn(usize, &StoredEvent) -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            attempts: Mutex::default(),
            rejects: Box::new(rejects),
            permits: Semaphore::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.attempts.lock().unwrap().len()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.attempts.lock().unwrap().iter().map(|(_, name, _)| name.clone()).collect()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.attempts.lock().unwrap().iter().map(|(_, _, key)| key.clone()).collect()
    }
}

/// Counts a delivery until it ends or is dropped.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl EventSink for Sink {
    async fn deliver(&self, event: &StoredEvent) -> Result<(), Error> {
        let number = {
            let mut attempts = self.attempts.lock().unwrap();
            attempts.push((event.case.0, event.delivery.event.name.clone(), event.idempotency_key.clone()));
            attempts.len()
        };
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        let _running = Running(&self.running);
        self.most_running.fetch_max(running, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        match (self.rejects)(number, event) {
            true => Err(Error::new(Kind::Unavailable, "the service responded with status 503")),
            false => Ok(()),
        }
    }
}

/// A running forwarder, which ends when it is dropped.
pub(crate) struct Process {
    pub(crate) clock: Skewed,
    pub(crate) forwarder: Arc<Forwarder>,
    incidents: Arc<Mutex<Vec<Incident>>>,
    pub(crate) stop: Arc<Notify>,
    pub(crate) task: JoinHandle<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Process {
    pub(crate) fn start(store: &Store, sink: &Arc<Sink>, set: impl FnOnce(Forwarder) -> Forwarder) -> Self {
        let clock = Skewed::new(at(10));
        let incidents = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&incidents);
        let forwarder = Forwarder::new(store.clone(), Arc::new(clock.clone()), sink.clone()).lease(LEASE);
        let report = move |incident| reported.lock().unwrap().push(incident);
        let forwarder = Arc::new(set(forwarder).on_incident(report));
        let stop = Arc::new(Notify::new());
        let (runs, stopped) = (Arc::clone(&forwarder), Arc::clone(&stop));
        let task = tokio::spawn(async move { runs.run(stopped.notified()).await });
        Self { clock, forwarder, incidents, stop, task }
    }

    /// Advances the clock second by second until the condition holds, and returns the number of seconds.
    pub(crate) async fn advance_until(&self, what: &str, holds: impl Fn() -> bool) -> u64 {
        for second in 0..20_000 {
            // The forwarder gets time to work in each second.
            for _ in 0..50 {
                if holds() {
                    return second;
                }
                tokio::task::yield_now().await;
            }
            self.clock.advance(1);
        }
        panic!("timed out waiting until {what}");
    }

    pub(crate) fn incidents(&self, is: impl Fn(&Incident) -> bool) -> usize {
        self.incidents.lock().unwrap().iter().filter(|incident| is(incident)).count()
    }
}

pub(crate) async fn all_are(store: &Store, state: EventState) {
    for _ in 0..2_000 {
        if states(store).await.iter().all(|is| *is == state) {
            return;
        }
        pause(Duration::from_millis(1)).await;
    }
    panic!("not all are {state:?}: {:?}", states(store).await);
}
