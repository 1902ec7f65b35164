//! The smallest program: places one order with hyper and rustls.
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;

mod order;

use order::{Answer, Order};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = tokio::net::TcpStream::connect(("customer.identity.tm", 443)).await.unwrap();
    let stream = tls.connect(ServerName::try_from("customer.identity.tm").unwrap(), stream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let body = serde_json::to_vec(&Order { reference: "case-4711".to_owned() }).unwrap();
    let request = hyper::Request::put("/api/2.10/putOrder")
        .header("host", "customer.identity.tm")
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    println!("{}", serde_json::from_slice::<Answer>(&answer).unwrap().order_id);
}
