//! The options of `identkit listen`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use identkit_webhook::Network;
use jiff::SignedDuration;

use crate::forward::ForwardArguments;
use crate::providers::callbacks;
use crate::store::StoreArguments;
use crate::values::{duration, webhook_url};

/// Help heading of the options of the URLs and their tokens.
const URLS: &str = "Webhook URLs";

/// Receives the vendors' webhooks into a store until it is stopped.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,

    /// Address to listen on. Port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,

    /// File of the certificate chain (PEM), to accept TLS only. Without it, a proxy must terminate TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,

    /// File of the certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,

    /// Address or network of your proxy, e.g. 10.0.0.0/24. Can be given several times.
    ///
    /// Its connections are not limited like those of strangers. With --allow, the caller is then the last address in
    /// `X-Forwarded-For` that is not a trusted proxy.
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    pub(super) trust_proxy: Vec<Network>,

    /// Accepts a vendor's webhooks from this network only, in addition to the token. Can be given several times.
    ///
    /// PROVIDER is the path segment before the token in the vendor's URL. Ask the vendor first: none documents the
    /// addresses of its webhooks.
    #[arg(long, value_name = "PROVIDER=NETWORK", value_parser = allowed)]
    pub(super) allow: Vec<(&'static str, Network)>,

    /// Prints each event on standard output, one JSON object per line, after it is stored. Events contain personal data.
    ///
    /// All events of the store are printed, also those that another process receives.
    #[arg(long)]
    pub(super) print: bool,

    #[command(flatten, next_help_heading = "Forwarding")]
    pub(super) forward: ForwardArguments,

    /// URL at which the vendors reach this receiver, e.g. https://hooks.example.com. [default: that of the address]
    #[arg(long, value_name = "URL", value_parser = webhook_url, help_heading = URLS)]
    pub(super) public_url: Option<String>,

    /// File for the tokens of the URLs, so that every start prints the same ones. It is created with mode 0600.
    #[arg(long, value_name = "FILE", help_heading = URLS)]
    pub(super) token_file: Option<PathBuf>,

    /// Replaces the tokens of all earlier URLs. They expire after --overlap. Use it for one start only.
    #[arg(long, help_heading = URLS)]
    pub(super) rotate_token: bool,

    /// Time in which the earlier URLs remain valid, e.g. 12h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "7d", requires = "rotate_token",
          help_heading = URLS)]
    pub(super) overlap: SignedDuration,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an address and a port, e.g. 127.0.0.1:8080, [::1]:8080 or 127.0.0.1:0".to_owned())
}

fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error: identkit_core::Error| error.detail().to_owned())
}

/// Parses `PROVIDER=NETWORK`.
fn allowed(text: &str) -> Result<(&'static str, Network), String> {
    let (name, range) = text.split_once('=').ok_or("must be PROVIDER=NETWORK")?;
    let mut providers: Vec<&'static str> = callbacks().map(|callback| callback.provider()).collect();
    providers.dedup();
    match providers.iter().find(|provider| **provider == name) {
        Some(provider) => Ok((provider, network(range)?)),
        None => Err(format!("PROVIDER must be one of {}", providers.join(", "))),
    }
}
