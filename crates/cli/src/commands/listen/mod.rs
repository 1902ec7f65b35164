//! `identkit listen`.

mod arguments;
mod forwarding;
mod metrics;
mod pages;
mod print;
mod ready;
mod tls;
mod tokens;
mod webhooks;

use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use identkit_core::{Clock, Inbox};
use identkit_store::{Forwarder, Store};
use identkit_transport::SystemClock;
use identkit_webhook::{AllowList, ListenOptions, Listener, Receiver};
use tokio::sync::Notify;

pub(crate) use self::arguments::Arguments;
use self::forwarding::Forwarding;
use self::metrics::Metrics;
use self::pages::Pages;
use self::print::{Printer, WakingInbox};
use self::ready::Addresses;
use self::tokens::Tokens;
pub(crate) use self::webhooks::Webhooks;
use crate::exit::Failure;
use crate::output::{print, say};
use crate::providers::{WEBHOOKS, callbacks};
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
    printer: Option<Printer>,
    forwarding: Option<Forwarding>,
}

impl Running {
    async fn start(options: &Arguments) -> Result<Self, Failure> {
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::server(certificate, key)?),
            _ => None,
        };
        let (is_tls, clock) = (tls.is_some(), SystemClock::new());
        let sink = options.forward.sink()?;
        let store = options.store.open(Missing::Create).await?;

        let accepted = Arc::new(Notify::new());
        let metrics = Arc::new(Metrics::new());
        let forwarder = sink.map(|sink| Arc::new(options.forward.forwarder(sink, &store)));
        let inner: Arc<dyn Inbox> = match &forwarder {
            Some(forwarder) => Arc::<Forwarder>::clone(forwarder),
            None => Arc::new(store.clone()),
        };
        let inbox: Arc<dyn Inbox> = Arc::new(WakingInbox::new(inner, Arc::clone(&accepted)));
        let mut listen = ListenOptions::default()
            .trust_proxies(options.trust_proxy.iter().copied())
            .pages(Arc::new(Pages::new(store.clone(), Arc::clone(&metrics))))
            .observe(move |handled| metrics.count(handled));
        if let Some(config) = tls {
            listen = listen.tls(config);
        }
        let receiver = Arc::new(receiver(options, inbox, store.clone()));
        let printer = match options.print {
            true => Some(Printer::start(store.clone(), accepted).await?),
            false => None,
        };
        let listener = identkit_webhook::listen(receiver, options.listen, listen).await;
        let listener = listener.map_err(|error| cannot_listen(options.listen, &error))?;

        // The tokens are made last: a start that fails must not replace any.
        let addresses = Addresses::new(listener.address(), is_tls, options.public_url.as_deref())?;
        addresses.check()?;
        warn(options, listener.address(), is_tls);
        let tokens = prepare_tokens(options, &store, &clock).await?;
        print(&addresses.line(&tokens)?.to_string())?;
        Ok(Self { listener, printer, forwarding: forwarder.map(Forwarding::start) })
    }

    /// Answers the webhooks that were received, prints their events, and completes the requests to --forward. What is not
    /// complete after [`STOP`] is dropped: its events are in the store.
    async fn stop(self) {
        let Self { listener, printer, forwarding } = self;
        let receive = async {
            listener.shutdown().await;
            if let Some(printer) = printer {
                printer.finish().await;
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

fn receiver(options: &Arguments, inbox: Arc<dyn Inbox>, store: Store) -> Receiver {
    let receiver = Receiver::new(callbacks().collect(), inbox, Arc::new(SystemClock::new())).tokens(Arc::new(store));
    let mut providers: Vec<&str> = options.allow.iter().map(|(provider, _)| *provider).collect();
    providers.sort_unstable();
    providers.dedup();
    providers.into_iter().fold(receiver, |receiver, provider| {
        let networks = options.allow.iter().filter(|(name, _)| *name == provider).map(|(_, network)| *network);
        let list = AllowList::new(networks).trust_proxies(options.trust_proxy.iter().copied());
        receiver.allow_only(provider, list)
    })
}

/// The tokens of the URLs, after they are valid in the store and written to the token file.
async fn prepare_tokens(options: &Arguments, store: &Store, clock: &SystemClock) -> Result<Tokens, Failure> {
    // Expired tokens are not removed: one of an old token file would become valid again.
    let file = options.token_file.as_deref();
    if options.rotate_token {
        let expires = clock.wall().checked_add(options.overlap);
        let expires = expires.map_err(|_| Failure::usage("--overlap is too long: the latest year is 9999"))?;
        let tokens = Tokens::rotate(store, file, expires).await?;
        say(&format!("note: all webhook URLs are new. Set them before {expires:.0}, when the earlier ones expire:"));
        for webhooks in WEBHOOKS {
            say(&format!("note: set {} {}", webhooks.member, webhooks.place));
        }
        return Ok(tokens);
    }
    match file {
        Some(path) => Tokens::load(store, path).await,
        None => Tokens::create(store).await,
    }
}

/// Warns about webhooks that others can read on their way.
fn warn(options: &Arguments, address: SocketAddr, is_tls: bool) {
    let is_loopback = address.ip().to_canonical().is_loopback();
    if !is_tls && !is_loopback {
        let risk = "others can read the tokens and the personal data in webhooks";
        let remedy = "use --tls-cert and --tls-key, or a proxy that terminates TLS (--trust-proxy)";
        say(&format!("warning: --listen {address} is reachable from other machines without TLS: {risk}; {remedy}"));
    }
    let public = options.public_url.as_deref().and_then(|url| url.parse::<Uri>().ok());
    if public.is_some_and(|url| url.scheme_str() == Some("http") && !is_this_machine(&url)) {
        say("warning: --public-url begins with http://: others can read the tokens and the personal data in webhooks");
    }
    if options.public_url.is_none() && address.ip().is_unspecified() {
        say(&format!("warning: vendors cannot use URLs with {}: add --public-url", address.ip()));
    }
}

fn is_this_machine(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::local(format!(
        "the receiver cannot listen on {address} (--listen): {error}; choose another port, or port 0 for a free one"
    ))
}
