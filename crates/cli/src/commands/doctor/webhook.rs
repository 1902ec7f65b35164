//! The checks of the URL at which the vendors reach the webhook receiver.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use identkit_core::Clock as _;
use identkit_transport::http::{ConnectError, ConnectFault, HyperTransport};
use identkit_transport::{AttemptContext, Failure as TransportFailure, SystemClock, Transport as _};
use identkit_wire::Body;

use super::certificate;
use super::findings::Findings;
use crate::exit::Failure;
use crate::network;
use crate::reception::check_base;
use crate::signals::run_on_thread;

const ADDRESS: &str = "webhook address";
const TLS: &str = "webhook TLS";
const RESPONSE: &str = "webhook response";

/// Path with a token that no receiver has issued.
const UNKNOWN: &str = "/identkit-doctor/unknown-token/check";

/// Checks the URL. `is_sandbox`: the vendor is a sandbox on this machine, which can reach a receiver on it.
pub(super) async fn check(
    url: &str,
    ca_file: Option<&Path>,
    is_sandbox: bool,
    timeout: Duration,
    findings: &mut Findings,
) {
    let base = match check_base(url, "--webhook-url") {
        Ok(base) => base,
        Err(failure) => return findings.failure(ADDRESS, &failure),
    };
    let has_tls = base.scheme() == Some(&Scheme::HTTPS);
    if !(has_tls || is_sandbox) {
        return findings.error(
            ADDRESS,
            "the URL does not begin with https://: anyone on the way can read and forge webhooks",
            "put a proxy with TLS in front of the receiver, or give identkit listen a certificate (--tls-cert)",
        );
    }
    if !check_address(&base, has_tls, is_sandbox, timeout, findings).await {
        return;
    }
    let transport = |tls: Option<&_>| network::webhook_check(ca_file, tls);
    let certificate = match has_tls {
        true => certificate::read(&base, timeout, |tls| transport(Some(tls))).await.ok().flatten(),
        false => None,
    };
    let response = match transport(None) {
        Ok(transport) => ask(&transport, &base, timeout).await,
        Err(failure) => return findings.failure(TLS, &failure),
    };
    match &response {
        Err(Unanswered { fault: Some(fault), .. })
            if !matches!(fault, ConnectFault::NameNotFound | ConnectFault::Unreachable) =>
        {
            let certificate = certificate.map(|certificate| format!("; {}", certificate.text())).unwrap_or_default();
            let remedy = "install a certificate of a public authority with its whole chain, for this name";
            return findings.error(TLS, format!("{}{certificate}", fault.text()), remedy);
        }
        _ => match certificate {
            Some(certificate) => certificate.check(TLS, findings),
            None if has_tls => findings.skipped(TLS, "no certificate could be read"),
            None => findings.ok(TLS, "not used: the sandbox calls this machine"),
        },
    }
    check_response(response, findings);
}

/// Adds the check of the addresses. Returns whether the receiver can be called.
async fn check_address(
    base: &Uri,
    has_tls: bool,
    is_sandbox: bool,
    timeout: Duration,
    findings: &mut Findings,
) -> bool {
    let host = base.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = base.port_u16().unwrap_or(if has_tls { 443 } else { 80 });
    let addresses = match resolve(host.clone(), port, timeout).await {
        Ok(addresses) if !addresses.is_empty() => addresses,
        _ => {
            let remedy = "create a DNS record for the name, or correct --webhook-url";
            findings.error(ADDRESS, format!("the name {host} cannot be resolved"), remedy);
            return false;
        }
    };
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let list = list.join(", ");
    let is_local = addresses.iter().any(|address| !is_public(*address));
    match (is_local, is_sandbox) {
        (true, true) => findings.ok(ADDRESS, format!("{host} is {list}: the sandbox on this machine can reach it")),
        (true, false) => findings.error(
            ADDRESS,
            format!("{host} is {list}, which is not a public address: the vendor cannot reach it"),
            "use a public name, e.g. that of a reverse proxy or of a tunnel to this machine",
        ),
        (false, _) if port != 443 => findings.warning(
            ADDRESS,
            format!("{host} is {list}; the port is {port}: firewalls of the vendor may allow 443 only"),
            "use port 443",
        ),
        (false, _) => findings.ok(ADDRESS, format!("{host} is {list}, port {port}")),
    }
    true
}

