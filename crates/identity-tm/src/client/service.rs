//! Cancelling, and whether the service is up.

use async_trait::async_trait;
use identkit_core::{CallOptions, Delivery, Error, Kind};

use super::IdentityTm;
use crate::OrderId;
use crate::operations::CancelOrder;
use crate::status::StatusKind;

/// What `serverStatus` says ([T 7.1]; AT-80).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// 200.
    Up,
    /// 500.
    Down,
    /// No answer.
    Unreachable,
    /// Another status, which the document does not name.
    Unclear(u16),
}

/// Whether the vendor's video agents are free: a separate endpoint on request ([T 8.2]), which every account has under
/// another URL and contract. Whoever has one implements this; a router can then choose between providers.
#[async_trait]
pub trait AgentAvailability: Send + Sync {
    /// Whether a video identification could begin soon.
    async fn available(&self) -> Result<bool, Error>;
}

impl IdentityTm {
    /// Cancels an open order, [T 4.3]. When no complete answer came the status is read: an order that shows a
    /// cancellation (63) or a termination (22) was cancelled. One deadline is over both; a quarter of the time is kept
    /// for the status.
    ///
    /// # Errors
    /// [`Kind::InvalidState`] when the order has ended (406); [`Kind::OutcomeUnknown`] when the status does not tell
    /// either; else as any call.
    pub async fn cancel_order(&self, order: &OrderId, options: &CallOptions) -> Result<(), Error> {
        let deadline = self.deadline(options);
        let whole = options.timeout.unwrap_or(self.timeout);
        let first = options.clone().timeout(whole.saturating_sub(whole / 4));
        let error = match self.call(&CancelOrder::new(order.clone()), &first).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if error.kind() != Kind::OutcomeUnknown && error.delivery() != Some(Delivery::MaybeSent) {
            return Err(error);
        }
        let Ok(rest) = self.rest_of(deadline, options) else { return Err(error) };
        let status = self.status(order, &rest).await.map_err(|_| error)?;
        let cancelled =
            status.value.kinds().any(|kind| matches!(kind, StatusKind::CANCELLATION | StatusKind::TERMINATED));
        if cancelled {
            return Ok(());
        }
        let detail = "no complete answer came, and the status shows no cancellation yet";
        Err(Error::new(Kind::OutcomeUnknown, detail).with_operation("cancelOrder").with_delivery(Delivery::MaybeSent))
    }

    /// What the service says of itself, [T 7.1]. One try: a failure is the answer.
    pub async fn health(&self, options: &CallOptions) -> Health {
        match self.server_status(options).await {
            Ok(_) => Health::Up,
            Err(error) => match error.status() {
                // The status is the answer, whatever became of the body.
                Some(200) => Health::Up,
                Some(500) => Health::Down,
                Some(status) => Health::Unclear(status),
                // Refused before, so that nothing was asked: that the service does not answer is not known.
                None if error.kind() == Kind::Authentication => Health::Unclear(401),
                None => Health::Unreachable,
            },
        }
    }
}
