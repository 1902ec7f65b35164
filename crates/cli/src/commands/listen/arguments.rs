//! The options of `identkit listen`.

use std::net::SocketAddr;

use clap::Args;

use crate::forward::ForwardArguments;
use crate::reception::{ReceptionArguments, TokenArguments, URLS, address};
use crate::store::StoreArguments;
use crate::values::webhook_url;

/// Receives the vendors' webhooks into a store until it is stopped.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,

    /// Address to listen on. Port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,

    #[command(flatten)]
    pub(super) reception: ReceptionArguments,

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

    #[command(flatten)]
    pub(super) tokens: TokenArguments,
}
