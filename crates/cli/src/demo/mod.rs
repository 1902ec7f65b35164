//! `identkit demo`: both vendors' typical flow, end to end, over TLS, against a sandbox of its own.
//!
//! Everything is real but the vendors: sockets, TLS, webhooks, files. Each check that does not hold fails the demo.

mod files;
mod identify24;
mod identity_tm;
mod inbox;
mod report;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Clock, Secret};
use identkit_mock_server::server::{self, Authority, Listening};
use identkit_mock_server::{Sandbox, Transition};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{SystemClock, Transport};
use identkit_webhook::{FileInbox, Receiver};
use serde_json::Value;

use self::files::Folder;
use self::inbox::{Arrivals, Watched};
use self::report::{Report, Stopped};
use crate::args::{Break, DemoOptions, Format};
use crate::exit::Failure;

/// How long a webhook may take to arrive on one machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks at whether something has happened.
const PAUSE: Duration = Duration::from_millis(2);

/// The stage on which both flows play.
struct Stage {
    sandbox: Sandbox,
    api: Listening,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    receiver: Arc<Receiver>,
    listening: Option<identkit_webhook::Listening>,
    base: String,
    arrivals: Arrivals,
    folder: Folder,
}

impl Stage {
    /// A setting of one of the sandbox's accounts.
    fn account(&self, vendor: &str, setting: &str) -> String {
        let accounts = self.sandbox.accounts();
        let account = accounts.iter().find(|(name, _)| *name == vendor).map(|(_, account)| account);
        account.and_then(|account| account.get(setting)).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A fresh token that the receiver accepts for this provider.
    fn token(&self, provider: &str) -> Secret {
        let token = format!("{:032x}", fastrand::u128(..));
        self.receiver.accept_token(provider, Secret::new(token.as_str()));
        Secret::new(token)
    }
}

pub(crate) async fn run(options: &DemoOptions, format: Format) -> Result<ExitCode, Failure> {
    let mut report = Report::new(format);
    let folder = Folder::make(&options.out)?;
    let mut stage = set(folder, &mut report).await?;

    let first = identity_tm::play(&mut stage, &mut report, options.breaks == Some(Break::Receiver)).await;
    let outcome = match first {
        Ok(()) => identify24::play(&mut stage, &mut report).await,
        Err(stopped) => Err(stopped),
    };
    report.finish(outcome, &stage.folder)
}

/// Plays the person. A vendor holds an order while it calls a webhook about it (T-033), and the webhook is in our inbox
/// before the vendor has heard that it is: so a conflict is waited out.
async fn person(stage: &Stage, report: &mut Report, case: &str, story: &str, title: &str) -> Result<(), Stopped> {
    let began = report.begin(title, "sandbox");
    let story_of_it = Transition::Story(story.to_owned());
    let deadline = stage.clock.now().plus(PATIENCE);
    let reason = loop {
        match stage.sandbox.transition(case, &story_of_it) {
            Some(Ok(())) => {
                report.done(began, None, &format!("story {story}"));
                return Ok(());
            }
            Some(Err(refused)) if refused.status == 409 && stage.clock.now() < deadline => {
                drop(stage.clock.sleep_until(stage.clock.now().plus(PAUSE)).await);
            }
            Some(Err(refused)) => break refused.text(),
            None => break "it has no such case".to_owned(),
        }
    };
    let account = [
        format!("What happened: the sandbox did not play the story {story}: {reason}."),
        "What was not done: everything after it. What to do: this is a bug of identkit, please report it.".to_owned(),
    ];
    report.check(began, false, &reason, &account.each_ref().map(String::as_str))
}

/// Starts sandbox and receiver.
async fn set(folder: Folder, report: &mut Report) -> Result<Stage, Failure> {
    let local = |what: &'static str| move |error: std::io::Error| Failure::local(format!("{what}: {error}"));
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());

    let began = report.begin("start a sandbox of both vendors", "sandbox");
    let authority = Authority::new().map_err(local("no certificate could be made"))?;
    let tls = TlsConfig::with_authorities(&[authority.der().to_vec()])?;
    let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new(&tls));
    let sandbox = Sandbox::builder().seed(fastrand::u64(..)).webhooks_through(Arc::clone(&transport)).start();
    let api = server::vendors(&sandbox, any, Some(&authority)).await.map_err(local("the sandbox cannot listen"))?;
    report.done(began, None, &format!("{} with a CA of its own", api.url()));

    let began = report.begin("start a webhook receiver", "receiver");
    let path = folder.path("inbox.jsonl");
    let inbox = FileInbox::open(&path)
        .map_err(|error| Failure::local(format!("the inbox {} cannot be used: {error}", path.display())))?;
    let (watched, arrivals) = Watched::new(inbox, Arc::clone(&clock));
    let mut callbacks = identkit_identity_tm::callbacks();
    callbacks.push(Arc::new(identkit_identify24::IdentStatusCallback));
    let receiver = Arc::new(Receiver::new(callbacks, Arc::new(watched)));
    let listening = identkit_webhook::listen(Arc::clone(&receiver), any, Arc::clone(&clock))
        .await
        .map_err(local("the receiver cannot listen"))?;
    let base = format!("http://{}", listening.address());
    report.done(began, None, &format!("{base}, inbox {}", path.display()));

    Ok(Stage { sandbox, api, transport, clock, receiver, listening: Some(listening), base, arrivals, folder })
}
