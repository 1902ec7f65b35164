//! Receives webhooks with plain hyper, and processes the stored events afterwards.
//!
//! The sandbox delivers a webhook of identify24 over 127.0.0.1. A service without an HTTP server of its own calls
//! `identkit::webhook::listen` instead of `serve` below.
//!
//! ```sh
//! cargo run -p identkit --features sqlite --example webhooks_hyper
//! ```
//!
//! Features: `http`, `identify24`, `sqlite`, `webhook`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use identkit::core::{Clock as _, Outcome, Purpose};
use identkit::identify24::messages::CreateIdent;
use identkit::identify24::{self, IdentStatusCallback, Identify24, samples};
use identkit::store::{Finish, KeyEncryptionKey, Sqlite, Store};
use identkit::transport::SystemClock;
use identkit::transport::http::{HyperTransport, TlsConfig};
use identkit::webhook::{Peer, Receiver, ReceiverService};
use identkit::wire::Callback;
use identkit::{CallOptions, IdentityProvider as _};
use identkit_mock_server::journal::EntryKind;
use identkit_mock_server::{Sandbox, vendors};
use tokio::net::TcpListener;

/// Put a proxy in front that terminates TLS, limits the time of a connection, and rejects requests with `Content-Length` and
/// `Transfer-Encoding`, which a service of hyper cannot see. `listen` needs no such proxy.
async fn serve(listener: TcpListener, receiver: Arc<Receiver>) {
    while let Ok((stream, peer)) = listener.accept().await {
        // The peer is required by `Receiver::allow_only`, and ignored without it.
        let service = ReceiverService::new(Arc::clone(&receiver)).peer(Peer(peer.ip()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    // A service keeps its key in a file or a secret store, apart from backups of the store.
    let key = KeyEncryptionKey::from_bytes(&*KeyEncryptionKey::random_bytes()?);
    let store = Store::open(Arc::new(Sqlite::builder(folder.path().join("state.db")).open()?), key).await?;
    let clock = Arc::new(SystemClock::new());
    let receiver = Receiver::new(vec![Arc::new(IdentStatusCallback)], Arc::new(store.clone()), clock.clone());
    let receiver = receiver.tokens(Arc::new(store.clone()));
    // The token authenticates the vendor. The store has a hash of it only.
    let token = store.create_token(identify24::PROVIDER, IdentStatusCallback.name()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?).parse()?;
    tokio::spawn(serve(listener, Arc::new(receiver)));

    let sandbox = Sandbox::serve().await?;
    // At the vendor, you set this URL in the partner portal (I-080).
    let url = IdentStatusCallback.url_template(&base, &token)?;
    sandbox.with_world(|world| vendors::identify24::set_webhook(world, Some(url)));
    let transport = Arc::new(HyperTransport::new(&TlsConfig::bundled()?));
    let builder = Identify24::builder(sandbox.identify24()).base_url(sandbox.url()).transport(transport);
    let vendor = builder.outcome("Identified", Outcome::Positive).build()?;

    // John Doe, the example of the vendor's document, without its placeholders.
    let mut ident = serde_json::from_str::<CreateIdent>(samples::CREATE_IDENT_REQUEST)?.project_id("6");
    (ident.pdf_url, ident.pdf_content) = (None, None);
    let id = vendor.create_ident(&ident, &CallOptions::new()).await?.value.ident_id.ok_or("no ident_id")?;
    sandbox.play(id.expose(), "positive")?;
    // The sandbox records a delivery attempt when it is answered: the event is then in the store.
    sandbox
        .wait_for_entries(0, |entries| {
            entries.map(|entry| &entry.kind).any(|kind| matches!(kind, EntryKind::Attempt(_))).then_some(())
        })
        .await;

    // The worker. All events of a case that arrived before its claim are one unit of work.
    let claims = store.claim(10, clock.wall()).await?;
    assert_eq!(claims.len(), 1);
    for claim in claims {
        // The vendor does not sign its webhooks: only the status that you read counts.
        let id = store.case(claim.case()).await?.and_then(|case| case.vendor_id).ok_or("the case has no ident id")?;
        let case = vendor.adopt(id.expose(), Purpose::Identification)?;
        let status = vendor.status(&case, &CallOptions::new()).await?;
        println!("{:?} by {:?}", status.outcome, status.vendor_codes);
        assert_eq!(status.outcome, Outcome::Positive);
        store.finish(&claim, Finish::Done).await?;
    }
    Ok(())
}
