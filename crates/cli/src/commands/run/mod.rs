//! `identkit run`: receiver, sweeper and collector in one process.

mod arguments;
mod check;
pub(crate) mod config;
mod inbox;
mod journal;
mod parts;
mod renewal;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use identkit_collector::{CaseHooks, Collector, DeletePolicy, EvidenceWishes};
use identkit_core::{Clock as _, Inbox};
use identkit_store::Store;
use identkit_transport::SystemClock;
use identkit_webhook::Listener;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use self::arguments::Arguments;
use self::inbox::CollectorInbox;
use self::journal::Journal;
use self::parts::{Selected, delete_policy, public_url, select};
use self::renewal::Renewal;
use crate::account::WebhookBase;
use crate::exit::Failure;
use crate::output::{Format, print, say};
use crate::providers::ACCOUNT_WEBHOOK;
use crate::reception::{Metrics, Received, Reception, ReportingInbox, check_base};
use crate::run_settings::RunSettings;
use crate::signals;
use crate::store::Missing;

/// Maximum time of a graceful end. The work of a case that is not complete by then is continued by the next process.
const STOP: Duration = Duration::from_secs(12);

pub(crate) async fn run(options: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    // Before the ready line: a signal right after it must end the program gracefully.
    let mut signal = pin!(signals::listen()?);
    let start = async {
        match options.check {
            true => check::run(options, format).await.map(|()| None),
            false => Running::start(options).await.map(Some),
        }
    };
    let running = tokio::select! {
        biased;
        code = &mut signal => return Err(Failure::local("stopped before the collector was ready").with_code(code)),
        started = start => match started? {
            Some(running) => running,
            None => return Ok(ExitCode::SUCCESS),
        },
    };
    signal.await;
    let again = signals::listen()?;
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        code = again => Err(Failure::local("stopped again before the running steps were complete").with_code(code)),
    }
}

/// A collector with its receiver.
struct Running {
    listener: Option<Listener>,
    task: JoinHandle<()>,
    /// Sends nothing: the collector stops when it is dropped.
    stop: oneshot::Sender<()>,
}

impl Running {
    async fn start(options: &Arguments) -> Result<Self, Failure> {
        let public = public_url(options);
        let reception = options
            .listen
            .map(|listen| Reception::new(listen, &options.reception, &options.tokens, public))
            .transpose()?;
        let base = WebhookBase::default();
        let selected = select(options, base.clone()).await?;
        let store = options.store.open(Missing::Create).await?;
        let sink = options.sink.open(&options.s3, &options.accounts.route).await?;
        options.sink.check(&*sink).await?;

        let metrics = Arc::new(Metrics::with_cases());
        let journal = Arc::new(Journal::start(options.quiet, Arc::clone(&metrics)));
        let mut collector = Collector::builder(store.clone(), sink, Arc::new(SystemClock::new()))
            .wishes(options.wishes.and(EvidenceWishes::default()))
            .delete(delete_policy(options))
            .lease(options.lease)
            .concurrency(options.concurrency.into())
            .hooks(Arc::clone(&journal) as Arc<dyn CaseHooks>)
            .on_incident(move |incident| journal.report(&incident));
        let (mut names, mut renewals) = (Vec::new(), Vec::new());
        for Selected { name, setup, renew } in selected {
            names.push(name);
            renewals.push((name, renew));
            collector = collector.provider(setup);
        }
        let collector = Arc::new(collector.build()?);

        let inbox: Arc<dyn Inbox> = Arc::new(CollectorInbox(Arc::clone(&collector)));
        let inbox: Arc<dyn Inbox> = Arc::new(ReportingInbox::new(inbox));
        let received = match &reception {
            Some(reception) => Some(reception.listen(&store, inbox, metrics).await?),
            None => None,
        };
        let reached = match (&received, public.url) {
            (Some(received), _) => Some(received.addresses.base().clone()),
            (None, Some(url)) => Some(check_base(url, public.option)?),
            (None, None) => None,
        };
        remember(options, &store, reached.as_ref().map(ToString::to_string)).await?;
        if let Some(reached) = reached {
            base.set(reached);
        }
        // The tokens are made last: a start that fails must not replace any.
        let webhook = match (&reception, &received) {
            (Some(reception), Some(received)) => account_webhook(reception, received, &store, &names).await?,
            _ => Value::Null,
        };
        print(&ready_line(options, &names, received.as_ref(), webhook).to_string())?;

        let (stop, stopped) = oneshot::channel();
        let renewal = Renewal::start(renewals, Arc::new(SystemClock::new()));
        let task = tokio::spawn(async move {
            let _renewal = renewal;
            collector.run(async { drop(stopped.await) }).await;
        });
        Ok(Self { listener: received.map(|received| received.listener), task, stop })
    }

    /// Answers the webhooks that were received, and completes the steps that are running.
    async fn stop(self) {
        let Self { listener, mut task, stop } = self;
        drop(stop);
        let receive = async {
            if let Some(listener) = listener {
                listener.shutdown().await;
            }
        };
        let clock = SystemClock::new();
        tokio::select! {
            _ = async { tokio::join!(receive, &mut task) } => {}
            _ = clock.sleep_until(clock.now().plus(STOP)) => {}
        }
        task.abort();
    }
}

/// Stores what the commands on the cases need.
async fn remember(options: &Arguments, store: &Store, webhook_base: Option<String>) -> Result<(), Failure> {
    let sink = options.sink.shown();
    let delete_after = match delete_policy(options) {
        DeletePolicy::After(wait) => Some(wait.as_secs()),
        _ => None,
    };
    let wishes = options.wishes.and(EvidenceWishes::default());
    // A collector without a receiver, e.g. a second one, takes nothing from the receiver that was started before.
    let webhook_base = match webhook_base {
        Some(base) => Some(base),
        None => RunSettings::read(store).await?.and_then(|before| before.webhook_base),
    };
    let s3_endpoint = options.sink.endpoint(&options.s3).map(str::to_owned);
    let s3_region = s3_endpoint.as_ref().and_then(|_| options.s3.region()).map(str::to_owned);
    let settings = RunSettings {
        sink: sink.clone(),
        s3_endpoint: s3_endpoint.clone(),
        s3_region,
        webhook_base,
        wishes,
        delete_after,
    };
    let before = settings.write(store).await?;
    if let Some(before) = before.filter(|before| before.sink != sink || before.s3_endpoint != s3_endpoint) {
        let what = "artifacts that are saved already stay there, and must be in the new sink under the same names";
        let place = before.s3_endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        say(&format!("warning: the sink of this store was {}{place}: {what}", before.sink));
    }
    Ok(())
}

/// The URL that is set at the vendor for the whole account, if such a vendor is selected.
async fn account_webhook(
    reception: &Reception<'_>,
    received: &Received,
    store: &Store,
    names: &[&str],
) -> Result<Value, Failure> {
    let tokens = reception.tokens(store).await?;
    let urls = received
        .addresses
        .urls(|provider, event| names.contains(&provider).then(|| tokens.get(provider, event)).flatten())?;
    // A vendor that is not selected has no URL, but an empty object.
    Ok(urls.get(ACCOUNT_WEBHOOK).filter(|url| url.is_string()).cloned().unwrap_or_default())
}

fn ready_line(options: &Arguments, names: &[&str], received: Option<&Received>, webhook: Value) -> Value {
    json!({
        "listen": received.map(|received| received.addresses.local()),
        ACCOUNT_WEBHOOK: webhook,
        "providers": names,
        "store": options.store.store.shown(),
        "sink": options.sink.shown(),
    })
}
