//! The options of `identkit sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use identkit_mock_server::{Mode, Profile};
use jiff::Timestamp;

/// What stands above the options that say what world it is.
const WORLD: &str = "World";

/// Serves a sandbox of both vendors until it is ended. Synthetic data only.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where the vendors' APIs listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:0")]
    pub(super) listen: SocketAddr,

    /// Where the admin API listens (plain HTTP); port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:0")]
    pub(super) admin: SocketAddr,

    /// Lets --listen and --admin be addresses that other machines reach, as in a container. Whoever reaches them has
    /// all of the sandbox.
    #[arg(long)]
    pub(super) allow_non_loopback: bool,

    /// Plain HTTP instead of TLS.
    #[arg(long)]
    pub(super) plain: bool,

    /// A host name or address more that the certificate is for, and that the admin API is called by; may be given
    /// several times.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub(super) tls_name: Vec<String>,

    /// Where the CA certificate is written; a temporary file, removed at the end, if not given.
    #[arg(long, value_name = "FILE")]
    pub(super) write_ca: Option<PathBuf>,

    /// Where identify24's webhooks go, which at the vendor is set in the partner portal.
    #[arg(long, value_name = "URL", value_parser = webhook)]
    pub(super) identify24_webhook: Option<String>,

    /// A CA file more to trust when webhooks are delivered over TLS.
    #[arg(long, value_name = "FILE")]
    pub(super) webhook_ca: Option<PathBuf>,

    /// How time goes on: `real`, `frozen` until it is moved by the admin API, or `scaled:FACTOR` times as fast.
    #[arg(long, value_name = "MODE", value_parser = clock, default_value = "real", help_heading = WORLD)]
    pub(super) clock: Mode,

    /// The time at first, e.g. 2020-09-10T12:00:00Z, which is where a frozen clock stands if not given; else now.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = WORLD)]
    pub(super) start: Option<Timestamp>,

    /// The seed of everything random: the same seed and requests give the same ids. Drawn if not given.
    #[arg(long, value_name = "NUMBER", help_heading = WORLD)]
    pub(super) seed: Option<u64>,

    /// How strictly requests are judged; `literal` if not given.
    #[arg(long, value_name = "PROFILE", help_heading = WORLD,
          value_parser = PossibleValuesParser::new(Profile::ALL.map(Profile::name))
              .map(|name| Profile::named(&name).unwrap_or_default()))]
    pub(super) profile: Option<Profile>,

    /// How many orders, and how many idents, a world keeps. One more, and the oldest tenth is forgotten with its
    /// webhooks.
    #[arg(long, value_name = "NUMBER", default_value = "50000", value_parser = clap::value_parser!(u32).range(1..), help_heading = WORLD)]
    pub(super) keep_cases: u32,

    /// A file that the world is read from, if it is there, and saved into at the end, and every 5 seconds when
    /// something happened. No other sandbox can use it meanwhile. A world that is read has its own
    /// time, seed and profile, whatever the options say.
    #[arg(long, value_name = "FILE", help_heading = WORLD)]
    pub(super) world_file: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address and a port are needed, e.g. 127.0.0.1:8443, [::1]:8443 or 127.0.0.1:0".to_owned())
}

/// What a certificate can be for.
fn host(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() < 64 && label.bytes().all(inner)
    };
    let name = text.strip_prefix("*.").unwrap_or(text);
    match text.parse::<std::net::IpAddr>().is_ok() || (text.len() < 254 && name.split('.').all(label)) {
        true => Ok(text.to_owned()),
        false => Err("a host name or an address is needed, e.g. sandbox, *.example.com or 192.0.2.1".to_owned()),
    }
}

/// As the setting of the same name.
fn webhook(text: &str) -> Result<String, String> {
    let called = |uri: http::Uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
    match text.parse().is_ok_and(called) {
        true => Ok(text.to_owned()),
        false => Err("a URL is needed that begins with https:// or http://".to_owned()),
    }
}

fn clock(text: &str) -> Result<Mode, String> {
    let factor = |text: &str| text.strip_prefix("scaled:")?.parse().ok().filter(|n| *n > 0.0 && *n <= Mode::FASTEST);
    match text {
        "real" => Ok(Mode::Real),
        "frozen" => Ok(Mode::Frozen),
        _ => factor(text)
            .map(Mode::Scaled)
            .ok_or_else(|| format!("real, frozen, or scaled:FACTOR with a factor above 0 and up to {}", Mode::FASTEST)),
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a time with its offset is needed, e.g. 2020-09-10T12:00:00Z".to_owned())
}
