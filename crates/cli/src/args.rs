//! What can be typed, and the help that teaches it.

mod connection;
mod help;
mod identify24;
mod sandbox;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::connection::Calls;
use self::help::{
    BANKS_HELP, CANCEL_HELP, DELETE_HELP, DEMO_HELP, DRAIN_HELP, ESIGN_HASH_HELP, ESIGN_PDF_HELP, EXIT_CODES,
    FINALITY_HELP, IDENT_DATA_HELP, IDENT_DATA_PDF_HELP, IDENTIFY24_HELP, PING_HELP, PUT_ORDER_HELP, SANDBOX_HELP,
    SIGN_HELP, SIGNME_HELP, STATUS_HELP, STATUSES_HELP, TM_HELP, TOP, VIDEO_GET_HELP, VIDEO_HELP, VIDEO_REQUEST_HELP,
    VOICE_HELP,
};
pub(crate) use self::identify24::{Identify24, Identify24Command, Told};
pub(crate) use self::sandbox::SandboxOptions;
pub(crate) use self::values::{Moment, window};
use self::values::{moment, sha256};

/// What stands above the options that every command has.
const OUTPUT: &str = "Output";
/// What stands above the options of those that call a vendor.
const CONNECTION: &str = "Connection";

/// Verifies who people are, and has documents signed, through German identity-verification vendors.
#[derive(Debug, Parser)]
#[command(name = "identkit", version, about = ABOUT, after_help = format!("{TOP}\n{EXIT_CODES}"), max_term_width = 110)]
pub(crate) struct Arguments {
    /// How results are written to standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, help_heading = OUTPUT)]
    pub(crate) output: Format,

    /// Shows what the vendor wrote about an error. It may quote personal data; off, so that it stays out of logs.
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) show_vendor_text: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const ABOUT: &str = "Verifies who people are, and has documents signed, through German identity-verification vendors";

/// Tables for people, JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays both vendors' typical flow against a sandbox of its own, over TLS. Needs nothing installed.
    #[command(after_help = DEMO_HELP)]
    Demo(DemoOptions),
    /// Serves a sandbox of both vendors until it is ended. Synthetic data only.
    #[command(after_help = SANDBOX_HELP)]
    Sandbox(SandboxOptions),
    /// Calls identity.TM: orders and their results (Customer API 2.10c).
    #[command(after_help = format!("{TM_HELP}\n{EXIT_CODES}"))]
    Tm(Tm),
    /// Calls identify24: idents (VideoIdent API 1.0.1).
    #[command(name = "identify24", after_help = format!("{IDENTIFY24_HELP}\n{EXIT_CODES}"))]
    Identify24(Identify24),
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Where inputs, evidence and the inbox are written; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "identkit-demo")]
    pub(crate) out: PathBuf,

    /// Breaks something on purpose, to see what is then told: `receiver` dies before the last webhook.
    #[arg(long = "break", value_name = "WHAT", value_enum)]
    pub(crate) breaks: Option<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Break {
    Receiver,
}

