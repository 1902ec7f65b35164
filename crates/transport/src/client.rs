//! The settings that the builders of all clients share.

use std::sync::Arc;

use identkit_core::{Clock, Error, Kind};

use crate::{Authenticator, BaseUrl, Driver, Observer, Policy, SystemClock, Transport};

/// The settings that the builders of all clients share; [`client_setters!`](crate::client_setters) declares their
/// setters.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ClientSettings<D> {
    /// The transport. A client cannot be built without one.
    pub transport: Option<Arc<dyn Transport>>,
    /// The clock. The default is [`SystemClock`].
    pub clock: Option<Arc<dyn Clock>>,
    /// The base URL.
    pub base_url: String,
    /// How ambiguities in the vendor's document are resolved.
    pub dialect: D,
    /// The retry and timeout policy.
    pub policy: Policy,
    /// The observer of all calls.
    pub observer: Option<Arc<dyn Observer>>,
}

impl<D: Clone + Send + Sync> ClientSettings<D> {
    /// The default settings of a client for the API at `base_url`.
    pub fn new(base_url: &str, dialect: D) -> Self {
        let base_url = base_url.to_owned();
        Self { transport: None, clock: None, base_url, dialect, policy: Policy::default(), observer: None }
    }

    /// Creates a driver with these settings. Its clock is [`SystemClock`] if none was set.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the transport is missing, or if [`BaseUrl::parse`] rejects the base URL.
    pub fn driver(&self, auth: Arc<dyn Authenticator>) -> Result<Driver<D>, Error> {
        let Some(transport) = self.transport.clone() else {
            return Err(Error::new(Kind::InvalidInput, "the client has no transport: set one on its builder"));
        };
        let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock::new()));
        let driver = Driver::new(transport, clock, auth, BaseUrl::parse(&self.base_url)?, self.dialect.clone());
        Ok(driver.with_policy(self.policy.clone()).with_observer(self.observer.clone()))
    }
}

/// Declares the common setters of a client's builder, which has a field `settings` of type
/// [`ClientSettings`](crate::ClientSettings) with this dialect.
#[macro_export]
macro_rules! client_setters {
    ($dialect:ty) => {
        /// Sets the transport. A client cannot be built without one.
        #[must_use]
        pub fn transport(mut self, transport: ::std::sync::Arc<dyn $crate::Transport>) -> Self {
            self.settings.transport = ::std::option::Option::Some(transport);
            self
        }

        /// Sets the clock. The default is [`SystemClock`]($crate::SystemClock).
        #[must_use]
        pub fn clock(mut self, clock: ::std::sync::Arc<dyn $crate::Clock>) -> Self {
            self.settings.clock = ::std::option::Option::Some(clock);
            self
        }

        /// Sets the base URL, e.g. that of the sandbox. The default is [`DEFAULT_BASE_URL`]. `http` is accepted for
        /// loopback hosts only.
        #[must_use]
        pub fn base_url(mut self, url: impl ::std::convert::Into<::std::string::String>) -> Self {
            self.settings.base_url = url.into();
            self
        }

        /// Selects how ambiguities in the vendor's document are resolved.
        #[must_use]
        pub fn dialect(mut self, dialect: $dialect) -> Self {
            self.settings.dialect = dialect;
            self
        }

        /// Sets the retry and timeout policy.
        #[must_use]
        pub fn policy(mut self, policy: $crate::Policy) -> Self {
            self.settings.policy = policy;
            self
        }

        /// Sets the observer of all calls, logins included; see `docs/observation.md`.
        #[must_use]
        pub fn observer(mut self, observer: ::std::sync::Arc<dyn $crate::Observer>) -> Self {
            self.settings.observer = ::std::option::Option::Some(observer);
            self
        }
    };
}
