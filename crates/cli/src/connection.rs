//! How a vendor is reached: what every command that calls one takes.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::help::CONNECTION;

/// What every command that calls a vendor takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Connection {
    /// A file of certificate authorities (PEM) to trust besides the bundled ones.
    #[arg(long, global = true, env = "IDENTKIT_CA_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) ca_file: Option<OsString>,

    /// Trusts the authorities of --ca-file only.
    #[arg(long, global = true, conflicts_with = "platform_roots")]
    pub(crate) no_bundled_roots: bool,

    /// Trusts the authorities that this machine trusts instead of the bundled ones.
    #[arg(long, global = true)]
    pub(crate) platform_roots: bool,

    /// Accepts only a server whose key has this SHA-256; may be given several times, for the next key too.
    #[arg(long, global = true, value_name = "sha256/BASE64")]
    pub(crate) pin: Vec<String>,

    /// A certificate (PEM, with its chain) to show to a server that asks for one.
    #[arg(long, global = true, env = "IDENTKIT_CLIENT_CERT", hide_env_values = true, value_name = "FILE")]
    pub(crate) client_cert: Option<OsString>,

    /// The private key of --client-cert (PEM, not encrypted).
    #[arg(long, global = true, env = "IDENTKIT_CLIENT_KEY", hide_env_values = true, value_name = "FILE")]
    pub(crate) client_key: Option<OsString>,

    /// An HTTP proxy, e.g. http://proxy.example.com:3128, else that of IDENTKIT_PROXY or of https_proxy. A password
    /// does not belong here, but into a variable or --proxy-auth-file.
    // Not by `env` of clap: a password may stand in the variable and not on the command line.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// A file with `user:password` for the proxy.
    #[arg(long, global = true, env = "IDENTKIT_PROXY_AUTH_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) proxy_auth_file: Option<OsString>,

    /// What is reached without the proxy: names with all below them, addresses, networks, or `*`; with commas.
    #[arg(long, global = true, env = "IDENTKIT_NO_PROXY", hide_env_values = true, value_name = "LIST")]
    pub(crate) no_proxy: Option<String>,

    /// One deadline over the whole call, attempts and waits included; 60 if not given.
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

/// The path that was given; an empty variable is one that is not set.
pub(crate) fn path(given: Option<&OsString>) -> Option<&Path> {
    given.filter(|path| !path.is_empty()).map(Path::new)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "a number of seconds is needed, e.g. 2 or 0.5".to_owned())?;
    if number > 0.0 && number <= 86_400.0 {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("it must be more than 0 and at most 86400".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_positive_and_finite() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["0", "-1", "nan", "inf", "soon", "1e9"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
