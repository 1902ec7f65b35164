//! Builds the client from the options.

use std::sync::Arc;

use identkit_core::Secret;
use identkit_identity_tm::{Credentials, IdentityTm};
use identkit_transport::SystemClock;

use super::arguments::Arguments;
use crate::context::{Context, required};
use crate::exit::Failure;

pub(super) type Tm<'a> = Context<'a, Arguments>;

impl Tm<'_> {
    pub(super) fn client(&self) -> Result<IdentityTm, Failure> {
        let id = required(self.arguments.customer_id.as_ref(), "--customer-id", "IDENTKIT_TM_CUSTOMER_ID")?;
        let code = required(self.arguments.customer_code.as_ref(), "--customer-code", "IDENTKIT_TM_CUSTOMER_CODE")?;
        let builder = IdentityTm::builder(Credentials::new(id, Secret::new(code)))
            .base_url(self.arguments.base_url.as_str())
            .transport(self.transport()?)
            .clock(Arc::new(SystemClock::new()));
        builder.build().map_err(|error| {
            Failure::usage(format!("--customer-id and --customer-code cannot be used: {}", error.detail()))
        })
    }
}
