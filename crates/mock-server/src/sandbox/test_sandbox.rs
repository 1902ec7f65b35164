//! A sandbox for one test, with doors on the network of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use identkit_transport::http::{HyperTransport, TlsConfig};

use super::{Sandbox, SandboxBuilder};
use crate::Worlds;
use crate::server::{self, Listener};

/// A sandbox for one test that listens on ports of its own, in plain HTTP: the vendors on one, the admin API on the other.
/// Webhooks are delivered over the network.
///
/// When it is dropped, both doors close, and what is [expected](Sandbox::expect) is looked at there and then, whoever
/// still holds a handle of the sandbox.
#[derive(Debug)]
pub struct TestSandbox {
    sandbox: Sandbox,
    vendors: Listener,
    admin: Listener,
}

impl Sandbox {
    /// [`for_test`](Self::for_test), with [doors on the network](SandboxBuilder::serve).
    ///
    /// # Errors
    /// When this machine has no free port.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn serve() -> io::Result<TestSandbox> {
        Self::for_test().serve().await
    }
}

impl SandboxBuilder {
    /// Starts the sandbox with two doors on the network, each at a free port of 127.0.0.1. Webhooks go over the network
    /// too, unless [`webhooks_through`](Self::webhooks_through) says otherwise.
    ///
    /// # Errors
    /// When this machine has no free port.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn serve(mut self) -> io::Result<TestSandbox> {
        if self.plan.receiver.is_none() {
            let tls = TlsConfig::bundled().map_err(io::Error::other)?;
            self = self.webhooks_through(Arc::new(HyperTransport::new(&tls)));
        }
        let sandbox = self.start();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let worlds = Worlds::from(&sandbox);
        let vendors = server::vendors(&worlds, any, None).await?;
        let admin = server::admin(worlds, any).await?;
        Ok(TestSandbox { sandbox, vendors, admin })
    }
}

impl TestSandbox {
    /// The sandbox behind the doors.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The root of all vendors' paths.
    pub fn url(&self) -> String {
        self.vendors.url()
    }

    /// The URL of the admin API.
    pub fn admin_url(&self) -> String {
        format!("{}/_sandbox/v1", self.admin.url())
    }

    /// Both halves of the credentials at a vendor; empty without an account.
    pub fn credentials(&self, vendor: &str) -> [String; 2] {
        self.sandbox.with_account(vendor, |account, world| account.credentials(world)).unwrap_or_default()
    }
}

impl Deref for TestSandbox {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl Drop for TestSandbox {
    fn drop(&mut self) {
        // The doors' tasks hold handles too, and one of them would be the last, in a thread that is no test's.
        self.sandbox.runner().assert_met();
    }
}
