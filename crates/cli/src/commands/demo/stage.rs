//! A sandbox and a receiver of webhooks.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use identkit_core::{Clock, Event, MemoryInbox, Secret};
use identkit_mock_server::server::{self, Authority, Listener};
use identkit_mock_server::{Sandbox, Transition};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{SystemClock, Transport};
use identkit_webhook::{FileInbox, Receiver};
use identkit_wire::Callback;
use serde_json::Value;

use super::files::Folder;
use super::inbox::ObservedInbox;
use super::report::{Report, Stop};
use crate::exit::Failure;

/// How long a webhook may take to arrive on one machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks at whether something has happened.
const PAUSE: Duration = Duration::from_millis(2);

/// What both flows work with.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) api: Listener,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) listening: Option<identkit_webhook::Listener>,
    pub(super) base: Uri,
    pub(super) inbox: Arc<ObservedInbox>,
    pub(super) folder: Folder,
}

impl Stage {
    /// A setting of one of the sandbox's accounts.
    pub(super) fn account(&self, vendor: &str, setting: &str) -> String {
        let accounts = self.sandbox.accounts();
        let account = accounts.iter().find(|(name, _)| *name == vendor).map(|(_, account)| account);
        account.and_then(|account| account.get(setting)).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A fresh token that the receiver accepts for this provider.
    pub(super) fn token(&self, provider: &str) -> Secret {
        let token = format!("{:032x}", fastrand::u128(..));
        self.receiver.accept_token(provider, Secret::new(token.as_str()));
        Secret::new(token)
    }

    async fn pause(&self) {
        drop(self.clock.sleep_until(self.clock.now().plus(PAUSE)).await);
    }

    /// The event of this callback about this case, when it arrives in time.
    pub(super) async fn arrival(&self, callback: &impl Callback, case: &str) -> Option<Event> {
        let about_it = |event: &Event| event.case_id.as_ref().is_some_and(|id| id.expose() == case);
        let deadline = self.clock.now().plus(PATIENCE);
        loop {
            let mut events = self.inbox.copy.events().into_iter();
            let found = events.find(|event| event.name == callback.name() && about_it(event));
            if found.is_some() || self.clock.now() >= deadline {
                return found;
            }
            self.pause().await;
        }
    }
}

/// Plays the person. A vendor holds an order while it calls a webhook about it (T-033), and the webhook is in our inbox
/// before the vendor has heard that it is: so a conflict is waited out.
pub(super) async fn person(
    stage: &Stage,
    report: &mut Report,
    case: &str,
    story: &str,
    title: &'static str,
) -> Result<(), Stop> {
    let step = report.begin(title, "sandbox");
    let story_of_it = Transition::Scenario(story.to_owned());
    let deadline = stage.clock.now().plus(PATIENCE);
    let reason = loop {
        match stage.sandbox.transition(case, &story_of_it) {
            Some(Ok(())) => {
                report.done(step, None, format!("story {story}"));
                return Ok(());
            }
            Some(Err(refused)) if refused.status == 409 && stage.clock.now() < deadline => {
                stage.pause().await;
            }
            Some(Err(refused)) => break refused.text(),
            None => break "it has no such case".to_owned(),
        }
    };
    let account = format!(
        "What happened: the sandbox did not play the story {story}: {reason}.\n\
         What was not done: everything after it. What to do: this is a bug of identkit, please report it."
    );
    report.check(step, false, &reason, &account)
}

pub(super) async fn build(folder: Folder, report: &mut Report) -> Result<Stage, Failure> {
    let local = |what: &'static str| move |error: std::io::Error| Failure::local(format!("{what}: {error}"));
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());

    let step = report.begin("start a sandbox of both vendors", "sandbox");
    let authority = Authority::new().map_err(local("no certificate could be made"))?;
    let tls = TlsConfig::with_authorities(&[authority.der().to_vec()])?;
    let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new(&tls));
    let sandbox = Sandbox::builder().seed(fastrand::u64(..)).webhook_transport(Arc::clone(&transport)).start();
    let api = server::vendors(&sandbox, any, Some(&authority)).await.map_err(local("the sandbox cannot listen"))?;
    report.done(step, None, format!("{} with a CA of its own", api.url()));

    let step = report.begin("start a webhook receiver", "receiver");
    let path = folder.path("inbox.jsonl");
    let file = FileInbox::open(&path)
        .map_err(|error| Failure::local(format!("the inbox {} cannot be used: {error}", path.display())))?;
    let inbox = Arc::new(ObservedInbox { file, copy: MemoryInbox::new() });
    let mut callbacks = identkit_identity_tm::callbacks();
    callbacks.push(Arc::new(identkit_identify24::IdentStatusCallback));
    let receiver = Arc::new(Receiver::new(callbacks, Arc::<ObservedInbox>::clone(&inbox)));
    let listening = identkit_webhook::listen(Arc::clone(&receiver), any, Arc::clone(&clock))
        .await
        .map_err(local("the receiver cannot listen"))?;
    let url = format!("http://{}", listening.address());
    report.done(step, None, format!("{url}, inbox {}", path.display()));
    let base = url.parse().map_err(|_| Failure::local("the receiver has no URL"))?;
    Ok(Stage { sandbox, api, transport, clock, receiver, listening: Some(listening), base, inbox, folder })
}
