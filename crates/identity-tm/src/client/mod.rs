//! The client of a vendor account.

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

use bytes::Bytes;
use futures_util::lock::Mutex;
use identkit_core::{Advice, CallOptions, Delivery, Error, EvidenceKind, Instant, Kind, Secret};
use identkit_transport::{Basic, ClientSettings, Driver, Response, client_setters};
use identkit_wire::{Operation, Warning, is_json_object, trim_body};

use crate::messages::{IdentDataAnswer, PutOrderAnswer};
use crate::operations::{AsReceived, Decryptor, GetIdentDataMethod, MaybeEncrypted, ServerStatus, check_found_orders};
use crate::order::Ordered;
use crate::{Dialect, OrderFlavor, OrderId, PutOrder, random_reference};

/// Base URL of the API in the document, [T 2.6].
pub const DEFAULT_BASE_URL: &str = "https://customer.identity.tm/api/2.10";

/// Credentials of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    customer_id: String,
    customer_code: Secret,
}

impl Credentials {
    /// Creates credentials from the customer id and customer code: user name and password of HTTP Basic authentication.
    pub fn new(customer_id: impl Into<String>, customer_code: impl Into<Secret>) -> Self {
        Self { customer_id: customer_id.into(), customer_code: customer_code.into() }
    }
}

/// Builder of an [`IdentityTm`].
#[derive(Clone)]
pub struct Builder {
    settings: ClientSettings<Dialect>,
    credentials: Credentials,
    decryptor: Option<Arc<dyn Decryptor>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A decryptor contains a key.
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("credentials", &self.credentials)
            .field("decrypts", &self.decryptor.is_some())
            .finish()
    }
}

impl Builder {
    client_setters!(Dialect);

    /// Sets the decryptor, for accounts whose results are encrypted (AT-70).
    #[must_use]
    pub fn decryptor(mut self, decryptor: Arc<dyn Decryptor>) -> Self {
        self.decryptor = Some(decryptor);
        self
    }

    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if no transport is set, or the base URL or the credentials are not valid.
    pub fn build(self) -> Result<IdentityTm, Error> {
        let Self { settings, credentials, decryptor } = self;
        let auth = Arc::new(Basic::new(&credentials.customer_id, &credentials.customer_code)?);
        let driver = Arc::new(settings.driver(Arc::clone(&auth) as _)?);
        Ok(IdentityTm { driver, auth, decryptor, draining: Arc::default(), timeout: settings.policy.timeout })
    }
}

/// Client of the Customer API for one account. Clones share the connections, the credentials and the retry budget.
///
/// # Panics
/// With the default clock, its calls panic outside a tokio runtime with timers.
#[derive(Clone)]
pub struct IdentityTm {
    driver: Arc<Driver<Dialect>>,
    auth: Arc<Basic>,
    decryptor: Option<Arc<dyn Decryptor>>,
    /// Locked during a destructive read: concurrent reads would split the results (AT-06).
    draining: Arc<Mutex<()>>,
    /// Default timeout of a call.
    timeout: Duration,
}

impl fmt::Debug for IdentityTm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityTm").field("driver", &self.driver).finish()
    }
}

/// A placed order. Store `order_id` and `flavor`: the other calls need them. For the calls of
/// [`IdentityProvider`](identkit_core::IdentityProvider), store [`case_ref`](Self::case_ref).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedOrder {
    /// The vendor's id of the order.
    pub order_id: OrderId,
    /// Which statuses end this order (AT-14).
    pub flavor: OrderFlavor,
    /// Kinds of the signed results that the order produces.
    pub signed: Vec<EvidenceKind>,
    /// Which signed results the order must return.
    pub(crate) ordered: Ordered,
    /// The whole response.
    pub answer: PutOrderAnswer,
}

impl IdentityTm {
    /// Returns a builder of a client for this account.
    pub fn builder(credentials: Credentials) -> Builder {
        Builder { settings: ClientSettings::new(DEFAULT_BASE_URL, Dialect::default()), credentials, decryptor: None }
    }

    /// How ambiguities in the vendor's document are resolved.
    pub fn dialect(&self) -> &Dialect {
        self.driver.dialect()
    }

    /// Deadline of a call that starts now.
    fn deadline(&self, options: &CallOptions) -> Instant {
        self.driver.clock().now().plus(options.timeout.unwrap_or(self.timeout))
    }

    /// Options for a further request of a call with this deadline.
    fn rest_of(&self, deadline: Instant, options: &CallOptions) -> Result<CallOptions, Error> {
        let left = deadline.since(self.driver.clock().now());
        if left.is_zero() {
            return Err(Error::new(Kind::Timeout, "timed out before the next request of the call")
                .with_delivery(Delivery::NotSent));
        }
        Ok(options.clone().timeout(left))
    }

