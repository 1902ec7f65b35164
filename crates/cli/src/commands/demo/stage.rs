//! The setup of the demo: a sandbox and a webhook receiver.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use identkit_core::{Clock, Event, Secret};
use identkit_mock_server::server::{self, Authority, Listener};
use identkit_mock_server::{Sandbox, TransitionError};
use identkit_store::{EventId, Store};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{SystemClock, Transport};
use identkit_webhook::{ListenOptions, Receiver};
use identkit_wire::Callback;
use serde_json::Value;

use super::files::{Folder, STORE};
use super::report::{Report, Stop};
use crate::exit::Failure;
use crate::store::{Location, Missing, StoreArguments};

/// How long the demo waits for a webhook.
pub(super) const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// How often the demo polls for a webhook.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Number of events that are read at once: more than one demo has.
const EVENTS: usize = 100;

/// The setup that both flows share.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) api: Listener,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) listening: Option<identkit_webhook::Listener>,
    pub(super) base: Uri,
    pub(super) store: Store,
    /// The last event before the demo.
    before: EventId,
    pub(super) folder: Folder,
}

impl Stage {
    /// A setting of a vendor's account in the sandbox.
    pub(super) fn account(&self, vendor: &str, setting: &str) -> String {
        let accounts = self.sandbox.accounts();
        let account = accounts.iter().find(|(name, _)| *name == vendor).map(|(_, account)| account);
        account.and_then(|account| account.get(setting)).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Creates a token for the webhooks of this callback.
    pub(super) async fn token(&self, callback: &impl Callback) -> Result<Secret, Failure> {
        Ok(self.store.create_token(callback.provider(), callback.name()).await?)
    }

    async fn pause(&self) {
        drop(self.clock.sleep_until(self.clock.now().plus(POLL_INTERVAL)).await);
    }

    /// Waits for the event of this callback and case. `None` after [`WEBHOOK_TIMEOUT`].
    pub(super) async fn arrival(&self, callback: &impl Callback, case: &str) -> Result<Option<Event>, Failure> {
        let is_about_case = |event: &Event| event.case_id.as_ref().is_some_and(|id| id.expose() == case);
        let deadline = self.clock.now().plus(WEBHOOK_TIMEOUT);
        loop {
            let events = self.store.events(self.before, EVENTS).await?;
            let mut events = events.into_iter().map(|stored| stored.delivery.event);
            let event = events.find(|event| event.name == callback.name() && is_about_case(event));
            if event.is_some() || self.clock.now() >= deadline {
                return Ok(event);
            }
            self.pause().await;
        }
    }
}

/// Plays the person. A vendor locks an order during a webhook (T-033), and the event is in the inbox before the vendor
/// has the receiver's response. So this waits while the sandbox reports a conflict.
pub(super) async fn person(
    stage: &Stage,
    report: &mut Report,
    case: &str,
    story: &str,
    title: &'static str,
) -> Result<(), Stop> {
    let step = report.begin(title, "sandbox");
    let deadline = stage.clock.now().plus(WEBHOOK_TIMEOUT);
    let reason = loop {
        match stage.sandbox.play(case, story) {
            Ok(()) => {
                report.done(step, None, format!("story {story}"));
                return Ok(());
            }
            Err(TransitionError::Rejected(refused)) if refused.status == 409 && stage.clock.now() < deadline => {
                stage.pause().await;
            }
            Err(error) => break error.to_string(),
        }
    };
    let account = format!(
        "What happened: the sandbox rejected the story {story}: {reason}.\n\
         What was not done: all later steps. What to do: this is a bug of identkit, please report it."
    );
    report.check(step, false, &reason, &account)
}

/// Id of the last event in the store.
async fn last_event(store: &Store) -> Result<EventId, Failure> {
    let mut last = EventId::default();
    while let Some(event) = store.events(last, EVENTS).await?.last() {
        last = event.id;
    }
    Ok(last)
}

pub(super) async fn build(folder: Folder, report: &mut Report) -> Result<Stage, Failure> {
    let local = |what: &'static str| move |error: std::io::Error| Failure::local(format!("{what}: {error}"));
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());

    let step = report.begin("start a sandbox of both vendors", "sandbox");
    let authority = Authority::new().map_err(local("the certificate cannot be created"))?;
    let tls = TlsConfig::with_authorities(&[authority.der().to_vec()])?;
    let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new(&tls));
    let sandbox = Sandbox::builder().seed(fastrand::u64(..)).webhook_transport(Arc::clone(&transport)).start();
    let api = server::vendors(&sandbox, any, Some(&authority)).await.map_err(local("the sandbox cannot listen"))?;
    report.done(step, None, format!("{}, with its own CA", api.url()));

    let step = report.begin("start a webhook receiver", "receiver");
    let path = folder.path(STORE);
    let arguments = StoreArguments { store: Location::Sqlite(path.clone()), key_file: None };
    let (store, _) = arguments.open_silently(Missing::Create).await?;
    let before = last_event(&store).await?;
    let mut callbacks = identkit_identity_tm::callbacks();
    callbacks.push(Arc::new(identkit_identify24::IdentStatusCallback));
    let receiver =
        Receiver::new(callbacks, Arc::new(store.clone()), Arc::clone(&clock)).tokens(Arc::new(store.clone()));
    let listening = identkit_webhook::listen(Arc::new(receiver), any, ListenOptions::default())
        .await
        .map_err(local("the receiver cannot listen"))?;
    let url = format!("http://{}", listening.address());
    report.done(step, None, format!("{url}, store {}", path.display()));
    let base = url.parse().map_err(|_| Failure::local("the URL of the receiver is not valid"))?;
    Ok(Stage { sandbox, api, transport, clock, listening: Some(listening), base, store, before, folder })
}
