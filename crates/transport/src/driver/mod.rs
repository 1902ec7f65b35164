//! Makes a call of an operation: writes the request, has the engine exchange it, reads the response.
//!
//! Only what depends on the type of the operation is generic: [`Driver::call`]. The [`Engine`] is compiled once.

mod deadline;
mod decide;
mod engine;
mod limits;
mod outcome;
mod policy;
mod receive;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod watch;

use std::fmt;
use std::sync::Arc;

use ::http::response::Parts;
use identkit_core::{CallOptions, Clock, Error, Kind};
use identkit_wire::{Encoded, Meta, Operation, Received, Warning};

pub use self::policy::Policy;
pub use self::response::Response;

use self::engine::{Codec, Engine};
use self::limits::{RetryBucket, places};
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
        Ok(decoded.warnings)
    }
}

impl<D: Send + Sync> Driver<D> {
    /// A driver for the API at `base`, speaking this dialect of it.
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
            places: places(policy.concurrency),
            bucket: RetryBucket::new(policy.retry_tokens),
            policy,
            scope: fastrand::u64(..),
        };
        Self { engine, dialect }
    }

    /// Lets it use the connections of another driver of the same account.
    pub fn sharing_connections(mut self, other: &Self) -> Self {
        self.engine.scope = other.engine.scope;
        self
    }

    /// Sets the policy: retries, timeouts, concurrency, connections. Calls that are under way no longer count.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.engine.places = places(policy.concurrency);
        self.engine.bucket = RetryBucket::new(policy.retry_tokens);
        self.engine.policy = policy;
        self
    }

    /// Tells every call to an observer, if there is one.
    pub fn with_observer(mut self, observer: Option<Arc<dyn Observer>>) -> Self {
        self.engine.observer = observer;
        self
    }

    /// The switches that every call is encoded and decoded with.
    pub fn dialect(&self) -> &D {
        &self.dialect
    }

    /// Where time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.engine.clock
    }

    /// Makes the call. A call that is dropped tells the observer how far it got.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] before anything is sent; [`Kind::OutcomeUnknown`] when it changes something and may have
    /// been carried out; [`Kind::Timeout`] and [`Kind::Unreachable`] when no answer came and nothing can have changed;
    /// the vendor's refusals by [`refusal`](identkit_wire::refusal); [`Kind::Protocol`] for an answer that cannot be
    /// read. What the vendor will not answer a second time is in [`Error::answer`].
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