    /// Replaces the credentials of this client and all its clones, even while calls are running. After a 401 the client
    /// sends nothing until its credentials are replaced.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the credentials are not valid; nothing changes.
    pub fn set_credentials(&self, credentials: &Credentials) -> Result<(), Error> {
        self.auth.replace(&credentials.customer_id, &credentials.customer_code)
    }

    /// Makes any call of this vendor.
    ///
    /// # Errors
    /// As [`Driver::call`].
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = Dialect>,
    {
        self.driver.call(operation, options).await
    }

    /// Places an order, [T 3.1]. Sent at most once. If the order has no `Ref`, it gets a random one (AT-19), which is
    /// lost if the call fails: set your own.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with all violations if the order breaks a rule; nothing was sent. [`Kind::OutcomeUnknown`]
    /// if the vendor may have accepted the order: find it by its `Ref`, never send it again.
    pub async fn put_order(&self, order: &PutOrder, options: &CallOptions) -> Result<Response<PlacedOrder>, Error> {
        // Boxed to keep the future small.
        let with_reference = match &order.reference {
            Some(reference) if !reference.expose().is_empty() => None,
            _ => Some(Box::new(PutOrder { reference: Some(random_reference().into()), ..order.clone() })),
        };
        let order = with_reference.as_deref().unwrap_or(order);
        let mut response = self.call(order, options).await?;
        let (flavor, signed, ordered) = (order.flavor(), order.signed_kinds(), Ordered::of(order));
        let sent = order.reference.as_ref();
        if response.value.reference.as_ref().is_some_and(|echo| Some(echo) != sent && !echo.expose().is_empty()) {
            response.warnings.push(Warning::new("the response has a different Ref than the order", "AT-18"));
        }
        response.try_map(|answer| match answer.order_id.clone() {
            Some(order_id) => Ok(PlacedOrder { order_id, flavor, signed, ordered, answer }),
            None => Err(Error::new(Kind::OutcomeUnknown, "the vendor accepted the order without naming its OrderID")),
        })
    }

    /// Makes a call whose result is JSON, decrypted if the client has a decryptor.
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
        let located = |error: Error| error.with_operation(Op::META.name).with_status(response.status.as_u16());
        let (value, warnings) = body.open(order, decryptor.as_ref()).map_err(located)?;
        response.warnings.extend(warnings);
        Ok(response.map(|()| value))
    }

    /// Reads the checked data and how the person was identified, [T 3.3]: the bytes of the response, decrypted if the
    /// client has a decryptor, after all checks.
    pub(crate) async fn ident_data_as_received(&self, order: &OrderId, options: &CallOptions) -> Result<Bytes, Error> {
        let operation = GetIdentDataMethod::new(order.clone());
        let Some(decryptor) = &self.decryptor else {
            return Ok(self.call(&AsReceived(operation), options).await?.value.1);
        };
        let response = self.call(&AsReceived(MaybeEncrypted(operation)), options).await?;
        let status = response.status.as_u16();
        let (body, received) = response.value;
        let located = |error: Error| error.with_operation(GetIdentDataMethod::META.name).with_status(status);
        body.open_bytes(received, order, decryptor.as_ref()).map_err(located)
    }

    /// Whether the data of an order that could be read before is deleted: `getIdentData` responds with 404 (AT-09). The
    /// status proves nothing: the vendor deletes only the data.
    ///
    /// A 404 counts only if its body is empty or a JSON object without data of a person. With another body, e.g. an HTML
    /// page, it may come from another server, because of a wrong base URL.
    ///
    /// # Errors
    /// [`Kind::OutcomeUnknown`] for such a 404; any other failure. It is then unknown whether the data is deleted.
    pub async fn data_is_gone(&self, order: &OrderId, options: &CallOptions) -> Result<bool, Error> {
        match self.ident_data(order, options).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            Err(error) if error.answer().is_some_and(|answer| proves_absence(order, answer.body())) => Ok(true),
            Err(error) => {
                let detail = "the response with status 404 proves no deletion: its body is neither empty nor an error \
                              object about this order";
                Err(error.with_kind(Kind::OutcomeUnknown, detail).with_advice(Advice::Reconcile))
            }
        }
    }

    /// Checks that the service is up, [T 7.1]. Never retried.
    ///
    /// # Errors
    /// As [`Driver::call`]. [`health`](Self::health) maps the result to a state.
    pub async fn server_status(&self, options: &CallOptions) -> Result<Response<()>, Error> {
        self.call(&ServerStatus, &options.clone().attempts(1)).await
    }
}

/// Whether a body is empty, or a JSON object without data of a person that names no other order (AT-24).
fn proves_absence(order: &OrderId, body: &Bytes) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    let has_data = ["identdata", "identified", "firstname", "surname"].iter().any(|name| {
        // An error text can contain the name of the call.
        text.contains(&format!("\"{name}"))
    });
    trim_body(body).is_empty() || (is_json_object(body) && !has_data && check_found_orders(order, body).is_ok())
}
