//! The options of `identkit demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Plays both vendors' typical flow against a sandbox of its own, over TLS. Needs nothing installed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where inputs, evidence and the inbox are written; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "identkit-demo")]
    pub(super) out: PathBuf,

    /// Breaks something on purpose, to see what is then told: `receiver` dies before the last webhook.
    #[arg(long = "break", value_name = "WHAT", value_enum)]
    pub(super) breaks: Option<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Break {
    Receiver,
}
