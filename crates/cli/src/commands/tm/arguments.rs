//! The arguments of `identkit tm`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use identkit_identity_tm::{Credentials, Dialect};

use crate::connection::{Connection, path};
use crate::context::{required, secret};
use crate::exit::Failure;
use crate::help::CONNECTION;
use crate::trace::TraceOptions;
use crate::values::{Moment, moment, sha256};

/// Calls identity.TM (Customer API 2.10c): places orders and reads their results.
#[derive(Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Arguments {
    /// Base URL of the API; `http://` is accepted for loopback only.
    #[arg(long, global = true, env = "IDENTKIT_TM_BASE_URL", hide_env_values = true, value_name = "URL",
          default_value = identkit_identity_tm::DEFAULT_BASE_URL)]
    pub(super) base_url: String,

    #[command(flatten)]
    pub(super) account: CredentialArguments,

    /// Resolves an ambiguity of the vendor's document in another way. Can be given several times, all before or all
    /// after the name of the subcommand.
    #[arg(long, global = true, value_name = "SWITCH", value_enum)]
    pub(super) dialect: Vec<Switch>,

    #[command(flatten)]
    pub(super) connection: Connection,

    #[command(flatten)]
    pub(super) trace: TraceOptions,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// The account at identity.TM.
#[derive(Clone, Debug, Default, Args)]
// Both vendors' structs have this name, and can be options of one command.
#[group(skip)]
pub(super) struct CredentialArguments {
    /// CustomerID: the user name.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_ID", hide_env_values = true, value_name = "ID")]
    pub(super) customer_id: Option<String>,

    /// CustomerCode: the password. Other users of the machine can read a command line: prefer the environment variable.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_CODE", hide_env_values = true, value_name = "CODE")]
    pub(super) customer_code: Option<String>,

    /// File with the CustomerCode.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_CODE_FILE", hide_env_values = true, value_name = "FILE")]
    pub(super) customer_code_file: Option<OsString>,
}

/// A switch of the dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch {
    name: &'static str,
    set: fn(&mut Dialect),
}

/// All switches of the dialect.
const SWITCHES: &[Switch] = &[
    Switch { name: "any-reference", set: |dialect| dialect.any_reference = true },
    Switch { name: "long-zip-codes", set: |dialect| dialect.long_zip_codes = true },
    Switch { name: "long-first-order-ids", set: |dialect| dialect.long_first_order_ids = true },
    Switch { name: "encrypted-pdfs", set: |dialect| dialect.encrypted_pdfs = true },
    Switch { name: "bare-legitimation-documents", set: |dialect| dialect.bare_legitimation_documents = true },
    Switch { name: "any-tan-length", set: |dialect| dialect.any_tan_length = true },
    Switch { name: "empty-object-for-unreported", set: |dialect| dialect.empty_object_for_unreported = true },
    Switch { name: "pdf-and-hash-together", set: |dialect| dialect.pdf_and_hash_together = true },
    Switch { name: "same-file-names", set: |dialect| dialect.same_file_names = true },
    Switch { name: "three-letter-countries", set: |dialect| dialect.three_letter_countries = true },
];

impl ValueEnum for Switch {
    fn value_variants<'a>() -> &'a [Self] {
        SWITCHES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name))
    }
}

