//! The URL of a database, and connections to it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use identkit_core::{Error, Kind, Secret};
use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Connection, Socket};

use super::rows::Fault;
use super::tls::{Authorities, Secured, Tls};

/// Time limits of connecting and of waiting for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Settings of each connection, which precede those of the database and of the user.
///
/// - A database can have `synchronous_commit = off`, which acknowledges what a crash loses.
/// - The statements are written for the isolation `read committed`.
/// - A process that is paused in a transaction loses its connection, and with it its locks, before others that wait for
///   them give up.
const SETTINGS: &str = "-c synchronous_commit=on -c default_transaction_isolation=read\\ committed \
    -c default_transaction_read_only=off -c search_path=identkit -c statement_timeout=10s -c lock_timeout=5s \
    -c idle_in_transaction_session_timeout=2s";

/// A database, and how it is reached.
pub(super) struct Target {
    config: Config,
    tls: Tls,
}

/// The options of the URL that tokio-postgres does not read, or reads in another way.
#[derive(Default)]
struct Security {
    mode: String,
    root: Option<String>,
}

impl Target {
    pub(super) fn parse(url: &Secret) -> Result<Self, Error> {
        let (url, Security { mode, root }) = split(url.expose());
        // The errors of the parser quote parts of the URL.
        let refuse = |text: &'static str| Error::new(Kind::InvalidInput, text);
        let rule = "not a valid URL of a PostgreSQL database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE";
        let scheme = ["postgresql://", "postgres://"].iter().any(|scheme| url.starts_with(scheme));
        let mut config: Config = Some(url).filter(|_| scheme).and_then(|url| url.parse().ok()).ok_or(refuse(rule))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refuse("the URL of the database names no host"));
        }
        let local = config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        let mode = match (mode.as_str(), local) {
            ("disable", true) | ("" | "allow" | "prefer", true) => SslMode::Disable,
            ("disable", false) => {
                let text = "sslmode=disable is not allowed for another machine: personal data would be readable \
                    on the network. Leave out sslmode";
                return Err(refuse(text));
            }
            ("" | "allow" | "prefer", false) | ("require" | "verify-ca" | "verify-full", _) => SslMode::Require,
            _ => return Err(refuse("sslmode must be disable, allow, prefer, require, verify-ca or verify-full")),
        };
        let authorities = match root.as_deref() {
            None | Some("system") => Authorities::Bundled,
            Some(path) => Authorities::File(path.into()),
        };
        let options = [config.get_options().unwrap_or_default(), SETTINGS].join(" ");
        config.ssl_mode(mode).options(options).target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.keepalives_idle(Duration::from_secs(10)).keepalives_interval(CONNECT).keepalives_retries(3);
        config.connect_timeout(*config.get_connect_timeout().unwrap_or(&CONNECT));
        config.tcp_user_timeout(*config.get_tcp_user_timeout().unwrap_or(&Duration::from_secs(20)));
        if config.get_application_name().is_none() {
            config.application_name("identkit");
        }
        Ok(Self { config, tls: Tls::new(authorities)? })
    }

    pub(super) async fn connect(&self) -> Result<(Client, Connection<Socket, Secured>), Fault> {
        Ok(self.config.connect(self.tls.clone()).await?)
    }

    pub(super) fn pool(&self, connections: usize) -> Result<Pool, Error> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        let pool = Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1);
        let pool = pool.wait_timeout(Some(CONNECT)).create_timeout(Some(CONNECT * 2)).build();
        pool.map_err(|_| Error::new(Kind::Storage, "the pool of connections cannot be created"))
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Takes the options for TLS out of a URL.
fn split(url: &str) -> (Cow<'_, str>, Security) {
    let mut security = Security::default();
    // A password can contain a question mark.
    let host = url.find('@').unwrap_or_default();
    let Some((base, query)) =
        url.get(host..).and_then(|rest| rest.find('?')).and_then(|at| url.split_at_checked(host + at))
    else {
        return (url.into(), security);
    };
    let mut rest = Vec::new();
    for option in query.trim_start_matches('?').split('&') {
        let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        match option.split_once('=') {
            Some(("sslmode", value)) => security.mode = decoded(value),
            Some(("sslrootcert", value)) => security.root = Some(decoded(value)),
            _ => rest.push(option),
        }
    }
    (format!("{base}?{}", rest.join("&")).trim_end_matches('?').to_owned().into(), security)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Option<SslMode> {
        Target::parse(&Secret::from(url)).ok().map(|target| target.config.get_ssl_mode())
    }

    #[test]
    fn plain_connections_stay_on_this_machine() {
        let local = ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql", "localhost,127.0.0.2"];
        let foreign = ["db.example", "192.0.2.1", "localhost.db.example", "localhost,db.example", "[2001:db8::1]"];
        for (host, plain) in local.map(|host| (host, true)).into_iter().chain(foreign.map(|host| (host, false))) {
            let with = |option: &str| mode(&format!("postgresql://u:secret@{host}/db?{option}"));
            let (default, disabled) =
                if plain { (SslMode::Disable, Some(SslMode::Disable)) } else { (SslMode::Require, None) };
            for option in ["", "sslmode=prefer", "sslmode=allow", "connect_timeout=3"] {
                assert_eq!(with(option), Some(default), "{host} {option}");
            }
            assert_eq!(with("connect_timeout=3&sslmode=disable"), disabled, "{host}");
            for option in ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full&connect_timeout=3"] {
                assert_eq!(with(option), Some(SslMode::Require), "{host} {option}");
            }
            assert_eq!(with("sslmode=none"), None);
        }
        // The address decides, not the name.
        assert_eq!(mode("postgresql://localhost/db?hostaddr=192.0.2.1&sslmode=disable"), None);
        assert_eq!(mode("postgresql://localhost/db?hostaddr=192.0.2.1"), Some(SslMode::Require));
    }

    #[test]
    fn errors_of_a_url_do_not_quote_it() {
        let urls = [
            "postgresql://u:canary@",
            "postgresql://u:canary@db.example:canary/db",
            "postgresql://u:canary@db.example/db?canary=1",
            "postgresql://u:canary@db.example/db?sslmode=canary",
            "postgresql://u:canary@db.example/db?sslrootcert=/none/canary",
            "host=db.example password=canary",
            "canary",
        ];
        for url in urls {
            let error = Target::parse(&Secret::from(url)).err().unwrap();
            assert_eq!(error.kind(), Kind::InvalidInput, "{url}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
        let builder = super::super::Postgres::builder("postgresql://u:canary@db.example/db");
        assert!(!format!("{builder:?}").contains("canary"));
    }

    #[test]
    fn a_question_mark_in_a_password_begins_no_options() {
        let target =
            Target::parse(&Secret::from("postgresql://u:a?sslmode=b@localhost/db?sslmode=require")).ok().unwrap();
        assert_eq!(target.config.get_password(), Some(&b"a?sslmode=b"[..]));
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn options_of_the_url_cannot_weaken_durability() {
        let url = "postgresql://localhost/db?options=-c%20synchronous_commit%3Doff";
        let options = Target::parse(&Secret::from(url)).ok().unwrap().config.get_options().unwrap().to_owned();
        // The server uses the last value.
        assert!(options.starts_with("-c synchronous_commit=off -c synchronous_commit=on "), "{options}");
    }
}
