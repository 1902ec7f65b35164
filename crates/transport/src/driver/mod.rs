//! Calls an operation: encodes the request, sends it through the engine, decodes the response.
//!
//! Only [`Driver::call`] is generic over the operation. The [`Engine`] is compiled once.

mod coding;
mod deadline;
mod decide;
mod engine;
mod limits;
mod observed_call;
mod outcome;
mod policy;
mod receive;
mod response;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use ::http::response::Parts;
use identkit_core::{CallOptions, Clock, Error, Kind};
use identkit_wire::{Encoded, Meta, Operation, Received, Warning};

pub use self::coding::is_undecoded;
pub(crate) use self::outcome::NOT_KNOWN;
pub use self::policy::Policy;
pub use self::response::Response;

use self::engine::{Codec, Engine};
use self::limits::{RetryBucket, slots};
use crate::observer::Observer;
use crate::{Authenticator, BaseUrl, Transport};

/// Makes calls to one vendor account.
#[must_use]
pub struct Driver<D> {
    engine: Engine,
    dialect: D,
}

impl<D> fmt::Debug for Driver<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Engine { base, policy, .. } = &self.engine;
        f.debug_struct("Driver").field("base", base).field("policy", policy).finish_non_exhaustive()
    }
}

/// The generic part of one call.
struct Call<'a, Op: Operation> {
    operation: &'a Op,
    dialect: &'a Op::Dialect,
    value: Option<Op::Output>,
}

impl<Op: Operation> Codec for Call<'_, Op> {
    fn meta(&self) -> &'static Meta {
        Op::META
    }

    fn encode(&self) -> Result<(String, Encoded), Error> {
        let encoded = self.operation.encode(self.dialect)?;
        Ok((Op::META.path(&self.operation.path_params())?, encoded))
    }

    fn decode(&mut self, head: &Parts, body: Received) -> Result<Vec<Warning>, Error> {
        let decoded = self.operation.decode(head, body, self.dialect)?;
        self.value = Some(decoded.value);
        Ok(decoded.warnings.into_iter().chain(coding::warning(head)).collect())
    }
}

impl<D: Send + Sync> Driver<D> {
    /// Creates a driver for the API at `base`. `dialect` selects how its operations are encoded and decoded.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        auth: Arc<dyn Authenticator>,
        base: BaseUrl,
        dialect: D,
    ) -> Self {
        let policy = Policy::default();
        let engine = Engine {
            transport,
            clock,
            auth,
            base,
            observer: None,
            slots: slots(policy.concurrency),
            bucket: RetryBucket::new(policy.retry_tokens),
            policy,
            scope: fastrand::u64(..),
        };
        Self { engine, dialect }
    }

    /// Shares the connections of another driver of the same account.
    pub fn sharing_connections(mut self, other: &Self) -> Self {
        self.engine.scope = other.engine.scope;
        self
    }

    /// Sets the policy: retries, timeouts, concurrency, connections. Running calls no longer count.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.engine.slots = slots(policy.concurrency);
        self.engine.bucket = RetryBucket::new(policy.retry_tokens);
        self.engine.policy = policy;
        self
    }

    /// Sets the observer of all calls.
    pub fn with_observer(mut self, observer: Option<Arc<dyn Observer>>) -> Self {
        self.engine.observer = observer;
        self
    }

    /// The dialect that every call is encoded and decoded with.
    pub fn dialect(&self) -> &D {
        &self.dialect
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.engine.clock
    }

    /// Calls the operation. If the call is dropped, the observer gets a report of how far it got.
    ///
    /// # Errors
    /// - [`Kind::InvalidInput`] if the operation is invalid; nothing was sent.
    /// - [`Kind::OutcomeUnknown`] if the operation changes something and the vendor may have executed it.
    /// - [`Kind::Timeout`], [`Kind::Unreachable`] if there was no response and nothing can have changed.
    /// - [`Kind::Protocol`] if the response cannot be read.
    /// - The kind by [`refusal`](identkit_wire::refusal) if the vendor refused.
    ///
    /// If the vendor will not give a response a second time, it is in [`Error::answer`].
    ///
    /// # Panics
    /// If the transport or the clock needs a tokio runtime and there is none, e.g. [`SystemClock`](crate::SystemClock).
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = D>,
    {
        let mut call = Call { operation, dialect: &self.dialect, value: None };
        let response = self.engine.call(&mut call, options).await?;
        let missing = || Error::new(Kind::Protocol, "the response was not decoded");
        response.try_map(|()| call.value.ok_or_else(missing))
    }
}