/// The id of an order.
#[derive(Debug, Args)]
pub(super) struct Order {
    /// The OrderID that putOrder returned: 1 to 20 letters and digits, or any id that a record has.
    pub(super) order_id: String,
    /// Takes the OrderID as the vendor gave it, in any form.
    #[arg(long)]
    pub(super) any_id: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Places an order (putOrder, chapter 3.1). The request is sent at most once: on exit code 6 the order may exist.
    PutOrder {
        /// The order in the vendor's JSON format. `-` reads standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// File of `ident-data --signed`: reuses its data (IdentDataSigned, chapter 6).
        #[arg(long, value_name = "FILE")]
        ident_data_signed: Option<PathBuf>,
    },
    /// Reads the status of an order (getStatus, chapter 3.2).
    Status {
        #[command(flatten)]
        order: Order,
        /// Reads all status codes. Without it only the general codes are read, which may hide a suspicion of fraud.
        #[arg(long)]
        extended: bool,
    },
    /// Reads the checked data of a person (getIdentData, chapter 3.3).
    IdentData {
        #[command(flatten)]
        order: Order,
        /// Also shows the data that the order was placed with.
        #[arg(long, conflicts_with = "include_identify_method")]
        include_initial_data: bool,
        /// Also shows how the person was identified.
        #[arg(long)]
        include_identify_method: bool,
        /// Reads the signed and encrypted form, for a later order (chapter 6). It is written unchanged, byte for byte.
        #[arg(long, group = "form", conflicts_with_all = ["include_initial_data", "include_identify_method"])]
        signed: bool,
        /// For an account with encrypted results: saves the encrypted form to a file, byte for byte.
        #[arg(long, group = "form", requires = "out",
              conflicts_with_all = ["include_initial_data", "include_identify_method"])]
        encrypted: bool,
        /// Shows an encrypted result that you have decrypted, from this file. Nothing is sent.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["form", "out", "include_initial_data",
              "include_identify_method"])]
        decrypted: Option<PathBuf>,
        /// With --signed or --encrypted: file for the form. Default with --signed: standard output. The file is complete
        /// or is not written.
        // clap drops `requires` if the required argument conflicts with one that is present: repeat the conflicts.
        #[arg(short, long, value_name = "FILE", requires = "form",
              conflicts_with_all = ["include_initial_data", "include_identify_method"])]
        out: Option<PathBuf>,
        /// Replaces an existing file.
        #[arg(long, requires = "out")]
        force: bool,
    },
    /// Saves the PDF report of an identification (getIdentDataPDF, chapter 3.4).
    IdentDataPdf {
        #[command(flatten)]
        order: Order,
        /// File for the PDF. It is complete or is not written.
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
        /// Replaces an existing file.
        #[arg(long)]
        force: bool,
        /// Saves a damaged file under its final name, given as its file name, if an earlier run kept the same bytes as
        /// NAME.damaged. Check them first. Can be given several times.
        #[arg(long, value_name = "NAME")]
        accept_damaged: Vec<String>,
    },
    /// Saves the signed documents of an order (getESignPDF, chapter 3.5).
    EsignPdf {
        #[command(flatten)]
        order: Order,
        /// Directory for ORDER_ID-1.pdf, ORDER_ID-2.pdf, in the order of the request. Created if it does not exist.
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
        /// Replaces existing files.
        #[arg(long)]
        force: bool,
        /// Saves a damaged file under its final name, given as its file name, if an earlier run kept the same bytes as
        /// NAME.damaged. Check them first. Can be given several times.
        #[arg(long, value_name = "NAME")]
        accept_damaged: Vec<String>,
    },
    /// Deletes the data of an order permanently (delIdentdata, chapter 3.10). Asks for confirmation.
    Delete {
        #[command(flatten)]
        order: Order,
        /// Skips the question. Save and check all results before you use it.
        #[arg(long)]
        yes: bool,
    },
    /// Cancels an open order; the vendor keeps its data (cancelOrder, chapter 4.3). Asks for confirmation.
    Cancel {
        #[command(flatten)]
        order: Order,
        /// Skips the question.
        #[arg(long)]
        yes: bool,
    },
    /// Reads the signed hashes of an order (getESignHash, chapter 3.6).
    EsignHash(Order),
    /// Requests and saves the video recording of an identification (chapters 3.7 and 3.8).
    #[command(subcommand)]
    Video(VideoCommand),
    /// Saves the audio recordings of an order (getVoiceFiles, chapter 3.9).
    Voice {
        #[command(flatten)]
        order: Order,
        /// Directory for the recordings. It is created if it does not exist.
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
        /// Saves a damaged file under its final name, given as its file name, if an earlier run kept the same bytes as
        /// NAME.damaged. Check them first. Can be given several times.
        #[arg(long, value_name = "NAME")]
        accept_damaged: Vec<String>,
    },
    /// Lists the status changes of all orders in a window (getAllStatus, chapter 4.2). Marks nothing as reported.
    Statuses {
        /// Start of the window: an RFC 3339 time, a date (its 00:00 UTC), or a time ago such as -24h.
        #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true)]
        from: Moment,
        /// End of the window, in the same formats. A date means its 00:00 UTC, so that day is not in the window.
        #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true, default_value = "now")]
        to: Moment,
        /// Lists all status codes. Without it only the general codes are listed, which may hide a suspicion of fraud.
        #[arg(long)]
        extended: bool,
    },
    /// Reads unreported status changes; the vendor never sends them again (getAllStatus, chapter 4.2). Asks for
    /// confirmation.
    DrainUnreported {
        /// File that every response is appended to before it is parsed. It is created if it does not exist.
        #[arg(long, value_name = "FILE")]
        journal: PathBuf,
        /// Skips the question.
        #[arg(long)]
        yes: bool,
    },
    /// Signs an order with a TAN on your own pages (chapter 5). Each request is sent at most once.
    #[command(subcommand)]
    Sign(SignCommand),
    /// Lists the banks that support identity Giro (getBankList, chapter 8.1).
    Banks,
    /// Checks whether a person can sign with sign-me (checkSignmeUser, chapter 8.3).
    SignmeUser {
        /// The sign-me user name: an e-mail address. `-` reads it from standard input; without it, it is asked for.
        #[arg(conflicts_with = "email_file")]
        email: Option<String>,
        /// Reads the e-mail address from a file.
        #[arg(long, value_name = "FILE")]
        email_file: Option<PathBuf>,
    },
    /// Says whether an order has ended, and how, from all its codes (getStatus, chapter 3.2).
    Finality(Order),
    /// Checks whether the service is up (serverStatus, chapter 7.1).
    Ping,
}

