//! What the receiver counts, for Prometheus. Labels have no personal data and no token.

use std::fmt;

use http::StatusCode;
use identkit_collector::CaseState;
use identkit_webhook::HandledRequest;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the histogram, in seconds. The receiver answers within 4 seconds.
const SECONDS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0];

/// Labels of a counter. Provider and event are empty for requests without a valid token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    provider: String,
    event: String,
    status: u16,
}

/// Label of a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: String,
}

/// Label of what needs a person's attention.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlarmLabels {
    alarm: &'static str,
}

/// Label of an event that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

/// The metrics of one receiver.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    webhooks: Family<Labels, Counter>,
    acceptance: Histogram,
    changes: Family<StateLabels, Counter>,
    failures: Counter,
    alarms: Family<AlarmLabels, Counter>,
    unreadable: Family<TaskLabels, Counter>,
    key_file: Gauge,
}

impl Metrics {
    /// Creates metrics that are zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("identkit");
        let webhooks = Family::<Labels, Counter>::default();
        let acceptance = Histogram::new(SECONDS);
        let help = "Requests for webhooks by provider, event and status of the response";
        registry.register("webhooks", help, webhooks.clone());
        let help = "Seconds from the head of a webhook's request to the response that acknowledges it";
        registry.register("webhook_acceptance_seconds", help, acceptance.clone());
        Self {
            registry,
            webhooks,
            acceptance,
            changes: Family::default(),
            failures: Counter::default(),
            alarms: Family::default(),
            unreadable: Family::default(),
            key_file: Gauge::default(),
        }
    }

    /// Creates metrics that also count what happens to stored events.
    pub(crate) fn with_events() -> Self {
        let mut metrics = Self::new();
        metrics.register_unreadable();
        let help = "1 if the file with the key of the store exists, else 0";
        metrics.registry.register("key_file_present", help, metrics.key_file.clone());
        metrics
    }

    fn register_unreadable(&mut self) {
        let help = "Events of the store that could not be read, by the task that left them out";
        self.registry.register("unreadable_events", help, self.unreadable.clone());
    }

    /// Counts an event that a task cannot read.
    pub(crate) fn count_unreadable(&self, task: &'static str) {
        self.unreadable.get_or_create(&TaskLabels { task }).inc();
    }

    /// Sets whether the file with the key of the store exists.
    pub(crate) fn set_key_file(&self, exists: bool) {
        self.key_file.set(i64::from(exists));
    }

    /// Creates metrics that also count what happens to cases.
    pub(crate) fn with_cases() -> Self {
        let mut metrics = Self::new();
        let help = "Changes of the state of a case, by the new state";
        metrics.registry.register("case_changes", help, metrics.changes.clone());
        let help = "Steps of cases that failed and are repeated";
        metrics.registry.register("case_failures", help, metrics.failures.clone());
        let help = "What needs a person: stuck cases, retentions that end soon, and vendors that were not swept";
        metrics.registry.register("alarms", help, metrics.alarms.clone());
        metrics.register_unreadable();
        metrics
    }

    /// Counts a change of a case to a state.
    pub(crate) fn count_change(&self, to: CaseState) {
        self.changes.get_or_create(&StateLabels { state: to.as_str().to_owned() }).inc();
    }

    /// Counts a failure of a step.
    pub(crate) fn count_failure(&self) {
        self.failures.inc();
    }

    /// Counts what needs a person's attention.
    pub(crate) fn count_alarm(&self, alarm: &'static str) {
        self.alarms.get_or_create(&AlarmLabels { alarm }).inc();
    }

    /// Counts a request.
    pub(crate) fn count(&self, handled: HandledRequest<'_>) {
        let (provider, event) = handled.webhook.unwrap_or_default();
        let status = handled.status.as_u16();
        let labels = Labels { provider: provider.to_owned(), event: event.to_owned(), status };
        self.webhooks.get_or_create(&labels).inc();
        if handled.status == StatusCode::ACCEPTED {
            self.acceptance.observe(handled.duration.as_secs_f64());
        }
    }

    /// The metrics as OpenMetrics text.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