async fn resolve(host: String, port: u16, timeout: Duration) -> Result<Vec<IpAddr>, Failure> {
    let found = run_on_thread(move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    let clock = SystemClock::new();
    let addresses: Vec<SocketAddr> = tokio::select! {
        found = found => found?.unwrap_or_default(),
        _ = clock.sleep_until(clock.now().plus(timeout)) => Vec::new(),
    };
    let mut addresses: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// Whether machines on the internet can reach an address.
fn is_public(address: IpAddr) -> bool {
    let v4 = |address: Ipv4Addr| {
        let [first, second, ..] = address.octets();
        let is_shared = first == 100 && (64..128).contains(&second);
        !(address.is_loopback()
            || address.is_private()
            || address.is_link_local()
            || address.is_unspecified()
            || address.is_documentation()
            || is_shared)
    };
    match address.to_canonical() {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local())
        }
    }
}

/// Why the receiver did not answer.
struct Unanswered {
    fault: Option<ConnectFault>,
    detail: &'static str,
}

impl From<TransportFailure> for Unanswered {
    fn from(failure: TransportFailure) -> Self {
        let source = failure.source.as_deref().and_then(|source| source.downcast_ref::<ConnectError>());
        Self { fault: source.map(ConnectError::fault), detail: failure.detail }
    }
}

/// Calls the receiver with a token that it does not know.
async fn ask(transport: &HyperTransport, base: &Uri, timeout: Duration) -> Result<StatusCode, Unanswered> {
    let url = format!("{}{UNKNOWN}", base.to_string().trim_end_matches('/'));
    let mut request = Request::new(Body::from(Vec::new()));
    if let Ok(url) = url.parse() {
        *request.uri_mut() = url;
    }
    let clock = SystemClock::new();
    let deadline = clock.now().plus(timeout);
    let context = AttemptContext::new(true, deadline);
    tokio::select! {
        response = transport.send(request, &context) => Ok(response?.status()),
        _ = clock.sleep_until(deadline) => Err(Unanswered { fault: None, detail: "it did not answer in time" }),
    }
}

fn check_response(response: Result<StatusCode, Unanswered>, findings: &mut Findings) {
    let started =
        "start the receiver (identkit listen or run), and check the firewall and the path of the reverse proxy";
    match response {
        Ok(StatusCode::NOT_FOUND) => {
            findings.ok(RESPONSE, "an unknown token gets 404, as identkit's receiver answers; seen from this machine");
        }
        Ok(status) if status.is_success() => findings.warning(
            RESPONSE,
            format!("an unknown token gets {}: is this identkit's receiver?", status.as_u16()),
            "identkit's receiver answers 404; check --webhook-url and the path of the reverse proxy",
        ),
        Ok(status) => {
            findings.error(RESPONSE, format!("an unknown token gets {} instead of 404", status.as_u16()), started);
        }
        Err(Unanswered { fault, detail }) => {
            let detail = fault.map_or(detail, ConnectFault::text);
            findings.error(RESPONSE, format!("the receiver cannot be reached: {detail}"), started);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_local_addresses_are_not_public() {
        for (address, expected) in [
            ("93.184.216.34", true),
            ("100.63.0.1", true),
            ("100.64.0.1", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("127.0.0.1", false),
            ("169.254.1.1", false),
            ("0.0.0.0", false),
            ("2606:2800:220:1::1", true),
            ("::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:93.184.216.34", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
