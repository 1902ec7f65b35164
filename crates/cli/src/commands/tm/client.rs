//! Builds the client from the options.

use std::sync::Arc;

use identkit_core::{RawResponse, Secret};
use identkit_identity_tm::{Credentials, Dialect, IdentityTm, OrderId, PutOrder, ServerStatus};
use identkit_transport::{ClientSettings, NoAuth, Response, SystemClock};
use identkit_wire::Operation as _;

use super::arguments::{Arguments, Order};
use crate::connection::path;
use crate::context::{Context, required, secret};
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
        let id = required(self.arguments.customer_id.as_ref(), "--customer-id", "IDENTKIT_TM_CUSTOMER_ID")?;
        let code = self.customer_code()?;
        let mut builder = IdentityTm::builder(Credentials::new(id, code))
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

    fn customer_code(&self) -> Result<Secret, Failure> {
        let Arguments { customer_code, customer_code_file, .. } = self.arguments;
        let names = ("--customer-code", "IDENTKIT_TM_CUSTOMER_CODE");
        secret(customer_code.as_ref(), path(customer_code_file.as_ref()), names)
    }

    /// Checks that the service is up, with the account's credentials if there are any (AT-80).
    pub(super) async fn server_status(&self) -> Result<Response<()>, Failure> {
        let Arguments { customer_id, customer_code, customer_code_file, base_url, .. } = self.arguments;
        let is_given = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        if is_given(customer_id) && (is_given(customer_code) || path(customer_code_file.as_ref()).is_some()) {
            return Ok(self.client()?.server_status(&self.options).await?);
        }
        let mut settings = ClientSettings::new(base_url, Dialect::default());
        settings.transport = Some(self.transport()?);
        settings.observer = self.observer();
        let driver = settings.driver(Arc::new(NoAuth))?;
        Ok(driver.call(&ServerStatus, &self.options.clone().attempts(1)).await?)
    }
}
