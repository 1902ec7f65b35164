//! The collector: its parts, and how they are put together.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use identkit_core::{Capability, Clock, Error, Inbox, Kind, WebhookDelivery, async_trait};
use identkit_store::{DispatchIncident, Dispatcher, Finish, HeldClaim, Store};
use jiff::Timestamp;

use crate::fault;
use crate::hooks::{CaseHooks, NoHooks};
use crate::incident::Incident;
use crate::record::EvidenceWishes;
use crate::setup::{DeletePolicy, ProviderSetup, Timing};
use crate::sink::ArtifactSink;

/// Wait after a failure of the store.
const RETRY: Duration = Duration::from_secs(30);

/// Pause between two looks for a sweep that is due.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);

/// Runs the typical flow of all cases: opens them, awaits their ends, collects and verifies the evidence, and deletes the
/// data at the vendor.
///
/// Any number of processes can run a collector on the same store. Nothing about a case is in memory only.
pub struct Collector {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sink: Arc<dyn ArtifactSink>,
    pub(crate) providers: BTreeMap<String, ProviderSetup>,
    pub(crate) hooks: Arc<dyn CaseHooks>,
    pub(crate) wishes: EvidenceWishes,
    pub(crate) delete: DeletePolicy,
    pub(crate) timing: Timing,
    pub(crate) actor: String,
    pub(crate) lease: Duration,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) report: Arc<dyn Fn(Incident) + Send + Sync>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("providers", &self.providers)
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

/// Options of a [`Collector`].
#[must_use]
pub struct CollectorBuilder {
    store: Store,
    sink: Arc<dyn ArtifactSink>,
    clock: Arc<dyn Clock>,
    providers: Vec<ProviderSetup>,
    hooks: Arc<dyn CaseHooks>,
    wishes: EvidenceWishes,
    delete: DeletePolicy,
    timing: Timing,
    actor: String,
    lease: Duration,
    poll: Duration,
    concurrency: usize,
    report: Arc<dyn Fn(Incident) + Send + Sync>,
}

impl fmt::Debug for CollectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorBuilder").field("providers", &self.providers).finish_non_exhaustive()
    }
}

impl Collector {
    /// Returns the options of a collector.
    pub fn builder(store: Store, sink: Arc<dyn ArtifactSink>, clock: Arc<dyn Clock>) -> CollectorBuilder {
        CollectorBuilder {
            store,
            sink,
            clock,
            providers: Vec::new(),
            hooks: Arc::new(NoHooks),
            wishes: EvidenceWishes::default(),
            delete: DeletePolicy::After(Duration::ZERO),
            timing: Timing::default(),
            actor: "collector".to_owned(),
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            concurrency: 16,
            report: Arc::new(drop),
        }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The names of the providers.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// Works on all cases, and sweeps, until `stop` is ready, then completes the steps that are running. Call it once at a
    /// time. It spawns nothing: if it is dropped, the next worker continues after the lease.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        // The sweeps never end, so this ends with the stop.
        let stop = async {
            let _ = select(pin!(stop), pin!(self.sweep_forever())).await;
        };
        self.dispatcher.run(stop, |held| self.work(held)).await;
    }

    /// Looks for pending work now. Call it after this process has accepted or changed something through the store.
    pub fn wake(&self) {
        self.dispatcher.wake();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    pub(crate) fn provider(&self, name: &str) -> Result<&ProviderSetup, Error> {
        self.providers.get(name).ok_or_else(fault::no_provider)
    }

    /// What is done for a claimed case.
    async fn work(&self, held: HeldClaim) -> Finish {
        match self.advance(&held).await {
            Ok(finish) => finish,
            Err(error) => {
                (self.report)(Incident::Store { error });
                // A claim that was lost cannot be ended either. Otherwise the same step is done again.
                let wait = if held.is_lost() { Duration::ZERO } else { RETRY };
                Finish::Retry { due: self.now().checked_add(wait).unwrap_or(Timestamp::MAX) }
            }
        }
    }

    /// Sweeps forever.
    async fn sweep_forever(&self) {
        let mut has_policy = false;
        loop {
            if !has_policy {
                match self.apply_delete_policy().await {
                    Ok(()) => has_policy = true,
                    Err(error) => (self.report)(Incident::Store { error }),
                }
            }
            for name in self.providers.keys() {
                if let Err(error) = self.sweep_if_due(name).await {
                    (self.report)(Incident::Sweep { provider: name.clone(), error });
                }
            }
            drop(self.clock.sleep_until(self.clock.now().plus(SWEEP_PAUSE)).await);
        }
    }
}

impl CollectorBuilder {
    /// Adds a provider.
    pub fn provider(mut self, provider: ProviderSetup) -> Self {
        self.providers.push(provider);
        self
    }

