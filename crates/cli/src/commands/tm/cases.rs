//! identity.TM in `identkit run` and `identkit case`.

use std::sync::Arc;

use async_trait::async_trait;
use clap::Args;
use identkit_collector::{CaseOpener, CaseWebhook, OpenCall, ProviderSetup};
use identkit_core::{CallOptions, Error, IdentityProvider, Kind, Opened, Purpose, Secret};
use identkit_identity_tm::{
    Credentials, IdentityTm, OrderCallback, OrderFlavor, OrderId, PutOrder, ServerStatus, VideoCallback,
};
use identkit_transport::{ClientSettings, NoAuth, SystemClock, Transport};
use identkit_wire::{Callback as _, doubt_not_found};

use super::arguments::{CredentialArguments, Switch, dialect};
use super::orders;
use crate::account::{Account, Calls, Endpoint, Examination, Renew, VendorCase, WebhookBase, renew};
use crate::connection::Route;
use crate::context::warn;
use crate::exit::Failure;
use crate::input::Input;
use crate::network;
use crate::output::say;
use crate::signed_form::SignedForm;

const VARIABLE: &str = "IDENTKIT_TM_BASE_URL";

/// An order that no account has: to read its status needs credentials, and changes nothing.
const NO_ORDER: &str = "00000000000000";

/// The requirements of chapters 9.2 and 9.3 (T-008).
const END_USERS: &[&str] = &[
    "computer: one of the last two versions of Chrome, Opera or Firefox, or of Safari on macOS",
    "phone: a current Android with a current Chrome, or the vendor's app for Android or iOS",
    "camera with at least 640 x 480 pixels, and at least 0.5 MB/s in both directions",
    "network: TCP port 443 is open, also for traffic that is not HTTP; better UDP port 3478; best UDP ports 1025 to 65535; \
     TLS 1.2",
    "WebRTC: outgoing TCP on port 443 that is not TLS, to *.tokbox.com, static.opentok.com, enterprise.opentok.com, \
     api.opentok.com and anvil.opentok.com",
    "WebSocket: wss://ws.pusherapp.com on port 443, or ws://ws.pusherapp.com on port 80",
];

/// The account at identity.TM.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "identity.TM")]
pub(crate) struct TmAccount {
    /// Base URL of identity.TM; `http://` is accepted for loopback only.
    #[arg(long, env = VARIABLE, hide_env_values = true, value_name = "URL",
          default_value = identkit_identity_tm::DEFAULT_BASE_URL)]
    tm_base_url: String,

    #[command(flatten)]
    account: CredentialArguments,

    /// Resolves an ambiguity of the vendor's document in another way. Can be given several times.
    #[arg(long, value_name = "SWITCH", value_enum)]
    tm_dialect: Vec<Switch>,
}

impl TmAccount {
    /// An account without credentials, for commands that make no call.
    pub(crate) fn offline() -> Self {
        Self {
            tm_base_url: identkit_identity_tm::DEFAULT_BASE_URL.to_owned(),
            account: CredentialArguments::default(),
            tm_dialect: Vec::new(),
        }
    }

    fn client(&self, calls: Calls, route: &Route) -> Result<IdentityTm, Failure> {
        let credentials = match calls {
            Calls::None => Credentials::new("none", "none"),
            Calls::Open | Calls::All => self.account.credentials()?,
        };
        let transport = match calls {
            Calls::None => network::unconnected(),
            Calls::Open | Calls::All => {
                network::vendor(route, &network::base_url(&self.tm_base_url, "--tm-base-url", VARIABLE)?)?
            }
        };
        self.client_over(credentials, transport)
    }

    fn client_over(&self, credentials: Credentials, transport: Arc<dyn Transport>) -> Result<IdentityTm, Failure> {
        let builder = IdentityTm::builder(credentials)
            .base_url(self.tm_base_url.as_str())
            .dialect(dialect(&self.tm_dialect))
            .transport(transport)
            .clock(Arc::new(SystemClock::new()));
        builder.build().map_err(|error| {
            Failure::usage(format!("--customer-id and --customer-code cannot be used: {}", error.detail()))
        })
    }
}

