//! The options of `identkit demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Runs both vendors' typical flow over TLS against a built-in sandbox. Needs no account and calls no vendor.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Directory for inputs, evidence and the store. It is created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "identkit-demo")]
    pub(super) out: PathBuf,

    /// Causes a failure, to show how it is reported. `receiver` stops the webhook receiver: a sweep finds the case instead.
    #[arg(long = "break", value_name = "WHAT", value_enum)]
    pub(super) breaks: Option<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Break {
    Receiver,
}
