//! Builds transports from the connection options: trust, client certificate, proxy.
//!
//! Every option is checked before a request is sent. An error names the option.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use http::uri::Scheme;
use http::{Request, Response};
use identkit_core::{Content, Delivery, Error, Kind, Secret};
use identkit_transport::http::{HyperTransport, Pin, Proxy, ProxyExceptions, TlsBuilder, TlsConfig, certificates};
use identkit_transport::{AttemptContext, BaseUrl, Failure as TransportFailure, Transport};
use identkit_wire::Body;
use identkit_wire::url::WebUrl;

use crate::connection::{Route, path};
use crate::exit::Failure;
use crate::input::{bytes_of, secret_of, text_of};
use crate::output::say;
use crate::state;
use crate::stopping::stoppable;

/// The variable may contain a password; the command line must not.
const PROXY: &str = "IDENTKIT_PROXY";

/// Builds the transport for the sandbox's webhooks. Without a CA file, it is built for the first webhook: a sandbox that
/// delivers none takes less memory.
pub(crate) fn webhooks(ca_file: Option<&Path>) -> Result<Arc<dyn Transport>, Failure> {
    match ca_file {
        Some(_) => direct("--webhook-ca", ca_file),
        None => Ok(Arc::new(BuiltAtFirstUse::default())),
    }
}

/// A transport with the bundled roots, which is built for the first request.
#[derive(Debug, Default)]
struct BuiltAtFirstUse(OnceLock<Option<HyperTransport>>);

#[async_trait]
impl Transport for BuiltAtFirstUse {
    async fn send(
        &self,
        request: Request<Body>,
        context: &AttemptContext,
    ) -> Result<Response<Content>, TransportFailure> {
        let build = || TlsConfig::bundled().ok().map(|tls| HyperTransport::new(&tls));
        match self.0.get_or_init(build) {
            Some(transport) => transport.send(request, context).await,
            None => {
                Err(TransportFailure::new(Delivery::NotSent, Kind::Unreachable, "TLS cannot be set up").permanent())
            }
        }
    }
}

/// Builds the transport to the service that gets forwarded events.
pub(crate) fn forward(ca_file: Option<&Path>) -> Result<Arc<dyn Transport>, Failure> {
    direct("--forward-ca-file", ca_file)
}

/// Builds the transport to the admin API of a sandbox.
pub(crate) fn admin() -> Result<Arc<dyn Transport>, Failure> {
    direct("--admin", None)
}

/// Builds the transport for a check of the webhook receiver. Other TLS settings than those of [`webhooks`] can be given.
pub(crate) fn webhook_check(ca_file: Option<&Path>, tls: Option<&TlsConfig>) -> Result<HyperTransport, Failure> {
    let flag = "--webhook-ca";
    let builder = TlsConfig::builder().authorities(&authorities(flag, ca_file)?);
    let trust = builder.build().map_err(|error| untrusted(flag, ca_file, error))?;
    Ok(HyperTransport::new(tls.unwrap_or(&trust)))
}

/// Builds a transport without a proxy that also trusts the authorities of a file.
fn direct(flag: &str, ca_file: Option<&Path>) -> Result<Arc<dyn Transport>, Failure> {
    let builder = TlsConfig::builder().authorities(&authorities(flag, ca_file)?);
    let tls = builder.build().map_err(|error| untrusted(flag, ca_file, error))?;
    Ok(Arc::new(HyperTransport::new(&tls)))
}

/// Parses a base URL, which comes from an option or a variable.
pub(crate) fn base_url(url: &str, option: &str, variable: &str) -> Result<BaseUrl, Failure> {
    BaseUrl::parse(url)
        .map_err(|error| Failure::usage(format!("{option} or {variable} cannot be used: {}", error.detail())))
}

/// Builds a transport that sends nothing, for clients that only check and encode.
pub(crate) fn unconnected() -> Arc<dyn Transport> {
    Arc::new(Unconnected)
}

#[derive(Debug)]
struct Unconnected;

