//! How a collector is set up: its providers with their webhooks, and its times.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Error, IdentityProvider, Secret};

use crate::fault;

/// Makes the URL of a webhook from a token, and from the vendor's id of the case if it is known.
type MakeUrl = Arc<dyn Fn(&Secret, Option<&Secret>) -> Result<Secret, Error> + Send + Sync>;

/// A webhook that the collector sets for each case.
#[derive(Clone)]
pub struct CaseWebhook {
    pub(crate) event: String,
    pub(crate) url: MakeUrl,
}

impl fmt::Debug for CaseWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaseWebhook").field("event", &self.event).finish_non_exhaustive()
    }
}

impl CaseWebhook {
    /// Creates a webhook. `event` is the vendor's name of the event, for which each token is valid. `url` makes the URL, or
    /// the vendor's template of it, from a token.
    pub fn new(
        event: impl Into<String>,
        url: impl Fn(&Secret) -> Result<Secret, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { event: event.into(), url: Arc::new(move |token, _| url(token)) }
    }

    /// Creates a webhook whose URL contains the vendor's id of the case, for a vendor that replaces no placeholders in it.
    /// `url` gets the token and the id.
    pub fn with_vendor_id(
        event: impl Into<String>,
        url: impl Fn(&Secret, &Secret) -> Result<Secret, Error> + Send + Sync + 'static,
    ) -> Self {
        let make: MakeUrl = Arc::new(move |token, id| url(token, id.ok_or_else(fault::no_vendor_id)?));
        Self { event: event.into(), url: make }
    }
}

/// A provider and the webhooks of its cases.
#[derive(Clone, Debug)]
pub struct ProviderSetup {
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) on_final: Option<CaseWebhook>,
    pub(crate) on_recording: Option<CaseWebhook>,
}

impl ProviderSetup {
    /// Sets up a provider without webhooks of its cases: their ends are found by reading.
    pub fn new(provider: Arc<dyn IdentityProvider>) -> Self {
        Self { provider, on_final: None, on_recording: None }
    }

    /// Sets the webhook that the vendor calls when a case has ended. The provider must have
    /// [`Capability::Webhook`](identkit_core::Capability::Webhook).
    #[must_use]
    pub fn on_final(mut self, webhook: CaseWebhook) -> Self {
        self.on_final = Some(webhook);
        self
    }

    /// Sets the webhook that the vendor calls when a recording can be read. Without it, recordings cannot be collected.
    #[must_use]
    pub fn on_recording(mut self, webhook: CaseWebhook) -> Self {
        self.on_recording = Some(webhook);
        self
    }
}

/// What happens to the data at the vendor when all evidence is saved.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// They are deleted this time after the collection.
    After(Duration),
    /// The vendor deletes them at the end of its retention.
    Never,
}

/// Times of a collector.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Timing {
    /// Time between two sweeps, and between two reads of the status of an open case whose vendor has no list of changes.
    /// Default: 6 hours.
    pub sweep: Duration,
    /// Time by which a sweep begins before the end of the last one. Default: 1 hour.
    pub overlap: Duration,
    /// Times after the request at which the collector searches for a case of unknown outcome.
    pub searches: Vec<Duration>,
    /// Time to wait for the announcement of a recording before it is requested again. Default: 24 hours.
    pub recording: Duration,
    /// Time within which a hook of [`CaseHooks`](crate::CaseHooks) must return. If it does not, its future is dropped, and the
    /// notice is given again later. Default: 30 seconds.
    pub hook: Duration,
    /// Time for which the store remembers a webhook of an order that no case has, e.g. because the order's own case is
    /// just being saved. Default: 15 minutes.
    pub unmatched_webhooks: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            sweep: minutes(6 * 60),
            overlap: minutes(60),
            // The vendor's list can be late. Three searches decide whether a person must look; the later ones are for a
            // list that was down.
            searches: [1, 5, 15, 60, 6 * 60, 24 * 60, 72 * 60].map(minutes).to_vec(),
            recording: minutes(24 * 60),
            hook: Duration::from_secs(30),
            unmatched_webhooks: minutes(15),
        }
    }
}
