//! The address of a listener, and who may reach it.

use std::io;
use std::net::SocketAddr;

/// The address of a listener. It must be a loopback address, unless other machines may reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    address: SocketAddr,
    allow_others: bool,
    names: Vec<String>,
}

impl ListenAddress {
    /// An address that other machines may reach. The sandbox has no access control: the admin API requires no
    /// credentials, and those of the vendors' APIs are documented.
    pub fn reachable_by_others(address: SocketAddr) -> Self {
        Self { address, allow_others: true, names: Vec::new() }
    }

    /// Adds host names by which clients reach this address. The admin API rejects unknown host names, because a web page
    /// could make its own name resolve to this address (DNS rebinding).
    #[must_use]
    pub fn host_names(mut self, names: &[String]) -> Self {
        self.names.extend_from_slice(names);
        self
    }

    /// Whether other machines can reach it.
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
        if self.is_reachable_by_others() && !self.allow_others {
            let message = "the sandbox listens on loopback addresses only, e.g. 127.0.0.1:8443";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(self.address)
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self { address, allow_others: false, names: Vec::new() }
    }
}
