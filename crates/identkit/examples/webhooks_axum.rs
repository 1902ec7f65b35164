//! Receives webhooks in an axum service, and reads the status afterwards.
//!
//! The receiver stores each event in a file, acknowledges it, and passes it to a worker. The sandbox delivers a webhook
//! of identity.TM over 127.0.0.1.
//!
//! ```sh
//! cargo run -p identkit --example webhooks_axum
//! ```
//!
//! Features: `http`, `identity-tm`, `webhook`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use identkit::core::{Acceptance, Address, Event, Inbox, NewCase, Outcome, Person, async_trait};
use identkit::identity_tm::{self, IdentityTm, OrderCallback};
use identkit::transport::http::{HyperTransport, TlsConfig};
use identkit::webhook::{BODY_LIMIT, FileInbox, Receiver};
use identkit::wire::Callback;
use identkit::{CallOptions, Error, IdentityProvider, Secret};
use identkit_mock_server::Sandbox;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Stores an event in the file, and passes new ones to the worker.
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

/// The handler calls no vendor. identity.TM blocks an order until its webhook is answered: a handler that reads the
/// status of the order blocks on itself, until the vendor cuts it off after 10 seconds (T-033, AT-78).
async fn webhook(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // Without a valid token, no body is read.
    if !receiver.admits(head.uri.path()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    receiver.handle(Request::from_parts(head, body)).await.map(Body::from)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The token authenticates the vendor: at least 128 random bits, from your secret store.
    let token = Secret::new("9f2c7d4e1ab84c05b6e3d8f7a0c15e62");
    let folder = tempfile::tempdir()?;
    let (worker, mut events) = mpsc::unbounded_channel();
    let inbox = Queue { file: FileInbox::open(&folder.path().join("inbox.jsonl"))?, worker };
    let receiver = Receiver::new(identity_tm::callbacks(), Arc::new(inbox));
    receiver.accept_token(identity_tm::PROVIDER, token.clone());

    // Any prefix will do: the receiver reads the last three segments, `<provider>/<token>/<event>`.
    let router = Router::new().route("/kyc/{*rest}", any(webhook)).with_state(Arc::new(receiver));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/kyc", listener.local_addr()?).parse()?;
    tokio::spawn(async move { axum::serve(listener, router).await });

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
