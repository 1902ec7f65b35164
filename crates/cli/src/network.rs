//! From options to a way to the vendor: whom to trust, what to show, through which proxy.
//!
//! All of it is read and checked before anything is sent; what cannot be used is told by its option.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use identkit_core::{Error, Secret};
use identkit_transport::Transport;
use identkit_transport::http::{HyperTransport, Pin, Proxy, TlsBuilder, TlsConfig, certificates};

use crate::connection::{Connection, path};
use crate::exit::Failure;

/// May hold a password, other than the command line.
const PROXY: &str = "IDENTKIT_PROXY";

/// The way for the sandbox's webhooks.
pub(crate) fn webhooks(ca_file: Option<&Path>) -> Result<Arc<dyn Transport>, Failure> {
    let builder = TlsConfig::builder().authorities(&authorities("--webhook-ca", ca_file)?);
    let tls = builder.build().map_err(|error| untrusted("--webhook-ca", ca_file, error))?;
    Ok(Arc::new(HyperTransport::new(&tls)))
}

/// The way to the vendor at this base URL.
pub(crate) fn vendor(connection: &Connection, base_url: &str) -> Result<Arc<dyn Transport>, Failure> {
    let ca_file = path(connection.ca_file.as_ref());
    if connection.no_bundled_roots && ca_file.is_none() {
        return Err(Failure::usage("--no-bundled-roots trusts nobody: name the authorities to trust by --ca-file"));
    }
    let authorities = authorities("--ca-file", ca_file)?;
    let builder = || {
        let builder = TlsConfig::builder().authorities(&authorities);
        match (connection.no_bundled_roots, connection.platform_roots) {
            (true, _) => builder.without_roots(),
            (_, true) => builder.platform_roots(),
            _ => builder,
        }
    };
    // Of the two only whom to trust concerns a proxy as well.
    let trust = builder().build().map_err(|error| untrusted("--ca-file", ca_file, error))?;
    let tls = identified(connection, builder(), &trust)?;
    let proxy = proxy(connection, base_url)?.map(|proxy| proxy.tls(trust));
    Ok(Arc::new(HyperTransport::builder(&tls).proxy(proxy).build()))
}

fn authorities(flag: &str, file: Option<&Path>) -> Result<Vec<Vec<u8>>, Failure> {
    let Some(path) = file else { return Ok(Vec::new()) };
    certificates(&read(flag, path)?).map_err(|error| unusable(flag, path, &error))
}

fn untrusted(flag: &str, file: Option<&Path>, error: Error) -> Failure {
    match file {
        Some(path) => unusable(flag, path, &error),
        None => error.into(),
    }
}

fn unusable(flag: &str, path: &Path, error: &Error) -> Failure {
    refused(&format!("{flag} {}", path.display()), error)
}

fn refused(what: &str, error: &Error) -> Failure {
    Failure::unsent(format!("{what} cannot be used: {}", error.detail()))
}

fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::unsent(format!("{flag} {} cannot be read: {error}", path.display())))
}

/// With pins and a client certificate, where there are any.
fn identified(connection: &Connection, builder: TlsBuilder, trust: &TlsConfig) -> Result<TlsConfig, Failure> {
    let pins = connection.pin.iter().map(|pin| Pin::parse(pin)).collect::<Result<Vec<_>, _>>();
    let builder = builder.pins(pins.map_err(|error| refused("--pin", &error))?);
    let half = |given, missing, variable| Failure::unsent(format!("{given} needs {missing} (or {variable})"));
    let (certificate, key) = match (path(connection.client_cert.as_ref()), path(connection.client_key.as_ref())) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) if connection.pin.is_empty() => return Ok(trust.clone()),
        (None, None) => return Ok(builder.build()?),
        (Some(_), None) => return Err(half("--client-cert", "--client-key", "IDENTKIT_CLIENT_KEY")),
        (None, Some(_)) => return Err(half("--client-key", "--client-cert", "IDENTKIT_CLIENT_CERT")),
    };
    let chain = read("--client-cert", certificate)?;
    let secret = Secret::new(text("--client-key", key)?);
    let built = builder.client_certificate(&chain, &secret).and_then(TlsBuilder::build);
    built.map_err(|error| {
        refused(&format!("--client-cert {} with --client-key {}", certificate.display(), key.display()), &error)
    })
}

/// A file as text; what is in it is not told when it is none.
fn text(flag: &str, path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(flag, path)?).map_err(|_| Failure::unsent(format!("{flag} {} is no text", path.display())))
}

/// The proxy that was asked for, or that of the environment, where it applies to this host.
fn proxy(connection: &Connection, base_url: &str) -> Result<Option<Proxy>, Failure> {
    let direct = connection.no_proxy.as_deref().unwrap_or_default();
    let found = match (&connection.proxy, variable()?) {
        (Some(url), _) if url.contains('@') => {
            return Err(Failure::unsent(format!(
                "--proxy must not hold a user or a password, since a command line can be read by others: put them into \
                 {PROXY} or into a --proxy-auth-file"
            )));
        }
        (Some(url), _) => Some(Proxy::new(url, direct).map_err(|error| refused("--proxy", &error))?),
        (None, Some(url)) => Some(Proxy::new(url.expose(), direct).map_err(|error| refused(PROXY, &error))?),
        (None, None) => Proxy::from_environment()
            .map_err(|error| refused("the proxy of the environment (https_proxy or all_proxy)", &error))?
            .filter(|_| !spared(direct, base_url)),
    };
    let (name, path) = ("--proxy-auth-file", path(connection.proxy_auth_file.as_ref()));
    let Some(found) = found else { return Ok(None) };
    let Some(path) = path else { return Ok(Some(found)) };
    let text = Secret::new(text(name, path)?);
    let line = text.expose().trim_end_matches(['\r', '\n']);
    let (user, password) = line
        .split_once(':')
        .filter(|_| !line.contains(char::is_control))
        .ok_or_else(|| Failure::unsent(format!("{name} {} must hold user:password in one line", path.display())))?;
    let found = found.credentials(user, &Secret::new(password));
    found.map(Some).map_err(|error| unusable(name, path, &error))
}

/// The URL in the variable; empty is not set.
fn variable() -> Result<Option<Secret>, Failure> {
    match std::env::var(PROXY) {
        Ok(url) if !url.trim().is_empty() => Ok(Some(Secret::new(url))),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::unsent(format!("{PROXY} is no text"))),
    }
}

/// Whether --no-proxy takes this host from the environment's proxy, which has a list of its own besides.
fn spared(direct: &str, base_url: &str) -> bool {
    // Any proxy does: only its list is asked.
    let asked = Proxy::new("http://proxy.invalid", direct).ok().zip(base_url.parse::<Uri>().ok());
    asked.is_some_and(|(proxy, url)| {
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        !proxy.applies_to(host, url.port_u16().unwrap_or(443))
    })
}
