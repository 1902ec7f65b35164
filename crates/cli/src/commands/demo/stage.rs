//! The setup of the demo, and the flow of each of its cases.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use identkit_collector::{CaseOpener, CaseReport, CaseState, Collector, FolderSink, OpenRequest, ProviderSetup};
use identkit_core::{Clock, Inbox, Outcome, Purpose, Secret, Window};
use identkit_mock_server::Sandbox;
use identkit_mock_server::journal::EntryKind;
use identkit_mock_server::server::{self, Authority, Listener};
use identkit_store::{CaseId, Store};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::save::FileDigest;
use identkit_transport::{SystemClock, Transport};
use identkit_webhook::{ListenOptions, Receiver};

use super::files::{EVIDENCE, Folder, STORE};
use super::report::Report;
use crate::account::WebhookBase;
use crate::exit::Failure;
use crate::providers::callbacks;
use crate::save::SavedFile;
use crate::store::{Location, Missing, StoreArguments};

/// How long the demo waits for the vendor's attempt to deliver a webhook.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Time before the case at which the sweep begins: windows overlap.
const OVERLAP: Duration = Duration::from_secs(60);

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn local(what: &'static str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::local(format!("{what}: {error}"))
}

/// The sandbox, and how clients reach it.
pub(super) struct MockVendors {
    pub(super) sandbox: Sandbox,
    pub(super) api: Listener,
    pub(super) transport: Arc<dyn Transport>,
}

impl MockVendors {
    pub(super) async fn start(report: &Report) -> Result<Self, Failure> {
        let step = report.begin("start a sandbox of both vendors", "sandbox");
        let authority = Authority::new().map_err(local("the certificate cannot be created"))?;
        let tls = TlsConfig::with_authorities(&[authority.der().to_vec()])?;
        let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new(&tls));
        let sandbox = Sandbox::builder().seed(fastrand::u64(..)).webhook_transport(Arc::clone(&transport)).start();
        let api = server::vendors(&sandbox, LOOPBACK, Some(&authority)).await;
        let api = api.map_err(local("the sandbox cannot listen"))?;
        step.done(format!("{}, with its own CA", api.url()));
        Ok(Self { sandbox, api, transport })
    }
}

/// A case of the demo.
pub(super) struct Case {
    pub(super) provider: &'static str,
    pub(super) purpose: Purpose,
    pub(super) opener: Box<dyn CaseOpener>,
    /// What the person does, as a story of the sandbox.
    pub(super) story: &'static str,
    /// How it ends at the vendor, and the state in which nothing more happens to it.
    pub(super) end: (Outcome, CaseState),
}

/// The sandbox, and a collector with its receiver.
pub(super) struct Stage {
    pub(super) vendors: MockVendors,
    receiver: Option<identkit_webhook::Listener>,
    collector: Arc<Collector>,
    clock: Arc<dyn Clock>,
    report: Report,
}

impl Stage {
    pub(super) async fn build(
        vendors: MockVendors,
        setups: [ProviderSetup; 2],
        base: &WebhookBase,
        folder: &Folder,
        report: &Report,
    ) -> Result<Self, Failure> {
        let step = report.begin("start a collector with a webhook receiver", "receiver");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let path = folder.path(STORE);
        let arguments = StoreArguments { store: Location::Sqlite(path.clone()), key_file: None };
        let (store, _) = arguments.open_silently(Missing::Create).await?;
        let (sink, incidents) = (Arc::new(FolderSink::open(folder.path(EVIDENCE))?), report.clone());
        let collector = Collector::builder(store.clone(), sink, Arc::clone(&clock))
            .on_incident(move |incident| incidents.note(incident));
        let collector = Arc::new(setups.into_iter().fold(collector, |all, setup| all.provider(setup)).build()?);
        let inbox = Arc::clone(&collector) as Arc<dyn Inbox>;
        let receiver = Receiver::new(callbacks().collect(), inbox, Arc::clone(&clock)).tokens(Arc::new(store));
        let receiver = identkit_webhook::listen(Arc::new(receiver), LOOPBACK, ListenOptions::default()).await;
        let receiver = receiver.map_err(local("the receiver cannot listen"))?;
        let url = format!("http://{}", receiver.address());
        base.set(url.parse().map_err(|_| Failure::local("the URL of the receiver is not valid"))?);
        step.done(format!("{url}, store {}", path.display()));
        Ok(Self { vendors, receiver: Some(receiver), collector, clock, report: report.clone() })
    }

    pub(super) fn store(&self) -> &Store {
        self.collector.store()
    }

