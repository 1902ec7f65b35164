//! Signing on the customer's side, cancelling, and what is asked before an order.

use async_trait::async_trait;
use identkit_core::{CallOptions, Delivery, Error, Kind, Pii, Secret};
use identkit_transport::Response;

use super::IdentityTm;
use crate::OrderId;
use crate::messages::{Bank, SignedHashes, SignmeUser, SignmeUserRequest};
use crate::operations::{
    CancelOrder, CheckSignmeUser, ConfirmSign, GetBankList, GetESignHash, GetIdentDataSigned, RequestResendSignTan,
    RequestSign, SignedIdentData,
};
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
    /// The signed hashes by the names that putOrder gave, [T 3.6].
    ///
    /// # Errors
    /// As any call.
    pub async fn signed_hashes(&self, order: &OrderId, options: &CallOptions) -> Result<Response<SignedHashes>, Error> {
        self.call(&GetESignHash::new(order.clone()), options).await
    }

    /// The result in the opaque form for later use, [T 6]. Store the bytes exactly as they are (AT-71).
    ///
    /// # Errors
    /// As any call.
    pub async fn ident_data_signed(
        &self,
        order: &OrderId,
        options: &CallOptions,
    ) -> Result<Response<SignedIdentData>, Error> {
        self.call(&GetIdentDataSigned::new(order.clone()), options).await
    }

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

    /// Starts signing: a TAN is texted to the person, [T 5.1]. Never repeated by itself.
    ///
    /// # Errors
    /// [`Kind::InvalidState`] when it cannot be signed (406) or is processed already (410); else as any call.
    pub async fn request_sign(&self, order: &OrderId, options: &CallOptions) -> Result<Response<()>, Error> {
        self.call(&RequestSign::new(order.clone()), options).await
    }

    /// Signs with the TAN, [T 5.2]. Never repeated by itself: each try counts.
    ///
    /// # Errors
    /// [`Kind::TanRejected`] when it was probably wrong (400); [`Kind::SigningCanceled`] when it was wrong too often
    /// and the order is cancelled (429); [`Kind::InvalidState`] for 410 and 412; else as any call.
    pub async fn confirm_sign(
        &self,
        order: &OrderId,
        tan: &Secret,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        self.call(&ConfirmSign::new(order.clone(), tan.clone()), options).await
    }

    /// Has another TAN texted to the person, [T 5.3]. Never repeated by itself.
    ///
    /// # Errors
    /// [`Kind::InvalidState`] when signing has not begun (412) or is over (410); else as any call.
    pub async fn resend_tan(&self, order: &OrderId, options: &CallOptions) -> Result<Response<()>, Error> {
        self.call(&RequestResendSignTan::new(order.clone()), options).await
    }

    /// The banks that support identity Giro, [T 8.1].
    ///
    /// # Errors
    /// As any call.
    pub async fn banks(&self, options: &CallOptions) -> Result<Response<Vec<Bank>>, Error> {
        self.call(&GetBankList, options).await
    }

    /// Whether somebody has a sign-me account and can sign with it, [T 8.3].
    ///
    /// # Errors
    /// As any call.
    pub async fn signme_user(&self, email: &Pii<String>, options: &CallOptions) -> Result<Response<SignmeUser>, Error> {
        self.call(&CheckSignmeUser(SignmeUserRequest::default().email(email.clone())), options).await
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
