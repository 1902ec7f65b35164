//! What can be typed after `identkit identify24`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use identkit_core::Outcome;
use jiff::tz::TimeZone;

use crate::connection::Connection;
use crate::help::{CONNECTION, OUTPUT};
use crate::values::{outcome, zone};

/// Calls identify24: idents (VideoIdent API 1.0.1).
#[derive(Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Arguments {
    /// Base URL of the API; `http://` is accepted for loopback only.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_BASE_URL", hide_env_values = true, value_name = "URL",
          default_value = identkit_identify24::DEFAULT_BASE_URL)]
    pub(super) base_url: String,

    /// The partner's user name.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_PARTNER", hide_env_values = true, value_name = "NAME")]
    pub(super) partner: Option<String>,

    /// The API key. Better given by the environment: a command line can be read by others.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub(super) api_key: Option<String>,

    /// Shows secrets (token, ident_id, conference_url) and personal data, which are `[redacted]` otherwise.
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(super) reveal: bool,

    #[command(flatten)]
    pub(super) connection: Connection,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Checks the credentials by one login (auth).
    Login,
    /// Creates an ident (ident/create). Sent at most once: exit code 6 means that it may exist.
    Create {
        /// The ident as JSON, as the vendor's document writes it; `-` reads standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// A new file for the answer with its secrets, readable by its owner only; needed unless --reveal is given.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Sends names and places as they are; by default in upper case, as the document asks.
        #[arg(long)]
        preserve_case: bool,
        /// Sends `pdf_url` and `pdf_content` together; which of them the vendor takes is not documented.
        #[arg(long)]
        allow_both_pdf_sources: bool,
    },
    /// Reads an ident (ident/get).
    Get {
        /// The ident_id that create returned: 1 to 64 letters, digits and hyphens; `-` reads it from standard input.
        #[arg(value_name = "IDENT_ID|-", required_unless_present = "from", conflicts_with = "from")]
        ident_id: Option<String>,
        /// Takes the ident_id from a file that create wrote.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        #[command(flatten)]
        interpretation: Interpretation,
    },
    /// Lists the projects of the account (project/getAll).
    Projects,
    /// Reads one project (project/get).
    Project {
        /// The project's id.
        project_id: String,
        /// Looks it up in the list of all, for networks that drop the body of a GET.
        #[arg(long)]
        by_list: bool,
    },
}

/// Options that add to what the vendor says of an ident.
#[derive(Debug, Args)]
pub(super) struct Interpretation {
    /// What a status means; may be given several times, and goes before --outcomes.
    #[arg(long, value_name = "STATUS=OUTCOME", value_parser = outcome)]
    pub(super) outcome: Vec<(String, Outcome)>,
    /// A JSON file of what statuses mean, e.g. {"Identified": "positive"}.
    #[arg(long, value_name = "FILE")]
    pub(super) outcomes: Option<PathBuf>,
    /// The zone of the vendor's local times, which the document does not tell; probably Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub(super) zone: Option<TimeZone>,
}
