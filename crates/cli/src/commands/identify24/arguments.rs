//! The arguments of `identkit identify24`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use identkit_core::Outcome;
use identkit_identify24::{Credentials, Dialect, PhonePolicy};
use jiff::tz::TimeZone;

use crate::connection::{Connection, path};
use crate::context::{required, secret};
use crate::exit::Failure;
use crate::help::{CONNECTION, OUTPUT};
use crate::trace::TraceOptions;
use crate::values::{outcome, zone};

/// Calls identify24 (VideoIdent API 1.0.1): creates and reads idents.
#[derive(Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Arguments {
    /// Base URL of the API; `http://` is accepted for loopback only.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_BASE_URL", hide_env_values = true, value_name = "URL",
          default_value = identkit_identify24::DEFAULT_BASE_URL)]
    pub(super) base_url: String,

    #[command(flatten)]
    pub(super) account: CredentialArguments,

    #[command(flatten)]
    pub(super) connection: Connection,

    #[command(flatten)]
    pub(super) trace: TraceOptions,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// The account at identify24.
#[derive(Clone, Debug, Default, Args)]
// Both vendors' structs have this name, and can be options of one command.
#[group(skip)]
pub(super) struct CredentialArguments {
    /// User name of the partner.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_PARTNER", hide_env_values = true, value_name = "NAME")]
    pub(super) partner: Option<String>,

    /// API key. Other users of the machine can read a command line: prefer the environment variable.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub(super) api_key: Option<String>,

    /// File with the API key.
    #[arg(long, global = true, env = "IDENTKIT_IDENTIFY24_API_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    pub(super) api_key_file: Option<OsString>,
}

impl CredentialArguments {
    /// Whether any part of the credentials is given.
    pub(super) fn is_given(&self) -> bool {
        let is_given = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        is_given(&self.partner) || is_given(&self.api_key) || path(self.api_key_file.as_ref()).is_some()
    }

    /// Reads the credentials.
    pub(super) fn credentials(&self) -> Result<Credentials, Failure> {
        let partner = required(self.partner.as_ref(), "--partner", "IDENTKIT_IDENTIFY24_PARTNER")?;
        let names = ("--api-key", "IDENTKIT_IDENTIFY24_API_KEY");
        let key = secret(self.api_key.as_ref(), path(self.api_key_file.as_ref()), names)?;
        Ok(Credentials::new(partner, key))
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Logs in once to check the credentials (auth).
    Login,
    /// Creates an ident (ident/create). It is repeated only if the vendor surely refused it. On exit code 6 the ident may
    /// exist.
    Create {
        /// The ident in the vendor's JSON format. `-` reads standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// New file for the response, readable by its owner only.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Shows a doubtful response, which may contain an ident_id, in the error message. Results are always shown.
        #[arg(long, help_heading = OUTPUT)]
        reveal: bool,
        /// Sends names and places unchanged. By default they are sent in upper case, as the document requires.
        #[arg(long)]
        preserve_case: bool,
        /// Allows `pdf_url` together with `pdf_content`. The document does not say which of them the vendor uses.
        #[arg(long)]
        allow_both_pdf_sources: bool,
        #[command(flatten)]
        switches: Switches,
    },
    /// Reads an ident (ident/get).
    Get {
        /// The ident_id that create returned: 1 to 64 letters, digits and hyphens, or any id that a record has. `-` reads
        /// it from standard input.
        #[arg(value_name = "IDENT_ID|-", required_unless_present = "from", conflicts_with = "from")]
        ident_id: Option<String>,
        /// Reads the ident_id from a file that create wrote.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Takes the ident_id as the vendor gave it, in any form.
        #[arg(long)]
        any_id: bool,
        #[command(flatten)]
        interpretation: Interpretation,
    },
    /// Lists the projects of the account (project/getAll).
    Projects,
    /// Reads one project (project/get).
    Project {
        /// Id of the project.
        project_id: String,
        /// Finds the project in the list of all projects, for networks that drop the body of a GET.
        #[arg(long)]
        by_list: bool,
    },
}

/// How ambiguities in the vendor's document are resolved.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Switches {
    /// Form in which mobile_phone is sent: as given, or with its country code after 00 or +. A national number counts as
    /// German.
    #[arg(long, value_enum, default_value_t = Phone::AsGiven)]
    phone: Phone,
    /// Allows a gender other than the two documented words.
    #[arg(long)]
    allow_other_gender: bool,
    /// Sends texts in Unicode's composed form (NFC), except custom_id and custom1 to custom4.
    #[arg(long)]
    compose: bool,
    /// Accepts only country codes that ISO 3166-1 assigns.
    #[arg(long)]
    assigned_countries: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Phone {
    #[default]
    AsGiven,
    DoubleZero,
    Plus,
}

impl Switches {
    pub(super) fn apply(self, dialect: Dialect) -> Dialect {
        let phone = match self.phone {
            Phone::AsGiven => PhonePolicy::AsGiven,
            Phone::DoubleZero => PhonePolicy::DoubleZero,
            Phone::Plus => PhonePolicy::Plus,
        };
        dialect
            .phone(phone)
            .allow_other_gender(self.allow_other_gender)
            .compose(self.compose)
            .assigned_countries(self.assigned_countries)
    }
}

/// Options that interpret the vendor's statuses and times.
#[derive(Debug, Args)]
pub(super) struct Interpretation {
    #[command(flatten)]
    pub(super) outcomes: OutcomeArguments,
    /// Time zone of the vendor's local times, e.g. Europe/Berlin, UTC or +01:00. The document does not name it. The offset
    /// of a time that has one wins.
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub(super) zone: Option<TimeZone>,
}

/// Options that interpret the vendor's statuses.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct OutcomeArguments {
    /// Outcome that a status means, e.g. Identified=positive. Can be given several times; overrides --outcomes.
    #[arg(long, value_name = "STATUS=OUTCOME", value_parser = outcome)]
    pub(super) outcome: Vec<(String, Outcome)>,
    /// JSON file that maps statuses to outcomes, e.g. {"Identified": "positive"}.
    #[arg(long, value_name = "FILE")]
    pub(super) outcomes: Option<PathBuf>,
}
