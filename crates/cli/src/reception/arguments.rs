//! The options of the commands that receive webhooks.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use identkit_webhook::Network;
use jiff::SignedDuration;

use crate::providers::callbacks;
use crate::values::duration;

/// Help heading of the options of the URLs and their tokens.
pub(crate) const URLS: &str = "Webhook URLs";

/// How webhooks reach the receiver.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReceptionArguments {
    /// File of the certificate chain (PEM), to accept TLS only. Without it, a proxy must terminate TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// File of the certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Address or network of your proxy, e.g. 10.0.0.0/24. Can be given several times.
    ///
    /// Its connections are not limited like those of strangers. With --allow, the caller is then the last address in
    /// `X-Forwarded-For` that is not a trusted proxy.
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    pub(crate) trust_proxy: Vec<Network>,

    /// Accepts a vendor's webhooks from this network only, in addition to the token. Can be given several times.
    ///
    /// PROVIDER is the path segment before the token in the vendor's URL. Ask the vendor first: none documents the
    /// addresses of its webhooks.
    #[arg(long, value_name = "PROVIDER=NETWORK", value_parser = allowed)]
    pub(crate) allow: Vec<(&'static str, Network)>,
}

/// The tokens of the webhook URLs.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenArguments {
    /// File for the tokens of the URLs, so that every start prints the same ones. It is created with mode 0600.
    #[arg(long, value_name = "FILE", help_heading = URLS)]
    pub(crate) token_file: Option<PathBuf>,

    /// Replaces the tokens of all earlier URLs. They expire after --overlap. Use it for one start only.
    #[arg(long, help_heading = URLS)]
    pub(crate) rotate_token: bool,

    /// Time in which the earlier URLs remain valid, e.g. 12h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "7d", requires = "rotate_token",
          help_heading = URLS)]
    pub(crate) overlap: SignedDuration,
}

/// Parses the address to listen on.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
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
