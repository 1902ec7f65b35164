//! The peak memory of a large download. The only test of its process, whose peak it measures.
//!
//! `IDENTKIT_DOWNLOAD_MIB=2048 cargo test --release -p identkit-transport --features http --test download -- --nocapture`
//! downloads 2 GiB. The default is 256 MiB.
#![cfg(all(feature = "http", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::Write;
use std::sync::Arc;

use http::Request;
use identkit_core::{Clock, Instant};
use identkit_transport::http::{HyperTransport, TlsConfig};
use identkit_transport::{AttemptContext, SystemClock, Transport};
use identkit_wire::Body;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const MIB: u64 = 1024 * 1024;

/// Peak memory of the process in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_large_download_needs_at_most_64_mib_of_memory() {
    let size = std::env::var("IDENTKIT_DOWNLOAD_MIB").map_or(256, |mib| mib.parse::<u64>().unwrap()) * MIB;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").as_bytes()).await.unwrap();
        let block = vec![7; 64 * 1024];
        for _ in 0..size / block.len() as u64 {
            stream.write_all(&block).await.unwrap();
        }
        stream.flush().await.unwrap();
    });

    let tls = TlsConfig::builder().without_roots().authorities(&[made.cert.der().to_vec()]).build().unwrap();
    let transport = HyperTransport::new(&tls);
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = format!("https://localhost:{port}/video").parse().unwrap();
    let clock = SystemClock::new();
    let (before, began) = (peak(), clock.now());
    let mut content = transport.send(request, &AttemptContext::new(true, Instant::NEVER)).await.unwrap().into_body();
    let mut read = 0;
    while let Some(chunk) = content.next().await {
        read += chunk.unwrap().len() as u64;
    }
    assert_eq!(read, size);
    let (after, took) = (peak(), clock.now().since(began));
    writeln!(
        std::io::stderr(),
        "{} MiB in {} ms; peak {} KiB, {} KiB more than before",
        size / MIB,
        took.as_millis(),
        after / 1024,
        (after - before) / 1024
    )
    .unwrap();
    assert!(after <= 64 * MIB, "{} KiB at the peak", after / 1024);
}
