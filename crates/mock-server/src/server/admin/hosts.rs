//! Who may call the admin API: programs, and no web page.
//!
//! The API asks for no credentials, so a page that the developer looks at must not reach it through the browser: neither
//! by a request to another origin, which browsers mark, nor by a host name of the page's own that leads to this address
//! (DNS rebinding), which the `Host` gives away.

use std::net::IpAddr;

use http::Request;
use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::Authority;

use super::problem::{Problem, ProblemKind};
use crate::server::Place;

pub(in crate::server) struct AllowedHosts {
    listening: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    pub(in crate::server) fn of(place: &Place) -> Self {
        Self { listening: place.address().ip().to_canonical(), names: place.names().to_vec() }
    }

    /// Refuses what a web page has a browser send.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let headers = request.headers();
        let refuse = |detail: &str| Err(Problem::new(ProblemKind::ForeignOrigin, detail));
        let hosts: Vec<&str> = all(headers, &HOST).chain(request.uri().authority().map(Authority::as_str)).collect();
        if !hosts.iter().all(|host| self.is_called(host)) {
            return refuse(
                "the Host is neither a loopback address, nor the address that is listened on, nor a name given by \
                 --tls-name",
            );
        }
        // Browsers send it with every request to another origin that is no plain GET.
        let own = |origin: &str| hosts.iter().any(|host| origin.eq_ignore_ascii_case(&format!("http://{host}")));
        if !all(headers, &ORIGIN).all(own) {
            return refuse("the Origin is a web page's; the admin API is for programs");
        }
        // And this one with those too.
        if !all(headers, "sec-fetch-site").all(|site| matches!(site, "same-origin" | "none")) {
            return refuse("Sec-Fetch-Site tells of a web page elsewhere; the admin API is for programs");
        }
        Ok(())
    }

    fn is_called(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let host = authority.host();
        let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_owned();
        let host = bare(host);
        if self.names.iter().any(|name| host.eq_ignore_ascii_case(&bare(name))) {
            return true;
        }
        match host.parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                // Behind an address that stands for all there is no telling which; none is a name that leads elsewhere.
                address.is_loopback() || address == self.listening || self.listening.is_unspecified()
            }
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// The values of a header, those that are no text as an empty one.
fn all(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().map(|value: &HeaderValue| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;

    fn loopback() -> Place {
        Place::from("127.0.0.1:8444".parse::<std::net::SocketAddr>().unwrap())
    }

    fn answered(place: &Place, headers: &[(&'static str, &str)]) -> bool {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
        }
        AllowedHosts::of(place).check(&request).is_ok()
    }

    #[test]
    fn only_hosts_that_no_web_page_can_name_are_answered() {
        let named = loopback().known_as(&["sandbox".to_owned()]);
        let [one, any] = ["192.0.2.7:8444", "0.0.0.0:8444"].map(|at| Place::for_anybody(at.parse().unwrap()));
        for (place, good, bad) in [
            (
                loopback(),
                &["localhost", "LOCALHOST:1", "localhost.:80", "127.0.0.1:8444", "127.9.9.9", "[::1]:8444"][..],
                &["x", "evil.example:8444", "192.0.2.7", "localhost.evil.example", "127.0.0.1.evil.example", ""][..],
            ),
            (named, &["sandbox:8444"], &["sandbox.example"]),
            (one, &["192.0.2.7:8444"], &["192.0.2.8:8444"]),
            (any, &["192.0.2.8:18444"], &["evil.example"]),
        ] {
            good.iter().for_each(|host| assert!(answered(&place, &[("host", host)]), "{host}"));
            bad.iter().for_each(|host| assert!(!answered(&place, &[("host", host)]), "{host}"));
        }
        assert!(answered(&loopback(), &[]), "no browser leaves it out");
        assert!(!answered(&loopback(), &[("host", "localhost"), ("host", "evil.example")]), "all of them");
    }

    #[test]
    fn what_a_web_page_asks_is_refused() {
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
}
