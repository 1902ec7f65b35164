//! Uses a client from a synchronous program: a wrapper with its own runtime, and `block_on`.
//!
//! ```sh
//! cargo run -p identkit --example synchronous
//! ```
//!
//! Features: `identity-tm`; also `http` for real calls.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::io;
use std::sync::Arc;

use identkit::core::{Address, CaseRef, CaseStatus, NewCase, Opened, Outcome, Person};
use identkit::identity_tm::IdentityTm;
use identkit::{CallOptions, Error, IdentityProvider};
use identkit_mock_server::Sandbox;
use tokio::runtime::{Builder, Runtime};

/// A client whose methods block. Do not call them from asynchronous code: `block_on` panics inside a runtime.
///
/// The client owns the runtime, because idle connections belong to it. The runtime starts no threads, and several
/// threads can share it.
struct BlockingClient {
    runtime: Runtime,
    vendor: Arc<dyn IdentityProvider>,
}

impl BlockingClient {
    fn new(runtime: Runtime, vendor: Arc<dyn IdentityProvider>) -> Self {
        Self { runtime, vendor }
    }

    fn open(&self, case: &NewCase) -> Result<Opened, Error> {
        self.runtime.block_on(self.vendor.open(case, &CallOptions::new()))
    }

    fn status(&self, case: &CaseRef) -> Result<CaseStatus, Error> {
        self.runtime.block_on(self.vendor.status(case, &CallOptions::new()))
    }
}

/// Calls need timers for their deadlines, and sockets: `enable_all`.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = runtime()?;
    // The sandbox needs a runtime, too. For the vendor itself, build the client with a `HyperTransport`.
    let sandbox = runtime.block_on(async { Sandbox::start() });
    let vendor = IdentityTm::builder(sandbox.identity_tm()).transport(sandbox.transport()).build()?;
    let client = BlockingClient::new(runtime, Arc::new(vendor));

    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        address: Address { country: Some("DE".into()), ..Address::default() },
        ..Person::default()
    };
    let case = NewCase { reference: Some("case-4711".into()), person, ..NewCase::default() };
    let opened = client.open(&case)?;
    assert_eq!(client.status(&opened.case)?.outcome, Outcome::Pending);

    sandbox.play(opened.case.id.expose(), "positive")?;

    // Threads share the client.
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads = [(); 3].map(|()| scope.spawn(|| client.status(&opened.case).map(|status| status.outcome)));
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")).collect()
    });
    for outcome in outcomes {
        assert_eq!(outcome??, Outcome::Positive);
    }
    println!("three threads read that the case is positive");
    Ok(())
}
