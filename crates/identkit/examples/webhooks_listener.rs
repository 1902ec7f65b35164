//! Receives webhooks in a service without an HTTP server, and stops gracefully.
//!
//! The sandbox delivers a webhook of identity.TM over 127.0.0.1.
//!
//! ```sh
//! cargo run -p identkit --example webhooks_listener
//! ```
//!
//! Features: `identity-tm`, `webhook`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use identkit::identity_tm::messages::Address;
use identkit::identity_tm::{self, IdentityTm, NewOrder, OrderCallback};
use identkit::transport::SystemClock;
use identkit::webhook::{FileInbox, ListenOptions, Receiver, listen};
use identkit::wire::Callback;
use identkit::{CallOptions, Secret};
use identkit_mock_server::Sandbox;
use identkit_mock_server::journal::EntryKind;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The token authenticates the vendor: at least 128 random bits, from your secret store.
    let token = Secret::new("9f2c7d4e1ab84c05b6e3d8f7a0c15e62");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("inbox.jsonl");
    let inbox = Arc::new(FileInbox::open(&path)?);
    let receiver = Receiver::new(identity_tm::callbacks(), inbox, Arc::new(SystemClock::new()));
    receiver.accept_token(identity_tm::PROVIDER, token.clone());
    // Put a proxy in front that terminates TLS, and name it, so that the listener does not limit its connections.
    let options = ListenOptions::default().trust_proxies(["10.0.0.0/8".parse()?]);
    let listener = listen(Arc::new(receiver), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?;
    let base = format!("http://{}", listener.address()).parse()?;

    let sandbox = Sandbox::serve().await?;
    let vendor = IdentityTm::builder(sandbox.identity_tm()).transport(sandbox.transport()).build()?;
    let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    let url = OrderCallback::OnFinal.url_template(&base, &token)?;
    let order = NewOrder::identification("e.mustermann@example.com", address).on_final(url).build()?;
    let placed = vendor.put_order(&order, &CallOptions::new()).await?;
    sandbox.play(placed.value.order_id.expose(), "positive")?;
    // The sandbox records a delivery attempt when it is answered: the event is then in the file.
    sandbox
        .wait_for_entries(0, |entries| {
            entries.map(|entry| &entry.kind).any(|kind| matches!(kind, EntryKind::Attempt(_))).then_some(())
        })
        .await;

    // A webhook that is being received is answered first. The vendor repeats any other one.
    listener.shutdown().await;
    for event in FileInbox::read(&path)? {
        println!("{}", event?.name);
    }
    assert_eq!(FileInbox::read(&path)?.count(), 1);
    Ok(())
}