#[derive(Debug, Args)]
pub(crate) struct Tm {
    /// Base URL of the API; `http://` is accepted for loopback only.
    #[arg(long, global = true, env = "IDENTKIT_TM_BASE_URL", hide_env_values = true, value_name = "URL",
          help_heading = CONNECTION, default_value = identkit_identity_tm::DEFAULT_BASE_URL)]
    pub(crate) base_url: String,

    /// CustomerID, the user name.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_ID", hide_env_values = true, value_name = "ID",
          help_heading = CONNECTION)]
    pub(crate) customer_id: Option<String>,

    /// CustomerCode, the password. Better given by the environment: a command line can be read by others.
    #[arg(long, global = true, env = "IDENTKIT_TM_CUSTOMER_CODE", hide_env_values = true, value_name = "CODE",
          help_heading = CONNECTION)]
    pub(crate) customer_code: Option<String>,

    #[command(flatten)]
    pub(crate) calls: Calls,

    #[command(subcommand)]
    pub(crate) command: TmCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TmCommand {
    /// Places an order (putOrder, chapter 3.1). Sent at most once: exit code 6 means that it may exist.
    #[command(after_help = format!("{PUT_ORDER_HELP}\n{EXIT_CODES}"))]
    PutOrder {
        /// The order as JSON, as the vendor's document writes it; `-` reads standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    /// Reads the status of an order (getStatus, chapter 3.2).
    #[command(after_help = format!("{STATUS_HELP}\n{EXIT_CODES}"))]
    Status {
        /// The OrderID that putOrder returned: 1 to 20 letters and digits.
        order_id: String,
        /// All codes the order ever had; without it the general ones, which may hide a suspicion of fraud.
        #[arg(long)]
        extended: bool,
    },
    /// Reads the checked data of a person (getIdentData, chapter 3.3).
    #[command(after_help = format!("{IDENT_DATA_HELP}\n{EXIT_CODES}"))]
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
    #[command(after_help = format!("{IDENT_DATA_PDF_HELP}\n{EXIT_CODES}"))]
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
    #[command(after_help = format!("{ESIGN_PDF_HELP}\n{EXIT_CODES}"))]
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
    #[command(after_help = format!("{DELETE_HELP}\n{EXIT_CODES}"))]
    Delete {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Does not ask: everything was collected and checked.
        #[arg(long)]
        yes: bool,
    },
    /// Cancels an open order; its data is kept (cancelOrder, chapter 4.3). Asks on a terminal.
    #[command(after_help = format!("{CANCEL_HELP}\n{EXIT_CODES}"))]
    Cancel {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Reads the signed hashes of an order (getESignHash, chapter 3.6).
    #[command(after_help = format!("{ESIGN_HASH_HELP}\n{EXIT_CODES}"))]
    EsignHash {
        /// The OrderID that putOrder returned.
        order_id: String,
    },
    /// Asks for the recording of an identification, and fetches it (chapters 3.7 and 3.8).
    #[command(subcommand, after_help = format!("{VIDEO_HELP}\n{EXIT_CODES}"))]
    Video(VideoCommand),
    /// Saves the audio recordings of an order (getVoiceFiles, chapter 3.9).
    #[command(after_help = format!("{VOICE_HELP}\n{EXIT_CODES}"))]
    Voice {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// The folder for the recordings; made if it is not there.
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Lists what happened to all orders in a window of time (getAllStatus, chapter 4.2). Marks nothing as reported.
    #[command(after_help = format!("{STATUSES_HELP}\n{EXIT_CODES}"))]
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
    #[command(after_help = format!("{DRAIN_HELP}\n{EXIT_CODES}"))]
    DrainUnreported {
        /// The file that keeps every answer, on the disk before it is read; made if it is not there.
        #[arg(long, value_name = "FILE")]
        journal: PathBuf,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Signs on your own side (chapter 5). Each call is sent at most once.
    #[command(subcommand, after_help = format!("{SIGN_HELP}\n{EXIT_CODES}"))]
    Sign(SignCommand),
    /// Lists the banks that support identity Giro (getBankList, chapter 8.1).
    #[command(after_help = format!("{BANKS_HELP}\n{EXIT_CODES}"))]
    Banks,
    /// Asks whether somebody can sign with sign-me (checkSignmeUser, chapter 8.3).
    #[command(after_help = format!("{SIGNME_HELP}\n{EXIT_CODES}"))]
    SignmeUser {
        /// The sign-me user name, an e-mail address.
        email: String,
    },
    /// Judges an order by all its codes (getStatus, chapter 3.2).
    #[command(after_help = format!("{FINALITY_HELP}\n{EXIT_CODES}"))]
    Finality {
        /// The OrderID that putOrder returned.
        order_id: String,
    },
    /// Asks whether the service is up (serverStatus, chapter 7.1).
    #[command(after_help = format!("{PING_HELP}\n{EXIT_CODES}"))]
    Ping,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VideoCommand {
    /// Asks for the recording: the vendor calls a URL when it is ready (getVideoFileBinaryAsync, chapter 3.7).
    #[command(after_help = format!("{VIDEO_REQUEST_HELP}\n{EXIT_CODES}"))]
    Request {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// What the vendor calls by GET; `https://`, or `http://` to this machine.
        #[arg(long, value_name = "URL")]
        callback_url: String,
    },
    /// Saves the recording (getVideoFileBinary, chapter 3.8). Before the vendor has called back it may be a placeholder.
    #[command(after_help = format!("{VIDEO_GET_HELP}\n{EXIT_CODES}"))]
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
pub(crate) enum SignCommand {
    /// Starts signing: a TAN is texted to the person (requestSign, chapter 5.1).
    #[command(after_help = format!("{SIGN_HELP}\n{EXIT_CODES}"))]
    Request {
        /// The OrderID that putOrder returned.
        order_id: String,
    },
    /// Has another TAN texted (requestResendSignTan, chapter 5.3).
    #[command(after_help = format!("{SIGN_HELP}\n{EXIT_CODES}"))]
    Resend {
        /// The OrderID that putOrder returned.
        order_id: String,
    },
    /// Signs with the TAN that the person received (confirmSign, chapter 5.2). Too many wrong ones cancel the order.
    #[command(after_help = format!("{SIGN_HELP}\n{EXIT_CODES}"))]
    Confirm {
        /// The OrderID that putOrder returned.
        order_id: String,
        /// Six characters, leading zeros included.
        #[arg(long)]
        tan: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
