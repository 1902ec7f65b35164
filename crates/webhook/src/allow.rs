//! Whose addresses may call, behind proxies too. Something to choose: a second fence, besides the token in the URL.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use identkit_core::{Error, Kind};
use ipnet::IpNet;

/// The header in which proxies tell whom they speak for.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Where a request came from: the other end of its connection. Servers other than [`listen`](crate::listen) put it into
/// the request's extensions, for [`Receiver::allow_only`](crate::Receiver::allow_only).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

/// A range of addresses, written as CIDR: `212.211.189.136/29`; a single address stands for itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address is of this range. An IPv4 address is the same in its IPv6 form.
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
        // Bits behind the prefix are most likely a slip of the pen.
        let network = network().filter(|network| network.trunc() == *network);
        network
            .map(Self)
            .ok_or_else(|| Error::new(Kind::InvalidInput, "is no range of addresses: write it as 192.0.2.8/29"))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The addresses that may call, and the proxies that are believed.
///
/// Only what a trusted proxy says of where a request came from is believed, and only as far as trusted proxies said
/// it: `X-Forwarded-For` is read from its end, and its first address that is no trusted proxy is the caller. What
/// stands before that anybody may have written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    networks: Vec<Network>,
    proxies: Vec<Network>,
}

impl AllowList {
    /// These networks may call.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self { networks: networks.into_iter().collect(), proxies: Vec::new() }
    }

    /// These networks, as text.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when one is no range of addresses.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        networks.into_iter().map(str::parse).collect::<Result<Vec<_>, _>>().map(Self::new)
    }

    /// Requests through these proxies come from whom the proxies say. They must set or extend `X-Forwarded-For`.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: impl IntoIterator<Item = Network>) -> Self {
        self.proxies.extend(proxies);
        self
    }

    /// Who called, where that can be told: the other end of the connection, or whom trusted proxies name.
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

    /// Whether a request may come in: its caller is known, and of one of the networks.
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
    fn a_network_holds_its_addresses_and_no_others() {
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
    fn what_is_no_network_is_refused() {
        for odd in
            ["", "/", "192.0.2.7/", "192.0.2.7/33", "192.0.2.7/+8", "192.0.2.9/29", "::1/129", "::1/64", "x/8", "1/8"]
        {
            assert!(odd.parse::<Network>().is_err(), "{odd}");
        }
        assert!(AllowList::parse(["192.0.2.0/24", "x"]).is_err());
    }

    #[test]
    fn at_69_only_trusted_proxies_are_believed_and_only_from_the_end() {
        let list = AllowList::parse(["212.211.189.136/29"]).unwrap();
        let direct = headers(&["212.211.189.137"]);
        assert!(list.admits(ip("212.211.189.137"), &headers(&[])));
        assert!(!list.admits(ip("192.0.2.1"), &direct), "no proxy is trusted: nobody's word counts");

        let list = list.trust_proxies(["10.0.0.0/8".parse().unwrap()]);
        for (lines, caller) in [
            (&["212.211.189.137"][..], Some("212.211.189.137")),
            (&["212.211.189.137, 10.1.1.1"], Some("212.211.189.137")),
            (&["212.211.189.137", "10.1.1.1"], Some("212.211.189.137")),
            // The caller wrote the beginning.
            (&["212.211.189.137, 192.0.2.1"], Some("192.0.2.1")),
            (&["212.211.189.137", "192.0.2.1, 10.1.1.1"], Some("192.0.2.1")),
            (&["::ffff:212.211.189.137"], Some("212.211.189.137")),
            (&["212.211.189.137, unknown"], None),
            (&["212.211.189.137, "], None),
            (&["10.1.1.1"], None),
            (&[], None),
        ] {
            let told = list.caller(ip("10.0.0.1"), &headers(lines));
            assert_eq!(told, caller.map(ip), "{lines:?}");
            assert_eq!(list.admits(ip("10.0.0.1"), &headers(lines)), caller == Some("212.211.189.137"), "{lines:?}");
        }
        assert_eq!(list.caller(ip("192.0.2.1"), &direct), Some(ip("192.0.2.1")), "a stranger is no proxy");
    }
}