    /// Opens a case, plays the person, and has the collector complete the case. Returns whether every check passed.
    pub(super) async fn play(
        &mut self,
        case: &Case,
        break_receiver: bool,
        folder: &mut Folder,
    ) -> Result<bool, Failure> {
        let (id, vendor_id) = self.open(case).await?;
        if break_receiver {
            let step = self.report.begin("stop the receiver (--break)", "receiver");
            self.receiver = None;
            step.done("its port is closed");
        }
        let step = self.report.begin("play the person", "sandbox");
        if let Err(refused) = self.vendors.sandbox.play(&vendor_id, case.story) {
            return Err(Failure::local(format!("the sandbox rejected the story {}: {refused}", case.story)));
        }
        step.done(format!("story {}", case.story));
        let lost = self.webhook(&vendor_id).await.err();
        if self.receiver.is_none() {
            self.sweep(case, id).await?;
        }
        // Only this case: the store can have others, which this sandbox does not know.
        self.report.expect_calls("read the status");
        self.collector.work_on(id).await?;
        let found = self.case(id).await?;
        for file in &found.artifacts {
            let (path, digest) =
                (folder.path(EVIDENCE).join(&file.location), FileDigest::new(file.length, file.sha256));
            folder.files.push(SavedFile { path, digest });
        }
        let is_right = (found.outcome, found.state) == (Some(case.end.0), case.end.1);
        let step = self.report.begin("check how the case ended", "check");
        step.check(is_right, format!("{}: {}", found.state, found.reason));
        if !is_right {
            self.report.explain([
                format!("What happened: case {} is {}: {}.", id.0, found.state, found.reason),
                "What was not done: all later steps.".to_owned(),
                format!("What to do with a real case: {}.", found.next_step),
            ]);
            return self.report.take_failure().map_or(Ok(false), Err);
        }
        let Some(lost) = lost else { return Ok(true) };
        self.report.explain([
            format!("What happened: {lost}."),
            "What was not done: the case of the other vendor. Nothing of this case is lost: without the webhook, the \
             collector read the status, saved and verified the evidence, and only then deleted the data."
                .to_owned(),
            format!(
                "What to do with a real case: start the receiver again (identkit run). It accepts the vendor's next \
                 attempt, and sweeps every 6 hours. identkit case collect {} completes the case at once.",
                id.0
            ),
        ]);
        Ok(false)
    }

    /// Opens a case, and returns its id and the vendor's.
    async fn open(&self, case: &Case) -> Result<(CaseId, String), Failure> {
        self.report.expect_calls("open the case");
        let step = self.report.begin("store the case with the vendor's id", "collector");
        let opened = self.collector.open_with(OpenRequest::new(case.provider, case.purpose, &*case.opener)).await?;
        if let Some(error) = opened.unknown_because {
            return Err(error.into());
        }
        let text = |secret: Option<Secret>| secret.map_or("none".to_owned(), |it| it.expose().to_owned());
        let (vendor_id, url) = (text(opened.vendor_id), text(opened.person_url));
        step.done(format!("case {}, vendor's id {vendor_id}, person's URL {url}", opened.case.0));
        Ok((opened.case, vendor_id))
    }

    /// Awaits the vendor's attempt to deliver a webhook about a case. The error says why the webhook is lost.
    async fn webhook(&self, vendor_id: &str) -> Result<(), String> {
        let mut step = self.report.begin("store the webhook, then answer 202", "webhook");
        let attempted = self.vendors.sandbox.wait_for_entries(0, |entries| {
            let mut attempts = entries.filter_map(|entry| match &entry.kind {
                EntryKind::Attempt(attempt) => Some(attempt),
                _ => None,
            });
            attempts.find(|attempt| attempt.case == vendor_id).cloned()
        });
        let attempt = tokio::select! {
            attempt = attempted => attempt,
            _ = self.clock.sleep_until(self.clock.now().plus(WEBHOOK_TIMEOUT)) => {
                step.check(false, "the vendor made no attempt");
                return Err(format!("the vendor sent no webhook within {} s", WEBHOOK_TIMEOUT.as_secs()));
            }
        };
        step.operation.clone_from(&attempt.event);
        step.status = attempt.status;
        if attempt.delivered {
            step.done("stored and synced, then acknowledged");
            return Ok(());
        }
        let next = attempt.next.map_or_else(|| "none".to_owned(), |next| format!("{next:.0}"));
        let why = format!("{}; next attempt: {next}", attempt.error.as_deref().unwrap_or_default());
        step.check(false, why.clone());
        let cause = if self.receiver.is_none() { "because the receiver is stopped: " } else { "" };
        Err(format!("the webhook {} was not delivered, {cause}{why}", attempt.event))
    }

    /// Finds a case without its webhook.
    async fn sweep(&self, case: &Case, id: CaseId) -> Result<(), Failure> {
        let found = self.case(id).await?;
        self.report.begin("read why the case waits", "collector").done(format!("{}: {}", found.state, found.next_step));
        self.report.expect_calls("read the vendor's list of changes");
        let step = self.report.begin("find the case in the list", "sweep");
        let begin = found.created.checked_sub(OVERLAP).unwrap_or(found.created);
        let swept = self.collector.sweep(case.provider, Window { begin, end: self.clock.wall() }).await?;
        step.check(swept.cases > 0, format!("changed cases of this store: {}", swept.cases));
        Ok(())
    }

    async fn case(&self, id: CaseId) -> Result<CaseReport, Failure> {
        self.collector.report(id).await?.ok_or_else(|| Failure::local("the case is missing in the store"))
    }
}
