//! The options of `identkit demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const HELP: &str = "\
What it does:
  1. starts a sandbox (TLS, a certificate authority of its own) and a webhook
     receiver
  2. identity.TM: places the document's own order with a PDF to sign, plays the
     person, receives the webhooks, reads status, data, report and signed PDF,
     saves and checks them, deletes them at the vendor
  3. identify24: logs in, creates the document's John Doe, receives the webhook,
     confirms it by a read

Every step is told on standard error as it happens, the summary goes to standard
output. All files are below --out; the inputs are there too, to be edited and
used with the other commands.

Examples:
  identkit demo --out identkit-demo
  identkit demo --output json | jq '.files[].path'
  identkit demo --break receiver

Exit codes:
  0  every check held
  2  wrong usage
  1  a check did not hold
130  interrupted (Ctrl-C), 143 ended (SIGTERM), 129 hung up (SIGHUP)
A call that fails gives its own code, as identkit --help lists them.";

/// Plays both vendors' typical flow against a sandbox of its own, over TLS. Needs nothing installed.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
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