    /// Sets who receives the notices of all cases.
    pub fn hooks(mut self, hooks: Arc<dyn CaseHooks>) -> Self {
        self.hooks = hooks;
        self
    }

    /// Sets the additional evidence of new cases.
    pub fn wishes(mut self, wishes: EvidenceWishes) -> Self {
        self.wishes = wishes;
        self
    }

    /// Sets when the data are deleted at the vendor. Default: at once when all evidence is saved and verified.
    pub fn delete(mut self, policy: DeletePolicy) -> Self {
        self.delete = policy;
        self
    }

    /// Sets the times.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Sets the name of the service in the deletion ledger. Use no person's name. Default: `collector`.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Sets the time after which the work of a process that has stopped is continued by another one. Each call for a case
    /// begins with a shorter timeout; a download can run longer. All collectors of a store must have the same. Default: 30
    /// seconds.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the longest time until work is found that is due, or that another process has made pending. Default: 1 second.
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Sets the number of cases at once. Default: 16.
    pub fn concurrency(mut self, cases: usize) -> Self {
        self.concurrency = cases;
        self
    }

    /// Sets the callback for incidents. It must not block.
    pub fn on_incident(mut self, report: impl Fn(Incident) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Creates the collector. It does nothing until [`Collector::run`] or [`Collector::open`].
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] without a provider, if two have the same name, or if one cannot judge how a case ended:
    /// all of its cases would stay open.
    pub fn build(self) -> Result<Collector, Error> {
        let invalid = |detail: String| Err(Error::new(Kind::InvalidInput, detail));
        let mut providers = BTreeMap::new();
        for setup in self.providers {
            let descriptor = setup.provider.descriptor();
            let name = descriptor.name;
            if !descriptor.can(Capability::Judge) {
                return invalid(format!(
                    "{name} cannot judge how a case ended: configure the vendor's statuses, e.g. the word for a positive end"
                ));
            }
            if setup.on_final.is_some() && !descriptor.can(Capability::Webhook) {
                return invalid(format!("{name} has no webhooks of single cases: configure its URL at the vendor"));
            }
            if providers.insert(name.to_owned(), setup).is_some() {
                return invalid(format!("{name} is configured twice"));
            }
        }
        if providers.is_empty() {
            return invalid("no provider is configured".to_owned());
        }
        let report = Arc::clone(&self.report);
        let dispatcher = Dispatcher::new(self.store.clone(), Arc::clone(&self.clock))
            .lease(self.lease)
            .poll(self.poll)
            .parallel(self.concurrency)
            // The work of other cases is left to processes that have their providers.
            .providers(providers.keys().cloned())
            .on_incident(move |incident| {
                report(match incident {
                    DispatchIncident::Lost { case } => Incident::Lost { case },
                    DispatchIncident::Store { error } => Incident::Store { error },
                    _ => return,
                });
            });
        Ok(Collector {
            store: self.store,
            clock: self.clock,
            sink: self.sink,
            providers,
            hooks: self.hooks,
            wishes: self.wishes,
            delete: self.delete,
            timing: self.timing,
            actor: self.actor,
            lease: self.lease,
            dispatcher,
            report: self.report,
        })
    }
}

/// As an inbox, a collector works on what it accepts at once; on what other processes accept, within a second.
#[async_trait]
impl Inbox for Collector {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.store.accept(&delivery).await?;
        self.wake();
        Ok(())
    }
}