#[async_trait]
impl Account for TmAccount {
    fn names(&self) -> &'static [&'static str] {
        &[identkit_identity_tm::PROVIDER, "tm"]
    }

    fn is_given(&self) -> bool {
        self.account.is_given()
    }

    fn check_credentials(&self) -> Result<(), Failure> {
        self.account.credentials().map(drop)
    }

    fn endpoint(&self) -> Endpoint<'_> {
        Endpoint {
            base_url: &self.tm_base_url,
            option: "--tm-base-url",
            variable: VARIABLE,
            default: identkit_identity_tm::DEFAULT_BASE_URL,
        }
    }

    async fn examine(&self, transport: Arc<dyn Transport>, options: &CallOptions) -> Examination {
        // Without credentials, because the vendor does not check them here (AT-80).
        let mut settings = ClientSettings::new(&self.tm_base_url, dialect(&self.tm_dialect));
        settings.transport = Some(Arc::clone(&transport));
        let service = match settings.driver(Arc::new(NoAuth)) {
            Ok(driver) => driver.call(&ServerStatus, options).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = service {
            return Examination { service: Some(Err(error.into())), credentials: None };
        }
        let client = self.account.credentials().and_then(|credentials| self.client_over(credentials, transport));
        let credentials = match client {
            Ok(client) => match client.status(&OrderId::new(NO_ORDER), options).await {
                Ok(_) => Some(Ok(())),
                // The page of another server says nothing about the credentials.
                Err(error) => match doubt_not_found(error) {
                    error if error.kind() == Kind::NotFound => Some(Ok(())),
                    error => Some(Err(error.into())),
                },
            },
            Err(_) => None,
        };
        Examination { service: Some(Ok(())), credentials }
    }

    fn end_users(&self) -> &'static [&'static str] {
        END_USERS
    }

    async fn provider(&self, calls: Calls, route: &Route) -> Result<Arc<dyn IdentityProvider>, Failure> {
        Ok(Arc::new(self.client(calls, route)?))
    }

    async fn lasting(&self, route: &Route) -> Result<(Arc<dyn IdentityProvider>, Renew), Failure> {
        let client = self.client(Calls::All, route)?;
        let (account, same) = (self.account.clone(), client.clone());
        let renew = renew(move || account.credentials(), move |credentials| same.set_credentials(credentials))?;
        Ok((Arc::new(client), renew))
    }

    fn with_webhooks(&self, setup: ProviderSetup, base: WebhookBase) -> ProviderSetup {
        let (on_final, on_recording) = (OrderCallback::OnFinal, VideoCallback);
        let again = base.clone();
        setup
            .on_final(CaseWebhook::new(on_final.name(), move |token| on_final.url_template(base.get()?, token)))
            .on_recording(CaseWebhook::with_vendor_id(on_recording.name(), move |token, id| {
                on_recording.url(again.get()?, token, &OrderId::new(id.expose()))
            }))
    }

    fn name_options(&self, failure: Failure) -> Failure {
        failure.rename_option("--dialect", "--tm-dialect")
    }

    fn can_reuse(&self) -> bool {
        true
    }

    fn check_id(&self, id: &str) -> Result<(), Error> {
        OrderId::parse(id).map(drop)
    }

    fn read_case(
        &self,
        input: &Input,
        signed: Option<SignedForm>,
        reference: Option<&str>,
        route: &Route,
    ) -> Result<VendorCase, Failure> {
        let mut order = orders::with_signed_data(orders::read(input)?, input, signed)?;
        let dialect = dialect(&self.tm_dialect);
        orders::note_changes(input, &order, &dialect);
        if let Some(reference) = reference {
            order = order.reference(reference);
        }
        // A mistake must not use up the reference.
        order.check(&dialect).map_err(|error| self.name_options(error.into()))?;
        if order.get_target_link != Some(true) {
            say("note: the order does not ask for the person's link (getTargetLink), so person_url will be empty");
        }
        let purpose = match order.flavor() {
            OrderFlavor::IdentOnly => Purpose::Identification,
            _ => Purpose::Signature,
        };
        let reference = order.reference.as_ref().map(|reference| reference.expose().as_str().into());
        let has_webhook = order.webhook_url.as_ref().is_some_and(|urls| urls.on_final.is_some());
        let has_signed_data = order.ident_data_signed.is_some();
        let opener = OrderOpener { client: self.client(Calls::Open, route)?, order };
        Ok(VendorCase { purpose, reference, has_webhook, has_signed_data, opener: Box::new(opener) })
    }
}

/// Places an order in the vendor's format.
#[derive(Debug)]
pub(crate) struct OrderOpener {
    pub(crate) client: IdentityTm,
    pub(crate) order: PutOrder,
}

#[async_trait]
impl CaseOpener for OrderOpener {
    fn expected_state(&self, _: &dyn IdentityProvider) -> Option<Secret> {
        Some(self.order.case_state())
    }

    async fn open(&self, call: &OpenCall<'_>) -> Result<Opened, Error> {
        let mut order = self.order.clone().reference(call.reference);
        if let Some(url) = call.webhook_final {
            let urls = order.webhook_url.take().unwrap_or_default();
            order = order.webhook_url(urls.on_final(url.clone()));
        }
        let placed = warn(self.client.put_order(&order, call.options).await)?.value;
        Ok(Opened::new(placed.case_ref(), placed.answer.target_url))
    }
}
