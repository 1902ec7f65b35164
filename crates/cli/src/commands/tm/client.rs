//! Builds the client from the options.

use std::sync::Arc;

use identkit_core::RawResponse;
use identkit_identity_tm::{Dialect, IdentityTm, OrderId, PutOrder, ServerStatus};
use identkit_transport::{ClientSettings, NoAuth, Response, SystemClock};
use identkit_wire::Operation as _;

use super::arguments::{Arguments, Order};
use crate::context::Context;
use crate::exit::Failure;
use crate::typed_id::IdKind;

pub(crate) const ORDER_ID: IdKind = IdKind { created_by: PutOrder::META, name: "OrderID", find: order_ids };

/// Each OrderID in a response to `putOrder`, valid or not, once.
fn order_ids(answer: &RawResponse) -> Vec<String> {
    let found = answer.clone().with_id_names(&["OrderID"]).ids();
    found.into_iter().map(|id| id.value.expose().to_owned()).collect()
}

pub(super) type Tm<'a> = Context<'a, Arguments>;

impl Tm<'_> {
    pub(super) fn client(&self) -> Result<IdentityTm, Failure> {
        let mut builder = IdentityTm::builder(self.arguments.account.credentials()?)
            .base_url(self.arguments.base_url.as_str())
            .dialect(self.arguments.dialect())
            .transport(self.transport()?)
            .clock(Arc::new(SystemClock::new()));
        if let Some(observer) = self.observer() {
            builder = builder.observer(observer);
        }
        builder.build().map_err(|error| {
            Failure::usage(format!("--customer-id and --customer-code cannot be used: {}", error.detail()))
        })
    }

    /// The id of the order that the command is about (AT-22).
    pub(super) fn order_id(&self, order: &Order) -> Result<OrderId, Failure> {
        let typed = &order.order_id;
        if order.any_id {
            return ORDER_ID.check_any(typed).map(|()| OrderId::new(typed));
        }
        OrderId::parse(typed)
            .or_else(|refusal| ORDER_ID.check_known(typed, self.state(), refusal).map(|()| OrderId::new(typed)))
    }

    /// Checks that the service is up, with the account's credentials if there are any (AT-80).
    pub(super) async fn server_status(&self) -> Result<Response<()>, Failure> {
        let Arguments { account, base_url, .. } = self.arguments;
        if account.is_complete() {
            return Ok(self.client()?.server_status(&self.options).await?);
        }
        let mut settings = ClientSettings::new(base_url, Dialect::default());
        settings.transport = Some(self.transport()?);
        settings.observer = self.observer();
        let driver = settings.driver(Arc::new(NoAuth))?;
        Ok(driver.call(&ServerStatus, &self.options.clone().attempts(1)).await?)
    }
}
