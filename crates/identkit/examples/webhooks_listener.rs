//! Receives webhooks in a service without an HTTP server, and stops gracefully.
//!
//! The sandbox delivers a webhook of identity.TM over 127.0.0.1.
//!
//! ```sh
//! cargo run -p identkit --features sqlite --example webhooks_listener
//! ```
//!
//! Features: `identity-tm`, `sqlite`, `webhook`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use identkit::CallOptions;
use identkit::identity_tm::messages::Address;
use identkit::identity_tm::{self, IdentityTm, NewOrder, OrderCallback};
use identkit::store::{EventId, KeyEncryptionKey, Sqlite, Store};
use identkit::transport::SystemClock;
use identkit::webhook::{ListenOptions, Receiver, listen};
use identkit::wire::Callback;
use identkit_mock_server::Sandbox;
use identkit_mock_server::journal::EntryKind;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    // A service keeps its key in a file or a secret store, apart from backups of the store.
    let key = KeyEncryptionKey::from_bytes(&*KeyEncryptionKey::random_bytes()?);
    let store = Store::open(Arc::new(Sqlite::builder(folder.path().join("state.db")).open()?), key).await?;
    let receiver = Receiver::new(identity_tm::callbacks(), Arc::new(store.clone()), Arc::new(SystemClock::new()));
    let receiver = receiver.tokens(Arc::new(store.clone()));
    // Put a proxy in front that terminates TLS, and name it, so that the listener does not limit its connections.
    let options = ListenOptions::default().trust_proxies(["10.0.0.0/8".parse()?]);
    let listener = listen(Arc::new(receiver), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?;
    let base = format!("http://{}", listener.address()).parse()?;

    let sandbox = Sandbox::serve().await?;
    let vendor = IdentityTm::builder(sandbox.identity_tm()).transport(sandbox.transport()).build()?;
    let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    // The token authenticates the vendor. The store has a hash of it only.
    let token = store.create_token(identity_tm::PROVIDER, "OnFinal").await?;
    let url = OrderCallback::OnFinal.url_template(&base, &token)?;
    let order = NewOrder::identification("e.mustermann@example.com", address).on_final(url).build()?;
    let placed = vendor.put_order(&order, &CallOptions::new()).await?;
    sandbox.play(placed.value.order_id.expose(), "positive")?;
    // The sandbox records a delivery attempt when it is answered: the event is then in the store.
    sandbox
        .wait_for_entries(0, |entries| {
            entries.map(|entry| &entry.kind).any(|kind| matches!(kind, EntryKind::Attempt(_))).then_some(())
        })
        .await;

    // A webhook that is being received is answered first. The vendor repeats any other one.
    listener.shutdown().await;
    let stored = store.events(EventId::default(), 10).await?;
    for stored in &stored {
        println!("{} {:?}", stored.delivery.event.name, stored.state);
    }
    assert_eq!(stored.len(), 1);
    Ok(())
}
