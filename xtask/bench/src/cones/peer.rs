//! Places one order with reqwest.
use std::sync::Arc;

mod order;

use order::{Answer, Order};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(config).build().unwrap();
    let request = client.put("https://customer.identity.tm/api/2.10/putOrder");
    let answer = request.json(&Order { reference: "case-4711".to_owned() }).send().await.unwrap();
    println!("{}", answer.json::<Answer>().await.unwrap().order_id);
}
