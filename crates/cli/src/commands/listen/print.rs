//! Prints the events of the store in the order of acceptance.
//!
//! Standard output may be slow, blocked or closed. A thread writes to it, so the receiver never waits for it, and events that
//! are not printed yet are in the store and not in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use identkit_core::{Clock as _, Error, Inbox, WebhookDelivery, async_trait};
use identkit_store::{EventId, EventPage, Store, StoredEvent};
use identkit_transport::SystemClock;
use serde_json::{Map, Value};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::exit::Failure;
use crate::output::{say, write};
use crate::providers::WEBHOOKS;
use crate::reception::Metrics;
use identkit_files::cause;

/// Number of events that are read and written at once.
const PAGE: usize = 100;
/// Number of events that are read to find the last one.
const PROBE: usize = 16;
/// How often the store is searched for events of other processes.
const INTERVAL: Duration = Duration::from_millis(500);
/// Time after which a write counts as blocked.
const BLOCKED: Duration = Duration::from_secs(5);
/// Number of events after which no more are counted.
const MAX_COUNT: usize = 10_000;
/// Time at the end in which the last events can be printed.
const LAST: Duration = Duration::from_secs(2);

/// An inbox that wakes the printer.
pub(super) struct WakingInbox {
    inner: Arc<dyn Inbox>,
    accepted: Arc<Notify>,
}

impl WakingInbox {
    pub(super) fn new(inner: Arc<dyn Inbox>, accepted: Arc<Notify>) -> Self {
        Self { inner, accepted }
    }
}

#[async_trait]
impl Inbox for WakingInbox {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.inner.accept(delivery).await?;
        self.accepted.notify_one();
        Ok(())
    }
}

/// Prints events. It does nothing until [`start`](Self::start).
#[derive(Debug)]
pub(super) struct Printer {
    store: Store,
    accepted: Arc<Notify>,
    metrics: Arc<Metrics>,
    output: Output,
    /// The last event that is printed, or that is not to be printed.
    last: Arc<AtomicU64>,
}

impl Printer {
    /// Creates a printer of the events that are stored from now on.
    pub(super) async fn new(store: Store, accepted: Arc<Notify>, metrics: Arc<Metrics>) -> Result<Self, Failure> {
        let last = Arc::new(AtomicU64::new(last_event(&store).await?.0));
        Ok(Self { store, accepted, metrics, output: Output::start()?, last })
    }

    /// Starts to print.
    pub(super) fn start(self) -> Printing {
        let (stop, stopped) = oneshot::channel();
        let (store, last) = (self.store.clone(), Arc::clone(&self.last));
        Printing { store, last, stop, task: tokio::spawn(self.print_all(stopped)) }
    }
}

/// A task that prints events. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Printing {
    store: Store,
    last: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    /// Returns whether events may be left, unless it has reported why it ended.
    task: JoinHandle<bool>,
}

impl Printing {
    /// Prints the events that are stored, as far as standard output accepts them soon. Says how many it did not accept.
    pub(super) async fn finish(self) {
        let _ = self.stop.send(());
        let clock = SystemClock::new();
        let mut task = self.task;
        let may_be_left = tokio::select! {
            may_be_left = &mut task => may_be_left.unwrap_or(true),
            _ = clock.sleep_until(clock.now().plus(LAST)) => {
                task.abort();
                true
            }
        };
        if !may_be_left {
            return;
        }
        if let Some(count) = count_after(&self.store, EventId(self.last.load(Ordering::SeqCst))).await {
            let remedy = "identkit inbox list shows them";
            say(&format!("warning: up to {count} stored events were not printed to standard output: {remedy}"));
        }
    }
}

/// The number of events after this one, as text; `None` if there are none.
async fn count_after(store: &Store, mut last: EventId) -> Option<String> {
    let mut count = 0;
    while let Ok(page) = store.event_page(last, PAGE).await {
        count += page.events.len();
        last = match page.last {
            Some(last) if count < MAX_COUNT => last,
            Some(_) => return Some(format!("{count} or more")),
            None => break,
        };
    }
    (count > 0).then(|| count.to_string())
}

/// The last event of the store, found with few reads.
async fn last_event(store: &Store) -> Result<EventId, Error> {
    let (mut last, mut step, mut grows) = (EventId::default(), 1_u64, true);
    loop {
        let page = store.event_page(EventId(last.0.saturating_add(step - 1)), PROBE).await?;
        match page.last {
            Some(id) => last = id,
            None if step == 1 => return Ok(last),
            None => grows = false,
        }
        step = if grows { step.saturating_mul(2) } else { (step / 2).max(1) };
    }
}

