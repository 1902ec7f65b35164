//! identify24 in `identkit run` and `identkit case`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use clap::Args;
use identkit_collector::{CaseOpener, OpenCall, ProviderSetup};
use identkit_core::{CallOptions, Error, IdentityProvider, Kind, Opened, Outcome, Pii, Purpose, Secret};
use identkit_identify24::messages::{CreateIdent, IdentId};
use identkit_identify24::operations::Login;
use identkit_identify24::{CasePolicy, Credentials, Dialect, Identify24 as Client};
use identkit_transport::Transport;
use identkit_wire::Operation as _;

use super::arguments::{CredentialArguments, OutcomeArguments, Switches};
use super::client::unusable;
use super::{create, ident};
use crate::account::{Account, Calls, Endpoint, Examination, Renew, VendorCase, WebhookBase, renew};
use crate::connection::Route;
use crate::context::warn;
use crate::exit::Failure;
use crate::input::Input;
use crate::network;
use crate::signed_form::SignedForm;

const VARIABLE: &str = "IDENTKIT_IDENTIFY24_BASE_URL";

/// A status that the vendor does not send: a command that judges no case needs no status.
const NO_STATUS: &str = "(none)";

/// The account at identify24.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "identify24")]
pub(crate) struct Identify24Account {
    /// Base URL of identify24; `http://` is accepted for loopback only.
    #[arg(long, env = VARIABLE, hide_env_values = true, value_name = "URL",
          default_value = identkit_identify24::DEFAULT_BASE_URL)]
    identify24_base_url: String,

    #[command(flatten)]
    account: CredentialArguments,

    #[command(flatten)]
    outcomes: OutcomeArguments,

    /// Sends names and places unchanged. By default they are sent in upper case, as the document requires.
    #[arg(long)]
    preserve_case: bool,

    #[command(flatten)]
    switches: Switches,
}

impl Identify24Account {
    /// An account without credentials, for commands that make no call.
    pub(crate) fn offline() -> Self {
        Self {
            identify24_base_url: identkit_identify24::DEFAULT_BASE_URL.to_owned(),
            account: CredentialArguments::default(),
            outcomes: OutcomeArguments::default(),
            preserve_case: false,
            switches: Switches::default(),
        }
    }

    fn dialect(&self) -> Dialect {
        let case = if self.preserve_case { CasePolicy::Preserve } else { CasePolicy::Uppercase };
        self.switches.apply(Dialect::new().case(case))
    }

    fn client(&self, calls: Calls, route: &Route, outcomes: &BTreeMap<String, Outcome>) -> Result<Client, Failure> {
        let (credentials, transport) = match calls {
            Calls::None => (Credentials::new("none", "none"), network::unconnected()),
            Calls::Open | Calls::All => {
                let base = network::base_url(&self.identify24_base_url, "--identify24-base-url", VARIABLE)?;
                (self.account.credentials()?, network::vendor(route, &base)?)
            }
        };
        self.client_over(credentials, transport, outcomes)
    }

    fn client_over(
        &self,
        credentials: Credentials,
        transport: Arc<dyn Transport>,
        outcomes: &BTreeMap<String, Outcome>,
    ) -> Result<Client, Failure> {
        let outcomes = outcomes.iter().map(|(status, outcome)| (status.as_str(), *outcome));
        let builder = Client::builder(credentials)
            .base_url(self.identify24_base_url.as_str())
            .dialect(self.dialect())
            .transport(transport)
            .outcomes(outcomes);
        builder.build().map_err(|error| unusable(&error))
    }

    /// The client with the meaning of the statuses, which it needs for some calls.
    async fn judging_client(&self, calls: Calls, route: &Route) -> Result<Client, Failure> {
        let mut outcomes = ident::outcomes(&self.outcomes).await?;
        let knows_positive_end = outcomes.values().any(|outcome| *outcome == Outcome::Positive);
        match calls {
            Calls::All if !knows_positive_end => {
                return Err(Failure::usage(
                    "identify24: the status of a positive end is missing, which the document does not name (AI-12); ask \
                     the vendor, and pass it, e.g. --outcome Identified=positive",
                )
                .note("--provider tm leaves identify24 out"));
            }
            Calls::All => {}
            Calls::None | Calls::Open => drop(outcomes.insert(NO_STATUS.to_owned(), Outcome::Positive)),
        }
        self.client(calls, route, &outcomes)
    }
}

