//! The account with which a collector calls one vendor.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use http::Uri;
use identkit_collector::{CaseOpener, ProviderSetup};
use identkit_core::{CallOptions, Error, IdentityProvider, Kind, Purpose, Secret};
use identkit_transport::Transport;

use crate::connection::Route;
use crate::exit::Failure;
use crate::input::Input;
use crate::signed_form::SignedForm;

/// The calls that a command makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// None: no credentials are needed.
    None,
    /// It opens, cancels or deletes cases, and judges none.
    Open,
    /// All, so that it must know how a case ends.
    All,
}

/// The URL at which the vendors reach the receiver. It can be set after the receiver listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookBase(Arc<OnceLock<Uri>>);

impl WebhookBase {
    /// Sets the URL, once.
    pub(crate) fn set(&self, base: Uri) {
        drop(self.0.set(base));
    }

    /// Returns the URL.
    ///
    /// # Errors
    /// If it is not known.
    pub(crate) fn get(&self) -> Result<&Uri, Error> {
        self.0.get().ok_or_else(|| {
            Error::new(Kind::InvalidInput, "the webhook needs a receiver: use --listen or --webhook-base")
        })
    }
}

/// A case in the vendor's own format.
#[derive(Debug)]
pub(crate) struct VendorCase {
    pub(crate) purpose: Purpose,
    /// The reference in it.
    pub(crate) reference: Option<Secret>,
    /// Whether it has a URL for the webhook of its end.
    pub(crate) has_webhook: bool,
    /// Whether it has the signed data of an earlier case.
    pub(crate) has_signed_data: bool,
    /// Sends the request.
    pub(crate) opener: Box<dyn CaseOpener>,
}

/// Reads the credentials, and gives them to a client. `again`: also if they have not changed since. Returns whether they were
/// given.
pub(crate) type Renew = Box<dyn FnMut(bool) -> Result<bool, Failure> + Send>;

/// Creates a [`Renew`] of a client that has the credentials that `read` returns now.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn renew<T: PartialEq + Send + 'static>(
    read: impl Fn() -> Result<T, Failure> + Send + 'static,
    set: impl Fn(&T) -> Result<(), Error> + Send + 'static,
) -> Result<Renew, Failure> {
    let mut last = read()?;
    Ok(Box::new(move |again| {
        let new = read()?;
        if new == last && !again {
            return Ok(false);
        }
        set(&new)?;
        last = new;
        Ok(true)
    }))
}

/// The base URL of a vendor's API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint<'a> {
    pub(crate) base_url: &'a str,
    /// The option and the variable that set it.
    pub(crate) option: &'static str,
    pub(crate) variable: &'static str,
    /// The default of both.
    pub(crate) default: &'static str,
}

/// The results of calls that change nothing at the vendor. A call that was not made has none.
#[derive(Debug, Default)]
pub(crate) struct Examination {
    /// Whether the vendor's API responds at the base URL.
    pub(crate) service: Option<Result<(), Failure>>,
    /// Whether the vendor accepts the credentials.
    pub(crate) credentials: Option<Result<(), Failure>>,
}

/// The account at one vendor, from options, variables and files.
#[async_trait]
pub(crate) trait Account: fmt::Debug + Send + Sync {
    /// The words of `--provider` for it. The first one is the name of the provider.
    fn names(&self) -> &'static [&'static str];

    /// Whether any part of its credentials is given.
    fn is_given(&self) -> bool;

    /// Checks that all parts of the credentials are given.
    ///
    /// # Errors
    /// If a part is missing or cannot be read.
    fn check_credentials(&self) -> Result<(), Failure>;

    /// Returns the base URL.
    fn endpoint(&self) -> Endpoint<'_>;

    /// Makes calls that change nothing at the vendor, to find out whether the service and the credentials can be used.
    async fn examine(&self, transport: Arc<dyn Transport>, options: &CallOptions) -> Examination;

    /// What the vendor requires of the devices and networks of its users, for the page that leads to the vendor.
    fn end_users(&self) -> &'static [&'static str] {
        &[]
    }

    /// Builds the client.
    ///
    /// # Errors
    /// If a part of the account is missing or unusable.
    async fn provider(&self, calls: Calls, route: &Route) -> Result<Arc<dyn IdentityProvider>, Failure>;

    /// Builds the client of a process that runs for long: for all calls, and with what renews its credentials.
    ///
    /// # Errors
    /// As [`provider`](Self::provider).
    async fn lasting(&self, route: &Route) -> Result<(Arc<dyn IdentityProvider>, Renew), Failure>;

    /// Adds the webhooks that are set for each case, if the vendor has any.
    fn with_webhooks(&self, setup: ProviderSetup, base: WebhookBase) -> ProviderSetup;

    /// Names the vendor's options in a failure as `run` and `case` have them.
    fn name_options(&self, failure: Failure) -> Failure {
        failure
    }

    /// Whether a new case can use the signed data of an earlier one.
    fn can_reuse(&self) -> bool {
        false
    }

    /// Reads and checks a case in the vendor's own format, and adds the signed data of an earlier case. A vendor that cannot
    /// reuse them gets none.
    ///
    /// # Errors
    /// If it is not in this format or breaks a rule. Nothing is sent or stored then.
    fn read_case(
        &self,
        input: &Input,
        signed: Option<SignedForm>,
        reference: Option<&str>,
        route: &Route,
    ) -> Result<VendorCase, Failure>;

    /// Fails unless a text that a person typed has the documented form of the vendor's ids.
    fn check_id(&self, id: &str) -> Result<(), Error>;
}
