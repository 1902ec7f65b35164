//! The options of `identkit sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use identkit_mock_server::{Mode, Profile};
use identkit_wire::url::is_host_name;
use jiff::Timestamp;

use crate::providers::VendorOptions;

/// Help heading of the options of the world.
const WORLD: &str = "World";

/// Runs a mock of both vendors with synthetic data until it is stopped. Its subcommands control a running one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) control: Option<super::control::Command>,

    /// Address of the vendors' APIs. Port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:0")]
    pub(super) listen: SocketAddr,

    /// Address of the admin API (plain HTTP). Port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:0")]
    pub(super) admin: SocketAddr,

    /// Accepts addresses for --listen and --admin that other machines can reach. The sandbox has no access control:
    /// anyone who can connect can read and change it.
    #[arg(long)]
    pub(super) allow_non_loopback: bool,

    /// Serves the vendors' APIs over plain HTTP instead of TLS.
    #[arg(long)]
    pub(super) plain: bool,

    /// Additional host name or address for the certificate and for calls of the admin API. Can be given several
    /// times.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub(super) tls_name: Vec<String>,

    /// File for the CA certificate. Default: a temporary file, removed at the end.
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    pub(super) write_ca: Option<PathBuf>,

    /// Stops when the process that started the sandbox has ended, e.g. a test run that was killed. Unix only.
    #[arg(long)]
    pub(super) with_parent: bool,

    /// Prints no line per request and webhook on standard error.
    #[arg(long)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) vendors: VendorOptions,

    /// File of additional certificate authorities (PEM) to trust when delivering webhooks.
    #[arg(long, value_name = "FILE")]
    pub(super) webhook_ca: Option<PathBuf>,

    /// Clock: `real`, `frozen` (only the admin API advances it), or `scaled:FACTOR` (FACTOR times as fast).
    #[arg(long, value_name = "MODE", value_parser = clock, default_value = "real", help_heading = WORLD)]
    pub(super) clock: Mode,

    /// Initial time, e.g. 2020-09-10T12:00:00Z, which is also the default of a frozen clock. Other clocks start now.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = WORLD)]
    pub(super) start: Option<Timestamp>,

    /// Seed of random values: the same seed and the same requests give the same ids. Default: random.
    #[arg(long, value_name = "NUMBER", help_heading = WORLD)]
    pub(super) seed: Option<u64>,

    /// How strictly the sandbox checks requests. Default: literal.
    #[arg(long, value_name = "PROFILE", help_heading = WORLD,
          value_parser = PossibleValuesParser::new(Profile::ALL.map(Profile::name))
              .map(|name| Profile::named(&name).unwrap_or_default()))]
    pub(super) profile: Option<Profile>,

    /// Maximum number of orders, and of idents, in a world. Beyond it, the oldest tenth is dropped with its
    /// webhooks.
    #[arg(long, value_name = "NUMBER", default_value = "50000", value_parser = clap::value_parser!(u32).range(1..), help_heading = WORLD)]
    pub(super) keep_cases: u32,

    /// File of the world: read at the start if it exists, saved every 5 seconds after a change and at the end. Only one
    /// sandbox can use it at a time. A world from a file keeps its time, seed and profile and ignores the options.
    #[arg(long, value_name = "FILE", help_heading = WORLD)]
    pub(super) world_file: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an address and a port, e.g. 127.0.0.1:8443, [::1]:8443 or 127.0.0.1:0".to_owned())
}

/// Parses a host name or address that a certificate can be for, and that a client can call.
fn host(text: &str) -> Result<String, String> {
    if is_host_name(text) || text.parse::<std::net::IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    Err("must be a host name or an address, e.g. sandbox, sandbox.example.com or 192.0.2.1".to_owned())
}

fn clock(text: &str) -> Result<Mode, String> {
    let factor = |text: &str| text.strip_prefix("scaled:")?.parse().ok().filter(|n| *n > 0.0 && *n <= Mode::FASTEST);
    match text {
        "real" => Ok(Mode::Real),
        "frozen" => Ok(Mode::Frozen),
        _ => factor(text).map(Mode::Scaled).ok_or_else(|| {
            format!("must be real, frozen, or scaled:FACTOR with a factor above 0 and up to {}", Mode::FASTEST)
        }),
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "must be a time with its offset, e.g. 2020-09-10T12:00:00Z".to_owned())
}
