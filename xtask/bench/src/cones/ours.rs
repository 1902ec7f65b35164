//! Places one order with identkit.
use std::sync::Arc;

use identkit::identity_tm::messages::PutOrder;
use identkit::identity_tm::{Credentials, IdentityTm};
use identkit::transport::SystemClock;
use identkit::transport::http::{HyperTransport, TlsConfig};
use identkit::{CallOptions, Secret};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let transport = HyperTransport::new(&TlsConfig::bundled().unwrap());
    let client = IdentityTm::builder(Credentials::new("customer", Secret::new("code")))
        .transport(Arc::new(transport))
        .clock(Arc::new(SystemClock::new()))
        .build()
        .unwrap();
    let placed = client.put_order(&PutOrder::default(), &CallOptions::new()).await.unwrap();
    println!("{}", placed.value.order_id.expose());
}
