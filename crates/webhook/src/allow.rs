//! An optional check of the caller's address, also behind proxies, in addition to the token in the URL.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use identkit_core::{Error, Kind};
use ipnet::IpNet;

/// The header in which proxies name the address they forward for.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The peer address of a request's connection. For [`Receiver::allow_only`](crate::Receiver::allow_only), servers other
/// than `listen` must insert it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

/// A range of addresses in CIDR notation, e.g. `212.211.189.136/29`, or a single address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Whether the range contains the address. An IPv4-mapped IPv6 address is treated as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let network = || {
            let Some((address, prefix)) = text.split_once('/') else {
                return Some(IpAddr::from_str(text).ok()?.into());
            };
            let prefix = Some(prefix).filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_digit()))?;
            IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
        };
        // Bits set after the prefix are most likely a typing error.
        let network = network().filter(|network| network.trunc() == *network);
        network.map(Self).ok_or_else(|| {
            Error::new(
                Kind::InvalidInput,
                "not a valid range of addresses: write it like 192.0.2.8/29, without bits after the prefix",
            )
        })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The addresses that may call, and the trusted proxies.
///
/// `X-Forwarded-For` counts only if the peer is a trusted proxy. It is read from its end, and the first address that is not
/// a trusted proxy is the caller. The entries before it are ignored: the caller can forge them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    networks: Vec<Network>,
    proxies: Vec<Network>,
}

impl AllowList {
    /// Creates a list of the networks that may call.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self { networks: networks.into_iter().collect(), proxies: Vec::new() }
    }

    /// Parses a list of networks.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if one is not a valid range of addresses.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        networks.into_iter().map(str::parse).collect::<Result<Vec<_>, _>>().map(Self::new)
    }

    /// Adds trusted proxies. They must set or extend `X-Forwarded-For`.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: impl IntoIterator<Item = Network>) -> Self {
        self.proxies.extend(proxies);
        self
    }

    /// The caller's address: that of the peer, or if it is a trusted proxy, the last address in `X-Forwarded-For` that is
    /// not one. `None` if such an address is missing or the header is invalid.
    pub fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let trusted = |address: IpAddr| self.proxies.iter().any(|proxy| proxy.contains(address));
        if !trusted(peer) {
            return Some(peer.to_canonical());
        }
        for line in headers.get_all(FORWARDED_FOR).into_iter().rev() {
            for entry in line.to_str().ok()?.rsplit(',') {
                let address: IpAddr = entry.trim().parse().ok()?;
                if !trusted(address) {
                    return Some(address.to_canonical());
                }
            }
        }
        None
    }

    /// Whether the caller's address is known and in one of the networks.
    pub fn admits(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.caller(peer, headers).is_some_and(|caller| self.networks.iter().any(|network| network.contains(caller)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn debug_shows_the_networks() {
        let list = AllowList::parse(["192.0.2.8/29"]).unwrap();
        assert!(format!("{list:?}").contains("192.0.2.8/29"), "{list:?}");
    }

    #[test]
    fn a_network_contains_its_addresses_only() {
        for (network, inside, outside) in [
            (
                "212.211.189.136/29",
                &["212.211.189.136", "212.211.189.143"][..],
                &["212.211.189.135", "212.211.189.144"][..],
            ),
            ("192.0.2.7", &["192.0.2.7", "::ffff:192.0.2.7"], &["192.0.2.6", "::192.0.2.7"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1"]),
            ("2001:db8::/33", &["2001:db8::1", "2001:db8:7fff::"], &["2001:db8:8000::", "2001:db9::"]),
            ("::/0", &["::1", "ffff::"], &["192.0.2.7"]),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(inside.iter().all(|address| network.contains(ip(address))), "{network:?}");
            assert!(!outside.iter().any(|address| network.contains(ip(address))), "{network:?}");
        }
    }

    #[test]
    fn invalid_networks_are_rejected() {
        for odd in
            ["", "/", "192.0.2.7/", "192.0.2.7/33", "192.0.2.7/+8", "192.0.2.9/29", "::1/129", "::1/64", "x/8", "1/8"]
        {
            assert!(odd.parse::<Network>().is_err(), "{odd}");
        }
        assert!(AllowList::parse(["192.0.2.0/24", "x"]).is_err());
    }

    #[test]
    fn at_69_only_trusted_proxies_name_the_caller() {
        let list = AllowList::parse(["212.211.189.136/29"]).unwrap();
        let direct = headers(&["212.211.189.137"]);
        assert!(list.admits(ip("212.211.189.137"), &headers(&[])));
        assert!(!list.admits(ip("192.0.2.1"), &direct), "without trusted proxies the header is ignored");

        let list = list.trust_proxies(["10.0.0.0/8".parse().unwrap()]);
        for (lines, caller) in [
            (&["212.211.189.137"][..], Some("212.211.189.137")),
            (&["212.211.189.137, 10.1.1.1"], Some("212.211.189.137")),
            (&["212.211.189.137", "10.1.1.1"], Some("212.211.189.137")),
            // The caller itself can write the beginning of the header.
            (&["212.211.189.137, 192.0.2.1"], Some("192.0.2.1")),
            (&["212.211.189.137", "192.0.2.1, 10.1.1.1"], Some("192.0.2.1")),
            (&["::ffff:212.211.189.137"], Some("212.211.189.137")),
            (&["212.211.189.137, unknown"], None),
            (&["212.211.189.137, "], None),
            (&["10.1.1.1"], None),
            (&[], None),
        ] {
            let found = list.caller(ip("10.0.0.1"), &headers(lines));
            assert_eq!(found, caller.map(ip), "{lines:?}");
            assert_eq!(list.admits(ip("10.0.0.1"), &headers(lines)), caller == Some("212.211.189.137"), "{lines:?}");
        }
        assert_eq!(list.caller(ip("192.0.2.1"), &direct), Some(ip("192.0.2.1")), "the peer is not a trusted proxy");
    }
}
