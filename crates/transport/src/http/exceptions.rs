//! The hosts that a proxy does not apply to.

use std::net::IpAddr;

use identkit_core::{Error, Kind};
use identkit_wire::url::parse_port;
use ipnet::IpNet;

/// Hosts to reach without a proxy, like `NO_PROXY`. An item of the list is one of:
///
/// - `example.com` or `.example.com`: the domain and its subdomains;
/// - `*.example.com`: its subdomains only;
/// - an address, e.g. `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`;
/// - a network, e.g. `10.0.0.0/8`;
/// - `*`: every host.
///
/// Except for a network, an item can end with a port, e.g. `example.com:8443` or `[::1]:443`. It then applies to that
/// port only. Commas or blanks separate the items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyExceptions(Vec<Exception>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    /// `None` for every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    Domain(String),
    Subdomains(String),
    Network(IpNet),
}

impl ProxyExceptions {
    /// Parses a list.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if an item is invalid. The message quotes the item.
    pub fn parse(list: &str) -> Result<Self, Error> {
        let (exceptions, mut rejected) = Self::parse_valid(list);
        match rejected.pop() {
            Some(item) => Err(Error::new(Kind::InvalidInput, item)),
            None => Ok(exceptions),
        }
    }

    /// Parses the valid items. Returns them, and a sentence for each of the others.
    pub(super) fn parse_valid(list: &str) -> (Self, Vec<String>) {
        let (mut exceptions, mut rejected) = (Self::default(), Vec::new());
        for item in list.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty()) {
            match Exception::parse(item) {
                Some(exception) => exceptions.0.push(exception),
                None => {
                    // A URL with a password can be given by mistake.
                    let item = if item.contains('@') {
                        "(not shown)".to_owned()
                    } else {
                        format!("\"{}\"", item.escape_default())
                    };
                    rejected.push(format!(
                        "{item} must be a domain, *.domain, an address or *, each with an optional port from 1 to 65535, \
                         or a network such as 10.0.0.0/8"
                    ));
                }
            }
        }
        (exceptions, rejected)
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether a host is an exception. `host` is a name, or an address without brackets.
    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = normal(host);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        self.0.iter().any(|exception| {
            exception.port.is_none_or(|only| only == port)
                && match (&exception.hosts, address) {
                    (Hosts::All, _) => true,
                    (Hosts::Network(network), Some(address)) => network.contains(&address),
                    (Hosts::Domain(domain), None) => host == *domain || is_below(&host, domain),
                    (Hosts::Subdomains(domain), None) => is_below(&host, domain),
                    _ => false,
                }
        })
    }
}

impl Exception {
    fn parse(item: &str) -> Option<Self> {
        let bare = |hosts| Some(Self { hosts, port: None });
        if item.contains('/') {
            return bare(Hosts::Network(item.parse().ok()?));
        }
        if let Ok(address) = item.parse::<IpAddr>() {
            return bare(Hosts::Network(address.to_canonical().into()));
        }
        let (place, port) = match item.rsplit_once(':') {
            // The colons of an address in brackets.
            Some((_, after)) if after.ends_with(']') => (item, None),
            Some((place, port)) => (place, Some(parse_port(port)?)),
            None => (item, None),
        };
        let hosts = if let Some(address) = place.strip_prefix('[') {
            let address: std::net::Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            Hosts::Network(IpAddr::from(address).to_canonical().into())
        } else if let Ok(address) = place.parse::<std::net::Ipv4Addr>() {
            Hosts::Network(IpAddr::from(address).into())
        } else if place == "*" {
            Hosts::All
        } else if let Some(domain) = place.strip_prefix("*.") {
            Hosts::Subdomains(parse_domain(domain)?)
        } else {
            Hosts::Domain(parse_domain(place.strip_prefix('.').unwrap_or(place))?)
        };
        Some(Self { hosts, port })
    }
}

/// A host as it is compared: in lower case, without the dot of the root.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// A name whose last label is a number would be an incomplete address, e.g. `10.0.0`.
fn parse_domain(text: &str) -> Option<String> {
    let name = normal(text);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = name.rsplit('.').next()?;
    let is_domain = name.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit());
    is_domain.then_some(name)
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_exception_applies_to_its_hosts() {
        for (list, host, port, applies) in [
            ("", "example.com", 443, false),
            (" , ,", "example.com", 443, false),
            ("*", "example.com", 443, true),
            ("*", "2001:db8::1", 443, true),
            ("*:8443", "example.com", 443, false),
            ("example.com", "example.com", 443, true),
            ("EXAMPLE.com.", "Example.COM", 443, true),
            ("example.com", "example.com.", 443, true),
            ("example.com", "api.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            ("example.com", "example.com.example.org", 443, false),
            (".example.com", "example.com", 443, true),
            (".example.com", "api.example.com", 443, true),
            ("*.example.com", "api.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com:8443", "api.example.com", 8443, true),
            ("*.example.com:8443", "api.example.com", 443, false),
            ("example.com:443", "example.com", 443, true),
            ("example.com:443", "example.com", 8443, false),
            ("example.org example.com\texample.net", "example.com", 443, true),
            ("192.0.2.1", "192.0.2.1", 443, true),
            ("192.0.2.1:443", "192.0.2.1", 443, true),
            ("192.0.2.1:443", "192.0.2.1", 80, false),
            ("192.0.2.1", "192.0.2.10", 443, false),
            ("192.0.2.1", "::ffff:192.0.2.1", 443, true),
            ("10.0.0.0/8", "10.1.2.3", 443, true),
            ("10.1.2.3/8", "10.9.9.9", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.0.0.0/8", "10.example.com", 443, false),
            ("2001:db8::1", "2001:db8:0::1", 443, true),
            ("[2001:db8::1]", "2001:db8::1", 443, true),
            ("[2001:db8::1]:443", "2001:db8::1", 443, true),
            ("[2001:db8::1]:443", "2001:db8::1", 80, false),
            ("fd00::/8", "fd12::1", 443, true),
            ("localhost", "127.0.0.1", 443, false),
        ] {
            let exceptions = ProxyExceptions::parse(list).unwrap();
            assert_eq!(exceptions.contains(host, port), applies, "{list} {host} {port}");
        }
    }

    #[test]
    fn at_99_an_item_that_cannot_be_an_exception_is_rejected() {
        for item in [
            "example.com:65536",
            "example.com:0",
            "example.com:",
            "example.com:https",
            "example.com:+443",
            "10.0.0.0/33",
            "10.0.0.0/8:443",
            "10.0.0.0:443/8",
            "example.com/8",
            "fd00::/129",
            "[::1",
            "::1]",
            "[::1]443",
            "[::1]/8",
            "[192.0.2.1]",
            "10.0.0",
            "10.0.0.",
            "10.0.0.256",
            "https://example.com",
            "ex*mple.com",
            "*example.com",
            "**",
            "*.",
            ".",
            "..example.com",
            "example..com",
            "user@example.com",
            "exämple.com",
            "\u{1b}[31m",
        ] {
            let error = ProxyExceptions::parse(&format!("example.org,{item}")).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidInput, "{item}");
            // An item with a user may have a password too.
            assert_eq!(error.detail().starts_with('"'), !item.contains('@'), "{error}");
            assert!(error.detail().is_ascii() && !error.detail().contains("user"), "{error}");
            let (valid, rejected) = ProxyExceptions::parse_valid(&format!("{item},example.org"));
            assert_eq!((valid.contains("example.org", 443), rejected.len()), (true, 1), "{item}");
        }
    }
}
