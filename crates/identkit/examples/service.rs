//! A complete service: it opens cases, receives webhooks, collects the evidence in a folder and deletes the data at the vendor.
//! It can be killed at any time: the next start continues.
//!
//! ```sh
//! head -c 32 /dev/urandom > data/key    # then VENDOR, VENDOR_URL, ACCOUNT, SECRET, PUBLIC_URL, LISTEN, and for identify24 TOKEN
//! DATA=data cargo run -p identkit --example service --features axum,collector,sqlite
//! curl -d '{"reference":"case-4711","given_names":"Erika","family_name":"Mustermann","country":"DE","email":"…"}' localhost:8080/cases
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{env::var, error::Error, path::PathBuf, sync::Arc};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use identkit::collector::{CaseHooks, CaseWebhook, Collector, FolderSink, Notice, NoticedCase, ProviderSetup};
use identkit::core::{Address, NewCase, Outcome, Person, async_trait};
use identkit::identify24::{self, Identify24};
use identkit::identity_tm::{self, IdentityTm, OrderCallback};
use identkit::serde_json::{Value, from_slice, json};
use identkit::store::{KeyEncryptionKey, Sqlite, Store};
use identkit::transport::{SystemClock, http::HyperTransport, http::TlsConfig};
use identkit::{Secret, webhook, wire::Callback};

#[derive(Debug)]
struct Log;

#[async_trait]
impl CaseHooks for Log {
    async fn on_collected(&self, case: &NoticedCase, _: &Notice) -> Result<(), identkit::Error> {
        println!("case {}: {:?}, all evidence is saved", case.case.0, case.outcome);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (data, url, account, secret) =
        (PathBuf::from(var("DATA")?), var("VENDOR_URL")?, var("ACCOUNT")?, var("SECRET")?);
    let transport = Arc::new(HyperTransport::new(&TlsConfig::bundled()?));
    let key = KeyEncryptionKey::from_bytes(std::fs::read(data.join("key"))?.as_slice().try_into()?);
    let store = Store::open(Arc::new(Sqlite::builder(data.join("state.db")).open()?), key).await?;
    let (provider, callbacks) = if var("VENDOR")? == identity_tm::PROVIDER {
        let base = var("PUBLIC_URL")?.parse()?;
        let webhook = CaseWebhook::new("OnFinal", move |token| OrderCallback::OnFinal.url_template(&base, token));
        let client = IdentityTm::builder(identity_tm::Credentials::new(account, secret)).base_url(url);
        let client = Arc::new(client.transport(transport).build()?);
        (ProviderSetup::new(client).on_final(webhook), identity_tm::callbacks())
    } else {
        // Its portal has one webhook URL for all cases: PUBLIC_URL/identify24/TOKEN/status.
        store.add_token(identify24::PROVIDER, "status", &Secret::new(var("TOKEN")?)).await?;
        let client = Identify24::builder(identify24::Credentials::new(account, secret)).base_url(url);
        let client = Arc::new(client.outcome("Identified", Outcome::Positive).transport(transport).build()?);
        (ProviderSetup::new(client), vec![Arc::new(identify24::IdentStatusCallback) as Arc<dyn Callback>])
    };
    let (sink, clock) = (Arc::new(FolderSink::open(data.join("results"))?), Arc::new(SystemClock::new()));
    let builder = Collector::builder(store.clone(), sink, clock.clone()).provider(provider);
    let collector = Arc::new(builder.hooks(Arc::new(Log)).build()?);
    let receiver = webhook::Receiver::new(callbacks, collector.clone(), clock).tokens(Arc::new(store));
    let app = Router::new().route("/cases", post(open)).with_state(collector.clone());
    let listener = tokio::net::TcpListener::bind(var("LISTEN")?).await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app.merge(webhook::router(Arc::new(receiver)))).await });
    collector.run(async { drop(tokio::signal::ctrl_c().await) }).await;
    Ok(())
}

async fn open(State(collector): State<Arc<Collector>>, body: Bytes) -> Result<String, (StatusCode, String)> {
    let case: Value = from_slice(&body).map_err(|_| (StatusCode::BAD_REQUEST, "not valid JSON".to_owned()))?;
    let text = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or_default();
    let (given_names, family_name) = (text("given_names").into(), text("family_name").into());
    let address = Address { country: Some(text("country").into()), ..Address::default() };
    let person = Person { given_names, family_name, email: Some(text("email").into()), address, ..Person::default() };
    let new = NewCase { reference: Some(text("reference").into()), person, ..NewCase::default() };
    // In a task: an order that was begun is completed if the client closes its connection meanwhile.
    let opening = async move { collector.open(collector.providers().next().unwrap_or_default(), &new).await };
    let opened = tokio::spawn(opening).await.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let opened = opened.map_err(|error| (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let [id, url] = [&opened.vendor_id, &opened.person_url].map(|text| text.as_ref().map(Secret::expose));
    Ok(json!({"case": opened.case.0, "state": opened.state.as_str(), "vendor_id": id, "person_url": url}).to_string())
}
