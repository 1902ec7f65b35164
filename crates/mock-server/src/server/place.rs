//! Where a listener is, and for whom.

use std::io;
use std::net::SocketAddr;

/// Where a listener is: a loopback address, unless others are meant to reach it as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    address: SocketAddr,
    for_anybody: bool,
    names: Vec<String>,
}

impl Place {
    /// Any address. Whoever reaches it is answered: the admin API asks nobody for credentials, and the vendors' are
    /// documented.
    pub fn for_anybody(address: SocketAddr) -> Self {
        Self { address, for_anybody: true, names: Vec::new() }
    }

    /// The same, which clients also know by these host names. The admin API answers no others: a web page could let a
    /// name of its own lead here.
    #[must_use]
    pub fn known_as(mut self, names: &[String]) -> Self {
        self.names.extend_from_slice(names);
        self
    }

    /// Whether others than this machine can reach it.
    pub fn is_reachable_by_others(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn checked(&self) -> io::Result<SocketAddr> {
        if self.is_reachable_by_others() && !self.for_anybody {
            let told = "the sandbox listens on loopback addresses only, e.g. 127.0.0.1:8443";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
        Ok(self.address)
    }
}

impl From<SocketAddr> for Place {
    fn from(address: SocketAddr) -> Self {
        Self { address, for_anybody: false, names: Vec::new() }
    }
}