impl Arguments {
    /// The dialect with all given switches.
    pub(super) fn dialect(&self) -> Dialect {
        dialect(&self.dialect)
    }
}

/// The dialect with switches.
pub(super) fn dialect(switches: &[Switch]) -> Dialect {
    let mut dialect = Dialect::default();
    switches.iter().for_each(|switch| (switch.set)(&mut dialect));
    dialect
}

impl CredentialArguments {
    /// Whether any part of the credentials is given.
    pub(super) fn is_given(&self) -> bool {
        let is_given = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        is_given(&self.customer_id) || is_given(&self.customer_code) || path(self.customer_code_file.as_ref()).is_some()
    }

    /// Whether user name and password are given.
    pub(super) fn is_complete(&self) -> bool {
        let is_given = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        let has_code = is_given(&self.customer_code) || path(self.customer_code_file.as_ref()).is_some();
        is_given(&self.customer_id) && has_code
    }

    /// Reads the credentials.
    pub(super) fn credentials(&self) -> Result<Credentials, Failure> {
        let id = required(self.customer_id.as_ref(), "--customer-id", "IDENTKIT_TM_CUSTOMER_ID")?;
        let names = ("--customer-code", "IDENTKIT_TM_CUSTOMER_CODE");
        let code = secret(self.customer_code.as_ref(), path(self.customer_code_file.as_ref()), names)?;
        Ok(Credentials::new(id, code))
    }
}

impl Command {
    /// Whether the command changes something at the vendor.
    pub(super) fn changes(&self) -> bool {
        match self {
            Self::PutOrder { .. }
            | Self::Delete { .. }
            | Self::Cancel { .. }
            | Self::Video(VideoCommand::Request { .. })
            | Self::DrainUnreported { .. }
            | Self::Sign(_) => true,
            Self::Status { .. }
            | Self::IdentData { .. }
            | Self::IdentDataPdf { .. }
            | Self::EsignPdf { .. }
            | Self::EsignHash(_)
            | Self::Video(VideoCommand::Get { .. })
            | Self::Voice { .. }
            | Self::Statuses { .. }
            | Self::Banks
            | Self::SignmeUser { .. }
            | Self::Finality(_)
            | Self::Ping => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum VideoCommand {
    /// Requests the recording. The vendor calls a URL when it is ready (getVideoFileBinaryAsync, chapter 3.7).
    Request {
        #[command(flatten)]
        order: Order,
        /// URL that the vendor calls with GET: `https://`, or `http://` to a loopback address. `-` reads it from
        /// standard input; without it, it is asked for.
        #[arg(long, value_name = "URL|-", conflicts_with = "callback_url_file")]
        callback_url: Option<String>,
        /// Reads the URL from a file.
        #[arg(long, value_name = "FILE")]
        callback_url_file: Option<PathBuf>,
    },
    /// Saves the recording (getVideoFileBinary, chapter 3.8). Before the vendor's callback it may be a placeholder.
    Get {
        #[command(flatten)]
        order: Order,
        /// File for the recording. It is complete or is not written.
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
        /// Replaces an existing file.
        #[arg(long)]
        force: bool,
        /// Saves a damaged file under its final name, given as its file name, if an earlier run kept the same bytes as
        /// NAME.damaged. Check them first. Can be given several times.
        #[arg(long, value_name = "NAME")]
        accept_damaged: Vec<String>,
        /// Confirms that the vendor has called the callback URL for this order.
        #[arg(long)]
        callback_received: bool,
        /// SHA-256 of a known placeholder to reject. Can be given several times.
        #[arg(long, value_name = "HEX", value_parser = sha256)]
        placeholder_sha256: Vec<[u8; 32]>,
        /// Rejects a recording with fewer bytes.
        #[arg(long, value_name = "BYTES", default_value_t = 0, hide_default_value = true)]
        at_least: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SignCommand {
    /// Starts signing: the vendor texts a TAN to the person (requestSign, chapter 5.1).
    Request(Order),
    /// Makes the vendor text another TAN (requestResendSignTan, chapter 5.3).
    Resend(Order),
    /// Signs with the TAN that the person received (confirmSign, chapter 5.2). Too many wrong TANs cancel the order.
    Confirm {
        #[command(flatten)]
        order: Order,
        /// The TAN: six characters, including leading zeros. `-` reads it from standard input; without it, it is
        /// asked for.
        #[arg(long, value_name = "TAN|-", conflicts_with = "tan_file")]
        tan: Option<String>,
        /// Reads the TAN from a file.
        #[arg(long, value_name = "FILE")]
        tan_file: Option<PathBuf>,
    },
}
