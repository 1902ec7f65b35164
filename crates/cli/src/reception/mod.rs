//! Receives webhooks over HTTP, with their URLs and tokens, and the pages for health and metrics.

mod arguments;
mod inbox;
mod metrics;
mod pages;
mod ready;
mod tls;
mod token_file;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use identkit_core::{Clock as _, Inbox};
use identkit_store::Store;
use identkit_transport::SystemClock;
use identkit_webhook::{AllowList, ListenOptions, Listener, Receiver};
use rustls::ServerConfig;

pub(crate) use self::arguments::{ReceptionArguments, TokenArguments, URLS, address};
pub(crate) use self::inbox::ReportingInbox;
pub(crate) use self::metrics::Metrics;
use self::pages::Pages;
pub(crate) use self::ready::{Addresses, PublicUrl, check_base};
use self::token_file::TokenFile;
pub(crate) use self::tokens::Tokens;
use self::tokens::note_new_urls;
use crate::exit::Failure;
use crate::output::say;
use crate::providers::callbacks;

/// How a command receives webhooks.
pub(crate) struct Reception<'a> {
    address: SocketAddr,
    arguments: &'a ReceptionArguments,
    tokens: &'a TokenArguments,
    public: PublicUrl<'a>,
    tls: Option<Arc<ServerConfig>>,
}

/// A receiver that accepts webhooks.
pub(crate) struct Received {
    pub(crate) listener: Listener,
    pub(crate) addresses: Addresses,
}

impl<'a> Reception<'a> {
    /// Reads the files of the options.
    pub(crate) fn new(
        address: SocketAddr,
        arguments: &'a ReceptionArguments,
        tokens: &'a TokenArguments,
        public: PublicUrl<'a>,
    ) -> Result<Self, Failure> {
        let tls = match (&arguments.tls_cert, &arguments.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::server(certificate, key)?),
            _ => None,
        };
        Ok(Self { address, arguments, tokens, public, tls })
    }

    /// Listens, and warns about risks.
    pub(crate) async fn listen(
        &self,
        store: &Store,
        inbox: Arc<dyn Inbox>,
        metrics: Arc<Metrics>,
    ) -> Result<Received, Failure> {
        let mut listen = ListenOptions::default()
            .trust_proxies(self.arguments.trust_proxy.iter().copied())
            .pages(Arc::new(Pages::new(store.clone(), Arc::clone(&metrics))))
            .observe(move |handled| metrics.count(handled));
        if let Some(config) = &self.tls {
            listen = listen.tls(Arc::clone(config));
        }
        let receiver = Arc::new(receiver(self.arguments, inbox, store.clone()));
        let listener = identkit_webhook::listen(receiver, self.address, listen).await;
        let listener = listener.map_err(|error| cannot_listen(self.address, &error))?;
        let is_tls = self.tls.is_some();
        let addresses = Addresses::new(listener.address(), is_tls, self.public)?;
        addresses.check()?;
        warn(self.public, listener.address(), is_tls);
        Ok(Received { listener, addresses })
    }

    /// The tokens of the URLs, after they are valid in the store and written to the token file.
    pub(crate) async fn tokens(&self, store: &Store) -> Result<Tokens, Failure> {
        // Expired tokens are not removed: one of an old token file would become valid again.
        let file = self.tokens.token_file.as_deref().map(TokenFile::new);
        if self.tokens.rotate_token {
            let expires = SystemClock::new().wall().checked_add(self.tokens.overlap);
            let expires = expires.map_err(|_| Failure::usage("--overlap is too long: the latest year is 9999"))?;
            let tokens = match file {
                Some(file) => file.rotate(store, expires).await?,
                None => Tokens::rotate(store, expires).await?,
            };
            note_new_urls(&format!("set them before {expires:.0}, when the earlier ones expire"));
            return Ok(tokens);
        }
        match file {
            Some(file) => file.load(store).await,
            None => Tokens::create(store).await,
        }
    }
}

fn receiver(options: &ReceptionArguments, inbox: Arc<dyn Inbox>, store: Store) -> Receiver {
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

/// Warns about webhooks that others can read on their way.
fn warn(public: PublicUrl<'_>, address: SocketAddr, is_tls: bool) {
    let is_loopback = address.ip().to_canonical().is_loopback();
    if !is_tls && !is_loopback {
        let risk = "others can read the tokens and the personal data in webhooks";
        let remedy = "use --tls-cert and --tls-key, or a proxy that terminates TLS (--trust-proxy)";
        say(&format!("warning: --listen {address} is reachable from other machines without TLS: {risk}; {remedy}"));
    }
    let PublicUrl { option, url } = public;
    let parsed = url.and_then(|url| url.parse::<Uri>().ok());
    if parsed.is_some_and(|url| url.scheme_str() == Some("http") && !is_this_machine(&url)) {
        let risk = "others can read the tokens and the personal data in webhooks";
        say(&format!("warning: {option} begins with http://: {risk}"));
    }
    if url.is_none() && address.ip().is_unspecified() {
        say(&format!("warning: vendors cannot use URLs with {}: add {option}", address.ip()));
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
