//! Where a listener is, and for whom.

use std::io;
use std::net::SocketAddr;

/// Where a listener is: a loopback address, unless others are meant to reach it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    address: SocketAddr,
    for_anybody: bool,
}

impl Place {
    /// Any address. Whoever reaches it is answered: the admin API asks nobody for credentials, and the vendors' are
    /// documented.
    pub fn for_anybody(address: SocketAddr) -> Self {
        Self { address, for_anybody: true }
    }

    /// Whether others than this machine can reach it.
    pub fn is_reachable_by_others(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }

    pub(super) fn checked(self) -> io::Result<SocketAddr> {
        if self.is_reachable_by_others() && !self.for_anybody {
            let told = "the sandbox listens on loopback addresses only, e.g. 127.0.0.1:8443";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
        Ok(self.address)
    }
}

impl From<SocketAddr> for Place {
    /// A loopback address; every other one is refused.
    fn from(address: SocketAddr) -> Self {
        Self { address, for_anybody: false }
    }
}
