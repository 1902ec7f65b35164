//! The inbox of the receiver: the collector works on what it accepts at once.

use std::sync::Arc;

use identkit_collector::Collector;
use identkit_core::{Error, Inbox, WebhookDelivery, async_trait};

/// The inbox of a shared collector.
pub(super) struct CollectorInbox(pub(super) Arc<Collector>);

#[async_trait]
impl Inbox for CollectorInbox {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.0.accept(delivery).await
    }
}