impl Printer {
    /// Prints until it is stopped, or until standard output fails, which it reports. Returns whether events may be left.
    async fn print_all(mut self, mut stopped: oneshot::Receiver<()>) -> bool {
        let clock = SystemClock::new();
        let (mut is_last_turn, mut warned) = (false, false);
        loop {
            let page = self.store.event_page(EventId(self.last.load(Ordering::SeqCst)), PAGE).await;
            let is_unknown = page.is_err();
            match page {
                Ok(page) => {
                    warned = false;
                    if let Some(last) = page.last {
                        if let Err(error) = self.print_page(page).await {
                            let kept = "events are still received and stored";
                            say(&format!("warning: events cannot be printed to standard output ({error}): {kept}"));
                            return false;
                        }
                        self.last.store(last.0, Ordering::SeqCst);
                        continue;
                    }
                }
                Err(error) if !std::mem::replace(&mut warned, true) => {
                    say(&format!("warning: events cannot be read, so they are printed later: {}", error.detail()));
                }
                Err(_) => {}
            }
            if is_last_turn {
                return is_unknown;
            }
            tokio::select! {
                () = self.accepted.notified() => {}
                _ = clock.sleep_until(clock.now().plus(INTERVAL)) => {}
                _ = &mut stopped => is_last_turn = true,
            }
        }
    }

    async fn print_page(&mut self, page: EventPage) -> std::io::Result<()> {
        for unreadable in &page.unreadable {
            self.metrics.count_unreadable("print");
            let (id, why) = (unreadable.id.0, unreadable.error.detail());
            say(&format!("warning: event {id} of the store cannot be read, so it is not printed: {why}"));
        }
        match page.events.is_empty() {
            true => Ok(()),
            false => self.output.write(page.events.iter().map(line).collect()).await,
        }
    }
}

/// An event as a line of JSON.
fn line(event: &StoredEvent) -> String {
    let (received, event) = (event.delivery.received, &event.delivery.event);
    let is_provider = |webhooks: &&super::Webhooks| {
        (webhooks.callbacks)().iter().any(|callback| callback.provider() == event.provider)
    };
    let id = WEBHOOKS.iter().find(is_provider).map_or("case_id", |webhooks| webhooks.id);
    let mut members = Map::new();
    members.insert("received_at".to_owned(), received.to_string().into());
    members.insert("provider".to_owned(), event.provider.clone().into());
    members.insert("event".to_owned(), event.name.clone().into());
    members.insert(id.to_owned(), event.case_id.as_ref().map(|id| id.expose()).into());
    let optional = [("reference", &event.reference), ("payload", &event.payload)];
    for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        members.insert(name.to_owned(), value.expose().clone().into());
    }
    format!("{}\n", Value::from(members))
}

/// Standard output, written by a thread of its own: the end of the program does not wait for it.
#[derive(Debug)]
struct Output {
    texts: mpsc::Sender<(String, oneshot::Sender<std::io::Result<()>>)>,
    warned: bool,
}

impl Output {
    fn start() -> Result<Self, Failure> {
        let (texts, mut received) = mpsc::channel::<(String, oneshot::Sender<_>)>(1);
        let spawned = std::thread::Builder::new().name("identkit-print".to_owned()).spawn(move || {
            while let Some((text, reply)) = received.blocking_recv() {
                let _ = reply.send(write(text.as_bytes()));
            }
        });
        spawned.map_err(|error| Failure::local(format!("cannot start a thread: {}", cause(&error))))?;
        Ok(Self { texts, warned: false })
    }

    /// Writes a text. If standard output is blocked, says so once and waits.
    async fn write(&mut self, text: String) -> std::io::Result<()> {
        let ended = || std::io::Error::other("the thread that prints has ended");
        let (reply, written) = oneshot::channel();
        self.texts.send((text, reply)).await.map_err(|_| ended())?;
        let clock = SystemClock::new();
        let mut written = std::pin::pin!(written);
        tokio::select! {
            result = &mut written => return result.unwrap_or_else(|_| Err(ended())),
            _ = clock.sleep_until(clock.now().plus(BLOCKED)) => {}
        }
        if !std::mem::replace(&mut self.warned, true) {
            let kept = "events are still received and stored, and printed later";
            say(&format!("warning: the reader of standard output is too slow: {kept}"));
        }
        written.await.unwrap_or_else(|_| Err(ended()))
    }
}