#[async_trait]
impl Account for Identify24Account {
    fn names(&self) -> &'static [&'static str] {
        &[identkit_identify24::PROVIDER]
    }

    fn is_given(&self) -> bool {
        self.account.is_given()
    }

    fn check_credentials(&self) -> Result<(), Failure> {
        self.account.credentials().map(drop)
    }

    fn endpoint(&self) -> Endpoint<'_> {
        Endpoint {
            base_url: &self.identify24_base_url,
            option: "--identify24-base-url",
            variable: VARIABLE,
            default: identkit_identify24::DEFAULT_BASE_URL,
        }
    }

    /// The API has no call without credentials: a login shows both.
    async fn examine(&self, transport: Arc<dyn Transport>, options: &CallOptions) -> Examination {
        let client = self.account.credentials();
        let client = client.and_then(|credentials| self.client_over(credentials, transport, &BTreeMap::new()));
        let Ok(client) = client else { return Examination::default() };
        match client.login(options).await.map_err(|error| error.with_operation(Login::META.name)) {
            Ok(_) => Examination { service: Some(Ok(())), credentials: Some(Ok(())) },
            Err(error) if error.kind() == Kind::Authentication => {
                Examination { service: Some(Ok(())), credentials: Some(Err(error.into())) }
            }
            Err(error) => Examination { service: Some(Err(error.into())), credentials: None },
        }
    }

    async fn provider(&self, calls: Calls, route: &Route) -> Result<Arc<dyn IdentityProvider>, Failure> {
        Ok(Arc::new(self.judging_client(calls, route).await?))
    }

    async fn lasting(&self, route: &Route) -> Result<(Arc<dyn IdentityProvider>, Renew), Failure> {
        let client = self.judging_client(Calls::All, route).await?;
        let (account, same) = (self.account.clone(), client.clone());
        let renew = renew(move || account.credentials(), move |credentials| same.set_credentials(credentials))?;
        Ok((Arc::new(client), renew))
    }

    /// The URL is set in the partner portal (I-080).
    fn with_webhooks(&self, setup: ProviderSetup, _: WebhookBase) -> ProviderSetup {
        setup
    }

    fn check_id(&self, id: &str) -> Result<(), Error> {
        IdentId::from_typed(id).map(drop)
    }

    fn read_case(
        &self,
        input: &Input,
        _: Option<SignedForm>,
        reference: Option<&str>,
        route: &Route,
    ) -> Result<VendorCase, Failure> {
        let dialect = self.dialect();
        let mut ident = create::read(input, &dialect)?;
        if let Some(reference) = reference {
            ident = ident.custom_id(reference);
        }
        // A mistake must not use up the reference.
        ident.encode(&dialect)?;
        let signs = ident.pdf_content.is_some() || ident.pdf_url.is_some();
        let purpose = if signs { Purpose::Signature } else { Purpose::Identification };
        let reference = ident.custom_id.as_ref().map(|id| Secret::new(Pii::expose(id).as_str()));
        let opener = IdentOpener { client: self.client(Calls::Open, route, &BTreeMap::new())?, ident };
        Ok(VendorCase { purpose, reference, has_webhook: false, has_signed_data: false, opener: Box::new(opener) })
    }
}

/// Creates an ident in the vendor's format.
#[derive(Debug)]
pub(crate) struct IdentOpener {
    pub(crate) client: Client,
    pub(crate) ident: CreateIdent,
}

#[async_trait]
impl CaseOpener for IdentOpener {
    async fn open(&self, call: &OpenCall<'_>) -> Result<Opened, Error> {
        let ident = self.ident.clone().custom_id(call.reference);
        let created = warn(self.client.create_ident(&ident, call.options).await)?.value;
        Ok(Opened::new(created.case_ref()?, created.conference_url))
    }
}
