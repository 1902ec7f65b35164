//! `identkit listen`.

mod arguments;
mod forwarding;
mod key_watch;
mod print;
mod webhooks;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::{Clock as _, Inbox};
use identkit_store::Forwarder;
use identkit_transport::SystemClock;
use identkit_webhook::Listener;
use tokio::sync::Notify;

pub(crate) use self::arguments::Arguments;
use self::forwarding::Forwarding;
use self::key_watch::KeyWatch;
use self::print::{Printer, Printing, WakingInbox};
pub(crate) use self::webhooks::Webhooks;
use crate::exit::Failure;
use crate::output::print;
use crate::reception::{Metrics, PublicUrl, Received, Reception, ReportingInbox};
use crate::signals;
use crate::store::Missing;

pub(crate) async fn run(options: &Arguments) -> Result<ExitCode, Failure> {
    // Before the ready line: a signal right after it must end the program gracefully.
    let mut signal = pin!(signals::listen()?);
    let running = tokio::select! {
        biased;
        code = &mut signal => return Err(Failure::local("stopped before the receiver was ready").with_code(code)),
        running = Running::start(options) => running?,
    };
    signal.await;
    let again = signals::listen()?;
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        code = again => Err(Failure::local("stopped again before the last webhooks were answered").with_code(code)),
    }
}

/// Maximum time of a graceful end.
const STOP: Duration = Duration::from_secs(12);

/// A receiver with its tasks.
struct Running {
    listener: Listener,
    printing: Option<Printing>,
    forwarding: Option<Forwarding>,
    _key_watch: KeyWatch,
}

impl Running {
    async fn start(options: &Arguments) -> Result<Self, Failure> {
        let public = PublicUrl { option: "--public-url", url: options.public_url.as_deref() };
        let reception = Reception::new(options.listen, &options.reception, &options.tokens, public)?;
        let sink = options.forward.sink()?;
        let store = options.store.open(Missing::Create).await?;

        let accepted = Arc::new(Notify::new());
        let metrics = Arc::new(Metrics::with_events());
        let forwarder = sink.map(|sink| Arc::new(options.forward.forwarder(sink, &store, Arc::clone(&metrics))));
        let inner: Arc<dyn Inbox> = match &forwarder {
            Some(forwarder) => Arc::<Forwarder>::clone(forwarder),
            None => Arc::new(store.clone()),
        };
        let inner = Arc::new(ReportingInbox::new(inner));
        let inbox: Arc<dyn Inbox> = Arc::new(WakingInbox::new(inner, Arc::clone(&accepted)));
        let printer = match options.print {
            true => Some(Printer::new(store.clone(), accepted, Arc::clone(&metrics)).await?),
            false => None,
        };
        let Received { listener, addresses } = reception.listen(&store, inbox, Arc::clone(&metrics)).await?;

        // The tokens are made last: a start that fails must not replace any.
        let tokens = reception.tokens(&store).await?;
        print(&addresses.line(&tokens)?.to_string())?;
        // Afterwards, so that the ready line is the first one.
        let printing = printer.map(Printer::start);
        let key_watch = KeyWatch::start(options.store.key_path()?, metrics);
        Ok(Self { listener, printing, forwarding: forwarder.map(Forwarding::start), _key_watch: key_watch })
    }

    /// Answers the webhooks that were received, prints their events, and completes the requests to --forward. What is not
    /// complete after [`STOP`] is dropped: its events are in the store.
    async fn stop(self) {
        let Self { listener, printing, forwarding, _key_watch } = self;
        let receive = async {
            listener.shutdown().await;
            if let Some(printing) = printing {
                printing.finish().await;
            }
        };
        let forward = async {
            if let Some(forwarding) = forwarding {
                forwarding.finish().await;
            }
        };
        let clock = SystemClock::new();
        tokio::select! {
            _ = async { tokio::join!(receive, forward) } => {}
            _ = clock.sleep_until(clock.now().plus(STOP)) => {}
        }
    }
}
