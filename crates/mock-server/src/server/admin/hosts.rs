//! Rejects requests to the admin API that a web page made a browser send.
//!
//! The API requires no credentials, so a page in the developer's browser must not reach it. Browsers mark requests to
//! another origin with headers. If the page's own host name resolves to this address (DNS rebinding), the `Host` header
//! contains that name.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::Authority;
use http::{Method, Request};
use identkit_wire::url::check_place;

use super::problem::{Problem, ProblemKind};
use crate::server::ListenAddress;

pub(in crate::server) struct AllowedHosts {
    listening: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    pub(in crate::server) fn new(place: &ListenAddress) -> Self {
        Self { listening: place.address().ip().to_canonical(), names: place.names().to_vec() }
    }

    /// Rejects requests of web pages.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let headers = request.headers();
        let refuse = |detail: &str| Err(Problem::new(ProblemKind::ForeignOrigin, detail));
        let hosts: Vec<&str> = all(headers, &HOST).chain(request.uri().authority().map(Authority::as_str)).collect();
        if !hosts.iter().all(|host| self.is_allowed(host)) {
            return refuse(
                "the Host header must be a loopback address, the address of the listener, or a name given by \
                 --tls-name",
            );
        }
        // Browsers send `Origin` with every request to another origin, except a plain GET.
        let own = |origin: &str| hosts.iter().any(|host| origin.eq_ignore_ascii_case(&format!("http://{host}")));
        if !all(headers, &ORIGIN).all(own) {
            return refuse("the Origin header names a web page; only programs may call the admin API");
        }
        // A link to a page of the console: the other page cannot read what it opens, and a GET changes nothing.
        if is_navigation(request) {
            return Ok(());
        }
        // Browsers also send this header with a plain GET.
        if !all(headers, "sec-fetch-site").all(|site| matches!(site, "same-origin" | "none")) {
            return refuse("Sec-Fetch-Site names another site; only programs may call the admin API");
        }
        Ok(())
    }

    fn is_allowed(&self, host: &str) -> bool {
        let Some(authority) = host.parse::<Authority>().ok().filter(|_| check_place(host).is_ok()) else {
            return false;
        };
        let host = authority.host();
        let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_owned();
        let host = bare(host);
        if self.names.iter().any(|name| host.eq_ignore_ascii_case(&bare(name))) {
            return true;
        }
        match host.parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                // A listener on all addresses has any of them. An IP address cannot be rebound like a name.
                address.is_loopback() || address == self.listening || self.listening.is_unspecified()
            }
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// Whether the request opens a page outside the API in a tab of its own, and not in a frame.
fn is_navigation<B>(request: &Request<B>) -> bool {
    let is_only = |name: &str, value: &str| {
        let mut values = all(request.headers(), name);
        values.next() == Some(value) && values.next().is_none()
    };
    request.method() == Method::GET
        && !request.uri().path().starts_with("/_sandbox")
        && is_only("sec-fetch-mode", "navigate")
        && is_only("sec-fetch-dest", "document")
}

/// The values of a header. A value that is not visible ASCII counts as empty.
fn all(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().map(|value: &HeaderValue| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;

    fn loopback() -> ListenAddress {
        ListenAddress::from("127.0.0.1:8444".parse::<std::net::SocketAddr>().unwrap())
    }

    fn answered(place: &ListenAddress, headers: &[(&'static str, &str)]) -> bool {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
        }
        AllowedHosts::new(place).check(&request).is_ok()
    }

    #[test]
    fn only_hosts_that_no_web_page_can_use_are_accepted() {
        let named = loopback().host_names(&["sandbox".to_owned()]);
        let [one, any] =
            ["192.0.2.7:8444", "0.0.0.0:8444"].map(|at| ListenAddress::reachable_by_others(at.parse().unwrap()));
        for (place, good, bad) in [
            (
                loopback(),
                &["localhost", "LOCALHOST:1", "localhost.:80", "127.0.0.1:8444", "127.9.9.9", "[::1]:8444"][..],
                &[
                    "x",
                    "evil.example:8444",
                    "192.0.2.7",
                    "localhost.evil.example",
                    "127.0.0.1.evil.example",
                    "",
                    "localhost:99999",
                    "localhost:",
                    "x@localhost",
                ][..],
            ),
            (named, &["sandbox:8444"], &["sandbox.example"]),
            (one, &["192.0.2.7:8444"], &["192.0.2.8:8444"]),
            (any, &["192.0.2.8:18444"], &["evil.example"]),
        ] {
            good.iter().for_each(|host| assert!(answered(&place, &[("host", host)]), "{host}"));
            bad.iter().for_each(|host| assert!(!answered(&place, &[("host", host)]), "{host}"));
        }
        assert!(answered(&loopback(), &[]), "browsers always send Host");
        assert!(!answered(&loopback(), &[("host", "localhost"), ("host", "evil.example")]), "every Host is checked");
    }

    #[test]
    fn requests_of_web_pages_are_rejected() {
        let at = |headers: &[(&'static str, &str)]| {
            answered(&loopback(), &[&[("host", "localhost:8444")], headers].concat())
        };
        assert!(at(&[("origin", "http://localhost:8444"), ("sec-fetch-site", "same-origin")]));
        assert!(at(&[("sec-fetch-site", "none")]), "typed into the address bar");
        for origin in ["null", "http://localhost:3000", "https://localhost:8444", "https://evil.example", ""] {
            assert!(!at(&[("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(!at(&[("sec-fetch-site", site)]), "{site}");
        }
    }

    #[test]
    fn a_link_of_another_page_opens_a_page_but_no_call() {
        let opens = |method: &str, path: &str, headers: &[(&'static str, &str)]| {
            let mut request = Request::builder().method(method).uri(path).body(()).unwrap();
            let always = [("host", "localhost:8444"), ("sec-fetch-site", "cross-site")];
            for (name, value) in always.iter().chain(headers) {
                request.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
            }
            AllowedHosts::new(&loopback()).check(&request).is_ok()
        };
        let tab = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(opens("GET", "/", &tab) && opens("GET", "/orders/1?world=a", &tab));
        for path in ["/_sandbox/v1/orders", "/_sandbox"] {
            assert!(!opens("GET", path, &tab), "{path}");
        }
        assert!(!opens("POST", "/clock/next", &tab), "a form of another page");
        assert!(!opens("GET", "/", &[tab[0], ("sec-fetch-dest", "iframe")]));
        assert!(!opens("GET", "/", &[("sec-fetch-mode", "no-cors"), tab[1]]));
        assert!(!opens("GET", "/", &[tab[0], tab[1], ("origin", "https://evil.example")]));
        assert!(!opens("GET", "/", &[tab[0], tab[1], ("host", "evil.example")]), "another name of this address");
    }
}
