//! The client of one account.

mod calls;
mod feed;
mod media;
mod service;

pub use feed::StatusFeed;
#[cfg(feature = "save")]
pub use media::VideoDownload;
pub use media::{PlaceholderRule, VideoReady};
pub use service::{AgentAvailability, Health};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::lock::Mutex;
use identkit_core::{CallOptions, Delivery, Error, Instant, Kind, Secret};
use identkit_transport::{Basic, ClientSettings, Driver, Response, client_setters};
use identkit_wire::{Operation, Warning};

use crate::messages::{IdentDataAnswer, PutOrderAnswer};
use crate::operations::{Decryptor, MaybeEncrypted, ServerStatus};
use crate::{Dialect, OrderFlavor, OrderId, PutOrder, random_reference};

/// The API's documented base URL, [T 2.6].
pub const DEFAULT_BASE_URL: &str = "https://customer.identity.tm/api/2.10";

/// The credentials of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    customer_id: String,
    customer_code: Secret,
}

impl Credentials {
    /// The user name and the password of HTTP Basic authentication.
    pub fn new(customer_id: impl Into<String>, customer_code: impl Into<Secret>) -> Self {
        Self { customer_id: customer_id.into(), customer_code: customer_code.into() }
    }
}

/// Makes an [`IdentityTm`].
#[derive(Clone)]
pub struct Builder {
    settings: ClientSettings<Dialect>,
    credentials: Credentials,
    decryptor: Option<Arc<dyn Decryptor>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A decryptor holds a key.
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("credentials", &self.credentials)
            .field("decrypts", &self.decryptor.is_some())
            .finish()
    }
}

impl Builder {
    client_setters!(Dialect);

    /// Opens results that come encrypted, for accounts that are set up so (AT-70).
    #[must_use]
    pub fn decryptor(mut self, decryptor: Arc<dyn Decryptor>) -> Self {
        self.decryptor = Some(decryptor);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] without a transport, and for a base URL or credentials that cannot be used.
    pub fn build(self) -> Result<IdentityTm, Error> {
        let Self { settings, credentials, decryptor } = self;
        let auth = Arc::new(Basic::new(&credentials.customer_id, &credentials.customer_code)?);
        let driver = Arc::new(settings.driver(Arc::clone(&auth) as _)?);
        Ok(IdentityTm { driver, auth, decryptor, draining: Arc::default(), timeout: settings.policy.timeout })
    }
}

/// A client of the Customer API for one account. Cheap to clone.
#[derive(Clone)]
pub struct IdentityTm {
    driver: Arc<Driver<Dialect>>,
    auth: Arc<Basic>,
    decryptor: Option<Arc<dyn Decryptor>>,
    /// Held while a destructive read is under way: two at once would take the other's news away (AT-06).
    draining: Arc<Mutex<()>>,
    /// How long a call may take that does not say so itself.
    timeout: Duration,
}

impl fmt::Debug for IdentityTm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityTm").field("driver", &self.driver).finish()
    }
}

/// A placed order: what must be kept to come back to it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedOrder {
    /// The vendor's id.
    pub order_id: OrderId,
    /// What ends this order; remember it with the id (AT-14).
    pub flavour: OrderFlavor,
    /// The whole answer.
    pub answer: PutOrderAnswer,
}

impl IdentityTm {
    /// Begins a client of this account.
    pub fn builder(credentials: Credentials) -> Builder {
        Builder { settings: ClientSettings::new(DEFAULT_BASE_URL, Dialect::default()), credentials, decryptor: None }
    }

    /// The decisions on the ambiguous points of the document.
    pub fn dialect(&self) -> &Dialect {
        self.driver.dialect()
    }

    /// When a call with these options is over that begins now.
    fn deadline(&self, options: &CallOptions) -> Instant {
        self.driver.clock().now().plus(options.timeout.unwrap_or(self.timeout))
    }

    /// The options of a further request of a call that is over then.
    fn rest_of(&self, deadline: Instant, options: &CallOptions) -> Result<CallOptions, Error> {
        let left = deadline.since(self.driver.clock().now());
        if left.is_zero() {
            return Err(Error::new(Kind::Timeout, "no answer came in the time given").with_delivery(Delivery::NotSent));
        }
        Ok(options.clone().timeout(left))
    }

    /// Replaces the credentials of this client and all its clones while calls are under way. After a 401 it is the way
    /// back: until then nothing more is sent.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when they cannot be used; nothing changes then.
    pub fn set_credentials(&self, credentials: &Credentials) -> Result<(), Error> {
        self.auth.replace(&credentials.customer_id, &credentials.customer_code)
    }

    /// Makes any call of this provider.
    ///
    /// # Errors
    /// As [`Driver::call`].
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = Dialect>,
    {
        self.driver.call(operation, options).await
    }

    /// Places an order, [T 3.1]. Sent at most once; without a `Ref` of its own it gets a random one (AT-19).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with every fault before anything is sent; [`Kind::OutcomeUnknown`] when the vendor may
    /// have taken the order: find it by its `Ref`, never send it again.
    pub async fn put_order(&self, order: &PutOrder, options: &CallOptions) -> Result<Response<PlacedOrder>, Error> {
        // In a box, since the future would have room for an order otherwise.
        let referenced = match &order.reference {
            Some(reference) if !reference.expose().is_empty() => None,
            _ => Some(Box::new(PutOrder { reference: Some(random_reference().into()), ..order.clone() })),
        };
        let order = referenced.as_deref().unwrap_or(order);
        let mut answered = self.call(order, options).await?;
        let flavour = order.flavour();
        let sent = order.reference.as_ref();
        if answered.value.reference.as_ref().is_some_and(|told| Some(told) != sent && !told.expose().is_empty()) {
            answered.warnings.push(Warning::new("the answer carries another Ref than the order", "AT-18"));
        }
        answered.try_map(|answer| match answer.order_id.clone() {
            Some(order_id) => Ok(PlacedOrder { order_id, flavour, answer }),
            None => Err(Error::new(Kind::OutcomeUnknown, "the vendor accepted the order without naming its OrderID")),
        })
    }

    /// A result in JSON, opened by the decryptor where there is one.
    async fn result<Op>(
        &self,
        operation: Op,
        order: &OrderId,
        options: &CallOptions,
    ) -> Result<Response<IdentDataAnswer>, Error>
    where
        Op: Operation<Output = IdentDataAnswer, Dialect = Dialect>,
    {
        let Some(decryptor) = &self.decryptor else { return self.call(&operation, options).await };
        let (body, mut response) = self.call(&MaybeEncrypted(operation), options).await?.split();
        let named = |error: Error| error.with_operation(Op::META.name).with_status(response.status.as_u16());
        let (value, more) = body.open(order, decryptor.as_ref()).map_err(named)?;
        response.warnings.extend(more);
        Ok(response.map(|()| value))
    }

    /// Whether the data of an order that was readable before is gone: `getIdentData` answers 404 (AT-09). The status
    /// proves nothing, since only the data is said to be deleted.
    ///
    /// # Errors
    /// Every other failure than that 404, which leaves the question open.
    pub async fn data_is_gone(&self, order: &OrderId, options: &CallOptions) -> Result<bool, Error> {
        match self.ident_data(order, options).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == Kind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether the service answers that it is up, [T 7.1].
    ///
    /// # Errors
    /// As [`Driver::call`]; a failure is the answer.
    pub async fn server_status(&self, options: &CallOptions) -> Result<Response<()>, Error> {
        self.call(&ServerStatus, &options.clone().attempts(1)).await
    }
}
