//! A sandbox for one test, with its own listeners.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use identkit_transport::http::{HyperTransport, TlsConfig};

use super::{Sandbox, SandboxBuilder};
use crate::Worlds;
use crate::server::{self, Listener};

/// A sandbox for one test with two plain HTTP listeners on free ports: one for the vendors, one for the admin API.
/// Webhooks are delivered over the network.
///
/// Dropping it closes both listeners and checks the [expectations](Sandbox::expect) at once, even if other handles of
/// the sandbox still exist.
#[derive(Debug)]
pub struct TestSandbox {
    sandbox: Sandbox,
    vendors: Listener,
    admin: Listener,
}

impl Sandbox {
    /// Starts a sandbox with the defaults of [`for_test`](Self::for_test) and [listeners](SandboxBuilder::serve).
    ///
    /// # Errors
    /// If binding to a free port of 127.0.0.1 fails.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and timers.
    pub async fn serve() -> io::Result<TestSandbox> {
        Self::for_test().serve().await
    }
}

impl SandboxBuilder {
    /// Starts the sandbox with two listeners on free ports of 127.0.0.1. Webhooks are delivered over the network,
    /// unless another [`webhook_transport`](Self::webhook_transport) is set.
    ///
    /// # Errors
    /// If binding to a free port of 127.0.0.1 fails.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and timers.
    pub async fn serve(mut self) -> io::Result<TestSandbox> {
        if self.plan.receiver.is_none() {
            let tls = TlsConfig::bundled().map_err(io::Error::other)?;
            self = self.webhook_transport(Arc::new(HyperTransport::new(&tls)));
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
    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The root URL of the vendors' APIs.
    pub fn url(&self) -> String {
        self.vendors.url()
    }

    /// The URL of the admin API.
    pub fn admin_url(&self) -> String {
        format!("{}/_sandbox/v1", self.admin.url())
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
        // The listeners' tasks hold handles too. If one of them were the last, its panic would not fail the test.
        self.sandbox.runner().assert_met();
    }
}