#[async_trait]
impl Transport for Unconnected {
    async fn send(&self, _: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, TransportFailure> {
        let detail = "this command calls no vendor";
        Err(TransportFailure::new(Delivery::NotSent, Kind::Unreachable, detail).permanent())
    }
}

/// Builds the transport to a vendor. After a signal it sends nothing.
pub(crate) fn vendor(route: &Route, base: &BaseUrl) -> Result<Arc<dyn Transport>, Failure> {
    let builder = trusted(route)?;
    // Pins and the client certificate are for the vendor only, not for the proxy.
    let trust = trust(route)?;
    let tls = with_identity(route, builder, &trust)?;
    let proxy = proxy(route)?.map(|proxy| proxy.tls(trust));
    reject_without_tls(route, base, proxy.as_ref())?;
    let transport = stoppable(Arc::new(HyperTransport::builder(&tls).proxy(proxy).build()));
    Ok(match &route.recorder {
        Some(recorder) => state::record(transport, recorder.clone()),
        None => transport,
    })
}

/// Builds the transport to an object store. Pins and the client certificate are for the vendors only.
pub(crate) fn object_store(
    route: &Route,
    ca_file: Option<&Path>,
    base: &BaseUrl,
) -> Result<Arc<dyn Transport>, Failure> {
    let flag = "--s3-ca-file (AWS_CA_BUNDLE)";
    let builder = TlsConfig::builder().authorities(&authorities(flag, ca_file)?);
    let builder = if route.platform_roots { builder.platform_roots() } else { builder };
    let tls = builder.build().map_err(|error| untrusted(flag, ca_file, error))?;
    let trust = trust(route)?;
    let proxy = find_proxy(route)?.map(|proxy| proxy.tls(trust));
    reject_proxy_without_tls("--s3-endpoint", base, proxy.as_ref())?;
    Ok(Arc::new(HyperTransport::builder(&tls).proxy(proxy).build()))
}

/// The TLS settings with the trusted authorities.
fn trusted(route: &Route) -> Result<TlsBuilder, Failure> {
    let ca_file = path(route.ca_file.as_ref());
    if route.no_bundled_roots && ca_file.is_none() {
        return Err(Failure::usage("--no-bundled-roots needs --ca-file: without it, no authority is trusted"));
    }
    let builder = TlsConfig::builder().authorities(&authorities("--ca-file", ca_file)?);
    Ok(match (route.no_bundled_roots, route.platform_roots) {
        (true, _) => builder.without_roots(),
        (_, true) => builder.platform_roots(),
        _ => builder,
    })
}

fn trust(route: &Route) -> Result<TlsConfig, Failure> {
    let built = trusted(route)?.build();
    built.map_err(|error| untrusted("--ca-file", path(route.ca_file.as_ref()), error))
}

/// Builds a transport that reaches the same servers as [`vendor`], with other TLS settings for them.
pub(crate) fn with_tls(route: &Route, tls: &TlsConfig) -> Result<HyperTransport, Failure> {
    let trust = trust(route)?;
    let proxy = find_proxy(route)?.map(|proxy| proxy.tls(trust));
    Ok(HyperTransport::builder(tls).proxy(proxy).build())
}

/// The proxy in words: its host and port, and the option or the variable that sets it. Without user and password.
pub(crate) fn proxy_name(route: &Route) -> String {
    let variables = [PROXY, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let set = |name: &'static str| {
        let url = std::env::var(name).ok().filter(|url| !url.trim().is_empty())?;
        Some((name, Secret::new(url)))
    };
    let option = route.proxy.as_ref().map(|url| ("--proxy", Secret::new(url.as_str())));
    let Some((source, url)) = option.or_else(|| variables.into_iter().find_map(set)) else {
        return "a proxy".to_owned();
    };
    let text = url.expose().trim();
    let parsed = WebUrl::parse(text).or_else(|_| WebUrl::parse(&format!("http://{text}"))).ok();
    let host = parsed.as_ref().and_then(|url| url.uri().host()).unwrap_or("(its URL is not valid)");
    let port = parsed.as_ref().and_then(|url| url.uri().port_u16()).map(|port| format!(":{port}")).unwrap_or_default();
    format!("the proxy {host}{port} ({source})")
}

/// Fails if the calls use no TLS and an option for TLS is given: the user expects a protection that there is not. Also fails
/// if the calls use a proxy, which would read the credentials; its loopback is another machine.
fn reject_without_tls(route: &Route, base: &BaseUrl, proxy: Option<&Proxy>) -> Result<(), Failure> {
    if !reject_proxy_without_tls("the base URL", base, proxy)? {
        return Ok(());
    }
    let given = [
        ("--pin", !route.pin.is_empty()),
        ("--client-cert (IDENTKIT_CLIENT_CERT)", path(route.client_cert.as_ref()).is_some()),
        ("--ca-file (IDENTKIT_CA_FILE)", path(route.ca_file.as_ref()).is_some()),
        ("--platform-roots", route.platform_roots),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Failure::unsent(format!(
            "{option} has no effect, because the base URL begins with http://: remove it, or use https://"
        ))),
        None => Ok(()),
    }
}

/// Returns whether the calls use no TLS. Fails if they use a proxy then.
fn reject_proxy_without_tls(name: &str, base: &BaseUrl, proxy: Option<&Proxy>) -> Result<bool, Failure> {
    let Some(url) = base.join("/").ok().filter(|url| url.scheme() != Some(&Scheme::HTTPS)) else { return Ok(false) };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    match proxy.is_some_and(|proxy| proxy.applies_to(host, url.port_u16().unwrap_or(80))) {
        false => Ok(true),
        true => Err(Failure::unsent(format!(
            "--proxy (or {PROXY}) cannot be used, because {name} begins with http:// and the proxy would read the \
             credentials: remove it, use https://, or name the host with --no-proxy"
        ))),
    }
}

