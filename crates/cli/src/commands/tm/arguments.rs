//! What can be typed after `identkit tm`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::connection::Connection;
use crate::help::CONNECTION;
use crate::values::{Moment, moment, sha256};

/// Calls identity.TM: orders and their results (Customer API 2.10c).
#[derive(Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Arguments {
    /// Base URL of the API; `http://` is accepted for loopback only.
    #[arg(long, global = true, env = "IDENTKIT_TM_BASE_URL", hide_env_values = true, value_name = "URL",
          default_value = identkit_identity_tm::DEFAULT_BASE_URL)]
    pub(super) base_url: String,

    /// CustomerID, the user name.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_ID", hide_env_values = true, value_name = "ID")]
    pub(super) customer_id: Option<String>,

    /// CustomerCode, the password. Better given by the environment: a command line can be read by others.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_CODE", hide_env_values = true, value_name = "CODE")]
    pub(super) customer_code: Option<String>,

    #[command(flatten)]
    pub(super) connection: Connection,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// An order that is named.
#[derive(Debug, Args)]
pub(super) struct Order {
    /// The OrderID that putOrder returned.
    pub(super) order_id: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Places an order (putOrder, chapter 3.1). Sent at most once: exit code 6 means that it may exist.
    PutOrder {
        /// The order as JSON, as the vendor's document writes it; `-` reads standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    /// Reads the status of an order (getStatus, chapter 3.2).
    Status {
        /// The OrderID that putOrder returned: 1 to 20 letters and digits.
        order_id: String,
        /// All codes the order ever had; without it the general ones, which may hide a suspicion of fraud.
        #[arg(long)]
        extended: bool,
    },
    /// Reads the checked data of a person (getIdentData, chapter 3.3).
    IdentData {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Shows what was given to putOrder beside what was checked.
        #[arg(long, conflicts_with = "include_identify_method")]
        include_initial_data: bool,
        /// Tells how the person was identified.
        #[arg(long)]
        include_identify_method: bool,
        /// The signed and encrypted form for use in a later order, byte for byte as it comes (chapter 6).
        #[arg(long, conflicts_with_all = ["include_initial_data", "include_identify_method"])]
        signed: bool,
        /// With --signed: the file for it, whole or not at all; standard output if not given.
        // The conflicts are named here, too: what --signed conflicts with would excuse its absence.
        #[arg(short, long, value_name = "FILE", requires = "signed",
              conflicts_with_all = ["include_initial_data", "include_identify_method"])]
        out: Option<PathBuf>,
        /// Replaces a file that is there already.
        #[arg(long, requires = "out")]
        force: bool,
    },
    /// Saves the report of an identification (getIdentDataPDF, chapter 3.4).
    IdentDataPdf {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Where the PDF is written: whole, or not at all.
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
        /// Replaces a file that is there already.
        #[arg(long)]
        force: bool,
    },
    /// Saves the signed documents of an order (getESignPDF, chapter 3.5).
    EsignPdf {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// The folder for ORDER_ID-1.pdf, ORDER_ID-2.pdf, in the order of the request; made if it is not there.
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
        /// Replaces files that are there already.
        #[arg(long)]
        force: bool,
    },
    /// Deletes the data of an order for good (delIdentdata, chapter 3.10). Asks on a terminal.
    Delete {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Does not ask: everything was collected and checked.
        #[arg(long)]
        yes: bool,
    },
    /// Cancels an open order; its data is kept (cancelOrder, chapter 4.3). Asks on a terminal.
    Cancel {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Reads the signed hashes of an order (getESignHash, chapter 3.6).
    EsignHash(Order),
    /// Asks for the recording of an identification, and fetches it (chapters 3.7 and 3.8).
    #[command(subcommand)]
    Video(VideoCommand),
    /// Saves the audio recordings of an order (getVoiceFiles, chapter 3.9).
    Voice {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// The folder for the recordings; made if it is not there.
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Lists what happened to all orders in a window of time (getAllStatus, chapter 4.2). Marks nothing as reported.
    Statuses {
        /// Begin of the window: RFC 3339, a date, or a time ago.
        #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true)]
        from: Moment,
        /// End of the window, in the same forms.
        #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true, default_value = "now")]
        to: Moment,
        /// All codes; without it the general ones, which may hide a suspicion of fraud.
        #[arg(long)]
        extended: bool,
    },
    /// Takes what was not reported before; the vendor never tells it again (getAllStatus, chapter 4.2). Asks on a terminal.
    DrainUnreported {
        /// The file that keeps every answer, on the disk before it is read; made if it is not there.
        #[arg(long, value_name = "FILE")]
        journal: PathBuf,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Signs on your own side (chapter 5). Each call is sent at most once.
    #[command(subcommand)]
    Sign(SignCommand),
    /// Lists the banks that support identity Giro (getBankList, chapter 8.1).
    Banks,
    /// Asks whether somebody can sign with sign-me (checkSignmeUser, chapter 8.3).
    SignmeUser {
        /// The sign-me user name, an e-mail address.
        email: String,
    },
    /// Judges an order by all its codes (getStatus, chapter 3.2).
    Finality(Order),
    /// Asks whether the service is up (serverStatus, chapter 7.1).
    Ping,
}

#[derive(Debug, Subcommand)]
pub(super) enum VideoCommand {
    /// Asks for the recording: the vendor calls a URL when it is ready (getVideoFileBinaryAsync, chapter 3.7).
    Request {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// What the vendor calls by GET; `https://`, or `http://` to this machine.
        #[arg(long, value_name = "URL")]
        callback_url: String,
    },
    /// Saves the recording (getVideoFileBinary, chapter 3.8). Before the vendor has called back it may be a placeholder.
    Get {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Where the recording is written: whole, or not at all.
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
        /// Replaces a file that is there already.
        #[arg(long)]
        force: bool,
        /// Says that the vendor has called the callback URL for this order.
        #[arg(long)]
        callback_received: bool,
        /// The digest of a known placeholder, which is then refused; may be given several times.
        #[arg(long, value_name = "HEX", value_parser = sha256)]
        placeholder_sha256: Vec<[u8; 32]>,
        /// Refuses a recording of fewer bytes.
        #[arg(long, value_name = "BYTES", default_value_t = 0, hide_default_value = true)]
        at_least: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SignCommand {
    /// Starts signing: a TAN is texted to the person (requestSign, chapter 5.1).
    Request(Order),
    /// Has another TAN texted (requestResendSignTan, chapter 5.3).
    Resend(Order),
    /// Signs with the TAN that the person received (confirmSign, chapter 5.2). Too many wrong ones cancel the order.
    Confirm {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Six characters, leading zeros included.
        #[arg(long)]
        tan: String,
    },
}
