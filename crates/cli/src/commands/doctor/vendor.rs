//! The checks of one vendor: configuration, proxy, TLS, base URL, clock, credentials.

use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use identkit_core::CallOptions;
use identkit_transport::BaseUrl;
use identkit_transport::http::{ConnectFault, Proxy};

use super::certificate::{self, Certificate};
use super::date;
use super::findings::{Findings, advice};
use crate::account::{Account, Endpoint, Examination};
use crate::connection::Route;
use crate::exit::Failure;
use crate::network;

const CONFIGURATION: &str = "configuration";
const PROXY: &str = "proxy";
const TLS: &str = "TLS";
const BASE_URL: &str = "base URL";
const CREDENTIALS: &str = "credentials";

/// Where a connection failed.
enum Stage {
    Proxy,
    Tls,
    Network,
}

/// Makes all checks of a vendor that are possible.
pub(super) async fn check(account: &dyn Account, route: &Route, timeout: Duration, findings: &mut Findings) {
    let endpoint = account.endpoint();
    let complete = account.check_credentials();
    let base = network::base_url(endpoint.base_url, endpoint.option, endpoint.variable);
    let base = base.and_then(|base| network::vendor(route, &base).map(|transport| (base, transport)));
    let (base, transport) = match (base, &complete) {
        (Ok(base), Ok(())) => {
            findings.ok(CONFIGURATION, format!("the base URL is {}; credentials are given", endpoint.base_url));
            base
        }
        (Ok(base), Err(failure)) => {
            findings.failure(CONFIGURATION, failure);
            base
        }
        (Err(failure), _) => return findings.failure(CONFIGURATION, &failure),
    };
    let proxy = network::find_proxy(route).ok().flatten();
    let url = base.join("/").unwrap_or_default();
    let certificate = match url.scheme() == Some(&Scheme::HTTPS) {
        true => certificate::read(&url, timeout, |tls| network::with_tls(route, tls)).await.ok().flatten(),
        false => None,
    };
    let (transport, times) = date::watch(transport);
    let options = CallOptions::new().timeout(timeout).attempts(1);
    let examination = account.examine(transport, &options).await;
    let failure = examination.service.as_ref().and_then(|result| result.as_ref().err());
    let fault = failure.and_then(Failure::connect_fault);
    match (failure, fault.map(stage)) {
        (Some(failure), Some(Stage::Proxy)) => {
            findings.failure(PROXY, failure);
            skip(&[TLS, BASE_URL, "clock", CREDENTIALS], "the proxy cannot be used", findings);
        }
        (Some(failure), Some(Stage::Tls)) => {
            check_proxy(proxy.as_ref(), route, &url, findings);
            untrusted(failure, certificate.as_ref(), findings);
            skip(&[BASE_URL, "clock", CREDENTIALS], "no TLS connection could be made", findings);
        }
        (Some(failure), Some(Stage::Network)) => {
            check_proxy(proxy.as_ref(), route, &url, findings);
            findings.skipped(TLS, "no connection could be made");
            findings.failure(BASE_URL, failure);
            skip(&["clock", CREDENTIALS], "no connection could be made", findings);
        }
        _ => {
            check_proxy(proxy.as_ref(), route, &url, findings);
            check_tls(&url, certificate.as_ref(), findings);
            check_service(examination, &endpoint, &base, complete.is_ok(), findings);
            date::check(&times, findings);
        }
    }
}

fn stage(fault: ConnectFault) -> Stage {
    use ConnectFault::{
        NameNotFound, ProxyClosed, ProxyCredentials, ProxyFailed, ProxyForbids, ProxyProtocol, ProxyTls,
        ProxyUnreachable, Unreachable,
    };
    match fault {
        ProxyUnreachable | ProxyTls | ProxyCredentials | ProxyForbids | ProxyFailed | ProxyProtocol | ProxyClosed => {
            Stage::Proxy
        }
        NameNotFound | Unreachable => Stage::Network,
        _ => Stage::Tls,
    }
}

fn skip(checks: &[&'static str], why: &str, findings: &mut Findings) {
    checks.iter().for_each(|check| findings.skipped(check, why));
}

/// Adds the proxy that the calls use.
fn check_proxy(proxy: Option<&Proxy>, route: &Route, url: &Uri, findings: &mut Findings) {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_u16().unwrap_or(if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 });
    let name = network::proxy_name(route);
    let detail = match proxy {
        None => "no proxy is set".to_owned(),
        Some(proxy) if proxy.applies_to(host, port) => format!("{name} connects to {host}"),
        Some(_) => format!("{host} is reached without {name}"),
    };
    match proxy.map(Proxy::ignored_exceptions).unwrap_or_default() {
        [] => findings.ok(PROXY, detail),
        ignored => findings.warning(
            PROXY,
            format!("{detail}; NO_PROXY contains items that are ignored: {}", ignored.join("; ")),
            "correct them, or use --no-proxy",
        ),
    }
}

fn untrusted(failure: &Failure, certificate: Option<&Certificate>, findings: &mut Findings) {
    let (problem, remedy) = advice(&failure.sentence);
    let detail = match certificate {
        Some(certificate) => format!("{problem}; {}", certificate.text()),
        None => problem.to_owned(),
    };
    findings.error(TLS, detail, remedy);
}

fn check_tls(url: &Uri, certificate: Option<&Certificate>, findings: &mut Findings) {
    match certificate {
        Some(certificate) => certificate.check(TLS, findings),
        None if url.scheme() == Some(&Scheme::HTTPS) => {
            findings.skipped(TLS, "the server's certificate could not be read");
        }
        None => findings.ok(TLS, "not used: the base URL begins with http://, which only reaches this machine"),
    }
}

fn check_service(
    examination: Examination,
    endpoint: &Endpoint<'_>,
    base: &BaseUrl,
    is_complete: bool,
    findings: &mut Findings,
) {
    let Endpoint { base_url, option, variable, default } = endpoint;
    match &examination.service {
        None => findings.skipped(BASE_URL, "a call needs credentials"),
        Some(Ok(())) => findings.ok(BASE_URL, format!("the vendor's API responds at {base_url}")),
        Some(Err(failure)) if failure.status() == Some(404) => {
            let path = base.join("/").map(|url| url.path().to_owned()).unwrap_or_default();
            findings.error(
                BASE_URL,
                format!("the server has nothing of the vendor's API below {path} (HTTP 404)"),
                format!("correct {option} or {variable}: its path must be complete, as in {default}"),
            );
        }
        Some(Err(failure)) => findings.failure(BASE_URL, failure),
    }
    match &examination.credentials {
        Some(Ok(())) => findings.ok(CREDENTIALS, "the vendor accepts the credentials"),
        Some(Err(failure)) => findings.failure(CREDENTIALS, failure),
        None if !is_complete => findings.skipped(CREDENTIALS, "credentials are not complete"),
        None => findings.skipped(CREDENTIALS, "the vendor's API does not respond as expected"),
    }
}
