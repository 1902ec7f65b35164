//! Receives webhooks in an axum service, and reads the status afterwards.
//!
//! The receiver stores each event and acknowledges it. A worker claims the cases with new events, on this machine or on
//! another one. The sandbox delivers a webhook of identity.TM over 127.0.0.1.
//!
//! ```sh
//! cargo run -p identkit --features axum,sqlite --example webhooks_axum
//! ```
//!
//! Features: `axum`, `http`, `identity-tm`, `sqlite`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use identkit::core::{Address, Clock as _, NewCase, Outcome, Person};
use identkit::identity_tm::{self, IdentityTm, OrderCallback};
use identkit::store::{Finish, KeyEncryptionKey, Sqlite, Store};
use identkit::transport::SystemClock;
use identkit::transport::http::{HyperTransport, TlsConfig};
use identkit::webhook::{Receiver, router};
use identkit::wire::Callback;
use identkit::{CallOptions, IdentityProvider};
use identkit_mock_server::Sandbox;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    // A service keeps its key in a file or a secret store, apart from backups of the store.
    let key = KeyEncryptionKey::from_bytes(&*KeyEncryptionKey::random_bytes()?);
    let store = Store::open(Arc::new(Sqlite::builder(folder.path().join("state.db")).open()?), key).await?;
    let clock = Arc::new(SystemClock::new());
    let receiver = Receiver::new(identity_tm::callbacks(), Arc::new(store.clone()), clock.clone());
    let receiver = receiver.tokens(Arc::new(store.clone()));

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
    // The token authenticates the vendor. The store has a hash of it only.
    let token = store.create_token(identity_tm::PROVIDER, "OnFinal").await?;
    let webhook_final = Some(OrderCallback::OnFinal.url_template(&base, &token)?);
    let case = NewCase { reference: Some("case-4711".into()), person, webhook_final, ..NewCase::default() };
    let opened = vendor.open(&case, &CallOptions::new()).await?;
    // Your database: the case by the vendor's id.
    let cases = HashMap::from([(opened.case.id.expose().to_owned(), opened.case)]);

    for id in cases.keys() {
        sandbox.play(id, "positive")?;
    }

    // The worker. It does not call the vendor before the webhook is answered: identity.TM blocks the order until then
    // (T-033, AT-78). With PostgreSQL, `Store::changed` waits for new work.
    let claim = loop {
        match store.claim(1, clock.wall()).await?.pop() {
            Some(claim) => break claim,
            None => drop(clock.sleep_until(clock.now().plus(Duration::from_millis(10))).await),
        }
    };
    // An event is a hint, because the vendor does not sign it: only the status counts.
    let id = store.case(claim.case()).await?.and_then(|case| case.vendor_id).ok_or("the case has no order id")?;
    let case = cases.get(id.expose()).ok_or("an event of an unknown case")?;
    let status = vendor.status(case, &CallOptions::new()).await?;
    println!("{:?} by {:?}", status.outcome, status.vendor_codes);
    assert_eq!(status.outcome, Outcome::Positive);
    store.finish(&claim, Finish::Done).await?;
    Ok(())
}
