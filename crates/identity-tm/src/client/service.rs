//! Cancels orders, deletes their data, and checks whether the service is up.

use async_trait::async_trait;
use identkit_core::{CallOptions, Delivery, Error, Kind};
use identkit_transport::Response;
use identkit_wire::{Operation as _, UndescribedBody, Warning, error_text};

use super::IdentityTm;
use crate::OrderId;
use crate::messages::OrderStatus;
use crate::operations::{CancelOrder, DelIdentData, ERROR, check_mentioned_orders};
use crate::status::{OrderFlavor, StatusKind};

/// State of the service by `serverStatus` ([T 7.1]; AT-80).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// Status 200.
    Up,
    /// Status 500.
    Down,
    /// No response.
    Unreachable,
    /// Another status, which the document does not list.
    Unclear(u16),
}

/// Availability of the vendor's video agents. The vendor offers this endpoint on request ([T 8.2]), for each account at
/// a different URL. Implement this trait for yours; a router can then choose between providers.
#[async_trait]
pub trait AgentAvailability: Send + Sync {
    /// Whether a video identification could start soon.
    ///
    /// # Errors
    /// If the endpoint cannot be read.
    async fn available(&self) -> Result<bool, Error>;
}

/// Whether the statuses name the order and show its cancellation, and nothing that contradicts it. Without an OrderID they can
/// be about another order (AT-24).
fn shows_cancellation(order: &OrderId, status: &OrderStatus) -> bool {
    if status.order_id.as_ref() != Some(order) {
        return false;
    }
    let is_end = |kind| matches!(kind, StatusKind::CANCELLATION | StatusKind::TERMINATED);
    let entries = status.status.as_deref().unwrap_or_default();
    // The flavor is unknown, so every code counts that ends an order of some flavor.
    let flavors = [OrderFlavor::IdentOnly, OrderFlavor::Qes];
    let fits = |kind: StatusKind| is_end(kind) || !flavors.iter().any(|flavor| kind.is_final(*flavor));
    status.kinds().any(is_end) && entries.iter().all(|entry| entry.code().is_some_and(fits))
}

impl IdentityTm {
    /// Cancels an open order, [T 4.3]. If no complete response arrives, the client reads the status: 63 (cancellation)
    /// or 22 (termination) means that the order was canceled. One deadline covers both; a quarter of the time is
    /// reserved for the status. The response is then that of the cancellation, with a warning. A status without the
    /// OrderID shows no cancellation (AT-24), nor one that also has another final code, or a code that cannot be read (AT-93).
    ///
    /// # Errors
    /// [`Kind::InvalidState`] if the order has ended (406); [`Kind::OutcomeUnknown`] if the status does not show a
    /// cancellation either; otherwise as any call.
    pub async fn cancel_order(&self, order: &OrderId, options: &CallOptions) -> Result<Response<()>, Error> {
        let deadline = self.deadline(options);
        let whole = options.timeout.unwrap_or(self.timeout);
        let first = options.clone().timeout(whole.saturating_sub(whole / 4));
        let error = match self.call(&CancelOrder::new(order.clone()), &first).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        if error.kind() != Kind::OutcomeUnknown && error.delivery() != Some(Delivery::MaybeSent) {
            return Err(error);
        }
        let Ok(rest) = self.rest_of(deadline, options) else { return Err(error) };
        let Ok(status) = self.status(order, &rest).await else { return Err(error) };
        if shows_cancellation(order, &status.value) {
            let message = "the response did not confirm the cancellation; the status shows it";
            return Ok(Response::from_proof(&error, Warning::new(message, "AT-89")));
        }
        let detail = "no usable response arrived, and the status does not show a cancellation yet";
        // The answer stays with the error (AT-97).
        Err(error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent))
    }

    /// Permanently deletes the data of an order, [T 3.10]. Save and verify all results first. If the vendor answers with
    /// a 2xx status that the document does not list, the client reads the data: only if it is gone, the deletion
    /// succeeded, with a warning (AT-89).
    ///
    /// # Errors
    /// As any call; [`Kind::NotFound`] if the vendor does not know the order *or* has already deleted it: check with
    /// [`data_is_gone`](Self::data_is_gone). [`Kind::OutcomeUnknown`] if the data may be deleted.
    pub async fn delete_ident_data(&self, order: &OrderId, options: &CallOptions) -> Result<Response<()>, Error> {
        let deadline = self.deadline(options);
        let error = match self.call(&DelIdentData::new(order.clone()), options).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let confirms = error.answer().is_some_and(|answer| {
            let (status, body) = (answer.status().as_u16(), answer.body());
            // The listed status says more than the read, so its body is the reason why the outcome is unknown.
            let unlisted = (200..=204).contains(&status) && !DelIdentData::META.expect.contains(&status);
            let plain = matches!(UndescribedBody::read(body), UndescribedBody::Empty | UndescribedBody::Object);
            let failed = !plain || !answer.is_complete() || error_text(body, ERROR).is_some();
            unlisted && !failed && check_mentioned_orders(order, body).is_ok()
        });
        if !confirms || error.kind() != Kind::OutcomeUnknown {
            return Err(error);
        }
        let Ok(rest) = self.rest_of(deadline, options) else { return Err(error) };
        if !self.data_is_gone(order, &rest).await.unwrap_or(false) {
            return Err(error);
        }
        let message = "the document does not list this status for a deletion; a read of the data returns 404 now";
        Ok(Response::from_proof(&error, Warning::new(message, "AT-89")))
    }

    /// Reads the state of the service, [T 7.1]. Never retried.
    pub async fn health(&self, options: &CallOptions) -> Health {
        match self.server_status(options).await {
            Ok(_) => Health::Up,
            Err(error) => match error.status() {
                // The status counts, even if the body cannot be read.
                Some(200) => Health::Up,
                Some(500) => Health::Down,
                Some(status) => Health::Unclear(status),
                // After an earlier 401 the client sends nothing, so the state is unknown.
                None if error.kind() == Kind::Authentication => Health::Unclear(401),
                None => Health::Unreachable,
            },
        }
    }
}
