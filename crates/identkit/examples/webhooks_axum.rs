//! Receives webhooks in an axum service, and reads the status afterwards.
//!
//! The receiver stores each event in a file, acknowledges it, and passes it to a worker. The sandbox delivers a webhook
//! of identity.TM over 127.0.0.1.
//!
//! ```sh
//! cargo run -p identkit --example webhooks_axum
//! ```
//!
//! Features: `axum`, `http`, `identity-tm`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use identkit::core::{Acceptance, Address, Event, Inbox, NewCase, Outcome, Person, async_trait};
use identkit::identity_tm::{self, IdentityTm, OrderCallback};
use identkit::transport::SystemClock;
use identkit::transport::http::{HyperTransport, TlsConfig};
use identkit::webhook::{FileInbox, Receiver, router};
use identkit::wire::Callback;
use identkit::{CallOptions, Error, IdentityProvider, Secret};
use identkit_mock_server::Sandbox;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Stores an event in the file, and passes new ones to the worker. It calls no vendor: identity.TM blocks an order until its
/// webhook is answered, so an inbox that reads the status blocks on itself (T-033, AT-78).
struct Queue {
    file: FileInbox,
    worker: mpsc::UnboundedSender<Event>,
}

#[async_trait]
impl Inbox for Queue {
    async fn accept(&self, event: Event) -> Result<Acceptance, Error> {
        // Make it durable first: the vendor never repeats an acknowledged webhook.
        let accepted = self.file.accept(event.clone()).await?;
        if accepted == Acceptance::New {
            // If the worker has stopped, nothing is lost. After a restart, read the file: one JSON event per line.
            let _ = self.worker.send(event);
        }
        Ok(accepted)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The token authenticates the vendor: at least 128 random bits, from your secret store.
    let token = Secret::new("9f2c7d4e1ab84c05b6e3d8f7a0c15e62");
    let folder = tempfile::tempdir()?;
    let (worker, mut events) = mpsc::unbounded_channel();
    let inbox = Queue { file: FileInbox::open(&folder.path().join("inbox.jsonl"))?, worker };
    let receiver = Receiver::new(identity_tm::callbacks(), Arc::new(inbox), Arc::new(SystemClock::new()));
    receiver.accept_token(identity_tm::PROVIDER, token.clone());

    // Any path will do: the receiver reads the last three segments, `<provider>/<token>/<event>`. Write no URLs to the log
    // of requests: they contain the token.
    let app = Router::new().nest("/kyc", router(Arc::new(receiver)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/kyc", listener.local_addr()?).parse()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let sandbox = Sandbox::serve().await?;
    let transport = Arc::new(HyperTransport::new(&TlsConfig::bundled()?));
    let builder = IdentityTm::builder(sandbox.identity_tm()).base_url(sandbox.identity_tm_url());
    let vendor: Arc<dyn IdentityProvider> = Arc::new(builder.transport(transport).build()?);

    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        address: Address { country: Some("DE".into()), ..Address::default() },
        ..Person::default()
    };
    let webhook_final = Some(OrderCallback::OnFinal.url_template(&base, &token)?);
    let case = NewCase { reference: Some("case-4711".into()), person, webhook_final, ..NewCase::default() };
    let opened = vendor.open(&case, &CallOptions::new()).await?;
    // Your database: the case by the vendor's id.
    let cases = HashMap::from([(opened.case.id.expose().to_owned(), opened.case)]);

    for id in cases.keys() {
        sandbox.play(id, "positive")?;
    }

    // The worker. An event is a hint, because the vendor does not sign it: only the status counts.
    let event = events.recv().await.ok_or("the receiver has stopped")?;
    println!("{} of {}", event.name, event.provider);
    let case = event.case_id.as_ref().and_then(|id| cases.get(id.expose())).ok_or("an event of an unknown case")?;
    let status = vendor.status(case, &CallOptions::new()).await?;
    println!("{:?} by {:?}", status.outcome, status.vendor_codes);
    assert_eq!(status.outcome, Outcome::Positive);
    assert_eq!(std::fs::read_to_string(folder.path().join("inbox.jsonl"))?.lines().count(), 1);
    Ok(())
}
