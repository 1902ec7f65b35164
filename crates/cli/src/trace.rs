//! Options of commands that call a vendor: records of requests, raw responses, and a line per request.

use std::path::PathBuf;

use clap::Args;

use crate::help::OUTPUT;
use crate::state::StateOptions;

/// Options of commands that call a vendor: what is kept of its requests and responses.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub(crate) struct TraceOptions {
    /// For reads: writes the response as received to a new file. `-` writes it to standard output, in place of the
    /// result. Several responses are separated by line breaks.
    #[arg(long, global = true, value_name = "FILE|-")]
    pub(crate) raw: Option<PathBuf>,

    /// Prints a line per request to standard error: operation, status, attempt and time. It contains no data.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) state: StateOptions,
}