fn authorities(flag: &str, file: Option<&Path>) -> Result<Vec<Vec<u8>>, Failure> {
    let Some(path) = file else { return Ok(Vec::new()) };
    certificates(&bytes_of(flag, path)?).map_err(|error| unusable(flag, path, &error))
}

fn untrusted(flag: &str, file: Option<&Path>, error: Error) -> Failure {
    match file {
        Some(path) => unusable(flag, path, &error),
        None => error.into(),
    }
}

fn unusable(flag: &str, path: &Path, error: &Error) -> Failure {
    invalid(&format!("{flag} {}", path.display()), error)
}

fn invalid(what: &str, error: &Error) -> Failure {
    Failure::unsent(format!("{what} cannot be used: {}", error.detail()))
}

/// Adds the pins and the client certificate, if given.
fn with_identity(route: &Route, builder: TlsBuilder, trust: &TlsConfig) -> Result<TlsConfig, Failure> {
    let pins = route.pin.iter().map(|pin| Pin::parse(pin)).collect::<Result<Vec<_>, _>>();
    let builder = builder.pins(pins.map_err(|error| invalid("--pin", &error))?);
    let half = |given, missing, variable| Failure::unsent(format!("{given} needs {missing} (or {variable})"));
    let (certificate, key) = match (path(route.client_cert.as_ref()), path(route.client_key.as_ref())) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) if route.pin.is_empty() => return Ok(trust.clone()),
        (None, None) => return Ok(builder.build()?),
        (Some(_), None) => return Err(half("--client-cert", "--client-key", "IDENTKIT_CLIENT_KEY")),
        (None, Some(_)) => return Err(half("--client-key", "--client-cert", "IDENTKIT_CLIENT_CERT")),
    };
    let chain = bytes_of("--client-cert", certificate)?;
    let secret = text_of("--client-key", key)?;
    let built = builder.client_certificate(&chain, &secret).and_then(TlsBuilder::build);
    built.map_err(|error| {
        invalid(&format!("--client-cert {} with --client-key {}", certificate.display(), key.display()), &error)
    })
}

/// The proxy of the option, or of the environment. Exceptions that are ignored give a warning.
fn proxy(route: &Route) -> Result<Option<Proxy>, Failure> {
    let proxy = find_proxy(route)?;
    for item in proxy.iter().flat_map(Proxy::ignored_exceptions) {
        say(&format!("warning: NO_PROXY contains an item that is ignored: {item}"));
    }
    Ok(proxy)
}

/// The proxy of the option, or of the environment.
pub(crate) fn find_proxy(route: &Route) -> Result<Option<Proxy>, Failure> {
    // Checked even if there is no proxy.
    let exceptions = ProxyExceptions::parse(route.no_proxy.as_deref().unwrap_or_default())
        .map_err(|error| invalid("--no-proxy (or IDENTKIT_NO_PROXY)", &error))?;
    let proxy = match (&route.proxy, variable()?) {
        (Some(url), _) if url.contains('@') => {
            return Err(Failure::unsent(format!(
                "--proxy must not contain a user or a password, because other users of this machine can read a command \
                 line: use {PROXY} or --proxy-auth-file"
            )));
        }
        (Some(url), _) => Some(Proxy::new(url, "").map_err(|error| invalid("--proxy", &error))?),
        (None, Some(url)) => Some(Proxy::new(url.expose(), "").map_err(|error| invalid(PROXY, &error))?),
        (None, None) => Proxy::from_environment()
            .map_err(|error| invalid("the proxy of the environment (https_proxy or all_proxy)", &error))?,
    };
    let proxy = proxy.map(|proxy| proxy.exceptions(exceptions));
    let (name, path) = ("--proxy-auth-file", path(route.proxy_auth_file.as_ref()));
    let (proxy, path) = match (proxy, path) {
        (proxy, None) => return Ok(proxy),
        (None, Some(_)) => {
            return Err(Failure::unsent(format!("{name} needs a proxy: --proxy, {PROXY} or https_proxy")));
        }
        (Some(proxy), Some(_)) if proxy.has_credentials() => {
            let detail = "the URL of the proxy has a user and a password too: use one of both places";
            return Err(Failure::unsent(format!("{name}: {detail}")));
        }
        (Some(proxy), Some(path)) => (proxy, path),
    };
    let pair = secret_of(name, path)?;
    let (user, password) = pair
        .expose()
        .split_once(':')
        .ok_or_else(|| Failure::unsent(format!("{name} {} must contain user:password on one line", path.display())))?;
    let proxy = proxy.credentials(user, &Secret::new(password));
    proxy.map(Some).map_err(|error| unusable(name, path, &error))
}

/// The URL in the variable, if it is not empty.
fn variable() -> Result<Option<Secret>, Failure> {
    match std::env::var(PROXY) {
        Ok(url) if !url.trim().is_empty() => Ok(Some(Secret::new(url))),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::unsent(format!("{PROXY} is not UTF-8"))),
    }
}
