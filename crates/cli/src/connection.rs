//! The connection options of commands that call a vendor.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};

use crate::help::CONNECTION;
use crate::state::Recorder;

/// The connection options of commands that make one call to a vendor.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Connection {
    #[command(flatten)]
    pub(crate) route: Route,

    /// Deadline of the whole call, including retries and waits. Default: 60.
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

/// How vendors are reached: trust, client certificate, proxy.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = CONNECTION)]
pub(crate) struct Route {
    /// File of additional certificate authorities to trust (PEM).
    #[arg(long, global = true, env = "IDENTKIT_CA_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) ca_file: Option<OsString>,

    /// Trusts only the authorities of --ca-file.
    #[arg(long, global = true, conflicts_with = "platform_roots")]
    pub(crate) no_bundled_roots: bool,

    /// Trusts this machine's certificate authorities instead of the bundled ones.
    #[arg(long, global = true)]
    pub(crate) platform_roots: bool,

    /// Accepts only a server whose public key has this SHA-256. Repeat the option for several keys, e.g. the next one.
    #[arg(long, global = true, value_name = "sha256/BASE64")]
    pub(crate) pin: Vec<String>,

    /// Client certificate with its chain (PEM).
    #[arg(long, global = true, env = "IDENTKIT_CLIENT_CERT", hide_env_values = true, value_name = "FILE")]
    pub(crate) client_cert: Option<OsString>,

    /// Private key of --client-cert (PEM, not encrypted).
    #[arg(long, global = true, env = "IDENTKIT_CLIENT_KEY", hide_env_values = true, value_name = "FILE")]
    pub(crate) client_key: Option<OsString>,

    /// HTTP proxy, e.g. http://proxy.example.com:3128. Default: IDENTKIT_PROXY, otherwise the first that is set of
    /// https_proxy, HTTPS_PROXY, all_proxy and ALL_PROXY. The option takes no password: use IDENTKIT_PROXY or
    /// --proxy-auth-file.
    // Not clap's `env`: the variable may contain a password, the option must not.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// File with `user:password` for the proxy.
    #[arg(long, global = true, env = "IDENTKIT_PROXY_AUTH_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) proxy_auth_file: Option<OsString>,

    /// Hosts to reach without the proxy, separated by commas: names (with subdomains), `*.example.com` (subdomains
    /// only), addresses, networks, or `*`. All but networks can end with a port, e.g. example.com:8443 or [::1]:443.
    #[arg(long, global = true, env = "IDENTKIT_NO_PROXY", hide_env_values = true, value_name = "LIST")]
    pub(crate) no_proxy: Option<String>,

    /// Records requests that must not be repeated, for a command that sends one by a client of a provider.
    #[arg(skip)]
    pub(crate) recorder: Option<Recorder>,
}

/// The path, if it is not empty: an empty environment variable counts as unset.
pub(crate) fn path(value: Option<&OsString>) -> Option<&Path> {
    value.filter(|path| !path.is_empty()).map(Path::new)
}

/// Options whose empty value would be ignored like an empty environment variable.
const NOT_EMPTY: &[&str] = &[
    "ca_file",
    "client_cert",
    "client_key",
    "proxy_auth_file",
    "no_proxy",
    "state",
    "customer_code_file",
    "api_key_file",
    "s3_endpoint",
    "s3_secret_key_file",
    "s3_ca_file",
];

/// Options whose environment variable must not be empty either, because it names the credentials.
const VARIABLE_NOT_EMPTY: &[&str] = &["api_key_file", "customer_code_file"];

/// The name of an option, or of an environment variable, that is given with an empty value, where it is a mistake such as
/// an unset shell variable.
pub(crate) fn empty_option(command: &Command, matches: &ArgMatches) -> Option<String> {
    let is_empty = |id: &str, source: ValueSource| {
        matches.try_contains_id(id).is_ok()
            && matches.value_source(id) == Some(source)
            && matches.get_raw(id).is_some_and(|mut values| values.any(std::ffi::OsStr::is_empty))
    };
    let option = NOT_EMPTY.iter().find(|id| is_empty(id, ValueSource::CommandLine));
    let variable = VARIABLE_NOT_EMPTY.iter().filter(|id| is_empty(id, ValueSource::EnvVariable)).find_map(|id| {
        let argument = command.get_arguments().find(|argument| argument.get_id() == *id)?;
        Some(argument.get_env()?.to_string_lossy().into_owned())
    });
    let below = || {
        let (name, matches) = matches.subcommand()?;
        empty_option(command.find_subcommand(name)?, matches)
    };
    option.map(|id| format!("--{}", id.replace('_', "-"))).or(variable).or_else(below)
}

/// Parses a time limit.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "must be a number of seconds, e.g. 2 or 0.5".to_owned())?;
    if number > 0.0 && number <= 86_400.0 {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("must be more than 0 and at most 86400 seconds".to_owned())
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
